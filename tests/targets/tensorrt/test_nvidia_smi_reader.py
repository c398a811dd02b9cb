from __future__ import annotations

import pytest

from kit.targets.tensorrt.readers import nvidia_gpus, nvidia_smi

HEAD = """\
+-----------------------------------------------------------------------------+
| NVIDIA-SMI 460.32.03    Driver Version: 460.32.03    CUDA Version: 11.2     |
|-------------------------------+----------------------+----------------------+
| GPU  Name        Persistence-M| Bus-Id        Disp.A | Volatile Uncorr. ECC |
| Fan  Temp  Perf  Pwr:Usage/Cap|         Memory-Usage | GPU-Util  Compute M. |
|===============================+======================+======================|
"""
GPU = """\
|   {index}  Tesla T4            On   | 00000000:1{index}:00.0 Off |                    0 |
| N/A   41C    P0    26W /  70W |    821MiB / 15109MiB |     97%      Default |
|                               |                      |                  N/A |
+-------------------------------+----------------------+----------------------+
"""
NEWER = """\
| NVIDIA-SMI 535.104.05             Driver Version: 535.104.05   CUDA Version: 12.2     |
|   0  Tesla T4                       Off | 00000000:00:04.0 Off |                    0 |
| N/A   38C    P8               9W /  70W |      0MiB / 15360MiB |      0%      Default |
"""
PROCESSES = """\
| Processes:                                                                  |
|  GPU   GI   CI        PID   Type   Process name                  GPU Memory |
|=============================================================================|
"""


def test_the_table() -> None:
    reading = nvidia_smi.read(HEAD + GPU.format(index=0) + GPU.format(index=1))
    assert (reading.status, reading.driver_version, reading.cuda_version) == ("ok", "460.32.03", "11.2")
    assert [gpu.index for gpu in reading.gpus] == [0, 1]
    assert reading.gpus[1].values == {
        "index": 1,
        "name": "Tesla T4",
        "pci.bus_id": "00000000:11:00.0",
        "persistence_mode": "Enabled",
        "temperature.gpu": 41,
        "pstate": "P0",
        "power.draw": 26,
        "power.limit": 70,
        "memory.used": 821,
        "memory.total": 15109,
        "utilization.gpu": 97,
        "fan.speed": None,
        "display_active": "Disabled",
        "ecc.errors.uncorrected.volatile.total": 0,
        "compute_mode": "Default",
        "mig.mode.current": None,
    }
    assert reading.processes is None


def test_the_wider_table_of_newer_drivers() -> None:
    (gpu,) = nvidia_smi.read(NEWER).gpus
    assert (gpu.name, gpu.values["memory.total"], gpu.values["power.draw"]) == ("Tesla T4", 15360, 9)


def test_a_table_in_comments_and_another_driver_model() -> None:
    text = "".join(f"# {line}\n" for line in NEWER.replace("Off |", "WDDM|", 1).splitlines())
    (gpu,) = nvidia_smi.read(text).gpus
    assert gpu.name == "Tesla T4"
    assert "persistence_mode" not in gpu.values


def test_processes() -> None:
    row = "|    0   N/A  N/A      4321      C   ./trtexec                         821MiB |\n"
    (process,) = nvidia_smi.read(HEAD + GPU.format(index=0) + PROCESSES + row).processes or []
    assert (process.gpu, process.pid, process.type, process.name, process.memory_mib) == (
        0,
        4321,
        "C",
        "./trtexec",
        821,
    )
    free = "|  No running processes found                                                 |\n"
    assert nvidia_smi.read(HEAD + GPU.format(index=0) + PROCESSES + free).processes == []


def test_a_table_cut_between_the_rows_of_a_gpu() -> None:
    text = HEAD + GPU.format(index=0) + GPU.format(index=1).splitlines(keepends=True)[0]
    reading = nvidia_smi.read(text)
    assert len(reading.gpus) == 1
    assert reading.problems == ["missing: second row of GPU 1"]
    assert reading.status == "partial"


def test_a_query_with_header_and_units() -> None:
    text = "name, power.draw [W], clocks.max.sm [MHz], utilization.gpu [%]\nTesla T4, 16.31 W, 1590 MHz, 0 %\n"
    (gpu,) = nvidia_smi.read(text).gpus
    assert gpu.values == {"name": "Tesla T4", "power.draw": 16.31, "clocks.max.sm": 1590, "utilization.gpu": 0}


@pytest.mark.parametrize("absent", ["[N/A]", "N/A", "[Not Supported]", "[Unknown Error]", ""])
def test_a_value_that_the_board_does_not_have(absent: str) -> None:
    reading = nvidia_smi.read_query(f"0, {absent}\n", ["index", "power.draw"])
    assert reading.gpus[0].values == {"index": 0, "power.draw": None}
    assert reading.status == "ok"


