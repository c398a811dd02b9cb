"""Top1 to Top5 against the published script's arithmetic, written plainly here; folders as people really have them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kit.inside.metrics import count_results, counting, vision_metric
from kit.inside.protocol import UserError
from kit.inside.results import ResultReader, parse_fixed, parse_text

COUNT, CLASSES = 150, 23
Write = Callable[..., Path]


def text(row: Any) -> bytes:
    """One line, six decimals, a blank after each number: as the vendor's benchmark writes."""
    return "".join(f"{value:f} " for value in row).encode() + b"\n"


def write(folder: Path, form: str, scores: Any, suffix: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    for number, row in enumerate(scores):
        path = folder / f"ILSVRC2012_val_{number + 1:08d}_{suffix}.{form}"
        if form == "txt":
            path.write_bytes(text(row))
        elif form == "bin":
            path.write_bytes(row.astype("<f4").tobytes())
        else:
            np.save(path, row[None])
    return folder


def published(folder: Path, labels: Path) -> list[str]:
    """What the published script prints: TopK in percent, cumulative; text only, first line only, every file."""
    truth = {line.split(" ")[0].split(".")[0]: line.split(" ")[1].strip() for line in labels.read_text().splitlines()}
    hits = [0] * 5
    names = [path.name for path in folder.iterdir()]
    for name in names:
        key = name.split(".")[0]
        key = key[: key.rfind("_")]
        tokens = (folder / name).read_text().split("\n")[0].strip().split(" ")
        scores = np.zeros(len(tokens), dtype=np.float32)
        for place, token in enumerate(tokens):
            scores[place] = np.float32(token)
        real = int(truth[key]) + (1 if len(tokens) == 1001 else 0)
        order = np.argsort(-scores)[:5]
        for place, found in enumerate(order):
            if found == real:
                hits[place] += 1
    return [f"{round(value / len(names) * 100, 2)}%" for value in np.cumsum(hits).tolist()]


@pytest.fixture
def scores() -> NDArray[np.float32]:
    return np.random.default_rng(5).normal(0, 4, (COUNT, CLASSES)).astype(np.float32)


@pytest.fixture
def labels(tmp_path: Path, scores: NDArray[np.float32]) -> Path:
    """Labels that are the 1st to 8th best class, so that every TopK differs."""
    order = np.argsort(-scores, axis=1)
    path = tmp_path / "val_label.txt"
    path.write_text(
        "".join(f"ILSVRC2012_val_{number + 1:08d}.JPEG {order[number, number * 7 % 8]}\n" for number in range(COUNT))
    )
    return path


def counted(program: Any, tmp_path: Path, *arguments: object) -> dict[str, Any]:
    done = program("metrics", *arguments, "--labels", "val_label.txt", "--out", "out")
    assert done.code == 0, done.out + done.err
    result: dict[str, Any] = json.loads((tmp_path / "out" / "metrics.json").read_text())
    return result


def refused(program: Any, *arguments: object) -> dict[str, Any]:
    done = program("metrics", *arguments, "--labels", "val_label.txt", "--out", "out")
    assert done.code == 64, done.out + done.err
    assert "Traceback" not in done.err
    error: dict[str, Any] = done.error
    return error


@pytest.mark.parametrize("form", ["txt", "bin", "npy"])
def test_counts_are_the_published_ones(
    program: Any, tmp_path: Path, labels: Path, scores: NDArray[np.float32], form: str
) -> None:
    reference = published(write(tmp_path / "reference", "txt", scores), labels)
    write(tmp_path / "results", form, scores)
    found = counted(
        program, tmp_path, "--results", "results", "--format", form, "--classes", CLASSES, "--suffix", 1,
        "--vision-metric", "vision.json",
    )  # fmt: skip
    assert (found["n"], found["classes"], found["ties"], found["nan"]) == (COUNT, CLASSES, 0, 0)
    assert found["correct"] == sorted(found["correct"])
    assert found["correct"][0] < found["correct"][4] < COUNT
    printed = json.loads((tmp_path / "vision.json").read_text())
    assert printed["title"] == "Overall statistical evaluation"
    assert [entry["key"] for entry in printed["value"]] == [
        "Number of images", "Number of classes", *(f"Top{k} accuracy" for k in range(1, 6))
    ]  # fmt: skip
    assert [entry["value"] for entry in printed["value"]] == [str(COUNT), str(CLASSES), *reference]


def test_percentages_are_printed_as_python_rounds() -> None:
    from kit.inside.metrics import Counts

    printed = vision_metric(Counts(1000, 50000, [38685, 43550, 45305, 46210, 50000]))
    assert [entry["value"] for entry in printed["value"][2:]] == ["77.37%", "87.1%", "90.61%", "92.42%", "100.0%"]


def test_predictions_of_the_cpu(program: Any, images: Path, make_model: Callable[..., Path], tmp_path: Path) -> None:
    preprocess = '{"resize": [36, 36], "crop": [32, 32]}'
    done = program("evaluate", "--model", make_model(), "--images", images, "--preprocess", preprocess, "--out", "run")
    assert done.code == 0
    best = np.load(tmp_path / "run" / "predictions.npy")
    names = (tmp_path / "run" / "images.txt").read_text().splitlines()
    places = [number % 5 for number in range(len(names))]
    (tmp_path / "val_label.txt").write_text(
        "".join(f"{name} {best[i, places[i]]}\n" for i, name in reversed(list(enumerate(names))))
    )
    found = counted(program, tmp_path, "--predictions", "run")
    assert found == {"n": 20, "classes": 7, "correct": [4, 8, 12, 16, 20], "ties": 0, "nan": 0}


@pytest.mark.parametrize("damaged", ["cut", "other type", "fewer names", "no facts", "pickle", "absent"])
def test_damaged_predictions(program: Any, tmp_path: Path, damaged: str) -> None:
    run = tmp_path / "run"
    run.mkdir()
    np.save(run / "predictions.npy", np.zeros((2, 5), dtype=np.float64 if damaged == "other type" else np.int32))
    if damaged == "pickle":
        np.save(run / "predictions.npy", np.array([{"a": 1}]), allow_pickle=True)
    (run / "images.txt").write_text("a.jpg\n" if damaged == "fewer names" else "a.jpg\nb.jpg\n")
    (run / "evaluate.json").write_text("{}" if damaged == "no facts" else '{"classes": 7, "ties": 0}')
    (tmp_path / "val_label.txt").write_text("a 1\nb 2\n")
    if damaged == "cut":
        data = (run / "predictions.npy").read_bytes()
        (run / "predictions.npy").write_bytes(data[:-8])
    if damaged == "absent":
        (run / "predictions.npy").unlink()
    assert refused(program, "--predictions", "run")["kind"] in {"damaged", "missing"}


def test_missing_result(program: Any, tmp_path: Path, labels: Path, scores: Any) -> None:
    folder = write(tmp_path / "results", "txt", scores)
    (folder / "ILSVRC2012_val_00000007_1.txt").unlink()
    error = refused(program, "--results", "results", "--classes", CLASSES)
    assert (error["kind"], error["what"]) == ("missing", f"1 of {COUNT} images have no result: ILSVRC2012_val_00000007")
    assert counted(program, tmp_path, "--results", "results", "--classes", CLASSES, "--subset")["n"] == COUNT - 1


def test_stale_result_of_another_data_set(program: Any, tmp_path: Path, labels: Path, scores: Any) -> None:
    folder = write(tmp_path / "results", "bin", scores)
    (folder / "n01440764_10026_1.bin").write_bytes(scores[0].tobytes())
    error = refused(program, "--results", "results", "--format", "bin", "--classes", CLASSES)
    assert "n01440764_10026" in error["what"]


def test_several_outputs_and_foreign_files(program: Any, tmp_path: Path, labels: Path, scores: Any) -> None:
    folder = write(tmp_path / "results", "txt", scores)
    write(folder, "txt", scores[:, ::-1], suffix=2)
    (folder / "sumary.json").write_text("{}")
    (folder / "README").write_text("")
    error = refused(program, "--results", "results", "--classes", CLASSES)
    assert "_1.txt, _2.txt" in error["what"]
    found = counted(program, tmp_path, "--results", "results", "--classes", CLASSES, "--suffix", 1)
    assert found["n"] == COUNT  # the published script would have counted every file
    assert found["beside"] == {"_2.txt": COUNT, ".json": 1, "README": 1}


def test_suffix_of_the_newer_tool_is_found(program: Any, tmp_path: Path, labels: Path, scores: Any) -> None:
    write(tmp_path / "results", "npy", scores, suffix=0)
    found = counted(program, tmp_path, "--results", "results", "--format", "npy", "--classes", CLASSES)
    assert (found["n"], found["suffix"]) == (COUNT, 0)
    error = refused(program, "--results", "results", "--format", "npy", "--classes", CLASSES, "--suffix", 1)
    assert "it holds _0.npy" in error["what"]
    error = refused(program, "--results", "results", "--classes", CLASSES)
    assert "150 of .npy" in error["what"]


@pytest.mark.parametrize("folder", ["absent", "empty"])
def test_no_results(program: Any, tmp_path: Path, labels: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    assert refused(program, "--results", folder, "--classes", CLASSES)["kind"] == "missing"


def test_equal_scores_and_nan(program: Any, tmp_path: Path) -> None:
    rows = np.array([[9, 1, 1, 1, 1, 1, 0], [5, 4, 3, 2, 1, 0, 0], [np.nan, 5, 4, 3, 2, 1, 0]], dtype=np.float32)
    rows = np.concatenate([rows, [[np.nan] * 7]]).astype(np.float32)
    wanted = [5, 4, 0, 0]  # the sixth of equals; the fifth; NaN; NaN
    (tmp_path / "val_label.txt").write_text(
        "".join(f"ILSVRC2012_val_{number + 1:08d}.JPEG {label}\n" for number, label in enumerate(wanted))
    )
    for form in ("txt", "bin", "npy"):
        write(tmp_path / form, form, rows)
        found = counted(program, tmp_path, "--results", form, "--format", form, "--classes", 7)
        assert (found["correct"], found["ties"], found["nan"]) == ([0, 0, 0, 0, 1], 1, 2)


def test_background_class(program: Any, tmp_path: Path, labels: Path, scores: Any) -> None:
    plain = write(tmp_path / "plain", "txt", scores)
    wider = np.concatenate([np.full((COUNT, 1), 50, dtype=np.float32), scores], axis=1)
    write(tmp_path / "wider", "txt", wider)
    error = refused(program, "--results", "wider", "--classes", CLASSES)
    assert f"--classes {CLASSES + 1} --background-class" in error["remedy"]
    found = counted(program, tmp_path, "--results", "wider", "--classes", CLASSES + 1, "--background-class")
    without = counted(program, tmp_path, "--results", plain, "--classes", CLASSES)
    assert found["correct"] == [0, *without["correct"][:4]]


def test_label_that_the_model_does_not_have(program: Any, tmp_path: Path, labels: Path, scores: Any) -> None:
    write(tmp_path / "results", "txt", scores[:, :10])
    assert "not in 0..9" in refused(program, "--results", "results", "--classes", 10)["what"]


@pytest.mark.parametrize(
    ("form", "content", "what"),
    [
        ("txt", b"", "is empty"),
        ("txt", text(range(CLASSES - 1)), f"holds {CLASSES - 1} scores"),
        ("txt", text(range(CLASSES))[:-60], "scores"),
        ("txt", b"1 " * CLASSES + b"\n", "whole numbers"),
        ("txt", text(range(CLASSES)).replace(b"3.0", b"3,0"), "not a number"),
        ("txt", text(range(CLASSES)).replace(b"3.0", b"true "), "not a number"),
        ("txt", np.ones(CLASSES, dtype=np.float32).tobytes(), "binary data"),
        ("txt", b"\xff" * 100, "binary data"),
        ("txt", text(range(CLASSES)) * 100, f"holds {100 * CLASSES} scores"),
        ("txt", b"0.5 x" * 20 * CLASSES, "too long"),
        ("txt", text(range(CLASSES // 2)) + b"\n" + text(range(CLASSES - CLASSES // 2)), "2 rows"),
        ("bin", np.ones(CLASSES * 100, dtype=np.float32).tobytes(), f"holds {100 * CLASSES} scores"),
        ("bin", b"", "is empty"),
        ("bin", np.ones(CLASSES - 1, dtype=np.float32).tobytes(), f"holds {CLASSES - 1} scores"),
        ("bin", np.ones(CLASSES, dtype=np.float64).tobytes(), "bytes"),
        ("bin", np.ones(CLASSES, dtype=np.float16).tobytes(), "bytes"),
        ("bin", np.ones(CLASSES, dtype=np.float32).tobytes()[:-1], "bytes"),
        ("bin", np.arange(CLASSES, dtype=np.int32).tobytes(), "integers"),
        ("bin", (b"1.000000 " * CLASSES)[: 4 * CLASSES], "text"),
        ("npy", b"\x93NUMPY", "not a whole .npy"),
        ("npy", b"", "is empty"),
    ],
)
def test_file_that_is_not_what_its_name_says(
    program: Any, tmp_path: Path, labels: Path, scores: Any, form: str, content: bytes, what: str
) -> None:
    folder = write(tmp_path / "results", form, scores)
    (folder / f"ILSVRC2012_val_00000100_1.{form}").write_bytes(content)
    error = refused(program, "--results", "results", "--format", form, "--classes", CLASSES)
    assert what in error["what"]
    assert error["where"].endswith(f"ILSVRC2012_val_00000100_1.{form}")


@pytest.mark.parametrize(("dtype", "what"), [(np.int64, "int64"), (object, "not a whole")])
def test_arrays_of_another_kind(program: Any, tmp_path: Path, labels: Path, scores: Any, dtype: Any, what: str) -> None:
    folder = write(tmp_path / "results", "npy", scores)
    path = folder / "ILSVRC2012_val_00000001_1.npy"
    np.save(path, np.zeros(CLASSES, dtype=dtype), allow_pickle=True)
    assert what in refused(program, "--results", "results", "--format", "npy", "--classes", CLASSES)["what"]


def test_an_array_of_several_rows_is_not_flattened(tmp_path: Path) -> None:
    for number, shape in enumerate([(4,), (1, 4), (1, 4, 1, 1)]):
        np.save(tmp_path / f"{number}.npy", np.ones(shape, np.float32))
    assert [scores.shape for _, scores in ResultReader(str(tmp_path), "npy", 4).read(["0.npy", "1.npy", "2.npy"])] == [
        (3, 4)
    ]
    np.save(tmp_path / "3.npy", np.ones((2, 2), np.float32))
    with pytest.raises(UserError, match="has the shape 2 x 2"):
        list(ResultReader(str(tmp_path), "npy", 4).read(["3.npy"]))


def test_predictions_of_another_number_of_classes(program: Any, tmp_path: Path, labels: Path) -> None:
    folder = tmp_path / "predictions"
    folder.mkdir()
    names = [line.split()[0] for line in labels.read_text().splitlines()]
    np.save(folder / "predictions.npy", np.zeros((len(names), 5), np.int32))
    (folder / "images.txt").write_text("".join(f"{name}\n" for name in names))
    (folder / "evaluate.json").write_text(json.dumps({"classes": CLASSES, "ties": 0}))
    counted(program, tmp_path, "--predictions", folder, "--classes", CLASSES)
    error = refused(program, "--predictions", folder, "--classes", 4)
    assert f"the predictions have {CLASSES} classes, and 4 are expected" in error["what"]


def test_arrays_of_several_precisions_and_shapes(program: Any, tmp_path: Path, labels: Path, scores: Any) -> None:
    folder = write(tmp_path / "results", "npy", scores)
    wanted = counted(program, tmp_path, "--results", folder, "--format", "npy", "--classes", CLASSES)
    for number, dtype in enumerate([np.float64, np.float16, ">f4"] * 3):
        path = folder / f"ILSVRC2012_val_{number * 11 + 1:08d}_1.npy"
        np.save(path, np.load(path).astype(dtype).reshape(1, CLASSES, 1, 1))
    assert counted(program, tmp_path, "--results", folder, "--format", "npy", "--classes", CLASSES) == wanted


def test_other_ways_to_write_a_number(program: Any, tmp_path: Path, labels: Path, scores: Any) -> None:
    folder = write(tmp_path / "results", "txt", scores)
    arguments = ["--results", folder, "--classes", CLASSES]
    wanted = counted(program, tmp_path, *arguments)
    for number, row in enumerate(scores[:40]):
        path = folder / f"ILSVRC2012_val_{number + 1:08d}_1.txt"
        separator = [" ", "\n", "\t", "\r\n"][number % 4]
        form = ["{:.8e}", "{!r}", "{:+.9f}", "{:.7g}"][number // 4 % 4]
        path.write_text(separator.join(form.format(float(value)) for value in row))
    assert counted(program, tmp_path, *arguments) == wanted


def test_text_on_several_processes_counts_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kit.inside import metrics

    random = np.random.default_rng(1)
    rows = random.normal(0, 3, (1100, 6)).astype(np.float32)
    folder = write(tmp_path / "results", "txt", rows)
    labels = {f"ILSVRC2012_val_{number + 1:08d}": int(random.integers(6)) for number in range(1100)}
    with counting(str(folder), "txt", 6, workers=1) as count:
        alone, _ = count_results(str(folder), labels, "txt", 6, count=count)
    monkeypatch.setattr(metrics, "_MANY", 1000)
    with counting(str(folder), "txt", 6, workers=2) as count:
        together, _ = count_results(str(folder), labels, "txt", 6, count=count)
    assert together == alone
    (folder / "ILSVRC2012_val_00001000_1.txt").write_text("x")
    with counting(str(folder), "txt", 6, workers=2) as count, pytest.raises(UserError, match="not a number"):
        count_results(str(folder), labels, "txt", 6, count=count)
    assert "1100" in capsys.readouterr().out


def test_classes_are_needed(program: Any, tmp_path: Path, labels: Path, scores: Any) -> None:
    write(tmp_path / "results", "txt", scores)
    assert "--classes" in refused(program, "--results", "results")["remedy"]


FIXED = st.floats(allow_nan=False, allow_infinity=False, width=32, min_value=-(2.0**20), max_value=2.0**20)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(FIXED, min_size=4, max_size=4), min_size=1, max_size=5))
def test_fixed_text_is_read_as_python_reads_it(rows: list[list[float]]) -> None:
    contents = [text(row) for row in rows]
    found = parse_fixed(contents, 4)
    assert found is not None
    wanted = np.array([[float(token) for token in content.split()] for content in contents]).astype(np.float32)
    assert found.tobytes() == wanted.tobytes()


@settings(max_examples=300, deadline=None)
@given(st.lists(FIXED, min_size=3, max_size=3), st.integers(0, 30), st.integers(0, 255))
def test_fixed_text_with_one_wrong_byte_is_never_misread(row: list[float], place: int, byte: int) -> None:
    damaged = bytearray(text(row))
    damaged[place % len(damaged)] = byte
    found = parse_fixed([bytes(damaged)], 3)
    if found is not None:
        assert found.tobytes() == np.array([parse_text(bytes(damaged))]).astype(np.float32).tobytes()
