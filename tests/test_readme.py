"""The documents: their links lead somewhere, and their commands are run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from kit.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^\$ (kit .*?)(?:\s{2,}#.*)?$", re.MULTILINE)

#: Commands that need what a test machine has not, or that other tests run: why they are only parsed here.
PARSED_ONLY = {
    "kit doctor": "its findings are the machine's",
    "kit init --example digits": "tests/cli/test_init.py",
    "kit reproduce --recipe digits --target cpu": "tests/test_tutorial.py; make recording ran it",
    "kit doctor --target 310P": "its findings are the machine's",
    "kit reproduce --target 310P": "needs the card",
    "kit reproduce --recipe examples/digits --target 310 --target 310P --target T4 --simulate": "tests/container",
    "kit bench --recipe examples/digits --target cpu --batch 1": "tests/container runs the stages",
    "kit convert --recipe examples/digits --target cpu --out model": "tests/container runs the stages",
    "kit archive digits.tar --recipe examples/digits": "tests/archive; it would lie in the checkout",
    "kit verify digits.tar": "tests/archive",
    "kit reproduce --from digits.tar": "tests/archive",
    "kit verify --recipe examples/digits": "tests/container; .ci/run runs this very command",
    "kit verify --recipe examples/digits --format github": "tests/container",
}


def commands() -> list[str]:
    found = COMMAND.findall(README)
    assert len(found) > 10
    return found


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_readme_works(kit: Any, line: str) -> None:
    words = shlex.split(line)[1:]
    if line in PARSED_ONLY:
        name = words[0]
        if name in COMMANDS:
            options = {word for word in words if word.startswith("--")}
            text = kit(ROOT, name, "--help").stdout
            assert all(option in text for option in options)
        return
    ran = kit(ROOT, *words)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout


@pytest.mark.parametrize(
    "page", ["README.md", "images/README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"(?m)^    .*$", "", (ROOT / page).read_text(encoding="utf-8"))  # code shows links, and has none
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http:", "https:")):
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for name in re.findall(r"^\$ make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{name}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_explains_itself_with_an_example(kit: Any, name: str) -> None:
    ran = kit(ROOT, name, "--help")
    assert re.search(rf"^\s+kit {name}", ran.stdout, re.MULTILINE), f"kit {name} --help shows no example"
    assert not re.search(r"^ +-.*<(?:list\[|int|float|str|path)", ran.stdout, re.MULTILINE), (
        "a type is no word of a shell"
    )
    assert "\n  Exit codes:\n" in ran.stdout
    (pages,) = re.findall(r"^  See also: ([^\n]*)\.$", ran.stdout, re.MULTILINE)
    assert all((ROOT / page).is_file() for page in pages.split(", "))
