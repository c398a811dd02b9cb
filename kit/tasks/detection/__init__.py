"""Boxes: mean average precision as COCO defines it."""
