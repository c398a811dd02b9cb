"""Results of an audit for people, programs and CI; each format is a module with a ``render``."""

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
    module = importlib.import_module(f"kit.audit.formats.{_MODULES[form]}")
    write: Callable[[AuditRun], str] = module.render
    return write(run)


_MODULES = {
    Form.TEXT: "carets",
    Form.JSON: "objects",
    Form.JUNIT: "junit_cases",
    Form.GITHUB: "github",
    Form.GITLAB: "gitlab",
    Form.SARIF: "sarif",
}
