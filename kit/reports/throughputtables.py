"""Chapter 7 of the report: rates by batch, ratios of targets, and why a ratio is refused."""

from __future__ import annotations

from kit.reports.escaping import Safe, escape
from kit.reports.figures import Figures
from kit.reports.markup import MARKS, Markup
from kit.reports.reportnumber import ReportNumber, ratio_ends
from kit.reports.tables import Refusal, ReportTable, TableRow
from kit.results.differences import Difference

__all__ = ["ThroughputTables"]


class ThroughputTables(Markup):
    """Writes the tables and lines of throughput."""

    def rate_line(self, figures: Figures, batch: int) -> Safe:
        """``batch4 310 single-card throughput: 1311.7 * 4 = 5246.8 fps``."""
        measured, number = figures.throughput[batch], figures.numbers[batch]
        multiplied = measured.factor > 1 or measured.per == "enqueue" or figures.source != "published"
        formula = self.number(number, number.formula if multiplied else number.text)
        pattern = self.words["rate_line_host" if measured.per == "image" else "rate_line"]
        start, _, end = pattern.partition("{formula}")
        line = start.format(batch=batch, target=escape(figures.target)) + formula + end
        return Safe(self.tagged(line, simulated=figures.simulated))

    def rates(self, figures: Figures) -> Safe:
        """Raw rates of a run: factor, spread over repeats, latency per call of one batch."""
        w = self.words
        latency = any(one.latency_ms for one in figures.throughput.values())
        interval = any(one.interval for one in figures.throughput.values())
        energy = any(one.energy for one in figures.throughput.values())
        header = [w["batch"], w["rate"], w["factor"], w["value"], *([w["interval"]] if interval else []), w["spread"]]
        if latency:
            header += [w["ms"].format(name=name) for name in ("p50", "p90", "p99")] + [w["calls"]]
        header += [w["joules"]] if energy else []
        marked = {w["batch"], w["value"], w["joules"]} if figures.simulated else set()
        header = [self.tagged(name, simulated=name in marked) for name in header]
        numbers, rows = self.report.numbers, []
        for batch, one in figures.throughput.items():
            number = figures.numbers[batch]
            low, high, spread = (numbers.get(f"{number.id}/{name}") for name in ("low", "high", "spread"))
            rate = number.formula.partition(" * ")[0]
            row: list[object] = [
                f"bs{batch}", self.number(number, rate), str(one.factor), number,
                *([self.interval(low, high)] if interval else []),
                Safe(w["spread_of"].format(spread=self.number(spread), n=len(one.repeats))) if spread else w["once"],
            ]  # fmt: skip
            if latency and one.latency_ms:
                row += [numbers.get(f"{number.id}/{name}", w["none"]) for name in ("p50", "p90", "p99")]
                row += [str(one.latency_ms.n)]
            elif latency:
                row += [w["none"]] * 4
            if energy:
                row.append(f"{one.energy.joules_per_image:.4g}" if one.energy else w["none"])
            rows.append(row)
        return self.table(header, rows)

    def mode(self, figures: Figures) -> str:
        """``dataset`` or ``synthetic`` in words; of each batch where they differ."""
        if figures.mode:
            return str(self.words[f"{figures.mode}_mode"])
        said = (f"bs{batch} {self.words[f'{one.mode}_mode']}" for batch, one in figures.throughput.items())
        return str(self.words["list"].join(said))

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

    def comparison(self, table: ReportTable) -> Safe:
        """Section 7.4: throughput by batch and the ratios; a column of several sources has its marks in the cells."""
        w = self.words
        names = [*table.targets, *(f"{one}/{other}" for one, other in table.ratios)]
        columns: list[set[str]] = [
            {cell.source for cell in column if isinstance(cell, ReportNumber)}
            for column in zip(*(row.cells for row in table.rows), strict=True)
        ]
        several = len(table.sources) > 1
        header = [w["simulated"] if table.simulated else ""]
        for name, sources in zip(names, columns, strict=True):
            mark = MARKS[next(iter(sources))] if several and len(sources) == 1 else ""
            header.append(self.tagged(name, simulated=table.simulated) + mark)
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

    def _ratio_interval(self, cell: ReportNumber | Refusal | None) -> str:
        ends = ratio_ends(cell) if isinstance(cell, ReportNumber) else None
        return "–".join(ends) if ends else str(self.words["none"])

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

    def difference(self, one: Difference) -> str:
        """``precision fp32 against fp16`` in the words of the language."""
        names, values = self.words["conditions"], self.words["condition_values"]
        pattern = str(self.words["against"])
        figures = {"one": values.get(one.one, one.one), "other": values.get(one.other, one.other)}
        return pattern.format(name=names[one.name], **figures)

    def _batch(self, row: TableRow) -> str:
        return f"bs{row.batch}" if row.batch is not None else str(self.words["best_batch"])
