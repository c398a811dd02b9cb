"""The network of a recipe, on the CPU, ready for inference: from timm, torchvision, or the user's own code."""

from __future__ import annotations

import difflib
import inspect
import os
from typing import TYPE_CHECKING, Any

from .checkpoint import read_checkpoint
from .owncode import call, find_function, refuse_error
from .protocol import UserError, oneline
from .specification import InputSpec, NetworkSpec
from .transfer import Transfer, load_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor
    from torch.nn import Module

    from .checkpoint import Checkpoint

__all__ = [
    "build", "create", "example_inputs", "import_timm", "import_torchvision", "load_weights", "nchw", "open_network",
    "published_config", "reparameterize", "results_of", "unknown_model",
]  # fmt: skip

_operators: Any = None
_FIT = "Correct architecture, classes, create or input shape of the recipe."


def import_torchvision() -> Any:
    """Import torchvision, also where torch is a CPU build and torchvision a CUDA build."""
    # Nothing is fetched and nothing is cached: weights come from the caller alone, and the root is read-only.
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    # torch makes this folder when it is imported, though it compiles nothing here: name one that exists everywhere.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", "/")
    try:
        import torchvision
    except RuntimeError:
        # Package indexes have torchvision's CUDA build. With a CPU build of torch its operators are missing, and its
        # import refers to two of them. Inference needs none: declaring them is enough.
        import torch

        global _operators  # noqa: PLW0603 - the declarations live as long as this object
        _operators = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            _operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    return torchvision


def import_timm() -> Any:
    """Import timm, offline."""
    import_torchvision()
    import timm

    return timm


def open_network(spec: NetworkSpec, weights: str, code: str | None = None) -> tuple[Module, Checkpoint, Transfer]:
    """The network with its weights in it; also the checkpoint, and how its names were matched to those of the network.

    Args:
        spec: the recipe's model.
        weights: the checkpoint.
        code: file or folder of the own code, where the source is code.

    Raises:
        UserError: several sets of weights and no choice; what :func:`create`, :func:`.checkpoint.read_checkpoint` and
            :func:`.transfer.load_weights` raise.
    """
    checkpoint = read_checkpoint(weights, spec.set, spec.prefix)
    if checkpoint.others and spec.set is None:  # such as the average of a training: neither is the obvious choice
        what = f"holds several sets of weights: {', '.join((checkpoint.key or '', *checkpoint.others))}"
        raise UserError(what, "Choose one with weights -> set of the recipe.", weights)
    model = create(spec, code)
    transfer = load_weights(model, checkpoint, spec.title, spec.classes)
    if spec.reparameterize:
        reparameterize(model, spec)
    return model, checkpoint, transfer


def build(architecture: str, classes: int, shape: tuple[int, int, int]) -> Module:
    """A network of timm with random weights, in evaluation mode; `shape` is (channels, height, width)."""
    return create(NetworkSpec(architecture=architecture, classes=classes, inputs=(InputSpec(shape=shape),)))


def create(spec: NetworkSpec, code: str | None = None) -> Module:
    """The network with its initial weights, in evaluation mode, after a trial on a batch of two.

    Raises:
        UserError: no such model, arguments or inputs that it does not take, own code that fails.
    """
    import torch

    makers: dict[str, Callable[[], Any]] = {
        "timm": lambda: _from_timm(spec),
        "torchvision": lambda: _from_torchvision(spec),
        "code": lambda: _from_code(spec, code or ""),
    }
    try:
        model = makers[spec.source]()
        model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
        model = model.module if isinstance(model, torch.nn.DataParallel) else model
        if not isinstance(model, torch.nn.Module):
            what = f"{spec.title} gives a {type(model).__name__}, not a torch.nn.Module"
            raise UserError(what, "Return the network, with or without weights.", code)
        results = _tried(model, spec, code)
    except (TypeError, ValueError, AssertionError, RuntimeError, IndexError, ZeroDivisionError, KeyError) as error:
        sizes = " and ".join(one.size for one in spec.inputs)
        what = f"{spec.title} does not take inputs of {sizes}: {oneline(error)}"
        raise UserError(what, _FIT) from error
    _check_results(results, spec, code)
    return model


def _tried(model: Module, spec: NetworkSpec, code: str | None) -> list[Tensor]:
    """What the network, now in evaluation mode on the CPU, gives for its example inputs."""
    import torch

    try:
        model.cpu().float() if spec.inputs[0].dtype == "float32" else model.cpu()
        model.eval()
        with torch.inference_mode():
            result = model(*nchw(example_inputs(spec), spec))
    except BaseException as error:
        if code is None:
            raise
        sizes = " and ".join(one.size for one in spec.inputs)
        remedy = "Correct input -> shape (inputs, for several) of the recipe, or your code; -v shows the traceback."
        refuse_error(error, code, f"computes inputs of {sizes}", remedy)
    return results_of(result, spec, code)


def nchw(inputs: tuple[Any, ...], spec: NetworkSpec) -> tuple[Any, ...]:
    """Inputs of the graph as the network takes them: images channels first."""
    return tuple(
        tensor.permute(0, 3, 1, 2) if one.layout == "NHWC" and len(one.shape) == 3 else tensor
        for tensor, one in zip(inputs, spec.inputs, strict=True)
    )


