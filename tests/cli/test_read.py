from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from kit.cli import main

LOGS = Path(__file__).resolve().parents[2].parent / "shared" / "examples" / "logs"
PERF = "[inference] throughputRate: 60.5, Interface throughputRate: 91.5, moduleLatency: 16.5\n"
TRTEXEC = "[I] GPU Compute Time: min = 1 ms, max = 2 ms, mean = 1.5 ms, median = 1.5 ms, percentile(99%) = 2 ms\n"


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["read", *args])
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


@pytest.fixture
def logs(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "perf.txt").write_text(PERF)
    (tmp_path / "trtexec.txt").write_text(TRTEXEC)
    (tmp_path / "both.md").write_text(PERF + TRTEXEC)
    (tmp_path / "prose.txt").write_text("nothing to see\n")
    (tmp_path / "binary.bin").write_bytes(bytes(range(256)) * 8)
    return {path.stem: str(path) for path in tmp_path.iterdir()}


def test_json_has_one_key_for_each_file(logs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, logs["perf"], logs["trtexec"], "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert list(found) == [logs["perf"], logs["trtexec"]]
    assert found[logs["perf"]]["blocks"][0]["infer"] == {
        "throughputRate": 60.5,
        "interface": 91.5,
        "moduleLatency": 16.5,
    }
    assert found[logs["trtexec"]]["fps_if_batch_1"] == 666.666667


def test_the_table_for_people(logs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, logs["perf"])
    assert code == 0
    assert out == (
        f"{logs['perf']}: perf, partial\n"
        "  infer throughputRate            60.5  samples/s per device\n"
        "  infer Interface throughputRate  91.5  samples/s per device\n"
        "  infer moduleLatency             16.5  ms\n"
        "  card of four 310 devices        366   samples/s, Interface x 4 (a 310P is x 1)\n"
        "  ! missing: e2e, data_read, preprocess, post\n"
    )


def test_two_tools_in_one_file_need_a_name(logs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, logs["both"])
    assert code == 3
    assert err == (
        f"error: {logs['both']}: the text holds output of several tools: perf, trtexec\n"
        "  do: name the one to read with --tool\n"
    )
    code, out, _ = run(capsys, logs["both"], "--tool", "trtexec", "--json")
    assert (code, json.loads(out)[logs["both"]]["family"]) == (0, "trtexec")


def test_a_file_that_cannot_be_read_does_not_hide_the_others(
    logs: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, logs["prose"], logs["perf"], logs["binary"], "--json")
    assert code == 3
    found = json.loads(out)
    assert [value["status"] for value in found.values()] == ["error", "partial", "error"]
    assert found[logs["prose"]]["problems"] == ["no reader knows this text"]
    assert "2 of 3 files could not be read" in err
    assert "Traceback" not in err


def test_errors_name_the_file_once(logs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, logs["prose"], logs["perf"])
    assert code == 3
    assert "perf, partial" in out
    assert err.count(logs["prose"]) == 1


@pytest.mark.parametrize(("name", "code"), [("nothing", 4), ("", 3), ("perf.txt/x", 3)])
def test_paths_that_are_no_file(name: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "perf.txt").write_text(PERF)
    ended, _, err = run(capsys, str(tmp_path / name))
    assert ended == code
    assert "\n  do: " in err


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TRTEXEC.encode())))
    code, out, _ = run(capsys, "-", "--json")
    assert (code, json.loads(out)["-"]["status"]) == (0, "ok")


def test_a_file_is_called_as_it_was_typed(
    logs: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(logs["perf"]).parent)
    assert list(json.loads(run(capsys, "./perf.txt", "--json")[1])) == ["./perf.txt"]


def test_an_unknown_tool(logs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, logs["perf"], "--tool", "abacus")
    assert code == 3
    assert "there is no reader 'abacus'" in err


def same(want: Any, found: Any) -> bool:
    if isinstance(want, dict):
        return isinstance(found, dict) and all(key in found and same(want[key], found[key]) for key in want)
    if isinstance(want, list):
        return isinstance(found, list) and len(want) == len(found) and all(map(same, want, found))
    return bool(want == found)


@pytest.mark.skipif(not LOGS.is_dir(), reason="the example logs do not lie beside this checkout (../shared/examples)")
def test_the_example_logs(capsys: pytest.CaptureFixture[str]) -> None:
    texts = sorted(LOGS.glob("*.txt"))
    assert texts
    code, out, _ = run(capsys, *map(str, texts), "--json")
    assert code == 0
    found = json.loads(out)
    for text in texts:
        want = json.loads(text.with_suffix(".json").read_text())
        del want["source"]
        assert same(want, found[str(text)]), text.name


@pytest.mark.parametrize(
    "text",
    [
        "npu-smi: command not found\n",
        "&&&& RUNNING TensorRT.trtexec # trtexec --onnx=a\n[E] Unknown option: --a\n&&&& FAILED TensorRT.trtexec # x\n",
        "<nvidia_smi_log><<\n",
    ],
)
def test_nothing_usable_ends_with_the_code_of_an_invalid_file(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_text(text)
    (tmp_path / "good").write_text(TRTEXEC)
    code, out, err = run(capsys, str(tmp_path / "log"))
    assert code == 3
    assert out.startswith(f"{tmp_path / 'log'}: ")
    assert "nothing usable in this output of" in err
    code, out, _ = run(capsys, str(tmp_path / "log"), str(tmp_path / "good"), "--json")
    assert (code, [value["status"] for value in json.loads(out).values()]) == (3, ["error", "ok"])


def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero"):
        code, _, err = run(capsys, path)
        assert code == 3
        assert "not a regular file" in err


def test_terminal_codes_of_a_log_are_shown_and_not_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_text("[E] \x9b2J bad \x07 \u202e thing\n[I] Throughput: 400 qps\n")
    _, out, _ = run(capsys, str(tmp_path / "log"))
    assert "thing" in out
    assert not {"\x9b", "\x07", "\u202e", "\x1b"} & set(out)
