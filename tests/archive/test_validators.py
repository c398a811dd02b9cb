"""What others' libraries say of crate and statements."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kit.archive.container import write_archive


def test_the_crate_is_read_by_its_library(members: dict[str, bytes], tmp_path: Path) -> None:
    library = pytest.importorskip("rocrate.rocrate")
    write_archive(tmp_path / "crate", members)
    crate = library.ROCrate(tmp_path / "crate")
    assert crate.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    files = {one["name"] for one in crate.data_entities if one.type == "File"}
    assert files == set(members) - {"SHA256SUMS", "ro-crate-metadata.json"}
    actions = [one for one in crate.get_entities() if one.type == "CreateAction"]
    assert len(actions) == 10
    assert all(one["instrument"].type == "SoftwareApplication" and one["result"] for one in actions)


_PROFILE_CHECK = """
import json, pathlib, rocrate, sys
import rdflib.plugins.shared.jsonld.context as context, rdflib.plugins.shared.jsonld.util as util

# Both contexts without network: the crate's as the library brings it, and the one term of the other that is used.
terms = json.loads((pathlib.Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_text())["@context"]
own = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
usual = util.source_to_json

def local(source, *rest, **named):
    place = str(getattr(source, "uri", source) or source)
    if not place.startswith("https://w3id.org/ro/"):
        return usual(source, *rest, **named)
    return {"@context": own if "workflow-run" in place else terms}, None

context.source_to_json = util.source_to_json = local
from rocrate_validator import models, services  # only now, for it takes the function along

settings = services.ValidationSettings(
    rocrate_uri=sys.argv[1], profile_identifier="process-run-crate-0.5",
    requirement_severity=models.Severity.REQUIRED,
)
found = services.validate(settings).get_issues()
print(json.dumps([f"{one.check.identifier} {one.message}" for one in found]))
"""


@pytest.mark.slow  # the validator reads its profiles for seconds
def test_the_profile_is_fulfilled(root: Path, members: dict[str, bytes], tmp_path: Path) -> None:
    python = root / ".venv/validator/bin/python"
    if not python.exists():
        assert os.environ.get("CI") != "true", "CI needs the validator: make .venv/validator"
        pytest.skip("the validator is not installed: make .venv/validator")
    write_archive(tmp_path / "crate", members)
    words = [str(python), "-c", _PROFILE_CHECK, str(tmp_path / "crate")]
    ran = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    found: list[str] = json.loads(ran.stdout.splitlines()[-1])
    # Whether the context is at its address is not this crate's doing, and needs a network.
    assert [one for one in found if "w3id.org" not in one] == []


def statements(members: dict[str, bytes]) -> dict[str, Any]:
    return {name: json.loads(data) for name, data in members.items() if name.startswith("statements/")}


def test_the_statements_are_read_by_their_library(members: dict[str, bytes]) -> None:
    pytest.importorskip("in_toto_attestation")
    from google.protobuf.json_format import ParseDict
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    kinds = set()
    for tree in statements(members).values():
        read = ParseDict(tree, statement_pb2.Statement())
        Statement.copy_from_pb(read).validate()
        kinds.add(read.predicate_type)
        if "test-result" in read.predicate_type:
            ParseDict(tree["predicate"], test_result_pb2.TestResult())
        else:
            ParseDict(tree["predicate"], provenance_pb2.Provenance())
            assert tree["predicate"]["buildDefinition"]["buildType"].startswith("urn:")
    assert len(kinds) == 2
