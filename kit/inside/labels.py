"""Images of a folder, labels of a file, and whether the two belong together.

A label file is the ImageNet ``val_label.txt`` form, one ``name label`` per line. As in the published scripts the key of
an image is its file name up to the *first* dot, so ``a.b.JPEG`` and ``a.c.JPEG`` have the same key, which is refused.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal

from .protocol import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "IMAGE_SUFFIXES", "MAX_LABEL", "MAX_LABEL_BYTES", "check_range", "image_key", "label_bytes", "list_images", "match",
    "read_labels", "refuse_outside", "refuse_repeated", "some", "stem", "unique_keys",
]  # fmt: skip

#: What counts as an image everywhere in kit, in upper or lower case; :mod:`.decoding` checks the content.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
#: Ten million lines of ImageNet's names: anything larger is not a label file.
MAX_LABEL_BYTES = 400 << 20
MAX_LINE_BYTES = 4096
#: An explicit bound, so that a label always fits an int32 array.
MAX_LABEL = 2**31 - 1

_LABEL = re.compile(r"[+-]?[0-9]{1,18}")
#: A line as every known label file has it; the key ends at the first dot.
_PLAIN = re.compile(rb"^([A-Za-z0-9_-]{1,200})(?:\.[A-Za-z0-9_.-]{0,50})? ([0-9]{1,9})\r?\n", re.MULTILINE)


def stem(name: str) -> str:
    """The key of an image or result: its file name, without folders, up to the first dot."""
    return name.rsplit("/", 1)[-1].split(".", 1)[0]


def image_key(name: str) -> str:
    """The key of an image: its file name up to the first dot, after the name of its class folder if it has one."""
    folders, _, file = name.rpartition("/")
    key = file.split(".", 1)[0]
    return f"{folders.replace('/', '__')}__{key}" if folders else key


def some(names: Iterable[str], limit: int = 3) -> str:
    """The first few names in sorted order, for a message: ``a, b, c and 7 more``."""
    ordered = sorted(names)
    text = ", ".join(repr(name)[1:-1] for name in ordered[:limit])
    return text if len(ordered) <= limit else f"{text} and {len(ordered) - limit} more"


def list_images(folder: str, layout: Literal["flat", "folders"] = "flat") -> list[str]:
    """Names of the images in `folder`, sorted by code point, whatever the locale.

    Links to files count as files, a dangling one is an error; links to folders are not followed. Hidden files and files
    with other extensions are ignored.

    Args:
        folder: where to look.
        layout: ``flat``: all images are in `folder` itself, and a subfolder that holds images is an error, so that none
            is missed. ``folders``: one subfolder per class; names are then ``class/file``.

    Raises:
        UserError: no such folder, no image, a dangling link, a name that is not UTF-8.
    """
    if not os.path.isdir(folder):
        raise UserError(
            "there is no such folder of images", "Point to the folder that holds the images.", folder, "missing"
        )
    names, subfolders = _scan(folder)
    if layout == "folders":
        names = []
        for subfolder in subfolders:
            names += [f"{subfolder}/{name}" for name in _scan(os.path.join(folder, subfolder))[0]]
    elif nested := [subfolder for subfolder in subfolders if _scan(os.path.join(folder, subfolder))[0]]:
        raise UserError(
            f"the images are in subfolders ({some(nested)})",
            "Move all images into one folder, or write dataset -> layout: folders in the recipe, for one per class.",
            folder,
        )
    if not names:
        what = "holds no image (" + ", ".join(IMAGE_SUFFIXES) + ")"
        raise UserError(what, "Point to the folder that holds the images.", folder, "missing")
    return sorted(names)


def _scan(folder: str) -> tuple[list[str], list[str]]:
    """Images and subfolders of one folder."""
    names, subfolders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                subfolders.append(name)
            elif name.lower().endswith(IMAGE_SUFFIXES):
                _check(entry)
                names.append(name)
    return names, sorted(subfolders)


def _check(entry: os.DirEntry[str]) -> None:
    where = repr(entry.path)[1:-1]
    if not entry.name.isprintable():  # also what is not UTF-8: it arrives as lone surrogates
        raise UserError("the file name is not printable UTF-8", "Rename the file.", where)
    if not entry.is_file():
        if entry.is_symlink():
            remedy = (
                "Restore what the link points to, or copy the image itself into the folder: a container sees only that."
            )
            raise UserError("the link points to no file that is visible here", remedy, where, "missing")
        raise UserError("is not a regular file", "Remove it from the folder of images.", where)


def unique_keys(images: Sequence[str], where: str) -> dict[str, str]:
    """Return {key: image name}; images whose keys are equal are a UserError."""
    found: dict[str, str] = {}
    for name in images:
        key = image_key(name)
        if key in found:
            raise UserError(
                f"{found[key]} and {name} have the same name up to the first dot, {key!r}",
                "Rename one of them: labels and results are found by that name.",
                where,
            )
        found[key] = name
    return found


def label_bytes(path: str) -> bytes:
    """The content of a label file.

    Raises:
        UserError: no file, a folder, or more bytes than a label file ever has.
    """
    remedy = "Point to the label file."
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_LABEL_BYTES + 1)
    except FileNotFoundError:
        raise UserError("there is no such label file", remedy, path, "missing") from None
    except IsADirectoryError:
        raise UserError("is a folder, not a label file", remedy, path) from None
    if len(data) > MAX_LABEL_BYTES:
        raise UserError(f"has more than {MAX_LABEL_BYTES} bytes, which no label file has", remedy, path)
    return data


def read_labels(path: str, classes: int | None = None) -> dict[str, int]:
    """Return {key: label} in the order of the file.

    A line is split at its first blank; blank lines are skipped; LF and CRLF are the same.

    Raises:
        UserError: no file, not text, a line without two fields, a label that is not a number or not in 0..classes-1, a
            duplicate, no line at all; with the number of the line.
    """
    data = label_bytes(path)
    highest = MAX_LABEL if classes is None else classes - 1
    return _plain(data, highest) or _line_by_line(data, highest, path)


def _plain(data: bytes, highest: int) -> dict[str, int] | None:
    """The labels of a file of plain lines only, in a third of the time; None if one of them is of another form."""
    pairs = _PLAIN.findall(data)
    labels = {key.decode("ascii"): int(label) for key, label in pairs}
    if len(labels) != data.count(b"\n") or not data.endswith(b"\n") or max(labels.values(), default=0) > highest:
        return None
    return labels


def refuse_repeated(repeated: Sequence[tuple[int, str]], path: str) -> None:
    """Refuse names that have a label already; line number and name of each.

    Raises:
        UserError: there is one; names the first three.
    """
    if repeated:
        shown = ", ".join(f"{name!r} in line {line}" for line, name in repeated[1:3])
        more = f"; so has {shown}" if shown else ""
        what = f"{repeated[0][1]!r} has a label already, in an earlier line{more}{_rest(repeated)}"
        remedy = "Keep one line per image; names count up to their first dot."
        raise UserError(what, remedy, f"{path}:{repeated[0][0]}")


def refuse_outside(odd: Sequence[tuple[int, str, str]], of: int, bounds: str, remedy: str, path: str) -> None:
    """Refuse labels that are no class; line number, name and label of each.

    Args:
        odd: they.
        of: how many labels the file has.
        bounds: what is wrong with them, as in ``are not in 0..9``.
        remedy: what to do.
        path: the file.

    Raises:
        UserError: there is one; names the first three.
    """
    if odd:
        shown = ", ".join(f"{name!r} has {label} in line {line}" for line, name, label in odd[:3])
        what = f"{len(odd)} of {of} labels {bounds}: {shown}{_rest(odd)}"
        raise UserError(what, remedy, f"{path}:{odd[0][0]}")


def _rest(lines: Sequence[object]) -> str:
    """What an error says of more than three lines."""
    return f", and {len(lines) - 3} more" if len(lines) > 3 else ""


def _line_by_line(data: bytes, highest: int, path: str) -> dict[str, int]:
    labels: dict[str, int] = {}
    repeated: list[tuple[int, str]] = []
    odd: list[tuple[int, str, str]] = []
    number = 0
    try:
        for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            fields = raw.split(None, 1)
            if not fields:
                continue
            key, label = _label_line(fields)
            if key in labels:
                repeated.append((number, key))
            labels[key] = label
            if not 0 <= label <= highest:
                odd.append((number, key, str(label)))
    except UserError as error:
        raise UserError(error.what, error.remedy, f"{path}:{number}") from None
    refuse_repeated(repeated, path)
    remedy = "Number the classes from 0, and check that the labels belong to this model."
    refuse_outside(odd, len(labels), f"are not in 0..{highest}", remedy, path)
    if not labels:
        raise UserError("holds no label", "Point to a file of lines such as 'ILSVRC2012_val_00000001.JPEG 65'.", path)
    return labels


def _label_line(fields: list[bytes]) -> tuple[str, int]:
    form = "Write one 'name label' per line, such as 'ILSVRC2012_val_00000001.JPEG 65'."
    if sum(map(len, fields)) > MAX_LINE_BYTES:
        raise UserError("the line is too long for a name and a label", form)
    try:
        name = fields[0].decode("utf-8")
        text = fields[1].rstrip().decode("utf-8") if len(fields) == 2 else ""
    except UnicodeDecodeError:
        raise UserError("the line is not UTF-8 text", form) from None
    if not text:
        raise UserError(f"the line has no label: {name[:80]!r}", form)
    if not _LABEL.fullmatch(text):
        raise UserError(f"the label is not a whole number: {text[:80]!r}", form)
    key, label = stem(name), int(text)
    if not key:
        raise UserError(f"the name is empty up to its first dot: {name[:80]!r}", form)
    return key, label


def match(images: Sequence[str], labels: Mapping[str, int], where: str, *, subset: bool = False) -> list[int]:
    """The labels of `images`, in their order.

    Args:
        images: names of image files.
        labels: {key: label}.
        where: the folder, for messages.
        subset: labels may have no image.

    Raises:
        UserError: an image without a label, a label without an image, two images with the same key.
    """
    keys = unique_keys(images, where)
    if unknown := [name for key, name in keys.items() if key not in labels]:
        raise UserError(
            f"{len(unknown)} of {len(images)} images have no label: {some(unknown)}",
            "Use the label file of this data set, or remove foreign images.",
            where,
        )
    if not subset and (absent := [key for key in labels if key not in keys]):
        raise UserError(
            f"{len(absent)} of {len(labels)} labels have no image: {some(absent)}",
            "Complete the data set, or use a label file of exactly these images.",
            where,
            "missing",
        )
    return [labels[key] for key in keys]


def check_range(labels: Mapping[str, int], classes: int, where: str) -> None:
    """Refuse labels that are not classes of the model, and say so if they seem to count from 1.

    Raises:
        UserError: the highest is too high; with the first three images that have it.
    """
    highest, lowest = max(labels.values()), min(labels.values())
    if highest < classes:
        return
    odd = [name for name, label in labels.items() if label >= classes]
    what = f"{len(odd)} of {len(labels)} labels are not in 0..{classes - 1}, the highest is {highest}: {some(odd)}"
    if highest == classes and lowest == 1:
        raise UserError(f"{what}; they seem to count from 1", "Write dataset -> first_label: 1 in the recipe.", where)
    raise UserError(what, "Use the labels of this model, or correct model -> classes (kit init --classes).", where)
