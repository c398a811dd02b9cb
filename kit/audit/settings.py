"""What a project wants from the audit: rules, severities, files; from ``.kit-audit.yaml`` or ``pyproject.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kit.audit.diagnostic import AuditResult, Severity
from kit.audit.rule import Rule, rule_named, rules
from kit.errors import InvalidInputError
from kit.storage.inputs import read_input

__all__ = ["AuditSettings", "load_settings"]

_NAMES = (".kit-audit.yaml", "pyproject.toml")
_MAX_BYTES = 1 << 20

Names = Annotated[tuple[str, ...], Field(default=())]


class AuditSettings(BaseModel):
    """Settings; the command line adds to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    select: tuple[str, ...] = Field((), description="Only these rules, by id or name; default: all.")
    ignore: tuple[str, ...] = Field((), description="Not these rules.")
    severity: dict[str, Literal["major", "digits", "optional", "off"]] = Field(
        default_factory=dict, description="Rule -> how bad its findings are here."
    )
    exclude: tuple[str, ...] = Field((), description="Patterns of paths that are not audited.")
    require_statements: bool = Field(False, description="A report in which nothing was recognised fails.")
    baseline: str | None = Field(None, description="File of known findings, relative to this file.")

    @field_validator("select", "ignore")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            _rule(name)
        return names

    @field_validator("severity")
    @classmethod
    def _known_keys(cls, names: dict[str, str]) -> dict[str, str]:
        for name in names:
            _rule(name)
        return names

    def chosen(self) -> tuple[Rule, ...]:
        """The rules that run."""
        picked = {_rule(name).id for name in self.select} or {rule.id for rule in rules()}
        picked -= {_rule(name).id for name in self.ignore}
        picked -= {_rule(name).id for name, level in self.severity.items() if level == "off"}
        return tuple(rule for rule in rules() if rule.id in picked)

    def excluded(self, path: Path) -> bool:
        """Whether a pattern takes this path out."""
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
        tree = self.model_dump() | {"select": tuple(select) or self.select, "ignore": (*self.ignore, *ignore)}
        return _settings(tree | {"severity": self.severity | levels}, "the command line")


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
    """The settings, and the folder that their paths start in: the given file, or the nearest one upwards.

    Raises:
        InvalidInputError: not of the form; the message names the place.
    """
    for path in [given] if given else _upwards(start):
        tree = _tree(path, required=given is not None)
        if tree is not None:
            return _settings(tree, str(path)), path.parent
    return AuditSettings(), start


def _upwards(start: Path) -> list[Path]:
    folders = [start, *start.parents]
    return [folder / name for folder in folders for name in _NAMES]


def _tree(path: Path, *, required: bool) -> dict[str, Any] | None:
    if not path.is_file() and not required:
        return None
    text = read_input(path, _MAX_BYTES).decode("utf-8", "replace")
    remedy = "see docs/audit.md for the settings"
    try:
        tree = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InvalidInputError(f"the settings cannot be read: {first}", where=str(path), remedy=remedy) from error
    if path.suffix == ".toml":
        tree = tree.get("tool", {}).get("kit-audit")
        return None if tree is None and not required else tree or {}
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise InvalidInputError("the settings are not a mapping", where=str(path), remedy=remedy)
    return {str(name): value for name, value in tree.items()}


def _settings(tree: dict[str, Any], where: str) -> AuditSettings:
    try:
        return AuditSettings.model_validate({name.replace("-", "_"): value for name, value in tree.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = " -> ".join(str(part) for part in first["loc"])
        text = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
        raise InvalidInputError(f"{place}: {text}", where=where, remedy="see docs/audit.md for the settings") from error
