"""The model of the measurements: spnasnet_100 at 224 x 224 with 1000 classes, exported once."""

from __future__ import annotations

from pathlib import Path

from benchmarks.table import Settings

__all__ = ["ARCHITECTURE", "model"]

ARCHITECTURE = "spnasnet_100"


def model(settings: Settings) -> Path:
    """The ONNX file."""
    path = settings.work / f"{ARCHITECTURE}.onnx"
    if not path.exists():
        settings.python_module("benchmarks.peers", "export", ARCHITECTURE, path)
    return path
