"""The exported model against PyTorch, on real images: how far apart the outputs are, and whether Top1 agrees.

Command line::

    python3 -m inside.parity --weights FILE --onnx FILE --network JSON [--code PATH]
        (--images DIR --preprocess JSON [--class-folders] | --random) [--samples 32] [--max-abs 1e-3]
        [--min-cosine 0.9999] [--min-top1 0.99] --out DIR

writes ``DIR/parity.json`` in any case, and ends with an error of kind ``tolerance`` where a bound is exceeded.
``--max-abs`` bounds the largest difference divided by the largest output: float32 rounds in proportion to its numbers.
``--random``: numbers of a fixed seed instead of images, for models that take something else.
"""

from __future__ import annotations

import argparse
import math
import os
from typing import TYPE_CHECKING, Any

from .labels import list_images
from .network import example_inputs, nchw, open_network, results_of
from .preprocess import Preprocessor, config_argument
from .protocol import UserError, oneline, progress, run, write_json
from .specification import NetworkSpec, parse_network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["chosen", "compare", "main", "open_session"]

#: Sizes of the batches: one sample, then more, so that the dynamic axis is tested as well.
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
    """Compare an output, each (samples, ...).

    Returns:
        ``max_abs``: the largest difference; ``max_abs_scaled``: divided by the reference's largest absolute value;
        ``cosine``: the smallest of a sample; ``top1_agreement``: share of samples with the same Top1 (ties: lowest),
        None for an output that is not a row of scores.
    """
    import numpy as np

    scores = reference.ndim == 2
    wide = reference.reshape(len(reference), -1).astype(np.float64)
    narrow = other.reshape(len(other), -1).astype(np.float64)
    difference = float(np.abs(wide - narrow).max())
    largest = float(np.abs(wide).max())
    norms = np.linalg.norm(wide, axis=1) * np.linalg.norm(narrow, axis=1)
    products = (wide * narrow).sum(axis=1)
    same = np.linalg.norm(wide - narrow, axis=1) == 0
    # A sample of zeros has no direction: an equal one counts as 1, any other as 0.
    cosines = np.where(same, 1.0, np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0))
    return {
        "max_abs": difference,
        "max_abs_scaled": difference / largest if largest > 0 else (0.0 if difference == 0 else difference),
        "cosine": float(min(1.0, cosines.min())),
        "top1_agreement": float((wide.argmax(axis=1) == narrow.argmax(axis=1)).mean()) if scores else None,
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
        what = f"is not a model that ONNX Runtime reads: {oneline(error)}"
        raise UserError(what, _EXPORT_AGAIN, path, "damaged") from None


def _outputs(session: Any, where: str, inputs: Sequence[Any], expected: Sequence[Any]) -> list[Any]:
    """The model's outputs for a batch, of the shapes that PyTorch gives."""
    declared = session.get_inputs()
    if len(declared) != len(inputs):
        raise UserError(f"takes {len(declared)} inputs, and the recipe has {len(inputs)}", _EXPORT_AGAIN, where)
    for one, tensor in zip(declared, inputs, strict=True):
        given = list(tensor.shape[1:])
        if any(isinstance(size, int) and size != got for size, got in zip(one.shape[1:], given, strict=True)):
            what = f"takes inputs of {one.shape[1:]}, and the preprocessing makes {given}"
            raise UserError(what, "Make crop and input shape of the recipe agree.", where)
    try:
        results = session.run(None, {one.name: tensor for one, tensor in zip(declared, inputs, strict=True)})
    except Exception as error:  # noqa: BLE001 - as above
        what = f"cannot compute a batch of {len(inputs[0])}: {oneline(error)}"
        raise UserError(what, _EXPORT_AGAIN, where, "damaged") from None
    shapes, wanted = [one.shape for one in results], [one.shape for one in expected]
    if shapes != wanted:
        has, needed = " and ".join(map(str, shapes)), " and ".join(map(str, wanted))
        what = f"gives {has} for a batch of {len(inputs[0])}, not {needed}"
        raise UserError(what, _EXPORT_AGAIN, where, "damaged")
    found: list[Any] = results
    return found


def _batches(arguments: argparse.Namespace, spec: NetworkSpec, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Inputs of the graph, batch after batch: of images, or of random numbers."""
    import numpy as np

    preprocess = Preprocessor(config_argument(arguments.preprocess)) if arguments.images else None
    fixed, done = spec.inputs[0].batch, 0
    while done < len(names):
        batch = names[done : done + (fixed or (_BATCHES[0] if done == 0 else _BATCHES[1]))]
        if preprocess is None:
            yield tuple(tensor.numpy() for tensor in example_inputs(spec, fixed or len(batch), seed=done))
        else:
            made = np.stack([preprocess.prep(os.path.join(arguments.images, name)) for name in batch])
            short = (fixed or len(batch)) - len(batch)
            yield (np.concatenate([made, np.repeat(made[:1], short, axis=0)]),)
        done += len(batch)
        progress(done, len(names), "samples")


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="parity", description="Compare the ONNX model with PyTorch on real images.")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--onnx", required=True)
    parser.add_argument("--network", required=True, help="what network it is, as JSON")
    parser.add_argument("--code", help="file or folder of the user's own code")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", help="folder of images")
    source.add_argument("--random", action="store_true", help="random numbers instead of images")
    parser.add_argument("--class-folders", action="store_true", help="there is one subfolder of images per class")
    parser.add_argument("--preprocess", help="JSON, or a file that holds it")
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
            raise UserError(f"{bound} is not a bound", "Give finite tolerances.")

    if bool(arguments.images) != bool(arguments.preprocess):
        raise UserError("--preprocess goes with --images", "Give both, or neither.")
    spec = parse_network(arguments.network)
    names = [f"random {number}" for number in range(arguments.samples)]
    if arguments.images:
        layout: Any = "folders" if arguments.class_folders else "flat"
        names = chosen(list_images(arguments.images, layout), arguments.samples)
    session = open_session(arguments.onnx)
    references, others = _both(arguments, spec, names, session)
    found = _worst([compare(one, other) for one, other in zip(references, others, strict=True)])
    broken = _broken(found, arguments)
    os.makedirs(arguments.out, exist_ok=True)
    facts = {
        **found,
        "samples": len(names),
        "images": names,
        "inputs": "images" if arguments.images else "random",
        "largest_logit": max(float(abs(one).max()) for one in references),
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
        f"({found['max_abs_scaled']:.3g} of the largest output), cosine {found['cosine']:.9f}{_agreement(found)}"
    )
    if broken:
        what = f"the exported model differs from PyTorch beyond the tolerance: {'; '.join(broken)}"
        remedy = "Check that the model was exported from these weights, or widen the recipe's tolerance and say why."
        raise UserError(what, remedy, kind="tolerance")


def _both(
    arguments: argparse.Namespace, spec: NetworkSpec, names: Sequence[str], session: Any
) -> tuple[list[Any], list[Any]]:
    """Each output of PyTorch and of ONNX Runtime, over all samples."""
    import numpy as np
    import torch

    model, _, _ = open_network(spec, arguments.weights, arguments.code)
    references, others = [], []
    for inputs in _batches(arguments, spec, names):
        with torch.inference_mode():
            given = nchw(tuple(torch.from_numpy(one) for one in inputs), spec)
            references.append([one.float().numpy() for one in results_of(model(*given), spec)])
        others.append(_outputs(session, arguments.onnx, inputs, references[-1]))
    whole = []
    for rows, place, name in ((references, arguments.weights, "PyTorch"), (others, arguments.onnx, "ONNX Runtime")):
        outputs = [np.concatenate(parts)[: len(names)] for parts in zip(*rows, strict=True)]
        if not all(np.isfinite(one).all() for one in outputs):
            what = f"{name} computes NaN or infinity from these {'images' if arguments.images else 'numbers'}"
            raise UserError(what, "Use the weights of the trained network.", place, "damaged")
        whole.append(outputs)
    return whole[0], whole[1]


def _worst(outputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The worst of each figure over all outputs."""
    agreements = [one["top1_agreement"] for one in outputs if one["top1_agreement"] is not None]
    return {
        "max_abs": max(one["max_abs"] for one in outputs),
        "max_abs_scaled": max(one["max_abs_scaled"] for one in outputs),
        "cosine": min(one["cosine"] for one in outputs),
        "top1_agreement": min(agreements) if agreements else None,
    }


def _agreement(found: dict[str, Any]) -> str:
    return "" if found["top1_agreement"] is None else f", Top1 agreement {found['top1_agreement']:.2%}"


def _broken(found: dict[str, Any], arguments: argparse.Namespace) -> list[str]:
    """The bounds that were exceeded, as phrases."""
    broken = []
    if not found["max_abs_scaled"] <= arguments.max_abs:
        broken.append(f"scaled difference {found['max_abs_scaled']:.3g} > {arguments.max_abs:g}")
    if not found["cosine"] >= arguments.min_cosine:
        broken.append(f"cosine {found['cosine']:.6f} < {arguments.min_cosine:g}")
    if found["top1_agreement"] is not None and not found["top1_agreement"] >= arguments.min_top1:
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
