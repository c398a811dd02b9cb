"""Types of arguments that several programs take."""

from __future__ import annotations

import argparse

from .protocol import UserError

__all__ = ["parse_shape", "positive"]


def positive(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not positive")
    return value


def parse_shape(text: str) -> tuple[int, ...]:
    """The shape in ``3,224,224``."""
    fields = text.split(",")
    if len(fields) != 3 or not all(one.isascii() and one.isdigit() and int(one) > 0 for one in fields):
        raise UserError(f"{text!r} is not a shape", "Give channels,height,width, such as 3,224,224.")
    return tuple(map(int, fields))
