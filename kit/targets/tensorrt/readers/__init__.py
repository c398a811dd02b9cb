"""Readers of what trtexec and nvidia-smi print and write."""

from __future__ import annotations

from kit.targets.tensorrt.readers import export_output, export_profile, export_times, nvidia_smi, trtexec
from kit.toollogs.reader import Reader

__all__ = ["READERS", "export_output", "export_profile", "export_times", "nvidia_smi", "trtexec"]

READERS = (
    Reader("trtexec", trtexec.sniff, trtexec.read),
    Reader("export_times", export_times.sniff, export_times.read, ("exportTimes",), export_times.again),
    Reader("export_output", export_output.sniff, export_output.read, ("exportOutput",)),
    Reader("export_profile", export_profile.sniff, export_profile.read, ("exportProfile",)),
    Reader("nvidia-smi", nvidia_smi.sniff, nvidia_smi.read),
)
