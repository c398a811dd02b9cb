from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.targets.ascend.readers import perf
from kit.targets.ascend.readers.perf import DatasetBlock, PerfReading, PureBlock
from kit.toollogs.reader import choose

RATE = st.floats(min_value=0.01, max_value=1e5)


def render(images: int = 50000, rate: float = 200.0, batch: int = 1, *, generation: str = "C") -> str:
    """The file that the tool writes: C++ streams, six digits."""
    infer, post = ("infer", "post") if generation == "B" else ("inference", "postprocess")

    def g(value: float) -> str:
        return f"{value:g}"

    return (
        f"[e2e] throughputRate: {g(rate)}, latency: {g(images / rate * 1000)}\n"
        f"[data read] throughputRate: {g(rate * 1.1)}, moduleLatency: {g(1000 / (rate * 1.1))}\n"
        f"[preprocess] throughputRate: {g(rate * 1.05)}, moduleLatency: {g(1000 / (rate * 1.05))}\n"
        f"[{infer}] throughputRate: {g(rate * 1.01)}, Interface throughputRate: {g(rate * 1.5)}, moduleLatency: 4.25\n"
        f"[{post}] throughputRate: {g(rate / batch)}, moduleLatency: {g(1000 * batch / rate)}\n"
    )


PLAIN = render(generation="B")


def one(reading: PerfReading) -> DatasetBlock:
    assert reading.dataset is not None, reading
    return reading.dataset


@given(st.integers(1, 50000), RATE, st.sampled_from([1, 4, 16, 64]), st.sampled_from("BC"))
@settings(max_examples=150, deadline=None)
def test_what_the_tool_writes_is_read_as_written(images: int, rate: float, batch: int, generation: str) -> None:
    reading = perf.read(render(images, rate, batch, generation=generation))
    block = one(reading)
    assert reading.status == "ok", reading.problems
    assert block.interface == float(f"{rate * 1.5:g}")
    assert block.stages["e2e"]["throughputRate"] == float(f"{rate:g}")
    assert block.samples == pytest.approx(images, rel=1e-5)
    assert block.images in (images, None)  # beyond some 100,000 images six digits leave more than one count


@pytest.mark.parametrize(
    "odd",
    [
        PLAIN.replace(", ", "\uff0c"),
        PLAIN.replace(", ", ","),
        PLAIN.replace("[infer] throughputRate", "[infer] th roughputRate"),
        PLAIN.replace("Interface throughputRate: 300,", "Interface throughputRate: 300"),
        PLAIN.replace("\n", ""),  # one line; the last number is then closed by what follows
        PLAIN.replace("[e2e]", "[[e2e]"),
        PLAIN.replace("moduleLatency: 4.25", "moduleLatency:" + " " * 90 + "4.25"),
        PLAIN.replace("moduleLatency: ", "moduleLatency:"),
        PLAIN.replace("Latency", "Lantency").replace("latency", "lantency"),
        PLAIN.replace(", Interface", ",\nInterface"),
        PLAIN.replace(": ", "\uff1a"),
        PLAIN.replace("[", "\u3010").replace("]", "\u3011"),
        PLAIN.upper().replace("E2E", "e2e"),
    ],
)
def test_odd_forms_give_the_same_values(odd: str) -> None:
    reading = perf.read(odd + "\n")
    assert reading.status == "lenient"
    assert one(reading).stages == one(perf.read(PLAIN)).stages
    assert all(problem.startswith("non-standard line: ") for problem in reading.problems)


@pytest.mark.parametrize("plain", ["    " + PLAIN.replace("\n", "\n    "), PLAIN.replace("\n", "  \n"), "\n\n" + PLAIN])
def test_blanks_around_a_line_are_the_editors(plain: str) -> None:
    assert perf.read(plain).as_json() == perf.read(PLAIN).as_json()


def test_the_json_of_a_block() -> None:
    found = perf.read(PLAIN).as_json()
    assert found == {
        "family": "perf",
        "blocks": [
            {
                "kind": "dataset",
                "e2e": {"throughputRate": 200, "latency": 250000},
                "data_read": {"throughputRate": 220, "moduleLatency": 4.54545},
                "preprocess": {"throughputRate": 210, "moduleLatency": 4.7619},
                "infer": {"throughputRate": 202, "interface": 300, "moduleLatency": 4.25},
                "post": {"throughputRate": 200, "moduleLatency": 5},
                "samples": 50000.0,
                "card_fps_x4": 1200,
            }
        ],
        "status": "ok",
    }


