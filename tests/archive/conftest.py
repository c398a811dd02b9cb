"""The archive of the committed example, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.archive.container import read_archive, write_archive
from kit.archive.contents import Contents
from kit.archive.making import made
from kit.errors import EngineError
from kit.recipe.schema import load_recipe


def no_engine(image: str) -> str:
    raise EngineError("no engine answers", remedy="start it")


@pytest.fixture(autouse=True)
def without_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only tests that are about an engine ask one."""
    if request.node.get_closest_marker("docker") is None:
        monkeypatch.setattr("kit.containers.packages.connect", lambda: no_engine(""))


@pytest.fixture(scope="session")
def members(root: Path) -> dict[str, bytes]:
    """Members of the example's archive, as a clone without a store makes it."""
    recipe = load_recipe(root / "examples" / "digits")
    nowhere = root / "examples" / "nowhere"
    contents = Contents(recipe, root / "examples" / "digits", root / "reports" / "digits", nowhere)
    contents.take(simulated=False, with_weights=False, with_data=False, packages=no_engine)
    return made(contents, simulated=False)[0]


@pytest.fixture
def archive(members: dict[str, bytes], tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "digits.tar"
    write_archive(path, members)
    assert read_archive(path) == members
    return path
