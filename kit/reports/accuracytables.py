"""Chapter 6 of the report: accuracy of each target, of the reference, and the metrics of a task."""

from __future__ import annotations

from collections.abc import Sequence

from kit.reports.compare import AccuracyCheck
from kit.reports.escaping import Safe
from kit.reports.figures import Figures
from kit.reports.markup import Markup
from kit.reports.metricrows import MetricRow
from kit.reports.reportnumber import ReportNumber

__all__ = ["AccuracyTables"]


class AccuracyTables(Markup):
    """Writes the tables of accuracy."""

    def accuracy(self, figures: Figures) -> Safe:
        """Section 6.x: Top1 and Top5 of a target."""
        name = self._name(figures.target, simulated=figures.simulated)
        return self.table(
            [self.words["simulated"] if figures.simulated else "", "Top1 accuracy", "Top5 accuracy"],
            [[name, *(Safe(f"{self.number(figures.accuracy[k])}%") for k in (1, 5))]],
        )

    def topk(self, figures: Figures) -> Safe:
        """Top1 to Top5 of a run with counts and Wilson intervals."""
        w = self.words
        suffix = f" ({w['simulated']})" if figures.simulated else ""
        rows = []
        for k, number in figures.accuracy.items():
            low, high = figures.intervals[k]
            count = f"{number.raw['correct']} / {number.raw['n']}"
            rows.append(
                [f"Top{k}", count, Safe(f"{self.number(number)}%"), Safe(f"{self.number(low)}%–{self.number(high)}%")]
            )
        return self.table(
            [f"TopK{suffix}", f"{w['count']} / {w['images']}", f"{w['accuracy']}{suffix}", w["interval"]], rows
        )

    def reference(self) -> Safe:
        """Section 6.3: the open-source accuracy."""
        stated = self.report.reference
        row = [self.report.recipe.model.name, *(Safe(f"{self.number(stated[k])}%") for k in (1, 5))]
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

        def shown(number: ReportNumber | None) -> Safe:
            return Safe(f"{self.number(number)}{unit}" if number else w["none"])

        between = Safe(f"{shown(row.low)}–{shown(row.high)}") if row.low and row.high else Safe(w["none"])
        line: list[object] = [row.name, shown(row.shown), str(row.samples or w["none"]), between]
        if not compared:
            return line
        verdict = w["none"] if row.met is None else w["met"] if row.met else w["not_met"]
        if row.simulated and row.met is not None:
            verdict = f"{verdict} ({w['simulated']})"
        return [*line, shown(row.published), shown(row.delta), row.tolerance or w["none"], verdict]

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
                Safe(f"{self.number(check.reference)}%"),
                self.number(check.delta),
                Safe(f"{self.number(check.low)}%–{self.number(check.high)}%"),
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

    def _met(self, check: AccuracyCheck) -> str:
        w = self.words
        if check.met:
            text = w["inside"] if check.inside else w["met"]
        else:
            text = w["below_inside"] if check.inside else w["not_met"]
        text = text if check.complete else text + w["partial"]
        return f"{text} ({w['simulated']})" if check.shown.source == "simulated" else str(text)
