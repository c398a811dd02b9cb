"""Everything under ``reports/<model>/`` except the results, as bytes. Pure: no clock, path, host name or locale."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from kit.recipe.schema import Recipe
from kit.reports.cataloguerow import rows
from kit.reports.context import Report, build
from kit.reports.deviations import Deviation
from kit.reports.pages import Pages, document, readme
from kit.reports.targetfacts import TargetFacts, reported_targets
from kit.results.resultsfile import Results

__all__ = ["LANGUAGES", "render"]

LANGUAGES = ("zh", "en")
FILES = {"zh": "README.md", "en": "README.en.md"}


def render(
    recipe: Recipe,
    results: Mapping[str, Results],
    targets: Sequence[str] | None = None,
    *,
    deviations: Sequence[Deviation] = (),
    languages: Sequence[str] = LANGUAGES,
    facts: Mapping[str, TargetFacts] | None = None,
) -> dict[str, bytes]:
    """Render the report.

    Args:
        recipe: the recipe.
        results: stored results by target.
        targets: targets to report, in order; by default those with a stored or published number.
        deviations: what the report changes against the published one.
        languages: of ``zh`` and ``en``.
        facts: what to say of each target; taken from the installed targets where absent.

    Returns:
        File name, relative to ``reports/<model>/`` -> content.

    Raises:
        InvalidInputError: a target that is not installed and has no results.
    """
    from kit.reports import deviations as deviation_pages
    from kit.reports import html, plots

    report = build(recipe, results, targets, facts)
    folders = dict.fromkeys(view.facts.templates for view in report.targets if view.facts.templates)
    files: dict[str, str] = {}
    parts = []
    for language in languages:
        pages = Pages(report, language, tuple(folders), deviations=bool(deviations))
        drawn = plots.draw(report, pages.words, suffix="" if language == "zh" else f".{language}")
        files |= {f"plots/{plot}.svg": text for plot, text in drawn.items()}
        text = document(pages, tuple(drawn))
        files[FILES[language]] = readme(pages, tuple(drawn), text)
        if deviations:
            name = FILES[language].replace("README", "DEVIATIONS")
            files[name] = deviation_pages.page(deviations, pages.writer, language)
        parts.append(html.part(pages, text, drawn))
    files["report.html"] = html.page(parts)
    names = sorted([*files, "report.json"])
    chosen = [view.name for view in report.targets] != reported_targets(recipe, results)
    files["report.json"] = _data(report, languages, names, chosen=chosen)
    return {name: text.encode() for name, text in sorted(files.items())}


def _data(report: Report, languages: Sequence[str], files: Sequence[str], *, chosen: bool) -> str:
    """The report as data: ``kit verify`` renders again what this names.

    ``chosen``: somebody chose these targets; otherwise they follow from what was measured and published.
    """
    data = {
        "format": 1,
        "model": report.recipe.model.name,
        "chosen": chosen,
        "targets": [view.name for view in report.targets],
        "languages": list(languages),
        "files": list(files),
        "simulated": report.simulated,
        "rows": [one.model_dump(mode="json", exclude_defaults=True) for one in rows(report)],
        "cells": {
            number.id: {"text": number.text, "unit": number.unit, "formula": number.formula, "source": number.source}
            for number in report.numbers.values()
        },
        "verdicts": [
            {
                "target": one.target,
                "quantity": one.quantity,
                "verdict": one.outcome,
                "reasons": list(one.reasons),
                "delta": f"{one.delta.text} {one.delta.unit}",
                "tolerance": one.tolerance,
            }
            for one in report.verdicts
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
