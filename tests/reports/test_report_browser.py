"""The HTML report in a real browser, where there is one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from kit.recipe.schema import Recipe
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
#: Select a number, then the number that it is computed from, close, and tell what was seen.
PROBE = """
<script>addEventListener("load", () => {
  const link = [...document.querySelectorAll("main:not([hidden]) a.n")].find((one) => one.textContent === "1.268");
  const dialog = document.querySelector("dialog");
  link.focus();
  link.click();
  const first = dialog.querySelector("dl").textContent;
  dialog.querySelector("a.n").click();
  const second = dialog.querySelector("h3").textContent;
  const open = dialog.open;
  dialog.close();
  document.title = JSON.stringify({
    first, second, open, focus: document.activeElement.textContent, width: document.documentElement.scrollWidth,
    inner: innerWidth, shown: [...document.querySelectorAll("main:not([hidden])")].map((one) => one.id),
  });
});</script></body>
"""


@pytest.mark.skipif(not BROWSER, reason="no browser is installed")
def test_a_click_on_a_number_shows_where_it_comes_from(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], tmp_path: Path
) -> None:
    html = render(seed_recipe, {}, facts=facts)["report.html"].decode()
    path = tmp_path / "report.html"
    path.write_text(html.replace("</body>", PROBE), encoding="utf-8")
    ended = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=390,800", "--lang=en", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", f"{path.as_uri()}#en"],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", ended.stdout)
    assert title
    seen = json.loads(unescape(title[1]))
    assert "7196.11 / 5675.8 = 1.267858275" in seen["first"]
    assert seen["second"] == "1.267858275 310P/310@best"
    assert seen["open"]
    assert seen["focus"] == "1.268"
    assert seen["shown"] == ["en"]
    assert seen["width"] <= seen["inner"], "wider than the screen of a phone"
