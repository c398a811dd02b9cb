"""npu-smi and nvidia-smi."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

WIDTH = 94


def test_310p_table(machine: Any) -> None:
    done = machine("npu-smi", "info")
    lines = done.lines()
    assert {len(line) for line in lines} == {WIDTH}
    assert lines[1] == "| npu-smi 22.0.0                       Version: 22.0.0                                       |"
    assert lines[6] == "| 0       310P3     | OK              | 15.8         46                0    / 0              |"
    assert lines[7] == "| 0       0         | 0000:81:00.0    | 0            1074 / 21534                            |"
    assert lines[9].startswith("| 1       310P3 ")


def test_310_table_has_four_chips_to_a_card(machine: Any) -> None:
    lines = machine("npu-smi", "info", chip="310", devices="virtual:5").lines()
    assert {len(line) for line in lines} == {80}
    assert lines[6] == "| 0       310       | OK              | 12.8              46                   |"
    assert lines[7] == "| 0       0         | 0000:81:00.0    | 0                 2621 / 8192          |"
    rows = [line.split() for line in lines[6:] if line.startswith("|")]
    assert [row[1] for row in rows[::2]] == ["0", "0", "0", "0", "1"]
    assert [row[2] for row in rows[1::2]] == ["0", "1", "2", "3", "4"]
    assert [line[1] for line in lines[6:] if line.startswith("+")] == ["-", "-", "-", "=", "="]


def test_old_name_of_the_310p(machine: Any) -> None:
    assert "| 0       710       | OK " in machine("npu-smi", "info", chip="710").out


def test_other_questions_are_refused(machine: Any) -> None:
    assert machine("npu-smi", "info", "-h").lines()[0].startswith("Usage: npu-smi info")
    done = machine("npu-smi", "info", "-t", "usages", "-i", "1")
    assert (done.code, "only `npu-smi info` is rehearsed" in done.err) == (1, True)
    assert machine("nvidia-smi", "-q").code == 1


@pytest.mark.parametrize("lost", ["/usr/local/Ascend/driver/version.info", "/usr/local/dcmi"])
def test_lost_driver_files(machine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    root = tmp_path / "own"
    shutil.copytree(machine.root, root, symlinks=True)
    monkeypatch.setenv("KIT_SIM_ROOT", str(root))
    path = root / lost.lstrip("/")
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = machine("npu-smi", "info")
    assert (done.code, done.out) == (255, "dcmi module initialize failed. ret is -8005\n")


def test_no_nodes(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIT_SIM_DEVICES")
    assert machine("npu-smi", "info").out == "dcmi module initialize failed. ret is -8005\n"
    done = machine("nvidia-smi")
    assert (done.code, done.out.startswith("NVIDIA-SMI has failed because it couldn't communicate")) == (9, True)


def test_gpu_table(machine: Any) -> None:
    lines = machine("nvidia-smi", devices="virtual:1").lines()
    assert {len(line) for line in lines[1:]} == {0, 79}
    assert lines[2] == "| NVIDIA-SMI 450.80.02    Driver Version: 450.80.02    CUDA Version: 11.0     |"
    assert "|   0  Tesla T4            On   | 00000000:13:00.0 Off |                    0 |" in lines
    assert "|  No running processes found                                                 |" in lines


def test_gpu_query(machine: Any) -> None:
    fields = "index,name,uuid,driver_version,memory.total,power.draw,clocks.max.sm,utilization.gpu,mig.mode.current"
    done = machine("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits")
    first, second = done.lines()
    uuid = first.split(", ")[2]
    assert first == f"0, Tesla T4, {uuid}, 450.80.02, 15109, 16.31, 1590, 0, [N/A]"
    assert second.split(", ")[2] != uuid
    done = machine("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv", "-i", uuid)
    assert done.lines() == ["name, memory.total [MiB]", "Tesla T4, 15109 MiB"]
    assert machine("nvidia-smi", "-i", "7", "--query-gpu=name", "--format=csv").code == 6


def test_one_unknown_field_fails_the_query(machine: Any) -> None:
    field = "clocks_event_reasons.hw_power_brake_slowdown"
    done = machine("nvidia-smi", f"--query-gpu=name,{field}", "--format=csv")
    assert done.code != 0
    assert done.lines()[0] == f'Field "{field}" is not a valid field to query.'


def test_settings_are_refused(machine: Any) -> None:
    assert machine("nvidia-smi", "-pm", "1").code != 0  # a rehearsal must not pretend to have set something
    assert machine("nvidia-smi", "--query-gpu=name").code == 2
