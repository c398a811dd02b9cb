"""Top1 to Top5 of one row of scores per image."""
