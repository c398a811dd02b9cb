"""Where statements, headings of runs and tool output stand, to find the neighbours of each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.statements import Mark, Statement
    from kit.audit.toolblocks import ToolBlock

__all__ = ["Lines"]

#: How many runs back a statement can quote: more than any report has, few enough for a file of a million lines.
_REACH: Final = 200
#: A run that is shown after its result begins this soon.
_BELOW: Final = 8


@dataclass(slots=True)
class Lines:
    """Lines of statements, marks and blocks in order, to find neighbours without a walk over all of them."""

    context: Context
    statements: list[int]
    marks: list[int]
    blocks: list[int]

    @classmethod
    def of(cls, context: Context) -> Lines:
        """Collect the lines of a report."""
        return cls(
            context,
            [statement.line for statement in context.statements],
            [mark.line for mark in context.marks],
            [block.start for block in context.blocks],
        )

    def stated(self, after: int, before: int) -> bool:
        """Whether a statement stands between two lines."""
        return bisect_right(self.statements, after) < bisect_left(self.statements, before)

    def statements_below(self, line: int) -> list[Statement]:
        """The statements that follow a line, as far as the next run."""
        first = bisect_right(self.statements, line)
        place = bisect_right(self.blocks, line)
        last = bisect_left(self.statements, self.blocks[place]) if place < len(self.blocks) else len(self.statements)
        return self.context.statements[first : min(last, first + _REACH)]

    def last_statement(self, before: int) -> int:
        """Line of the last statement above a line, 0 for none."""
        place = bisect_left(self.statements, before)
        return self.statements[place - 1] if place else 0

    def blocks_above(self, line: int, tools: tuple[str, ...]) -> list[ToolBlock]:
        """Runs of these tools above a line, the nearest first."""
        place = bisect_left(self.blocks, line)
        near = self.context.blocks[max(0, place - _REACH) : place]
        return [block for block in reversed(near) if block.tool in tools and block.end < line]

    def block_below(self, line: int, tools: tuple[str, ...]) -> ToolBlock | None:
        """The run that follows a line, with no statement between."""
        place = bisect_right(self.blocks, line)
        block = self.context.blocks[place] if place < len(self.blocks) else None
        if block is None or block.tool not in tools or block.start - line > _BELOW:
            return None
        return None if self.stated(line, block.start) else block

    def mark_of(self, block: ToolBlock) -> Mark | None:
        """The line that announces a block: the last mark above it, with no block, section or statement between."""
        place = bisect_left(self.marks, block.start)
        if not place:
            return None
        mark = self.context.marks[place - 1]
        between = bisect_right(self.blocks, mark.line) < bisect_left(self.blocks, block.start)
        section = self.context.document.section(block.start)
        if between or block.start - mark.line > 25 or section > mark.line or self.stated(mark.line, block.start):
            return None
        return mark
