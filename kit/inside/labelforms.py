"""Label files of every form that data sets come with, as {key of the image: number of its class, from 0}.

Read by the host before anything runs, so this module imports nothing heavy.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .labels import (
    MAX_LABEL,
    image_key,
    label_bytes,
    read_labels,
    refuse_outside,
    refuse_repeated,
    some,
    stem,
    unique_keys,
)
from .protocol import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ClassNames", "folder_labels", "labels_of", "read_classes", "sniff_form"]

_IMAGE_COLUMNS = ("image", "imageid", "image_id", "filename", "file_name", "file", "name", "path", "id")
_LABEL_COLUMNS = ("label", "class", "class_id", "classid", "category", "target", "label_id", "predictionstring", "y")
_DELIMITERS = ",;\t"


class ClassNames:
    """Names of the classes in the model's order, one per line, which may begin with a WordNet id and hold synonyms."""

    def __init__(self, lines: Sequence[str], where: str) -> None:
        self.where = where
        self._numbers: dict[str, int] = {}
        for number, line in enumerate(lines):
            first, _, rest = line.partition(" ")
            names = [line, first if _is_wordnet(first) else "", *(rest if _is_wordnet(first) else line).split(",")]
            for name in names:
                self._numbers.setdefault(name.strip().casefold(), number)

    def number(self, name: str) -> int | None:
        """Number of a class, by its name, one of its synonyms or its WordNet id."""
        return self._numbers.get(name.strip().casefold())


def _is_wordnet(text: str) -> bool:
    return len(text) == 9 and text[0] == "n" and text[1:].isdigit()


@dataclass(frozen=True)
class _Rule:
    """How the text of a label becomes a number from 0; one below the first label becomes a negative one."""

    first_label: int
    classes: ClassNames | None

    def number(self, text: str, where: str) -> int:
        text = text.strip()
        if text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 18:
            if int(text) <= MAX_LABEL:
                return int(text) - self.first_label
            raise UserError(f"the label {text} is not in the range of classes", _RANGE, where)
        found = self.classes.number(text) if self.classes else None
        if found is None:
            known = f"not a class of {self.classes.where}" if self.classes else "not a whole number"
            remedy = "Name the file of the classes' names under dataset -> classes of the recipe."
            raise UserError(f"the label {text[:80]!r} is {known}", remedy, where)
        return found


_RANGE = "Number the classes from 0, or write dataset -> first_label of the recipe."


def read_classes(path: str) -> ClassNames:
    """The names of the classes.

    Raises:
        UserError: no file, not text, a name that occurs twice.
    """
    lines = [line.strip() for line in _text(path).splitlines() if line.strip()]
    if not lines:
        raise UserError("names no class", "Give one name per line, in the order of the model's output.", path)
    if doubled := [line for line in lines if lines.count(line) > 1][:1] if len(lines) < 20000 else []:
        raise UserError(f"names {doubled[0][:80]!r} twice", "Name each class once.", path)
    return ClassNames(lines, path)


def sniff_form(text: str, path: str) -> str:
    """The form of a label file, by its first lines: ``list``, ``csv``, ``loc``, ``ilsvrc`` or ``coco``."""
    if path.lower().endswith(".json") or text.lstrip()[:1] in {"{", "["}:
        return "coco"
    lines = [line.strip() for line in text[:65536].splitlines()[:50] if line.strip()]
    first = lines[0] if lines else ""
    if first.replace(" ", "").lower() == "imageid,predictionstring":
        return "loc"
    if lines and all(line.isascii() and line.isdigit() for line in lines):
        return "ilsvrc"
    return "csv" if any(mark in first for mark in _DELIMITERS) else "list"


def labels_of(
    path: str,
    names: Sequence[str],
    *,
    form: str = "auto",
    first_label: int = 0,
    classes: ClassNames | None = None,
    synsets: str | None = None,
) -> dict[str, int]:
    """The labels of a file, in its order.

    Args:
        path: the label file.
        names: the images, sorted: ``a.jpg``, or ``class/a.jpg``.
        form: as in the recipe.
        first_label: number of the first class in the file.
        classes: names of the classes, where labels are names.
        synsets: file of WordNet ids in the order of the numbers of an ILSVRC ground truth; the model's classes are
            then the sorted ids.

    Raises:
        UserError: not of that form; a label that is not a class, or an image twice, with the number of the line.
    """
    text = ""
    if form == "auto":
        text = _text(path)
        form = sniff_form(text, path)
    if form == "list" and not first_label and classes is None:
        return read_labels(path)
    text = text or _text(path)
    rule = _Rule(first_label, classes)
    if form == "ilsvrc":
        return _ground_truth(text, path, names, first_label, synsets)
    if form == "list":
        pairs = [
            (number, *_halves(line, f"{path}:{number}"))
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip()
        ]
        return _collected(pairs, path, names, rule)
    if form in {"csv", "loc"}:
        rows = _rows(text, path)
        if form == "loc":
            if classes is None:
                remedy = "Name LOC_synset_mapping.txt of the same archive under dataset -> classes of the recipe."
                raise UserError("labels are WordNet ids, and their order is not known", remedy, path)
            rows = [(number, name, label.split(" ")[0]) for number, name, label in rows]
        return _collected(rows, path, names, rule)
    remedy = "Use a task that reads annotations, such as task: detection, or give a file of `name label` lines."
    raise UserError("holds annotations as JSON, and classification needs one class per image", remedy, path)


