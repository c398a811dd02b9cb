"""Readers of what ONNX Runtime's tools print."""

from __future__ import annotations

from kit.targets.onnxruntime.readers import perf_test
from kit.toollogs.reader import Reader

__all__ = ["READERS", "perf_test"]

READERS = (Reader("onnxruntime_perf_test", perf_test.sniff, perf_test.read, ("perf_test", "onnxruntime")),)
