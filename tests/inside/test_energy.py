"""Energy from real files of a counter's form, and from a program that prints watts as nvidia-smi does."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from kit.inside import energy
from kit.inside.energy import NvidiaSmi, find_meter
from kit.inside.engine import EngineSpec
from kit.inside.engines import refuse_busy
from kit.inside.npu_energy import power_of
from kit.inside.protocol import UserError


def domain(top: Path, name: str, kind: str, microjoules: int, wrap: int = 1_000_000) -> Path:
    folder = top / name
    folder.mkdir()
    (folder / "name").write_text(f"{kind}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{wrap}\n")
    return folder


def test_packages_are_summed_and_a_counter_may_start_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "_RAPL", str(tmp_path))
    first, second = (
        domain(tmp_path, "intel-rapl:0", "package-0", 100),
        domain(tmp_path, "intel-rapl:1", "package-1", 999_900),
    )
    core = domain(tmp_path, "intel-rapl:0:0", "core", 5)  # a part of package-0, which has it already
    meter = find_meter(None)
    assert meter is not None

    def work() -> None:
        (first / "energy_uj").write_text("2100\n")
        (second / "energy_uj").write_text("900\n")
        (core / "energy_uj").write_text("500000\n")

    assert meter.joules(work) == pytest.approx((2000 + 1000) / 1e6)
    assert "RAPL" in meter.method


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_counter_that_may_not_be_read_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "_RAPL", str(tmp_path))
    (domain(tmp_path, "intel-rapl:0", "package-0", 100) / "energy_uj").chmod(0)
    assert find_meter(None) is None


def test_no_counter_is_no_energy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "_RAPL", str(tmp_path))
    assert find_meter(None) is None


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.slow
def test_watts_are_sampled_and_the_first_second_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        tmp_path, monkeypatch,
        'case "$*" in *loop*) n=0; while :; do [ $n -lt 9 ] && echo 10.0 || echo 200.0; n=$((n+1)); sleep 0.1; done;;'
        " *) echo 30.5;; esac",
    )  # fmt: skip
    meter = find_meter(0)
    assert isinstance(meter, NvidiaSmi)
    start = time.monotonic()
    joules = meter.joules(lambda: time.sleep(3))
    assert joules is not None
    assert joules == pytest.approx(200 * (time.monotonic() - start), rel=0.5)
    assert joules > 450  # 10 W in the first second do not count


@pytest.mark.parametrize("shown", ["[N/A]", "", "0"])
def test_a_board_without_a_sensor_has_no_meter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str) -> None:
    program(tmp_path, monkeypatch, f"echo '{shown}'")
    assert find_meter(0) is None


@pytest.mark.parametrize(
    "spec",
    [
        EngineSpec("torch", "m", (3, 1, 1), options={"device": "cuda"}),
        EngineSpec("onnxruntime", "m", (3, 1, 1), options={"provider": "cuda", "device": 0}),
    ],
)
def test_a_gpu_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: EngineSpec) -> None:
    program(tmp_path, monkeypatch, "echo '4096, 3'")
    with pytest.raises(UserError, match="in use") as caught:
        refuse_busy(spec)
    assert caught.value.kind == "device"
    program(tmp_path, monkeypatch, "echo '300, 3'")
    refuse_busy(spec)
    program(tmp_path, monkeypatch, "echo '300, 90'")
    with pytest.raises(UserError, match="90 %"):
        refuse_busy(spec)
    refuse_busy(EngineSpec("torch", "m", (3, 1, 1), options={"device": "cpu"}))


OLD = """\
+------------------------------------------------------------------------------+
| npu-smi 20.2.2                       Version: 20.2.2                         |
+-------------------+-----------------+----------------------------------------+
| NPU     Name      | Health          | Power(W)          Temp(C)              |
| Chip    Device    | Bus-Id          | AICore(%)         Memory-Usage(MB)     |
+===================+=================+========================================+
| 2048    310       | OK              | 12.8              46                   |
| 0       0         | 0000:81:00.0    | 0                 2621 / 8192          |
+-------------------+-----------------+----------------------------------------+
| 2048    310       | OK              | 13.4              46                   |
| 1       1         | NA              | 87                2621 / 8192          |
+===================+=================+========================================+
"""
NEW = """\
| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===============================+=================+======================================================+
| 2144    310P3                 | OK              | NA           47                0    / 0              |
| 0       0                     | 0000:82:00.0    | 0            1074 / 21534                            |
| 2145    310P3                 | Warning         | 41           47                0    / 0              |
| 0       1                     | 0000:89:00.0    | 99           1074 / 21534                            |
+===============================+=================+======================================================+
| NPU     Chip                  | Process id      | Process name             | Process memory(MB)        |
| No running processes found in NPU 2144                                                                 |
"""


@pytest.mark.parametrize(
    ("text", "device", "shown"),
    [
        (OLD, 0, (12.8, 0)), (OLD, 1, (13.4, 87)), (OLD, 2, None), (NEW, 0, None), (NEW, 1, (41, 99)),
        ("dcmi module initialize failed. ret is -8005", 0, None),
    ],
)  # fmt: skip
def test_npu_smi_shows_the_power_of_a_chip(text: str, device: int, shown: tuple[float, float] | None) -> None:
    assert power_of(text, device) == shown
