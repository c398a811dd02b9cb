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
    assert unnamed.problems == ["the answer has no header line: what its columns are is not said"]
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


LOG = """
==============NVSMI LOG==============

Timestamp                                 : Thu Mar 16 15:21:23 2023
Driver Version                            : 525.89.02
CUDA Version                              : 12.0

Attached GPUs                             : 1
GPU 00000000:00:1E.0
    Product Name                          : Tesla T4
    Persistence Mode                      : Disabled
    GPU UUID                              : GPU-84b0bf9a-67bf-493c-9214-4fad8b125a6d
    PCI
        GPU Link Info
            PCIe Generation
                Max                       : 3
                Current                   : 1
            Link Width
                Max                       : 16x
                Current                   : 8x
    Performance State                     : P8
    Clocks Throttle Reasons
        Idle                              : Active
        SW Power Cap                      : Active
        HW Slowdown                       : Not Active
            HW Thermal Slowdown           : Not Active
    FB Memory Usage
        Total                             : 15360 MiB
        Used                              : 2 MiB
    BAR1 Memory Usage
        Total                             : 256 MiB
        Used                              : 5 MiB
    Utilization
        Gpu                               : 7 %
        Memory                            : 1 %
    Ecc Mode
        Current                           : Enabled
        Pending                           : Disabled
    Temperature
        GPU Current Temp                  : 25 C
        GPU Shutdown Temp                 : 96 C
    Power Readings
        Power Draw                        : 9.15 W
        Power Limit                       : 70.00 W
    Clocks
        Graphics                          : 300 MHz
        SM                                : 585 MHz
    Applications Clocks
        Graphics                          : N/A
    Max Clocks
        SM                                : 1590 MHz
    Processes
        GPU instance ID                   : N/A
        Process ID                        : 4321
            Type                          : C
            Name                          : ./trtexec
            Used GPU Memory               : 821 MiB
"""
QUERIED = {
    "name": "Tesla T4",
    "uuid": "GPU-84b0bf9a-67bf-493c-9214-4fad8b125a6d",
    "persistence_mode": "Disabled",
    "pci.bus_id": "00000000:00:1E.0",
    "pcie.link.gen.current": 1,
    "pcie.link.width.current": 8,
    "pstate": "P8",
    "memory.total": 15360,
    "memory.used": 2,
    "utilization.gpu": 7,
    "utilization.memory": 1,
    "ecc.mode.current": "Enabled",
    "temperature.gpu": 25,
    "power.draw": 9.15,
    "power.limit": 70,
    "clocks.current.graphics": 300,
    "clocks.current.sm": 585,
    "clocks.applications.graphics": None,
    "clocks.max.sm": 1590,
    "clocks_throttle_reasons.active": "0x0000000000000005",
}
XML = """<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
  <driver_version>535.86.05</driver_version>
  <cuda_version>12.2</cuda_version>
  <attached_gpus>1</attached_gpus>
  <gpu id="00000000:00:1E.0">
    <product_name>Tesla T4</product_name>
    <mig_devices>
      None
    </mig_devices>
    <uuid>GPU-84b0bf9a-67bf-493c-9214-4fad8b125a6d</uuid>
    <clocks_event_reasons>
      <clocks_event_reason_gpu_idle>Not Active</clocks_event_reason_gpu_idle>
      <clocks_event_reason_sw_power_cap>Active</clocks_event_reason_sw_power_cap>
    </clocks_event_reasons>
    <fb_memory_usage>
      <total>15360 MiB</total>
      <used>2 MiB</used>
    </fb_memory_usage>
    <temperature><gpu_temp>25 C</gpu_temp><gpu_temp_max_threshold>96 C</gpu_temp_max_threshold></temperature>
    <gpu_power_readings>
      <power_draw>N/A</power_draw>
      <instant_power_draw>9.15 W</instant_power_draw>
      <current_power_limit>70.00 W</current_power_limit>
    </gpu_power_readings>
    <clocks><sm_clock>585 MHz</sm_clock></clocks>
    <max_clocks><sm_clock>1590 MHz</sm_clock></max_clocks>
    <processes>
      <process_info>
        <pid>4321</pid><type>C</type><process_name>./trtexec</process_name><used_memory>821 MiB</used_memory>
      </process_info>
    </processes>
  </gpu>
</nvidia_smi_log>
"""


def test_everything_of_a_gpu_as_text() -> None:
    assert nvidia_smi.sniff(LOG) == 1.0
    reading = nvidia_smi.read(LOG)
    assert (reading.status, reading.problems) == ("ok", [])
    assert (reading.driver_version, reading.cuda_version) == ("525.89.02", "12.0")
    assert reading.gpus[0].values == QUERIED
    assert reading.gpus[0].throttle == ["gpu_idle", "sw_power_cap"]
    (process,) = reading.processes or []
    assert (process.gpu, process.pid, process.type, process.name, process.memory_mib) == (
        0,
        4321,
        "C",
        "./trtexec",
        821,
    )
    free = LOG[: LOG.index("    Processes")] + "    Processes                             : None\n"
    assert nvidia_smi.read(free).processes == []


