"""Weights and data set that the command line gives: digests, counts, forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kit.data.presence import inside_errors
from kit.data.referenced import referenced_files
from kit.errors import InvalidInputError, MissingError
from kit.inside.labelforms import ClassNames, folder_labels, labels_of, read_classes
from kit.inside.labels import check_range, list_images, match
from kit.inside.mistaken import mistaken_for
from kit.newrecipe.draft import Draft
from kit.newrecipe.wishes import Wishes, relative
from kit.storage.digests import digest_file
from kit.storage.files import os_errors
from kit.storage.inputs import absent

__all__ = ["add_dataset", "add_weights", "weights_entry"]


def add_weights(draft: Draft, wishes: Wishes) -> None:
    """The checkpoint with its digest, and which of its sets of weights.

    Raises:
        KitError: no such file, or not the file itself.
    """
    if "weights" in draft.settings:
        return
    if wishes.weights is None:
        draft.open.append("weights: the checkpoint and its digest (--weights FILE computes it)")
        return
    entry = weights_entry(wishes.weights, wishes.out)
    sets = _sets(wishes.weights)
    if len(sets) > 1:
        entry["set"] = sets[0]
        draft.remarks["weights.set"] = f"of {', '.join(sets)}"
        draft.open.append(f"weights -> set: {sets[0]} is the first of {', '.join(sets)}")
    draft.settings["weights"] = entry


def _sets(weights: Path) -> list[str]:
    """Sets of weights in a checkpoint, where PyTorch is installed here to read it; otherwise none."""
    from importlib.util import find_spec

    if find_spec("torch") is None or find_spec("timm") is None:
        return []
    from kit.containers.images import BuildOptions
    from kit.execution.lookup import look_up
    from kit.execution.progress import choose

    progress = choose(as_json=False, verbose=False)
    return list(look_up(("--weights", "{in:weights}"), weights, BuildOptions(), progress)["sets"])


def weights_entry(path: Path, out: Path) -> dict[str, Any]:
    """``path`` as seen from the recipe's folder `out`, and ``sha256``.

    Raises:
        MissingError: no such file, or one that it refers to is not next to it.
        InvalidInputError: a web page, a Git LFS pointer or an empty file is in its place.
    """
    if not path.is_file():
        index = next(iter(sorted(path.glob("*.index.json"))), None)
        remedy = f"give the index of its shards, {index}" if index else "check the path"
        raise absent("there are no weights", path, remedy)
    with path.open("rb") as file:
        found = mistaken_for(file.read(512))
    if found:
        raise InvalidInputError(f"this is {found[0]}, not the file itself", where=str(path), remedy=found[1])
    referenced_files(path)
    return {"path": relative(path, out), "sha256": digest_file(path, md5=False).sha256}


def add_dataset(draft: Draft, wishes: Wishes, *, samples: int | None = None) -> None:
    """Images, labels and their number; with `samples`, files of any kind that only the users' programs read.

    Raises:
        KitError: no such folder, or images and labels that do not fit.
    """
    scripts = samples is not None
    if wishes.images is None:
        what = "the data set's folder" if scripts else "images, labels"
        flags = "--images DIR" if scripts else "--images DIR --labels FILE"
        draft.open.append(f"dataset: {what} and their number ({flags})")
        draft.lines["dataset"] = [
            "name: NAME",
            "images: DIR",
            *([] if scripts else ["labels: FILE # lines of `name label`, CSV, ...: docs/first-model.md"]),
            "count: 1000 # images that a complete run has",
        ]
        return
    if samples is not None:
        if not wishes.images.is_dir():
            raise MissingError("there is no such folder", where=str(wishes.images), remedy="check --images")
        entry: dict[str, Any] = {"name": wishes.images.resolve().name, "images": relative(wishes.images, wishes.out)}
        draft.settings["dataset"] = entry | {"count": max(1, samples)}
        known = f"{samples} seem to be there" if samples else "1 is none: the first run stops and names the number"
        draft.open.append(f"dataset -> count: how many samples the preprocessing must write; {known}")
        return
    _add_images(draft, wishes, wishes.images)


def _add_images(draft: Draft, wishes: Wishes, images: Path) -> None:
    try:
        with os_errors(images), inside_errors():
            names, layout = list_images(str(images)), "flat"
    except InvalidInputError:
        with inside_errors():
            names, layout = list_images(str(images), "folders"), "folders"
    entry: dict[str, Any] = {"name": images.resolve().name, "images": relative(images, wishes.out)}
    if layout == "folders":
        entry["layout"] = layout
    if "task" in {*draft.settings, *draft.lines}:
        if wishes.labels is None:
            draft.open.append("dataset -> labels: COCO annotations, or the folder of masks (--labels)")
        else:
            entry["labels"] = relative(wishes.labels, wishes.out)
        draft.settings["dataset"] = entry | {"count": len(names)}
        return
    classes: ClassNames | None = None
    if wishes.class_names:
        with inside_errors():
            classes = read_classes(str(wishes.class_names))
        entry["classes"] = str(wishes.class_names.resolve())
    if wishes.labels:
        entry["labels"] = relative(wishes.labels, wishes.out)
        with os_errors(wishes.labels), inside_errors():
            found = labels_of(str(wishes.labels), names, classes=classes)
            match(names, found, str(images))
        if min(found.values()) >= 1 and max(found.values()) == draft.settings["model"]["classes"]:
            entry["first_label"] = 1
            draft.remarks["dataset.first_label"] = "no label is 0, so the file seems to count from 1"
        elif not any(one.startswith("model -> classes") for one in draft.open):  # else their number is a guess
            with inside_errors():
                check_range(found, draft.settings["model"]["classes"], str(wishes.labels))
        elif max(found.values()) >= draft.settings["model"]["classes"]:
            draft.open.append(f"model -> classes: there are labels up to {max(found.values())}")
    elif layout == "folders":
        with inside_errors():
            found = folder_labels(names, classes, str(images))
        known = len(set(found.values()))
        if known > draft.settings["model"]["classes"]:
            draft.open.append(f"model -> classes: there are {known} folders of classes")
    else:
        draft.open.append("dataset -> labels: the label file (--labels)")
    draft.settings["dataset"] = entry | {"count": len(names)}
