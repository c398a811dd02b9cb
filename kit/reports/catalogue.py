"""``reports/index.html``: all models and targets of a folder of reports, with what fails or is stale.

It is made of the ``report.json`` of each report and the digests of its results, so it needs no recipe.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from pydantic import TypeAdapter

from kit.errors import DamagedError, KitError
from kit.reports.cataloguerow import CatalogueRow, results_digest
from kit.reports.templates import page_style, render_page
from kit.results.reportparts import REHEARSAL
from kit.results.resultsfile import load_all
from kit.storage.files import exclusive, os_errors
from kit.storage.inputs import read_input
from kit.storage.root import Root
from kit.terminal import visible

__all__ = ["INDEX", "catalogue", "write_index"]

INDEX = "index.html"
MAX_BYTES = 16 << 20
_ROWS = TypeAdapter(tuple[CatalogueRow, ...])
#: Words of each state, and the order in which sorting by verdict shows them: what needs a look comes first.
_STATES = {
    "fails": ("not confirmed", "未确认"),
    "open": ("not comparable", "不可比"),
    "simulated": ("SIMULATED", "SIMULATED"),
    "measured": ("measured", "已测量"),
    "published": ("published", "公布值"),
    "holds": ("confirmed", "已确认"),
}
#: Unit of a throughput, by what it counts.
_RATES = {"images": ("images/s", "图片/秒"), "samples": ("samples/s", "样本/秒")}
_CHANGED = ("the recipe has changed since it was measured", "测量之后配方已改变")
_OTHER_RESULTS = ("its results are not those of the report: run kit report", "结果与报告不一致：请运行 kit report")


def write_index(reports: Path) -> bool:
    """Write the page; returns whether it changed. The last of several kits has seen the reports of all.

    Raises:
        InvalidInputError: a link on the way.
        ResourceError: no space, no permission.
    """
    reports = reports.resolve()
    with exclusive(reports, reports, deep=False), os_errors(reports):
        return Root(reports).write(INDEX, data=catalogue(reports).encode())


def catalogue(reports: Path) -> str:
    """The page over each ``reports/<model>/`` and its rehearsal. What cannot be read is named, and hides no other."""
    listed, unreadable = [], {}
    for name, folder in _reports(reports):
        try:
            listed += _of_report(name, folder)
        except KitError as error:
            unreadable[visible(name)] = visible(error.what)
    counts = Counter(one["row"].state for one in listed)
    page = render_page(
        "index.html.j2",
        style=Markup(page_style()),  # noqa: S704 - our own file
        rows=listed,
        models=len({one["model"].partition("/")[0] for one in listed}),
        counts={state: counts[state] for state in _STATES},
        stale=sum(bool(one["stale"]) for one in listed),
        states=_STATES,
        rates=_RATES,
        unreadable=unreadable,
    )
    return f"{page}\n"


def _reports(reports: Path) -> Iterator[tuple[str, Path]]:
    """Name and folder of each report, in order; links are not followed."""
    for model in sorted(reports.iterdir()) if reports.is_dir() else ():
        for folder in (model, model / REHEARSAL):
            known = any(os.path.lexists(folder / one) for one in ("report.json", "results"))
            if known and not any(one.is_symlink() for one in (model, folder)):
                yield folder.relative_to(reports).as_posix(), folder


def _of_report(name: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / "report.json"
    try:
        tree = json.loads(read_input(path, MAX_BYTES, "report"))
        rows, chosen = _ROWS.validate_python(tree["rows"]), bool(tree["chosen"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedError(
            "its report.json is damaged, or of an older kit: run kit report", where=str(path), remedy="run kit report"
        ) from error
    digests = {target: results_digest(one) for target, one in load_all(folder).items()}
    missing = [] if chosen else sorted(set(digests) - {row.target for row in rows})
    return [_shown(name, row, _stale(row, digests, missing)) for row in rows]


def _stale(row: CatalogueRow, digests: Mapping[str, str], missing: Sequence[str]) -> list[tuple[str, str]]:
    """Why a row is old: the recipe, its own results, or results of other targets came after it."""
    found = [_CHANGED] if row.changed else []
    return [*found, _OTHER_RESULTS] if missing or digests.get(row.target) != row.results else found


def _shown(name: str, row: CatalogueRow, stale: Sequence[tuple[str, str]]) -> dict[str, Any]:
    processor = f"{row.processor} × {row.cores}" if row.processor and row.cores else row.processor
    return {
        "model": name,
        "address": f"{quote(name)}/report.html",
        "row": row,
        "order": list(_STATES).index(row.state),
        "stale": stale,
        "machine": ", ".join(one for one in (processor, row.toolchain) if one),
        "spark": _spark([value for _, value in row.rates]),
        "told": ", ".join(f"bs{batch} {value:.4g}" for batch, value in row.rates),
        "source": row.throughput.source if row.throughput else "",
    }


def _spark(values: Sequence[float]) -> str:
    """A line from zero to the highest value as the path of an SVG of 120 x 32; empty below two values."""
    if len(values) < 2 or max(values) <= 0:
        return ""
    step, high = 116 / (len(values) - 1), max(values)
    return "M" + "L".join(f"{2 + index * step:.1f} {30 - 28 * value / high:.1f}" for index, value in enumerate(values))
