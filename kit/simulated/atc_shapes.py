"""``--input_shape`` and its dynamic companions, checked against the model's inputs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .atc_flags import AtcError, invalid
from .gflags import Flags
from .models import ModelPort

__all__ = ["Shapes", "resolve"]

_INTEGER = re.compile(r"\s*[+-]?\d{1,18}\s*", re.ASCII)
_RANGE = re.compile(r"\s*\d{1,18}\s*~\s*\d{1,18}\s*", re.ASCII)
_LABEL = "[--dynamic_batch_size], [--dynamic_image_size], or [--dynamic_dims]"


@dataclass
class Shapes:
    """Dims by input name (-1 where a gear, a range or the file decides), and the gears."""

    dims: dict[str, tuple[int, ...]] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    sizes: list[list[int]] = field(default_factory=list)
    ranges: dict[str, list[list[int]]] = field(default_factory=dict)


def wrong(text: str, reason: str) -> AtcError:
    sample = '"input_name1:n1,c1,h1,w1;input_name2:n2,c2,h2,w2"'
    return AtcError(
        "E10002",
        f"Value [{text}] for parameter [--input_shape] is invalid. Reason: {reason}. The value must be formatted as "
        f"{sample}.",
    )


def not_positive(text: object, size: int) -> AtcError:
    return AtcError(
        "E10011",
        f"Value [{text}] for parameter [--input_shape] is invalid. Shape values must be positive integers. The error "
        f"value in the shape is [{size}].",
    )


def parse(text: str, *, ranges: bool) -> tuple[dict[str, tuple[int, ...]], dict[str, list[list[int]]]]:
    """Read ``name:1,3,224,224;name2:...``; the last colon separates; a range ``1~10``, where it is known, is -2.

    Returns:
        Sizes by input, and of inputs with a range the least and the most of each axis.
    """
    result: dict[str, tuple[int, ...]] = {}
    bounds: dict[str, list[list[int]]] = {}
    for item in text.strip(";").split(";"):
        name, colon, numbers = item.rpartition(":")
        if not colon or not name:
            raise wrong(text, "the shape has no name or no value")
        dims = []
        for number in numbers.split(",") if numbers else []:
            if not _INTEGER.fullmatch(number) and not (ranges and _RANGE.fullmatch(number)):
                raise wrong(text, f"[{number}] is not an integer")
            dims.append(int(number) if _INTEGER.fullmatch(number) else -2)
        for size in dims:
            if size == 0 or size < -2:
                raise not_positive(text, size)
        result[name.strip()] = tuple(dims)
        if -2 in dims:
            bounds[name.strip()] = [[int(size) for size in (part * 2)[:2]] for part in _parts(numbers)]
    return result, bounds


def _parts(numbers: str) -> list[list[str]]:
    return [number.split("~") for number in numbers.split(",")]


def gears_of(text: str, flag: str) -> list[list[int]]:
    """Gears of a dynamic flag: at least two, at most a hundred, all of one length, all positive, none twice."""
    items = text.strip(",").split(",") if flag == "dynamic_batch_size" else text.strip(";").split(";")
    gears = []
    for item in items:
        parts = item.split(",")
        if not all(_INTEGER.fullmatch(part) for part in parts) or (flag == "dynamic_image_size" and len(parts) != 2):
            if flag == "dynamic_image_size":
                raise AtcError("E10020", f"Value [{text}] for parameter [--dynamic_image_size] is invalid.")
            raise invalid(text, f"--{flag}", "It can only contain digits and commas.")
        gears.append([int(part) for part in parts])
    if not 2 <= len(gears) <= 100:
        code, than = (
            ("E10035", "less than the minimum [2]") if len(gears) < 2 else ("E10036", "greater than the maximum [100]")
        )
        raise AtcError(code, f"{_LABEL} has [{len(gears)}] profiles, which is {than}.")
    if len({len(gear) for gear in gears}) > 1:
        raise AtcError("E10037", f"The profiles configured in {_LABEL} have inconsistent dimension counts.")
    low = min(min(gear) for gear in gears)
    if low <= 0:
        raise AtcError("E10038", f"Dimension size [{low}] is invalid. The value must be greater than 0.")
    if len({tuple(gear) for gear in gears}) < len(gears):
        raise AtcError("E10039", f"{_LABEL} has duplicate profiles.")
    return gears


def resolve(flags: Flags, inputs: tuple[ModelPort, ...], nodes: set[str], *, ranges: bool = True) -> Shapes:
    """The shapes to compile for; ``nodes`` are names of the graph's nodes and tensors, for a better message.

    ``ranges``: whether this version takes them in ``--input_shape``.

    Raises:
        AtcError: a name or a dimension does not fit the model or the dynamic flags.
    """
    given, bounds = parse(flags.text("input_shape"), ranges=ranges) if flags["input_shape"] else ({}, {})
    ports = {port.name: port for port in inputs}
    for name, dims in given.items():
        if name not in ports and name in nodes:
            raise AtcError(
                "E10017", f"Input op [{name}] specified in [--input_shape] is invalid. The op type must be Data."
            )
        if name not in ports:
            raise AtcError("E10016", f"Opname [{name}] specified in [--input_shape] is not found in the model")
        if ports[name].dims and len(dims) != len(ports[name].dims):
            raise AtcError(
                "E10049",
                f"Dimension count [{len(dims)}] configured in [--input_shape] does not match dimension count "
                f"[{len(ports[name].dims)}] of the node [{name}].",
            )
    ranged = bool(flags["input_shape_range"]) or any(-2 in dims for dims in given.values())
    shapes = Shapes({name: tuple(max(n, -1) for n in given.get(name, port.dims)) for name, port in ports.items()})
    shapes.ranges = bounds
    flag = next((one for one in ("dynamic_batch_size", "dynamic_image_size", "dynamic_dims") if flags[one]), "")
    gears = gears_of(flags.text(flag), flag) if flag else []
    if flag == "dynamic_batch_size":
        shapes.batches = [gear[0] for gear in gears]
        check_batch(given)
    elif flag == "dynamic_image_size":
        shapes.sizes = gears
        if not any(len(dims) == 4 and dims[2:] == (-1, -1) and min(dims[:2]) > 0 for dims in given.values()):
            only = "only the height and width axes can be -1 in [--input_shape]"
            raise AtcError("E10019", f"When [--dynamic_image_size] is included, {only}.")
    elif flag == "dynamic_dims":
        if flags["input_format"] != "ND":
            raise invalid(flags["input_format"], "--input_format", "it must be ND when dynamic_dims is set.")
        shapes.sizes = gears
        free = sum(size < 0 for dims in given.values() for size in dims)
        if free != len(gears[0]):
            raise AtcError(
                "E10040",
                f"The dimension count [{len(gears[0])}] of [--dynamic_dims] does not match the [{free}] axes that are "
                "-1 in [--input_shape].",
            )
    elif not ranged and any(size < 0 for dims in given.values() for size in dims):
        raise not_positive(flags["input_shape"], -1)
    elif not ranged and any(size < 0 for dims in shapes.dims.values() for size in dims):
        raise invalid(-1, "Inputs", "maybe you should set input_shape to specify its shape.")
    return shapes


def check_batch(given: dict[str, tuple[int, ...]]) -> None:
    """Only the first axis may be open, and one must be."""
    for dims in given.values():
        if any(size < 0 for size in dims[1:]):
            raise AtcError(
                "E10018",
                f"Value [{','.join(map(str, dims))}] for shape is invalid. When [--dynamic_batch_size] is included, "
                "only batch size N can be -1 in [--input_shape].",
            )
    if not any(dims and dims[0] == -1 for dims in given.values()):
        raise AtcError(
            "E10031",
            "[--dynamic_batch_size] is included, but none of the nodes specified in [--input_shape] has a batch size "
            "equaling -1.",
        )
