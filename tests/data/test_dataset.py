"""Data sets as they come: every form of labels gives the same numbers, and what does not fit is told before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.data.presence import check_dataset, prepare_labels, read_dataset
from kit.errors import InvalidInputError, KitError, MissingError
from kit.recipe.dataset import Dataset

NAMES = ("a.jpg", "b.PNG", "c.webp", "d.tif")
LABELS = {"a": 2, "b": 0, "c": 1, "d": 2}
CLASSES = "n00000001 cat, house cat\nn00000002 dog\nn00000003 red panda, lesser panda\n"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "val"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(b"")
    (folder / "._a.jpg").write_bytes(b"of a Mac archive")
    (folder / "notes.txt").write_text("not an image")
    return folder


def dataset(**changes: Any) -> Dataset:
    return Dataset.model_validate({"name": "toy", "images": "val", "labels": "labels.txt", "count": 4, **changes})


def labels(images: Path, text: str, name: str = "labels.txt") -> Path:
    path = images.parent / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("a.jpg 2\nb.PNG 0\nc.webp 1\nd.tif 2\n", {}),
        ("a.jpg 3\nb.PNG 1\nc.webp 2\nd.tif 3\n", {"first_label": 1}),
        ("val/a.jpg,2\nval/b.PNG,0\nval/c.webp,1\nval/d.tif,2\n", {}),
        ("image,label\na,2\nb,0\nc,1\nd,2\n", {}),
        ("label;split;filename\n2;val;a.jpg\n0;val;b.PNG\n1;val;c.webp\n2;val;d.tif\n", {}),
        ("\ufefffile\tclass\r\na.jpg\t3\r\nb.PNG\t1\r\nc.webp\t2\r\nd.tif\t3\r\n", {"first_label": 1}),
        ("a.jpg,red panda\nb.PNG,Cat\nc.webp,dog\nd.tif,lesser panda\n", {"classes": "classes.txt"}),
        ("a.jpg red panda\nb.PNG cat\nc.webp dog\nd.tif red panda\n", {"classes": "classes.txt"}),
        ("2\n0\n1\n2\n", {}),
        ("1\n3\n2\n1\n", {"synsets": "synsets.txt"}),
        (
            "ImageId,PredictionString\na,n00000003 1 2 n00000003 5\nb,n00000001 1 2\nc,n00000002 1\nd,n00000003 1\n",
            {"classes": "classes.txt"},
        ),
    ],
)
def test_every_form_gives_the_same_labels(images: Path, text: str, changes: dict[str, Any]) -> None:
    path = labels(images, text)
    labels(images, CLASSES, "classes.txt")
    labels(images, "n00000003 panda\nn00000002 dog\nn00000001 cat\n", "synsets.txt")
    recipe = dataset(**changes)
    assert read_dataset(recipe, images, path)[1] == LABELS
    check_dataset(recipe, images, path, classes=3)
    made = prepare_labels(recipe, images, path, images.parent / "store")
    assert {line.split()[0].split(".")[0]: int(line.split()[1]) for line in made.read_text().splitlines()} == LABELS


def test_a_file_that_steps_read_as_it_is_stays_where_it_is(images: Path) -> None:
    path = labels(images, "a.jpg 2\nb.PNG 0\nc.webp 1\nd.tif 2\n")
    assert prepare_labels(dataset(), images, path, images.parent / "store") == path


def test_class_folders(tmp_path: Path) -> None:
    for name in ("dog/1.jpg", "cat/1.jpg", "cat/2.jpg", "cat/._2.jpg"):
        path = tmp_path / "val" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    recipe = dataset(layout="folders", labels=None, count=3)
    images = tmp_path / "val"
    check_dataset(recipe, images, images, classes=2)
    made = prepare_labels(recipe, images, images, tmp_path / "store")
    assert made.read_text() == "cat__1 0\ncat__2 0\ndog__1 1\n"
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    named = dataset(layout="folders", labels=None, count=3, classes=str(tmp_path / "classes.txt"))
    assert read_dataset(named, images, images)[1] == {"cat__1": 1, "cat__2": 1, "dog__1": 0}
    (tmp_path / "classes.txt").write_text("dog\nhorse\n")
    with pytest.raises(InvalidInputError, match="1 of 2 subfolders are not classes of .*: cat"):
        read_dataset(named, images, images)
    (tmp_path / "list.csv").write_text("cat/1.jpg,1\ncat/2.jpg,1\ndog/1.jpg,0\n")
    assert read_dataset(dataset(layout="folders", count=3), images, tmp_path / "list.csv")[1]["dog__1"] == 0


@pytest.mark.parametrize(
    ("text", "changes", "what"),
    [
        (
            "a.jpg 3\nb.PNG 1\nc.webp 2\nd.tif 3\n",
            {},
            "2 of 4 labels are not in 0..2, the highest is 3: a, d; they seem to",
        ),
        ("a.jpg 9\nb.PNG 0\nc.webp 1\nd.tif 2\n", {}, "1 of 4 labels are not in 0..2, the highest is 9: a"),
        ("a.jpg 2\nb.PNG 0\nc.webp 1\n", {}, "1 of 4 images have no label: d.tif"),
        ("a.jpg 2\nb.PNG 0\nc.webp 1\nd.tif 2\ne.jpg 1\n", {}, "1 of 5 labels have no image: e"),
        ("a.jpg 2\na.jpg 0\nc.webp 1\nd.tif 2\n", {}, "'a' has a label already"),
        (
            "a.jpg 2\na.jpg 0\na.jpg 2\nc.webp 1\nc.webp 1\nc.webp 1\n",
            {},
            "line; so has 'a' in line 3, 'c' in line 5, and 1 more",
        ),
        ("a.jpg,2\na.jpg,0\nc.webp,1\nd.tif,2\n", {}, "'a.jpg' has a label already"),
        ("x.jpg 2\ny.jpg 0\nz.jpg 1\nw.jpg 2\n", {}, "4 of 4 images have no label: a.jpg, b.PNG, c.webp and 1 more"),
        ("a.jpg,cat\nb.PNG,dog\nc.webp,cat\nd.tif,dog\n", {}, "the label 'cat' is not a whole number"),
        ("a.jpg,horse\nb.PNG,dog\n", {"classes": "classes.txt"}, "the label 'horse' is not a class of"),
        ("2\n0\n1\n", {}, "has 3 labels for 4 images"),
        ("a.jpg,0\nb.PNG\n", {}, "the row has 1 columns"),
        (
            "a.jpg 0\nb.PNG 1\nc.webp 1\nd.tif 1\n",
            {"first_label": 1},
            "1 of 4 labels are below the first, 1: 'a.jpg' has",
        ),
        ("a,2\nb,-1\nc,-2\nd,-3\n", {}, "3 of 4 labels are below the first, 0: 'b' has -1 in line 2, 'c' has -2 in li"),
        ("a.jpg -1\nb.PNG 1\nc.webp -1\nd.tif 1\n", {}, "2 of 4 labels are not in 0..2147483647: 'a' has -1 in li"),
        ("0\n1\n1\n0\n", {"labels_form": "ilsvrc", "first_label": 1}, "2 of 4 labels are below 1: 'a.jpg' has 0"),
        ("ImageId,PredictionString\na,n00000003 1 2 3 4\n", {}, "labels are WordNet ids"),
    ],
)
def test_labels_that_do_not_fit(images: Path, text: str, changes: dict[str, Any], what: str) -> None:
    path = labels(images, text)
    labels(images, CLASSES, "classes.txt")
    with pytest.raises(KitError) as caught:
        check_dataset(dataset(**changes), images, path, classes=3)
    assert what in caught.value.what
    assert caught.value.remedy
    if what.endswith("they"):
        assert "first_label: 1" in caught.value.remedy


def test_another_number_of_images_names_what_was_not_counted(images: Path) -> None:
    path = labels(images, "a.jpg 2\n")
    (images / "e.gif").write_bytes(b"GIF89a")
    with pytest.raises(InvalidInputError) as caught:
        check_dataset(dataset(count=5), images, path)
    assert caught.value.what == (
        "the data set toy has 4 images, the recipe says 5; not counted are 1 files of other formats (e.gif)"
    )


def test_what_is_not_there(tmp_path: Path, images: Path) -> None:
    with pytest.raises(MissingError, match="no labels of the data set toy"):
        check_dataset(dataset(), images, tmp_path / "labels.txt")
    with pytest.raises(MissingError, match="no images of the data set toy"):
        check_dataset(dataset(), tmp_path / "nowhere", labels(images, "a 1\n"))
