from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from kit.errors import BusyError, DamagedError, InvalidInputError, MissingError
from kit.storage.store import Record, Store

KEY = "ab" * 32


def record(key: str = KEY, step: str = "export") -> Record:
    return Record(
        fingerprint=key,
        step=step,
        stage="export",
        batch=None,
        image="exporter",
        runner="local",
        parts={"image": "sha256:0", "argv": ["true"], "inputs": {}, "code": "", "simulated": False},
        started="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        exit_code=0,
    )


def make(store: Store, key: str = KEY, data: bytes = b"x" * 100) -> Record:
    with store.partial(key) as partial:
        (partial / "model.onnx").write_bytes(data)
        (partial / "bins").mkdir()
        (partial / "bins" / "a.bin").write_bytes(b"a")
        return store.commit(record(key), partial, ("model.onnx", "bins"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", trust_stat=True)


def test_what_was_committed_is_found_with_its_digests(store: Store) -> None:
    made = make(store)
    found = store.find(KEY)
    assert found == made
    assert found is not None
    assert {file.path for file in found.files} == {"model.onnx", "bins/a.bin"}
    assert found.digest_of("model.onnx") == found.files[1].sha256
    assert found.digest_of("bins") != found.digest
    assert found.digest_of("nothing") is None
    assert list((store.root / "partial").iterdir()) == []


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize("damage", [flip, truncate, empty, Path.unlink, folder_instead])
def test_a_damaged_artifact_is_set_aside(store: Store, damage: Callable[[Path], None]) -> None:
    make(store)
    damage(store.artifact(KEY) / "model.onnx")
    assert store.find(KEY) is None
    assert not store.artifact(KEY).exists()
    assert len(list((store.root / "damaged").iterdir())) == 1
    assert make(store).files  # and it can be made again
    assert store.find(KEY) is not None


@pytest.mark.parametrize("damage", [flip, truncate, empty])
def test_a_damaged_record_is_set_aside(store: Store, damage: Callable[[Path], None]) -> None:
    make(store)
    damage(store.root / "records" / f"{KEY}.json")
    found = store.find(KEY)
    # A flipped bit may leave valid JSON; then the record differs and nothing false is taken for true.
    if found is not None:
        assert found != make(Store(store.root.parent / "other"))
    else:
        assert (store.root / "damaged").exists()


def test_a_large_untouched_file_is_taken_by_its_stat_but_not_in_full_mode(tmp_path: Path) -> None:
    store = Store(tmp_path, trust_stat=True)
    make(store, data=bytes(2 << 20))
    path = store.artifact(KEY) / "model.onnx"
    stat = path.stat()
    flip(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert store.find(KEY) is not None  # documented: size, time and inode say that it was not touched
    assert Store(tmp_path, trust_stat=False).find(KEY) is None


def test_many_untouched_files_are_taken_by_their_stat(tmp_path: Path) -> None:
    store = Store(tmp_path, trust_stat=True)
    with store.partial(KEY) as partial:
        for number in range(1100):
            (partial / f"{number:04}.bin").write_bytes(b"x")
        made = store.commit(record(), partial, ())
    assert store.find(KEY) == made
    (store.artifact(KEY) / "0007.bin").write_bytes(b"y")
    assert store.changed(made, full=False) == ["0007.bin"]
    assert store.find(KEY) is None


def test_ci_never_trusts_the_stat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert not Store(tmp_path).trust_stat
    monkeypatch.setenv("CI", "")
    assert Store(tmp_path).trust_stat


def test_an_artifact_without_a_record_does_not_exist(store: Store) -> None:
    make(store)
    (store.root / "records" / f"{KEY}.json").unlink()
    assert store.find(KEY) is None
    store.partial_path("cd" * 32).mkdir(parents=True)
    assert len(store.sweep()) == 2
    assert store.sweep() == []


def test_a_missing_output_or_a_link_is_no_artifact(store: Store) -> None:
    with store.lock():
        partial = store.partial_path(KEY)
        partial.mkdir(parents=True)
    with pytest.raises(DamagedError, match="did not make model.onnx"):
        store.commit(record(), partial, ("model.onnx",))
    (partial / "model.onnx").symlink_to("/etc/passwd")
    with pytest.raises(DamagedError, match="made a link"):
        store.commit(record(), partial, ("model.onnx",))
    assert store.find(KEY) is None


def test_force_forgets_the_record_first(store: Store) -> None:
    make(store)
    store.forget(KEY)
    assert store.find(KEY) is None
    assert not store.artifact(KEY).exists()


def hold(root: str, ready: Event, done: Event) -> None:
    with Store(Path(root)).lock():
        ready.set()
        done.wait(20)


def test_a_second_kit_is_told_who_holds_the_store(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(str(store.root), ready, done))
    other.start()
    try:
        assert ready.wait(20)
        with pytest.raises(BusyError, match=f"pid {other.pid}") as caught, store.lock():
            pass
        assert "--wait" in caught.value.remedy
        other.kill()  # the lock dies with its process
        other.join()
        with store.lock():
            pass
    finally:
        if other.is_alive():  # an event would wait for ever for a sleeper that was killed
            done.set()
        other.join()


def test_the_digest_of_a_folder_follows_its_content(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"1")
    first = store.tree(folder)
    assert store.tree(folder) == first
    (folder / "a.jpg").write_bytes(b"2")
    second = store.tree(folder)
    assert second != first
    (folder / "b.jpg").write_bytes(b"1")
    assert store.tree(folder) not in {first, second}
    (folder / "b.jpg").unlink()
    assert store.tree(folder) == second


def test_a_link_out_of_the_folder_is_refused(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.jpg").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInputError, match="leaves its folder"):
        store.tree(folder)
    (folder / "a.jpg").unlink()
    link_to = folder / "loop"
    link_to.symlink_to("loop")
    with pytest.raises(InvalidInputError, match="link"):
        store.tree(folder)
    with pytest.raises(MissingError):
        store.tree(tmp_path / "nowhere")


def test_the_record_is_plain_json(store: Store) -> None:
    make(store)
    text, digest, _ = (store.root / "records" / f"{KEY}.json").read_text().split("\n")
    tree = json.loads(text)
    assert digest.split() == ["sha256", hashlib.sha256(text.encode()).hexdigest()]
    assert tree["step"] == "export"
    assert tree["parts"]["argv"] == ["true"]
