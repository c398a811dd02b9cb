"""Chapter 6 of the report: accuracy of each target, of the reference, and the metrics of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kit.reports.compare import AccuracyCheck
from kit.reports.escaping import Safe
from kit.reports.figures import TOPS, Figures
from kit.reports.markup import Markup
from kit.reports.metricrows import MetricRow
from kit.reports.reportnumber import ReportNumber

__all__ = ["AccuracyTables"]


class AccuracyTables(Markup):
    """Writes the tables of accuracy."""

    def accuracy(self, figures: Figures) -> Safe:
        """Section 6.x: Top1 and Top5 of a target."""
        name = self.tagged(figures.target, simulated=figures.simulated)
        return self._tops(self.words["simulated"] if figures.simulated else "", name, figures.accuracy)

    def _tops(self, corner: str, name: str, accuracy: Mapping[int, ReportNumber]) -> Safe:
        shown = [k for k in TOPS if k in accuracy]
        header = [corner, *(f"Top{k} accuracy" for k in shown)]
        return self.table(header, [[name, *(self.percent(accuracy[k]) for k in shown)]])

    def topk(self, figures: Figures) -> Safe:
        """Top1 to Top5 of a run with counts and Wilson intervals."""
        w = self.words
        topk, accuracy = (self.tagged(text, simulated=figures.simulated) for text in ("TopK", w["accuracy"]))
        rows = []
        for k, number in figures.accuracy.items():
            count = f"{number.raw['correct']} / {number.raw['n']}"
            rows.append([f"Top{k}", count, self.percent(number), self.interval(*figures.intervals[k], "%")])
        return self.table([topk, f"{w['count']} / {w['images']}", accuracy, w["interval"]], rows)

    def reference(self) -> Safe:
        """Section 6.3: the open-source accuracy."""
        return self._tops(self.words["model"], self.report.recipe.model.name, self.report.reference)

    def metrics(self, rows: Sequence[MetricRow]) -> Safe:
        """Section 6.x of a task with metrics of its own."""
        w = self.words
        compared = any(row.published for row in rows)
        shown = self.tagged(w["shown"], simulated=any(row.simulated for row in rows))
        header = [w["metric"], shown, w["samples"], w["interval"]]
        header += [f"{w['was']}†", w["delta"], w["tolerance"], w["verdict"]] if compared else []
        return self.table(header, [self._metric(row, compared=compared) for row in rows])

    def _metric(self, row: MetricRow, *, compared: bool) -> list[object]:
        w, unit = self.words, row.unit and (row.unit if row.unit == "%" else f" {row.unit}")

        def shown(number: ReportNumber | None) -> Safe:
            return Safe(f"{self.number(number)}{unit}" if number else w["none"])

        interval = self.interval(row.low, row.high, unit)
        line: list[object] = [row.name, shown(row.shown), str(row.samples or w["none"]), interval]
        if not compared:
            return line
        verdict = w["none"]
        if row.met is not None:
            verdict = self.tagged(w["met" if row.met else "not_met"], simulated=row.simulated)
        return [*line, shown(row.published), shown(row.delta), row.tolerance or w["none"], verdict]

    def checks(self, *, simulated: bool) -> Safe:
        """Section 6.4: each accuracy against the open-source one."""
        w = self.words
        checks = [check for check in self.report.checks if check.shown.simulated == simulated]
        sources: set[str] = {check.shown.source for check in checks}
        rows = [
            [
                self.tagged(check.target, simulated=simulated),
                f"Top{check.k}",
                self.percent(check.shown, sources),
                self.percent(check.reference),
                check.delta,
                self.interval(check.low, check.high, "%"),
                self._met(check),
            ]
            for check in checks
        ]
        delta = f"{w['delta']} ({w['points'].format(number='').strip()})"
        header = [w["target"], "TopK", w["accuracy"], w["reference"], delta, w["interval"], w["verdict"]]
        return self.table(header, rows)

    def _met(self, check: AccuracyCheck) -> str:
        w = self.words
        inside, outside = ("inside", "met") if check.met else ("below_inside", "not_met")
        text = w[inside if check.inside else outside] + ("" if check.complete else w["partial"])
        return self.tagged(text, simulated=check.shown.simulated)
