"""Which arithmetic this processor has. Without it an engine computes in another precision, or very slowly."""

from __future__ import annotations

__all__ = ["lacks"]

#: Precision -> flags of /proc/cpuinfo, any of which says that the processor has it (x86, Arm).
_FLAGS = {"bf16": {"avx512_bf16", "avx_ne_convert", "amx_bf16", "bf16"}, "fp16": {"avx512_fp16", "amx_fp16", "asimdhp"}}


def lacks(precision: str) -> bool:
    """Whether the processor has no such arithmetic, by the kernel's list; False where there is no list."""
    if precision == "tf32":  # an NVIDIA format
        return True
    wanted, flags = _FLAGS.get(precision, set()), _flags()
    return bool(wanted and flags and not wanted & flags)


def _flags() -> set[str]:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.lower().startswith(("flags", "features")):
                    return set(line.partition(":")[2].split())
    except OSError:
        pass
    return set()
