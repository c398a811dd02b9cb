"""Statements, headings of runs and tool output by line, to find the neighbours of each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import attrgetter

from kit.audit.facts.document import Document
from kit.audit.facts.statements import Mark, Statement
from kit.audit.facts.toolruns import ToolRun

__all__ = ["Neighbours"]

#: How many runs back a statement can quote: more than any report has, few enough for a file with a million lines.
_REACH = 60
#: How many consecutive statements can quote one run.
_SAME = 3
#: A run that is shown after its result starts within so many lines.
_BELOW = 8

_line, _start = attrgetter("line"), attrgetter("start")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Statements, marks and runs in order, to find those near a line by bisection."""

    document: Document
    statements: tuple[Statement, ...]
    marks: tuple[Mark, ...]
    runs: tuple[ToolRun, ...]

    def stated(self, after: int, before: int) -> bool:
        """Whether there is a statement between two lines."""
        return bisect_right(self.statements, after, key=_line) < bisect_left(self.statements, before, key=_line)

    def statements_below(self, line: int) -> tuple[Statement, ...]:
        """The statements below a line, up to the next run."""
        first = bisect_right(self.statements, line, key=_line)
        run = bisect_right(self.runs, line, key=_start)
        end = self.runs[run].start if run < len(self.runs) else len(self.document.lines) + 1
        return self.statements[first : min(bisect_left(self.statements, end, key=_line), first + _REACH)]

    def last_statement(self, below: Statement) -> int:
        """The line of the last statement above another with another batch or device; 0 if there is none."""
        place = bisect_left(self.statements, below.line, key=_line)
        floor = max(0, place - _SAME)
        while place > floor and (self.statements[place - 1].batch, self.statements[place - 1].target) == (
            below.batch,
            below.target,
        ):
            place -= 1
        return self.statements[place - 1].line if place else 0

    def runs_above(self, line: int, tools: tuple[str, ...]) -> list[ToolRun]:
        """Runs of these tools above a line, the nearest first."""
        place = bisect_left(self.runs, line, key=_start)
        near = self.runs[max(0, place - _REACH) : place]
        return [block for block in reversed(near) if block.tool in tools and block.end < line]

    def run_below(self, line: int, tools: tuple[str, ...]) -> ToolRun | None:
        """The next run below a line, with no statement in between."""
        place = bisect_right(self.runs, line, key=_start)
        block = self.runs[place] if place < len(self.runs) else None
        if block is None or block.tool not in tools or block.start - line > _BELOW:
            return None
        return None if self.stated(line, block.start) else block

    def mark_of(self, block: ToolRun) -> Mark | None:
        """The line that announces a run: the last mark above it, with no run, section or statement in between."""
        place = bisect_left(self.marks, block.start, key=_line)
        if not place:
            return None
        mark = self.marks[place - 1]
        between = bisect_right(self.runs, mark.line, key=_start) < bisect_left(self.runs, block.start, key=_start)
        section = self.document.section(block.start)
        if between or block.start - mark.line > 25 or section > mark.line or self.stated(mark.line, block.start):
            return None
        return mark
