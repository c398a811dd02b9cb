"""Any family of reports: right tables have no finding, slips are found on their line."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kit.audit import Severity, audit_text


def _load() -> ModuleType:
    name = "audit_families"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("families.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


DATA = _load()
SLIPS = [(family, slip) for family in DATA.FAMILIES for slip in family.slips]


@pytest.mark.parametrize("family", DATA.FAMILIES, ids=lambda family: family.name)
def test_a_right_table_has_no_finding(family: object) -> None:
    assert audit_text(family.text).diagnostics == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("family", "slip"), SLIPS, ids=[f"{family.name}: {slip[1]}" for family, slip in SLIPS])
def test_a_slip_is_found_on_its_line(family: object, slip: tuple[str, str, int]) -> None:
    old, new, line = slip
    text: str = family.text  # type: ignore[attr-defined]
    assert text.count(old) == 1
    found = audit_text(text.replace(old, new)).diagnostics
    assert {one.line for one in found if one.severity is Severity.MAJOR} == {line}


@pytest.mark.parametrize("name", sorted(DATA.RIGHT))
def test_what_only_looks_wrong_is_left_alone(name: str) -> None:
    assert audit_text(DATA.RIGHT[name]).diagnostics == ()
