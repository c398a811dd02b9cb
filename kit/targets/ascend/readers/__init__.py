"""Readers of what the Ascend tools print and write."""

from __future__ import annotations

from kit.targets.ascend.readers import ais, atc, msame, npu_smi, perf, vision_metric
from kit.toollogs.reader import Reader

__all__ = ["READERS", "ais", "atc", "msame", "npu_smi", "perf", "vision_metric"]

READERS = (
    Reader("perf", perf.sniff, perf.read, ("benchmark", "benchmark.x86_64", "benchmark.aarch64", "pure")),
    Reader("ais", ais.sniff, ais.read, ("ais_bench", "ais_infer")),
    Reader("npu-smi", npu_smi.sniff, npu_smi.read),
    Reader("vision_metric", vision_metric.sniff, vision_metric.read, ("vision_metric_ImageNet",)),
    Reader("atc", atc.sniff, atc.read),
    Reader("msame", msame.sniff, msame.read),
)
