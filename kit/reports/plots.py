"""Plots of the report as SVG: throughput by batch and target, latency percentiles. Simulated ones stand apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from kit.reports import svg
from kit.reports.context import Report
from kit.reports.figures import Figures
from kit.reports.reportnumber import ReportNumber
from kit.results.measurements import plain

__all__ = ["draw"]

_Series = Sequence[tuple[int, Figures]]


def draw(report: Report, words: Mapping[str, Any], suffix: str = "") -> dict[str, str]:
    """Name without ``.svg`` -> SVG, in the language of ``words``; only plots that have something to show."""
    plots = {}
    for simulated in (False, True):
        series = [
            (index, figures)
            for index, view in enumerate(report.targets)
            for figures in view.figures("throughput")
            if figures.simulated == simulated
        ]
        kind = "-simulated" if simulated else ""
        key = f"{kind}{suffix}".replace(".", "-")
        note = f" – {words['simulated']}" if simulated else ""
        if series:
            plots[f"throughput{kind}{suffix}"] = _throughput(series, words, note, f"tp{key}")
        timed = [
            (index, figures) for index, figures in series if any(one.latency_ms for one in figures.throughput.values())
        ]
        if timed:
            plots[f"latency{kind}{suffix}"] = _latency(timed, report.numbers, words, note, f"lat{key}")
    return plots


def _label(figures: Figures, words: Mapping[str, Any]) -> str:
    return f"{figures.target} ({words[figures.source]})"


def _places(series: _Series) -> dict[int, float]:
    """Horizontal place of each batch: equal steps, as batches double."""
    batches = sorted({batch for _, figures in series for batch in figures.numbers})
    step = (svg.WIDTH - svg.LEFT - svg.RIGHT) / len(batches)
    return {batch: svg.LEFT + step * (position + 0.5) for position, batch in enumerate(batches)}


def _axes(scale: svg.Scale, places: Mapping[int, float], words: Mapping[str, Any], unit: str) -> list[str]:
    parts = []
    for tick in scale.ticks:
        y = scale.y(tick)
        parts.append(f'<path class="r" d="M{svg.LEFT} {svg.number(y)}H{svg.WIDTH - svg.RIGHT}"/>')
        parts.append(svg.text(svg.LEFT - 8, y + 4, plain(Decimal(f"{tick:.6g}")), "d", "end"))
    bottom = scale.bottom
    parts.extend(svg.text(x, bottom + 20, str(batch), "d", "middle") for batch, x in places.items())
    middle = (svg.LEFT + svg.WIDTH - svg.RIGHT) / 2
    parts.append(svg.text(middle, bottom + 41, words["plot_x"], "d", "middle"))
    axis = f"{unit}, {words['log_scale']}" if scale.logarithmic else unit
    parts.append(svg.text(svg.LEFT - 52, scale.top - 12, axis, "d"))
    return parts


def _throughput(series: _Series, words: Mapping[str, Any], note: str, key: str) -> str:
    entries = [(index, _label(figures, words), figures.source == "published") for index, figures in series]
    keys, y = svg.legend(entries, 52)
    top = y + 14
    bottom = top + 280
    values = [float(number.value) for _, figures in series for number in figures.numbers.values()]
    values += [float(end) for _, figures in series for one in figures.throughput.values() for end in one.extent]
    scale = svg.Scale.of(values, top, bottom)
    places = _places(series)
    parts = [*keys, *_axes(scale, places, words, words["plot_y"])]
    for index, figures in series:
        hollow = figures.source == "published"
        points = [(places[batch], scale.y(float(number.value))) for batch, number in figures.numbers.items()]
        line = "L".join(f"{svg.number(x)} {svg.number(y)}" for x, y in points)
        drawn = [f'<path class="l{" dash" if hollow else ""}" d="M{line}"/>']
        for (batch, number), (x, y) in zip(figures.numbers.items(), points, strict=True):
            if len(figures.throughput[batch].repeats) > 1:
                drawn.append(svg.bar(x, *(scale.y(float(end)) for end in figures.throughput[batch].extent)))
            label = f"{_label(figures, words)}, bs{batch}: {number.text} {number.unit}"
            drawn.append(svg.marker(index, x, y, "h" if hollow else "f", label))
        parts.append(svg.coloured(index, *drawn))
    described = "; ".join(
        f"{_label(figures, words)}: "
        + ", ".join(f"bs{batch} {number.text}" for batch, number in figures.numbers.items())
        for _, figures in series
    )
    return svg.frame(words["plot_throughput"], note, described, parts, key=key, height=bottom + svg.BOTTOM)


def _latency(
    series: _Series, numbers: Mapping[str, ReportNumber], words: Mapping[str, Any], note: str, key: str
) -> str:
    keys, y = svg.legend([(index, _label(figures, words), False) for index, figures in series], 52)
    keys.append(svg.text(svg.LEFT, y, words["plot_key"], "d"))
    top = y + 36
    bottom = top + 270
    found = {
        index: {
            batch: {name: numbers[f"{figures.numbers[batch].id}/{name}"] for name in one.latency_ms.known}
            for batch, one in figures.throughput.items()
            if one.latency_ms
        }
        for index, figures in series
    }
    values = [float(one.value) for batches in found.values() for known in batches.values() for one in known.values()]
    scale = svg.Scale.of(values, top, bottom)
    places = _places(series)
    parts = [*keys, *_axes(scale, places, words, words["plot_ms"])]
    step = min(22.0, 60.0 / len(series))
    described = []
    for position, (index, figures) in enumerate(series):
        shift = (position - (len(series) - 1) / 2) * step
        drawn = []
        for batch, known in found[index].items():
            x = places[batch] + shift
            heights = {name: scale.y(float(number.value)) for name, number in known.items()}
            labels = {name: f"{figures.target}, bs{batch}, {name}: {number.text} ms" for name, number in known.items()}
            drawn.append(svg.bar(x, max(heights.values()), min(heights.values())))
            if "p90" in known:
                drawn.append(f'<path class="l" d="M{svg.number(x - 5)} {svg.number(heights["p90"])}h10"/>')
            if "p99" in known:
                drawn.append(svg.marker(index, x, heights["p99"], "h", labels["p99"], 3.5))
            drawn.append(svg.marker(index, x, heights["p50"], "f", labels["p50"], 3.5))
            shown = " ".join(f"{name} {number.text}" for name, number in known.items())
            described.append(f"{figures.target} bs{batch} {shown} ms")
        parts.append(svg.coloured(index, *drawn))
    return svg.frame(words["plot_latency"], note, "; ".join(described), parts, key=key, height=bottom + svg.BOTTOM)
