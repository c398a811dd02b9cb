"""What else happened on the machine: shares from two snapshots, and real load of another process."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from kit.inside.disturbance import Snapshot, disturbances, take


def test_shares_are_those_of_all_cores() -> None:
    before = Snapshot(10.0, 5.0, {"busy": 100.0, "steal": 1.0, "cores": 4.0, "throttled": 7.0, "pressure": 2.0})
    after = Snapshot(20.0, 15.0, {"busy": 118.0, "steal": 3.0, "cores": 4.0, "throttled": 9.0, "pressure": 4.0})
    shares, words = disturbances(before, after)
    assert shares == {"others": 0.2, "steal": 0.05, "throttled_periods": 2.0, "pressure": 0.2}
    assert words == [
        "other programs took 20% of the cores",
        "the host took 5% of the cores (steal time)",
        "the container was throttled in 2 periods (cpu.stat)",
        "threads waited for a core 20% of the time (pressure)",
    ]


def test_a_quiet_machine_gets_no_word() -> None:
    before = Snapshot(0.0, 0.0, {"busy": 0.0, "steal": 0.0, "cores": 2.0, "throttled": 7.0, "pressure": 0.0})
    after = Snapshot(10.0, 10.0, {"busy": 10.4, "steal": 0.1, "cores": 2.0, "throttled": 7.0, "pressure": 0.5})
    assert disturbances(before, after)[1] == []


def test_what_the_kernel_does_not_show_is_left_out() -> None:
    assert disturbances(Snapshot(0.0, 0.0), Snapshot(1.0, 1.0)) == ({}, [])


@pytest.mark.slow
def test_a_busy_neighbour_is_seen() -> None:
    if "busy" not in take().counters:
        pytest.skip("this kernel shows no /proc/stat")
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        try:
            time.sleep(0.1)
            before = take()
            time.sleep(1.0)
            shares, words = disturbances(before, take())
        finally:
            child.kill()
    assert shares["others"] > 0.05
    assert any(word.startswith("other programs took") for word in words)
