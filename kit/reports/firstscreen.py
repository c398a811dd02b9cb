"""The first screen of the HTML report: verdict, headline numbers, throughput plot, and where the numbers come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup, escape

from kit.reports.context import Report
from kit.reports.headlines import Headline, headlines
from kit.reports.origins import TargetOrigin, origin
from kit.reports.reportnumber import ReportNumber
from kit.reports.standing import Standing, StatedMatch, standing
from kit.reports.templates import render_page

__all__ = ["first_screen"]

Words = Mapping[str, Any]
Link = Callable[[ReportNumber], Markup]

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

    def link(number: ReportNumber) -> Markup:
        return Markup(traced(number.id, number.text))  # noqa: S704 - `traced` escapes the text

    found = standing(report)
    simulated = found.state == "simulated"
    w: Words = words["first"]
    return render_page(
        "first.html.j2",
        w=w,
        colon=words["colon"],
        state=found.state,
        title=w["titles"][found.state],
        sentence=_sentence(found, w),
        remarks=_remarks(report, found, words),
        headlines=[_headline(report, one, words, link) for one in headlines(report, simulated=simulated)],
        origins=[_origin(view.name, origin(view, simulated=simulated), words) for view in report.targets],
        plot=Markup(plot),  # noqa: S704 - drawn by kit.reports.plots, which escapes
    )


def _sentence(found: Standing, w: Words) -> str:
    counts = {"good": len(found.those(True)), "bad": len(found.those(False)), "all": len(found.matches)}
    return str(w["sentences"][found.state]).format(**counts)


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


def _headline(report: Report, one: Headline, words: Words, link: Link) -> dict[str, Any]:
    w, number = words["first"], one.number
    return {
        "name": _name(one, words),
        "value": link(_short(report, number)),
        "unit": {"fps": words["plot_y"], "": "×" if one.kind == "ratio" else ""}.get(number.unit, number.unit),
        "range": _range(one, w, link, words["list"]),
        "against": _against(report, one, words, link),
        "state": {True: "good", False: "bad", None: ""}[one.ok],
        "source": number.source,
        "source_name": w["mixed"] if number.source == "mixed" else words[number.source],
    }


def _short(report: Report, number: ReportNumber) -> ReportNumber:
    """A ratio as the report's sentence prints it."""
    return report.numbers.get(f"{number.id}/times", number)


def _name(one: Headline, words: Words) -> str:
    w = words["first"]
    target, _, quantity = one.label.partition(" ")
    if one.kind == "ratio":
        first, _, other = one.label.partition("/")
        return str(w["ratio"].format(one=first, other=other))
    kind = "metric" if one.kind == "accuracy" and not quantity.startswith("Top") else one.kind
    return str(w[kind].format(target=target, name=quantity, batch=one.number.batch))


def _range(one: Headline, w: Words, link: Link, comma: str) -> Markup:
    if one.kind == "latency":
        return escape(comma).join(Markup("{} {} ms").format(name, link(number)) for name, number in one.others)
    if one.interval:
        return escape(w["interval"].format(low=one.interval[0], high=one.interval[1]))
    return escape(w["no_interval"])


def _against(report: Report, one: Headline, words: Words, link: Link) -> Markup:
    w: Words = words["first"]
    comma = escape(w["comma"])
    if one.kind == "ratio":
        parts = [report.numbers[id_] for id_ in one.number.inputs]
        quotient = Markup(" {} ").format(w["versus"]).join(link(part) for part in parts) + " " + words["plot_y"]
        more = comma.join(Markup("{} {}").format(name, link(_short(report, number))) for name, number in one.others)
        return Markup("{}; {} {}").format(quotient, w["also"], more) if one.others else quotient
    if one.against is None or one.delta is None:
        return escape(w["nothing"])
    verdict = {True: w["within"], False: w["beyond"], None: w["incomparable"]}[one.ok]
    unit = one.against.unit if one.against.unit != "fps" else words["plot_y"]
    return Markup("{} {} {}{}{}{}{}").format(
        w["stated"], link(one.against), unit, comma, _difference(one.delta, words), comma, verdict
    )


def _origin(target: str, found: TargetOrigin, words: Words) -> dict[str, Any]:
    w = words["first"]
    kinds = {"accuracy": found.accuracy, "throughput": found.throughput}
    known = {kind: source for kind, source in kinds.items() if source}
    if len(set(known.values())) > 1:
        tags = [(source, f"{w[f'{kind}_word']}{words['colon']}{words[source]}") for kind, source in known.items()]
    else:
        tags = [(source, words[source]) for source in dict.fromkeys(known.values())]
    if found.simulated:
        tags.append(("simulated", words["simulated"]))
    cores = w["cores"].format(n=found.cores) if found.cores else ""
    contained = {True: w["containers"], False: w["bare"], None: ""}[found.containerized]
    return {
        "target": target,
        "tags": tags,
        "hardware": " · ".join(one for one in (found.hardware, found.processor, cores) if one),
        "toolchain": found.toolchain,
        "when": " · ".join(one for one in (" – ".join(found.days), contained) if one) or w["no_record"],
    }
