"""The first screen of the HTML report: verdict, headline numbers, throughput plot, and where the numbers come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from kit.reports.context import Report
from kit.reports.headlines import Headline, headlines
from kit.reports.origins import TargetOrigin, origin
from kit.reports.reportnumber import ReportNumber
from kit.reports.standing import Standing, StatedMatch, standing
from kit.reports.templates import render_page

__all__ = ["first_screen"]

Words = Mapping[str, Any]

#: This many failing or incomparable numbers are named; of the others, how many there are.
_NAMED = 4


def first_screen(report: Report, words: Words, plot: str, traced: Callable[[str, str], str]) -> str:
    """The screen in the language of ``words``.

    Args:
        report: the report.
        words: words of the language.
        plot: the throughput plot as SVG; may be empty.
        traced: (id of a number, its text) -> HTML that leads to where it comes from.
    """
    found = standing(report)
    simulated = found.state == "simulated"
    origins = [(view.name, origin(view, simulated=simulated)) for view in report.targets]
    return render_page(
        "first.html.j2",
        words=words,
        w=words["first"],
        found=found,
        sentence=words["first"]["sentences"][found.state].format(
            good=len(found.those(True)), bad=len(found.those(False)), all=len(found.matches)
        ),
        remarks=_remarks(report, found, words),
        headlines=[(_name(one, words["first"]), one) for one in headlines(report, simulated=simulated)],
        origins=[(name, _tags(one, words), one) for name, one in origins],
        numbers=report.numbers,
        short=lambda number: report.numbers.get(f"{number.id}/times", number),  # a ratio as the sentence prints it
        difference=lambda delta: _difference(delta, words),
        link=lambda number: Markup(traced(number.id, number.text)),  # noqa: S704 - `traced` escapes the text
        plot=Markup(plot),  # noqa: S704 - drawn by kit.reports.plots, which escapes
    )


def _remarks(report: Report, found: Standing, words: Words) -> list[tuple[str, str]]:
    w = words["first"]
    rehearsed = [view.name for view in report.targets if view.simulated] if found.state != "simulated" else []
    listed: list[tuple[str, list[str]]] = [
        (w["failing"], [f"{one.target} {one.quantity} {_difference(one.delta, words)}" for one in found.those(False)]),
        (w["not_comparable"], [_open(one, words) for one in found.those(None)]),
        (w["unstable"], list(found.unstable)),
        (w["changed"], list(found.changed)),
        (w["rehearsed"], rehearsed),
    ]
    return [(name, _some(items, words)) for name, items in listed if items]


def _some(items: list[str], words: Words) -> str:
    more = [words["first"]["more"].format(n=len(items) - _NAMED)] if len(items) > _NAMED else []
    return str(words["list"].join([*items[:_NAMED], *more]))


def _open(one: StatedMatch, words: Words) -> str:
    reasons = words["list"].join(words["reasons"].get(reason, reason) for reason in one.reasons)
    return f"{one.target} {one.quantity} ({reasons})" if reasons else f"{one.target} {one.quantity}"


def _difference(delta: ReportNumber, words: Words) -> str:
    if delta.unit == "points":
        return str(words["points"].format(number=delta.text))
    return f"{delta.text} {delta.unit}".strip()


def _name(one: Headline, w: Words) -> str:
    target, _, quantity = one.label.partition(" ")
    if one.kind == "ratio":
        first, _, other = one.label.partition("/")
        return str(w["ratio"].format(one=first, other=other))
    kind = "metric" if one.kind == "accuracy" and not quantity.startswith("Top") else one.kind
    return str(w[kind].format(target=target, name=quantity, batch=one.number.batch))


def _tags(found: TargetOrigin, words: Words) -> list[tuple[str, str]]:
    """Sources of a target's numbers, in words; of accuracy and throughput where the two differ."""
    sources = {"accuracy": found.accuracy, "throughput": found.throughput}
    known = {kind: source for kind, source in sources.items() if source}
    tags: list[tuple[str, str]] = [(source, words[source]) for source in dict.fromkeys(known.values())]
    if len(tags) > 1:
        kinds = {kind: f"{words['first'][f'{kind}_word']}{words['colon']}" for kind in known}
        tags = [(source, f"{kinds[kind]}{words[source]}") for kind, source in known.items()]
    return [*tags, ("simulated", words["simulated"])] if found.simulated else tags