def _halves(line: str, where: str) -> tuple[str, str]:
    fields = line.split(None, 1)
    if len(fields) != 2:
        raise UserError(f"the line has no label: {line[:80]!r}", "Write one 'name label' per line.", where)
    return fields[0], fields[1]


def _rows(text: str, path: str) -> list[tuple[int, str, str]]:
    """Line number, image and label of each row of a CSV file; a header is recognised and skipped."""
    first = text.lstrip().splitlines()[0] if text.strip() else ""
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise UserError(f"is not valid CSV: {error}", "Correct the file.", path) from None
    if not rows:
        raise UserError("holds no label", "Point to the label file.", path)
    head = [cell.strip().lower() for cell in rows[0][1]]
    image, label = 0, 1
    known = [cell for cell in head if cell in _IMAGE_COLUMNS + _LABEL_COLUMNS]
    if known:
        rows = rows[1:]
        image = next((head.index(name) for name in _IMAGE_COLUMNS if name in head), 0)
        others = [place for place in range(len(head)) if place != image]
        label = next((head.index(name) for name in _LABEL_COLUMNS if name in head), others[0] if others else 1)
    found = []
    for number, row in rows:
        if len(row) <= max(image, label):
            what = f"the row has {len(row)} columns, and image and label are columns {image + 1} and {label + 1}"
            raise UserError(what, "Correct the row.", f"{path}:{number}")
        found.append((number, row[image].strip(), row[label].strip()))
    return found


def _collected(rows: Sequence[tuple[int, str, str]], path: str, names: Sequence[str], rule: _Rule) -> dict[str, int]:
    keys = _keys(names)
    labels: dict[str, int] = {}
    repeated, below = [], []
    for line, name, text in rows:
        where = f"{path}:{line}"
        key = keys.get(image_key(name)) or keys.get(stem(name)) or stem(name)
        if not key:
            raise UserError(f"the name is empty up to its first dot: {name[:80]!r}", "Correct the row.", where)
        number = rule.number(text, where)
        if key in labels:
            repeated.append((line, name))
        if number < 0:
            below.append((line, name, text.strip()))
        labels[key] = number
    refuse_repeated(repeated, path)
    refuse_outside(below, len(labels), f"are below the first, {rule.first_label}", _RANGE, path)
    if not labels:
        raise UserError("holds no label", "Point to the label file.", path)
    return labels


def _keys(names: Sequence[str]) -> Mapping[str, str]:
    """The key of an image by each name that a label file may use: with its folder or, where unambiguous, without."""
    found: dict[str, str] = {}
    doubled = set()
    for name in names:
        key, short = image_key(name), stem(name)
        if short in found and found[short] != key:
            doubled.add(short)
        found.setdefault(short, key)
    for short in doubled:
        del found[short]
    return found | {image_key(name): image_key(name) for name in names}


def _ground_truth(text: str, path: str, names: Sequence[str], first_label: int, synsets: str | None) -> dict[str, int]:
    """One label per line, for the images in the order of their names."""
    lines = text.split()
    if len(lines) != len(names):
        what = f"has {len(lines)} labels for {len(names)} images, and they are matched by their order"
        raise UserError(what, "Complete the data set, or use the ground truth of just these images.", path)
    order: list[str] = []
    if synsets:
        order = [line.split()[0] for line in _text(synsets).splitlines() if line.strip()]
        first_label = first_label or 1  # the archive counts from 1
    ranks = {name: rank for rank, name in enumerate(sorted(order))}
    labels, odd = {}, []
    for number, (name, word) in enumerate(zip(names, lines, strict=True), 1):
        if not word.isascii() or not word.isdigit() or len(word) > 9:
            raise UserError(f"the label is not a whole number: {word[:80]!r}", "Correct the line.", f"{path}:{number}")
        value = int(word) - first_label
        if value < 0 or (order and value >= len(order)):
            odd.append((number, name, word))
        else:
            labels[image_key(name)] = ranks[order[value]] if order else value
    bounds = f"are not in {first_label}..{first_label + len(order) - 1}" if order else f"are below {first_label}"
    refuse_outside(odd, len(lines), bounds, _RANGE, path)
    unique_keys(names, path)
    return labels


def folder_labels(names: Sequence[str], classes: ClassNames | None, where: str) -> dict[str, int]:
    """Labels of images that are in one subfolder per class: its place in `classes`, or its rank among the names.

    Raises:
        UserError: a subfolder that is not a class.
    """
    folders = sorted({name.split("/", 1)[0] for name in names})
    numbers = dict(zip(folders, range(len(folders)), strict=True))
    if classes is not None:
        found = {folder: classes.number(folder) for folder in folders}
        if unknown := [folder for folder, number in found.items() if number is None]:
            what = f"{len(unknown)} of {len(folders)} subfolders are not classes of {classes.where}: {some(unknown)}"
            raise UserError(what, "Name the subfolders as the classes, or correct the file of classes.", where)
        numbers = {folder: number for folder, number in found.items() if number is not None}
    return {image_key(name): numbers[name.split("/", 1)[0]] for name in names}


def _text(path: str) -> str:
    try:
        return label_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("is not UTF-8 text", "Point to the label file.", path) from None
