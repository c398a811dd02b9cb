"""A class for each pixel: mean intersection over union, with labels that are left out."""
