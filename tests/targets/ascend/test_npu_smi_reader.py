from __future__ import annotations

import pytest

from kit.targets.ascend.readers import npu_smi


def table(*chips: tuple[int, int, int, str], version: str = "22.0.0", driver: str = "22.0.0") -> str:
    """The table of the 22.0 versions, by their own row formats."""
    line = f"+{'-' * 19}+{'-' * 17}+{'-' * 54}+\n"
    text = f"+{'-' * 92}+\n| npu-smi {version:<29}Version: {driver:<45}|\n" + line
    text += "| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |\n"
    text += "| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |\n"
    text += line.replace("-", "=")
    for npu, chip, device, name in chips:
        pages, memory = f"{0:<4d} / {187}", f"{2621:<4d} / {8192}"
        text += "| {:<8d}{:<10s}| {:<16s}| {:<13s}{:<18s}{:<22s}|\n".format(npu, name, "OK", "12.8", "46", pages)
        text += "| {:<8d}{:<10d}| {:<16s}| {:<13d}{:<40s}|\n".format(chip, device, f"0000:{device:02X}:00.0", 0, memory)
        text += line
    return text


def test_a_card_of_four_chips() -> None:
    reading = npu_smi.read(table(*((2048, chip, chip, "310") for chip in range(4))))
    assert reading.status == "ok"
    assert [chip.device for chip in reading.chips] == [0, 1, 2, 3]
    chip = reading.device(3)
    assert chip is not None
    assert (chip.npu, chip.chip, chip.soc_version, chip.bus_id) == (2048, 3, "Ascend310", "0000:03:00.0")
    assert (chip.power_w, chip.temperature_c, chip.aicore_percent) == (12.8, 46, 0)
    assert (chip.hugepages_used, chip.hugepages_total) == (0, 187)
    assert (chip.memory_used_mb, chip.memory_total_mb) == (2621, 8192)
    assert reading.driver_version == "22.0.0"
    assert reading.processes is None  # this version has no table of processes: not the same as none


@pytest.mark.parametrize(
    ("name", "soc"), [("310P3", "Ascend310P3"), ("710", "Ascend710"), ("Ascend310B4", "Ascend310B4")]
)
def test_names_give_the_soc_version(name: str, soc: str) -> None:
    assert npu_smi.read(table((0, 0, 0, name))).chips[0].soc_version == soc


def test_the_older_table_without_huge_pages() -> None:
    text = (
        "| 2048    310       | OK              | 12.8              46                   |\n"
        "| 1       5         | NA              | 17                2621 / 8192          |\n"
    )
    (chip,) = npu_smi.read(text).chips
    assert (chip.chip, chip.device, chip.bus_id, chip.aicore_percent) == (1, 5, None, 17)
    assert (chip.hugepages_total, chip.memory_used_mb) == (None, 2621)


def test_a_second_memory_and_no_device() -> None:
    """Newer tables of 910 cards: the device column is away, and HBM stands beside the memory."""
    text = (
        "| npu-smi 24.1.1                   Version:24.1.1                                                |\n"
        "| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|\n"
        "| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |\n"
        "| 3     910B4-1             | OK            | -           30                0    / 0             |\n"
        "| 0                         | 0000:C1:00.0  | 7           21   / 43         26838/ 32768         |\n"
    )
    reading = npu_smi.read(text)
    (chip,) = reading.chips
    assert (reading.status, reading.tool_version, reading.driver_version) == ("ok", "24.1.1", "24.1.1")
    assert (chip.device, chip.power_w, chip.aicore_percent, chip.name) == (None, None, 7, "910B4-1")
    assert (chip.memory_used_mb, chip.memory_total_mb, chip.hbm_used_mb, chip.hbm_total_mb) == (21, 43, 26838, 32768)
    alarm = npu_smi.read(text.replace("| OK     ", "| Alarm  "))
    assert alarm.problems == ["card 3 chip 0: health is Alarm"]
    assert npu_smi.read("".join(f"# {line}\n" for line in text.splitlines())).chips == reading.chips


def test_a_device_that_is_not_available() -> None:
    text = table((0, 0, 7, "310P3")).replace("| 0       7  ", "| 0       NA ")
    (chip,) = npu_smi.read(text).chips
    assert (chip.device, chip.memory_used_mb) == (None, 2621)


def test_what_is_not_available_is_none() -> None:
    text = (
        "| 2144    310P3         | OK              | NA           47                0    / 0              |\n"
        "| 0       0             | 0000:5E:00.0    | 0            2419 / 21534                            |\n"
    )
    (chip,) = npu_smi.read(text).chips
    assert chip.power_w is None
    assert "power_w" not in npu_smi.read(text).as_json()["chips"][0]