def test_a_query_without_header_needs_its_fields() -> None:
    row = "0, Tesla T4, 460.32.03\n"
    unnamed = nvidia_smi.read(row)
    assert (unnamed.status, unnamed.gpus[0].values["column 2"]) == ("partial", "Tesla T4")
    assert unnamed.problems == ["the answer has no header line: the meaning of its columns is unknown"]
    reading = nvidia_smi.read_query(row, ["index", "name", "driver_version"])
    assert (reading.gpus[0].index, reading.driver_version) == (0, "460.32.03")


def test_cut_rows_are_left_out() -> None:
    reading = nvidia_smi.read_query("0, Tesla T4, 12\n1, Tesla T4\n2, Tesla T4, 1", ["index", "name", "memory.used"])
    assert [gpu.index for gpu in reading.gpus] == [0]
    assert reading.status == "partial"


def test_no_process_is_an_answer() -> None:
    reading = nvidia_smi.read_query("", ["gpu_uuid", "pid", "process_name", "used_memory"])
    assert reading.processes == []
    assert reading.status == "ok"
    busy = nvidia_smi.read_query("GPU-2a, 71, /usr/bin/x, 300\n", ["gpu_uuid", "pid", "process_name", "used_memory"])
    assert [(p.gpu_uuid, p.pid, p.memory_mib) for p in busy.processes or []] == [("GPU-2a", 71, 300)]


@pytest.mark.parametrize(
    "text",
    [
        'Field "clocks_event_reasons.hw_power_brake" is not a valid field to query.\n',
        "Failed to initialize NVML: Driver/library version mismatch\n",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
        "No devices were found\n",
    ],
)
def test_messages_of_the_driver(text: str) -> None:
    assert nvidia_smi.sniff(text) == 1.0
    for reading in (nvidia_smi.read(text), nvidia_smi.read_query(text, ["index", "name"])):
        assert reading.status == "error"
        assert reading.problems


@pytest.mark.parametrize(
    ("mask", "reasons"),
    [
        ("0x0000000000000000", []),
        ("0x0000000000000004", ["sw_power_cap"]),
        ("0x0000000000000068", ["hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown"]),
        ("0x0000000000000201", ["gpu_idle", "bit 0x200"]),
        ("junk", []),
    ],
)
def test_throttle_reasons(mask: str, reasons: list[str]) -> None:
    assert nvidia_gpus.throttle_reasons(mask) == reasons


def test_a_bus_address_of_older_drivers() -> None:
    text = (HEAD + GPU.format(index=0)).replace("00000000:10:00.0 Off", "0000:10:00.0     Off")
    (gpu,) = nvidia_smi.read(text).gpus
    assert gpu.values["pci.bus_id"] == "0000:10:00.0"
    assert gpu.values["memory.used"] == 821


def test_a_gpu_in_error_is_not_left_out() -> None:
    broken = (
        "|   1  ERR!                ERR! | 00000000:5E:00.0 ERR!|                 ERR! |\n"
        "|ERR!  ERR! ERR!    ERR! / ERR! |      0MiB / 15109MiB |    ERR!      ERR!    |\n"
    )
    reading = nvidia_smi.read(HEAD + GPU.format(index=0) + broken)
    assert [gpu.index for gpu in reading.gpus] == [0, 1]
    assert [reading.gpus[1].values[name] for name in ("temperature.gpu", "pstate", "memory.used")] == [None, None, 0]
    odd = nvidia_smi.read(HEAD + GPU.format(index=0) + broken.replace("ERR! |", "what |", 1).replace("1  ERR!", "x  E"))
    assert odd.status == "ok"
    unknown = nvidia_smi.read(HEAD + GPU.format(index=0) + broken.replace("ERR!|", "so!|"))
    assert unknown.status == "partial"
    assert "a row that cannot be read" in unknown.problems[0]


def test_of_two_tables_the_last_one_counts() -> None:
    first = HEAD + GPU.format(index=0) + PROCESSES + "|  No running processes found                     |\n"
    reading = nvidia_smi.read(first + first.replace("821MiB", "823MiB"))
    assert [gpu.values["memory.used"] for gpu in reading.gpus] == [823]
    assert (reading.status, reading.problems) == ("lenient", ["2 tables: the last one counts"])


def test_lines_without_a_comma_are_no_rows_of_a_query() -> None:
    reading = nvidia_smi.read("$ nvidia-smi --query\nname, power.draw [W]\nTesla T4, 16.31 W\n$ exit\n")
    assert (len(reading.gpus), reading.status) == (1, "ok")
