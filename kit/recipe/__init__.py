"""The recipe: schema, loader, target options."""
