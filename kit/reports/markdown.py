"""The report's Markdown as HTML: what markdown-it-py makes of it, with anchors, plots and traced numbers of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from kit.reports.escaping import slug
from kit.reports.markup import MARKED_NUMBER, unmarked

__all__ = ["to_html"]

_PLOT = re.compile(r"plots/([A-Za-z0-9._-]+)\.svg")
_PAGE = re.compile(r"[A-Z]+(?:\.en)?\.md")
#: A cell with more characters holds a sentence, which may be broken into lines.
_SENTENCE = 24

Number = Callable[[str, str], str]


def to_html(text: str, number: Number, plots: Mapping[str, str], prefix: str) -> str:
    """HTML of the report's Markdown.

    Args:
        text: Markdown of :func:`kit.reports.pages.document`, whose numbers have their ids.
        number: (id of the number, its text) -> HTML of the number.
        plots: name of a plot -> SVG.
        prefix: before each anchor, so that two languages can stand in one page.
    """
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = parser.parse(text)
    _set_anchors(tokens, prefix)
    _mark_tables(tokens)
    _mark_warnings(tokens)
    _mark_plots(tokens)
    return str(parser.renderer.render(tokens, parser.options, {"number": number, "plots": plots, "prefix": prefix}))


def _set_anchors(tokens: Sequence[Token], prefix: str) -> None:
    taken: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            title = "".join(child.content for child in inline.children or ())
            opening.attrSet("id", prefix + slug(unmarked(title), taken))


def _mark_tables(tokens: Sequence[Token]) -> None:
    """The first cell of a row names it; a sentence in a cell may be broken into lines."""
    for row, opening, inline, closing in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if row.type == "tr_open" and opening.type == "td_open":
            opening.tag = closing.tag = "th"
            opening.attrs = {"scope": "row"}
        elif opening.type == "th_open":
            opening.attrs = {"scope": "col"}
        elif opening.type == "td_open":
            text = inline.content
            sentence = len(text) > _SENTENCE and not MARKED_NUMBER.search(text) and not text.startswith("`")
            opening.attrs = {"class": "w"} if sentence else {}


def _mark_warnings(tokens: Sequence[Token]) -> None:
    for opening, _, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "blockquote_open" and inline.content.startswith("**"):
            opening.attrSet("class", "warning")


def _mark_plots(tokens: Sequence[Token]) -> None:
    for opening, inline, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "paragraph_open" and [child.type for child in inline.children or ()] == ["image"]:
            opening.tag = closing.tag = "figure"


class _Renderer(RendererHTML):
    """Each method renders the tokens of its name."""

    def text(self, tokens: Sequence[Token], at: int, _options: Any, env: MutableMapping[str, Any]) -> str:
        done, end = [], 0
        content = tokens[at].content
        for found in MARKED_NUMBER.finditer(content):
            done += [escape(content[end : found.start()]), env["number"](found[1], found[2])]
            end = found.end()
        return "".join([*done, escape(content[end:])])

    def fence(self, tokens: Sequence[Token], at: int, *_: Any) -> str:
        return f'<pre tabindex="0"><code>{escape(tokens[at].content.removesuffix(chr(10)))}</code></pre>\n'

    def table_open(self, *_: Any) -> str:
        return '<div class="table" tabindex="0"><table>\n'

    def table_close(self, *_: Any) -> str:
        return "</table></div>\n"

    def image(self, tokens: Sequence[Token], at: int, _options: Any, env: MutableMapping[str, Any]) -> str:
        plot = _PLOT.fullmatch(str(tokens[at].attrs["src"]))
        return f'<span class="plot">{env["plots"].get(plot[1], "") if plot else ""}</span>'

    def link_open(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        token = tokens[at]
        address = str(token.attrs["href"])
        if address.startswith("#"):
            token.attrs = {"href": f"#{env['prefix']}{unquote(address[1:])}"}
        elif address.startswith(("https://", "http://")):
            token.attrs = {"href": address, "rel": "noopener noreferrer"}
        elif not _PAGE.fullmatch(address):  # nothing but the web, this page and the pages next to it
            token.attrs = {}
        return str(self.renderToken(tokens, at, options, env))
