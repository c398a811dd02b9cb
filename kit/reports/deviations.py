"""What the report changes against the published one, line by line, and why.

The lines are data of a published report, in ``reports/<model>/deviations.yaml``. Numbers in them are written as
``{310/bs4}`` (as printed) or ``{310/bs4:formula}`` and filled in from the report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kit.errors import InvalidInputError, MissingError
from kit.recipe.schema import Text
from kit.recipe.sentences import sentence
from kit.recipe.yamlfile import DocumentError, load_yaml
from kit.reports.escaping import Safe, in_language, link
from kit.reports.reportnumber import ReportNumber
from kit.reports.writer import Writer
from kit.storage.inputs import read_input

__all__ = ["Deviation", "fill", "load", "page"]

MAX_BYTES = 1 << 18
_PLACE = re.compile(r"\{((?:reference:)?[^{}:]+)(:formula)?\}")


class Deviation(BaseModel):
    """One change: published line numbers, what is there, what is here, and why, by language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lines: tuple[Annotated[int, Field(gt=0)], ...] = Field(min_length=1)
    printed: Text
    ours: Text
    why: Text


_LIST = TypeAdapter(tuple[Deviation, ...])


def load(path: Path) -> tuple[Deviation, ...]:
    """Read the deviations; empty where there is no such file.

    Raises:
        InvalidInputError: not YAML, or not of this form; the message names the place.
    """
    try:
        data = read_input(path, MAX_BYTES, "list of deviations")
    except MissingError:
        return ()
    try:
        return _LIST.validate_python(load_yaml(data) or [])
    except ValidationError as error:
        remedy = "write each entry with lines, printed, ours and why"
        raise InvalidInputError(sentence(error), where=str(path), remedy=remedy) from error
    except DocumentError as error:
        raise InvalidInputError(
            f"not a list of deviations: {error}", where=str(path), remedy="correct that line"
        ) from error


def fill(text: str, numbers: Mapping[str, ReportNumber]) -> str:
    """``text`` with its numbers; the published number where a measurement took its place."""

    def filled(found: re.Match[str]) -> str:
        number = numbers.get(f"published:{found[1]}") or numbers.get(found[1])
        if number is None:
            return found[0]
        return number.formula if found[2] else number.text

    return _PLACE.sub(filled, text)


def page(deviations: Sequence[Deviation], writer: Writer, language: str) -> str:
    """The page as Markdown."""
    words = writer.words
    numbers = writer.report.numbers
    rows = [
        [
            words["list"].join(str(line) for line in one.lines),
            in_language(one.printed, language),
            fill(in_language(one.ours, language), numbers),
            fill(in_language(one.why, language), numbers),
        ]
        for one in sorted(deviations, key=lambda one: one.lines)
    ]
    table = writer.table([words["line"], words["printed"], words["ours"], words["why"]], rows)
    published = writer.report.recipe.published.report
    model = writer.report.recipe.model.name
    pattern = words["deviations"]
    source = link(words["published_report"], published)
    head = writer.finalize(pattern["title"].format(model=model))
    intro = Safe(pattern["intro"].format(source=source))
    return f"# {head}\n\n{intro}\n\n{table}\n"
