"""NVIDIA T4 with TensorRT."""

from __future__ import annotations

from kit.targets.tensorrt.target import T4

__all__ = ["TARGETS"]

TARGETS = (T4(),)
