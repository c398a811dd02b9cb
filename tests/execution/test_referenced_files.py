"""What a step reads through a file of the user belongs to its fingerprint: shards, external data of an ONNX model."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from kit.containers.local import LocalRunner
from kit.errors import InvalidInputError, MissingError
from kit.execution.executor import Executor
from kit.execution.progress import PlainProgress
from kit.planning.planner import Plan
from kit.planning.step import External, Step
from kit.storage.store import Record, Store
from kit.verification.records import check_inputs

_PRINT = "import pathlib, sys; print(pathlib.Path(sys.argv[1]).with_name('w.data').read_text())"


def message(number: int, data: bytes) -> bytes:
    """A field of protocol buffers that holds bytes."""
    return bytes([number << 3 | 2, len(data)]) + data


def given(folder: Path, name: str) -> Path:
    """A file that refers to ``w.data`` beside it."""
    location = message(1, b"location") + message(2, b"w.data")
    model = message(7, message(5, message(13, location)))
    folder.mkdir(exist_ok=True)
    (folder / "w.data").write_text("first")
    path = folder / name
    path.write_bytes(model if name.endswith(".onnx") else json.dumps({"weight_map": {"a": "w.data"}}).encode())
    return path


def step(path: Path) -> Step:
    argv = ("python3", "-c", _PRINT, "{in:model}")
    return Step("read", "infer", "reads", "runtime", argv, (), inputs={"model": External(path)}, keep_output=True)


def run(folder: Path, path: Path) -> tuple[Record, str]:
    """The record, and what the step printed."""
    store = Store(folder / ".kit")
    with store.lock():
        records = Executor(store, LocalRunner(), PlainProgress(io.StringIO())).run(Plan((step(path),)))
    return records["read"], (store.artifact(records["read"].fingerprint) / "stdout.txt").read_text().strip()


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors.index.json"])
def test_a_changed_file_beside_is_not_unchanged(tmp_path: Path, name: str) -> None:
    path = given(tmp_path / "in", name)
    first, printed = run(tmp_path, path)
    assert printed == "first"
    assert set(first.inputs) == {"model", "model/w.data"}
    assert run(tmp_path, path)[0] == first
    (path.parent / "w.data").write_text("other")
    second, printed = run(tmp_path, path)
    assert printed == "other"
    assert second.fingerprint != first.fingerprint
    assert second.inputs["model"] == first.inputs["model"]


def test_a_file_beside_that_is_missing_or_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    path = given(tmp_path / "in", "model.onnx")
    (path.parent / "w.data").rename(tmp_path / "secret")
    with pytest.raises(MissingError, match=r"keeps weights in w\.data, which is not next to it"):
        run(tmp_path, path)
    (path.parent / "w.data").symlink_to("../secret")
    with pytest.raises(InvalidInputError, match="leaves its folder"):
        run(tmp_path, path)
    (path.parent / "w.data").unlink()
    os.mkfifo(path.parent / "w.data")
    with pytest.raises(MissingError, match="not next to it"):
        run(tmp_path, path)


def test_verification_compares_the_file_beside(tmp_path: Path) -> None:
    path = given(tmp_path / "in", "model.onnx")
    record, _ = run(tmp_path, path)
    steps, records = {"read": step(path)}, {"read": record}
    assert list(check_inputs("x", steps, records, {})) == []
    assert list(check_inputs("x", steps, records, {path.parent / "w.data": record.inputs["model/w.data"]})) == []
    (wrong,) = check_inputs("x", steps, records, {path.parent / "w.data": "0" * 64})
    assert wrong.state == "wrong" and "model/w.data" in wrong.message
    record.parts["inputs"]["other/w.data"] = "0" * 64
    (wrong,) = check_inputs("x", steps, records, {})
    assert "planned are ['model']" in wrong.message
