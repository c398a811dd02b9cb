"""Evidence: which output of which step printed a number, and where in it a reader finds the number again.

A target reads a :class:`Raw` value, which carries its evidence, and :func:`measurement`
makes any model from plain and raw values: the values go into the fields, and the evidence into the field ``evidence``
by the name of the place that the value took there, such as ``repeats[2]`` or ``raw["warm-up calls"]``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = [
    "Evidence",
    "Evident",
    "Inside",
    "Raw",
    "Sha256",
    "all_evidence",
    "field_name",
    "field_parts",
    "leaves",
    "measurement",
    "plain_value",
]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _inside(path: str) -> str:
    # Results may come from a stranger, and `kit verify` opens what they name.
    if not path or path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise ValueError(f"{path!r} does not stay in its folder")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
T = TypeVar("T", covariant=True)  # noqa: PLC0105 - the short name is the usual one
E = TypeVar("E", bound="Evident")


class Evidence(BaseModel):
    """Where a raw value is. ``kit.results.places`` reads it again there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: str
    fingerprint: Sha256
    file: Inside = Field(description="Relative to the outputs of the step; of the reader `record` the step's record.")
    sha256: Sha256 = Field(description="Of the file that was read.")
    reader: str = Field(description="What understands the place: json, text, csv, record, or a reader of `kit read`.")
    place: str = Field(description="`repeats[0].rate`, `line 4, columns 32-38`, `line 1, field 10`, ...")


@dataclass(frozen=True, slots=True)
class Raw(Generic[T]):
    """A value that was read from an output, with its evidence."""

    value: T
    evidence: Evidence


class Evident(BaseModel):
    """A model whose raw values carry evidence, by the name of their place in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    #: Numbers of the model that no output printed: they were planned, or follow from the others.
    computed: ClassVar[frozenset[str]] = frozenset()

    evidence: dict[str, Evidence] = Field(default_factory=dict, description="Evidence by field.")

    def unproven(self) -> list[str]:
        """Raw numbers without evidence."""
        return [
            name
            for name, value in leaves(self)
            if isinstance(value, int | float)
            and not isinstance(value, bool)
            and name not in self.computed
            and name not in self.evidence
        ]


def measurement(kind: type[E], **fields: Any) -> E:
    """``kind(**fields)``, where a field, at any depth, may be :class:`Raw`, and its evidence is kept.

    Raises:
        ValidationError: a value is not of the field's form.
    """
    found: dict[str, Evidence] = {}
    plain = {name: _plain(value, (name,), found) for name, value in fields.items()}
    return kind(**plain, evidence=found)


def _plain(value: Any, place: tuple[str | int, ...], found: dict[str, Evidence]) -> Any:
    if isinstance(value, Raw):
        found[field_name(*place)] = value.evidence
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(one, (*place, key), found) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_plain(one, (*place, index), found) for index, one in enumerate(value))
    return value


def plain_value(value: T | Raw[T]) -> T:
    """The value without its evidence."""
    return value.value if isinstance(value, Raw) else value


def field_name(*parts: str | int) -> str:
    """Name of a place in a tree: ``latency_ms.p50``, ``repeats[2]``, ``raw["warm-up calls"]``."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isascii() and part.isidentifier():
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


_PART = re.compile(r'\.?([A-Za-z_][A-Za-z0-9_]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]')


def field_parts(name: str) -> tuple[str | int, ...]:
    """The parts that :func:`field_name` made a name from.

    Raises:
        ValueError: it is not such a name.
    """
    parts: list[str | int] = []
    end = 0
    while end < len(name):
        match = _PART.match(name, end)
        if match is None:
            raise ValueError(f"{name!r} is not a place in a tree")
        parts.append(int(match[2]) if match[2] else json.loads(match[3]) if match[3] else match[1])
        end = match.end()
    return tuple(parts)


def leaves(model: BaseModel) -> Iterator[tuple[str, Any]]:
    """Every value of a model with the name of its place; models in it that have evidence themselves are left out."""
    for name in type(model).model_fields:
        if name != "evidence":
            yield from _leaves(getattr(model, name), (name,))


def _leaves(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Evident):
        return
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _leaves(one, (*place, key))
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _leaves(one, (*place, index))
    else:
        yield field_name(*place), value


def all_evidence(model: BaseModel) -> Iterator[tuple[str, Any, Evidence]]:
    """Every evidence in a model and the models in it: name of the place, value there, evidence."""
    yield from _evidence(model, ())


def _evidence(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str, Any, Evidence]]:
    if isinstance(value, Evident):
        values = dict(leaves(value))
        for name, evidence in value.evidence.items():
            yield field_name(*place, *field_parts(name)), values.get(name), evidence
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name != "evidence":
                yield from _evidence(getattr(value, name), (*place, name))
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _evidence(one, (*place, index))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _evidence(one, (*place, key))
