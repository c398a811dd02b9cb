from __future__ import annotations

from kit.targets.tensorrt.readers import nvidia_smi

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
