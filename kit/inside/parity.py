"""The exported model against PyTorch, on real images: how far the logits are apart, and whether Top1 agrees.

Command line::

    python3 -m inside.parity --weights FILE --onnx FILE --architecture spnasnet_100 --classes 1000 --images DIR
        --preprocess JSON [--samples 32] [--max-abs 1e-3] [--min-cosine 0.9999] [--min-top1 0.99] --out DIR

writes ``DIR/parity.json`` in any case, and ends with an error of kind ``tolerance`` where a bound is passed.
``--max-abs`` bounds the largest difference divided by the largest logit: float32 rounds in proportion to what it holds.
"""

from __future__ import annotations

import argparse
import math
import os
from typing import TYPE_CHECKING, Any

from .checkpoint import read_checkpoint
from .labels import list_images
from .network import build, load_weights
from .preprocess import Preprocess, config_argument
from .protocol import UserError, progress, run, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["chosen", "compare", "main", "open_session"]

#: Sizes of the batches, one after the other: one alone, then more, so that the dynamic axis is tried as well.
_BATCHES = (1, 8)
_EXPORT_AGAIN = "Export the model again from these weights."


def chosen(names: Sequence[str], count: int) -> list[str]:
    """`count` of the names (all, if there are fewer), evenly spaced from the first to the last."""
    if count >= len(names):
        return list(names)
    if count == 1:
        return [names[0]]
    return [names[index * (len(names) - 1) // (count - 1)] for index in range(count)]


def compare(reference: Floats, other: Floats) -> dict[str, Any]:
    """Compare logits, each (samples, classes).

    Returns:
        ``max_abs``: the largest difference; ``max_abs_scaled``: divided by the reference's largest absolute logit;
        ``cosine``: the smallest of a sample; ``top1_agreement``: share of samples with the same Top1 (ties: lowest).
    """
    import numpy as np

    wide, narrow = reference.astype(np.float64), other.astype(np.float64)
    difference = float(np.abs(wide - narrow).max())
    largest = float(np.abs(wide).max())
    norms = np.linalg.norm(wide, axis=1) * np.linalg.norm(narrow, axis=1)
    products = (wide * narrow).sum(axis=1)
    same = np.linalg.norm(wide - narrow, axis=1) == 0
    # A sample of zeros has no direction: equal is equal, and anything else is as far away as can be.
    cosines = np.where(same, 1.0, np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0))
    return {
        "max_abs": difference,
        "max_abs_scaled": difference / largest if largest > 0 else (0.0 if difference == 0 else difference),
        "cosine": float(min(1.0, cosines.min())),
        "top1_agreement": float((wide.argmax(axis=1) == narrow.argmax(axis=1)).mean()),
    }


def open_session(path: str) -> Any:
    """ONNX Runtime on the CPU over a model file.

    Raises:
        UserError: no file, or not a model that ONNX Runtime reads.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        raise UserError("there is no such model", "Export the model first.", path, "missing") from None
    try:
        return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its errors have no common base but Exception
        text = " ".join(str(error).split())[:200]
        raise UserError(f"is no model that ONNX Runtime reads: {text}", _EXPORT_AGAIN, path, "damaged") from None


def _logits(session: Any, where: str, inputs: Floats, classes: int) -> Floats:
    (model_input, *more), (model_output, *_) = session.get_inputs(), session.get_outputs()
    wanted = [size for size in model_input.shape[1:] if isinstance(size, int)]
    if more or wanted != list(inputs.shape[1:]):
        what = f"takes inputs of {wanted}, and the preprocessing makes {list(inputs.shape[1:])}"
        raise UserError(what, "Make crop and input shape of the recipe agree.", where)
    try:
        (result, *_) = session.run([model_output.name], {model_input.name: inputs})
    except Exception as error:  # noqa: BLE001 - as above
        text = " ".join(str(error).split())[:200]
        what = f"cannot compute a batch of {len(inputs)}: {text}"
        raise UserError(what, _EXPORT_AGAIN, where, "damaged") from None
    if result.shape != (len(inputs), classes):
        what = f"gives {result.shape} for a batch of {len(inputs)}, not {(len(inputs), classes)}"
        raise UserError(what, _EXPORT_AGAIN, where, "damaged")
    logits: Floats = result
    return logits


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="parity", description="Compare the ONNX model with PyTorch on real images.")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--onnx", required=True)
    parser.add_argument("--architecture", required=True, help="name in timm")
    parser.add_argument("--classes", required=True, type=int)
    parser.add_argument("--images", required=True, help="folder of images")
    parser.add_argument("--preprocess", required=True, help="JSON, or a file that holds it")
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--max-abs", type=float, default=1e-3, help="largest difference / largest logit, at most")
    parser.add_argument("--min-cosine", type=float, default=0.9999)
    parser.add_argument("--min-top1", type=float, default=0.99, help="share of samples with the same Top1")
    parser.add_argument("--out", required=True, help="folder for parity.json")
    arguments = parser.parse_args(argv)
    if arguments.samples < 1:
        raise UserError(f"{arguments.samples} samples cannot be compared", "Give a positive number of samples.")
    for bound in (arguments.max_abs, arguments.min_cosine, arguments.min_top1):
        if not math.isfinite(bound):
            raise UserError(f"{bound} is no bound", "Give finite tolerances.")

    import numpy as np
    import torch

    preprocess = Preprocess(config_argument(arguments.preprocess))
    names = chosen(list_images(arguments.images), arguments.samples)
    session = open_session(arguments.onnx)
    model = build(arguments.architecture, arguments.classes, preprocess.shape)
    load_weights(model, read_checkpoint(arguments.weights), arguments.architecture, arguments.classes)

    references, others, done = [], [], 0
    while done < len(names):
        batch = names[done : done + (_BATCHES[0] if done == 0 else _BATCHES[1])]
        inputs = np.stack([preprocess.prep(os.path.join(arguments.images, name)) for name in batch])
        with torch.inference_mode():
            references.append(model(torch.from_numpy(inputs)).numpy())
        others.append(_logits(session, arguments.onnx, inputs, arguments.classes))
        done += len(batch)
        progress(done, len(names), "samples")
    reference, other = np.concatenate(references), np.concatenate(others)
    for logits, place, name in ((reference, arguments.weights, "PyTorch"), (other, arguments.onnx, "ONNX Runtime")):
        if not np.isfinite(logits).all():
            what = f"{name} computes NaN or infinity from these images"
            raise UserError(what, "Use the weights of the trained network.", place, "damaged")

    found = compare(reference, other)
    broken = _broken(found, arguments)
    os.makedirs(arguments.out, exist_ok=True)
    facts = {
        **found,
        "samples": len(names),
        "images": names,
        "largest_logit": float(np.abs(reference).max()),
        "tolerance": {
            "max_abs_scaled": arguments.max_abs,
            "cosine": arguments.min_cosine,
            "top1_agreement": arguments.min_top1,
        },
        "passed": not broken,
        "versions": _versions(),
    }
    write_json(os.path.join(arguments.out, "parity.json"), facts)
    print(
        f"{len(names)} samples: max abs difference {found['max_abs']:.3g} "
        f"({found['max_abs_scaled']:.3g} of the largest logit), "
        f"cosine {found['cosine']:.9f}, Top1 agreement {found['top1_agreement']:.2%}"
    )
    if broken:
        what = f"the exported model differs from PyTorch beyond the tolerance: {'; '.join(broken)}"
        remedy = "Check that the model was exported from these weights, or widen the recipe's tolerance and say why."
        raise UserError(what, remedy, kind="tolerance")


def _broken(found: dict[str, Any], arguments: argparse.Namespace) -> list[str]:
    """The bounds that were passed, in words."""
    broken = []
    if not found["max_abs_scaled"] <= arguments.max_abs:
        broken.append(f"scaled difference {found['max_abs_scaled']:.3g} > {arguments.max_abs:g}")
    if not found["cosine"] >= arguments.min_cosine:
        broken.append(f"cosine {found['cosine']:.6f} < {arguments.min_cosine:g}")
    if not found["top1_agreement"] >= arguments.min_top1:
        broken.append(f"Top1 agreement {found['top1_agreement']:.2%} < {arguments.min_top1:.2%}")
    return broken


def _versions() -> dict[str, str]:
    import numpy as np
    import onnxruntime
    import timm
    import torch

    modules = {"torch": torch, "timm": timm, "onnxruntime": onnxruntime, "numpy": np}
    return {name: str(module.__version__) for name, module in modules.items()}


if __name__ == "__main__":
    run(main)
