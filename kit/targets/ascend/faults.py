"""What the messages of atc, benchmark, ais_bench, npu-smi and ascend-docker-runtime mean: the tables of faults.toml."""

from __future__ import annotations

from pathlib import Path

from kit.toollogs.messages import load_faults

__all__ = ["ATC", "INFERENCE", "NPU_SMI", "RUNTIME"]

_TABLES = load_faults(Path(__file__).with_suffix(".toml"))
# What the loader and the shell say comes first: any of the programs can show it.
ATC, INFERENCE, NPU_SMI = (_TABLES["common"] + _TABLES[name] for name in ("atc", "inference", "npu_smi"))
RUNTIME = _TABLES["runtime"]
