"""``kit init``: a recipe for a model that has none."""