@pytest.mark.parametrize(
    "bad",
    [
        "nan",
        "-nan",
        "inf",
        "-5",
        "0",
        "1e999",
        "1.2e+",
        "1.2.3",
        "4.",
        "1,234",
        "3,11289",
        "1 234.5",
        "abc",
        "12..",
        "0x1F",
    ],
)
def test_what_is_no_number_is_missing(bad: str) -> None:
    reading = perf.read(PLAIN.replace("Interface throughputRate: 300,", f"Interface throughputRate: {bad},"))
    assert one(reading).interface is None
    assert reading.status == "partial"
    assert "missing: infer.interface" in reading.problems
    assert any(problem.startswith("infer.interface: ") for problem in reading.problems)


@pytest.mark.parametrize("unit", [" s", "s", "us", "\u00b5s", " min", " seconds"])
def test_a_latency_in_another_unit_is_not_taken_for_ms(unit: str) -> None:
    reading = perf.read(PLAIN.replace("moduleLatency: 4.25", f"moduleLatency: 4.25{unit}"))
    assert "moduleLatency" not in one(reading).stages["infer"]
    assert any("another unit" in problem for problem in reading.problems)
    assert one(perf.read(PLAIN.replace("moduleLatency: 4.25", "moduleLatency: 4.25 ms"))).missing == []
    assert perf.read(PURE.replace("6.375ms", f"6.375{unit}")).status == "partial"


def test_a_last_number_without_line_end_may_be_cut() -> None:
    reading = perf.read(PLAIN.rstrip("\n"))
    assert reading.problems == [
        "missing: post.moduleLatency",
        "non-standard line: [post] throughputRate: 200, moduleLatency: 5",
        "post.moduleLatency: '5' is not surely a whole number",
    ]


def test_a_cut_line_keeps_what_is_sure() -> None:
    reading = perf.read(PLAIN.replace(", moduleLatency: 4.25", ", modul"))
    assert one(reading).stages["infer"] == {"throughputRate": 202, "interface": 300}
    assert reading.as_json()["blocks"][0]["missing"] == ["infer.moduleLatency"]
    assert reading.status == "partial"


def test_one_line_alone() -> None:
    reading = perf.read("[inference] throughputRate: 60.5, Interface throughputRate: 91.5, moduleLatency: 16.5\n")
    assert one(reading).missing == ["e2e", "data_read", "preprocess", "post"]
    assert one(reading).interface == 91.5
    assert reading.status == "partial"


def test_runs_are_not_mixed() -> None:
    first, second = render(rate=100.0).splitlines(), render(rate=300.0).splitlines()
    text = "\n".join([*first[:2], "batch 16:", *second[2:]]) + "\n"
    reading = perf.read(text)
    assert [sorted(block.stages) for block in reading.blocks if isinstance(block, DatasetBlock)] == [
        ["data_read", "e2e"],
        ["infer", "post", "preprocess"],
    ]
    assert reading.dataset is None  # more than one: the caller has to choose


def test_runs_that_wrote_in_turns_give_no_value() -> None:
    first, second = render(rate=100.0).splitlines(), render(rate=300.0).splitlines()
    text = "".join(f"{one}\n{other}\n" for one, other in zip(first, second, strict=True))
    reading = perf.read(text)
    assert (reading.status, reading.blocks) == ("error", [])
    assert "no value can be assigned" in reading.problems[0]
    lines = "".join(line + "\n" for line in (first[3], second[3], first[3]))  # one line of each batch, as reports do
    assert len(perf.read(lines).blocks) == 3
    heads = "".join(f"{run[0]}\n" + "".join(line + "\n" for line in run) for run in (first, second))
    assert len(perf.read(heads).blocks) == 4


def test_a_sentence_about_a_value_is_no_run() -> None:
    reading = perf.read(PURE + "ave_throughputRate\u662f\u5e73\u5747 7.1x4\n" + "ave_throughputRate is the mean\n")
    assert (len(reading.blocks), reading.status) == (1, "ok")
    assert perf.read(PURE + "ave_throughputRate: 15").status == "partial"


