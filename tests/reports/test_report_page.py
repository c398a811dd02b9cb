"""The page as HTML: hostile text, whole without anything else, every number of the Markdown."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from kit.recipe.schema import Recipe
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts
from kit.results.resultsfile import Command
from tests.reports.mixedreport import Make, headings, mixture

HOSTILE = (
    'x|y`z``<script>alert(1)</script>\n# h\n[a](javascript:b) *c* _d_ &lt; "q" \ue000cpu/bs1\ue002bad\ue001 --> ]]>'
)


def hostile_recipe(recipe: Recipe) -> Recipe:
    line = HOSTILE.replace("\n", " ")
    return recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"paper": "javascript:alert(1)", "branch": line, "code": line}),
            "weights": recipe.weights.model_copy(update={"note": line, "url": f"https://host/{line}"}),
            "dataset": recipe.dataset.model_copy(update={"name": line, "labels": line, "split": line}),
            "published": recipe.published.model_copy(
                update={"report": "data:text/html,<script>", "frameworks": {line: line}, "libraries": {line: "```"}}
            ),
        }
    )


class Page(HTMLParser):
    """Elements and attributes of a page; complains of what is open at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.scripts = 0
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"an event handler: {name}={value}"
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.targets.append(value or "")
        self.scripts += tag == "script"
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parse(html: bytes) -> Page:
    page = Page()
    page.feed(html.decode())
    page.close()
    assert page.open == []
    return page


def test_hostile_text_stays_text(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    stored = {
        "cpu": make(
            "cpu", {1: 50.0}, hardware=HOSTILE, toolchain=HOSTILE, notes=(HOSTILE,), host={HOSTILE: HOSTILE},
            images={HOSTILE: HOSTILE}, environment={HOSTILE: HOSTILE},
            commands=(Command(stage="infer", argv=("a", "```\n# not a heading", HOSTILE), step="cpu/infer"),),
        )
    }  # fmt: skip
    clean = render(seed_recipe, {"cpu": make("cpu", {1: 50.0})}, facts=facts)
    files = render(hostile_recipe(seed_recipe), stored, facts=facts)
    parser = MarkdownIt("commonmark").enable("table")  # a parser of somebody else's
    for name in ("README.md", "README.en.md"):
        text = files[name].decode()
        assert headings(text) == headings(clean[name].decode())
        elements = [token for block in parser.parse(text) for token in (block, *(block.children or ()))]
        assert not [one.content for one in elements if one.type in {"html_block", "html_inline"}]
        addresses = [str(one.attrs["href"]) for one in elements if one.type == "link_open"]
        assert addresses
        assert all(one.startswith(("#", "https://", "http://")) for one in addresses)
        shown = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", parser.render(text))))
        whole = 'x|y`z``<script>alert(1)</script> # h [a](javascript:b) *c* _d_ &lt; "q" cpu/bs1 bad --> ]]>'
        assert shown.count(re.sub(r"\s+", " ", whole)) >= 12, "a pipe or a backtick cut a cell or a sentence"
    good, page = parse(clean["report.html"]), parse(files["report.html"])
    assert page.scripts == good.scripts == 1
    assert not [one for one in page.targets if not one.startswith(("#", "https://", "http://")) and one[-3:] != ".md"]
    assert len(page.ids) == len(set(page.ids))
    for name, data in files.items():
        if name.endswith(".svg"):
            ET.fromstring(data.decode())


def test_the_page_is_whole_and_needs_nothing_else(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    files = render(seed_recipe, mixture(make), facts=facts)
    html = files["report.html"].decode()
    page = parse(files["report.html"])
    inner = {unquote(one[1:]) for one in page.targets if one.startswith("#")}
    assert inner <= set(page.ids)
    assert not re.search(r"<(?:link|img|iframe|script src)\b|@import|url\(", html)
    assert "default-src 'none'" in html
    numbers = json.loads(files["report.json"])["cells"]
    for language in ("zh", "en"):
        articles = re.findall(rf'<article id="{language}-(n\d+)".*?</article>', html, re.DOTALL)
        assert len(articles) == len(numbers)
        linked = re.findall(rf'<a class="n" href="#{language}-(n\d+)">([^<]+)</a>', html)
        assert {number for number, _ in linked} <= set(articles)
        assert all(shown.strip() for _, shown in linked)
    plots = [name for name in files if name.endswith(".svg")]
    assert html.count("<svg ") == len(plots) + 2, "one stands on the first screen of each language, too"
    assert len(set(page.ids)) == len(page.ids)
    for text in ("2712.568", "1.128", "sha256:0123456789abcdef"):
        assert text in html


@pytest.mark.parametrize("kind", ["seed", "mixture"])
def test_the_page_shows_every_number_of_the_markdown(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, kind: str
) -> None:
    files = render(seed_recipe, {} if kind == "seed" else mixture(make), facts=facts, languages=["en"])
    shown = re.sub(
        r"<[^>]+>", "", re.sub(r"<(style|script)>.*?</\1>", "", files["report.html"].decode(), flags=re.DOTALL)
    )
    numbers = set(re.findall(r"\d+\.\d{2,}", re.sub(r"\(https?:[^)]+\)", "", files["README.en.md"].decode())))
    assert len(numbers) > 30
    assert {number for number in numbers if number not in shown} == set()
