"""What timm, torchvision or a checkpoint say about a model, for ``kit init``; nothing is fetched.

Command line::

    python3 -m inside.lookup (--timm NAME | --torchvision NAME | --weights FILE) --out DIR

writes ``lookup.json``: the configuration of the weights in timm's terms, or the sets of weights in the file.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from .network import import_timm, import_torchvision, published_config, unknown_model
from .protocol import UserError, run, write_json

__all__ = ["main", "timm_config", "torchvision_config"]

_KEYS = (
    "input_size", "test_input_size", "crop_pct", "test_crop_pct", "crop_mode", "interpolation", "mean", "std",
    "num_classes", "url", "hf_hub_id", "license", "paper_name", "paper_ids", "architecture", "tag", "fixed_input_size",
)  # fmt: skip


def timm_config(name: str) -> dict[str, Any]:
    """The configuration of a model's weights.

    Raises:
        UserError: timm has none of that name; with names that are near.
    """
    timm = import_timm()
    base = name.partition(".")[0]
    if ":" in name or "/" in name or not timm.is_model(base):
        raise unknown_model(timm, "architecture", base, timm.list_models(), "timm.list_models()")
    tree = published_config(timm, name).to_dict()
    return {key: tree[key] for key in _KEYS if tree.get(key) is not None} | {"version": timm.__version__}


def torchvision_config(name: str) -> dict[str, Any]:
    """The configuration of a model's default weights, in timm's terms.

    Raises:
        UserError: torchvision has none of that name; with names that are near.
    """
    torchvision = import_torchvision()
    names = torchvision.models.list_models()
    if name not in names:
        raise unknown_model(torchvision, "model", name, names, "torchvision.models.list_models()")
    weights = torchvision.models.get_model_weights(name).DEFAULT
    transforms = weights.transforms()
    if not hasattr(transforms, "crop_size"):
        what = f"torchvision's {name} is not a classifier: its transforms have no crop"
        remedy = "Export it to ONNX for kit init model.onnx, or build it in a file of yours for kit init --code."
        raise UserError(what, remedy)
    crop, resize = transforms.crop_size[0], transforms.resize_size[0]
    return {
        "input_size": [3, crop, crop],
        "resize": resize,
        "interpolation": transforms.interpolation.value,
        "mean": list(transforms.mean),
        "std": list(transforms.std),
        "num_classes": len(weights.meta["categories"]),
        "url": weights.url,
        "weights": str(weights),
        "version": str(torchvision.__version__),
    }


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="lookup", description="What is known about a model.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--timm", help="name of a timm model")
    source.add_argument("--torchvision", help="name of a torchvision model")
    source.add_argument("--weights", help="checkpoint whose sets of weights are listed")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args(argv)
    if arguments.timm:
        found = timm_config(arguments.timm)
    elif arguments.torchvision:
        found = torchvision_config(arguments.torchvision)
    else:
        from .checkpoint import read_checkpoint

        checkpoint = read_checkpoint(arguments.weights)
        found = {"sets": [one for one in (checkpoint.key, *checkpoint.others) if one]}
    os.makedirs(arguments.out, exist_ok=True)
    write_json(os.path.join(arguments.out, "lookup.json"), found)


if __name__ == "__main__":
    run(main)
