from __future__ import annotations

import pytest

from kit.targets.tensorrt.readers import nvidia_smi

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
