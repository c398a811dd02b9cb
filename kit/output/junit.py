"""JUnit XML, as CI servers read it: suites of cases that passed, failed or were skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET  # only writes; nothing is parsed here

from kit.terminal import visible

__all__ = ["JUnitCase", "JUnitSuite", "junit"]


@dataclass(frozen=True)
class JUnitCase:
    """One thing that was looked at.

    ``message`` says in one sentence what is wrong, or why it was skipped; for a case that passed, what was noticed.
    ``details`` are lines below it. ``file`` and ``line`` say where it is.
    """

    name: str
    state: Literal["passed", "failed", "skipped"] = "passed"
    message: str = ""
    kind: str = ""
    details: Sequence[str] = ()
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class JUnitSuite:
    """Cases that belong together: a report, a folder. ``classname`` groups them in the server's tree."""

    name: str
    classname: str
    cases: Sequence[JUnitCase]


def junit(command: str, suites: Sequence[JUnitSuite]) -> str:
    """A well-formed document, whatever the texts hold; ``command`` is what made it, such as ``kit verify``."""
    root = ET.Element("testsuites", name=command)
    for suite in suites:
        states = [case.state for case in suite.cases]
        element = ET.SubElement(
            root,
            "testsuite",
            name=visible(suite.name),
            tests=str(len(suite.cases)),
            failures=str(states.count("failed")),
            errors="0",
            skipped=str(states.count("skipped")),
        )
        for case in suite.cases:
            _add(element, suite.classname, case)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}'


def _add(suite: ET.Element, classname: str, case: JUnitCase) -> None:
    element = ET.SubElement(suite, "testcase", classname=visible(classname), name=visible(case.name))
    for name, value in (("file", case.file), ("line", case.line)):
        if value is not None:
            element.set(name, visible(value))
    if case.state == "failed":
        failure = ET.SubElement(element, "failure", type=visible(case.kind or "wrong"), message=visible(case.message))
        failure.text = "\n".join(visible(line) for line in case.details or [case.message])
    elif case.state == "skipped":
        ET.SubElement(element, "skipped", message=visible(case.message))
    elif case.message:
        ET.SubElement(element, "system-out").text = visible(case.message)