def test_a_key_given_twice_with_two_values_is_not_taken() -> None:
    reading = perf.read(PLAIN.replace("moduleLatency: 4.25", "moduleLatency: 4.25, moduleLatency: 5.25"))
    assert "moduleLatency" not in one(reading).stages["infer"]
    assert any("appears twice, as 4.25 and 5.25" in problem for problem in reading.problems)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("latency: 250000", "latency: 250003", "e2e: throughputRate x latency / 1000 = 50000.60 is not a whole number"),
        ("moduleLatency: 4.54545", "moduleLatency: 4.6", "data_read: moduleLatency 4.6 is not 1000 / throughputRate"),
        ("Interface throughputRate: 300", "Interface throughputRate: 150", "Interface throughputRate 150 is below"),
        ("throughputRate: 202,", "throughputRate: 202.12345,", "more than the six significant digits"),
    ],
)
def test_identities_that_do_not_hold_are_said(old: str, new: str, said: str) -> None:
    reading = perf.read(PLAIN.replace(old, new))
    assert any(said in problem for problem in reading.problems), reading.problems
    assert one(reading).missing == []


def test_real_rounding_is_no_contradiction() -> None:
    # 6 digits of each: 211.301 x 236629 / 1000 = 49999.9
    text = PLAIN.replace("throughputRate: 200, latency: 250000", "throughputRate: 211.301, latency: 236629")
    block = one(perf.read(text))
    assert block.images == 50000
    assert block.contradictions() == []


PURE = "[INFO] ave_throughputRate: 157.5samples/s, ave_latency: 6.375ms\n"


def pure(reading: PerfReading) -> PureBlock:
    assert reading.pure is not None, reading
    return reading.pure


def test_pure_inference() -> None:
    saved = "[INFO] PureInfer result saved in ./result/PureInfer_perf_of_net_bs4_in_device_0.txt\n"
    reading = perf.read(saved + "---PureInfer Performance Summary---\n" + PURE)
    assert reading.as_json() == {
        "family": "perf",
        "blocks": [
            {
                "kind": "pure",
                "ave_throughputRate": 157.5,
                "ave_latency_ms": 6.375,
                "result_file": "./result/PureInfer_perf_of_net_bs4_in_device_0.txt",
                "throughput_x_latency": 1.004,
                "card_fps_x4": 630,
            }
        ],
        "status": "ok",
    }


@pytest.mark.parametrize(
    "odd",
    [
        "ave_throughputRate = 157.5samples/s, ave_latency = 6.375ms\n",
        "[INFO] ave_thoroughputRate: 157.5samples/s, ave_latency: 6.375ms\n",
        "ave_throughputRate=157.5samples/s\uff0cave_latency=6.375ms\n",
        "[INFO] ave_throughputRate: 157.5samples/s,\n ave_latency: 6.375ms\n",
    ],
)
def test_pure_inference_in_odd_forms(odd: str) -> None:
    reading = perf.read(odd)
    assert (pure(reading).rate, pure(reading).latency) == (157.5, 6.375)
    assert reading.status == "lenient"


@given(RATE)
@settings(max_examples=50, deadline=None)
def test_pure_inference_is_read_as_written(rate: float) -> None:
    block = pure(perf.read(f"[INFO] ave_throughputRate: {rate:g}samples/s, ave_latency: {1000 / rate:g}ms\n"))
    assert (block.rate, block.latency) == (float(f"{rate:g}"), float(f"{1000 / rate:g}"))
    assert block.contradictions() == []


def test_pure_inference_of_another_run_is_said() -> None:
    reading = perf.read(PURE.replace("6.375", "25.5"))
    assert any("not near 1" in problem for problem in reading.problems)
    assert reading.status == "lenient"


def test_a_result_without_values_is_said() -> None:
    reading = perf.read(PURE + "[INFO] PureInfer result saved in ./result/b.txt\n")
    assert reading.status == "partial"
    assert reading.problems == ["the values of ./result/b.txt are missing"]
    saved = "".join(f"[INFO] PureInfer result saved in ./result/{name}.txt\n" for name in "bc")
    assert perf.read(saved + PURE).problems == ["the values of ./result/b.txt are missing"]


