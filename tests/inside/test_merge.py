"""Shards are one run: the same bytes, the same counts; and what does not belong together is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")

from kit.inside import evaluate, merge, metrics
from kit.inside.protocol import UserError
from kit.inside.shard import Shard
from tests.faults.givenfiles import small_model

IMAGES = 23
PREPROCESS = (
    '{"library": "pillow", "resize": [72, 72], "crop": [64, 64], "scale": 255, "mean": [0, 0, 0], "std": [1, 1, 1]}'
)


@pytest.mark.parametrize(("total", "batch", "parts"), [(23, 4, 3), (50_000, 32, 7), (5, 1, 5), (8, 8, 1), (9, 8, 2)])
def test_shards_are_whole_batches_and_hold_every_image_once(total: int, batch: int, parts: int) -> None:
    found = [Shard(number, parts).rows(total, batch) for number in range(1, parts + 1)]
    assert [row for rows in found for row in rows] == list(range(total))
    assert all(rows.start % batch == 0 for rows in found)
    sizes = [-(-len(rows) // batch) for rows in found]
    assert max(sizes) - min(sizes) <= 1


def test_more_shards_than_batches_are_refused() -> None:
    with pytest.raises(UserError, match="too few for 4 shards"):
        Shard(1, 4).rows(23, 8)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/2/3", "-1/2", "a/b", ""])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is not a shard"):
        Shard.parse(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    made = tmp_path_factory.mktemp("shards")
    example = root / "examples" / "digits"
    lines = (example / "val_label.txt").read_text().splitlines()[:IMAGES]
    (made / "val").mkdir()
    for line in lines:
        shutil.copy(example / "val" / line.split()[0], made / "val")
    (made / "labels.txt").write_text("\n".join(lines) + "\n")
    small_model(made / "model.onnx")
    for number in (1, 2, 3):
        run(made, f"shard{number}", "--shard", f"{number}/3")
    run(made, "whole")
    return made


def run(folder: Path, out: str, *more: str) -> None:
    words = ["--model", str(folder / "model.onnx"), "--images", str(folder / "val"), "--preprocess", PREPROCESS]
    evaluate.main([*words, "--batch", "4", "--workers", "1", "--out", str(folder / out), *more])


def shards(folder: Path) -> list[str]:
    return [str(folder / f"shard{number}") for number in (1, 2, 3)]


def counted(folder: Path, predictions: str, *more: str) -> dict[str, object]:
    out = folder / f"{predictions}-metrics"
    words = ["--predictions", str(folder / predictions), "--labels", str(folder / "labels.txt"), "--out", str(out)]
    metrics.main([*words, *more])
    tree: dict[str, object] = json.loads((out / "metrics.json").read_bytes())
    return tree


@pytest.mark.slow
def test_the_union_is_byte_for_byte_one_run(folder: Path) -> None:
    merge.main(["--out", str(folder / "merged"), *shards(folder)])
    for name in ("predictions.npy", "scores.npy", "images.txt"):
        assert (folder / "merged" / name).read_bytes() == (folder / "whole" / name).read_bytes(), name
    assert counted(folder, "merged") == counted(folder, "whole")


@pytest.mark.slow
def test_counts_of_the_shards_add_up_to_those_of_all(folder: Path) -> None:
    whole = counted(folder, "whole")
    parts = [counted(folder, f"shard{number}", "--subset") for number in (1, 2, 3)]
    assert whole["n"] == sum(int(str(one["n"])) for one in parts)
    assert whole["correct"] == [sum(hits) for hits in zip(*(one["correct"] for one in parts), strict=True)]


def test_a_shard_that_lacks_or_comes_twice_is_refused(folder: Path, tmp_path: Path) -> None:
    first, second, third = shards(folder)
    for given, what in (
        ([first, second], "the shards hold 16 images, and the data set 23"),
        ([first, third], "begins at image 16, and the shards before it end at 8"),
        ([first, first, second, third], "begins at image 0"),
        ([first, str(folder / "whole"), third], "is not a result of a shard"),
        ([first, str(tmp_path)], "there is no such result"),
    ):
        with pytest.raises(UserError, match=what):
            merge.main(["--out", str(tmp_path / "out"), *given])


def test_a_shard_of_another_engine_or_with_cut_files_is_refused(folder: Path, tmp_path: Path) -> None:
    first, second, third = shards(folder)
    other = tmp_path / "other"
    shutil.copytree(second, other)
    facts = json.loads((other / "evaluate.json").read_bytes())
    facts["versions"]["ONNX Runtime"] = "0.1"
    (other / "evaluate.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="differs from the first shard in versions"):
        merge.main(["--out", str(tmp_path / "out"), first, str(other), third])
    shutil.copy(Path(second) / "evaluate.json", other)
    (other / "scores.npy").write_bytes((Path(second) / "scores.npy").read_bytes()[:-4])
    with pytest.raises(UserError, match="is not an array"):
        merge.main(["--out", str(tmp_path / "out"), first, str(other), third])
    shutil.copy(Path(third) / "scores.npy", other)
    with pytest.raises(UserError, match="rows are expected"):
        merge.main(["--out", str(tmp_path / "out"), first, str(other), third])
