"""Toolchains as rows of a table: a new version of a vendor's software is a line of data, not code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from kit.errors import InvalidInputError

__all__ = ["Toolchain", "find_toolchain"]


class Toolchain(Protocol):
    """What every row says, whatever else its family needs."""

    @property
    def version(self) -> str:
        """As the vendor writes it: ``9.0.1``."""

    @property
    def fault(self) -> str:
        """Why this version cannot be used; empty for one that can."""

    @property
    def better(self) -> str:
        """The version to take in the place of a faulty one."""


Row = TypeVar("Row", bound=Toolchain)


def find_toolchain(family: str, rows: Mapping[str, Row], stated: str, target: str) -> Row:
    """The row of a stated toolchain such as ``CANN 9.0.1``.

    Args:
        family: the toolchain's name: ``CANN``.
        rows: the table, by version.
        stated: what recipe or target says; upper and lower case are alike, and what follows a comma is a remark.
        target: name of the recipe's entry, for the message.

    Raises:
        InvalidInputError: another family, an unknown version, or one with a known fault; names the better one.
    """
    place = f"targets -> {target} -> toolchain"
    name, _, version = stated.partition(",")[0].strip().rpartition(" ")
    if name.casefold() != family.casefold():
        raise InvalidInputError(
            f"{place}: {stated} is not a toolchain of this target",
            remedy=f"write {family} and a version: {_known(rows)}",
        )
    by_version = {key.casefold(): row for key, row in rows.items()}
    row = by_version.get(version.casefold())
    if row is None:
        raise InvalidInputError(
            f"{place}: {family} {version} is not known",
            remedy=f"choose one of {_known(rows)}; docs/cards.md lists them",
        )
    if row.fault:
        raise InvalidInputError(
            f"{place}: {family} {row.version} cannot be used: {row.fault}", remedy=f"use {family} {row.better}"
        )
    return row


def _known(rows: Mapping[str, Row]) -> str:
    return ", ".join(row.version for row in rows.values() if not row.fault)
