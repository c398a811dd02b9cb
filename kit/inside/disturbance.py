"""What else happened on the machine while something was measured, from the kernel's counters.

Read before and after. What the kernel or container does not show is missing, which means unknown, not undisturbed.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Snapshot", "clocks", "disturbances", "take"]

#: Shares of all cores that are reported.
_OTHERS, _STEAL, _PRESSURE = 0.05, 0.01, 0.10
_CPU_STAT = ("/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat")


@dataclass(frozen=True)
class Snapshot:
    """The counters at one moment, in seconds but for ``throttled`` (periods)."""

    wall: float
    own: float  # CPU time of this process and its children
    counters: dict[str, float] = field(default_factory=dict)  # busy, steal, cores, throttled, pressure


def take() -> Snapshot:
    """The counters now."""
    times = os.times()
    found: dict[str, float] = {}
    for read in (_stat, _throttled, _pressure):
        with contextlib.suppress(OSError, ValueError, IndexError):
            found |= read()
    own = times.user + times.system + times.children_user + times.children_system
    return Snapshot(time.monotonic(), own, found)


def _stat() -> dict[str, float]:
    tick = os.sysconf("SC_CLK_TCK")
    with open("/proc/stat", encoding="ascii") as file:
        lines = file.read().splitlines()
    # user nice system idle iowait irq softirq steal; guest time is in user already
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(word) / tick for word in lines[0].split()[1:9])
    cores = sum(line.startswith("cpu") for line in lines) - 1
    return {"busy": user + nice + system + irq + softirq, "steal": steal, "cores": float(cores)}


def _throttled() -> dict[str, float]:
    for path in _CPU_STAT:
        with contextlib.suppress(OSError):
            with open(path, encoding="ascii") as file:
                facts = dict(line.split() for line in file)
            return {"throttled": float(facts["nr_throttled"])} if "nr_throttled" in facts else {}
    return {}


def _pressure() -> dict[str, float]:
    with open("/proc/pressure/cpu", encoding="ascii") as file:
        some = file.readline().split()
    return {"pressure": int(some[-1].partition("=")[2]) / 1e6}


def disturbances(before: Snapshot, after: Snapshot) -> tuple[dict[str, float], list[str]]:
    """Shares of the time between two snapshots, and a phrase for each that matters."""
    wall = max(after.wall - before.wall, 1e-9)
    grown = {name: after.counters[name] - before.counters[name] for name in after.counters if name in before.counters}
    shares: dict[str, float] = {}
    words = []
    if "busy" in grown:
        capacity = wall * max(1.0, after.counters["cores"])
        shares["others"] = max(0.0, grown["busy"] - (after.own - before.own)) / capacity
        shares["steal"] = max(0.0, grown["steal"]) / capacity
        if shares["others"] > _OTHERS:
            words.append(f"other programs took {shares['others']:.0%} of the cores")
        if shares["steal"] > _STEAL:
            words.append(f"the host took {shares['steal']:.0%} of the cores (steal time)")
    if "throttled" in grown:
        shares["throttled_periods"] = grown["throttled"]
        if grown["throttled"] > 0:
            words.append(f"the container was throttled in {grown['throttled']:.0f} periods (cpu.stat)")
    if "pressure" in grown:
        shares["pressure"] = grown["pressure"] / wall
        if shares["pressure"] > _PRESSURE:
            words.append(f"threads waited for a core {min(1.0, shares['pressure']):.0%} of the time (pressure)")
    return {name: round(value, 4) for name, value in shares.items()}, words


def clocks() -> dict[str, Any]:
    """Clock of the cores in MHz, and the governor, where the kernel shows them."""
    found: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            rates = [float(line.split(":")[1]) for line in file if line.lower().startswith("cpu mhz")]
        if rates:
            found["cpu_mhz"] = {"min": min(rates), "max": max(rates)}
    governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    with contextlib.suppress(OSError), open(governor, encoding="ascii") as file:
        found["governor"] = file.read().strip()
    return found
