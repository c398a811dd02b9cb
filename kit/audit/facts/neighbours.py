"""Where statements, headings of runs and tool output stand, to find the neighbours of each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from kit.audit.facts.document import Document
from kit.audit.facts.statements import Mark, Statement
from kit.audit.facts.toolruns import ToolRun

__all__ = ["Neighbours"]

#: How many runs back a statement can quote: more than any report has, few enough for a file of a million lines.
_REACH = 60
#: So many statements behind each other can be of one run.
_SAME = 3
#: A run that is shown after its result begins this soon.
_BELOW = 8


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Statements, marks and runs by their lines, to find those near each other without a walk over all of them."""

    document: Document
    statements: tuple[Statement, ...]
    marks: tuple[Mark, ...]
    runs: tuple[ToolRun, ...]
    _statements: tuple[int, ...]
    _marks: tuple[int, ...]
    _runs: tuple[int, ...]

    @classmethod
    def of(
        cls, document: Document, statements: Sequence[Statement], marks: Sequence[Mark], runs: Sequence[ToolRun]
    ) -> Neighbours:
        """Index the lines of a report."""
        return cls(
            document,
            tuple(statements),
            tuple(marks),
            tuple(runs),
            tuple(statement.line for statement in statements),
            tuple(mark.line for mark in marks),
            tuple(run.start for run in runs),
        )

    def stated(self, after: int, before: int) -> bool:
        """Whether a statement stands between two lines."""
        return bisect_right(self._statements, after) < bisect_left(self._statements, before)

    def statements_below(self, line: int) -> tuple[Statement, ...]:
        """The statements that follow a line, as far as the next run."""
        first = bisect_right(self._statements, line)
        place = bisect_right(self._runs, line)
        last = bisect_left(self._statements, self._runs[place]) if place < len(self._runs) else len(self._statements)
        return self.statements[first : min(last, first + _REACH)]

    def last_statement(self, below: Statement) -> int:
        """Line of the last statement above another that is not of the same batch and device; 0 for none."""
        place = bisect_left(self._statements, below.line)
        floor = max(0, place - _SAME)
        while place > floor and (self.statements[place - 1].batch, self.statements[place - 1].target) == (
            below.batch,
            below.target,
        ):
            place -= 1
        return self._statements[place - 1] if place else 0

    def runs_above(self, line: int, tools: tuple[str, ...]) -> list[ToolRun]:
        """Runs of these tools above a line, the nearest first."""
        place = bisect_left(self._runs, line)
        near = self.runs[max(0, place - _REACH) : place]
        return [block for block in reversed(near) if block.tool in tools and block.end < line]

    def run_below(self, line: int, tools: tuple[str, ...]) -> ToolRun | None:
        """The run that follows a line, with no statement between."""
        place = bisect_right(self._runs, line)
        block = self.runs[place] if place < len(self._runs) else None
        if block is None or block.tool not in tools or block.start - line > _BELOW:
            return None
        return None if self.stated(line, block.start) else block

    def mark_of(self, block: ToolRun) -> Mark | None:
        """The line that announces a block: the last mark above it, with no block, section or statement between."""
        place = bisect_left(self._marks, block.start)
        if not place:
            return None
        mark = self.marks[place - 1]
        between = bisect_right(self._runs, mark.line) < bisect_left(self._runs, block.start)
        section = self.document.section(block.start)
        if between or block.start - mark.line > 25 or section > mark.line or self.stated(mark.line, block.start):
            return None
        return mark
