"""The archive of the committed example, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.archive.container import read_archive, write_archive
from kit.archive.contents import Contents
from kit.archive.making import made
from kit.recipe.schema import load_recipe


@pytest.fixture(scope="session")
def members(root: Path) -> dict[str, bytes]:
    """Members of the example's archive, as a clone without a store makes it."""
    recipe = load_recipe(root / "examples" / "digits")
    nowhere = root / "examples" / "nowhere"
    contents = Contents(recipe, root / "examples" / "digits", root / "reports" / "digits", nowhere)
    contents.take(simulated=False, with_weights=False, with_data=False)
    return made(contents, simulated=False)[0]


@pytest.fixture
def archive(members: dict[str, bytes], tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "digits.tar"
    write_archive(path, members)
    assert read_archive(path) == members
    return path
