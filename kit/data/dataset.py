"""The data set of a run: are images and labels there, and as many as the recipe says?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from kit.errors import InvalidInputError, MissingError
from kit.recipe.schema import Dataset
from kit.storage.files import os_errors

__all__ = ["check_dataset", "check_labels"]

#: What the programs in containers take for an image (kit/inside/labels.py), in any case.
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
#: The same limit as that of the program in the container (inside/labels.py).
_MAX_LABEL_BYTES = 400 << 20


def check_dataset(dataset: Dataset, images: Path, labels: Path, *, complete: bool = True) -> None:
    """Look for data set and labels before anything long starts.

    Args:
        dataset: what the recipe says.
        images: folder of the images.
        labels: the label file.
        complete: whether as many must be there as the recipe says.

    Raises:
        MissingError: not there; says where to get it.
        InvalidInputError: the number of images is not what the recipe says.
    """
    origin = f"get {dataset.name} from {dataset.url} and " if dataset.url else ""
    for there, kind, place, remedy in (
        (images.is_dir(), "images", images, "point to the folder with --images DIR (or KIT_IMAGES)"),
        (labels.is_file(), "labels", labels, "point to the file with --labels FILE (or KIT_LABELS)"),
    ):
        if not there:
            raise MissingError(
                f"there are no {kind} of the data set {dataset.name}", where=str(place), remedy=origin + remedy
            )
    check_labels(labels)
    if not complete:
        return
    for kind, place, number in (
        ("images", images, _count_images(images)),
        ("labels", labels, _count_lines(labels, dataset.count)),
    ):
        if number != dataset.count:
            many = "more" if number > dataset.count else str(number)
            raise InvalidInputError(
                f"the data set {dataset.name} has {many} {kind}, the recipe says {dataset.count}",
                where=str(place),
                remedy="complete the data set, or correct dataset -> count in the recipe",
            )


def check_labels(path: Path) -> None:
    """Refuse what is far too large for a label file before minutes go into its digest.

    Raises:
        InvalidInputError: it is.
    """
    with os_errors(path):
        size = path.stat().st_size if path.is_file() else 0
    if size > _MAX_LABEL_BYTES:
        raise InvalidInputError(
            f"the file has {size} bytes, which no label file has", where=str(path), remedy="point to the label file"
        )


def _count_images(folder: Path) -> int:
    with os_errors(folder):
        walk = os.walk(folder, onerror=_raise)  # what may not be read is not empty
        return sum(name.lower().endswith(_IMAGE_SUFFIXES) for _, _, names in walk for name in names)


def _raise(error: OSError) -> NoReturn:
    raise error


def _count_lines(path: Path, expected: int) -> int:
    """Lines that are not blank; stops soon after the expected number, so that a file without end does no harm."""
    with os_errors(path), path.open("rb") as file:
        count = 0
        while count <= expected and (line := file.readline(1 << 16)):
            count += bool(line.strip())
    return count
