"""The settings of a project: rules, severities and files, from ``.kit-audit.yaml`` or ``pyproject.toml``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from types import UnionType
from typing import Any

from kit.audit.diagnostic import AuditResult, Severity
from kit.audit.rule import Rule, rule_named, rules
from kit.errors import InvalidInputError
from kit.storage.inputs import read_input

__all__ = ["AuditSettings", "load_settings"]

_NAMES = (".kit-audit.yaml", "pyproject.toml")
_TABLE = "kit-audit"
_MAX_BYTES = 256 << 10
#: Nobody writes a TOML key with more dots, and tomllib takes quadratic time for them.
_MOST_DOTS = 500
_LEVELS = ("major", "digits", "optional", "off")


@dataclass(frozen=True)
class AuditSettings:
    """Settings; the command line adds to them.

    ``select`` and ``ignore`` are rules by id or name (none selected: all), ``severity`` sets how severe the findings
    of a rule are, ``exclude`` are patterns of paths. ``require_statements``: a report without recognised statements
    fails. ``baseline`` is the file of known findings, relative to the settings.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    require_statements: bool = False
    baseline: str | None = None

    def chosen(self) -> tuple[Rule, ...]:
        """The rules that run."""
        picked = {_rule(name).id for name in self.select} or {rule.id for rule in rules()}
        picked -= {_rule(name).id for name in self.ignore}
        picked -= {_rule(name).id for name, level in self.severity.items() if level == "off"}
        return tuple(rule for rule in rules() if rule.id in picked)

    def excluded(self, path: Path) -> bool:
        """Whether a pattern excludes this path."""
        return any(fnmatch(str(path), pattern) or fnmatch(path.name, pattern) for pattern in self.exclude)

    def with_severities(self, result: AuditResult) -> AuditResult:
        """The result with the severities of this project."""
        levels = {_rule(name).id: Severity(level) for name, level in self.severity.items() if level != "off"}
        if not levels:
            return result
        changed = tuple(replace(one, severity=levels.get(one.rule, one.severity)) for one in result.diagnostics)
        return replace(result, diagnostics=changed)

    def and_also(self, select: Iterable[str], ignore: Iterable[str], severity: Iterable[str]) -> AuditSettings:
        """These settings with those of the command line.

        Raises:
            InvalidInputError: an unknown rule or severity.
        """
        levels = dict(_pair(text) for text in severity)
        added = {
            "select": [*select] or [*self.select],
            "ignore": [*self.ignore, *ignore],
            "severity": {**self.severity, **levels},
        }
        return replace(self, **_checked(added, "the command line"))


def _pair(text: str) -> tuple[str, str]:
    name, separator, level = text.partition("=")
    if not separator:
        raise InvalidInputError(f"{text!r} is not RULE=SEVERITY", remedy="give for example KA012=optional")
    return name, level


def _rule(name: str) -> Rule:
    rule = rule_named(name)
    if rule is None:
        raise ValueError(f"there is no rule {name!r}; `kit audit --explain all` lists them")
    return rule


def load_settings(given: Path | None, start: Path) -> tuple[AuditSettings, Path]:
    """The settings of the given file or the nearest one upwards, and the folder that their paths are relative to.

    Raises:
        InvalidInputError: a setting is invalid; the message names it.
    """
    upwards = [folder / name for folder in (start, *start.parents) for name in _NAMES]
    for path in [given] if given else upwards:
        tree = _tree(path, required=given is not None)
        if tree is not None:
            return AuditSettings(**_checked(tree, str(path))), path.parent
    return AuditSettings(), start


def _tree(path: Path, *, required: bool) -> dict[str, Any] | None:
    if not path.is_file() and not required:
        return None
    data = read_input(path, _MAX_BYTES, "settings file")
    toml = path.suffix == ".toml"
    if toml and _TABLE.encode() not in data:
        return {} if required else None
    remedy = "see docs/audit.md for the settings"
    try:
        tree = _toml_table(data) if toml else _yaml(data)
    except RecursionError as error:
        raise InvalidInputError("the settings are nested too deep", where=str(path), remedy=remedy) from error
    except ValueError as error:
        raise InvalidInputError(f"the settings cannot be read: {error}", where=str(path), remedy=remedy) from error
    if tree is None:
        return {} if required or not toml else None
    if not isinstance(tree, dict):
        raise InvalidInputError("the settings are not a mapping", where=str(path), remedy=remedy)
    return {str(name): value for name, value in tree.items()}


# Both parsers are imported late: loading one takes longer than auditing a small report.
def _toml_table(data: bytes) -> Any:
    """``[tool.kit-audit]`` of a pyproject.toml; raises ValueError, RecursionError."""
    import tomllib

    if any(line.count(b".") > _MOST_DOTS for line in data.splitlines()):
        raise ValueError(f"a line has more than {_MOST_DOTS} dots")
    tools = tomllib.loads(data.decode("utf-8", "replace")).get("tool", {})
    return tools.get(_TABLE) if isinstance(tools, dict) else tools


def _yaml(data: bytes) -> Any:
    from kit.recipe.yamlfile import load_yaml

    return load_yaml(data)


def _checked(tree: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The settings, if all are valid; the error names the one that is not."""
    values = {}
    for key, value in tree.items():
        name = str(key).replace("-", "_")
        form = _FORMS.get(name)
        try:
            if form is None:
                raise ValueError(f"there is no such setting; there are {', '.join(_FORMS)}")
            values[name] = form(value)
        except (ValueError, TypeError) as error:
            remedy = "see docs/audit.md for the settings"
            place = f"{name} " if str(error).startswith("->") else f"{name}: "
            raise InvalidInputError(f"{place}{error}", where=where, remedy=remedy) from error
    return values


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("this is not a list of text")
    return tuple(value)


def _rule_names(value: Any) -> tuple[str, ...]:
    names = _strings(value)
    for name in names:
        _rule(name)
    return names


def _severities(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError("this is not a mapping of rules to severities")
    for name, level in value.items():
        _rule(str(name))
        if level not in _LEVELS:
            raise ValueError(f"-> {name}: {level!r} is none of {', '.join(_LEVELS)}")
    return {str(name): level for name, level in value.items()}


def _typed(kind: type | UnionType, problem: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(problem)
        return value

    return check


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "select": _rule_names,
    "ignore": _rule_names,
    "severity": _severities,
    "exclude": _strings,
    "require_statements": _typed(bool, "this is neither true nor false"),
    "baseline": _typed(str | None, "this is not the name of a file"),
}
