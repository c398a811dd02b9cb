"""Packages of a recipe: its requirements file becomes a layer on one of kit's images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from kit.errors import InvalidInputError
from kit.planning.target import ImageSpec, Job
from kit.resources import resource
from kit.storage.files import os_errors

__all__ = ["check_requirements", "code_images", "packages_image"]


def packages_image(name: str, path: Path, base: str) -> ImageSpec:
    """The image `name`: `base` with the packages of the file.

    Raises:
        MissingError: it cannot be read.
        InvalidInputError: it is not locked.
    """
    args = {"REQUIREMENTS": check_requirements(path)}
    return ImageSpec(name, resource("images") / "packages", args, base, requirements=path)


def check_requirements(path: Path) -> str:
    """The text of a requirements file in which each package has its version and hashes.

    Raises:
        MissingError: it cannot be read.
        InvalidInputError: one has none; names it.
    """
    with os_errors(path):
        text = path.read_text(encoding="utf-8")
    lines = (line.split(" #")[0].strip() for line in re.sub(r"\\\r?\n", " ", text).splitlines())
    for line in lines:
        if line and not line.startswith(("#", "--")) and ("==" not in line or "--hash=" not in line):
            raise InvalidInputError(
                f"{line.split()[0]} has no version with hashes",
                where=str(path),
                remedy="lock the file: pip-compile --generate-hashes requirements.in -o requirements.txt",
            )
    return text


def code_images(job: Job) -> Sequence[ImageSpec]:
    """The exporter image with what the user's own network imports, where the recipe names that."""
    from kit.planning.common import exporter

    named = job.recipe.model.requirements
    return (packages_image(exporter(job), job.recipe.resolve(named), "exporter"),) if named else ()
