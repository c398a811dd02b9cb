"""The report's own Markdown as HTML. It knows the constructs that the templates use, and escapes all the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape

from kit.reports.text import slug
from kit.reports.writer import CELL_END, CELL_SEPARATOR, CELL_START

__all__ = ["to_html"]

_HEADING = re.compile(r"(#{1,6}) (.*)")
_ITEM = re.compile(r"(-|\d+\.) (.*)")
_IMAGE = re.compile(r"!\[((?:\\.|[^\]\\])*)\]\(plots/([A-Za-z0-9._-]+)\.svg\)")
_INLINE = re.compile(
    rf"{CELL_START}(?P<cell>[^{CELL_SEPARATOR}]*){CELL_SEPARATOR}(?P<shown>[^{CELL_END}]*){CELL_END}"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<ticks>`+)(?P<code>.+?)(?P=ticks)(?!`)"
    r"|\*\*(?P<strong>(?:\\.|[^*\\])+)\*\*"
    r"|\[(?P<label>(?:\\.|[^\]\\])*)\]\((?P<address>[^)\s]+)\)"
)

Number = Callable[[str, str], str]


def to_html(text: str, number: Number, plots: Mapping[str, str], prefix: str) -> str:
    """HTML of the report's Markdown.

    Args:
        text: Markdown of :func:`kit.reports.pages.document` with ids of cells.
        number: (id of the cell, its text) -> HTML of the number.
        plots: name of a plot -> SVG.
        prefix: before each anchor, so that two languages can stand in one page.
    """
    return "\n".join(_Blocks(text.split("\n"), _Inline(number, prefix), plots, prefix).blocks())


class _Inline:
    def __init__(self, number: Number, prefix: str) -> None:
        self._number = number
        self._prefix = prefix

    def __call__(self, text: str) -> str:
        done, at = [], 0
        for found in _INLINE.finditer(text):
            done.append(escape(text[at : found.start()]))
            done.append(self._one(found))
            at = found.end()
        return "".join([*done, escape(text[at:])])

    def _one(self, found: re.Match[str]) -> str:
        if found["cell"] is not None:
            return self._number(found["cell"], found["shown"])
        if found["escaped"] is not None:
            return escape(found["escaped"])
        if found["code"] is not None:
            inner = found["code"]
            if inner.startswith(" ") and inner.endswith(" ") and inner.strip():
                inner = inner[1:-1]
            return f"<code>{escape(inner)}</code>"
        if found["strong"] is not None:
            return f"<strong>{self(found['strong'])}</strong>"
        address = found["address"]
        if address.startswith("#"):
            return f'<a href="#{self._prefix}{escape(address[1:])}">{self(found["label"])}</a>'
        if address.startswith(("https://", "http://")):
            return f'<a href="{escape(address)}" rel="noopener noreferrer">{self(found["label"])}</a>'
        if re.fullmatch(r"[A-Z]+(?:\.en)?\.md", address):  # a page beside this one
            return f'<a href="{address}">{self(found["label"])}</a>'
        return self(found["label"])


def _wide(cell: str) -> str:
    """The class of a cell that holds a sentence, which may be broken into lines."""
    return ' class="w"' if len(cell) > 24 and CELL_START not in cell and not cell.startswith("`") else ""


class _Blocks:
    """Headings, fences, tables, lists, quotations, plots, paragraphs."""

    def __init__(self, lines: list[str], inline: _Inline, plots: Mapping[str, str], prefix: str) -> None:
        self._lines = lines
        self._inline = inline
        self._plots = plots
        self._prefix = prefix
        self._at = 0
        self._taken: dict[str, int] = {}

    def blocks(self) -> list[str]:
        done = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip():
                self._at += 1
            elif heading := _HEADING.fullmatch(line):
                done.append(self._heading(len(heading[1]), heading[2]))
            elif line.startswith("```"):
                done.append(self._fence(line))
            elif line.startswith("|"):
                done.append(self._table())
            elif line.startswith("> ") or line == ">":
                done.append(self._quotation())
            elif _ITEM.match(line):
                done.append(self._list())
            elif image := _IMAGE.fullmatch(line):
                self._at += 1
                done.append(f"<figure>{self._plots.get(image[2], '')}</figure>")
            else:
                done.append(self._paragraph())
        return done

    def _heading(self, level: int, text: str) -> str:
        self._at += 1
        anchor = slug(re.sub(r"\\(.)", r"\1", text), self._taken)
        return f'<h{level} id="{self._prefix}{escape(anchor)}">{self._inline(text)}</h{level}>'

    def _fence(self, opening: str) -> str:
        ticks = opening[: len(opening) - len(opening.lstrip("`"))]
        end = self._at + 1
        while end < len(self._lines) and self._lines[end] != ticks:
            end += 1
        body = "\n".join(self._lines[self._at + 1 : end])
        self._at = end + 1
        return f'<pre tabindex="0"><code>{escape(body)}</code></pre>'

    def _taken_while(self, belongs: Callable[[str], object]) -> list[str]:
        start = self._at
        while self._at < len(self._lines) and belongs(self._lines[self._at]):
            self._at += 1
        return self._lines[start : self._at]

    def _table(self) -> str:
        header, _, *rows = [self._row(line) for line in self._taken_while(lambda line: line.startswith("|"))]
        head = "".join(f'<th scope="col">{self._inline(cell)}</th>' for cell in header)
        body = "".join(
            f'<tr><th scope="row">{self._inline(first)}</th>'
            + "".join(f"<td{_wide(cell)}>{self._inline(cell)}</td>" for cell in rest)
            + "</tr>"
            for first, *rest in rows
        )
        return (
            f'<div class="table" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        )

    @staticmethod
    def _row(line: str) -> list[str]:
        cells = re.split(r"(?<!\\)\|", line.strip())[1:-1]
        # Within code the bar is the only character that is escaped.
        return [re.sub(r"`[^`]*`", lambda code: code[0].replace("\\|", "|"), cell.strip()) for cell in cells]

    def _quotation(self) -> str:
        lines = [line[2:] for line in self._taken_while(lambda line: line.startswith(">"))]
        css = ' class="warning"' if lines[0].startswith("**") else ""
        return f"<blockquote{css}><p>{self._inline(' '.join(lines))}</p></blockquote>"

    def _list(self) -> str:
        lines = self._taken_while(_ITEM.match)
        first = _ITEM.match(lines[0])
        ordered = first is not None and first[1] != "-"
        items = "".join(f"<li>{self._inline(line.split(' ', 1)[1])}</li>" for line in lines)
        if not ordered or first is None:
            return f"<ul>{items}</ul>"
        return f'<ol start="{int(first[1][:-1])}">{items}</ol>'

    def _paragraph(self) -> str:
        lines = self._taken_while(
            lambda line: line.strip() and not line.startswith(("#", "|", "```", "> ")) and not _ITEM.match(line)
        )
        if not lines:  # a line that only looks like a construct
            lines = [self._lines[self._at]]
            self._at += 1
        return f"<p>{self._inline(' '.join(lines))}</p>"
