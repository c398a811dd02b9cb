"""Image builds through the engine's SDK: deterministic context, labels, proxy, mirror, private CA, wheelhouse."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from kit import __version__
from kit.errors import EngineError, InvalidInputError, MissingError, StepError
from kit.planning.step import canonical
from kit.planning.target import ImageSpec
from kit.resources import package, resource
from kit.storage.files import os_errors
from kit.storage.root import Root
from kit.toollogs.messages import excerpt

__all__ = ["STANDARD", "BuildOptions", "Images", "context_digest"]

#: The images of kit itself: conversion with PyTorch, and everything else.
STANDARD = (
    ImageSpec("exporter", resource("images") / "exporter"),
    ImageSpec("runtime", resource("images") / "runtime"),
)
#: A base image made without a registry: images/base/make-base.sh.
LOCAL_BASE = "kit-base:bookworm"
CONTEXT_LABEL = "kit.context"
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "ftp_proxy", "all_proxy")
_MIRRORS = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "PIP_NO_INDEX",
    "TORCH_INDEX_URL",
    "REQUIRE_HASHES",
    "APT_MIRROR",
)
_CA = ("KIT_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
#: The note about a build is smaller than this.
_NOTE_LIMIT = 1 << 16
#: What pip prints about an index that it cannot reach, before "No matching distribution found".
_UNREACHED = re.compile(r"Retrying \(Retry\(.*? after connection broken by '(?:.*>: )?(.*?)['\")]*': /")
#: The last thing that pip or apt says before it ends a build.
_SAID = re.compile(r"(?:\x1b\[[0-9;]*m)*(?:ERROR|E): (.+)")
Log = Callable[[str], None]


@dataclass(frozen=True)
class BuildOptions:
    """What the command line or the environment says about builds."""

    base: str | None = None
    wheelhouse: tuple[Path, ...] = ()
    no_cache: bool = False

    @staticmethod
    def from_environment(
        base: str | None = None, wheelhouse: Sequence[Path] = (), *, no_cache: bool = False
    ) -> BuildOptions:
        """Options of the command line, completed by KIT_BASE, KIT_WHEELHOUSE and the folders of PIP_FIND_LINKS."""
        places = list(wheelhouse)
        if not places and (given := os.environ.get("KIT_WHEELHOUSE")):
            places = [Path(part) for part in given.split(os.pathsep)]
        for place in places:
            if not place.is_dir():
                raise MissingError("there is no such wheelhouse", where=str(place), remedy="give a folder of wheels")
        links = os.environ.get("PIP_FIND_LINKS", "").split()
        places += [Path(link) for link in links if Path(link).is_dir()]
        return BuildOptions(base or os.environ.get("KIT_BASE"), tuple(places), no_cache)


class Images:
    """The images of a run: their ids, and how to build them."""

    def __init__(self, specs: Sequence[ImageSpec], store: Path, options: BuildOptions, log: Log) -> None:
        """``store`` keeps ids by context digest; ``log`` gets the lines of the builder."""
        self._specs = {spec.name: spec for spec in (*STANDARD, *specs)}
        self._store, self._options, self._log = Root(store), options, log
        self._digests: dict[str, str] = {}

    def _spec(self, name: str) -> ImageSpec:
        try:
            return self._specs[name]
        except KeyError as error:
            raise InvalidInputError(
                f"there is no image {name!r}", remedy=f"choose one of {', '.join(self._specs)}"
            ) from error

    def digest(self, name: str) -> str:
        """Digest of everything that determines the image's content, including its bases."""
        if name not in self._digests:
            spec = self._spec(name)
            base = self.digest(spec.base) if spec.base in self._specs else spec.base or self._options.base or ""
            self._digests[name] = context_digest(spec, base)
        return self._digests[name]

    def tag(self, name: str) -> str:
        """Name under which the engine knows the image."""
        return f"kit/{name}:{self.digest(name)[:12]}"

    def bases(self, name: str) -> tuple[str, ...]:
        """References that the image may be built from, by preference; none where the base is an image of kit."""
        spec = self._spec(name)
        if spec.base in self._specs:
            return ()
        wanted = spec.base or self._options.base
        return (wanted,) if wanted else (_default_base(spec.folder / "Dockerfile"), LOCAL_BASE)

    def known_id(self, name: str) -> str:
        """The id of the last build of exactly this context; empty where there was none."""
        try:
            known = json.loads(self._store.read("images", f"{name}.json", limit=_NOTE_LIMIT))
        except (OSError, ValueError, RecursionError):
            return ""
        found = isinstance(known, dict) and known.get("context") == self.digest(name)
        return str(known.get("id", "")) if found else ""

    def find(self, client: Any, name: str) -> str:
        """The id of a finished build of exactly this context; empty where the engine has none.

        Labels are inherited: what an interrupted build of another image left has those of its base, but not its tag.
        """
        label = [f"{CONTEXT_LABEL}={self.digest(name)}", f"kit.image={name}"]
        tags = {str(image.id): image.tags for image in client.images.list(filters={"label": label})}
        if (known := self.known_id(name)) in tags:
            return known
        return next((id_ for id_, names in tags.items() if any(one.endswith(self.tag(name)) for one in names)), "")

    def build(self, name: str) -> str:
        """Build the image, bases first, unless the engine has it; returns its id.

        Raises:
            EngineError: no engine, no base image.
            StepError: an instruction of the Dockerfile failed.
        """
        from kit.containers.client import connect, engine_errors

        spec = self._spec(name)
        if spec.base in self._specs:
            self.build(str(spec.base))
        context = self.digest(name)
        with engine_errors(f"looking for image {name}"):
            client = connect()
            image = "" if self._options.no_cache else self.find(client, name)
        image = image or self._build(client, spec, context)
        data = json.dumps({"context": context, "id": image}).encode()
        with os_errors(self._store.path):
            self._store.write("images", f"{name}.json", data=data)
        return image

    def _build(self, client: Any, spec: ImageSpec, context: str) -> str:
        from kit.containers.client import engine_errors, patience

        with engine_errors(f"looking for the base of image {spec.name}"), patience(client):
            base, base_id = self._base(client, spec)
        labels = {
            CONTEXT_LABEL: context,
            "kit.image": spec.name,
            "org.opencontainers.image.title": f"kit {spec.name}",
            "org.opencontainers.image.version": __version__,
            "org.opencontainers.image.base.name": base,
            "org.opencontainers.image.base.digest": base_id,
        }
        arguments = {**_arguments(spec), **spec.args, "BASE": base}
        with os_errors(Path(tempfile.gettempdir())), tempfile.TemporaryFile() as file:
            _write_context(file, spec, self._options.wheelhouse)
            file.seek(0)
            with engine_errors(f"building image {spec.name}"), patience(client):
                lines = client.api.build(
                    fileobj=file,
                    custom_context=True,
                    tag=self.tag(spec.name),
                    buildargs=arguments,
                    labels=labels,
                    nocache=self._options.no_cache,
                    rm=True,
                    forcerm=True,
                    decode=True,
                )
                return self._follow(spec, lines)

    def _follow(self, spec: ImageSpec, lines: Iterator[dict[str, Any]]) -> str:
        image, tail, unreached, said = "", "", "", ""
        for line in lines:
            if "error" in line:
                cause = f": {said}" if said else f": {str(line['error']).strip()} after {tail.strip()!r}"
                remedy = "read the lines above (-v shows all); images/README.md explains proxy, mirror and CA"
                if unreached:
                    cause = f", because the package index does not answer: {unreached}"
                    remedy = "set PIP_INDEX_URL to one that answers from a container, or give --wheelhouse DIR"
                where = str(spec.folder / "Dockerfile")
                raise StepError(f"image {spec.name} cannot be built{cause}", where=where, remedy=remedy)
            text = str(line.get("stream", ""))
            if text.strip():
                tail = text
                if found := _UNREACHED.search(text):
                    unreached = excerpt(found[1])
                if found := _SAID.match(text):
                    said = excerpt(found[1].replace("\x1b[0m", ""))
                self._log(text.rstrip("\n"))
            if "aux" in line and "ID" in line["aux"]:
                image = str(line["aux"]["ID"])
        if not image:
            raise EngineError(f"the engine did not report the id of image {spec.name}", remedy="run again")
        return image

    def _base(self, client: Any, spec: ImageSpec) -> tuple[str, str]:
        """Reference and digest of the base: given, from the Dockerfile, or the local one where no registry answers."""
        import docker.errors
        from docker.utils import parse_repository_tag

        candidates = self.bases(spec.name)
        if not candidates:
            base, image = self.tag(str(spec.base)), client.images.get(self.known_id(str(spec.base)))
            image.tag(*base.rsplit(":", 1))  # a concurrent build of the same context may have moved the tag
            return base, str(image.id)
        for reference in candidates:
            try:
                return reference, _digest_of(client.images.get(reference))
            except docker.errors.ImageNotFound:
                continue
        reference = candidates[0]
        self._log(f"pulling {reference}")
        try:
            repository, tag = parse_repository_tag(reference)
            return reference, _digest_of(client.images.pull(repository, tag=tag))
        except docker.errors.APIError as error:
            words = " ".join(str(error.explanation or error).split())
            raise EngineError(
                f"the base image {reference} cannot be pulled ({words})",
                remedy="name another with --base or KIT_BASE, or make one without a registry: images/base/make-base.sh",
            ) from error


