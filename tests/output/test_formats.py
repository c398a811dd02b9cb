"""Annotations stay on one line and JUnit stays well-formed, whatever is quoted."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from kit.output.annotations import annotation
from kit.output.junit import JUnitCase, JUnitSuite, junit

anything = st.text(alphabet=st.characters(exclude_categories=()))


def test_an_annotation_names_its_place() -> None:
    assert annotation("error", "kit audit: x", "a\nb 5%", file="a,b.md", line=3) == (
        "::error file=a%2Cb.md,line=3,title=kit audit%3A x::a%0Ab 5%25"
    )


@given(anything, anything, anything)
def test_an_annotation_is_one_line_and_one_command(title: str, message: str, file: str) -> None:
    text = annotation("error", title, message, file=file)
    text.encode("utf-8")
    assert text.splitlines() == [text]
    head, _, _ = text.removeprefix("::error ").partition("::")
    assert head.startswith("file=")
    assert head.count(",title=") == 1


def test_states_are_counted() -> None:
    cases = [JUnitCase("a"), JUnitCase("b", "failed", "wrong", "kind"), JUnitCase("c", "skipped", "absent")]
    suite = ET.fromstring(junit("kit verify", [JUnitSuite("s", "c", cases)])).find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["3", "1", "1"]
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message"), failure.text) == ("kind", "wrong", "wrong")


@given(anything, anything, anything)
def test_junit_is_well_formed(name: str, message: str, details: str) -> None:
    cases = [
        JUnitCase(name, "failed", message, name, [details, name], file=name, line=1),
        JUnitCase(name, "skipped", message),
        JUnitCase(name, message=message),
    ]
    text = junit("kit", [JUnitSuite(name, name, cases)])
    assert len(ET.fromstring(text).findall("testsuite/testcase")) == 3
    text.encode("utf-8")
