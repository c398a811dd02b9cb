"""A small run of target cpu on the bundled example, done once: its store, recipe and report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from kit.errors import KitError
from kit.recipe.schema import Recipe, load_recipe
from kit.reports.folder import rendered, write
from kit.results.resultsfile import load_all
from kit.storage.store import Store
from kit.verification.link import Link
from kit.verification.verification import find_weights, verify, verify_results

IMAGES = 24


@dataclass
class Proven:
    """A folder with a recipe, its store, and the report of a run."""

    folder: Path

    @property
    def report(self) -> Path:
        return self.folder / "reports" / "digits"

    @property
    def results(self) -> Path:
        return self.report / "results" / "cpu.json"

    @property
    def recipe(self) -> Recipe:
        return load_recipe(self.folder)

    def store(self, *, here: bool = True) -> Store:
        return Store(self.folder / (".kit" if here else "nowhere"))

    def render(self) -> None:
        """Render the report over whatever the results now say, as somebody would who has edited them."""
        recipe = self.recipe
        write(self.report, rendered(recipe, self.report, load_all(self.report)))

    def verify(self, *, here: bool = True) -> list[Link]:
        """What is wrong or not proven."""
        links = verify(self.recipe, self.report, self.store(here=here))
        return [link for link in links if link.state in {"wrong", "unproven"}]

    def verify_results(self, *, here: bool = True) -> list[Link]:
        """The same without the rendered report, which takes most of the time: for hundreds of changes."""
        recipe, store = self.recipe, self.store(here=here)
        try:
            results = load_all(self.report)
        except KitError as error:
            return [Link("results", "wrong", str(error))]
        digest, _ = find_weights(recipe, store)
        links = verify_results(recipe, self.report, results, store, digest, simulated=False)
        return [link for link in links if link.state in {"wrong", "unproven"}]


@pytest.fixture(scope="session")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Proven:
    """The run itself: not to be changed."""
    if find_spec("timm") is None:
        pytest.skip("the export needs timm")
    example = root / "examples" / "digits"
    made = Proven(tmp_path_factory.mktemp("proven"))
    images = made.folder / "val"
    images.mkdir()
    labels = (example / "val_label.txt").read_text().splitlines()[:IMAGES]
    for line in labels:
        shutil.copy(example / "val" / line.split()[0], images)
    (made.folder / "val_label.txt").write_text("\n".join(labels) + "\n")
    shutil.copy(example / "spnasnet_digits.pth.tar", made.folder)
    text = (example / "kit.yaml").read_text()
    for old, new in (
        ("count: 500", f"count: {IMAGES}"),
        ("batches: [1, 4, 8, 16, 32, 64]", "batches: [1, 4]"),
        ("  cpu:\n  openvino:\n  torch:\ndefault: [cpu, openvino]", "  cpu:\ndefault: [cpu]"),
        ("repeats: 10", "repeats: 3"),
        ("seconds: 0.15", "seconds: 0.02"),
        ("limit: 30", "limit: 1"),
    ):
        assert old in text
        text = text.replace(old, new)
    (made.folder / "kit.yaml").write_text(text)
    (made.folder / "reports").mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "kit", "reproduce", "--runner", "local"],
        cwd=made.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return made


@pytest.fixture
def proven(run: Proven, tmp_path: Path) -> Proven:
    """A copy of recipe and report; the files of the store are shared (hard links) unless a test copies them."""
    for name in ("kit.yaml", "val_label.txt"):
        shutil.copy(run.folder / name, tmp_path)
    for name in ("val", "spnasnet_digits.pth.tar"):
        (tmp_path / name).symlink_to(run.folder / name)
    shutil.copytree(run.folder / ".kit", tmp_path / ".kit", copy_function=os.link)
    shutil.copytree(run.folder / "reports", tmp_path / "reports")
    return Proven(tmp_path)
