"""All engines: opened by name.

Each has its own module (``ort_engine``, ``openvino_engine``, ``torch_engine``), imported only when it is used: an image
holds one of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

from .protocol import UserError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from .engine import Engine, EngineSpec

__all__ = ["ENGINES", "PRECISIONS", "add_arguments", "compiler_cache", "gpu_of", "open_engine", "refuse_busy"]

ENGINES = ("onnxruntime", "openvino", "torch")
#: Arithmetic that a recipe may ask for. fp32 is kit's default for every engine, also where its vendor has another.
PRECISIONS = ("fp32", "tf32", "bf16", "fp16")


def open_engine(spec: EngineSpec, batch: int) -> Engine:
    """The engine, after a check that the model takes `batch` images at once.

    Raises:
        UserError: no such engine, model or device; an unknown option; another input than asked for.
    """
    precision = spec.options.get("precision", "fp32")
    if precision not in PRECISIONS:
        raise UserError(f"{precision!r} is not a precision", f"Choose one of {', '.join(PRECISIONS)}.")
    try:
        if spec.engine == "onnxruntime":
            from .ort_engine import OrtEngine

            return OrtEngine(spec, batch)
        if spec.engine == "openvino":
            from .openvino_engine import OpenvinoEngine

            return OpenvinoEngine(spec, batch)
        if spec.engine == "torch":
            from .torch_engine import TorchEngine

            return TorchEngine(spec, batch)
    except ModuleNotFoundError as error:
        remedy = "Build the image again with `kit build`, or install the extra of this target."
        raise UserError(f"there is no Python package {error.name!r} here", remedy, kind="missing") from None
    raise UserError(f"there is no engine {spec.engine!r}", f"Choose one of {', '.join(ENGINES)}.")


def gpu_of(spec: EngineSpec) -> int | None:
    """Number of the NVIDIA GPU that the engine uses; None: the processor."""
    device = str(spec.options.get("device", ""))
    if device.startswith("cuda"):
        return int(device.partition(":")[2] or 0)
    return int(device or 0) if spec.options.get("provider") in {"cuda", "tensorrt"} else None


def refuse_busy(spec: EngineSpec) -> None:
    """Refuse a GPU that another program uses, before this process and its workers use it.

    Raises:
        UserError: it is in use.
    """
    number = gpu_of(spec)
    if number is not None:
        from .gpu import refuse_busy as refuse

        refuse(number)


@contextlib.contextmanager
def compiler_cache(folder: str) -> Iterator[None]:
    """Let torch.compile write into `folder`, and remove it afterwards: a container's /tmp runs no programs."""
    os.makedirs(folder, exist_ok=True)
    place = tempfile.mkdtemp(prefix="compiled-", dir=folder)
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.environ["TRITON_CACHE_DIR"] = place
    try:
        yield
    finally:
        shutil.rmtree(place, ignore_errors=True)


def add_arguments(parser: argparse.ArgumentParser, *more: str) -> None:
    """``--engine`` and ``--options`` for the programs that open one; `more` are engines that only some have."""
    parser.add_argument("--engine", choices=(*ENGINES, *more), default="onnxruntime")
    parser.add_argument("--options", type=_options, default={}, help="the engine's own options, as JSON")


def _options(text: str) -> dict[str, Any]:
    tree = json.loads(text)
    if not isinstance(tree, dict):
        message = "not a JSON object"
        raise TypeError(message)
    return tree
