"""Energy while something runs: the processor's own counter (RAPL), or the power that ``nvidia-smi`` shows."""

from __future__ import annotations

import glob
import os
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["Meter", "find_meter"]

_RAPL = "/sys/class/powercap"
#: nvidia-smi averages over up to a second: a shorter run would mostly measure what was before it.
_GPU_SECONDS = 10.0


class Meter(Protocol):
    """Measures joules."""

    method: str
    seconds: float  # shortest run that it can measure

    def joules(self, work: Callable[[], None]) -> float | None:
        """Energy while `work` ran; None where the counter failed."""


class Rapl:
    """Package domains of the powercap interface; readable by root alone since 2020, absent in most guests."""

    method = "RAPL, all processor packages with everything that ran on them, memory not included"
    seconds = 2.0

    def __init__(self, folders: list[str]) -> None:
        self._folders = folders

    def joules(self, work: Callable[[], None]) -> float | None:
        try:
            before = [_number(folder, "energy_uj") for folder in self._folders]
            work()
            total = 0
            for folder, start in zip(self._folders, before, strict=True):
                grown = _number(folder, "energy_uj") - start
                # The counter starts again from zero; a run is far shorter than one round of it.
                total += grown if grown >= 0 else grown + _number(folder, "max_energy_range_uj")
        except (OSError, ValueError):
            return None
        return total / 1e6


class NvidiaSmi:
    """Mean of the power draw, sampled ten times a second, times the seconds."""

    method = "nvidia-smi power.draw of the board, sampled at 10 Hz, first second left out"
    seconds = _GPU_SECONDS

    def __init__(self, number: int) -> None:
        self._number = number

    def joules(self, work: Callable[[], None]) -> float | None:
        command = [
            "nvidia-smi", f"--id={self._number}", "--query-gpu=power.draw", "--format=csv,noheader,nounits",
            "--loop-ms=100",
        ]  # fmt: skip
        samples: list[tuple[float, float]] = []
        try:
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        except OSError:
            return None

        def listen() -> None:
            assert child.stdout is not None  # noqa: S101 - it is a pipe
            for line in child.stdout:
                try:
                    samples.append((time.monotonic(), float(line)))
                except ValueError:
                    return  # [N/A]: this board has no such sensor

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        start = time.monotonic()
        try:
            work()
            end = time.monotonic()
        finally:
            child.terminate()
            child.wait()
            listener.join(1)
            if child.stdout is not None:
                child.stdout.close()
        watts = [watt for moment, watt in samples if start + 1 <= moment <= end]
        return sum(watts) / len(watts) * (end - start) if len(watts) >= 10 else None


def find_meter(gpu: int | None) -> Meter | None:
    """The meter for a GPU or, with None, for the processor; None where there is none."""
    if gpu is not None:
        from .gpu import query

        return NvidiaSmi(gpu) if _is_number(query(gpu, "power.draw").get("power.draw", "")) else None
    folders = [folder for folder in sorted(glob.glob(f"{_RAPL}/*-rapl:*")) if _is_package(folder)]
    return Rapl(folders) if folders else None


def _is_package(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "name"), encoding="ascii") as file:
            name = file.read()
        return name.startswith("package") and _number(folder, "energy_uj") >= 0
    except (OSError, ValueError):
        return False


def _number(folder: str, name: str) -> int:
    with open(os.path.join(folder, name), encoding="ascii") as file:
        return int(file.read())


def _is_number(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
