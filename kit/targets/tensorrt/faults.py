"""What the messages of trtexec, nvidia-smi and the NVIDIA container toolkit mean: the tables of faults.toml."""

from __future__ import annotations

from pathlib import Path

from kit.toollogs.messages import load_faults

__all__ = ["NVIDIA_SMI", "START", "TRTEXEC"]

_TABLES = load_faults(Path(__file__).with_suffix(".toml"))
TRTEXEC, NVIDIA_SMI, START = (_TABLES[name] for name in ("trtexec", "nvidia_smi", "start"))
