"""Any family of reports: right tables have no finding, slips are found on their line.

``families/`` has a right report of each family, ``families/slips.yaml`` the slips in it that a reader would want to
hear of; ``right/`` has tables in which a rule could see an error that is none.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kit.audit import Severity, audit_text

HERE = Path(__file__).parent
FAMILIES = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "families").glob("*.md"))}
RIGHT = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "right").glob("*.md"))}
SLIPS = [
    (name, *slip)
    for name, slips in yaml.safe_load((HERE / "families/slips.yaml").read_text("utf-8")).items()
    for slip in slips
]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_right_table_has_no_finding(name: str) -> None:
    assert audit_text(FAMILIES[name]).diagnostics == ()


@pytest.mark.parametrize(("name", "old", "new", "line"), SLIPS, ids=[f"{name}: {new}" for name, _, new, _ in SLIPS])
def test_a_slip_is_found_on_its_line(name: str, old: str, new: str, line: int) -> None:
    text = FAMILIES[name]
    assert text.count(old) == 1
    found = audit_text(text.replace(old, new)).diagnostics
    assert {one.line for one in found if one.severity is Severity.MAJOR} == {line}


@pytest.mark.parametrize("name", RIGHT)
def test_what_only_looks_wrong_is_left_alone(name: str) -> None:
    assert audit_text(RIGHT[name]).diagnostics == ()
