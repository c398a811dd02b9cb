"""Engines on real models: equal scores, settings as they are read back, and no way back to the CPU without a word."""

from __future__ import annotations

import gc
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.inside.engine import Engine, EngineSpec
from kit.inside.engines import open_engine
from kit.inside.ort_engine import _fallback
from kit.inside.protocol import UserError

Make = Callable[..., Path]
SHAPE = (3, 32, 32)


def opened(engine: str, model: Path, batch: int = 3, threads: int = 1, **options: Any) -> Engine:
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    return open_engine(EngineSpec(engine, str(model), SHAPE, threads, options), batch)


def batch_of(count: int) -> Any:
    return np.random.default_rng(1).standard_normal((count, *SHAPE), dtype=np.float32)


def test_engines_give_the_same_scores_bound_or_not(make_model: Make) -> None:
    model, images = make_model(), batch_of(3)
    first = opened("onnxruntime", model).run(images)
    second = opened("openvino", model)
    assert first.shape == (3, 7)
    assert np.allclose(second.run(images), first, atol=1e-5)
    for engine in (opened("onnxruntime", model), second):
        bound = engine.bind([images, images + 1])  # whose memory nobody else keeps
        gc.collect()
        bound.calls[0]()
        bound.calls[1]()
        assert np.allclose(bound.output(), engine.run(images + 1), atol=1e-5)


def test_an_output_of_another_rank_is_not_flattened(make_model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened("onnxruntime", make_model())
    for shape in ((3, 7), (3, 7, 1, 1), (3, 1, 7)):
        monkeypatch.setattr(engine, "outputs", lambda _images, shape=shape: [np.ones(shape, np.float32)])
        assert engine.run(batch_of(3)).shape == (3, 7)
    monkeypatch.setattr(engine, "outputs", lambda _images: [np.ones((3, 2, 5), np.float32)])
    with pytest.raises(UserError, match=r"\(3, 2, 5\), which is not a row of scores each"):
        engine.run(batch_of(3))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize(
    ("changes", "batch", "what"),
    [({"batch": 2}, 3, "batch is fixed"), ({"size": 48}, 3, "input is fixed")],
)
def test_a_model_that_takes_something_else(
    make_model: Make, engine: str, changes: dict[str, Any], batch: int, what: str
) -> None:
    with pytest.raises(UserError, match=what):
        opened(engine, make_model(**changes), batch)


@pytest.mark.parametrize(
    ("engine", "options", "kind", "what"),
    [
        ("onnxruntime", {"provider": "cuda"}, "missing", "has no CUDAExecutionProvider"),
        ("onnxruntime", {"provider": "gpu"}, "invalid", "no provider 'gpu'"),
        ("onnxruntime", {"provider_options": {"use_arena": "1"}}, "invalid", "no option use_arena"),
        ("onnxruntime", {"precision": "fp16"}, "invalid", "does not compute in fp16"),
        ("onnxruntime", {"precision": "fp8"}, "invalid", "not a precision"),
        ("onnxruntime", {"providers": "cpu"}, "invalid", "no option providers"),
        ("openvino", {"stream": 2}, "invalid", "no option stream"),
        ("openvino", {"precision": "tf32"}, "invalid", "does not compute in tf32"),
        ("nothing", {}, "invalid", "no engine 'nothing'"),
    ],
)
def test_wrong_options(make_model: Make, engine: str, options: dict[str, Any], kind: str, what: str) -> None:
    with pytest.raises(UserError, match=what) as caught:
        open_engine(EngineSpec(engine, str(make_model()), SHAPE, 1, options), 1)
    assert caught.value.kind == kind


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "torch"])
def test_an_image_without_the_engine(make_model: Make, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=f"no Python package '{name}'") as caught:
        open_engine(EngineSpec(name, str(make_model()), SHAPE, 1), 1)
    assert caught.value.kind == "missing"


