"""Each field of results and records: `kit verify --strict` refuses another value by name."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from typing import Any

import pytest
from pydantic import BaseModel

from kit.results.evidence import field_name
from kit.results.kept import SUFFIX, unpack
from kit.results.resultsfile import load_results
from kit.storage.store import MadeFile, Record
from tests.verification.conftest import Proven
from tests.verification.manipulation import changed, places, refused, repack, rewrite

pytestmark = pytest.mark.slow

#: What only the store knows: no number depends on it, and a wrong one only makes the store hash a file again.
BOOKKEEPING = {"mtime_ns", "inode"}


def never_tried(value: Any, names: set[str]) -> set[str]:
    """Fields of a model, and of every model that stands in it, whose names are missing."""
    if isinstance(value, BaseModel):
        own = {name for name in type(value).model_fields if getattr(value, name) not in (None, (), {})}
        return (own - names).union(*(never_tried(getattr(value, name), names) for name in own))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return set().union(*(never_tried(one, names) for one in inner))


def test_an_untouched_report_is_proven_with_and_without_its_store(proven: Proven) -> None:
    assert proven.verify() == []
    assert proven.verify(here=False) == []


def test_every_field_of_the_results_is_bound(proven: Proven) -> None:
    original = proven.results.read_text()
    tree = json.loads(original)
    tried: dict[str, tuple[str | int, ...]] = {}
    for place in places(tree):
        # One place for each field; entries of lists count once, whatever their index.
        tried.setdefault(field_name(*("n" if isinstance(part, int) else part for part in place)), place)
    assert len(tried) > 150
    names = {str(part) for place in tried.values() for part in place}
    assert never_tried(load_results(proven.results), names) == set()
    metric = {"name": "mAP", "value": 0.9, "unit": "fraction"}
    proven.results.write_text(json.dumps(tree | {"metrics": [metric]}))
    refused(proven, "metrics")
    missed = []
    for place in tried.values():
        proven.results.write_text(json.dumps(changed(tree, place)))
        broken = proven.verify_results(here=False)
        text = "\n".join(f"{one.subject}: {one.message}" for one in broken if one.state == "wrong")
        named = [str(part) for part in place if not isinstance(part, int)]
        if place[0] == "runs" and len(place) > 1:
            named.append(tree["runs"][place[1]]["step"])
        if not broken or not any(name in text for name in named):
            missed.append((field_name(*place), text))
    proven.results.write_text(original)
    assert missed == []


def test_no_field_of_the_results_can_be_left_out(proven: Proven) -> None:
    tree = json.loads(proven.results.read_text())
    for name in tree:
        if name in {"format", "notes"} or tree[name] in (None, []):  # it has the same value where it is left out
            continue
        proven.results.write_text(json.dumps({key: one for key, one in tree.items() if key != name}))
        refused(proven, name, "an older kit", here=False)


def test_every_field_of_the_records_is_bound(proven: Proven, run: Proven) -> None:
    shutil.rmtree(proven.folder / ".kit")
    shutil.copytree(run.folder / ".kit", proven.folder / ".kit", symlinks=True)
    store = proven.store()
    runs = {one.step: one.fingerprint for one in load_results(proven.results).runs}
    path = store.root / "records" / f"{runs['cpu/bench']}.json"
    original = path.read_bytes()
    tree = json.loads(original.split(b"\n")[0])
    listed = [one.name for one in fields(MadeFile)]
    seen = set()
    for place in places(tree):
        if place[0] == "files" and len(place) == 3 and listed[int(place[2])] in BOOKKEEPING:
            continue
        seen.add(str(place[0]))
        rewrite(store, changed(tree, place), path)
        refused(proven, "cpu/bench")
    path.write_bytes(original)
    assert seen == {one.name for one in fields(Record)}
    assert proven.verify() == []


def test_every_field_of_the_kept_records_is_bound(proven: Proven) -> None:
    archive = proven.results.with_name(f"cpu{SUFFIX}")
    original = archive.read_bytes()
    name, data = next(
        (f"records/{one}.json", data) for one, data in unpack(archive).records.items() if b"inside.bench" in data
    )
    for place in places(json.loads(data)):
        proof = json.dumps(changed(json.loads(data), place), sort_keys=True, separators=(",", ":")).encode()
        repack(proven, lambda members, proof=proof: members.update({name: proof}))  # type: ignore[misc]
        refused(proven, "cpu/bench", f"cpu{SUFFIX}", here=False)
        archive.write_bytes(original)
