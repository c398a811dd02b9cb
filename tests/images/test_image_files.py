"""Dockerfiles and locks: what every engine can build, and nothing unpinned."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

IMAGES = Path(__file__).parents[2] / "images"
NAMES = ("exporter", "runtime")


def pins(lock: Path) -> dict[str, int]:
    """Number of hashes by ``name==version``."""
    found: dict[str, int] = {}
    for entry in re.sub(r"\\\n", " ", lock.read_text()).splitlines():
        words = entry.split()
        if words and not words[0].startswith("#"):
            found[words[0]] = sum(word.startswith("--hash=sha256:") and len(word) == 78 for word in words)
            assert len(words) == found[words[0]] + 1, entry
    return found


def names(lock: Path) -> set[str]:
    return {pin.partition("==")[0] for pin in pins(lock)}


@pytest.mark.parametrize("name", [*NAMES, "openvino"])
def test_every_package_is_pinned_and_hashed(name: str) -> None:
    found = pins(IMAGES / name / "requirements.lock")
    assert found
    for pin, hashes in found.items():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9A-Za-z.]*", pin)
        assert hashes > 0, pin


@pytest.mark.parametrize("name", NAMES)
def test_the_lock_holds_what_is_required(name: str) -> None:
    lines = (IMAGES / name / "requirements.in").read_text().splitlines()
    required = {line for line in lines if line and not line.startswith("#")}
    assert required <= names(IMAGES / name / "requirements.lock")


def test_torch_is_in_the_exporter_only_and_pinned() -> None:
    assert not {"torch", "timm", "torchvision"} & names(IMAGES / "runtime/requirements.lock")
    assert "torch" not in names(IMAGES / "exporter/requirements.lock")
    assert names(IMAGES / "exporter/torch.lock") == {"torch"}


def test_both_images_compute_with_the_same_versions() -> None:
    first, second = (pins(IMAGES / name / "requirements.lock") for name in NAMES)
    shared = names(IMAGES / "exporter/requirements.lock") & names(IMAGES / "runtime/requirements.lock")
    assert {"numpy", "onnxruntime", "pillow"} <= shared
    for name in shared:
        assert {p for p in first if p.startswith(f"{name}==")} == {p for p in second if p.startswith(f"{name}==")}


@pytest.mark.parametrize("name", NAMES)
def test_the_classic_builder_is_enough(name: str) -> None:
    text = (IMAGES / name / "Dockerfile").read_text()
    for syntax in ("# syntax", "--mount", "<<", "--chmod", "--link", "$TARGET", "${TARGET"):
        assert syntax not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_image_runs_as_nobody_and_holds_no_code_wheel_or_authority(name: str) -> None:
    text = (IMAGES / name / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", last, re.MULTILINE)
    assert re.findall(r"^(?:COPY|ADD) .*$", last, re.MULTILINE) == ["COPY --from=build /opt/kit /opt/kit"]
    assert "RUN" not in last


@pytest.mark.parametrize("name", NAMES)
def test_the_labels_name_the_base(name: str) -> None:
    text = (IMAGES / name / "Dockerfile").read_text()
    for label in ("title", "version", "revision", "source", "base.name", "base.digest"):
        assert f"org.opencontainers.image.{label}=" in text


@pytest.mark.parametrize("script", ["base/make-base.sh", "lock.sh"])
def test_scripts_are_plain_shell(script: str) -> None:
    path = IMAGES / script
    assert path.stat().st_mode & 0o111
    done = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
