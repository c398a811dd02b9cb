"""Image builds with a real engine: context, labels, CA, wheelhouse, proxy, rebuild, failures."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.containers.images import CONTEXT_LABEL, BuildOptions, Images, _write_context, context_digest
from kit.errors import EngineError, MissingError, StepError
from kit.planning.target import ImageSpec

pytestmark = pytest.mark.docker
BASE = "kit-base:bookworm"


@pytest.fixture
def spec(tmp_path: Path) -> ImageSpec:
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        f"ARG BASE={BASE}\nFROM ${{BASE}}\nARG PIP_INDEX_URL\nARG WORD\n"
        'COPY . /context/\nRUN echo building $WORD; echo "$PIP_INDEX_URL|$http_proxy" > /seen\n'
    )
    (folder / "toy.lock").write_text("wheel_a==1.0 \\\n    --hash=sha256:00\n")
    return ImageSpec("toy", folder, args={"WORD": "bird"})


@pytest.fixture
def images(engine: Any, tmp_path: Path) -> Iterator[Callable[..., Images]]:
    made: list[Images] = []

    def make(spec: ImageSpec, log: Callable[[str], None] = lambda _: None, **options: Any) -> Images:
        made.append(Images((spec,), tmp_path / "store", BuildOptions(**options), log))
        return made[-1]

    yield make
    for one in made:
        for image in engine.images.list(filters={"label": f"{CONTEXT_LABEL}={one.digest('toy')}"}):
            engine.images.remove(image.id, force=True)


def test_a_build_has_labels_and_streams_its_progress(
    engine: Any, images: Callable[..., Images], spec: ImageSpec
) -> None:
    lines: list[str] = []
    made = images(spec, lines.append)
    identity = made.build("toy")
    assert any("building bird" in line for line in lines)
    labels = engine.images.get(identity).labels
    assert labels["org.opencontainers.image.base.name"] == BASE
    assert labels["org.opencontainers.image.base.digest"] == engine.images.get(BASE).id
    assert labels[CONTEXT_LABEL] == made.digest("toy")
    assert made.known_id("toy") == identity


def test_a_rebuild_with_nothing_changed_takes_no_time(images: Callable[..., Images], spec: ImageSpec) -> None:
    lines: list[str] = []
    made = images(spec, lines.append)
    first = made.build("toy")
    lines.clear()
    started = time.monotonic()
    assert images(spec, lines.append).build("toy") == first
    assert time.monotonic() - started < 2
    assert lines == []


def test_a_change_of_the_folder_is_another_image(images: Callable[..., Images], spec: ImageSpec) -> None:
    first = images(spec)
    before = first.build("toy")
    (spec.folder / "more.txt").write_text("x")
    second = images(spec)
    assert second.known_id("toy") == ""
    assert second.build("toy") != before


def read(engine: Any, identity: str, path: str) -> str:
    return str(engine.containers.run(identity, ["cat", path], remove=True, network_mode="none").decode())


def test_mirror_proxy_ca_and_wheelhouse_reach_the_build(
    engine: Any, images: Callable[..., Images], spec: ImageSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "company.crt"
    bundle.write_text("a certificate\n")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in ("wheel_a-1.0-py3-none-any.whl", "wheel_a-2.0-py3-none-any.whl", "other-1.0-py3-none-any.whl"):
        (wheels / name).write_text("x")
    monkeypatch.setenv("KIT_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    identity = images(spec, wheelhouse=(wheels,)).build("toy")
    assert read(engine, identity, "/context/ca/ca-certificates.crt") == "a certificate\n"
    assert read(engine, identity, "/seen") == "https://mirror.example/simple|http://proxy.example:3128\n"
    listed = engine.containers.run(identity, ["ls", "/context/wheelhouse"], remove=True).decode().split()
    assert listed == ["wheel_a-1.0-py3-none-any.whl"]  # the pinned one, and nothing else
    environment = engine.images.get(identity).attrs["Config"]["Env"]
    assert not any("proxy.example" in one for one in environment)


def test_an_index_on_this_machine_is_not_passed_on(
    engine: Any, images: Callable[..., Images], spec: ImageSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "file:///opt/simple")
    assert read(engine, images(spec).build("toy"), "/seen").startswith("|")


def test_what_a_failed_build_left_is_not_taken_for_its_base(
    engine: Any, images: Callable[..., Images], spec: ImageSpec, tmp_path: Path
) -> None:
    base = images(spec).build("toy")
    folder = tmp_path / "child"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"ARG BASE\nFROM {base}\nRUN touch /polluted\nRUN false\n")
    with pytest.raises(StepError):
        Images((ImageSpec("child", folder),), tmp_path / "store", BuildOptions(), lambda _: None).build("child")
    elsewhere = Images((spec,), tmp_path / "another store", BuildOptions(), lambda _: None)
    found = engine.images.list(filters={"label": f"{CONTEXT_LABEL}={elsewhere.digest('toy')}"})
    left = [image.id for image in found if image.id != base]
    try:
        assert left  # the labels of the base are inherited
        assert elsewhere.build("toy") == base
    finally:
        for image in left:
            engine.images.remove(image, force=True)


def test_a_failing_instruction_is_named(images: Callable[..., Images], spec: ImageSpec) -> None:
    with (spec.folder / "Dockerfile").open("a") as file:
        file.write("RUN echo almost there; exit 3\n")
    with pytest.raises(StepError, match="image toy cannot be built.*code: 3") as caught:
        images(spec).build("toy")
    assert "almost there" in str(caught.value)


def test_what_the_package_tool_said_is_the_cause(images: Callable[..., Images], spec: ImageSpec) -> None:
    with (spec.folder / "Dockerfile").open("a") as file:
        file.write("RUN echo 'ERROR: No matching distribution found for a==1'; exit 1\n")
    with pytest.raises(StepError) as caught:
        images(spec).build("toy")
    assert caught.value.what == "image toy cannot be built: No matching distribution found for a==1"


def test_a_base_that_nobody_has(images: Callable[..., Images], spec: ImageSpec) -> None:
    with pytest.raises(EngineError, match="nobody/has-this:1 cannot be pulled") as caught:
        images(spec, base="nobody/has-this:1").build("toy")
    assert "make-base.sh" in caught.value.remedy


def test_a_wheelhouse_that_is_not_there() -> None:
    with pytest.raises(MissingError, match="no such wheelhouse"):
        BuildOptions.from_environment(None, (Path("/nowhere"),))


def test_wheels_that_the_recipe_s_requirements_pin_are_in_the_context(spec: ImageSpec, tmp_path: Path) -> None:
    wanted = "Wheel.b==3.0+cpu \\\n    --hash=sha256:00\nwheel-c==1.0 --hash=sha256:00\n"
    for name in ("wheel_b-3.0+cpu", "wheel_b-3.0", "wheel_c-1.0+cu12", "wheel_c-2.0"):
        (tmp_path / f"{name}-py3-none-any.whl").touch()
    file = io.BytesIO()
    _write_context(file, replace(spec, args={"REQUIREMENTS": wanted}), (tmp_path,))
    with tarfile.open(fileobj=io.BytesIO(file.getvalue())) as tar:
        found = [name.split("/")[1].split("-py3")[0] for name in tar.getnames() if name.endswith(".whl")]
    assert found == ["wheel_b-3.0+cpu", "wheel_c-1.0+cu12"]


def test_the_context_has_the_same_bytes_twice(spec: ImageSpec, tmp_path: Path) -> None:
    copies = []
    for _ in range(2):
        file = io.BytesIO()
        _write_context(file, spec, ())
        copies.append(file.getvalue())
        (spec.folder / "Dockerfile").touch()
    assert copies[0] == copies[1]
    with tarfile.open(fileobj=io.BytesIO(copies[0])) as tar:
        names = tar.getnames()
        assert {member.mtime for member in tar} == {0}
    assert names[:2] == ["Dockerfile", "toy.lock"]
    digest = context_digest(spec, "base")
    assert digest == context_digest(spec, "base") != context_digest(spec, "other")
