"""A part of a data set, cut between two batches, so that each batch is the same as in one run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .protocol import UserError

__all__ = ["Shard", "check_alike"]

_FORM = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})")


class Shard(NamedTuple):
    """The ``number``-th of some ``parts``, which differ by one batch at most."""

    number: int = 1
    parts: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard in ``2/4``."""
        match = _FORM.fullmatch(text)
        if match is None or int(match[1]) > int(match[2]):
            raise UserError(f"{text!r} is not a shard", "Give its number and how many there are, such as 2/4.")
        return cls(int(match[1]), int(match[2]))

    def rows(self, total: int, batch: int) -> range:
        """The indexes of its images among `total` of them.

        Raises:
            UserError: there are more shards than batches.
        """
        batches = -(-total // batch)
        if batches < self.parts:
            what = f"{total} images are {batches} batches of {batch}, too few for {self.parts} shards"
            raise UserError(what, "Ask for fewer shards, or give the run over the data set a smaller batch.")
        first, last = (number * batches // self.parts * batch for number in (self.number - 1, self.number))
        return range(first, min(last, total))


def check_alike(folders: Sequence[str], facts: Sequence[Mapping[str, Any]]) -> None:
    """Refuse shards whose facts are not the same: they are not parts of one run.

    Raises:
        UserError: with the folder of the first such shard.
    """
    for folder, one in zip(folders, facts, strict=True):
        if odd := [name for name, value in one.items() if value != facts[0][name]]:
            what = f"differs from the first shard in {', '.join(odd)}: they are not parts of one run"
            raise UserError(what, "Run all shards with the same image and model.", folder, "tolerance")
