"""The data set of a run, read on the host in seconds: images by the one rule, labels of any form; do they fit?

The rules themselves are those of the programs in containers (``kit/inside/labels.py`` and ``labelforms.py``), which
need nothing but Python.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from kit.errors import DamagedError, InvalidInputError, KitError, MissingError, ResourceError
from kit.inside.labelforms import folder_labels, labels_of, read_classes, sniff_form
from kit.inside.labels import MAX_LABEL_BYTES, check_range, list_images, match
from kit.inside.protocol import UserError
from kit.recipe.schema import Dataset
from kit.storage.files import os_errors, write_atomically
from kit.storage.inputs import absent

__all__ = [
    "check_dataset",
    "check_labels",
    "complete_names",
    "image_names",
    "inside_errors",
    "prepare_labels",
    "read_dataset",
]

_ERRORS: dict[str, type[KitError]] = {
    "invalid": InvalidInputError,
    "missing": MissingError,
    "damaged": DamagedError,
    "resource": ResourceError,
}


@contextlib.contextmanager
def inside_errors() -> Iterator[None]:
    """Errors of the programs' modules as kit's own."""
    try:
        yield
    except UserError as error:
        kind = _ERRORS.get(error.kind, InvalidInputError)
        remedy = error.remedy[:1].lower() + error.remedy[1:].rstrip(".")
        raise kind(error.what, where=error.where, remedy=remedy) from error


def image_names(dataset: Dataset, images: Path) -> list[str]:
    """Names of the images in their folder, sorted: ``a.jpg``, or ``class/a.jpg``.

    Raises:
        MissingError, InvalidInputError: none, or a name that cannot be used.
    """
    with os_errors(images), inside_errors():
        return list_images(str(images), dataset.layout)


def read_dataset(dataset: Dataset, images: Path, labels: Path) -> tuple[list[str], dict[str, int]]:
    """Names of the images, and {key: label} of all of them.

    Args:
        dataset: what the recipe says.
        images: folder of the images.
        labels: the label file; the folder of images, where the recipe names none.

    Raises:
        KitError: labels that cannot be read, are doubled, are lacking, or belong to other images; with the first three.
    """
    names = image_names(dataset, images)
    return names, _labels(dataset, images, labels, names)


def _labels(dataset: Dataset, images: Path, labels: Path, names: list[str]) -> dict[str, int]:
    base = images if not labels.is_file() else labels
    with os_errors(base), inside_errors():
        classes = read_classes(str(_found_near(dataset.classes, labels))) if dataset.classes else None
        if dataset.labels is None and not labels.is_file():
            found = folder_labels(names, classes, str(images))
        else:
            found = labels_of(
                str(labels),
                names,
                form=dataset.labels_form,
                first_label=dataset.first_label,
                classes=classes,
                synsets=str(_found_near(dataset.synsets, labels)) if dataset.synsets else None,
            )
        match(names, found, str(images))
    return found


def _found_near(name: str, labels: Path) -> Path:
    """A file of the recipe that helps to read the labels: an absolute path, or one next to them."""
    folder = labels if labels.is_dir() else labels.parent
    for place in (Path(name).expanduser(), folder / name, folder.parent / name):
        if place.is_file():
            return place
    return folder / Path(name).name


def check_dataset(
    dataset: Dataset, images: Path, labels: Path, *, complete: bool = True, classes: int | None = None
) -> None:
    """Read data set and labels before anything long starts.

    Args:
        dataset: what the recipe says.
        images: folder of the images.
        labels: the label file.
        complete: whether as many must be there as the recipe says, with a label each.
        classes: how many the model has.

    Raises:
        MissingError: not there; says where to get it.
        InvalidInputError: the number of images is not what the recipe says; labels that do not fit.
    """
    origin = f"get {dataset.name} from {dataset.url} and " if dataset.url else ""
    there = labels.is_file() or (dataset.labels is None and labels.is_dir())
    for found, kind, place, remedy in (
        (images.is_dir(), "images", images, "point to the folder with --images DIR (or KIT_IMAGES)"),
        (there, "labels", labels, "point to the file with --labels FILE (or KIT_LABELS)"),
    ):
        if not found:
            raise absent(f"there are no {kind} of the data set {dataset.name}", place, origin + remedy)
    check_labels(labels)
    if not complete:
        return
    names = complete_names(dataset, images)
    numbers = _labels(dataset, images, labels, names)
    if classes is not None:
        with inside_errors():
            check_range(numbers, classes, str(labels))


def complete_names(dataset: Dataset, images: Path) -> list[str]:
    """Names of the images, where there are as many as the recipe says.

    Raises:
        InvalidInputError: more, or fewer.
    """
    names = image_names(dataset, images)
    if len(names) == dataset.count:
        return names
    what = f"the data set {dataset.name} has {len(names)} images, the recipe says {dataset.count}"
    if others := _other_formats(images):
        what += f"; not counted are {others}"
    raise InvalidInputError(
        what, where=str(images), remedy="complete the data set, or correct dataset -> count in the recipe"
    )


def _other_formats(images: Path) -> str:
    """Files that look like images of formats that kit does not open, in words."""
    kinds = (".gif", ".heic", ".jp2", ".avif", ".jfif", ".ppm", ".pgm", ".tga", ".psd")
    with os_errors(images):
        names = sorted(path.name for path in images.iterdir() if path.suffix.lower() in kinds)
    return f"{len(names)} files of other formats ({', '.join(names[:3])})" if names else ""


def prepare_labels(dataset: Dataset, images: Path, labels: Path, store: Path) -> Path:
    """A label file of ``name label`` lines, as all steps read it: the data set's own, or one made of it in the store.

    Raises:
        KitError: as :func:`read_dataset`.
    """
    if not labels.exists() or _is_plain(dataset, labels):
        return labels
    _, numbers = read_dataset(dataset, images, labels)
    text = "".join(f"{key} {label}\n" for key, label in numbers.items()).encode()
    path = store / "labels" / f"{hashlib.sha256(text).hexdigest()}.txt"
    if not path.is_file():
        with os_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    return path


def _is_plain(dataset: Dataset, labels: Path) -> bool:
    if not labels.is_file() or dataset.layout != "flat" or dataset.first_label or dataset.classes:
        return False
    if dataset.labels_form == "auto":
        with os_errors(labels), labels.open("rb") as file:
            head = file.read(1 << 16).decode("utf-8", "replace")
        return sniff_form(head, str(labels)) in {"list", "coco"}
    return dataset.labels_form in {"list", "coco"}


def check_labels(path: Path) -> None:
    """Refuse what is far too large for a label file before minutes go into its digest.

    Raises:
        InvalidInputError: it is.
    """
    with os_errors(path):
        size = path.stat().st_size if path.is_file() else 0
    if size > MAX_LABEL_BYTES:
        raise InvalidInputError(
            f"the file has {size} bytes, which no label file has", where=str(path), remedy="point to the label file"
        )
