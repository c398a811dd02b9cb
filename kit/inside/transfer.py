"""Weights of a checkpoint into a network: by name, or by order where all shapes agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .protocol import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from torch.nn import Module

    from .checkpoint import Checkpoint

__all__ = ["Transfer", "load_weights"]

#: Models saved before PyTorch 0.4.1 have no such counters, and inference uses none.
_COUNTER = ".num_batches_tracked"


@dataclass(frozen=True)
class Transfer:
    """How the weights of a file were matched to a network."""

    by: str
    """``name``, or ``order``."""
    renamed: tuple[tuple[str, str], ...] = ()
    """The first three names of the file and of the network, where they differ."""


def load_weights(model: Module, checkpoint: Checkpoint, architecture: str, classes: int) -> Transfer:
    """Put the weights of `checkpoint` into `model`.

    Names must agree; where they differ, but number, order and shapes of all weights agree, they are taken by order.

    Raises:
        UserError: names or shapes that do not fit, NaN, infinity or a negative variance.
    """
    wanted: dict[str, Tensor] = model.state_dict()
    given, transfer = checkpoint.tensors, Transfer("name")
    if checkpoint.ordered and not _same_names(given, wanted) and (pairs := _by_order(given, wanted)):
        given = {new: given[old] for old, new in pairs}
        transfer = Transfer("order", tuple([pair for pair in pairs if pair[0] != pair[1]][:3]))
    _check_names(given, wanted, checkpoint.path, architecture)
    _check_shapes(given, wanted, checkpoint.path, architecture, classes)
    for name, tensor in given.items():
        _check_values(name, tensor, wanted[name], checkpoint.path)
    model.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in given.items()}, strict=False)
    return transfer


def _same_names(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> bool:
    return all(name in wanted or name.endswith(_COUNTER) for name in given)


def _by_order(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> list[tuple[str, str]]:
    """Pairs of names of file and network in their order, where all shapes agree one by one; otherwise none."""
    ours = [name for name in given if not name.endswith(_COUNTER)]
    theirs = [name for name in wanted if not name.endswith(_COUNTER)]
    if len(ours) == len(wanted):  # the file's counters have other names, too
        theirs = list(wanted)
    if len(ours) != len(theirs):
        return []
    # A name that both have must match itself: elsewhere it would be another weight of the same shape.
    agree = all(
        given[old].shape == wanted[new].shape and (old == new or (old not in wanted and new not in given))
        for old, new in zip(ours, theirs, strict=True)
    )
    return list(zip(ours, theirs, strict=True)) if agree else []


def _check_names(given: dict[str, Tensor], wanted: dict[str, Tensor], where: str, architecture: str) -> None:
    missing = [name for name in wanted if name not in given and not name.endswith(_COUNTER)]
    unexpected = [name for name in given if name not in wanted]
    if not missing and not unexpected:
        return
    if missing:
        what = f"lacks {len(missing)} of the {len(wanted)} weights of {architecture}: {_some(missing)}"
        what += f"; it has {_some(unexpected)} instead" if unexpected else ""
    else:
        what = f"holds {len(unexpected)} weights that {architecture} does not have: {_some(unexpected)}"
    remedy = f"Check that these are weights of {architecture}, under the names that its code gives them."
    prefix = _common_prefix(list(given))
    if prefix and any(name.removeprefix(prefix) in wanted for name in given):
        what += f"; all names of the file begin with {prefix!r}"
        remedy = f"Write weights -> prefix: {prefix} in the recipe."
    elif ours := _longest_fitting_prefix(unexpected, wanted):
        what += f"; names that begin with {ours!r} would fit without it"
        remedy = f"Write weights -> prefix: {ours} in the recipe."
    elif prefix:
        what += f"; all names of the file begin with {prefix!r}"
    raise UserError(what, remedy, where)


def _common_prefix(names: Sequence[str]) -> str:
    """The longest prefix, up to a dot, that all names have."""
    first, last = min(names).split("."), max(names).split(".")  # what these two share, all share
    shared = [one for one, other in zip(first[:-1], last[:-1], strict=False) if one == other]
    while shared and not all(name.startswith(".".join(shared) + ".") for name in names):
        shared.pop()
    return ".".join([*shared, ""]) if shared else ""


def _longest_fitting_prefix(names: Sequence[str], wanted: dict[str, Tensor]) -> str:
    """A prefix, up to a dot, without which most of the wanted names are there."""
    found: dict[str, int] = {}
    for name in names:
        parts = name.split(".")
        for cut in range(1, len(parts)):
            if ".".join(parts[cut:]) in wanted:
                prefix = ".".join(parts[:cut]) + "."
                found[prefix] = found.get(prefix, 0) + 1
    best = max(found, key=lambda prefix: found[prefix], default="")
    return best if best and found[best] * 2 > len(wanted) else ""


def _check_shapes(
    given: dict[str, Tensor], wanted: dict[str, Tensor], where: str, architecture: str, classes: int
) -> None:
    odd = [name for name in given if given[name].shape != wanted[name].shape]
    if not odd:
        return
    name = odd[0]
    have, need = tuple(given[name].shape), tuple(wanted[name].shape)
    if have and need and have[1:] == need[1:] and need[:1] == (classes,):
        what = f"was trained for {have[0]} classes, not for {classes}"
        raise UserError(what, f"Set the number of classes to {have[0]}, or give other weights.", where)
    what = f"{name} has the shape {have}, and {architecture} needs {need}"
    raise UserError(what, f"Check that these are weights of {architecture}.", where)


def _check_values(name: str, tensor: Tensor, wanted: Tensor, where: str) -> None:
    if name.endswith(_COUNTER):  # may have been made a float together with the weights
        return
    if tensor.is_floating_point() != wanted.is_floating_point():
        what = f"{name} has the type {tensor.dtype}, and {wanted.dtype} is needed"
        raise UserError(what, "Give the weights of the trained network.", where)
    if not tensor.is_floating_point():
        return
    intact = "Fetch or save the weights again: a network with such numbers gives no results."
    if tensor.element_size() == 1:
        kind = str(tensor.dtype).removeprefix("torch.")
        what = f"{name} is stored as {kind}, which means nothing without the scales of its quantization"
        raise UserError(what, "Give weights of float16, bfloat16, float32 or float64.", where)
    if bad := int((~tensor.isfinite()).sum()):
        what = f"{name} holds {bad} numbers that are NaN or infinite, of {tensor.numel()}"
        raise UserError(what, intact, where, "damaged")
    if not tensor.to(wanted.dtype).isfinite().all():
        raise UserError(f"{name} holds numbers too large for {wanted.dtype}", intact, where, "damaged")
    if name.endswith(".running_var") and (tensor < 0).any():
        raise UserError(f"{name} holds a negative variance", intact, where, "damaged")


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest
