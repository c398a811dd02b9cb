"""What made the numbers of the report: commands, software, files, runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Literal

from kit.reports.context import TargetView
from kit.reports.escaping import Safe, code, fence, one_line
from kit.reports.explain import printed_by
from kit.reports.markup import Markup
from kit.results.measurements import plain
from kit.results.resultsfile import Command, Results

__all__ = ["Provenance"]


class Provenance(Markup):
    """Writes commands and records of runs."""

    def commands(self, stage: str, views: Iterable[TargetView] | None = None) -> Safe:
        """Commands of a stage that really ran, each once, one block for each source; empty where none ran."""
        chosen = self.report.targets if views is None else views
        return self._ran(
            (view.results, [one for one in view.results.commands if one.stage == stage])
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
            (results, [one for one in results.commands if one.step in steps and one.stage == stage]) for stage in stages
        )

    def _ran(self, found: Iterable[tuple[Results, list[Command]]]) -> Safe:
        """Commands as blocks, one for each source: of several batches those of one, and the others by number."""
        by_source: dict[str, dict[tuple[str, ...], None]] = {"measured": {}, "simulated": {}}
        others: dict[str, dict[int, None]] = {"measured": {}, "simulated": {}}
        for results, commands in found:
            shown, more = _of_one_batch(commands)
            by_source[results.source].update((one.argv, None) for one in shown)
            others[results.source].update(dict.fromkeys(more))
        for argv in by_source["measured"]:  # steps without a stand-in are the same for every target
            by_source["simulated"].pop(argv, None)
        blocks = []
        for source, lines in by_source.items():
            if lines:
                note = f"**{self.words['simulated']}**\n\n" if source == "simulated" else ""
                blocks.append(note + fence(shlex.join(argv) for argv in lines))
            if others[source]:
                listed = self.words["list"].join(f"bs{one}" for one in sorted(others[source]))
                blocks.append(self.words["likewise"].format(batches=listed))
        return Safe("\n\n".join(blocks))

    def environment(self, results: Results) -> Safe:
        """Software of a run, as it was found."""
        lines = [results.toolchain, *(f"{name} {version}" for name, version in sorted(results.environment.items()))]
        return fence(dict.fromkeys(one_line(line) for line in lines if line))

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


def _of_one_batch(commands: list[Command]) -> tuple[list[Command], list[int]]:
    """Of several batches the commands of the smallest, and the other batches."""
    batches = sorted({one.batch for one in commands if one.batch is not None})
    return [one for one in commands if one.batch in {None, *batches[:1]}], batches[1:]
