"""Results of an audit for people, programs and CI; each format is a function."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kit.audit.diagnostic import AuditResult

__all__ = ["AuditRun", "Form", "render"]


class Form(StrEnum):
    """How to print the findings."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"
    GITLAB = "gitlab"
    SARIF = "sarif"


@dataclass(frozen=True, slots=True)
class AuditRun:
    """The results of all reports by name, and the reasons why others could not be read."""

    results: Mapping[str, AuditResult]
    unreadable: Mapping[str, str]
    everything: bool = False  # also show the statements that hold


def render(run: AuditRun, form: Form) -> str:
    """The run in a format, without a final line end."""
    module, function = _FUNCTIONS[form]
    write: Callable[[AuditRun], str] = getattr(importlib.import_module(f"kit.audit.formats.{module}"), function)
    return write(run)


_FUNCTIONS = {
    Form.TEXT: ("carets", "render"),
    Form.JSON: ("objects", "render"),
    Form.JUNIT: ("ci", "junit_xml"),
    Form.GITHUB: ("ci", "github"),
    Form.GITLAB: ("ci", "gitlab"),
    Form.SARIF: ("sarif", "render"),
}
