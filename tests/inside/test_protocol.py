"""The protocol of the programs in containers: tested on real processes, as the runner sees them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from kit.inside import protocol

ROOT = Path(__file__).parents[2]


def start(code: str, *, cwd: Path, **keywords: Any) -> subprocess.Popen[str]:
    header = "import errno, os, sys, time\nfrom inside.protocol import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", header + textwrap.dedent(code)],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT / "kit"), "PATH": "/usr/bin:/bin", **keywords.pop("env", {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **keywords,
    )


def finish(code: str, cwd: Path, **keywords: Any) -> tuple[int, list[Any], str]:
    process = start(code, cwd=cwd, **keywords)
    out, err = process.communicate(timeout=60)
    return process.returncode, messages(out), err


def messages(out: str) -> list[Any]:
    return [json.loads(line[len(protocol.MARK) :]) for line in out.splitlines() if line.startswith(protocol.MARK)]


def test_success_is_silent(tmp_path: Path) -> None:
    assert finish("run(lambda argv: None)", tmp_path) == (0, [], "")


def test_arguments_reach_main(tmp_path: Path) -> None:
    code, _, err = finish("run(lambda argv: sys.exit(len(argv or [])), ['a', 'b'])", tmp_path)
    assert (code, err) == (2, "")


def test_user_error_is_one_line_without_trace(tmp_path: Path) -> None:
    code, said, err = finish(
        "def main(argv): raise UserError('it is cut off', 'Fetch it again.', 'w.pth', 'damaged')\nrun(main)", tmp_path
    )
    error = {"what": "it is cut off", "remedy": "Fetch it again.", "where": "w.pth", "kind": "damaged"}
    assert (code, said, err) == (protocol.EXIT_USER, [{"error": error}], "")


def test_kind_must_be_known() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        protocol.UserError("a", "b", kind="damged")


def test_defect_shows_its_traceback(tmp_path: Path) -> None:
    code, said, err = finish("def main(argv): {}['missing']\nrun(main)", tmp_path)
    assert (code, said) == (protocol.EXIT_DEFECT, [])
    assert "Traceback" in err
    assert "KeyError: 'missing'" in err


def test_real_lack_of_memory_is_a_resource_error(tmp_path: Path) -> None:
    code, said, _ = finish(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
        run(lambda argv: bytearray(1 << 30))
        """,
        tmp_path,
    )
    assert code == protocol.EXIT_USER
    assert said[0]["error"]["kind"] == "resource"
    assert "memory" in said[0]["error"]["what"]


def test_real_full_disk_is_a_resource_error(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    code, said, _ = finish("def main(argv):\n  with open('/dev/full', 'w') as f: f.write('x')\nrun(main)", tmp_path)
    assert code == protocol.EXIT_USER
    assert said[0]["error"]["kind"] == "resource"
    assert "space" in said[0]["error"]["what"]


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    code, said, _ = finish(
        """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        run(lambda argv: write_bytes('model.onnx', bytes(1 << 20)))
        """,
        tmp_path,
    )
    assert (code, said[0]["error"]["kind"]) == (protocol.EXIT_USER, "resource")
    assert list(tmp_path.iterdir()) == []


def test_too_many_open_files_is_a_resource_error(tmp_path: Path) -> None:
    code, said, _ = finish(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
        run(lambda argv: [open(os.devnull) for _ in range(20)])
        """,
        tmp_path,
    )
    assert (code, said[0]["error"]["kind"]) == (protocol.EXIT_USER, "resource")


def test_other_operating_system_errors_stay_defects(tmp_path: Path) -> None:
    code, said, err = finish("run(lambda argv: open('nowhere/at/all'))", tmp_path)
    assert (code, said) == (protocol.EXIT_DEFECT, [])
    assert "FileNotFoundError" in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_runs_finally_blocks(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = start(
        """
        def main(argv):
            try:
                print('ready', flush=True)
                time.sleep(60)
            finally:
                open('cleaned', 'w').close()
        run(main)
        """,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "")
    assert (tmp_path / "cleaned").exists()


def test_a_reader_who_leaves_is_no_defect(tmp_path: Path) -> None:
    process = start("def main(argv): time.sleep(0.5); progress(1, 1, 'images')\nrun(main)", cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 141
    assert err == ""


def test_progress_is_rare_and_always_ends(tmp_path: Path) -> None:
    code, said, _ = finish("for i in range(100_001): progress(i, 100_000, 'images')", tmp_path)
    assert code == 0
    assert said[0] == {"progress": [0, 100_000], "unit": "images"}
    assert said[-1] == {"progress": [100_000, 100_000], "unit": "images"}
    assert len(said) < 40


@pytest.mark.slow
def test_progress_comes_in_time_and_whole_lines(tmp_path: Path) -> None:
    code, said, _ = finish("for i in range(4):\n  progress(i, 9, 'Bilder ü')\n  time.sleep(0.25)", tmp_path)
    assert code == 0
    assert [m["progress"][0] for m in said] == [0, 1, 2, 3]
    assert said[0]["unit"] == "Bilder ü"


def test_messages_survive_any_locale(tmp_path: Path) -> None:
    code, said, _ = finish(
        "def main(argv): raise UserError('图 \\udce9', 'é')\nrun(main)",
        tmp_path,
        env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    )
    assert code == protocol.EXIT_USER
    assert said[0]["error"]["what"] == "图 \udce9"


def test_json_is_sorted_whole_and_repeatable(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    protocol.write_json(target, {"b": [1, 0.5], "a": "图"})
    first = target.read_bytes()
    protocol.write_json(target, {"a": "图", "b": [1, 0.5]})
    assert target.read_bytes() == first
    assert first.decode().index('"a"') < first.decode().index('"b"')
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("value", [float("nan"), object(), {"a": [1, {2}]}])
def test_what_is_no_json_leaves_the_old_file(tmp_path: Path, value: object) -> None:
    target = tmp_path / "a.json"
    protocol.write_json(target, {"old": True})
    with pytest.raises((TypeError, ValueError)):
        protocol.write_json(target, value)
    assert json.loads(target.read_text()) == {"old": True}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_json_into_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        protocol.write_json(tmp_path / "no" / "a.json", {})


def test_a_place_in_the_engines_sources_does_not_hide_the_cause() -> None:
    text = (
        "running Reshape node. Status Message: /onnxruntime_src/core/providers/cpu/tensor/reshape_helper.h:91"
        " onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, bool) size was false. Input {2,3}"
    )
    assert protocol.oneline(RuntimeError(text)) == "running Reshape node. Status Message: size was false. Input {2,3}"