def _digest_of(image: Any) -> str:
    digests = image.attrs.get("RepoDigests") or []
    return str(digests[0]).rpartition("@")[2] if digests else str(image.id)


def _default_base(dockerfile: Path) -> str:
    found = re.search(r"^ARG BASE=(\S+)", dockerfile.read_text(), re.MULTILINE)
    return found[1] if found else LOCAL_BASE


def _arguments(spec: ImageSpec) -> dict[str, str]:
    """Proxies and mirrors of this environment that a container can reach, for ARGs that the Dockerfile declares."""
    declared = set(re.findall(r"^ARG (\w+)", (spec.folder / "Dockerfile").read_text(), re.MULTILINE))
    found = {name: os.environ[name] for name in _MIRRORS if name in declared and os.environ.get(name)}
    found = {name: text for name, text in found.items() if urlsplit(text).scheme != "file"}
    for name in _PROXIES:
        for spelling in (name, name.upper()):
            if os.environ.get(spelling):
                found[spelling] = os.environ[spelling]
    return found


def _contents(spec: ImageSpec) -> dict[str, Path]:
    """The files of the build context that decide the image, by their name in it."""
    files = {}
    for root, prefix in (
        (spec.folder, ""),
        *((package() / name, f"{name}/") for name in spec.code),
        *(((spec.files, "packages/"),) if spec.files else ()),
    ):
        if not root.is_dir():
            raise MissingError("there is no such folder for a build", where=str(root), remedy="reinstall kit")
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root).as_posix()
            if path.is_file() and "__pycache__" not in relative and not relative.startswith(("ca/", "wheelhouse/")):
                files[prefix + relative] = path
    return files


