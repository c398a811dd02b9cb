"""A CycloneDX bill of materials of an image, from its package lists.

https://cyclonedx.org/docs/1.5/json/, https://github.com/package-url/purl-spec
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from kit import __version__
from kit.archive.intoto import as_json

__all__ = ["sbom"]

_VERSION = re.compile(r"version\"?\s*[=: ]\s*\"?v?([0-9][\w.+-]*)", re.IGNORECASE)
_NAME = re.compile(r"^\s*\"?name\"?\s*[=:]\s*\"?([^\",]{1,100})", re.IGNORECASE)
_FOLDER = re.compile(r"(.+?)(?:-v?|\.so\.)([0-9]+(?:\.[\w+]+)+)")


def sbom(name: str, image: str, lists: str) -> bytes:
    """The bill as JSON; the same lists give the same bytes.

    Args:
        name: of the image.
        image: its id.
        lists: what :func:`kit.containers.packages.list_packages` gave.
    """
    sections = dict(_sections(lists))
    release = dict(line.split("=", 1) for line in sections.get("release", []) if "=" in line)
    system = release.get("ID", "").strip('"')
    found = {
        one["bom-ref"]: one
        for one in (
            *_dpkg(sections.get("dpkg", []), system or "debian"),
            *_python(sections.get("python", [])),
            *_vendor(sections.get("vendor", []), sections.get("folders", [])),
        )
    }
    components = [found[ref] for ref in sorted(found)]
    if system:
        version = release.get("VERSION_ID", "").strip('"') or "unknown"
        components.insert(0, {"type": "operating-system", "bom-ref": "system", "name": system, "version": version})
    digest = image.rpartition(":")[2]
    return as_json(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, image)}",
            "version": 1,
            "metadata": {
                "tools": {"components": [{"type": "application", "name": "kit", "version": __version__}]},
                "component": {
                    "type": "container",
                    "bom-ref": "image",
                    "name": f"kit/{name}",
                    "version": image,
                    "hashes": [{"alg": "SHA-256", "content": digest}],
                },
            },
            "components": components,
        }
    )


def _sections(lists: str) -> Iterator[tuple[str, list[str]]]:
    for part in re.split(r"(?m)^@", lists)[1:]:
        name, *lines = part.split("\n")
        yield name, lines


def _component(
    kind: str, name: str, version: str, purl: str = "", license_: dict[str, Any] | None = None
) -> dict[str, Any]:
    tree: dict[str, Any] = {"type": kind, "bom-ref": purl or f"{name}@{version}", "name": name, "version": version}
    return tree | ({"purl": purl} if purl else {}) | ({"licenses": [license_]} if license_ else {})


def _dpkg(lines: list[str], system: str) -> Iterator[dict[str, Any]]:
    for paragraph in "\n".join(lines).split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.split("\n") if re.match(r"[A-Z][\w-]*: ", line))
        if fields.get("Status", "").endswith(" installed") and "Package" in fields and "Version" in fields:
            name, version = fields["Package"], fields["Version"]
            where = f"pkg:deb/{quote(system)}/{quote(name, safe='')}@{quote(version, safe='')}"
            yield _component("library", name, version, f"{where}?arch={quote(fields.get('Architecture', 'all'))}")


def _python(lines: list[str]) -> Iterator[dict[str, Any]]:
    packages: dict[str, dict[str, str]] = {}
    for line in lines:
        path, _, field = line.partition("METADATA:")
        key, _, value = field.partition(": ")
        if value:
            packages.setdefault(path, {}).setdefault(key, value.strip())
    for fields in packages.values():
        if "Name" in fields and "Version" in fields:
            name, version = fields["Name"], fields["Version"]
            plain = re.sub(r"[-_.]+", "-", name).lower()
            license_: dict[str, Any] | None = None
            if "License-Expression" in fields:
                license_ = {"expression": fields["License-Expression"]}
            elif "License" in fields:
                license_ = {"license": {"name": fields["License"][:100]}}
            yield _component("library", name, version, f"pkg:pypi/{quote(plain)}@{quote(version, safe='')}", license_)


def _vendor(lines: list[str], folders: list[str]) -> Iterator[dict[str, Any]]:
    """What installers of vendors put there: by version files, and by folders and libraries that name a version."""
    name, place = "", ""
    for line in lines:
        path, _, text = line.partition(":")
        if path != place:
            name, place = "", path
        if found := _NAME.match(text):
            name = found[1].strip()
        elif found := _VERSION.search(text):
            yield _component("application", f"{path.rpartition('/')[0]}{f' {name}' if name else ''}", found[1])
    for path in folders:
        if match := _FOLDER.fullmatch(path.rpartition("/")[2]):
            yield _component("application", match[1], match[2])