def test_result_files_of_two_processes_are_not_guessed() -> None:
    saved = "".join(f"[INFO] PureInfer result saved in ./result/{name}.txt\n" for name in "ab")
    reading = perf.read(saved + PURE + PURE.replace("157.5", "158.5"))
    assert [block.as_json().get("result_file") for block in reading.blocks] == [None, None]
    assert (reading.status, reading.problems[-1]) == (
        "partial",
        "it is not clear which values are of which result file",
    )


def test_prose_that_repeats_a_value_is_no_run() -> None:
    text = f"{PLAIN}```\nInterface throughputRate: 300\uff0c300x4=1200 is one card\nInterface throughputRate: 1200\n"
    assert perf.read(text).as_json() == perf.read(PLAIN).as_json()


def test_prose_with_a_rate_of_its_own_is_a_partial_run() -> None:
    reading = perf.read(PLAIN + "```\nbatch 8\uff1aInterface throughputRate: 777.5 samples\n")
    assert [block.as_json().get("infer", {}).get("interface") for block in reading.blocks] == [300, 777.5]
    assert reading.status == "partial"


@pytest.mark.parametrize("formula", ["1000 * batchsize/npu_compute_time.mean= 290.0", "\uff0c106.197x4=424.788", "x"])
def test_a_formula_in_prose_is_no_rate(formula: str) -> None:
    assert perf.read(f"Interface throughputRate: {formula}\n").status == "error"


def test_what_the_tool_says_before_it_fails() -> None:
    text = (
        "[INFO][Inference] Init SUCCESS\n[ERROR][Inference] The batchsize of om model does not match the user inputs!\n"
    )
    reading = perf.read(text)
    assert perf.sniff(text) > 0
    assert reading.status == "error"
    assert reading.problems[0].startswith("the tool says: [ERROR][Inference] The batchsize of om model")


@pytest.mark.parametrize(
    "line",
    [
        "[ERROR] Command params input error! Please check help message.",
        "[ERROR] invalid model type, please check!",
        "[ERROR] invalid input_width, please check!",
        "[ERROR] aclInit failed!",
        "[ERROR] aclrtSetDevice failed!",
        "[ERROR] aclrtCreateContext failed!",
        "[ERROR] creat result directory failed!!!",
        "[ERROR] Get absolute om_path failed! The path is ",
        "[ERROR] Get absolute input_text_path path failed! The path is ",
        "[ERROR] Input text file open filed, Please check!",
        "[ERROR] CheckTextContent Check whether the file content is correct!",
        "[ERROR] moduleInstance.inferenceInstance init failed.",
        "[ERROR] execute model failed.",
        "[ERROR] Infer latency get zero, please check the model!",
        "[ERROR] Please run benchmark as root user!",
        "[ERROR] Please input the right round number(0<round<=1024).",
        "[ERROR][Inference] aclmdlLoadFromFile failed!",
        "[ERROR][DataManager] File size is zero!",
        "[ERROR][VisionPreProcess] Check free memory less 10 rate now wait!",
        "[ERROR][PostProcess] Can not find dataId(",
    ],
)
def test_every_message_of_a_failure_is_known(line: str) -> None:
    assert choose(line + "\n").family == "perf"
    reading = perf.read(line + "\n")
    assert reading.status == "error"
    assert reading.problems[0].startswith("the tool says: [ERROR]")
    assert perf.read(PLAIN + "[Inference] last frame inference failed and exit. \n").status == "lenient"


def test_errors_beside_values_keep_the_reading_from_being_ok() -> None:
    assert perf.read(PLAIN + "[ERROR][PostProcess] SaveToTxtFile failed.\n").status == "lenient"


def test_widedeep_has_two_kinds_of_preprocessing() -> None:
    lines = PLAIN.splitlines(keepends=True)
    text = "".join(
        [*lines[:2], lines[2].replace("[pre", "[wide pre"), lines[2].replace("[pre", "[deep pre"), *lines[3:]]
    )
    reading = perf.read(text)
    assert reading.status == "ok", reading.problems
    assert {"wide_preprocess", "deep_preprocess"} < set(one(reading).stages)


def test_the_table_for_people_has_units() -> None:
    rows: list[Any] = perf.read(PLAIN).rows()
    assert ("infer Interface throughputRate", "300", "samples/s per device") in rows
    assert ("samples", "50000", "throughputRate x latency / 1000") in rows
