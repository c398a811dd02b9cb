"""Recipe and targets become steps. Pure: no clock, no file, no device."""