def test_a_provider_that_cannot_be_loaded_is_not_the_cpu(make_model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real library, which says that it has the provider, and would run on the CPU instead."""
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"), pytest.raises(UserError) as caught:
        opened("onnxruntime", make_model(), provider="cuda")
    assert caught.value.kind == "missing"
    assert "CUDAExecutionProvider does not run this model" in caught.value.what


def test_the_cause_of_a_fall_back_is_found_in_what_is_printed() -> None:
    said = (
        "*************** EP Error ***************\n"
        "EP Error /build/state.cc:1053 std::shared_ptr<Factory> make(const Options&, const Map&) "
        "Invalid option: bad_option\n"
        " when using ['OpenVINOExecutionProvider']\nFalling back to ['CPUExecutionProvider'] and retrying.\n"
        "****************************************\n"
    )
    assert _fallback(said) == "Invalid option: bad_option"
    assert _fallback("") == ""


def test_each_node_is_looked_at(make_model: Make) -> None:
    engine = opened("onnxruntime", make_model())
    assert engine.settings["provider"] == "CPUExecutionProvider"
    assert engine.settings["nodes"] == {"CPUExecutionProvider": 2}


def test_what_openvino_changes_is_read_back(make_model: Make) -> None:
    import os

    engine = opened("openvino", make_model(), threads=500, streams=400)
    changed = engine.settings["changed"]
    assert set(changed) == {"INFERENCE_NUM_THREADS", "NUM_STREAMS"}
    assert changed["NUM_STREAMS"]["asked"] == 400
    assert engine.threads == changed["INFERENCE_NUM_THREADS"]["real"] <= (os.cpu_count() or 1)
    assert engine.conditions["streams"] == engine.side_by_side == changed["NUM_STREAMS"]["real"]


def test_another_precision_than_asked_for_is_an_error(make_model: Make) -> None:
    """bf16 where the processor has it; where it has not, OpenVINO would take float32 without a word."""
    for precision in ("bf16", "fp16"):
        try:
            engine = opened("openvino", make_model(), precision=precision)
        except UserError as error:
            assert error.kind == "device"
            assert precision in error.what
        else:
            assert engine.conditions["precision"] == precision


@pytest.mark.slow
def test_pytorch_runs_the_network_of_the_recipe(program: Any, tmp_path: Path) -> None:
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    example = Path(__file__).parents[2] / "examples" / "digits"
    network = {"architecture": "spnasnet_100", "classes": 10, "inputs": [{"shape": [3, 64, 64]}]}
    common = ["--engine", "torch", "--model", example / "spnasnet_digits.pth.tar", "--threads", 1]
    images = tmp_path / "few"
    images.mkdir()
    labels = {}
    for line in (example / "val_label.txt").read_text().splitlines()[:24]:
        name, label = line.split()
        labels[name] = int(label)
        (images / name).write_bytes((example / "val" / name).read_bytes())
    preprocess = '{"resize": [72, 72], "crop": [64, 64], "mean": [0.35, 0.35, 0.35], "std": [0.348, 0.348, 0.348]}'
    options = json.dumps({"network": json.dumps(network), "device": "cpu"})
    done = program(
        "evaluate", *common, "--options", options, "--images", images, "--preprocess", preprocess, "--out", "evaluated",
        "--workers", 1, "--batch", 8,
    )  # fmt: skip
    assert done.code == 0, done.err
    predictions = np.load(tmp_path / "evaluated" / "predictions.npy")[:, 0].tolist()
    hits = sum(labels[name] == found for name, found in zip(sorted(labels), predictions, strict=True))
    assert hits >= 23
    assert json.loads((tmp_path / "evaluated" / "evaluate.json").read_text())["engine"]["title"] == "PyTorch"
    assert sorted(path.name for path in (tmp_path / "evaluated").iterdir()) == [
        "evaluate.json", "images.txt", "predictions.npy", "scores.npy",
    ]  # fmt: skip
    done = program(
        "bench", *common, "--options", options, "--synthetic", "--shape", "3,64,64", "--batches", "1,2", "--out", "out",
        "--rounds", 1, "--seconds", 0.01, "--limit", 0.01, "--warmup", 0,
    )  # fmt: skip
    assert done.code == 0, done.err
    facts = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert facts["conditions"]["precision"] == "fp32"
    assert facts["engine"]["settings"]["num_threads"] == 1
    for wrong, kind in (
        ({"device": "cuda"}, "device"),
        ({"precision": "tf32"}, "device"),
        ({"compile": "x"}, "invalid"),
    ):
        words = json.dumps({"network": json.dumps(network), **wrong})
        done = program("bench", *common, "--options", words, "--synthetic", "--batches", 1, "--out", "out")
        assert (done.code, done.error["kind"]) == (64, kind)