def results_of(result: Any, spec: NetworkSpec, code: str | None = None) -> list[Tensor]:
    """The tensors of a network's result that are exported: all of a tuple or mapping, or the one that is chosen.

    Raises:
        UserError: no such result, or something that is not a tensor.
    """
    import torch

    if spec.returns is not None:
        try:
            named = isinstance(spec.returns, str) and not isinstance(result, dict | torch.Tensor)
            result = getattr(result, str(spec.returns)) if named else result[spec.returns]
        except (KeyError, IndexError, TypeError, AttributeError):
            keys = list(result) if isinstance(result, dict) else list(range(len(result))) if _several(result) else []
            has = f"it has {', '.join(map(str, keys))}" if keys else "it has one only"
            what = f"{spec.title} has no result {spec.returns!r}: {has}"
            raise UserError(what, "Correct model -> returns of the recipe.", code) from None
    results = list(result.values()) if isinstance(result, dict) else list(result) if _several(result) else [result]
    if odd := [type(one).__name__ for one in results if not isinstance(one, torch.Tensor)]:
        what = f"{spec.title} gives a {odd[0]} where a tensor is needed"
        raise UserError(what, "Choose one of its results with model -> returns of the recipe.", code)
    return results


def _several(result: Any) -> bool:
    return isinstance(result, tuple | list)


def _check_results(results: list[Tensor], spec: NetworkSpec, code: str | None) -> None:
    if len(results) != len(spec.outputs):
        what = f"{spec.title} has {len(results)} outputs, and the recipe names {len(spec.outputs)}"
        remedy = "Name all of them under outputs, or choose one with model -> returns."
        raise UserError(what, remedy, code)
    spec.check_scores(results[0], spec.inputs[0].batch or 2, code or spec.architecture)


def example_inputs(spec: NetworkSpec, batch: int | None = None, seed: int | None = None) -> tuple[Tensor, ...]:
    """Inputs of zeros, or of random numbers; two samples, so that no operator takes a batch of one for a missing axis.

    Args:
        spec: its inputs.
        batch: another number of samples.
        seed: of random numbers; whole numbers are drawn from 0 to 9, which stay within any vocabulary.
    """
    import torch

    generator = None if seed is None else torch.Generator().manual_seed(seed)
    found = []
    for one in spec.inputs:
        shape = (batch or one.batch or 2, *one.shape)
        dtype = getattr(torch, one.dtype)
        if generator is None:
            found.append(torch.zeros(shape, dtype=dtype))
        elif dtype.is_floating_point:
            found.append(torch.randn(shape, generator=generator).to(dtype))
        else:
            found.append(torch.randint(0, 10, shape, generator=generator).to(dtype))
    return tuple(found)


def unknown_model(package: Any, kind: str, name: str, names: list[str], lister: str) -> UserError:
    """The error for a model that a package does not have, with similar names."""
    near = difflib.get_close_matches(name.partition(".")[0], names, 3)
    remedy = f"Did you mean {' or '.join(near)}?" if near else f"{lister} lists all names."
    return UserError(f"{package.__name__} {package.__version__} has no {kind} {name!r}", remedy)


def published_config(timm: Any, name: str) -> Any:
    """Timm's configuration of weights, ``ARCHITECTURE`` or ``ARCHITECTURE.TAG``.

    Raises:
        UserError: the architecture has none under this tag; with those that it has.
    """
    base, _, tag = name.partition(".")
    try:
        config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    except RuntimeError:  # what timm raises for an unknown tag
        config = None
    if config is None or (tag and config.tag != tag):
        tags = [one.partition(".")[2] for one in timm.list_pretrained(f"{base}.*")]
        remedy = f"Choose a tag ({', '.join(tags[:8])}), or leave it out." if tags else "Leave the tag out."
        raise UserError(f"timm {timm.__version__} has no weights {name!r}", remedy)
    return config


def _from_timm(spec: NetworkSpec) -> Module:
    timm = import_timm()
    architecture = spec.architecture or ""
    if ":" in architecture or "/" in architecture or not timm.is_model(architecture):
        raise unknown_model(timm, "architecture", architecture, timm.list_models(), "timm.list_models()")
    # Attention as plain operators: the fused one has no counterpart before opset 14.
    timm.layers.set_fused_attn(False)
    shape = spec.inputs[0].image
    if shape is None:
        raise UserError(f"{architecture} takes images, not inputs of {spec.inputs[0].size}", _FIT)
    options: dict[str, Any] = {"num_classes": spec.classes, "in_chans": shape[0], "exportable": True}
    if published_config(timm, architecture).fixed_input_size:
        options["img_size"] = shape[1:]
    model: Module = timm.create_model(architecture, pretrained=False, **options | spec.create)
    return model


def _from_torchvision(spec: NetworkSpec) -> Module:
    torchvision = import_torchvision()
    architecture = spec.architecture or ""
    names = torchvision.models.list_models()
    if architecture not in names:
        raise unknown_model(torchvision, "model", architecture, names, "torchvision.models.list_models()")
    options: dict[str, Any] = {"weights": None, "num_classes": spec.classes}
    builder = torchvision.models.get_model_builder(architecture)
    if "weights_backbone" in inspect.signature(builder).parameters:
        options["weights_backbone"] = None
    if architecture in {"googlenet", "inception_v3"}:
        options["init_weights"] = False  # drawing the numbers takes half a minute, and the checkpoint replaces them
    model: Module = builder(**options | spec.create)
    return model


def _from_code(spec: NetworkSpec, code: str) -> Any:
    import_torchvision()  # the user's code may import it, or timm
    function = find_function(spec.build or "", code)
    return call(function, dict(spec.create), code)


def reparameterize(model: Module, spec: NetworkSpec) -> None:
    """Fuse the branches of networks that have a form for inference of their own, such as RepVGG, MobileOne and FastViT.

    Raises:
        UserError: the network has none.
    """
    from timm.models import reparameterize_model

    before = [type(module) for module in model.modules()]
    reparameterize_model(model, inplace=True)
    fused = before != [type(module) for module in model.modules()]
    if not fused:
        what = f"{spec.title} has no branches that could be fused"
        raise UserError(what, "Leave model -> reparameterize out of the recipe.")
