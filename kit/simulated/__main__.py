"""``python3 <folder with simulated/> TOOL ARGS...``: what the installed shims call."""

from __future__ import annotations

import importlib
import sys

__all__ = ["main"]

TOOLS = {
    "atc": "atc",
    "benchmark": "benchmark",
    "ais_bench": "ais_bench",
    "ais_infer": "ais_bench",
    "npu-smi": "npu_smi",
    "nvidia-smi": "nvidia_smi",
    "trtexec": "trtexec",
    "install": "install",
}


def main(argv: list[str]) -> int:
    """Run one tool; ``argv`` is its name (or ``NAME@PROGRAM AS TYPED``) and its arguments."""
    name, _, program = argv[0].partition("@")
    if name not in TOOLS:
        print(f"[SIMULATED] no such tool: {name}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"{__package__}.{TOOLS[name]}")
    return int(module.main(program or name, argv[1:]))


if __name__ == "__main__":
    from .machine import run

    run(lambda: main(sys.argv[1:]))
