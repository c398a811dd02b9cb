"""Numbers, lines and tables as Markdown in one language.

For the HTML report each number is wrapped in private-use characters with the id of its cell, so that the same templates
give both forms; foreign text cannot hold these characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kit.reports.cells import Cell, ratio_ends
from kit.reports.compare import AccuracyCheck, Verdict
from kit.reports.context import Report, TargetView
from kit.reports.escaping import Safe, code, escape, fence, link, one_line, shell
from kit.reports.explain import printed_by
from kit.reports.figures import Figures
from kit.reports.metricrows import MetricRow
from kit.reports.tables import Refusal, ReportTable, TableRow
from kit.results.differences import Difference
from kit.results.measurements import plain
from kit.results.resultsfile import Command, Results

__all__ = ["CELL_END", "CELL_SEPARATOR", "CELL_START", "MARKS", "Writer"]

CELL_START, CELL_SEPARATOR, CELL_END = "\ue000", "\ue002", "\ue001"
#: Shown where the numbers of one table come from more than one source.
MARKS = {"measured": "", "published": "†", "mixed": "‡", "simulated": ""}


@dataclass(frozen=True)
class Writer:
    """Writes in one language; ``html`` keeps the ids of the cells."""

    report: Report
    words: Mapping[str, Any]
    html: bool = False

    def finalize(self, value: object) -> object:
        """What Jinja writes for ``{{ value }}``: numbers as numbers, all other foreign text escaped."""
        if isinstance(value, Cell):
            return self.cell(value)
        return value if isinstance(value, Safe) else escape("" if value is None else value)

    def cell(self, cell: Cell, text: str | None = None) -> Safe:
        """A number of the report."""
        shown = cell.text if text is None else text
        return Safe(f"{CELL_START}{cell.id}{CELL_SEPARATOR}{shown}{CELL_END}" if self.html else shown)

    def marked(self, cell: Cell | None, sources: set[str]) -> Safe:
        """A number of a table, with the mark of its source where the table has several."""
        if cell is None:
            return Safe(self.words["none"])
        return Safe(self.cell(cell) + (MARKS[cell.source] if len(sources) > 1 else ""))

    def legend(self, sources: set[str]) -> Safe:
        """The marks of a table in words."""
        if len(sources) == 1:
            return Safe(self.words[next(iter(sources))])
        known = [source for source in ("measured", "published", "mixed") if source in sources]
        return Safe(self.words["list"].join(f"{MARKS[source]} {self.words[source]}".strip() for source in known))

    def mode(self, mode: str | None) -> str:
        """``dataset`` or ``synthetic`` in words."""
        return str(self.words[f"{mode or 'mixed'}_mode"])

    def rate_line(self, figures: Figures, batch: int) -> Safe:
        """``batch4 310 single-card throughput: 1311.7 * 4 = 5246.8 fps``."""
        measured, cell = figures.throughput[batch], figures.cells[batch]
        multiplied = measured.factor > 1 or measured.per == "enqueue" or figures.source != "published"
        formula = self.cell(cell, cell.formula if multiplied else cell.text)
        pattern = self.words["rate_line_host" if measured.per == "image" else "rate_line"]
        start, _, end = pattern.partition("{formula}")
        line = start.format(batch=batch, target=escape(figures.target)) + formula + end
        return Safe(line + (f" ({self.words['simulated']})" if figures.simulated else ""))

    def table(self, header: Sequence[object], rows: Iterable[Sequence[object]]) -> Safe:
        """A Markdown table."""
        lines = [header, ["---"] * len(header), *rows]
        done = [
            [str(value if number == 1 else self.finalize(value)) for value in line] for number, line in enumerate(lines)
        ]
        return Safe("\n".join("| " + " | ".join(line) + " |" for line in done))

    def _name(self, name: str, *, simulated: bool) -> str:
        return f"{name} ({self.words['simulated']})" if simulated else name

    def accuracy(self, figures: Figures) -> Safe:
        """Section 6.x: Top1 and Top5 of a target."""
        name = self._name(figures.target, simulated=figures.simulated)
        return self.table(
            [self.words["simulated"] if figures.simulated else "", "Top1 accuracy", "Top5 accuracy"],
            [[name, *(Safe(f"{self.cell(figures.accuracy[k])}%") for k in (1, 5))]],
        )

    def topk(self, figures: Figures) -> Safe:
        """Top1 to Top5 of a run with counts and Wilson intervals."""
        w = self.words
        suffix = f" ({w['simulated']})" if figures.simulated else ""
        rows = []
        for k, cell in figures.accuracy.items():
            low, high = figures.intervals[k]
            count = f"{cell.raw['correct']} / {cell.raw['n']}"
            rows.append([f"Top{k}", count, Safe(f"{self.cell(cell)}%"), Safe(f"{self.cell(low)}%–{self.cell(high)}%")])
        return self.table(
            [f"TopK{suffix}", f"{w['count']} / {w['images']}", f"{w['accuracy']}{suffix}", w["interval"]], rows
        )

    def reference(self) -> Safe:
        """Section 6.3: the open-source accuracy."""
        stated = self.report.reference
        row = [self.report.recipe.model.name, *(Safe(f"{self.cell(stated[k])}%") for k in (1, 5))]
        return self.table([self.words["model"], "Top1 accuracy", "Top5 accuracy"], [row])

    def metrics(self, rows: Sequence[MetricRow]) -> Safe:
        """Section 6.x of a task with metrics of its own."""
        w = self.words
        compared = any(row.published for row in rows)
        header = [w["metric"], w["shown"], w["images"], w["interval"]]
        header += [f"{w['was']}†", w["delta"], w["tolerance"], w["verdict"]] if compared else []
        if any(row.simulated for row in rows):
            header[1] = f"{header[1]} ({w['simulated']})"
        return self.table(header, [self._metric(row, compared=compared) for row in rows])

    def _metric(self, row: MetricRow, *, compared: bool) -> list[object]:
        w, unit = self.words, row.unit and (row.unit if row.unit == "%" else f" {row.unit}")

        def number(cell: Cell | None) -> Safe:
            return Safe(f"{self.cell(cell)}{unit}" if cell else w["none"])

        between = Safe(f"{number(row.low)}–{number(row.high)}") if row.low and row.high else Safe(w["none"])
        line: list[object] = [row.name, number(row.shown), str(row.samples or w["none"]), between]
        if not compared:
            return line
        verdict = w["none"] if row.met is None else w["met"] if row.met else w["not_met"]
        if row.simulated and row.met is not None:
            verdict = f"{verdict} ({w['simulated']})"
        return [*line, number(row.published), number(row.delta), row.tolerance or w["none"], verdict]

    def checks(self, *, simulated: bool) -> Safe:
        """Section 6.4: each accuracy against the open-source one."""
        w = self.words
        checks = [check for check in self.report.checks if (check.shown.source == "simulated") == simulated]
        sources: set[str] = {check.shown.source for check in checks}
        rows = [
            [
                self._name(check.target, simulated=simulated),
                f"Top{check.k}",
                self.marked_percent(check.shown, sources),
                Safe(f"{self.cell(check.reference)}%"),
                self.cell(check.delta),
                Safe(f"{self.cell(check.low)}%–{self.cell(check.high)}%"),
                self._met(check),
            ]
            for check in checks
        ]
        unit = w["points"].format(number="").strip()
        header = [
            w["target"],
            "TopK",
            w["accuracy"],
            w["reference"],
            f"{w['delta']} ({unit})",
            w["interval"],
            w["verdict"],
        ]
        return self.table(header, rows)

    def marked_percent(self, cell: Cell, sources: set[str]) -> Safe:
        """A percentage with the mark of its source where there are several."""
        return Safe(f"{self.cell(cell)}%{MARKS[cell.source] if len(sources) > 1 else ''}")

    def _met(self, check: AccuracyCheck) -> str:
        w = self.words
        if check.met:
            text = w["inside"] if check.inside else w["met"]
        else:
            text = w["below_inside"] if check.inside else w["not_met"]
        text = text if check.complete else text + w["partial"]
        return f"{text} ({w['simulated']})" if check.shown.source == "simulated" else str(text)

    def comparison(self, table: ReportTable) -> Safe:
        """Section 7.4: throughput by batch and the ratios; a column of several sources has its marks in the cells."""
        w = self.words
        names = [*table.targets, *(f"{one}/{other}" for one, other in table.ratios)]
        columns: list[set[str]] = [
            {cell.source for cell in column if isinstance(cell, Cell)}
            for column in zip(*(row.cells for row in table.rows), strict=True)
        ]
        several = len(table.sources) > 1
        header = [w["simulated"] if table.simulated else ""]
        for name, sources in zip(names, columns, strict=True):
            mark = MARKS[next(iter(sources))] if several and len(sources) == 1 else ""
            header.append(self._name(name, simulated=table.simulated) + mark)
        rows = [
            [
                self._batch(row),
                *(
                    w["refused"] if isinstance(cell, Refusal) else self.marked(cell, sources)
                    for cell, sources in zip(row.cells, columns, strict=True)
                ),
            ]
            for row in table.rows
        ]
        return self.table(header, rows)

    def ratio_intervals(self, table: ReportTable) -> Safe:
        """The 95 % intervals of the ratios, by batch."""
        first = len(table.targets)
        header = [self.words["interval"], *(f"{one}/{other}" for one, other in table.ratios)]
        rows = [[self._batch(row), *(self._ratio_interval(cell) for cell in row.cells[first:])] for row in table.rows]
        return self.table(header, rows)

    def _ratio_interval(self, cell: Cell | Refusal | None) -> str:
        ends = ratio_ends(cell) if isinstance(cell, Cell) else None
        return "–".join(ends) if ends else str(self.words["none"])

    def difference(self, one: Difference) -> str:
        """``precision fp32 against fp16`` in the words of the language."""
        names, values = self.words["conditions"], self.words["condition_values"]
        pattern = str(self.words["against"])
        figures = {"one": values.get(one.one, one.one), "other": values.get(one.other, one.other)}
        return pattern.format(name=names[one.name], **figures)

    def conditions(self, figures: Figures) -> str:
        """``precision fp32, transfers none, ...``, as far as all batches agree; empty where nothing is known."""
        known = [one.conditions.model_dump(exclude_none=True) for one in figures.throughput.values()]
        names, values = self.words["conditions"], self.words["condition_values"]
        shared = [
            f"{names[name]} {values.get(str(value), value)}"
            for name, value in (known[0] if known else {}).items()
            if all(one.get(name) == value for one in known)
        ]
        return str(self.words["list"].join(shared))

    def refused(self, table: ReportTable) -> list[str]:
        """Why ratios are not printed: a line for each pair and reason, with its batches."""
        found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
        for one in table.refusals:
            reasons = tuple(self.difference(each) for each in one.differences)
            place = self.words["best_batch"] if one.batch is None else f"bs{one.batch}"
            found.setdefault((one.subject, one.other, reasons), []).append(str(place))
        colon, comma = self.words["colon"], self.words["list"]
        return [
            f"{subject}/{other} ({comma.join(places)}){colon}{comma.join(reasons)}"
            for (subject, other, reasons), places in found.items()
        ]

    def accepted(self, table: ReportTable) -> str:
        """Differences that the recipe accepts, with the pairs that have them."""
        found: dict[str, list[str]] = {}
        for one in table.accepted:
            found.setdefault(self.difference(one.difference), []).append(f"{one.subject}/{one.other}")
        comma = str(self.words["list"])
        return comma.join(f"{text} ({comma.join(dict.fromkeys(pairs))})" for text, pairs in found.items())

    def _batch(self, row: TableRow) -> str:
        return f"bs{row.batch}" if row.batch is not None else str(self.words["best_batch"])

    def rates(self, figures: Figures) -> Safe:
        """Raw rates of a run: factor, spread over repeats, latency per call of one batch."""
        w = self.words
        latency = any(one.latency_ms for one in figures.throughput.values())
        interval = any(one.interval for one in figures.throughput.values())
        energy = any(one.energy for one in figures.throughput.values())
        header = [w["batch"], w["rate"], w["factor"], w["value"], *([w["interval"]] if interval else []), w["spread"]]
        if latency:
            header += [w["ms"].format(name=name) for name in ("p50", "p90", "p99")] + [w["calls"]]
        if figures.simulated:
            header = [f"{name} ({w['simulated']})" if name in {w["batch"], w["value"]} else name for name in header]
        cells, rows = self.report.cells, []
        for batch, one in figures.throughput.items():
            cell = figures.cells[batch]
            spread = cells.get(f"{cell.id}/spread")
            rate = cell.formula.partition(" * ")[0]
            row: list[object] = [
                f"bs{batch}", self.cell(cell, rate), str(one.factor), cell, *self._interval(cell, shown=interval),
                Safe(w["spread_of"].format(spread=self.cell(spread), n=len(one.repeats))) if spread else w["once"],
            ]  # fmt: skip
            if latency and one.latency_ms:
                row += [cells.get(f"{cell.id}/{name}", w["none"]) for name in ("p50", "p90", "p99")]
                row += [str(one.latency_ms.n)]
            elif latency:
                row += [w["none"]] * 4
            if energy:
                row.append(f"{one.energy.joules_per_image:.4g}" if one.energy else w["none"])
            rows.append(row)
        return self.table(header + ([w["joules"]] if energy else []), rows)

    def _interval(self, cell: Cell, *, shown: bool) -> list[object]:
        low, high = (self.report.cells.get(f"{cell.id}/{name}") for name in ("low", "high"))
        if not shown:
            return []
        return [Safe(f"{self.cell(low)}–{self.cell(high)}") if low and high else self.words["none"]]

    def verdicts(self, *, simulated: bool) -> Safe:
        """Section 9: each number of a run against the published one."""
        w = self.words
        rows = []
        for one in self.report.verdicts:
            if (one.shown.source == "simulated") != simulated:
                continue
            percent = "%" if one.quantity.startswith("top") else ""
            unit = "%" if one.delta.unit == "%" else f" {w['points'].format(number='').strip()}"
            rows.append(
                [
                    self._name(one.target, simulated=simulated),
                    one.quantity,
                    Safe(f"{self.cell(one.shown)}{percent}"),
                    Safe(f"{self.cell(one.published)}{percent}"),
                    Safe(f"{self.cell(one.delta)}{unit}"),
                    f"{one.low}–{one.high}{percent}" if one.low else w["none"],
                    self._tolerance(one),
                    self.outcome(one),
                ]
            )
        header = [
            w["target"],
            w["quantity"],
            w["shown"],
            f"{w['was']}†",
            w["delta"],
            w["range"],
            w["tolerance"],
            w["verdict"],
        ]
        if simulated:
            header[2] = f"{header[2]} ({w['simulated']})"
        return self.table(header, rows)

    def _tolerance(self, verdict: Verdict) -> str:
        tolerance = self.report.recipe.tolerance
        if verdict.quantity.startswith("top"):
            return str(self.words["points"].format(number=plain(tolerance.accuracy_points)))
        return f"{plain(tolerance.throughput_percent)}%"

    def outcome(self, verdict: Verdict) -> str:
        """The verdict with its reasons."""
        text = self.words["outcomes"][verdict.outcome]
        reasons = self.words["list"].join(self.words["reasons"][reason] for reason in verdict.reasons)
        return f"{text}{self.words['colon']}{reasons}" if reasons else str(text)

    def commands(self, stage: str, views: Iterable[TargetView] | None = None, batch: int | None = None) -> Safe:
        """Commands of a stage that really ran, each once, one block for each source; empty where none ran."""
        chosen = self.report.targets if views is None else views
        return self._ran(
            (view.results, [one for one in view.results.commands if one.stage == stage], batch)
            for view in chosen
            if view.results
        )

    def printed(self, view: TargetView, kind: Literal["accuracy", "throughput"]) -> Safe:
        """The commands that printed the numbers of a target, as their evidence says; empty where none ran."""
        results = view.results
        if results is None:
            return Safe("")
        measured = results.throughput if kind == "throughput" else [one for one in [results.accuracy] if one]
        steps = {step for one in measured for step in printed_by(one.evidence)}
        stages = dict.fromkeys(one.stage for one in results.commands if one.step in steps)
        return self._ran(
            (results, [one for one in results.commands if one.step in steps and one.stage == stage], None)
            for stage in stages
        )

    def _ran(self, found: Iterable[tuple[Results, list[Command], int | None]]) -> Safe:
        """Commands as blocks, one for each source: of several batches those of one, and the others by number."""
        by_source: dict[str, dict[tuple[str, ...], None]] = {"measured": {}, "simulated": {}}
        others: dict[str, dict[int, None]] = {"measured": {}, "simulated": {}}
        for results, commands, batch in found:
            shown, more = _of_one_batch(commands, batch)
            by_source[results.source].update((one.argv, None) for one in shown)
            others[results.source].update(dict.fromkeys(more))
        blocks = []
        for source, lines in by_source.items():
            if lines:
                note = f"**{self.words['simulated']}**\n\n" if source == "simulated" else ""
                blocks.append(note + fence(shell(argv) for argv in lines))
            if others[source]:
                listed = self.words["list"].join(f"bs{one}" for one in sorted(others[source]))
                blocks.append(self.words["likewise"].format(batches=listed))
        return Safe("\n\n".join(blocks))

    def environment(self, results: Results) -> Safe:
        """Software of a run, as it was found."""
        lines = [results.toolchain, *(f"{name} {version}" for name, version in sorted(results.environment.items()))]
        return fence(dict.fromkeys(one_line(line) for line in lines if line))

    def facts(self, pairs: Mapping[str, str]) -> Safe:
        """Two columns."""
        return self.table(
            [self.words["item"], self.words["content"]], [[name, text] for name, text in sorted(pairs.items())]
        )

    def artifacts(self, results: Results) -> Safe:
        """Digests of what a run used and made."""
        w = self.words
        rows = [
            [one.step, code(one.path), str(one.bytes), code(one.sha256), code(one.md5 or "")]
            for one in results.artifacts
        ]
        return self.table([w["step"], w["file"], w["bytes"], "sha256", "md5"], rows)

    def runs(self, results: Results) -> Safe:
        """Run records."""
        w = self.words
        rows = [
            [
                one.step,
                code(one.image[:19]),
                one.started,
                plain(one.seconds, 2),
                str(one.exit_code),
                code(one.fingerprint[:16]),
            ]
            for one in results.runs
        ]
        header = [w["step"], w["image"], w["started"], w["seconds"], w["exit_code"], w["fingerprint"]]
        return self.table(header, rows)

    def link(self, text: object, address: str | None) -> Safe:
        """A link, where the address is one of the web."""
        return link(text, address)


def _of_one_batch(commands: list[Command], batch: int | None) -> tuple[list[Command], list[int]]:
    """Of several batches the commands of the smallest, unless one is asked for; and the other batches."""
    batches = sorted({one.batch for one in commands if one.batch is not None})
    if not batches:
        return commands, []
    chosen = batch if batch in batches else batches[0]
    return [one for one in commands if one.batch in {None, chosen}], [one for one in batches if one != chosen]
