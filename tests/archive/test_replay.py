"""`kit reproduce --from ARCHIVE`, and `kit compare` of an archive with what came out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kit.archive.container import digests_of, write_archive
from kit.archive.derived import SUMS, sums
from kit.archive.replay import archived_results, replay
from kit.errors import CheckFailedError
from kit.execution.selection import Choice
from kit.storage.store import Store
from tests.tasks.publishedfolders import several_inputs

Kit = Callable[..., CompletedProcess[str]]


def test_a_run_takes_recipe_and_targets_from_the_archive(archive: Path, tmp_path: Path) -> None:
    found = replay(archive, Store(tmp_path / "store"))
    assert (found.recipe / "kit.yaml").is_file() and found.recipe.is_relative_to(tmp_path / "store" / "archives")
    assert found.weights is found.images is found.labels is None
    choice = found.completed(Choice(weights=Path("mine.pth")))
    assert (choice.targets, choice.simulate, choice.weights) == (("cpu", "openvino"), False, Path("mine.pth"))
    assert found.completed(Choice(targets=("cpu",))).targets == ("cpu",)
    assert not (found.recipe.parent / "reports").exists()  # what was measured is no input


def test_a_wrong_archive_is_not_run(members: dict[str, bytes], tmp_path: Path) -> None:
    made = members | {"CLAIMS.md": b"all is well"}
    made[SUMS] = sums(digests_of(made))
    write_archive(tmp_path / "a.tar", made)
    with pytest.raises(CheckFailedError, match=r"CLAIMS\.md"):
        replay(tmp_path / "a.tar", Store(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


def test_an_archive_is_compared(kit: Kit, root: Path, archive: Path) -> None:
    assert set(archived_results(archive)) == {"cpu", "openvino"}
    ran = kit(root, "compare", str(archive), "reports/digits")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count(" same") == 16
    ran = kit(root, "compare", f"{archive}:cpu", "reports/digits:cpu")
    assert ran.stdout.count(" same") == 8
    archive.write_bytes(archive.read_bytes().replace(b'"rate": 1', b'"rate": 2', 1))
    assert kit(root, "compare", str(archive), "reports/digits").returncode == 5


@pytest.mark.slow  # two small runs, the second of which finds that nothing is to be done
def test_what_was_archived_runs_again_from_its_own_inputs(kit: Kit, root: Path, tmp_path: Path) -> None:
    if find_spec("timm") is None:
        pytest.skip("the export needs timm")
    example, folder = root / "examples" / "digits", tmp_path / "mine"
    (folder / "val").mkdir(parents=True)
    labels = (example / "val_label.txt").read_text().splitlines()[:8]
    for line in labels:
        shutil.copy(example / "val" / line.split()[0], folder / "val")
    (folder / "val_label.txt").write_text("\n".join(labels) + "\n")
    shutil.copy(example / "spnasnet_digits.pth.tar", folder)
    text = (example / "kit.yaml").read_text()
    for old, new in (("count: 500", "count: 8"), ("batches: [1, 4, 8, 16, 32, 64]", "batches: [1]"),
                     ("limit: 30", "limit: 1"), ("default: [cpu, openvino]", "default: [cpu]")):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (folder / "kit.yaml").write_text(text)
    local = ("--runner", "local", "--store", str(tmp_path / "store"))
    assert kit(folder, "reproduce", *local, "--reports", "reports").returncode == 0
    words = ("--reports", "reports", "--with-weights", "--with-data")
    assert kit(folder, "archive", str(tmp_path / "mine.tar"), *words).returncode == 0
    shutil.rmtree(folder)
    ran = kit(tmp_path, "reproduce", "--from", "mine.tar", *local)
    assert ran.returncode == 0, ran.stderr
    # The same inputs, so the same steps: the store has them all.
    assert (
        "the same    cpu top1, top5" in ran.stdout and "cpu bs1" in ran.stdout and "different   nothing" in ran.stdout
    )
    ran = kit(tmp_path, "compare", "mine.tar", "reproduced/digits")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_scripts_and_their_packages_come_along(kit: Kit, tmp_path: Path) -> None:
    recipe = several_inputs(tmp_path)
    local = ("--runner", "local", "--store", str(tmp_path / "store"), "--reports", str(tmp_path / "reports"))
    assert kit(recipe.parent, "reproduce", *local, "--target", "cpu").returncode == 0
    whole = ("archive", str(tmp_path / "mine.tar"), *local[2:], "--with-weights", "--with-data")
    made = kit(recipe.parent, *whole)
    assert "missing: scripts" not in made.stdout, made.stdout
    assert " 0 wrong," in kit(tmp_path, "verify", "mine.tar").stdout
    other = recipe.read_text().replace("code: scripts", "code: scripts\n    packages: locked.txt")
    with_packages = recipe.with_name("packages.yaml")
    with_packages.write_text(other)
    (recipe.parent / "locked.txt").write_text(f"numpy==2.4.6 --hash=sha256:{'0' * 64}\n")
    assert kit(recipe.parent, *whole[:1], str(tmp_path / "more"), *local[2:], "-r", "packages.yaml").returncode == 0
    assert (tmp_path / "more" / "recipe" / "locked.txt").is_file()
    shutil.rmtree(recipe.parent)
    ran = kit(tmp_path, "reproduce", "--from", "mine.tar", *local[:4])
    assert "different   nothing" in ran.stdout, ran.stdout + ran.stderr
