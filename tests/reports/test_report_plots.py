from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from kit.recipe.schema import Recipe
from kit.reports.render import render
from kit.reports.svg import Scale, legend, marker
from kit.reports.targetfacts import TargetFacts
from kit.results.resultsfile import Results

Make = Callable[..., Results]
SVG = "{http://www.w3.org/2000/svg}"


def plots(files: dict[str, bytes]) -> dict[str, ET.Element]:
    return {name: ET.fromstring(data.decode()) for name, data in files.items() if name.startswith("plots/")}


def test_a_plot_shows_every_published_point(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> None:
    files = render(seed_recipe, {}, facts=facts)
    assert set(plots(files)) == {"plots/throughput.svg", "plots/throughput.en.svg"}
    root = plots(files)["plots/throughput.en.svg"]
    assert root.find(f"{SVG}title") is not None
    labelled = [one.text or "" for one in root.iter(f"{SVG}title")][1:]
    assert len(labelled) == 18
    assert "T4 (published), bs64: 2299.0784 fps" in labelled
    described = root.find(f"{SVG}desc")
    assert described is not None
    assert "bs4 5246.8" in (described.text or "")
    assert root.attrib["role"] == "img"
    assert "prefers-color-scheme:dark" in files["plots/throughput.en.svg"].decode()


def test_points_lie_where_their_values_say(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> None:
    data = render(seed_recipe, {}, ["310P"], facts=facts)["plots/throughput.en.svg"].decode()
    ticks = {
        float(value): float(y) - 4
        for y, value in re.findall(r'y="([\d.]+)" class="d" text-anchor="end">([\d.]+)</text>', data)
    }
    zero, top = ticks[0.0], ticks[8000.0]
    points = re.search(r'<path class="l dash" d="M([\d. L]+)"/><circle', data)
    assert points
    for pair, value in zip(points[1].split("L"), (1743.58, 5244.27, 7196.11, 6367.69, 5872.96, 4873.73), strict=True):
        wanted = zero - (zero - top) * value / 8000
        assert float(pair.split(" ")[1]) == pytest.approx(wanted, abs=0.11)


def test_latency_and_simulated_plots_stand_apart(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    results = {"cpu": make("cpu", {1: 50.0, 8: 60.0}, per="image"), "310": make("310", {1: 700.0}, source="simulated")}
    made = render(seed_recipe, results, facts=facts)
    found = plots(made)
    names = {"throughput", "latency", "throughput-simulated", "latency-simulated"}
    assert set(found) == {f"plots/{name}{end}" for name in names for end in (".svg", ".en.svg")}
    for name, root in found.items():
        text = " ".join(one.text or "" for one in root.iter() if one.tag != f"{SVG}style")
        assert ("SIMULATED" in text) == ("simulated" in name)
    described = found["plots/latency.en.svg"].find(f"{SVG}desc")
    assert described is not None
    assert described.text == "cpu bs1 p50 1.5 p90 1.75 p99 2.25 ms; cpu bs8 p50 12 p90 14 p99 18 ms"


def test_no_dates_and_short_coordinates(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    for name, data in render(seed_recipe, {"cpu": make("cpu", {1: 1e-3, 8: 1e6})}, facts=facts).items():
        if name.endswith(".svg"):
            assert not re.search(rb"\d{4}-\d\d|\d\d:\d\d", data)
            assert not re.search(rb'[xyd]="[^"]*\d\.\d\d', data)
            assert b"nan" not in data.lower().replace(b"spnasnet", b"")


def test_scales() -> None:
    linear = Scale.of([100.0, 730.0], 0, 100)
    assert (linear.logarithmic, linear.ticks, linear.y(0), linear.y(800)) == (
        False, (0.0, 200.0, 400.0, 600.0, 800.0), 100, 0,
    )  # fmt: skip
    wide = Scale.of([1.0, 900.0], 0, 100)
    assert wide.logarithmic
    assert (wide.ticks[0], wide.ticks[-1]) == (1.0, 1000.0)
    assert (wide.y(1), wide.y(1000)) == (100, 0)
    assert wide.y(10) == pytest.approx(100 - 100 / 3)
    one = Scale.of([5.0], 0, 100)
    assert 0 <= one.y(5.0) <= 100


def test_legend_breaks_into_lines_and_labels_are_escaped() -> None:
    parts, y = legend([(i, "a long name of a target <&>", i % 2 == 0) for i in range(6)], 50)
    assert y > 72
    assert "&lt;&amp;&gt;" in parts[0]
    for shape in range(4):
        ET.fromstring(marker(shape, 1, 2, "f", "<x>"))
