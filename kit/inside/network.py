"""A network of timm with the weights of a checkpoint, on the CPU, ready for inference."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, Any

from .protocol import UserError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from .checkpoint import Checkpoint

__all__ = ["build", "image_shape", "import_timm", "load_weights"]

_operators: Any = None


def import_timm() -> Any:
    """Import timm, offline, also where torch is a CPU build and torchvision a CUDA build."""
    # Nothing is fetched and nothing is cached: weights come from the caller alone, and the root is read-only.
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    # torch makes this folder when it is imported, though it compiles nothing here: name one that exists everywhere.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", "/")
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        # Package indexes have torchvision's CUDA build. Beside a CPU build of torch its own operators are missing, and
        # it refers to two of them while it is imported. timm needs none: that they are declared is enough.
        import torch

        global _operators  # noqa: PLW0603 - the declarations live as long as this object
        _operators = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            _operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import timm

    return timm


def image_shape(text: str) -> tuple[int, int, int]:
    """``3,224,224`` -> (channels, height, width)."""
    try:
        channels, height, width = (int(part) for part in text.split(","))
    except ValueError:
        channels = height = width = 0
    if min(channels, height, width) < 1:
        raise UserError(f"{text!r} is not a shape", "Give channels, height and width, such as 3,224,224.")
    return channels, height, width


def build(architecture: str, classes: int, shape: tuple[int, int, int]) -> Module:
    """Make the network with random weights, in evaluation mode; `shape` is (channels, height, width)."""
    import torch

    timm = import_timm()
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), 3)
        remedy = f"Did you mean {' or '.join(near)}?" if near else "timm.list_models() lists all names."
        raise UserError(f"timm {timm.__version__} has no architecture {architecture!r}", remedy)
    # Attention as plain operators: the fused one has no counterpart before opset 14.
    timm.layers.set_fused_attn(False)
    options: dict[str, Any] = {"num_classes": classes, "in_chans": shape[0], "exportable": True}
    configuration = timm.get_pretrained_cfg(architecture, allow_unregistered=True)
    if configuration is not None and configuration.fixed_input_size:
        options["img_size"] = shape[1:]
    try:
        model: Module = timm.create_model(architecture, pretrained=False, **options).eval()
        with torch.inference_mode():
            result = model(torch.zeros(2, *shape))
    except (TypeError, ValueError, AssertionError, RuntimeError, IndexError, ZeroDivisionError) as error:
        what = f"{architecture} does not take inputs of {_by(shape)}: {' '.join(str(error).split())[:200]}"
        raise UserError(what, "Correct architecture, classes or input shape of the recipe.") from error
    if not isinstance(result, torch.Tensor) or tuple(result.shape) != (2, classes):
        raise UserError(
            f"{architecture} gives no {classes} logits per image", "Choose an architecture that classifies."
        )
    return model


def load_weights(model: Module, checkpoint: Checkpoint, architecture: str, classes: int) -> None:
    """Put the weights of `checkpoint` into `model`.

    Raises:
        UserError: names or shapes that do not fit, NaN, infinity or a negative variance.
    """
    wanted: dict[str, Tensor] = model.state_dict()
    given = checkpoint.tensors
    # Models saved before PyTorch 0.4.1 have no such counters, and inference uses none.
    missing = [name for name in wanted if name not in given and not name.endswith(".num_batches_tracked")]
    unexpected = [name for name in given if name not in wanted]
    where, fits = checkpoint.path, f"Check that these are weights of {architecture} as timm names them."
    if missing:
        what = f"lacks {len(missing)} of the {len(wanted)} weights of {architecture}: {_some(missing)}"
        raise UserError(what, fits, where)
    if unexpected:
        what = f"holds {len(unexpected)} weights that {architecture} does not have: {_some(unexpected)}"
        raise UserError(what, fits, where)
    shapes = [name for name in given if given[name].shape != wanted[name].shape]
    if shapes:
        name = shapes[0]
        have, need = tuple(given[name].shape), tuple(wanted[name].shape)
        if have[1:] == need[1:] and need[:1] == (classes,):
            what = f"was trained for {have[0]} classes, not for {classes}"
            raise UserError(what, f"Set the number of classes to {have[0]}, or give other weights.", where)
        what = f"{name} has the shape {have}, and {architecture} needs {need}"
        raise UserError(what, fits, where)
    for name, tensor in given.items():
        _check_values(name, tensor, wanted[name], where)
    model.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in given.items()}, strict=False)


def _check_values(name: str, tensor: Tensor, wanted: Tensor, where: str) -> None:
    if tensor.is_floating_point() != wanted.is_floating_point():
        what = f"{name} has the type {tensor.dtype}, and {wanted.dtype} is needed"
        raise UserError(what, "Give the weights of the trained network.", where)
    if not tensor.is_floating_point():
        return
    intact = "Fetch or save the weights again: a network with such numbers gives no results."
    if bad := int((~tensor.isfinite()).sum()):
        what = f"{name} holds {bad} numbers that are NaN or infinite, of {tensor.numel()}"
        raise UserError(what, intact, where, "damaged")
    if not tensor.to(wanted.dtype).isfinite().all():
        raise UserError(f"{name} holds numbers too large for {wanted.dtype}", intact, where, "damaged")
    if name.endswith(".running_var") and (tensor < 0).any():
        raise UserError(f"{name} holds a negative variance", intact, where, "damaged")


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest
