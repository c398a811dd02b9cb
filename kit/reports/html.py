"""The report as one HTML file that needs nothing else: same text, tables and plots, and the origin of each number.

Every number is a link to its entry in the appendix, so it works without a script and from the keyboard; the script
shows the entry in a dialog instead, and one language at a time.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from kit.reports.context import Report
from kit.reports.escaping import in_language
from kit.reports.explain import Trace, trace
from kit.reports.firstscreen import first_screen
from kit.reports.markdown import to_html
from kit.reports.pages import Pages
from kit.reports.reportnumber import ReportNumber
from kit.reports.standing import standing
from kit.reports.templates import page_style, render_page
from kit.resources import resource

__all__ = ["page", "part"]


def page(parts: Sequence[Mapping[str, Any]]) -> str:
    """The file, from a :func:`part` for each language; the first is shown first."""
    script = (resource("templates") / "html" / "script.js").read_text(encoding="utf-8").strip()
    names = {"zh": "中文", "en": "English"}
    text = render_page("report.html.j2", names=names, parts=parts, style=_safe(page_style()), script=_safe(script))
    return f"{text}\n"


def part(pages: Pages, document: str, plots: Mapping[str, str]) -> dict[str, Any]:
    """The report in one language, as the template of the page shows it.

    Args:
        pages: the report's templates.
        document: the report as Markdown.
        plots: name of a plot -> SVG.
    """
    report, words, prefix = pages.report, pages.words, f"{pages.language}-"
    anchors = {id_: f"{prefix}n{index}" for index, id_ in enumerate(report.numbers)}

    def link(id_: str, shown: str) -> str:
        return f'<a class="n" href="#{anchors[id_]}">{escape(shown)}</a>'

    heading, _, rest = to_html(document, link, plots, prefix).partition("\n")
    return {
        "language": pages.language,
        "words": words,
        "title": pages.title,
        "sections": pages.sections(tuple(plots)),
        "heading": _safe(heading),
        "first": _safe(first_screen(report, words, _first_plot(report, plots), link)),
        "rest": _safe(rest),
        "numbers": [_safe(_entry(trace(report, number), words, anchors)) for number in report.numbers.values()],
    }


def _safe(html: str) -> Markup:
    """HTML of ours, which is not escaped again."""
    return Markup(html)  # noqa: S704 - whatever made it escaped what it was given


def _first_plot(report: Report, plots: Mapping[str, str]) -> str:
    """The plot of the first screen; it stands in its section, too, and an id may stand in a page once."""
    simulated = standing(report).state == "simulated"
    name = next((name for name in plots if name.startswith("throughput") and ("simulated" in name) == simulated), None)
    if name is None:
        return ""
    key = plots[name].partition('aria-labelledby="')[2].partition("-t ")[0]
    return plots[name].replace(f"{key}-t", f"first-{key}-t", 2).replace(f"{key}-d", f"first-{key}-d", 2)


def _entry(found: Trace, words: Mapping[str, Any], anchors: Mapping[str, str]) -> str:
    number = found.number
    rows = [
        ("formula", [f"<code>{escape(number.formula)}</code>"]),
        ("source", [_source(found, words)]),
        ("mode", [escape(words[f"{number.mode}_mode"])] if number.mode else []),
        ("toolchain", [escape(number.toolchain)] if number.toolchain else []),
        ("raw", [f"<code>{escape(_plain(name, raw))}</code>" for name, raw in number.raw.items() if name != "at"]),
        ("from", [
            f'<a class="n" href="#{anchors[one.id]}">{escape(one.text)}</a> <small>{escape(one.id)}</small>'
            for one in found.inputs
        ]),
        *(("doubt", [escape(in_language(one, words["language"]))]) for one in found.conflicts),
        ("evidence", [
            f"<code>{escape(name)}</code>: {escape(one.step)}/{escape(one.file)}, {escape(one.place)}"
            for name, one in found.evidence.items()
        ]),
        ("commands", [f"<code>{escape(shlex.join(one.argv))}</code>" for one in found.commands]),
        ("artifacts", [
            f"{escape(one.step)}/{escape(one.path)} <code>sha256:{one.sha256}</code>" for one in found.artifacts
        ]),
        ("runs", [
            f"{escape(one.step)}: {escape(one.started)}, {one.seconds:.2f} s, <code>{escape(one.image)}</code>"
            for one in found.runs
        ]),
    ]  # fmt: skip
    labels: Mapping[str, str] = words["html"]
    listed = "".join(
        f"<dt>{escape(labels[name])}</dt><dd>{'<br>'.join(values)}</dd>" for name, values in rows if values
    )
    return (
        f'<article id="{anchors[number.id]}" tabindex="-1">'
        f"<h3>{_value(number)} <small>{escape(number.id)}</small></h3><dl>{listed}</dl></article>"
    )


def _value(number: ReportNumber) -> str:
    unit = "" if number.unit in {"", "points"} else f" {number.unit}"
    return escape(f"{number.text}{unit}")


def _source(found: Trace, words: Mapping[str, Any]) -> str:
    text = escape(words[found.number.source])
    at = found.published_at
    if at and at.startswith(("https://", "http://")):
        return f'{text}, <a href="{escape(at)}" rel="noopener noreferrer">{escape(at)}</a>'
    return f"{text}, {escape(at)}" if at else text


def _plain(name: str, value: object) -> str:
    return f"{name}: {value if isinstance(value, str) else json.dumps(value)}"
