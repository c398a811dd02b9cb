"""Keys, signed archives, trust and policy: who said so, and what does not pass for that."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kit.archive.checking import artifact_digests
from kit.archive.container import digests_of, write_archive
from kit.archive.contents import read_manifest
from kit.archive.derived import SUMS, derive_members, sums
from kit.archive.signers import Trust, check_signatures
from kit.archive.signing import new_key, public_key, signatures
from kit.errors import InvalidInputError
from kit.recipe.signer import Signer

Kit = Callable[..., CompletedProcess[str]]


@dataclass
class Signed:
    """An archive that `key` signed, and what it is checked against."""

    members: dict[str, bytes]
    key: Path
    keyid: str
    artifacts: Mapping[str, set[str]]

    @property
    def folder(self) -> str:
        return f"signatures/{self.keyid[:16]}/"

    def check(self, policy: dict[str, Signer] | None = None, trust: Trust | None = None) -> Iterator[str]:
        """What is wrong or not proven."""
        believed = Trust(frozenset({self.keyid})) if trust is None else trust
        links = check_signatures(self.members, policy or {}, believed, digests_of(self.members), self.artifacts)
        return (f"{one.state} {one.subject}: {one.message}" for one in links if one.state != "ok")


@pytest.fixture
def signed(members: dict[str, bytes], results_artifacts: Mapping[str, set[str]], tmp_path: Path) -> Signed:
    key = tmp_path / "release.key"
    _, keyid = new_key(key)
    return Signed(members | signatures(members, [key]), key, keyid, results_artifacts)


@pytest.fixture(scope="session")
def results_artifacts(members: dict[str, bytes]) -> dict[str, set[str]]:
    own = {name: data for name, data in members.items() if name.startswith(("recipe/", "reports/", "archive.json"))}
    return artifact_digests(derive_members(own, read_manifest(members, "")).results)


def test_a_signed_archive_is_trusted(signed: Signed) -> None:
    assert list(signed.check({"release": Signer(key=signed.keyid)})) == []
    assert "nobody here said that this key is to be trusted" in "".join(signed.check(trust=Trust()))


def test_signing_adds_one_envelope_for_each_statement(signed: Signed, members: dict[str, bytes]) -> None:
    statements = {name.removeprefix("statements/") for name in members if name.startswith("statements/")}
    added = {name.removeprefix(signed.folder) for name in signed.members.keys() - members.keys()}
    assert added == statements | {"key.pub"}
    assert signatures(members, [signed.key]) == {
        name: signed.members[name] for name in signed.members.keys() - members.keys()
    }


def test_a_changed_byte_is_refused(signed: Signed) -> None:
    name = f"{signed.folder}gate.json"
    tree = json.loads(signed.members[name])
    for change in ("payload", "sig"):
        changed = json.loads(json.dumps(tree))
        where = changed if change == "payload" else changed["signatures"][0]
        data = bytearray(base64.b64decode(where[change]))
        data[len(data) // 2] ^= 1
        where[change] = base64.b64encode(bytes(data)).decode()
        signed.members[name] = (json.dumps(changed, sort_keys=True, indent=1) + "\n").encode()
        said = "\n".join(signed.check())
        assert f"{name}: key {signed.keyid[:16]} did not sign these bytes" in said
        assert "statements/gate.json: no trusted key signed it" in said
    signed.members[name] += b" "
    assert f"{name}: it is not a signed statement" in "\n".join(signed.check())


def test_a_foreign_key_is_refused(signed: Signed, tmp_path: Path) -> None:
    _, other = new_key(tmp_path / "other.key")
    said = "\n".join(signed.check(trust=Trust(frozenset({other}))))
    assert f"wrong statements/gate.json: it is signed by {signed.keyid[:16]}, which is not a trusted key" in said
    signed.members[f"{signed.folder}key.pub"] = (tmp_path / "other.key.pub").read_bytes()
    assert f"{signed.folder}key.pub: it is another key" in "\n".join(signed.check())


def test_a_statement_for_another_artifact_is_refused(signed: Signed) -> None:
    """The signer's own envelope of an archive whose report was another."""
    older = dict(signed.members)
    older["statements/audit.json"] = older["statements/audit.json"].replace(b'"sha256": "', b'"sha256": "0', 1)
    name = f"{signed.folder}audit.json"
    signed.members[name] = signatures(older, [signed.key])[name]
    said = "\n".join(signed.check())
    assert f"{name}: it was signed for another statement and moved here: it is about another" in said


def test_a_replayed_statement_is_refused(signed: Signed) -> None:
    signed.members[f"{signed.folder}gate.json"] = signed.members[f"{signed.folder}audit.json"]
    said = "\n".join(signed.check())
    assert (
        f"{signed.folder}gate.json: it was signed for another statement and moved here: it is not statements/gate"
        in said
    )


def test_a_policy_says_who_must_have_signed_what(signed: Signed, tmp_path: Path) -> None:
    _, other = new_key(tmp_path / "reviewer.key")
    policy = {"release": Signer(key=signed.keyid), "reviewer": Signer(key=other, of=("gate", "audit"))}
    said = list(signed.check(policy))
    assert [one.split(": ")[0] for one in said] == ["wrong statements/audit.json", "wrong statements/gate.json"]
    assert all("reviewer must have signed it" in one for one in said)
    signed.members |= signatures(signed.members, [tmp_path / "reviewer.key"])
    believed = Trust(frozenset({signed.keyid, other}))
    assert list(signed.check(policy, believed)) == []
    said = list(signed.check(policy))  # the reviewer's key is named by the archive alone
    assert any(one.startswith("unproven policy: reviewer") for one in said)
    assert not any("policy" in one for one in signed.check(policy, replace(Trust(), policy=policy)))  # an own recipe's


def test_the_command_line(kit: Kit, members: dict[str, bytes], tmp_path: Path) -> None:
    made = kit(tmp_path, "keys", "new", "release.key")
    assert made.returncode == 0 and (tmp_path / "release.key").stat().st_mode & 0o777 == 0o600
    keyid = kit(tmp_path, "keys", "show", "release.key.pub").stdout.strip()
    assert f"id: {keyid}" in made.stdout
    both = members | signatures(members, [tmp_path / "release.key"])
    write_archive(tmp_path / "digits.tar", both | {SUMS: sums(digests_of(both))})
    ran = kit(tmp_path, "verify", "digits.tar", "--trust", "release.key.pub", "-v")
    assert ran.returncode == 0, ran.stdout
    assert "statements; trusted" in ran.stdout
    assert kit(tmp_path, "keys", "new", "other.key").returncode == 0
    ran = kit(tmp_path, "verify", "digits.tar", "--trust", "other.key.pub")
    assert ran.returncode == 6
    assert kit(tmp_path, "keys", "new", "release.key").returncode == 3  # there is one


def rsa_key(path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path.chmod(0o600)


def readable(path: Path) -> None:
    new_key(path)
    path.chmod(0o644)


def public(path: Path) -> None:
    path.write_bytes(new_key(path.with_name("any"))[0].read_bytes())


def nonsense(path: Path) -> None:
    path.write_bytes(b"\0" * 100)
    path.chmod(0o600)


@pytest.mark.parametrize("make", [rsa_key, readable, public, nonsense])
def test_a_key_of_the_wrong_kind_signs_nothing(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "key")
    with pytest.raises(InvalidInputError):
        signatures({"statements/a": b"{}"}, [tmp_path / "key"])


@pytest.mark.parametrize("make", [rsa_key, readable, nonsense])
def test_only_a_public_key_is_trusted(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "key")
    with pytest.raises(InvalidInputError):
        public_key(tmp_path / "key")
