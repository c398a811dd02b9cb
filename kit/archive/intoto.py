"""in-toto statements: where each artifact comes from (SLSA provenance), and what the checks said (test result).

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, https://slsa.dev/spec/v1.0/provenance,
https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from kit.results.kept import Kept
from kit.results.resultsfile import Results, Run
from kit.storage.store import Record

__all__ = ["as_json", "check_statement", "contents_statement", "kind_of", "provenance", "test_result"]

_STATEMENT = "https://in-toto.io/Statement/v1"
_PROVENANCE = "https://slsa.dev/provenance/v1"
_TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
#: What is built, and by what: names, not addresses that must answer.
_STEP, _ARCHIVE = "urn:kit:step:v1", "urn:kit:archive:v1"
_BUILDER = "urn:kit:"


def kind_of(name: str) -> str:
    """The kind of a statement, from its place in the archive: ``statements/provenance/cpu/export.json``."""
    return name.split("/")[1].removesuffix(".json")


def as_json(tree: Any) -> bytes:
    """JSON with sorted keys: the same value gives the same bytes."""
    return (json.dumps(tree, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _statement(subjects: Iterable[tuple[str, str]], kind: str, predicate: dict[str, Any]) -> bytes:
    """A statement about subjects, each a name and its sha256."""
    listed = [{"name": name, "digest": {"sha256": sha}} for name, sha in subjects]
    return as_json({"_type": _STATEMENT, "subject": listed, "predicateType": kind, "predicate": predicate})


def provenance(results: Results, kept: Kept, kit: str) -> Iterator[tuple[str, bytes]]:
    """Name and statement of each step that made artifacts: its image, inputs, command, time, and the version of kit."""
    for run in results.runs:
        record = Record.from_proof(kept.records[run.fingerprint]) if run.fingerprint in kept.records else None
        subjects = [(f"{run.step}/{one.path}", one.sha256) for one in results.artifacts if one.step == run.step]
        if subjects:
            name = f"statements/provenance/{results.target}/{run.step.replace('/', '-')}.json"
            yield name, _statement(subjects, _PROVENANCE, _origin_of_step(results, run, record, kit))


def _origin_of_step(results: Results, run: Run, record: Record | None, kit: str) -> dict[str, Any]:
    planned = results.planned
    command = next((one for one in results.commands if one.step == run.step), None)
    argv = list(record.parts["argv"]) if record else list(command.argv) if command else []
    files = {one.sha256 for one in results.artifacts}
    inputs = sorted((record.inputs if record else {}).items())
    started = datetime.fromisoformat(run.started)
    return {
        "buildDefinition": {
            "buildType": _STEP,
            "externalParameters": {
                "target": results.target,
                "batches": list(planned.batches) if planned else [],
                "recipeSettingsSha256": planned.recipe_sha256 if planned else "",
            },
            "internalParameters": {"step": run.step, "argv": argv, "source": results.source},
            "resolvedDependencies": [
                {"name": "image", "digest": {"sha256": run.image.rpartition(":")[2]}},
                # A folder's digest is that of its listing: docs/archive.md says how it is made.
                *({"name": key, "digest": {"sha256" if one in files else "kitInput": one}} for key, one in inputs),
            ],
        },
        "runDetails": {
            "builder": {"id": f"{_BUILDER}{kit}:{record.runner if record else 'unknown'}"},
            "metadata": {
                "invocationId": run.fingerprint,
                "startedOn": _stamp(started),
                "finishedOn": _stamp(started + timedelta(seconds=run.seconds)),
            },
        },
    }


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def contents_statement(digests: Mapping[str, str], images: Mapping[str, str], kit: str) -> bytes:
    """Provenance of the archive itself: its subjects are all members but the statements; ``images`` are name -> id."""
    built_from = [{"name": name, "digest": {"sha256": id_.rpartition(":")[2]}} for name, id_ in sorted(images.items())]
    definition = {"buildType": _ARCHIVE, "externalParameters": {}, "resolvedDependencies": built_from}
    predicate = {"buildDefinition": definition, "runDetails": {"builder": {"id": _BUILDER + kit}}}
    return _statement(sorted(digests.items()), _PROVENANCE, predicate)


def test_result(
    subjects: Mapping[str, str], configuration: str, passed: Iterable[str], warned: Iterable[str], failed: Iterable[str]
) -> bytes:
    """What a check said of files (name -> sha256); ``configuration`` is the command."""
    passed, warned, failed = (list(dict.fromkeys(names)) for names in (passed, warned, failed))
    predicate = {
        "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
        "configuration": [{"name": configuration}],
        "passedTests": passed,
        "warnedTests": warned,
        "failedTests": failed,
    }
    return _statement(sorted(subjects.items()), _TEST_RESULT, predicate)


def check_statement(data: bytes, digests: Mapping[str, str], artifacts: Mapping[str, Collection[str]]) -> str:
    """What is wrong with a statement; empty: nothing.

    Args:
        data: the statement.
        digests: member of the archive -> its sha256.
        artifacts: ``step/file`` -> the digests that the results have of it.
    """
    try:
        tree = json.loads(data)
        kind, predicate, subjects = tree["predicateType"], tree["predicate"], tree["subject"]
        if tree["_type"] != _STATEMENT:
            return f"it is not an in-toto statement of version 1 but {tree['_type']!r}"
        if kind not in {_PROVENANCE, _TEST_RESULT}:
            return f"its predicate {kind!r} is unknown to this kit"
        for one in subjects:
            name, sha = str(one["name"]), str(one["digest"]["sha256"])
            if sha not in ({digests[name]} if name in digests else artifacts.get(name, ())):
                return f"it is about another {name}, whose sha256 is {sha}"
        if kind == _TEST_RESULT:
            failed, warned = predicate["failedTests"], predicate["warnedTests"]
            if predicate["result"] != ("FAILED" if failed else "WARNED" if warned else "PASSED"):
                return f"its result {predicate['result']!r} is not what its tests say"
        elif not isinstance(predicate["runDetails"]["builder"]["id"], str):
            return "it names no builder"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "it does not have the form of a statement"
    return "" if subjects else "it has no subject"
