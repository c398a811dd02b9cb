"""Sets of weights in a checkpoint: which there are, and which one to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .protocol import UserError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["KEYS", "TENSORS_ONLY", "choose_set", "find_sets"]

#: Where training scripts put the weights.
KEYS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "net", "network", "weights", "params")
TENSORS_ONLY = "Save the weights alone: torch.save({'state_dict': model.state_dict()}, path)."


def find_sets(content: Any, path: str) -> dict[str, dict[str, Any]]:
    """Sets of weights by their key in the file; the key is empty where they are the file itself.

    Raises:
        UserError: there is none.
    """
    if not isinstance(content, Mapping):
        raise UserError(f"holds a {type(content).__name__}, not a set of named weights", TENSORS_ONLY, path)
    found = {key: dict(content[key]) for key in KEYS if isinstance(content.get(key), Mapping) and content[key]}
    if not found:  # sets under names of their own, one level down or two
        found = {
            key: dict(value)
            for key, value in content.items()
            if isinstance(key, str) and isinstance(value, Mapping) and _holds_tensors(value)
        }
        if any(_is_tensor(value) for value in content.values()):
            found = {}
    found = {key: value for key, value in found.items() if value}
    if found:
        return found
    if not content:
        raise UserError("holds no weights", TENSORS_ONLY, path, "damaged")
    return {"": dict(content)}


def choose_set(
    sets: Mapping[str, Mapping[str, Any]], content: Mapping[str, Any], chosen: str | None, path: str
) -> tuple[str, dict[str, Tensor]]:
    """The chosen set and its key; without a choice the first.

    Raises:
        UserError: no such set, a set that holds something else than weights.
    """
    shown = ", ".join(f"{key} ({len(value)})" for key, value in sets.items() if key) or "one, at top level"
    if chosen is None:
        key, weights = next(iter(sets.items()))
    else:
        key = chosen
        value: Any = content
        for part in chosen.split("."):
            value = value.get(part) if isinstance(value, Mapping) else {}
        if not isinstance(value, Mapping) or not value:
            what = f"has no set of weights {chosen!r}; it has {shown}"
            raise UserError(what, "Correct weights -> set of the recipe.", path)
        weights = value
    return key, _checked(weights, key, path)


def _checked(weights: Mapping[str, Any], key: str, path: str) -> dict[str, Tensor]:
    import torch

    for name, tensor in weights.items():
        place = f"{key}[{name!r}]" if key else repr(name)
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            kind = "NumPy value" if type(tensor).__name__ == "_Unused" else type(tensor).__name__
            what = f"holds a {kind} at {place}, where only weights may be"
            known = "" if key else f" Weights may be at top level or under one of: {', '.join(KEYS)}."
            raise UserError(what, TENSORS_ONLY + known, path)
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta or tensor.is_complex():
            kind = "quantized" if tensor.is_quantized else "meta" if tensor.is_meta else str(tensor.layout)
            raise UserError(f"holds no ordinary tensor at {place} ({kind})", TENSORS_ONLY, path)
    return {str(name): tensor.detach() for name, tensor in weights.items()}


def _holds_tensors(value: Mapping[Any, Any]) -> bool:
    return bool(value) and all(isinstance(name, str) and _is_tensor(one) for name, one in value.items())


def _is_tensor(value: object) -> bool:
    import torch

    return isinstance(value, torch.Tensor)
