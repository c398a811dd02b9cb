"""mIoU: what a direct count over all pixels gives, with a label that is left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kit.inside.protocol import UserError
from kit.inside.segmentation import main


def write(folder: Path, *, classes: int = 4) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Eight masks with a border of 255, and scores that are right in most pixels; the last class is nowhere."""
    random = np.random.default_rng(0)
    for name in ("result", "masks"):
        (folder / name).mkdir()
    truths, founds = [], []
    for number in range(8):
        truth = random.integers(0, classes - 1, (12, 16)).astype(np.uint8)
        truth[0] = 255
        scores = random.normal(0, 0.5, (classes, 12, 16)).astype(np.float32)
        scores[classes - 1] -= 9
        np.put_along_axis(scores, np.minimum(truth, classes - 2)[None].astype(np.int64), 1.0, axis=0)
        Image.fromarray(truth).save(folder / "masks" / f"{number}.png")
        np.save(folder / "result" / f"{number}_0.npy", scores[None])
        truths.append(truth)
        founds.append(scores.argmax(axis=0))
    words = ["--results", str(folder / "result"), "--masks", str(folder / "masks"), "--classes", str(classes)]
    return [*words, "--out", str(folder)], np.stack(truths), np.stack(founds)


def test_it_equals_a_direct_count(tmp_path: Path) -> None:
    words, truth, found = write(tmp_path)
    main(words)
    counted = truth != 255
    ious = []
    for one in range(4):
        both = np.sum((truth == one) & (found == one) & counted)
        either = np.sum(((truth == one) | (found == one)) & counted)
        ious += [both / either] if either else []
    tree = json.loads((tmp_path / "metrics.json").read_text())
    values = {one["name"]: one for one in tree["metrics"]}
    assert values["mIoU"]["value"] == pytest.approx(np.mean(ious), rel=1e-12)
    assert values["aAcc"]["value"] == pytest.approx(np.mean(truth[counted] == found[counted]), rel=1e-12)
    assert len(ious) == 3 and tree["iou"][3] is None
    low, high = values["mIoU"]["interval"]
    assert low < values["mIoU"]["value"] < high and values["mIoU"]["samples"] == 8


def values(folder: Path) -> dict[str, float]:
    return {one["name"]: one["value"] for one in json.loads((folder / "metrics.json").read_text())["metrics"]}


def test_the_forms_of_outputs_and_masks_give_the_same(tmp_path: Path) -> None:
    """Classes chosen inside the graph as int64, masks with a palette that count from 1, and both."""
    words, truth, found = write(tmp_path)
    main(words)
    wanted = values(tmp_path)
    for number in range(8):
        np.save(tmp_path / "result" / f"{number}_0.npy", found[number][None, None].astype(np.int64))
        mask = Image.fromarray(np.where(truth[number] == 255, 0, truth[number] + 1).astype(np.uint8), mode="P")
        mask.putpalette([value for one in range(256) for value in (one, 255 - one, 7)])
        mask.save(tmp_path / "masks" / f"{number}.png")
    main([*words, "--first-label", "1"])
    assert values(tmp_path) == wanted


def test_one_score_of_two_classes_needs_a_threshold(tmp_path: Path) -> None:
    words, truth, _ = write(tmp_path)
    words[words.index("--classes") + 1] = "2"
    for number in range(8):
        two = np.where(truth[number] == 255, 255, truth[number] % 2).astype(np.uint8)
        Image.fromarray(two).save(tmp_path / "masks" / f"{number}.png")
        np.save(tmp_path / "result" / f"{number}_0.npy", (0.1 + 0.5 * (two == 1))[None, None].astype(np.float32))
    with pytest.raises(UserError, match="neither a class nor 2 scores a pixel") as caught:
        main(words)
    assert "threshold" in caught.value.remedy
    main([*words, "--threshold", "0.5"])
    assert values(tmp_path) == {"mIoU": 1.0, "aAcc": 1.0}


def test_scores_are_enlarged_as_pytorch_does(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is in the extra 'exporter'")
    words, truth, _ = write(tmp_path)
    small = np.random.default_rng(1).normal(size=(8, 4, 3, 5)).astype(np.float32)
    for number in range(8):
        np.save(tmp_path / "result" / f"{number}_0.npy", small[number][None])
    large = torch.nn.functional.interpolate(torch.from_numpy(small), (12, 16), mode="bilinear").numpy().argmax(axis=1)
    main([*words, "--enlarge", "bilinear"])
    assert values(tmp_path)["aAcc"] == pytest.approx((large == truth)[truth != 255].mean(), abs=1e-12)


def test_what_cannot_be_counted(tmp_path: Path) -> None:
    words, _, _ = write(tmp_path)
    mask = np.full((12, 16), 9, np.uint8)
    Image.fromarray(mask).save(tmp_path / "masks" / "3.png")
    with pytest.raises(UserError, match="the mask has the class 9"):
        main(words)
    Image.fromarray(np.zeros((12, 16), np.uint8)).save(tmp_path / "masks" / "3.png")
    np.save(tmp_path / "result" / "3_0.npy", np.zeros((7, 12, 16), np.float32))
    with pytest.raises(UserError, match="neither a class nor 4 scores"):
        main(words)
