"""The images of the vendors' toolchains, really built: from installers of the test that take the vendor's flags."""

from __future__ import annotations

import hashlib
import io
import platform
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.containers.images import BuildOptions, Images
from kit.errors import KitError, StepError
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe

pytestmark = [pytest.mark.docker, pytest.mark.slow]

BASE = "kit-base:bookworm"
ARCH = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
TOOLKIT = f"Ascend-cann-toolkit_5.1.RC1_linux-{ARCH}.run"
ARCHIVE = "TensorRT-7.2.3.4.Ubuntu-18.04.x86_64-gnu.cuda-11.0.cudnn8.1.tar.gz"

#: Takes the vendor's flags and no others, wants the two files of a host with a driver, leaves the vendor's layout.
INSTALLER = """#!/bin/sh
path= quiet= install= all=
for word in "$@"; do
    case $word in
        --check) echo 'MD5 checksums are OK. All good.'; exit CHECK;;
        --quiet) quiet=1;;
        --install) install=1;;
        --install-for-all) all=1;;
        --install-path=*) path=${word#*=};;
        *) echo "Unrecognized flag : $word" >&2; exit 1;;
    esac
done
[ -n "$quiet$install$all" ] || exit 1
[ "$path" = /usr/local/Ascend ] || exit 2
grep -q '^Version=' /usr/local/Ascend/driver/version.info || exit 3
grep -q '^UserName=HwHiAiUser' /etc/ascend_install.info || exit 4
getent passwd HwHiAiUser >/dev/null || exit 5
[ "$(id -u HwHiAiUser)" = 1000 ] || exit 6
root=$path/ascend-toolkit/5.1.RC1
umask 077
mkdir -p "$root/bin" "$root/opp" "$root/lib64" "$root/$(uname -m)-linux"
ln -s 5.1.RC1 "$path/ascend-toolkit/latest"
said='ATC start working now, please wait for a moment.'
printf '#!/bin/sh\\necho "%s"\\necho "$ASCEND_OPP_PATH"\\n' "$said" >"$root/bin/atc"
chmod 700 "$root/bin/atc"
echo "export ASCEND_OPP_PATH=$path/ascend-toolkit/latest/opp" >"$path/ascend-toolkit/set_env.sh"
printf 'package_name=Ascend-cann-toolkit\\nversion=5.1.RC1\\n' >"$root/$(uname -m)-linux/ascend_toolkit_install.info"
"""


class Site:
    """A recipe's folder with packages, and an image builder on the engine here."""

    def __init__(self, folder: Path, root: Path, client: Any) -> None:
        self.folder, self.client = folder, client
        (folder / "kit.yaml").write_text((root / "kit.yaml").read_text())
        self.ascend, self.tensorrt = folder / "packages/ascend", folder / "packages/tensorrt"
        self.ascend.mkdir(parents=True)
        self.tensorrt.mkdir()
        self.lines: list[str] = []
        self.built: set[str] = set()

    def installer(self, text: str = INSTALLER, check: int = 0) -> Path:
        path = self.ascend / TOOLKIT
        path.write_text(text.replace("CHECK", str(check)))
        path.chmod(0o644)
        (self.ascend / f"benchmark.{ARCH}").write_text("#!/bin/sh\necho benchmark of the vendor\n")
        return path

    def build(self, target: str, args: dict[str, str], **options: object) -> str:
        recipe = load_recipe(self.folder)
        job = Job(recipe, target, (1,), self.folder, self.folder, self.folder, options={"base": BASE, **options})
        from dataclasses import replace

        specs = [replace(spec, args={**spec.args, **args}) for spec in load_target(target).images(job)]
        images = Images(specs, self.folder / "store", BuildOptions(), self.lines.append)
        image = images.build(specs[0].name)
        self.built.add(image)
        assert images.known_id(specs[0].name) == image
        return image

    def run(self, image: str, *argv: str, user: str = "12345:12345") -> str:
        out = self.client.containers.run(
            image, list(argv), user=user, network_mode="none", read_only=True, cap_drop=["ALL"], remove=True
        )
        return str(out.decode())


@pytest.fixture
def site(engine: Any, root: Path, tmp_path: Path) -> Iterator[Site]:
    if not engine.images.list(name=BASE):
        pytest.skip(f"no image {BASE}: make it with images/base/make-base.sh")
    made = Site(tmp_path, root, engine)
    yield made
    for image in made.built:
        engine.images.remove(image, force=True)


#: The base here has a later Python, and needs none of the compiler's modules: the installer is the test's.
SYSTEM = {"PYTHON": "system", "REQUIREMENTS": ""}