def context_digest(spec: ImageSpec, base: str) -> str:
    """Digest of Dockerfile, files, ARGs and base. Proxy, mirror, CA and wheelhouse only help to get the same packages.

    Vendor packages of gigabytes count by name, size and time: their content is checked by their own checksum.
    """
    parts: dict[str, str] = {}
    for name, path in _contents(spec).items():
        if spec.files and name.startswith("packages/"):
            stat = path.stat()
            parts[name] = f"{stat.st_size} {stat.st_mtime_ns}"
        else:
            parts[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return hashlib.sha256(canonical({"files": parts, "args": dict(spec.args), "base": base})).hexdigest()


def _wheels(spec: ImageSpec, places: Sequence[Path]) -> dict[str, Path]:
    """Wheels that this image's requirements pin, of its own lock or the recipe's, from the wheelhouses."""
    pins = {
        (_normalized(name), version)
        for text in (*(lock.read_text() for lock in spec.folder.glob("*.lock")), *spec.args.values())
        for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    }
    found: dict[str, Path] = {}
    for place in places:
        for path in sorted(place.glob("*.whl")):
            name, version = path.name.split("-")[:2]
            if {(_normalized(name), version), (_normalized(name), version.partition("+")[0])} & pins:
                found.setdefault(path.name, path)
    return found


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _write_context(file: IO[bytes], spec: ImageSpec, wheelhouse: Sequence[Path]) -> None:
    """The build context as a tar: sorted, no times, no owners; the same input gives the same bytes."""
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, path in sorted(_contents(spec).items()):
            _add(tar, name, path)
        for folder in ("ca", "wheelhouse"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        bundle = next((os.environ[name] for name in _CA if os.environ.get(name)), None)
        if bundle and Path(bundle).is_file():
            _add(tar, "ca/ca-certificates.crt", Path(bundle))
        else:
            tar.addfile(tarfile.TarInfo("ca/.keep"))
        tar.addfile(tarfile.TarInfo("wheelhouse/.keep"))
        for name, path in sorted(_wheels(spec, wheelhouse).items()):
            _add(tar, f"wheelhouse/{name}", path)


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    entry = tarfile.TarInfo(name)
    stat = path.stat()
    entry.size, entry.mode = stat.st_size, 0o755 if stat.st_mode & 0o100 else 0o644
    with path.open("rb") as source:
        tar.addfile(entry, source)
