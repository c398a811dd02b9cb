"""Outputs, records and archives changed after a run: `kit verify --strict` refuses them by name."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from kit.results.kept import SUFFIX, unpack
from kit.results.resultsfile import load_results
from kit.verification.raw_outputs import RawOutputs
from tests.verification.conftest import Proven
from tests.verification.manipulation import edit, hundredfold, own_store, refused, repack, rewrite

pytestmark = pytest.mark.slow


def test_a_report_is_proven_while_the_store_holds_another_run_that_is_quoted(proven: Proven, run: Proven) -> None:
    own_store(proven, run)
    again = ("reproduce", "--runner", "local", "--force", "cpu/bench", "--reports", "again")
    ran = subprocess.run(
        [sys.executable, "-m", "kit", *again], cwd=proven.folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert proven.verify_results(), "the store's record is not the one that the results quote, and nobody quotes it"
    shutil.move(proven.folder / "again" / "digits", proven.report / "here")
    committed, kept = load_results(proven.results), unpack(proven.results.with_name(f"cpu{SUFFIX}"))
    here = load_results(proven.report / "here" / "results" / "cpu.json")
    (bench,) = [one for one in committed.runs if one.step == "cpu/bench"]
    (other,) = [one for one in here.runs if one.step == "cpu/bench"]
    assert bench.fingerprint == other.fingerprint and bench.record != other.record
    sources = RawOutputs.of(committed, proven.store(), kept, quoted=[other.record or ""])
    assert sources.another_run == {bench.fingerprint}
    assert proven.verify() == []
    edit(proven, hundredfold)
    assert any("throughput[0].r" in one.subject + one.message for one in proven.verify())


def test_a_model_replaced_together_with_its_digest_is_refused(proven: Proven, run: Proven) -> None:
    model = own_store(proven, run)["export"] / "model.onnx"
    model.write_bytes(b"no model at all")
    digest = hashlib.sha256(b"no model at all").hexdigest()

    def change(tree: dict[str, Any]) -> None:
        (one,) = [one for one in tree["artifacts"] if one["path"] == "model.onnx"]
        one |= {"sha256": digest, "md5": None, "bytes": 15}

    edit(proven, change)
    assert "export/model.onnx" in refused(proven, "export/model.onnx")


def test_a_record_that_was_made_to_fit_breaks_the_next_step(proven: Proven, run: Proven) -> None:
    """Model, record and results agree, and parity and inference still say which model they took."""
    model = own_store(proven, run)["export"] / "model.onnx"
    model.write_bytes(b"no model at all")
    digest = hashlib.sha256(b"no model at all").hexdigest()
    store = proven.store()
    path = next((store.root / "records").glob(f"{model.parent.name}.json"))
    tree = json.loads(path.read_bytes().split(b"\n")[0])
    tree["files"] = [[one[0], 15, digest, "", *one[4:]] if one[0] == "model.onnx" else one for one in tree["files"]]
    rewrite(store, tree, path)
    record = store.load(model.parent.name)
    assert record is not None
    edit(proven, lambda results: results["runs"][0].update(record=record.sha256))
    assert "its input model is not the one that export made" in refused(proven, "its input model")


@pytest.mark.parametrize("name", ["metrics.json", "bench.json", "parity.json", "export.json"])
def test_an_output_edited_against_the_stores_record_is_refused(proven: Proven, run: Proven, name: str) -> None:
    for folder in own_store(proven, run).values():
        for path in folder.glob(name):
            path.write_bytes(path.read_bytes().replace(b"2", b"3").replace(b"1", b"2"))
    refused(proven, name)


@pytest.mark.parametrize("name", ["metrics.json", "bench.json", "parity.json", "export.json"])
def test_an_output_edited_in_the_archive_is_refused(proven: Proven, name: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        members |= {member: data.replace(b"1", b"2") for member, data in members.items() if member.endswith(name)}

    repack(proven, change)
    refused(proven, f"cpu{SUFFIX}", here=False)
    refused(proven, f"cpu{SUFFIX}")


def test_archives_that_are_missing_cut_or_foreign_prove_nothing(proven: Proven) -> None:
    path = proven.results.with_name(f"cpu{SUFFIX}")
    data = path.read_bytes()
    path.unlink()
    assert "not on this machine" in refused(proven, "cpu", here=False)
    path.write_bytes(data[: len(data) // 2])
    refused(proven, path.name, here=False)
    path.write_bytes(b"no archive")
    refused(proven, path.name, here=False)
    path.write_bytes(data)
    repack(proven, lambda members: members.update({"../../outside": b"x"}))
    assert "neither a record nor an output" in refused(proven, path.name, here=False)
    path.write_bytes(data)
    path.with_name(f"T4{SUFFIX}").write_bytes(data)
    refused(proven, f"T4{SUFFIX}", here=False)


def test_a_rehearsal_called_a_measurement_is_refused(proven: Proven, run: Proven) -> None:
    """The results say measured; the records still say what they are."""
    own_store(proven, run)
    store = proven.store()
    for one in load_results(proven.results).runs:
        path = store.root / "records" / f"{one.fingerprint}.json"
        tree = json.loads(path.read_bytes().split(b"\n")[0])
        tree["parts"]["simulated"] = True
        rewrite(store, tree, path)
    refused(proven, "fingerprint is not the digest of its parts")
