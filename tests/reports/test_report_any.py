"""Any results: the report renders, its anchors hold, and our own audit agrees with every number."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kit.audit import audit_file
from kit.recipe.schema import Recipe
from kit.reports.escaping import slug
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts
from kit.results.resultsfile import Results

Make = Callable[..., Results]

rates = st.dictionaries(
    st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]),
    st.one_of(
        st.floats(0.5, 20000, allow_nan=False),
        st.floats(0.5, 20000, allow_nan=False).map(lambda rate: float(f"{rate:.6g}")),
        st.integers(1, 9000).map(float),
    ),
    max_size=6,
)
PER = {"310": ("device", 4), "310P": ("device", 1), "T4": ("enqueue", 1), "cpu": ("image", 1)}
correct = st.lists(st.integers(0, 50000), min_size=5, max_size=5).map(sorted)


@st.composite
def runs(draw: st.DrawFn) -> dict[str, dict[str, object]]:
    return {name: draw(run(name)) for name in sorted(draw(st.sets(st.sampled_from(sorted(PER)))))}


@st.composite
def run(draw: st.DrawFn, target: str) -> dict[str, object]:
    per, factor = PER[target]
    changes: dict[str, object] = {
        "rates": draw(rates),
        "per": per,
        "factor": factor,
        "mode": draw(st.sampled_from(["dataset", "synthetic"])),
        "spread": draw(st.floats(0, 0.5)),
        "source": draw(st.sampled_from(["measured", "measured", "simulated"])),
        "containerized": draw(st.booleans()),
    }
    counts = draw(st.none() | correct)
    changes["accuracy"] = {"n": 50000, "classes": 1000, "correct": counts} if counts else None
    return changes


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(made=runs())
def test_any_results_give_a_report_that_holds(
    seed_recipe: Recipe,
    facts: dict[str, TargetFacts],
    make: Make,
    tmp_path_factory: pytest.TempPathFactory,
    made: dict[str, dict[str, object]],
) -> None:
    results = {name: make(name, **changes) for name, changes in made.items()}
    files = render(seed_recipe, results, facts=facts)
    for name in ("README.md", "README.en.md"):  # the audit also holds the two languages against each other
        (tmp_path_factory.getbasetemp() / name).write_bytes(files[name])
    for name in ("README.md", "README.en.md"):
        text = files[name].decode()
        headings = {slug(one) for one in re.findall(r"^#{1,3} (.+)$", text, re.MULTILINE)}
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings
        assert ("SIMULATED" in text) == any(one.source == "simulated" for one in results.values())
        path = tmp_path_factory.getbasetemp() / name
        assert [(one.line, one.message) for one in audit_file(path).diagnostics] == []
    for name, data in files.items():
        if name.endswith(".svg"):
            ET.fromstring(data.decode())
