"""The bill of materials of an image: what its package lists say, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.archive.checking import verify_archive
from kit.archive.container import digests_of, write_archive
from kit.archive.contents import Contents
from kit.archive.making import made
from kit.archive.sbom import sbom
from kit.containers.packages import list_packages
from kit.errors import EngineError
from kit.recipe.schema import load_recipe

IMAGE = "sha256:" + "a" * 64
LISTS = """@release
ID=debian
VERSION_ID="12"
@dpkg
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2:2.36-9+deb12u1
Description: GNU C Library
 Version: not this one

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

@python
/opt/kit/lib/Foo_Bar-1.0.dist-info/METADATA:Name: Foo_Bar
/opt/kit/lib/Foo_Bar-1.0.dist-info/METADATA:Version: 1.0+cpu
/opt/kit/lib/Foo_Bar-1.0.dist-info/METADATA:License-Expression: MIT
/opt/kit/lib/Foo_Bar-1.0.dist-info/METADATA:Version: 9 stands in its description
@vendor
/usr/local/Ascend/toolkit/version.info:Version=5.1.RC1
/usr/local/cuda/version.json:      "name" : "CUDA cuBLAS",
/usr/local/cuda/version.json:      "version" : "11.3.0.106"
@folders
/opt/TensorRT-7.2.3.4
/opt/TensorRT/lib/libnvinfer.so.7.2.3
@end
"""


def components(data: bytes) -> dict[str, str]:
    return {one["name"]: one["version"] for one in json.loads(data)["components"]}


def test_packages_of_every_kind_are_listed() -> None:
    data = sbom("runtime", IMAGE, LISTS)
    assert components(data) == {
        "debian": "12",
        "libc6": "2:2.36-9+deb12u1",
        "Foo_Bar": "1.0+cpu",
        "/usr/local/Ascend/toolkit": "5.1.RC1",
        "/usr/local/cuda CUDA cuBLAS": "11.3.0.106",
        "TensorRT": "7.2.3.4",
        "libnvinfer": "7.2.3",
    }
    purls = {one.get("purl") for one in json.loads(data)["components"]}
    assert {"pkg:deb/debian/libc6@2%3A2.36-9%2Bdeb12u1?arch=amd64", "pkg:pypi/foo-bar@1.0%2Bcpu"} < purls
    assert data == sbom("runtime", IMAGE, LISTS)


def check_by_its_library(data: bytes) -> None:
    schema = pytest.importorskip("cyclonedx.schema")
    validation = pytest.importorskip("cyclonedx.validation.json")
    pytest.importorskip("jsonschema")
    assert validation.JsonStrictValidator(schema.SchemaVersion.V1_5).validate_str(data.decode()) is None
    from packageurl import PackageURL

    for one in json.loads(data)["components"]:
        if "purl" in one:
            assert PackageURL.from_string(one["purl"]).version == one["version"]


def test_its_library_accepts_it() -> None:
    check_by_its_library(sbom("runtime", IMAGE, LISTS))


def archived(root: Path, packages: Any) -> dict[str, bytes]:
    folder = root / "examples" / "digits"
    contents = Contents(load_recipe(folder), folder, root / "reports" / "digits", root / "nowhere")
    contents.take(simulated=False, with_weights=False, with_data=False, packages=packages)
    return made(contents, simulated=False)[0]


def test_an_archive_says_which_bills_are_missing_and_why(members: dict[str, bytes]) -> None:
    absent = json.loads(members["archive.json"])["absent"]
    assert {"what": "SBOM of image runtime", "why": "no engine answers"} in absent


@pytest.mark.slow
def test_a_bill_of_another_image_is_refused(root: Path, tmp_path: Path) -> None:
    members = archived(root, lambda image: LISTS)
    names = [name for name in members if name.startswith("sbom/")]
    assert len(names) == 3  # exporter, runtime, openvino
    write_archive(tmp_path / "a", members)
    links = [one for one in verify_archive(tmp_path / "a") if one.subject.startswith("sbom/")]
    assert {one.state for one in links} == {"ok"}
    tampered = {"sbom/x.cdx.json": sbom("x", IMAGE, LISTS), "sbom/y.cdx.json": b"{}"}
    tampered["sbom/z.cdx.json"] = tampered["sbom/x.cdx.json"].replace(json.dumps(IMAGE).encode(), b'["a"]')
    assert b'["a"]' in tampered["sbom/z.cdx.json"]
    from kit.archive.derived import SUMS, sums

    members |= tampered
    members[SUMS] = sums(digests_of(members))
    write_archive(tmp_path / "b", members)
    said = {one.subject: one.message for one in verify_archive(tmp_path / "b") if one.state == "wrong"}
    assert "in which nothing ran" in said["sbom/x.cdx.json"]
    assert "in which nothing ran" in said["sbom/z.cdx.json"]
    assert said["sbom/y.cdx.json"] == "it is not a bill of materials"


@pytest.mark.docker
def test_a_real_image_gives_its_packages(engine: Any) -> None:
    found = engine.images.list(filters={"label": "kit.image=runtime"})
    if not found:
        pytest.skip("no image of kit is built here")
    image = str(found[0].id)
    data = sbom("runtime", image, list_packages(image))
    check_by_its_library(data)
    assert {"libc6", "numpy", "onnxruntime", "debian"} <= components(data).keys()


@pytest.mark.docker
def test_an_image_that_is_not_there_is_told(engine: Any) -> None:
    with pytest.raises(EngineError, match="does not have this image"):
        list_packages(IMAGE)
