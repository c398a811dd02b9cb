"""The rendered files: anchors, languages, marks of sources, hostile text, determinism, other packages' templates."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from kit.audit import audit_file
from kit.recipe.schema import Recipe
from kit.reports.escaping import escape, fence, link, slug
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts
from kit.results.resultsfile import Command, Results, results_text

Make = Callable[..., Results]
RATES = {1: 1800.5, 4: 5100.25, 16: 6400.25}
HOSTILE = (
    'x|y`z``<script>alert(1)</script>\n# h\n[a](javascript:b) *c* _d_ &lt; "q" \ue000cpu/bs1\ue002bad\ue001 --> ]]>'
)


def mixture(make: Make) -> dict[str, Results]:
    """Measured, simulated and (for T4) published alone."""
    return {
        "310": make("310", {1: 700.5, 4: 1300.25}, factor=4, source="simulated", notes=("a note",)),
        "310P": make("310P", RATES),
        "cpu": make("cpu", {1: 51.234567890123, 16: 63.5}, per="image", containerized=False),
    }


def headings(markdown: str) -> list[str]:
    plain = re.sub(r"^(`{3,}).*?^\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", text) for text in re.findall(r"^#{1,6} (.+)$", plain, re.MULTILINE)]


def links(markdown: str) -> list[str]:
    return re.findall(r"\]\(#([^)]+)\)", markdown)


@pytest.mark.slow
def test_every_anchor_leads_to_a_heading_for_any_targets(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    for count in range(1, 5):
        for chosen in combinations(facts, count):
            for results in ({}, mixture(make)):
                stored = {name: one for name, one in results.items() if name in chosen}
                files = render(seed_recipe, stored, chosen, facts=facts)
                for name in ("README.md", "README.en.md"):
                    text = files[name].decode()
                    anchors = [slug(heading) for heading in headings(text)]
                    assert len(set(anchors)) == len(anchors)
                    assert set(links(text)) <= set(anchors), (chosen, name)
                    numbers = [heading.split(" ")[0] for heading in headings(text)[1:]]
                    chapters = [number for number in numbers if "." not in number]
                    assert chapters == [str(number) for number in range(1, 10)]
                    for chapter in chapters:
                        below = [number for number in numbers if number.startswith(f"{chapter}.")]
                        assert below == [f"{chapter}.{index}" for index in range(1, len(below) + 1)]
                    assert len([one for one in numbers if one.startswith("7.")]) == len(chosen) + 1


def test_both_languages_hold_the_same_numbers(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    for results in ({}, mixture(make)):
        files = render(seed_recipe, results, facts=facts)
        tables = []
        for name in ("README.md", "README.en.md"):
            rows = [line for line in files[name].decode().splitlines() if line.startswith("|")]
            tables.append([re.findall(r"[-+]?\d+(?:\.\d+)?", re.sub(r"95 ?%|over|\(UTC\)", "", row)) for row in rows])
        assert tables[0] == tables[1]
        lines = [
            re.findall(
                r"^batch(\d+) ([^ ]+?)(?:单卡吞吐率|吞吐率| single-card throughput| throughput)[：:] ?(.*)$",
                files[name].decode(),
                re.MULTILINE,
            )
            for name in ("README.md", "README.en.md")
        ]
        assert lines[0] == lines[1]
        assert len(lines[0]) >= 18


def test_simulated_numbers_say_so_in_every_table_and_line(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    rates = {1: 703.125, 4: 1303.125}
    made = make("310", rates, factor=4, source="simulated")
    files = render(seed_recipe, {"310": made}, facts=facts)
    for name in ("README.md", "README.en.md"):
        text = files[name].decode()
        assert text.index("SIMULATED") < text.index("## 1 ")
        for block in re.split(r"\n{2,}", text):
            for rate in rates.values():
                for number in (f"{rate:g}", f"{4 * rate:g}"):
                    if re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", block):
                        assert "SIMULATED" in block, block
        tables = [block for block in text.split("\n\n") if block.startswith("|")]
        mixed = [one for one in tables if "2812.5" in one and "2712.568" in one]
        assert len(mixed) == 1, "only the comparison with the published values may hold both"
        assert re.match(r"[^\n]*\(SIMULATED\)[^\n]*†", mixed[0]), mixed[0]
    for name in files:
        if name.startswith("plots/") and "simulated" in name:
            assert "SIMULATED" in files[name].decode()
    assert json.loads(files["report.json"])["simulated"] is True
    verdict = [line for line in files["README.en.md"].decode().splitlines() if "not comparable" in line]
    assert verdict
    assert all("SIMULATED" in line for line in verdict)


def test_a_run_outside_containers_is_announced(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    stored = {"cpu": make("cpu", {1: 50.0}, containerized=False)}
    files = render(seed_recipe, stored, facts=facts)
    assert files["README.en.md"].decode().index("Not in containers") < files["README.en.md"].decode().index("## 1 ")
    assert "未使用容器" in files["README.md"].decode()
    contained = {"cpu": make("cpu", {1: 50.0})}
    assert "未使用容器" not in render(seed_recipe, contained, facts=facts)["README.md"].decode()


def test_commands_and_environment_are_those_of_the_run(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    text = render(seed_recipe, {"cpu": make("cpu", {1: 50.0})}, ["cpu"], facts=facts)["README.en.md"].decode()
    assert "\npython3 -m inside.export --opset 11\n" in text
    assert "\ninfer 'a b'\n" in text, "a word with a blank must be quoted, or the command cannot be pasted"
    assert "\nONNX Runtime 1.32.0\nonnx 1.17.0\n" in text
    assert "pthtar2onnx" not in text, "what did not run must not look as if it had"
    assert "inference uses the model code of this commit" not in text, "the run installed what its environment says"


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


def test_our_own_audit_finds_nothing_in_our_own_report(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, tmp_path: Path
) -> None:
    for kind, results in (("seed", {}), ("mixture", mixture(make))):
        files = render(seed_recipe, results, facts=facts)
        for name in ("README.md", "README.en.md"):
            path = tmp_path / f"{kind}-{name}"
            path.write_bytes(files[name])
            result = audit_file(path)
            assert [(one.line, one.message) for one in result.diagnostics] == []
            assert len(result.verified) >= 40


_PROGRAM = """
import hashlib, json, sys
from pathlib import Path
from kit.recipe.schema import load_recipe
from kit.reports.render import render
from kit.results.resultsfile import load_results
results = {path.stem: load_results(path) for path in map(Path, sys.argv[2:])}
files = render(load_recipe(Path(sys.argv[1])), results)
print(json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in files.items()}))
"""


@pytest.mark.slow
def test_same_bytes_in_any_surroundings(root: Path, make: Make, tmp_path: Path) -> None:
    paths = []
    for name, one in mixture(make).items():
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(results_text(one), encoding="utf-8")
    found = []
    for seed, zone, place, language in (("1", "UTC", root, "C"), ("99", "Asia/Shanghai", tmp_path, "C.UTF-8")):
        environment = {
            **os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language, "HOME": str(tmp_path),
            "PYTHONPATH": str(root),
        }  # fmt: skip
        found.append(
            subprocess.run(
                [sys.executable, "-c", _PROGRAM, str(root), *map(str, paths)],
                env=environment, cwd=place, check=True, capture_output=True, text=True,
            ).stdout
        )  # fmt: skip
    assert found[0] == found[1]
    assert "README.md" in json.loads(found[0])


def test_no_trace_of_this_machine(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, root: Path) -> None:
    everything = b"".join(render(seed_recipe, mixture(make), facts=facts).values()).decode()
    assert str(root) not in everything
    assert os.uname().nodename not in everything or len(os.uname().nodename) < 4


def test_another_package_brings_its_own_templates(seed_recipe: Recipe, make: Make, tmp_path: Path) -> None:
    for language in ("zh", "en"):
        folder = tmp_path / language / "tpu"
        folder.mkdir(parents=True)
        (folder / "titles.j2").write_text(
            '{% set words = {"convert": "To TPU", "tool": "tpu-run", "infer": "On TPU"} %}'
        )
        (folder / "convert.md.j2").write_text("tpuc makes it.")
        (folder / "tool.md.j2").write_text("tpu-run runs it on {{ views[0].name }}.")
        (folder / "infer.md.j2").write_text("inference")
        (folder / "measure.md.j2").write_text("measured with {{ code('tpu-run') }}")
    facts = {"TPU": TargetFacts("TPU", "tpu", "a TPU", "TPU 1.0", 1, tmp_path)}
    files = render(seed_recipe, {"TPU": make("TPU", {1: 10.0})}, ["TPU"], facts=facts)
    text = files["README.en.md"].decode()
    for part in ("### 3.2 To TPU", "tpuc makes it.", "tpu-run runs it on TPU.", "measured with `tpu-run`"):
        assert part in text
    plain = {"TPU": TargetFacts("TPU", "nobody", "a TPU")}
    assert (
        "### 3.2 From ONNX to an engine"
        in render(seed_recipe, {"TPU": make("TPU", {1: 10.0})}, ["TPU"], facts=plain)["README.en.md"].decode()
    )


def test_the_ascend_sections_are_about_the_tool_that_ran(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    newer = make("310P", {1: 1800.5}, environment={"inference tool": "ais_bench"})
    older = make("310", {1: 700.5}, factor=4, environment={"inference tool": "benchmark"})
    alone = render(seed_recipe, {"310P": newer}, ["310P"], facts=facts)
    both = render(seed_recipe, {"310": older, "310P": newer}, ["310", "310P"], facts=facts)
    text = alone["README.en.md"].decode()
    assert "### 5.1 The ais_bench tool\n\nais_bench is" in text
    assert "benchmark" not in text.partition("## 6 ")[0].replace("ais_bench", "")
    assert "arch=" not in text
    assert "### 5.1 ais_bench工具概述" in alone["README.md"].decode()
    assert "### 5.1 The benchmark and ais_bench tools\n\n310: benchmark is" in both["README.en.md"].decode()
    assert "\n310P: ais_bench is" in both["README.en.md"].decode()
    assert "arch=" in render(seed_recipe, {}, facts=facts)["README.en.md"].decode()


def test_numbers_from_random_input_say_so(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    made = make("310P", {1: 1800.5}, mode="synthetic")
    real = make("310P", {16: 6400.25})
    mixture = made.model_copy(update={"throughput": (*made.throughput, *real.throughput)})
    for results, said in ((made, "measured, synthetic input"), (mixture, "bs1 synthetic input, bs16 images of")):
        text = render(seed_recipe, {"310P": results}, ["310P"], facts=facts)["README.en.md"].decode()
        assert said in text
        assert "pure inference: the engine alone" in text
        assert "are those of real input" not in text


def test_a_model_without_images_has_samples(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    texts = seed_recipe.model_copy(update={"preprocess": None})
    files = render(texts, {"cpu": make("cpu", {1: 50.0}, per="image")}, ["cpu"], facts=facts)
    for name, words in (("README.en.md", "samples per second"), ("README.md", "每秒样本数")):
        text = files[name].decode()
        assert words in text
        assert not re.search(r"images (of|per)|images/s|图片/秒|张图片进行", text)


def test_scripts_are_those_of_a_published_report_alone(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> None:
    for name in ("report", "python"):
        published = seed_recipe.published.model_copy(update={name: None})
        files = render(seed_recipe.model_copy(update={"published": published}), {}, facts=facts)
        for readme in ("README.md", "README.en.md"):
            assert not re.search("pth2onnx|pthtar2onnx|get_info|vision_metric|-om_path", files[readme].decode())


def test_accuracies_that_are_not_met_are_listed(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    low = {"n": 50000, "classes": 1000, "correct": [36000, 43000, 45000, 45500, 45970]}
    files = render(seed_recipe, {"cpu": make("cpu", {1: 50.0}, accuracy=low)}, facts=facts)
    assert "> Not met, and in need of work: cpu Top1." in files["README.en.md"].decode()
    assert "| cpu | Top1 | 72% | 74.084% | -2.084 | 71.60%–72.39% | not met |" in files["README.en.md"].decode()
    assert "> 各项精度均达标" in render(seed_recipe, {}, facts=facts)["README.md"].decode()


def test_nothing_measured_and_nothing_published(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> None:
    text = render(seed_recipe, {}, ["cpu"], facts=facts)["README.en.md"].decode()
    assert "kit reproduce --target cpu" in text
    assert "There is no throughput of this target yet" in text
    assert "### 6.1 cpu offline inference TopN accuracy" in text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("spnasnet_100", "spnasnet_100"),
        ("a_ _b", "a\\_ \\_b"),
        ("a|b", "a\\|b"),
        ("<b>", "\\<b>"),
        ("- item", "\\- item"),
        ("12. item", "12\\. item"),
        ("3.7", "3.7"),
        ("# x", "\\# x"),
        ("a\r\nb", "a b"),
        ("&amp;", "\\&amp;"),
        ("AT&T 5", "AT\\&T 5"),
    ],
)
def test_escape(text: str, wanted: str) -> None:
    assert escape(text) == wanted


def test_links_and_fences() -> None:
    assert link("a]b", "https://h/(x) y") == "[a\\]b](https://h/%28x%29%20y)"
    assert link("a", "javascript:x") == "a (`javascript:x`)"
    assert link("a", None) == "a"
    assert fence(["a", "```", "b"]) == "````\na\n```\nb\n````"
    assert slug("6.1 310离线推理TopN精度统计") == "61-310离线推理topn精度统计"
    taken: dict[str, int] = {}
    assert [slug("A b", taken), slug("a B", taken)] == ["a-b", "a-b-1"]
