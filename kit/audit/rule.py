"""What a rule is, what it yields, and where rules are found.

A rule is a module ``kit/audit/rules/ka*.py`` with a ``RULE``. Its check only reads facts and knows no other rule, so
the order in which rules run does not matter.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from kit.audit import rules as folder
from kit.audit.diagnostic import Kind, Severity
from kit.audit.facts.facts import Facts

__all__ = [
    "Facts",
    "Held",
    "Kind",
    "Outcome",
    "Outcomes",
    "Rule",
    "Severity",
    "Unknown",
    "Wrong",
    "rule_named",
    "rules",
]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong statement; ``kit.audit.audit`` adds the rule, the path and the columns.

    ``line`` is from 1; ``start`` is the position of ``stated`` in the normalised line, -1 if unknown. ``replacement``
    is the right text in place of ``stated``, None if only a person can tell; ``safe`` if it needs no review.
    ``subject`` names the statement without its number ("bs4 | 310P/T4").
    """

    line: int
    stated: str
    recomputed: str
    inputs: str
    message: str
    severity: Severity = Severity.MAJOR
    start: int = -1
    computation: str = ""
    replacement: str | None = None
    safe: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A statement that is right."""

    line: int
    stated: str
    recomputed: str
    note: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A statement of the kind that the rule checks, but whose meaning is unclear."""

    line: int
    stated: str


Outcome = Wrong | Held | Unknown
Outcomes = Iterator[Outcome]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check, with a small report in which it finds something (``bad``).

    ``corrections`` are the texts in ``bad`` to replace so that no rule finds anything, ``severity`` is the worst the
    rule reports, ``beside`` are the files next to the example, by name. :func:`rules` takes the rest from the module:
    ``id`` and ``name`` from its name, ``summary`` and ``why`` (how a wrong statement misleads) from its docstring.
    """

    kind: Kind
    check: Callable[[Facts], Outcomes]
    bad: str
    corrections: Mapping[str, str] = field(hash=False)
    severity: Severity = Severity.MAJOR
    beside: Mapping[str, str] = field(default_factory=dict, hash=False)
    id: str = ""
    name: str = ""
    summary: str = ""
    why: str = ""

    @property
    def good(self) -> str:
        """The example without its mistakes."""
        text = self.bad
        for wrong, right in self.corrections.items():
            text = text.replace(wrong, right)
        return text


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, by id."""
    return tuple(_read(info.name) for info in pkgutil.iter_modules(folder.__path__))


def _read(module_name: str) -> Rule:
    module = importlib.import_module(f"{folder.__name__}.{module_name}")
    number, _, name = module_name.partition("_")
    summary, _, why = (module.__doc__ or "").strip().partition("\n\n")
    rule: Rule = module.RULE
    return replace(rule, id=number.upper(), name=name.replace("_", "-"), summary=summary, why=why)


def rule_named(text: str) -> Rule | None:
    """The rule with this id or name, in any case ("KA012", "wrong-ratio"); None if there is none."""
    wanted = text.strip().lower()
    return next((rule for rule in rules() if wanted in {rule.id.lower(), rule.name}), None)
