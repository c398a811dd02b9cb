"""``--input_shape`` and its dynamic companions, checked against the model's inputs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .atc_errors import AtcError, invalid
from .gflags import Flags
from .onnxwire import Model

__all__ = ["Shapes", "resolve"]

INTEGER = re.compile(r"\s*[+-]?\d{1,18}\s*", re.ASCII)
SAMPLE = '"input_name1:n1,c1,h1,w1;input_name2:n2,c2,h2,w2"'


@dataclass
class Shapes:
    """Dims by input name (-1 where a gear decides), and the gears."""

    dims: dict[str, tuple[int, ...]] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    sizes: list[list[int]] = field(default_factory=list)


def parse(text: str) -> dict[str, tuple[int, ...]]:
    """Read ``name:1,3,224,224;name2:...``; the last colon separates, a name may hold colons."""
    result: dict[str, tuple[int, ...]] = {}
    for item in text.strip(";").split(";"):
        name, colon, numbers = item.rpartition(":")
        if not colon or not name:
            raise broken(text, "the shape has no name or no value")
        dims = []
        for number in numbers.split(",") if numbers else []:
            if not INTEGER.fullmatch(number):
                raise broken(text, f"[{number}] is not an integer")
            dims.append(int(number))
        for size in dims:
            if size == 0 or size < -1:
                raise AtcError(
                    "E10011",
                    f"Value [{text}] for parameter [--input_shape] is invalid. Shape values must be positive "
                    f"integers. The error value in the shape is [{size}].",
                )
        result[name.strip()] = tuple(dims)
    return result


def broken(text: str, reason: str) -> AtcError:
    return AtcError(
        "E10002",
        f"Value [{text}] for parameter [--input_shape] is invalid. Reason: {reason}. The value must be formatted as "
        f"{SAMPLE}.",
    )


def profiles(text: str, flag: str) -> list[list[int]]:
    """Gears of a dynamic flag: at least two, at most a hundred, all of one length, all positive."""
    items = text.strip(";").split(";") if flag != "dynamic_batch_size" else text.strip(",").split(",")
    gears = []
    for item in items:
        parts = item.split(",")
        if not all(INTEGER.fullmatch(part) for part in parts):
            if flag == "dynamic_image_size":
                raise AtcError("E10020", f"Value [{text}] for parameter [--dynamic_image_size] is invalid.")
            raise invalid(text, f"--{flag}", "It can only contain digits and commas.")
        gears.append([int(part) for part in parts])
    if flag == "dynamic_image_size" and any(len(gear) != 2 for gear in gears):
        raise AtcError("E10020", f"Value [{text}] for parameter [--dynamic_image_size] is invalid.")
    label = "[--dynamic_batch_size], [--dynamic_image_size], or [--dynamic_dims]"
    if len(gears) < 2:
        raise AtcError("E10035", f"{label} has [{len(gears)}] profiles, which is less than the minimum [2].")
    if len(gears) > 100:
        raise AtcError("E10036", f"{label} has [{len(gears)}] profiles, which is greater than the maximum [100].")
    first = gears[0]
    for gear in gears:
        if len(gear) != len(first):
            raise AtcError(
                "E10037",
                f"The profiles configured in {label} have inconsistent dimension counts. A profile has "
                f"[{len(first)}] dimensions while another has [{len(gear)}] dimensions.",
            )
        for size in gear:
            if size <= 0:
                raise AtcError("E10038", f"Dimension size [{size}] is invalid. The value must be greater than 0.")
    if len({tuple(gear) for gear in gears}) < len(gears):
        raise AtcError("E10039", f"{label} has duplicate profiles.")
    return gears


def resolve(flags: Flags, model: Model) -> Shapes:
    """The shapes to compile for.

    Raises:
        AtcError: a name or a dimension does not fit the model or the dynamic flags.
    """
    given = parse(flags.text("input_shape")) if flags["input_shape"] else {}
    ports = {port.name: port for port in model.inputs}
    for name, dims in given.items():
        if name not in ports:
            known = any(name in {node.name, *node.outputs} for node in model.nodes)
            if known:
                raise AtcError(
                    "E10017", f"Input op [{name}] specified in [--input_shape] is invalid. The op type must be Data."
                )
            raise AtcError("E10016", f"Opname [{name}] specified in [--input_shape] is not found in the model")
        if ports[name].dims and len(dims) != len(ports[name].dims):
            raise AtcError(
                "E10049",
                f"Dimension count [{len(dims)}] configured in [--input_shape] does not match dimension count "
                f"[{len(ports[name].dims)}] of the node [{name}].",
            )
    shapes = Shapes({name: given.get(name, port.dims) for name, port in ports.items()})
    open_axes = sum(size < 0 for dims in given.values() for size in dims)
    if flags["dynamic_batch_size"]:
        resolve_batch(flags, given, shapes)
    elif flags["dynamic_image_size"]:
        shapes.sizes = profiles(flags.text("dynamic_image_size"), "dynamic_image_size")
        if not any(len(dims) == 4 and dims[2:] == (-1, -1) and min(dims[:2]) > 0 for dims in given.values()):
            raise AtcError(
                "E10019",
                "When [--dynamic_image_size] is included, only the height and width axes can be -1 in [--input_shape].",
            )
    elif flags["dynamic_dims"]:
        shapes.sizes = profiles(flags.text("dynamic_dims"), "dynamic_dims")
        if open_axes != len(shapes.sizes[0]):
            raise AtcError(
                "E10040",
                f"The dimension count [{len(shapes.sizes[0])}] of [--dynamic_dims] does not match the [{open_axes}] "
                "axes that are -1 in [--input_shape].",
            )
    elif open_axes and not flags["input_shape_range"]:
        raise AtcError(
            "E10011",
            f"Value [{flags['input_shape']}] for parameter [--input_shape] is invalid. Shape values must be positive "
            "integers. The error value in the shape is [-1].",
        )
    elif not flags["input_shape_range"] and any(size < 0 for dims in shapes.dims.values() for size in dims):
        raise invalid(-1, "Inputs", "maybe you should set input_shape to specify its shape.")
    return shapes


def resolve_batch(flags: Flags, given: dict[str, tuple[int, ...]], shapes: Shapes) -> None:
    shapes.batches = [gear[0] for gear in profiles(flags.text("dynamic_batch_size"), "dynamic_batch_size")]
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
