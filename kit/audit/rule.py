"""The form of a rule, and where rules are found.

A rule is a module ``kit/audit/rules/ka*.py`` with a ``RULE``. Its check only reads facts and yields what it saw; it
knows no other rule, so the order in which they run does not matter.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from kit.audit import rules as folder
from kit.audit.diagnostic import Kind, Severity
from kit.audit.facts.facts import Facts

__all__ = ["Held", "Outcome", "Rule", "Unknown", "Wrong", "rule_named", "rules"]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong statement, as a rule sees it: ``kit.audit.audit`` adds the rule, the path and the columns.

    ``line`` is from 1; ``start`` is where ``stated`` begins in the normalised line, -1 where that is not known.
    ``replacement`` is the text that would be right in place of ``stated``, None where only a person can tell;
    ``safe`` says that it can be put there without asking. ``subject`` names the statement without its number
    ("bs4 | 310P/T4").
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
    """A statement that was checked and is right."""

    line: int
    stated: str
    recomputed: str
    note: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A statement of the rule's sort that could not be tied to a meaning."""

    line: int
    stated: str


Outcome = Wrong | Held | Unknown


@dataclass(frozen=True, slots=True)
class Rule:
    """A check and all that people are told about it.

    ``summary`` is one line, ``why`` says what a wrong statement of this sort does to a reader. ``bad`` is a whole small
    report with a diagnostic of this rule, and ``corrections`` are the texts in it to replace, so that no rule finds
    anything. ``severity`` is the worst that it reports. ``beside`` are the files, by name, that lie beside the examples
    where the rule looks at some.
    """

    id: str
    name: str
    kind: Kind
    summary: str
    why: str
    bad: str
    corrections: Mapping[str, str] = field(hash=False)
    check: Callable[[Facts], Iterator[Outcome]]
    severity: Severity = Severity.MAJOR
    beside: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def good(self) -> str:
        """The example as it should be."""
        text = self.bad
        for wrong, right in self.corrections.items():
            text = text.replace(wrong, right)
        return text


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, by id.

    Raises:
        ValueError: two rules have the same id or the same name.
    """
    found: dict[str, Rule] = {}
    for module in pkgutil.iter_modules(folder.__path__):
        if module.name.startswith("ka"):
            rule: Rule = importlib.import_module(f"{folder.__name__}.{module.name}").RULE
            for key in (rule.id, rule.name):
                if found.setdefault(key, rule) is not rule:
                    raise ValueError(f"two rules are called {key}")
    return tuple(sorted(set(found.values()), key=lambda rule: rule.id))


def rule_named(text: str) -> Rule | None:
    """The rule of an id or a name, in any case ("KA012", "wrong-ratio"); None where there is none."""
    wanted = text.strip().lower()
    return next((rule for rule in rules() if wanted in {rule.id.lower(), rule.name}), None)