def test_the_ascend_image_holds_the_users_toolkit(site: Site) -> None:
    site.installer()
    image = site.build("310P", SYSTEM)
    assert site.run(image, "atc", "--model=x").splitlines() == [
        "ATC start working now, please wait for a moment.",
        "/usr/local/Ascend/ascend-toolkit/latest/opp",
    ]
    assert site.run(image, f"benchmark.{ARCH}") == "benchmark of the vendor\n"
    facts = site.run(
        image, "sh", "-c",
        "id -un 1000; ls -d /usr/local/Ascend/driver /etc/ascend_install.info /packages 2>/dev/null; "
        "echo $LD_LIBRARY_PATH | tr : '\\n' | head -1; find / -xdev -name '*.run' 2>/dev/null | wc -l",
    )  # fmt: skip
    # No driver, no placeholder and no installer stays in the image; the driver's folder is the first to be searched.
    assert facts.split() == ["HwHiAiUser", "/usr/local/Ascend/driver/lib64", "0"]
    labels = site.client.images.get(image).labels
    assert labels["org.opencontainers.image.base.name"] == BASE
    assert labels["kit.image"] == "ascend"
    sourced = site.run(image, "sh", "-c", ". /usr/local/Ascend/ascend-toolkit/set_env.sh && echo $ASCEND_OPP_PATH")
    assert sourced.strip() == "/usr/local/Ascend/ascend-toolkit/latest/opp"


def test_a_rebuild_with_nothing_changed_builds_nothing(site: Site) -> None:
    site.installer()
    first = site.build("310P", SYSTEM)
    site.lines.clear()
    assert site.build("310P", SYSTEM) == first
    assert site.lines == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda site: site.installer().unlink(), f"{TOOLKIT} is not in the packages folder"),
        (lambda site: site.installer(check=1), "its own --check says so"),
        (lambda site: site.installer(INSTALLER.replace("umask 077", "exit 9")), f"{TOOLKIT} failed"),
        (lambda site: site.installer(INSTALLER.replace("set_env.sh", "other.sh")), "left no set_env.sh"),
    ],
)
def test_a_bad_installer_is_named_by_the_build(site: Site, spoil: Callable[[Site], object], words: str) -> None:
    spoil(site)
    with pytest.raises(KitError) as caught:
        site.build("310P", SYSTEM)
    assert isinstance(caught.value, StepError)
    assert words in "\n".join([*site.lines, str(caught.value)])


@pytest.mark.parametrize("form", ["list", "recipe"])
def test_a_damaged_installer_does_not_pass_its_checksum(site: Site, form: str) -> None:
    path = site.installer()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    options: dict[str, Any] = {"sha256": {TOOLKIT: digest}} if form == "recipe" else {}
    if form == "list":
        (site.ascend / "SHA256SUMS").write_text(f"{digest}  {TOOLKIT}\n")
    path.write_text(path.read_text() + "# one more line\n")
    with pytest.raises(StepError):
        site.build("310P", SYSTEM, **options)
    assert f"{TOOLKIT} is damaged: its checksum is wrong" in "\n".join(site.lines)


def archive(path: Path) -> str:
    """A TensorRT archive: a trtexec, a library, samples, and a wheel for the base's Python; returns its sha256."""
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tensorrt/__init__.py", "__version__ = '7.2.3.4'\n")
        file.writestr("numpy.py", "")  # what NVIDIA's own image has
        file.writestr(
            "tensorrt-7.2.3.4.dist-info/METADATA", "Metadata-Version: 2.1\nName: tensorrt\nVersion: 7.2.3.4\n"
        )
        file.writestr(
            "tensorrt-7.2.3.4.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: cp311-none-any\n"
        )
        file.writestr("tensorrt-7.2.3.4.dist-info/RECORD", "")
    top = "TensorRT-7.2.3.4"
    with tarfile.open(path, "w:gz") as tar:
        for name, data, mode in (
            ("bin/trtexec", b"#!/bin/sh\necho '&&&& RUNNING TensorRT.trtexec' \"$LD_LIBRARY_PATH\"\n", 0o755),
            ("lib/libnvinfer.so.7", b"library", 0o644),
            ("data/mnist/huge", b"x" * 100, 0o644),
            ("python/tensorrt-7.2.3.4-cp311-none-any.whl", wheel.getvalue(), 0o644),
            ("python/tensorrt-7.2.3.4-cp36-none-any.whl", b"", 0o644),
        ):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


PLAIN = {"TARBALL_PYTHON": "system", "NUMPY": ""}


def test_the_archive_route_of_the_tensorrt_image(site: Site) -> None:
    digest = archive(site.tensorrt / ARCHIVE)
    image = site.build("T4", PLAIN, tarball=ARCHIVE, tarball_sha256=digest)
    out = site.run(image, "trtexec")
    assert out.startswith("&&&& RUNNING TensorRT.trtexec /opt/TensorRT/lib")
    version = site.run(image, "python3", "-c", "import numpy, tensorrt; print(tensorrt.__version__)")
    assert version.strip() == "7.2.3.4"
    assert site.run(image, "sh", "-c", "ls -d /opt/TensorRT/data /packages 2>/dev/null | wc -l").strip() == "0"


def test_another_archive_than_the_recipe_says(site: Site) -> None:
    archive(site.tensorrt / ARCHIVE)
    with pytest.raises(StepError):
        site.build("T4", PLAIN, tarball=ARCHIVE, tarball_sha256="0" * 64)
    assert "FAILED" in "\n".join(site.lines)


def test_a_base_without_trtexec_is_no_base(site: Site) -> None:
    with pytest.raises(StepError):
        site.build("T4", {})
    assert "there is no trtexec in this base" in "\n".join(site.lines)
