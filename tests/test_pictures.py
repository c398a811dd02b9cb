"""The pictures of the README: each is there, small, and made by a command of this repository."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from tools.recording import COMMANDS, draw
from tools.screenshots import PICTURES


def test_the_readme_shows_the_pictures(root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"docs/pictures/([\w-]+\.\w+)", readme))
    assert shown == {path.name for path in (root / "docs" / "pictures").iterdir()}
    assert shown == {f"{name}{kind}.webp" for name in PICTURES for kind in ("", "-dark")} | {"first-minutes.svg"}
    for name in shown:
        data = (root / "docs" / "pictures" / name).read_bytes()
        assert len(data) < 100_000
        assert data[8:12] == b"WEBP" or data.startswith(b"<svg ")


def test_the_recording_is_of_the_commands_that_the_readme_gives(root: Path) -> None:
    text = (root / "docs" / "pictures" / "first-minutes.svg").read_text(encoding="utf-8")
    lines = [one.text or "" for one in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]
    assert [one for one in lines if one.startswith("$ ")] == [f"$ {command}" for command in COMMANDS]
    assert any(one.startswith("report: reports/digits/") for one in lines)
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert all(f"\n$ {command}" in readme for command in COMMANDS)


def test_a_recording_escapes_what_it_shows_and_shortens_pauses() -> None:
    text = draw([(0.5, "$ kit <x>"), (300.0, "a & b"), (0.25, "c" * 150)])
    shown = list(ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text"))
    assert [one.text for one in shown] == ["$ kit <x>", "a & b", "c" * 100, "c" * 50]
    assert [one.get("style") for one in shown] == [
        f"animation-duration:{at}s" for at in ("0.50", "1.50", "1.75", "1.75")
    ]