def test_everything_of_a_gpu_as_xml() -> None:
    assert nvidia_smi.sniff(XML) == 1.0
    reading = nvidia_smi.read(XML)
    assert (reading.status, reading.problems, reading.driver_version) == ("ok", [], "535.86.05")
    found = reading.gpus[0].values
    same = set(found) - {"clocks_throttle_reasons.active"}
    assert {name: found[name] for name in same} == {name: QUERIED[name] for name in same}
    assert {"memory.used", "power.draw", "power.limit", "clocks.max.sm", "temperature.gpu"} < same
    assert reading.gpus[0].throttle == ["sw_power_cap"]
    assert [(p.pid, p.memory_mib) for p in reading.processes or []] == [(4321, 821)]


@pytest.mark.parametrize("text", [LOG, XML])
def test_an_answer_that_is_cut_gives_no_other_value(text: str) -> None:
    whole = nvidia_smi.read(text).gpus[0].values
    for end in range(text.index("Tesla T4"), len(text) - 20):
        reading = nvidia_smi.read(text[:end])
        for name, value in reading.gpus[0].values.items() if reading.gpus else ():
            assert value in (whole[name], None) or name.startswith("clocks_throttle"), (name, text[end - 30 : end])
        assert reading.status in ("partial", "error") or "Processes" in text[:end]


def test_a_part_that_was_asked_for_is_whole() -> None:
    text = LOG[: LOG.index("    Product")] + LOG[LOG.index("    Temperature") : LOG.index("    Power Readings")]
    reading = nvidia_smi.read(text)
    assert reading.status == "ok"
    assert reading.gpus[0].values == {"pci.bus_id": "00000000:00:1E.0", "temperature.gpu": 25}
    assert reading.processes is None


def test_an_answer_without_its_first_lines() -> None:
    reading = nvidia_smi.read(LOG[LOG.index("Attached") :])
    assert (reading.status, reading.driver_version) == ("ok", None)
    assert reading.gpus[0].values == QUERIED


def test_a_missing_gpu_is_said() -> None:
    reading = nvidia_smi.read(LOG.replace("Attached GPUs                             : 1", "Attached GPUs : 3"))
    assert reading.problems == ["missing: 2 of 3 GPUs"]
    assert nvidia_smi.read(LOG + LOG).status == "lenient"


def test_the_list_of_gpus() -> None:
    text = "GPU 0: Tesla T4 (UUID: GPU-c7b57be0-94ff)\nGPU 1: Tesla T4 (UUID: GPU-d6de6afc-bdfe)\n"
    assert nvidia_smi.sniff(text) == 1.0
    reading = nvidia_smi.read(text)
    assert [(gpu.index, gpu.values["uuid"]) for gpu in reading.gpus] == [
        (0, "GPU-c7b57be0-94ff"),
        (1, "GPU-d6de6afc-bdfe"),
    ]
    assert (reading.status, reading.processes) == ("ok", None)


TRACE = """\
# gpu   pwr gtemp mtemp    sm   mem   enc   dec  mclk  pclk
# Idx     W     C     C     %     %     %     %   MHz   MHz
    0    26    41     -    97    61     0     0  5000  1590
    1    70    55     -    99    63     0     0  5000  1200
"""


def test_the_trace_of_dmon() -> None:
    assert nvidia_smi.sniff(TRACE) == 1.0
    reading = nvidia_smi.read(TRACE)
    assert (reading.status, [gpu.index for gpu in reading.gpus]) == ("ok", [0, 1])
    assert reading.gpus[1].values == {
        "index": 1,
        "power.draw": 70,
        "temperature.gpu": 55,
        "temperature.memory": None,
        "utilization.gpu": 99,
        "utilization.memory": 63,
        "utilization.encoder": 0,
        "utilization.decoder": 0,
        "clocks.current.memory": 5000,
        "clocks.current.sm": 1200,
    }
    again = nvidia_smi.read(TRACE + TRACE)
    assert len(again.gpus) == 4


def test_the_trace_with_stamps_and_other_columns() -> None:
    text = (
        "#Date       Time        gpu    sm   mem    fb  bar1\n#YYYYMMDD   HH:MM:SS    Idx     %     %    MB    MB\n"
        " 20240501   17:36:40      0    97    61   821     5\n"
    )
    (gpu,) = nvidia_smi.read(text).gpus
    assert gpu.values == {
        "timestamp": "20240501 17:36:40", "index": 0, "utilization.gpu": 97, "utilization.memory": 61,
        "memory.used": 821, "bar1": 5,
    }  # fmt: skip


def test_cut_samples_are_left_out() -> None:
    for end in range(TRACE.index("    1"), len(TRACE)):
        reading = nvidia_smi.read(TRACE[:end])
        assert len(reading.gpus) == 1
    assert nvidia_smi.read(TRACE[:-1]).status == "partial"
    assert nvidia_smi.read(TRACE.replace("1200", "12x0")).status == "partial"
    assert nvidia_smi.sniff("# gpu        pid  sort    sm   mem   enc   dec   command\n") == 0
