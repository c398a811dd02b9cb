"""What models do, one folder each: found by the entry point group ``kit.tasks``."""
