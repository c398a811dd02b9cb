"""A folder is a store only where kit made it, on this machine; everything else is refused before it is touched."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from kit.errors import InvalidInputError, KitError
from kit.storage import marker
from kit.storage.root import Root
from kit.storage.store import Store
from tests.storage.test_store import KEY, make, record


def state(folder: Path) -> dict[str, str]:
    """Every path below with its kind and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = "link" if path.is_symlink() else "folder" if path.is_dir() else "file"
        found[str(path.relative_to(folder))] = f"{kind} {path.read_bytes().hex() if kind == 'file' else ''}"
    return found


@pytest.mark.parametrize("kind", ["absent", "empty"])
def test_a_new_folder_becomes_a_store(kind: str, tmp_path: Path) -> None:
    root = tmp_path / "store"
    if kind == "empty":
        root.mkdir()
    assert not Store(root).check()
    assert state(tmp_path) == ({} if kind == "absent" else {"store": "folder "})  # looking makes nothing
    make(Store(root))
    assert Store(root).check()
    assert Store(root).find(KEY) is not None


@pytest.mark.parametrize("name", ["notes.txt", ".gitignore", "lock", "artifacts/x", "store.json/x"])
def test_another_folder_is_no_store_and_stays_as_it_is(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("precious")
    before = state(tmp_path)
    for adopt in (False, True):
        if adopt and name in {"lock", ".gitignore"}:
            continue
        store = Store(tmp_path, adopt=adopt)
        for use in (store.sweep, store.records, lambda store=store: store.new_logs(KEY), store.lock().__enter__):
            with pytest.raises(InvalidInputError):
                use()
    assert state(tmp_path) == before


def test_a_file_and_a_link_are_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    make(Store(tmp_path / "real"))
    (tmp_path / "link").symlink_to("real")
    for name in ("file", "link"):
        with pytest.raises(InvalidInputError):
            Store(tmp_path / name).check()


def test_a_store_of_an_earlier_kit_is_taken_over_only_on_request(tmp_path: Path) -> None:
    root = tmp_path / "store"
    make(Store(root))
    (root / marker.MARKER).unlink()
    with pytest.raises(InvalidInputError, match="not a store of kit") as caught:
        Store(root).find(KEY)
    assert "--adopt" in caught.value.remedy
    assert Store(root, adopt=True).find(KEY) is not None
    assert Store(root).find(KEY) is not None


def elsewhere(root: Path) -> None:
    """Make the marker that of another machine."""
    tree = json.loads((root / marker.MARKER).read_bytes())
    tree["owners"][0]["machine"] = "0" * 64
    (root / marker.MARKER).write_text(json.dumps(tree))


def test_a_store_of_another_machine_is_taken_over_only_on_request(tmp_path: Path) -> None:
    root = tmp_path / "store"
    make(Store(root))
    elsewhere(root)
    with pytest.raises(InvalidInputError, match="not made here"):
        Store(root).find(KEY)
    assert Store(root, adopt=True).find(KEY) is not None
    assert Store(root).find(KEY) is not None
    assert len(json.loads((root / marker.MARKER).read_bytes())["owners"]) == 2  # both machines may use it


@pytest.mark.parametrize("control", [".git", ".hg", ".svn"])
def test_a_copy_is_not_believed_below_version_control(control: str, tmp_path: Path) -> None:
    """A clone may bring a copy of a real store of this very machine, with other records in it."""
    make(Store(tmp_path / "first" / ".kit"))
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    assert Store(tmp_path / "second" / ".kit").find(KEY) is not None
    (tmp_path / "second" / control).mkdir()
    with pytest.raises(InvalidInputError, match="not made here"):
        Store(tmp_path / "second" / ".kit").find(KEY)
    assert Store(tmp_path / "second" / ".kit", adopt=True).find(KEY) is not None
    (tmp_path / "first" / control).mkdir()  # made here, and moved as a whole
    (tmp_path / "first").rename(tmp_path / "third")
    assert Store(tmp_path / "third" / ".kit").find(KEY) is not None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"kit store": 1, "owners": 1}', "[" * 10000, '{"kit store": 9}']
)
def test_a_damaged_marker_is_none(text: str, tmp_path: Path) -> None:
    make(Store(tmp_path))
    (tmp_path / marker.MARKER).write_text(text)
    for adopt in (False, True):
        with pytest.raises(InvalidInputError, match="not a store|format"):
            Store(tmp_path, adopt=adopt).find(KEY)


def test_a_store_with_a_link_is_not_taken_over(tmp_path: Path) -> None:
    make(Store(tmp_path))
    (tmp_path / marker.MARKER).unlink()
    (tmp_path / "logs").symlink_to("artifacts")
    with pytest.raises(InvalidInputError, match="link"):
        Store(tmp_path, adopt=True).check()


def whole(root: Path) -> Store:
    """A store that holds everything which a store can hold."""
    store = Store(root, trust_stat=True)
    with store.lock():
        make(store)
        make(store, "cd" * 32)
        (store.new_logs(KEY) / "stdout.txt").write_text("said")
        store.partial_path(KEY).mkdir(parents=True)
        (store.make_weights("ab" * 16) / "w.pth").write_text("weights")
        Root(root).write("images", "runtime.json", data=b"{}")
        given = root.parent / "given"
        given.write_text("given")
        store.tree(given)
        store.set_aside("cd" * 32)
    return store


def use(store: Store) -> None:
    """Everything that commands do with a store."""
    with store.lock():
        store.leftovers()
        store.sweep()
        store.records()
        store.find(KEY)
        (store.new_logs(KEY) / "stdout.txt").write_text("said again")
        (store.make_weights("ab" * 16) / "mark").touch()
        Root(store.root).write("images", "runtime.json", data=b"{ }")
        store.tree(store.root.parent / "given")
        with store.partial(KEY) as partial:
            (partial / "out").write_text("out")
            store.commit(record(), partial, ("out",))
        store.set_aside(KEY)
        store.forget(KEY)


@pytest.mark.parametrize("leads", ["to a folder", "to a file", "nowhere", "second name"])
def test_a_link_at_any_place_touches_nothing_outside(leads: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    (outside / f"{'ab' * 8}.1.1").mkdir()
    (outside / "ab" / "cd").mkdir(parents=True)
    before = state(outside)
    whole(tmp_path / "original")
    names = sorted(path.relative_to(tmp_path / "original") for path in (tmp_path / "original").rglob("*"))
    assert len(names) > 20
    refused = 0
    for name in names:
        root = tmp_path / "store"
        shutil.copytree(tmp_path / "original", root)
        place = root / name
        is_folder = place.is_dir()
        shutil.rmtree(place) if is_folder else place.unlink()
        if leads == "second name":
            if is_folder:
                shutil.rmtree(root)
                continue
            os.link(outside / "precious", place)
        else:
            place.symlink_to(
                {"to a folder": outside, "to a file": outside / "precious", "nowhere": outside / "new"}[leads]
            )
        try:
            use(Store(root, trust_stat=True))
        except KitError:
            refused += 1
        assert state(outside) == before, name
        shutil.rmtree(root)
    assert refused > 0
