from __future__ import annotations

import pytest

from kit.targets.ascend.readers import msame
from kit.toollogs.reader import choose

RUN = """\
[INFO] start to process file:/data/0.bin
[INFO] model execute success
Inference time: 82.25ms
[INFO] output data success
[INFO] model execute success
Inference time: 81.5ms
Inference average time : 81.88 ms
Inference average time without first time: 81.50 ms
[INFO] unload model success, model Id is 1
"""


@pytest.mark.parametrize("form", [RUN, RUN.replace("time : 81.88 ms", "time: 81.880000 ms")])
def test_the_means_of_a_run(form: str) -> None:
    assert choose(form).family == "msame"
    reading = msame.read(form)
    assert reading.as_json() == {
        "family": "msame",
        "runs": [{"average_ms": 81.88, "average_without_first_ms": 81.5, "times": 2}],
        "status": "ok",
    }
    assert [row.unit for row in reading.rows()] == ["", "ms per batch", "ms per batch"]


def test_runs_are_not_mixed() -> None:
    runs = msame.read(RUN + RUN.replace("81.88", "71.88")).runs
    assert [(run.mean, run.later_mean, run.times) for run in runs] == [(81.88, 81.5, 2), (71.88, 81.5, 2)]


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("(bs1) Inference average time: 21.5 ms\n", "partial", "missing: average without the first"),
        (RUN.replace("81.88 ms", "nan ms"), "partial", "missing: average"),
        (RUN.replace("81.88 ms", "81.88 s"), "partial", "missing: average"),
        (RUN[: RUN.index("Inference average")], "error", "missing: the average after 2 times"),
        (RUN.rstrip("\n") + "\n[ERROR] end failed\n", "lenient", "the tool says: [ERROR] end failed"),
        (RUN.replace("time : 81", "time \uff1a81"), "lenient", "non-standard line: Inference average time"),
    ],
)
def test_what_is_missing_or_odd_is_said(text: str, status: str, said: str) -> None:
    reading = msame.read(text)
    assert reading.status == status
    assert any(problem.startswith(said) for problem in reading.problems), reading.problems


def test_a_mean_in_a_report_does_not_hide_another_tool() -> None:
    text = "(bs1) Inference average time: 21.5 ms\n[02/03/2022-10:00:05] [I] GPU Compute\n"
    text += "".join(f"[02/03/2022-10:00:05] [I] {name}: 1.5 ms\n" for name in ("min", "max", "mean", "median"))
    assert choose(text).family == "trtexec"
    assert choose("(bs1) Inference average time: 21.5 ms\n").family == "msame"
