"""``kit explain``."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import options
from kit.cli.usage import argument
from kit.errors import KitError
from kit.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kit.reports.context import Report
    from kit.reports.explain import Quote, Trace
    from kit.results.evidence import Evidence
    from kit.verification.raw_outputs import RawOutputs

__all__ = ["command"]


def command(
    number: Annotated[
        str | None, argument(None, "Such as 310/bs4, 310P/310@best, 310/top1; without it, all are listed.")
    ] = None,
    recipe: options.RecipePath = Path("kit.yaml"),
    reports: options.Reports = None,
    store: options.StorePath = Path(".kit"),
    simulated: options.Simulated = False,
    here: options.Here = False,
    as_json: options.Json = False,
) -> None:
    """Trace a number of the report to its formula, the line that printed it, command, artifact digests and run record.

    The line or key is shown where the raw output is in the store or was kept next to the results.

    Numbers are named by target: TARGET/bs16 is a throughput, TARGET/best the best of them, TARGET/bs16/p99 a latency,
    TARGET/top1 an accuracy, A/B@bs16 and A/B@best are ratios. reference:top1 is the open-source accuracy; with
    published: before it, the published number that a measured one replaced.

    \b
    Examples:
      kit explain                          list every number
      kit explain 310/bs4                  a product
      kit explain 310P/310@best            a ratio, down to its inputs
      kit explain cpu/bs16 --recipe examples/digits --json
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.recipe.schema import load_recipe
    from kit.reports.context import build
    from kit.reports.explain import find, trace
    from kit.reports.folder import report_of
    from kit.results.kept import SUFFIX, unpack
    from kit.results.resultsfile import load_all
    from kit.storage.store import Store
    from kit.verification.raw_outputs import RawOutputs

    parsed = load_recipe(recipe)
    folder = report_of(parsed, reports, simulated=simulated, here=here)
    stored = load_all(folder)
    report = build(parsed, stored)
    if number is None:
        _list(report, as_json=as_json)
        if not report.numbers:
            print("note: nothing was measured yet, and the recipe states no published number", file=sys.stderr)
        return
    sources = [
        RawOutputs.of(one, Store(store), unpack(folder / "results" / f"{name}{SUFFIX}")) for name, one in stored.items()
    ]
    found = trace(report, find(report, number))

    def quote(evidence: Evidence) -> str:
        return next((text for source in sources if (text := _line(source, evidence))), "")

    if as_json:
        typer.echo(json.dumps(found.data(quote), indent=2, ensure_ascii=False))
        return
    for line in _text(found, report, quote):
        typer.echo(visible(line))


def _line(source: RawOutputs, evidence: Evidence) -> str:
    """The line or key that evidence names; nothing where the file is not here, or is another one."""
    from kit.results.places import context_of

    data = source.data(evidence.fingerprint, evidence.file, evidence.reader)
    if data is None or hashlib.sha256(data).hexdigest() != evidence.sha256:
        return ""
    try:
        return context_of(data, evidence)
    except KitError:
        return ""


def _list(report: Report, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"cell": one.id, "value": one.text} for one in report.numbers.values()], indent=1))
        return
    for one in report.numbers.values():
        typer.echo(f"{one.id:<28} {one.text + ' ' + one.unit:<20} {_source(one.source)}")


def _source(source: str) -> str:
    return {"simulated": "SIMULATED", "mixed": "measured and published"}.get(source, source)


def _series(evidence: Mapping[str, Evidence]) -> list[list[tuple[str, Evidence]]]:
    """Evidence by field, in the order of numbers; the samples of one list in one file stand together."""
    groups: dict[tuple[str, ...], list[tuple[str, Evidence]]] = {}
    for name, one in sorted(evidence.items(), key=lambda item: _natural(item[0])):
        alike = re.fullmatch(r"(.*)\[\d+\]", name) if one.reader == "json" else None
        key = (alike[1], one.step, one.file, re.sub(r"\d+", "", one.place)) if alike else (name,)
        groups.setdefault(key, []).append((name, one))
    return list(groups.values())


def _natural(name: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _text(found: Trace, report: Report, quote: Quote) -> list[str]:
    from kit.reports.escaping import in_language
    from kit.reports.explain import trace

    number = found.number
    lines = [f"{number.id} = {number.text} {number.unit}".rstrip(), f"  formula    {number.formula}"]
    lines.append(f"  source     {_source(number.source)}" + (f", {found.published_at}" if found.published_at else ""))
    if number.mode:
        lines.append(f"  mode       {number.mode}")
    if number.toolchain:
        lines.append(f"  toolchain  {number.toolchain}")
    raw = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in number.raw.items()}
    lines += [f"  raw        {name}: {value}" for name, value in raw.items() if name != "at"]
    lines += [f"  doubt      {in_language(one, 'en')}" for one in found.conflicts]
    for group in _series(found.evidence):
        (name, first), (last_name, last) = group[0], group[-1]
        to = f" to {last_name}: {last.place}" if len(group) > 1 else ""
        lines.append(f"  evidence   {name}: {first.step}/{first.file}, {first.place}{to}")
        said = [quote(evidence) for _, evidence in group]
        keys = [f"{one.place}: " for _, one in group]
        values = [said[0], *(text.removeprefix(key) for key, text in zip(keys[1:], said[1:], strict=True))]
        shown = ", ".join(values) if all(said) else "this file is not on this machine"
        lines.append(f"             {shown}")
    lines += [f"  command    {shlex.join(one.argv)}" for one in found.commands]
    lines += [f"  artifact   {one.step}/{one.path}  sha256 {one.sha256}" for one in found.artifacts]
    lines += [
        f"  run        {one.step}  {one.started}  {one.seconds:.2f} s  image {one.image}  fingerprint {one.fingerprint}"
        for one in found.runs
    ]
    best = number.id.endswith("/best")  # of the highest, only the one that it is; the formula shows the others
    for one in (one for one in found.inputs if not best or one.batch == number.batch):
        lines += [f"  {line}" for line in _text(trace(report, one), report, quote)]
    return lines
