"""Headings and anchors of the report: sections 6.x and 7.x follow the targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.reports.context import Report, TargetView
from kit.reports.escaping import escape, slug

__all__ = ["ReportSection", "outline"]

Words = Mapping[str, Any]


@dataclass(frozen=True)
class ReportSection:
    """A heading, the partial below it, and what the partial needs."""

    number: str
    title: str
    anchor: str
    template: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def level(self) -> int:
        return 2 if "." not in self.number else 3

    @property
    def heading(self) -> str:
        return escape(f"{self.number} {self.title}")


Part = tuple[str, str | None, dict[str, Any]]


def outline(
    report: Report, words: Words, titles: Callable[[str], Words], plots: tuple[str, ...]
) -> list[ReportSection]:
    """All sections in order, with anchors as GitHub and Gitee make them.

    Args:
        report: the report.
        words: headings of the language.
        titles: headings of a family of toolchains in this language.
        plots: names of the plots that exist.
    """
    names: Mapping[str, str] = words["headings"]
    model = "given" if report.recipe.model.source == "onnx" else "export"
    chapters: list[tuple[str, str | None, list[Part]]] = [
        ("overview", None, _fixed(names, "paper", "code")),
        ("environment", None, _fixed(names, "frameworks", "libraries")),
        ("conversion", None, [(names[model], "export", {}), *_families(report, titles, "convert")]),
        ("data", None, _fixed(names, "dataset", "preprocess", "info")),
        ("inference", None, _families(report, titles, "tool", "infer")),
        ("accuracy_comparison", None, _accuracies(report, names)),
        ("throughput_comparison", None, _throughputs(report, names, plots)),
        ("provenance", "provenance", []),
        ("differences", "differences", []),
    ]
    taken: dict[str, int] = {}
    sections = []
    for chapter, (name, template, parts) in enumerate(chapters, start=1):
        heading = f"{chapter} {names[name]}"
        sections.append(ReportSection(str(chapter), names[name], slug(heading, taken), template))
        for index, (title, partial, variables) in enumerate(parts, start=1):
            number = f"{chapter}.{index}"
            sections.append(ReportSection(number, title, slug(f"{number} {title}", taken), partial, variables))
    return sections


def _fixed(names: Mapping[str, str], *templates: str) -> list[Part]:
    """Sections that every report has."""
    return [(names[one], one, {}) for one in templates]


def _families(report: Report, titles: Callable[[str], Words], *names: str) -> list[Part]:
    """The partials of each family of toolchains."""
    parts: list[Part] = []
    for family in report.families:
        views = [view for view in report.targets if view.facts.family == family]
        variables = {"views": views, "family": family, "stated": report.has_published_scripts(views)}
        parts += [(titles(family)[name], f"{family}/{name}", variables) for name in names]
    return parts


def _target(report: Report, view: TargetView) -> dict[str, Any]:
    return {"view": view, "stated": report.has_published_scripts([view])}


def _accuracies(report: Report, names: Mapping[str, str]) -> list[Part]:
    if not report.counts_classes:
        return [(names["metrics"].format(target=view.name), "metrics", {"view": view}) for view in report.targets]
    parts: list[Part] = [
        (names["accuracy"].format(target=view.name), "accuracy", _target(report, view))
        for view in report.targets
        if view.figures("accuracy") or not view.figures("throughput")
    ]
    return parts + _fixed(names, "reference", "accuracy_comparison")


def _throughputs(report: Report, names: Mapping[str, str], plots: tuple[str, ...]) -> list[Part]:
    parts: list[Part] = [
        (
            names["throughput"].format(target=view.name),
            "throughput",
            {**_target(report, view), "family": view.facts.family},
        )
        for view in report.targets
    ]
    return [*parts, (names["throughput_comparison"], "throughput_comparison", {"plots": plots})]
