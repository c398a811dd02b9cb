"""Parts of files: cut between batches, and their results put together; what does not belong together is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from kit.inside import cut, infer_files, union
from kit.inside.protocol import UserError
from tests.faults.givenfiles import small_model

FILES, BATCH, PARTS = 11, 2, 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("parts")
    small_model(made / "model.onnx")
    (made / "val").mkdir()
    rng = np.random.default_rng(1)
    for number in range(FILES):  # img_10 comes after img_9
        rng.standard_normal((3, 64, 64)).astype(np.float32).tofile(made / "val" / f"img_{number}.bin")
    infer(made, made / "val", "whole")
    for number in range(1, PARTS + 1):
        infer(made, made / "val", f"shard{number}", "--shard", f"{number}/{PARTS}")
    return made


def infer(made: Path, files: Path, out: str, *more: str) -> None:
    inputs = json.dumps([{"folder": str(files), "shape": [3, 64, 64]}])
    form = json.dumps({"format": "npy", "batch_axis": 0, "names": "ais_bench", "dtype": {}})
    words = ["--model", str(made / "model.onnx"), "--inputs", inputs, "--outputs", form, "--batch", str(BATCH)]
    infer_files.main([*words, "--threads", "1", "--out", str(made / out), *more])


def shards(made: Path) -> list[str]:
    return [str(made / f"shard{number}") for number in range(1, PARTS + 1)]


def named(path: Path) -> list[dict[str, list[str]]]:
    """The entries of a summary without their folders."""
    runs = json.loads((path / "result_summary.json").read_bytes())["filesinfo"]
    entries = [runs[str(index)] for index in range(len(runs))]
    return [{key: [Path(name).name for name in names] for key, names in entry.items()} for entry in entries]


def test_the_union_is_one_run(folder: Path, tmp_path: Path) -> None:
    union.main(["--out", str(tmp_path), *shards(folder)])
    results = {path.name: path.read_bytes() for path in (folder / "whole" / "result").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "result").iterdir()} == results
    assert (tmp_path / "infer.json").read_bytes() == (folder / "whole" / "infer.json").read_bytes()
    assert named(tmp_path) == named(folder / "whole")


def test_the_first_batch_is_kept_for_tools_that_measure(folder: Path, tmp_path: Path) -> None:
    infer(folder, folder / "val", str(tmp_path), "--keep-batch")
    first = b"".join((folder / "val" / f"img_{number}.bin").read_bytes() for number in range(BATCH))
    assert (tmp_path / "batch" / "0.bin").read_bytes() == first


def test_a_part_of_the_files_is_whole_batches_in_the_order_of_the_tools(folder: Path, tmp_path: Path) -> None:
    for number in range(1, PARTS + 1):
        words = ["--shard", f"{number}/{PARTS}", "--unit", str(BATCH), "--out", str(tmp_path / str(number))]
        cut.main([*words, f"input0={folder / 'val'}"])
    parts = [sorted(path.name for path in (tmp_path / str(n) / "input0").iterdir()) for n in range(1, PARTS + 1)]
    assert parts == [[f"img_{n}.bin" for n in rows] for rows in ((0, 1, 2, 3), (4, 5, 6, 7), (10, 8, 9))]


def test_a_part_of_a_list_is_numbered_again(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("".join(f"{n} ./prep_bin/{n}.bin 4 4\n" for n in range(5)))
    cut.main(["--shard", "2/2", "--unit", "2", "--list", "--out", str(tmp_path), f"part={tmp_path / 'list'}"])
    assert (tmp_path / "part").read_text() == "0 ./prep_bin/2.bin 4 4\n1 ./prep_bin/3.bin 4 4\n2 ./prep_bin/4.bin 4 4\n"


def test_what_is_no_shard_of_this_run_is_refused(folder: Path, tmp_path: Path) -> None:
    first, second, _ = shards(folder)
    other, empty = tmp_path / "other", tmp_path / "empty"
    shutil.copytree(second, other)
    facts = json.loads((other / "infer.json").read_bytes())
    (other / "infer.json").write_text(json.dumps(facts | {"version": "0.1"}))
    (empty / "result").mkdir(parents=True)
    for number, (given, what) in enumerate(
        (
            ([first, first], "two shards have the result img_0_0.npy"),
            ([first, str(tmp_path / "none")], "there are no results of a shard"),
            ([first, str(empty)], "the shard has no results"),
            ([first, str(other)], "differs from the first shard in version"),
        )
    ):
        with pytest.raises(UserError, match=what):
            union.main(["--out", str(tmp_path / f"out{number}"), *given])
