"""What the templates of the report call."""

from __future__ import annotations

from kit.reports.accuracytables import AccuracyTables
from kit.reports.compare import Verdict
from kit.reports.escaping import Safe
from kit.reports.provenance import Provenance
from kit.reports.throughputtables import ThroughputTables
from kit.results.measurements import plain

__all__ = ["Writer"]


class Writer(AccuracyTables, ThroughputTables, Provenance):
    """Writes every part of the report in one language."""

    def verdicts(self, *, simulated: bool) -> Safe:
        """Section 9: each number of a run against the published one."""
        w = self.words
        rows = []
        for one in self.report.verdicts:
            if one.shown.simulated != simulated:
                continue
            percent = "%" if one.quantity.startswith("top") else ""
            unit = "%" if one.delta.unit == "%" else f" {w['points'].format(number='').strip()}"
            rows.append(
                [
                    self.tagged(one.target, simulated=simulated),
                    one.quantity,
                    Safe(f"{self.number(one.shown)}{percent}"),
                    Safe(f"{self.number(one.published)}{percent}"),
                    Safe(f"{self.number(one.delta)}{unit}"),
                    f"{one.low}–{one.high}{percent}" if one.low else w["none"],
                    self._tolerance(one),
                    self.outcome(one),
                ]
            )
        shown = self.tagged(w["shown"], simulated=simulated)
        header = [w["target"], w["quantity"], shown, f"{w['was']}†"]
        header += [w["delta"], w["range"], w["tolerance"], w["verdict"]]
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
