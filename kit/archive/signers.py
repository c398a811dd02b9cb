"""Who signed the statements of an archive, whether that is who is trusted, and whether the policy is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from kit.archive.container import Members
from kit.archive.intoto import check_statement, kind_of
from kit.archive.signing import SIGNATURES, key_in, opened
from kit.errors import DamagedError
from kit.recipe.signer import Signer
from kit.verification.link import Link, State

__all__ = ["Trust", "check_signatures"]


@dataclass(frozen=True)
class Trust:
    """What the person who verifies trusts: ids of keys, and the policy of a recipe of their own."""

    keys: frozenset[str] = frozenset()
    policy: Mapping[str, Signer] | None = None


def check_signatures(
    members: Members,
    policy: Mapping[str, Signer],
    trust: Trust,
    digests: Mapping[str, str],
    artifacts: Mapping[str, Collection[str]],
) -> Iterator[Link]:
    """Look at every signature, and at who should have signed.

    Args:
        members: the archive.
        policy: that of the recipe in the archive.
        trust: whom the person trusts.
        digests: member -> its sha256.
        artifacts: ``step/file`` -> digests that the results have of it.
    """
    signed: dict[str, set[str]] = {}
    for folder in sorted({_folder(name) for name in members if name.startswith(SIGNATURES)}):
        try:
            key = key_in(members, folder)
        except DamagedError as error:
            yield Link(error.where or folder, "wrong", error.what)
            continue
        mine = signed.setdefault(key.keyid, set())
        for name in sorted(name for name in members if name.startswith(folder) and name != f"{folder}key.pub"):
            statement = f"statements/{name.removeprefix(folder)}"
            try:
                data = opened(members[name], key, name)
            except DamagedError as error:
                yield Link(name, "wrong", error.what)
                continue
            if data == members.get(statement):
                mine.add(statement)
                continue
            problem = check_statement(data, digests, artifacts) or f"it is not {statement}"
            yield Link(name, "wrong", f"it was signed for another statement and moved here: {problem}")
        trusted = key.keyid in trust.keys
        known = "trusted" if trusted else "nobody here said that this key is to be trusted: --trust FILE"
        yield Link(
            folder.rstrip("/"),
            "ok" if trusted else "unproven",
            f"key {key.keyid} signed {len(mine)} statements; {known}",
        )
    statements = sorted(name for name in members if name.startswith("statements/"))
    if trust.keys:
        yield from _all_trusted(statements, signed, trust.keys)
    elif not signed:
        yield Link("signatures", "unproven", "nobody signed this archive")
    own = trust.policy is not None
    for role, signer in (trust.policy if trust.policy is not None else policy).items():
        yield from _policy(role, signer, statements, signed, believed=own or signer.key in trust.keys)


def _folder(name: str) -> str:
    return "/".join(name.split("/")[:2]) + "/"


def _all_trusted(statements: list[str], signed: Mapping[str, set[str]], keys: Collection[str]) -> Iterator[Link]:
    for name in statements:
        if not any(name in signed.get(key, ()) for key in keys):
            by = [key[:16] for key, names in signed.items() if name in names]
            who = f"it is signed by {', '.join(by)}, which is not a trusted key" if by else "no trusted key signed it"
            yield Link(name, "wrong", who)


def _policy(
    role: str, signer: Signer, statements: list[str], signed: Mapping[str, set[str]], *, believed: bool
) -> Iterator[Link]:
    needed = [name for name in statements if kind_of(name) in signer.of]
    lacking = [name for name in needed if name not in signed.get(signer.key, ())]
    for name in lacking:
        yield Link(name, "wrong", f"{role} must have signed it with key {signer.key[:16]}, and has not")
    if not lacking:
        state: State = "ok" if believed else "unproven"
        known = "" if believed else "; only the archive's own recipe says that this is the key"
        yield Link(f"policy: {role}", state, f"key {signer.key[:16]} signed {', '.join(signer.of)}{known}")
