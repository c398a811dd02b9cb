"""The recipe's ``signatures``: who must have signed which statements of an archive."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from kit.recipe.fields import Section, Sha256

__all__ = ["STATEMENT_KINDS", "Signer", "StatementKind"]

StatementKind = Literal["contents", "provenance", "verify", "gate", "audit"]
STATEMENT_KINDS: tuple[StatementKind, ...] = get_args(StatementKind)


class Signer(Section):
    """One who must have signed."""

    key: Sha256 = Field(description="Id of the public key, as `kit keys new` and `kit keys show` print it.")
    of: tuple[StatementKind, ...] = Field(
        STATEMENT_KINDS, min_length=1, description="Kinds of statements: contents, provenance, verify, gate, audit."
    )