def test_processes() -> None:
    head = (
        "| NPU     Chip                  | Process id      | Process name             | Process memory(MB)        |\n"
        "+===============================+=================+======================================================+\n"
    )
    busy = (
        table((0, 0, 0, "310P3")) + head + "| 0       0   | 4711            | benchmark.x86_64         | 512        |\n"
    )
    (process,) = npu_smi.read(busy).processes or []
    assert (process.pid, process.name, process.memory_mb) == (4711, "benchmark.x86_64", 512)
    free = table((0, 0, 0, "310P3")) + head + "| No running processes found in NPU 0                       |\n"
    assert npu_smi.read(free).processes == []


def test_processes_in_bytes_are_not_taken_for_mb() -> None:
    text = (
        "| NPU     Chip         | Process id    | Process name             | Process memory(B)       |\n"
        "| 2       0            | 4711          | python                   | 1048576                 |\n"
    )
    (process,) = npu_smi.read(table((2, 0, 0, "310P3")) + text).processes or []
    assert (process.pid, process.memory_mb) == (4711, None)


def test_a_table_cut_between_the_rows_of_a_chip() -> None:
    text = table((0, 0, 0, "310P3"), (1, 0, 1, "310P3"))
    reading = npu_smi.read(text[: text.rindex("| 0       1")])
    assert len(reading.chips) == 1
    assert reading.status == "partial"
    assert reading.problems == ["missing: second row of card 1"]


def test_a_chip_that_is_not_well_is_said() -> None:
    reading = npu_smi.read(table((0, 0, 0, "310P3")).replace("| OK     ", "| Alarm  "))
    assert reading.problems == ["device 0: health is Alarm"]


def test_tool_and_driver_of_two_versions_are_said() -> None:
    reading = npu_smi.read(table((0, 0, 0, "310P3"), driver="22.0.2"))
    assert reading.problems == ["npu-smi 22.0.0 and driver 22.0.2 have different versions"]


@pytest.mark.parametrize(
    "text",
    [
        "dcmi module initialize failed. ret is -8005\n",
        "DrvMngGetConsoleLogLevel failed. (ret=4)\n",
        "bash: npu-smi: command not found\n",
    ],
)
def test_messages_of_a_missing_driver(text: str) -> None:
    assert npu_smi.sniff(text) == 1.0
    reading = npu_smi.read(text)
    assert reading.status == "error"
    assert reading.problems[0].startswith("npu-smi says: ")


def test_the_mapping_of_logic_ids() -> None:
    text = (
        "NPU ID                         Chip ID                        Chip Logic ID                  Chip Name\n"
        "1                              0                              0                              Ascend 310P3\n"
        "1                              2                              -                              Mcu\n"
    )
    assert [(m.npu, m.chip, m.logic_id) for m in npu_smi.read(text).mapping] == [(1, 0, 0), (1, 2, None)]


def test_the_mapping_with_a_column_more() -> None:
    text = (
        "NPU ID      Chip ID     Chip Logic ID     Chip Phy-ID      Chip Name\n"
        "\t3           0           1                 5                Ascend910\n"
        "Some other line\n"
    )
    (chip,) = npu_smi.read(text).mapping
    assert (chip.npu, chip.chip, chip.logic_id, chip.name) == (3, 0, 1, "Ascend910")


def test_the_properties_of_one_chip_that_was_asked_for() -> None:
    text = "\tDDR Capacity(MB)               : 21534\n\tAicore Usage Rate(%)           : 35\n"
    assert npu_smi.sniff(text) > 0
    assert npu_smi.read(text).properties == [{"DDR Capacity(MB)": "21534", "Aicore Usage Rate(%)": "35"}]


def test_the_properties_of_chips() -> None:
    text = (
        "NPU ID                         : 1\nChip Count                     : 2\n\n"
        "DDR Capacity(MB)               : 21534\nAicore Usage Rate(%)   : 0\nChip ID                        : 0\n\n"
        "DDR Capacity(MB)               : 21534\nAicore Usage Rate(%)   : 35\nChip ID                        : 1\n"
    )
    assert npu_smi.sniff(text) > 0
    reading = npu_smi.read(text)
    assert reading.status == "ok"
    assert [(p["Chip ID"], p["Aicore Usage Rate(%)"]) for p in reading.properties] == [("0", "0"), ("1", "35")]


def test_the_list_of_cards() -> None:
    text = "Total Count                    : 2\n\n" + "".join(
        f"NPU ID                         : {npu}\nChip Count                     : 4\n\n" for npu in (8, 9)
    )
    assert npu_smi.read(text).properties == [{"NPU ID": "8", "Chip Count": "4"}, {"NPU ID": "9", "Chip Count": "4"}]
