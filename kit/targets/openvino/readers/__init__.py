"""Readers of what OpenVINO's tools print."""

from __future__ import annotations

from kit.targets.openvino.readers import benchmark_app
from kit.toollogs.reader import Reader

__all__ = ["READERS", "benchmark_app"]

READERS = (Reader("benchmark_app", benchmark_app.sniff, benchmark_app.read, ("openvino",)),)
