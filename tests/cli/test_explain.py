"""``kit explain``: from a number to what it was computed from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.cli import main

DIGEST = "0123456789abcdef" * 4


def stands(step: str, place: str) -> dict[str, str]:
    """Evidence of a value."""
    return {"step": step, "fingerprint": DIGEST, "file": "out.json", "sha256": DIGEST, "reader": "json", "place": place}


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["explain", *args])
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    def step(name: str) -> dict[str, Any]:
        return {
            "step": name,
            "fingerprint": DIGEST,
            "image": "sha256:1",
            "started": "2026-01-02T03:04:05Z",
            "seconds": 2,
            "after": [] if name == "export" else ["cpu/infer"] if name == "cpu/metrics" else ["export"],
        }

    results = {
        "model": "spnasnet_100", "target": "cpu", "source": "measured", "toolchain": "ONNX Runtime 1.32.0",
        "hardware": "a processor", "containerized": True,
        "accuracy": {"n": 400, "classes": 1000, "correct": [300, 330, 340, 350, 360],
                     "evidence": {"n": stands("cpu/metrics", "n"),
                                  "correct[0]": stands("cpu/metrics", "correct[0]")}},
        "throughput": [
            {"batch": batch, "rate": rate, "per": "image", "factor": 1, "mode": "dataset",
             "repeats": [rate, 49.0, 70.0], "latency_ms": {"p50": 20, "p90": 21, "p99": 25, "n": 150},
             "evidence": {f"repeats[{n}]": stands(f"cpu/bench-bs{batch}", f"repeats[{n}].rate") for n in range(3)}}
            for batch, rate in ((1, 50.5), (16, 60.25))
        ],
        "commands": [
            {"stage": "export", "argv": ["export"], "step": "export"},
            {"stage": "infer", "argv": ["infer"], "step": "cpu/infer"},
            {"stage": "metrics", "argv": ["score"], "step": "cpu/metrics"},
            *({"stage": "bench", "argv": ["bench", str(b)], "batch": b, "step": f"cpu/bench-bs{b}"} for b in (1, 16)),
        ],
        "artifacts": [
            {"step": name, "path": "file", "sha256": DIGEST, "md5": None, "bytes": 1}
            for name in ("weights", "export", "cpu/infer", "cpu/metrics", "cpu/bench-bs1", "cpu/bench-bs16")
        ],
        "runs": [step(name) for name in ("export", "cpu/infer", "cpu/metrics", "cpu/bench-bs1", "cpu/bench-bs16")],
    }  # fmt: skip
    folder = tmp_path / "spnasnet_100" / "results"
    folder.mkdir(parents=True)
    (folder / "cpu.json").write_text(json.dumps(results))
    return tmp_path


@pytest.fixture
def explain(root: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda *args: run(capsys, *args, "--recipe", str(root), "--reports", str(reports))


def test_a_published_ratio_down_to_the_published_rates(explain: Any) -> None:
    code, out, err = explain("310P/310@best")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "310P/310@best = 1.267858275"
    assert "  formula    7196.11 / 5675.8 = 1.267858275" in lines
    assert "      formula    1418.95 * 4 = 5675.8" in lines
    assert any("published, https://gitee.com/" in line for line in lines)


def test_a_measurement_down_to_samples_digests_and_runs(explain: Any) -> None:
    tree = json.loads(explain("cpu/bs16", "--json")[1])
    assert (tree["value"], tree["unit"], tree["source"], tree["mode"]) == ("60.25", "fps", "measured", "dataset")
    assert tree["raw"]["repeats"] == [60.25, 49.0, 70.0]
    assert tree["raw"]["latency_ms"] == {"p50": 20.0, "p90": 21.0, "p99": 25.0, "n": 150}
    assert {one["step"] for one in tree["artifacts"]} == {"weights", "export", "cpu/bench-bs16"}
    assert {one["step"] for one in tree["runs"]} == {"export", "cpu/bench-bs16"}
    assert [one["argv"] for one in tree["commands"]] == [["bench", "16"], ["export"]]
    evidence = tree["evidence"][0]
    assert (evidence["step"], evidence["place"], evidence["line"]) == ("cpu/bench-bs16", "repeats[0].rate", "")
    text = explain("cpu/bs16")[1]
    assert f"sha256 {DIGEST}" in text
    assert f"fingerprint {DIGEST}" in text
    # The samples of one list stand together.
    assert "repeats[0]: cpu/bench-bs16/out.json, repeats[0].rate to repeats[2]: repeats[2].rate\n" in text
    assert "this file is not on this machine" in text


def test_accuracy_traces_to_the_inference(explain: Any) -> None:
    tree = json.loads(explain("cpu/top1", "--json")[1])
    assert tree["formula"] == "100 * 300 / 400 = 75 %"
    assert {one["step"] for one in tree["runs"]} == {"export", "cpu/infer", "cpu/metrics"}


def test_doubts_are_told(explain: Any) -> None:
    out = explain("T4/bs64")[1]
    assert out.count("doubt") == 3
    assert "35.9231 * 64 = 2299.0784" in out


def test_every_number_of_the_list_can_be_explained(explain: Any) -> None:
    listed = json.loads(explain("--json")[1])
    assert len(listed) > 60
    for one in listed[::7]:
        code, out, _ = explain(one["cell"])
        assert code == 0
        assert out.startswith(f"{one['cell']} = {one['value']}")
    plain = explain()[1]
    assert len(plain.splitlines()) == len(listed)
    assert any(line.split() == ["310/bs4", "5246.8", "fps", "published"] for line in plain.splitlines())


def test_an_unknown_number_names_its_neighbours(explain: Any) -> None:
    code, _, err = explain("310/bs5")
    assert code == 3
    assert "no number '310/bs5'" in err
    assert "310/bs" in err.split("do:")[1]
