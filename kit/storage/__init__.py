"""Where artifacts and records lie, how files are written and hashed."""
