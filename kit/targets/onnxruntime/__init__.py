"""Target ``cpu``: ONNX Runtime on any processor. The smallest target, and so the example for a new one."""

from __future__ import annotations

from kit.targets.onnxruntime.target import Cpu

__all__ = ["TARGETS"]

TARGETS = (Cpu(),)
