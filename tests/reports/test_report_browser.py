"""The HTML pages in a real browser: wide and on a phone, light and dark, without script, by keyboard, on paper."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.output.fonts import SANS
from kit.recipe.schema import Recipe
from kit.reports.catalogue import write_index
from kit.reports.folder import write
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts
from kit.results.resultsfile import Results
from tools.browser import Browser, installed

Make = Callable[..., Results]
SHOWN = '[...document.querySelectorAll("main")].filter((one) => one.checkVisibility()).map((one) => one.id)'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = installed()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("there is no browser, and CI must have one: .ci/run installs it")
        pytest.skip("no browser is installed")
    with Browser(program) as started:
        yield started


@pytest.fixture(scope="module")
def reports(
    root: Path, seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The committed report, one that fails with a rehearsal beside it, one that is damaged; and the page over all."""
    folder = tmp_path_factory.mktemp("reports")
    shutil.copytree(root / "reports" / "spnasnet_100", folder / "spnasnet_100")
    simulated = make("T4", {1: 900.0, 8: 950.0}, per="enqueue", source="simulated")
    worse = make("310P", {1: 900.0, 8: 950.0})
    write(folder / "worse", render(seed_recipe, {"310P": worse, "T4": simulated}, facts=facts))
    (folder / "damaged").mkdir()
    (folder / "damaged" / "report.json").write_text("{")
    write_index(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", ["spnasnet_100/report.html", "worse/report.html", "index.html"])
@pytest.mark.parametrize(
    ("width", "dark", "script"), [(1280, False, True), (390, True, True), (390, False, False)],
    ids=["wide light", "phone dark", "phone without script"],
)  # fmt: skip
def test_a_page_shows_itself_and_asks_for_nothing_else(
    browser: Browser, reports: Path, page: str, width: int, dark: bool, script: bool
) -> None:
    with browser.page(reports / page, width=width, dark=dark, script=script) as shown:
        assert shown.complaints() == []
        assert shown.requests() == [(reports / page).as_uri()]
        assert shown.ask("document.documentElement.scrollWidth") <= width, "wider than the screen"
        light = shown.ask('getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"')
        assert light is not dark
        if page != "index.html":
            assert shown.ask(SHOWN) == (["en"] if script else ["zh", "en"])
            assert shown.ask('document.querySelectorAll(".first svg").length') == 2
        else:
            assert shown.ask('document.querySelectorAll(".sort button").length') == (7 if script else 0)
            assert shown.ask('document.querySelectorAll(".sort tbody tr").length') == 6


def test_the_first_screen_is_one_screen(browser: Browser, reports: Path) -> None:
    with browser.page(reports / "worse" / "report.html", "en") as page:
        assert page.ask('document.querySelector("#en .split").getBoundingClientRect().bottom') <= 900
        text = page.ask('document.querySelector("#en .first").innerText')
    for expected in (
        "Not confirmed", "Failing: 310P bs1 -48.38 %", "Top1 accuracy", "95 % interval", "Best throughput",
        "within tolerance", "SIMULATED", "published", "2026-01-02", "hardware of 310P", "in containers",
    ):  # fmt: skip
        assert expected in text


def test_a_number_leads_to_where_it_comes_from(browser: Browser, reports: Path) -> None:
    with browser.page(reports / "spnasnet_100" / "report.html", "en", width=390) as page:
        page.ask("""window.link = [...document.querySelectorAll("#en a.n")].find((one) => one.textContent === "1.268");
                    window.dialog = document.querySelector("dialog"); link.focus(); link.click(); 0""")
        assert "7196.11 / 5675.8 = 1.267858275" in page.ask('dialog.querySelector("dl").textContent')
        page.ask('dialog.querySelector("a.n").click()')
        assert page.ask('dialog.querySelector("h3").textContent') == "1.267858275 310P/310@best"
        page.press("Escape")
        assert page.ask("[dialog.open, document.activeElement === link]") == [False, True]


def test_the_keyboard_reaches_everything(browser: Browser, reports: Path) -> None:
    with browser.page(reports / "spnasnet_100" / "report.html", "en") as page:
        page.ask("scrollTo(0, 0)")
        for _ in range(30):
            page.press("Tab")
            if page.ask('document.activeElement.matches(".first a.n")'):
                break
        page.press("Enter")
        assert page.ask('document.querySelector("dialog").open')
        page.press("Escape")
        assert page.ask('[document.querySelector("dialog").open, document.activeElement.matches(".first a.n")]') == [
            False, True,
        ]  # fmt: skip
        outline = page.ask("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", "where the keyboard is must be seen"


def test_the_list_of_reports_is_sorted_by_keyboard(browser: Browser, reports: Path) -> None:
    column = "[...document.querySelectorAll('.sort tbody tr')].map((row) => row.dataset.%s)"
    with browser.page(reports / "index.html") as page:
        text = page.ask("document.body.innerText")
        assert "not confirmed" in text
        assert "SIMULATED" in text
        assert "damaged cannot be read its report.json is damaged" in " ".join(text.split())
        for _ in range(30):
            page.press("Tab")
            if page.ask('document.activeElement.closest("th")?.dataset.key') == "throughput":
                break
        page.press("Enter")
        found = [float(one) for one in page.ask(column % "throughput")]
        assert found == sorted(found)
        page.press("Enter")
        assert [float(one) for one in page.ask(column % "throughput")] == found[::-1]
        assert page.ask("document.activeElement.closest('th').getAttribute('aria-sort')") == "descending"
        page.ask("document.querySelector('th[data-key=accuracy] button').click()")
        assert page.ask(column % "accuracy")[-1] == "", "what is not known comes last"
        assert page.complaints() == []


def test_on_paper_the_first_screen_is_the_first_page(browser: Browser, reports: Path) -> None:
    with browser.page(reports / "spnasnet_100" / "report.html", "en", width=794, dark=True) as page:
        assert page.printed().count(b"/Type /Page\n") > 3
        page.call("Emulation.setEmulatedMedia", media="print")
        hidden = [".switch", ".contents", ".hint", ".numbers", "#zh"]
        assert page.ask(f"{hidden}.filter((one) => document.querySelector(one).checkVisibility())") == []
        assert page.ask("document.querySelector('#en .first').getBoundingClientRect().height") < 1000
        assert page.ask("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


@pytest.mark.slow
def test_chinese_text_is_no_row_of_boxes(browser: Browser, reports: Path) -> None:
    """Two characters that no font has look the same; the pages declare a font for each system that has one."""
    same = f"""(() => {{
      const draw = (text) => {{
        const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
        pen.font = '40px {SANS}'; pen.fillText(text, 5, 50);
        return canvas.toDataURL();
      }};
      return draw("图") === draw("精");
    }})()"""
    with browser.page(reports / "index.html") as page:
        boxes = page.ask(same)
    if boxes and not os.environ.get("CI"):
        pytest.skip("no Chinese font is installed")
    assert not boxes
