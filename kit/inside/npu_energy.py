"""Joules per image of an Ascend chip: the power that ``npu-smi info`` shows while the vendor's tool runs the engine.

Command line::

    python3 -m inside.npu_energy --device 0 --seconds 30 --out DIR -- benchmark.x86_64 -round=1024 ...

The command runs again and again in ``DIR/run`` until the seconds are over, and ``npu-smi info`` is asked once a second
meanwhile. The tools start slowly and do not say when they compute, so only samples count whose AICore load is near the
highest; their mean power over the rate that the tool printed is the energy of an image.
It writes ``energy.json``:

    energy    {"joules_per_image", "method"}, or null where npu-smi shows too little
    samples   [{"seconds", "watts", "aicore"}], all of them
    rates     images per second of the chip, run by run, as the tool printed them

It runs in the vendor's image, with whatever Python 3 that has. The exit status is that of the first run that failed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from typing import Any

__all__ = ["main", "power_of"]

METHOD = (
    "npu-smi info, power of the chip at 1 Hz while its AICore was at work, by the rate of the same runs:"
    " {count} samples of pure inference"
)
#: The fewest samples of the chip at work, and how near to the highest AICore load they must be.
_FEWEST, _AT_WORK = 10, 0.9
#: A run is short and its start slow, so samples may be scarce: spend at most this many times the seconds.
_PATIENCE = 4
_RATE = re.compile(r'(?:ave_throughputRate\s*[=:]|"throughput"\s*:)\s*([0-9.]+(?:e[+-]?[0-9]+)?)')


def power_of(text: str, device: int) -> tuple[float, float] | None:
    """Watts and AICore percent of a device in the table of ``npu-smi info``; None where it shows no power."""
    rows = []
    for line in text.splitlines():
        cells = [cell.split() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0] and cells[0][0].isdigit() and cells[2]:
            rows.append(cells)
    for first, second in zip(rows[::2], rows[1::2]):  # noqa: B905 - Python 3.7
        if second[0][-1] == str(device):
            try:
                return float(first[2][0]), float(second[2][0])
            except ValueError:
                return None
    return None


def rate_of(folder: str) -> float | None:
    """The rate in the one result file of a run, of either tool."""
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith("_summary.json") or name.startswith("PureInfer_perf_of_"):
                with open(os.path.join(place, name), encoding="utf-8", errors="replace") as file:
                    found = _RATE.search(file.read())
                if found and float(found.group(1)) > 0:
                    return float(found.group(1))
    return None


class Sampler:
    """Asks npu-smi once a second until it is stopped."""

    def __init__(self, device: int) -> None:
        self.samples: list[dict[str, float]] = []
        self._device, self._start, self._over = device, time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._over.is_set():
            at = time.monotonic()
            try:
                shown = subprocess.check_output(["npu-smi", "info"], stderr=subprocess.DEVNULL, timeout=10)
            except (OSError, subprocess.SubprocessError):
                return
            found = power_of(shown.decode("utf-8", "replace"), self._device)
            if found:
                self.samples.append({"seconds": round(at - self._start, 3), "watts": found[0], "aicore": found[1]})
            self._over.wait(max(0.0, at + 1 - time.monotonic()))

    def at_work(self) -> list[float]:
        """Watts of the samples in which the chip was at work."""
        samples = list(self.samples)
        most = max((one["aicore"] for one in samples), default=0.0)
        return [one["watts"] for one in samples if one["aicore"] >= max(1.0, _AT_WORK * most)]

    def stop(self) -> None:
        self._over.set()
        self._thread.join(11)


def measure(command: list[str], device: int, seconds: float, folder: str) -> tuple[int, dict[str, Any]]:
    """Run the command until there is enough: its exit status, and what is written."""
    sampler, rates, start, code = Sampler(device), [], time.monotonic(), 0
    while not code:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o750)
        code = subprocess.call(command, cwd=folder)
        rate = None if code else rate_of(folder)
        if rate is None:
            break
        rates.append(rate)
        spent = time.monotonic() - start
        enough = len(sampler.at_work()) >= _FEWEST or not sampler.samples
        if spent >= seconds and (enough or spent >= _PATIENCE * seconds):
            break
    sampler.stop()
    shutil.rmtree(folder, ignore_errors=True)
    watts, energy = sampler.at_work(), None
    if rates and len(watts) >= min(_FEWEST, seconds):
        per_image = sum(1 / rate for rate in rates) / len(rates)  # every run has as many images
        joules = sum(watts) / len(watts) * per_image
        energy = {"joules_per_image": joules, "method": METHOD.format(count=len(watts))}
    return code, {"energy": energy, "samples": sampler.samples, "rates": rates}


def main(argv: list[str] | None = None) -> int:
    """The command line of this module."""
    words = sys.argv[1:] if argv is None else argv
    place = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(prog="npu_energy", description="Joules per image of an Ascend chip.")
    parser.add_argument("--device", type=int, required=True, help="number of the chip, as npu-smi counts")
    parser.add_argument("--seconds", type=float, required=True, help="how long the chip is kept at work")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args(words[:place])
    command = words[place + 1 :]
    if not command or shutil.which(command[0]) is None:
        parser.error("there is no command after --")
    code, found = measure(command, arguments.device, arguments.seconds, os.path.join(arguments.out, "run"))
    with open(os.path.join(arguments.out, "energy.json"), "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
