"""What people use today, and the limits of the machine, written anew, plainly: ``python -m benchmarks.peers NAME``."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import alternate, paired

__all__ = ["PEERS", "main"]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def published_preprocess(images: str, out: str, limit: str) -> None:
    """The published preprocessing: one process, a new file for each image."""
    from PIL import Image

    Path(out).mkdir(parents=True, exist_ok=True)
    for name in _names(images)[: int(limit)]:
        image = Image.open(f"{images}/{name}").convert("RGB").resize((256, 256), Image.Resampling.BILINEAR)
        values: Any = np.array(image, dtype=np.float32)
        values = values[16:240, 16:240]
        values = values / 255.0
        values = (values - np.array(MEAN, dtype=np.float32)) / np.array(STD, dtype=np.float32)
        values.transpose(2, 0, 1).tofile(f"{out}/{name.split('.')[0]}.bin")


def _decode_part(images: str, names: list[str], out: str | None) -> None:
    from PIL import Image

    tensor = np.zeros((3, 224, 224), dtype=np.float32)
    for name in names:
        image = Image.open(f"{images}/{name}").convert("RGB")
        width, height = image.size
        box = (width / 16, height / 16, width * 15 / 16, height * 15 / 16)
        image.resize((224, 224), Image.Resampling.BILINEAR, box)
        if out:
            tensor.tofile(f"{out}/{name}.bin")


def limit_decode(images: str, limit: str, processes: str, out: str | None = None) -> None:
    """Decode, convert to RGB, resize the region: nothing else, on some processes.

    With `out`, as many bytes as a tensor has are written to a new file there for each image.
    """
    if out:
        Path(out).mkdir(parents=True, exist_ok=True)
    names, count = _names(images)[: int(limit)], int(processes)
    workers = [
        multiprocessing.get_context("spawn").Process(target=_decode_part, args=(images, names[number::count], out))
        for number in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def published_metric(results: str, labels: str, limit: str) -> None:
    """The published metric script: each number by itself, a whole sort for each image."""
    truth = {}
    for line in Path(labels).read_text().splitlines():
        fields = line.split(" ")
        truth[fields[0].split(".")[0]] = fields[1]
    hits = np.zeros(5)
    names = _names(results)[: int(limit)]
    for name in names:
        key = name.split(".")[0]
        key = key[: key.rfind("_")]
        with Path(results, name).open(encoding="utf-8") as file:
            tokens = file.readline().strip().split(" ")
        scores = np.zeros(len(tokens), dtype=np.float32)
        for place, token in enumerate(tokens):
            scores[place] = np.float32(token)
        order = np.argsort(-scores)
        for place in range(5):
            if str(order[place]) == truth[key]:
                hits[place] += 1
                break
    print(json.dumps({"n": len(names), "correct": np.cumsum(hits).astype(int).tolist()}))


def limit_read(folder: str) -> None:
    """Open, read and close every file of a folder: nothing else."""
    handle = os.open(folder, os.O_RDONLY)
    for name in os.listdir(handle):  # noqa: PTH208 - by its handle, as kit does
        file = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.read(file, 1 << 16)
        os.close(file)
    os.close(handle)


def fill(images: str, preprocess: str) -> None:
    """Decode and preprocess into memory as kit does, in one process; prints the seconds."""
    from kit.inside.pixels import Preprocessor

    names = _names(images)
    made = Preprocessor(json.loads(preprocess))
    tensor = made.prep(f"{images}/{names[0]}")
    start = time.perf_counter()
    for name in names:
        made.prep_into(f"{images}/{name}", tensor)
    print(json.dumps(time.perf_counter() - start))


def peak(*command: str) -> None:
    """Run ``python -m COMMAND``; prints the peak memory of its largest process, in MB."""
    subprocess.run([sys.executable, "-m", *command], stdout=subprocess.DEVNULL, check=True)
    print(json.dumps(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024))


_SHAPE = (3, 224, 224)


def _open(engine: str, model: str, batch: int, threads: int) -> Any:
    """An engine as kit opens it; PyTorch takes the checkpoint beside the ONNX file."""
    from kit.inside.engine import EngineSpec
    from kit.inside.engines import open_engine

    options: dict[str, Any] = {}
    if engine == "torch":
        model = str(Path(model).with_suffix(".pth"))
        network = {"architecture": Path(model).stem, "classes": 1000, "inputs": [{"shape": list(_SHAPE)}]}
        options = {"network": json.dumps(network)}
    return open_engine(EngineSpec(engine, model, _SHAPE, threads, options), batch)


def bare(model: str, batch: str, threads: str, count: str) -> None:
    """A plain loop over one session of ONNX Runtime: as many images as asked for; prints the seconds."""
    images = np.random.default_rng(0).standard_normal((int(batch), *_SHAPE), dtype=np.float32)
    engine = _open("onnxruntime", model, int(batch), int(threads))
    session, feed = engine.session, {engine.input: images}
    session.run(None, feed)
    start = time.perf_counter()
    for _ in range(0, int(count), int(batch)):
        session.run(None, feed)
    print(json.dumps(time.perf_counter() - start))


def harness(engine: str, model: str, batches: str, threads: str, seconds: str) -> None:
    """kit's measuring loop and a bare one over the same engine, in turns; prints {batch: [kit, bare, ratio]}."""
    found = {batch: _both(engine, model, int(batch), int(threads), float(seconds)) for batch in batches.split(",")}
    print(json.dumps(found))


def _both(name: str, model: str, batch: int, threads: int, seconds: float) -> list[float]:
    from kit.inside.bench import synthetic_inputs
    from kit.inside.rounds import timed

    engine = _open(name, model, batch, threads)
    inputs = synthetic_inputs(_SHAPE, batch)
    calls = engine.bind(inputs).calls
    plain = _bare_call(name, engine, inputs[0])
    loops = {
        "kit": lambda: timed(calls, batch, seconds / 16).rate,
        "bare": lambda: _rate(plain, batch, seconds / 16),
    }
    alternate(loops, 2)
    # Short turns, of single calls where they take long, so that both meet the same disturbances.
    rates: dict[str, list[float]] = {"kit": [], "bare": []}
    end = time.perf_counter() + 2 * seconds
    while len(rates["kit"]) < 6 or time.perf_counter() < end:
        for name_, values in alternate(loops, 2).items():
            rates[name_] += values
    return [statistics.median(rates["kit"]), statistics.median(rates["bare"]), paired(rates["kit"], rates["bare"])]


def _bare_call(name: str, engine: Any, images: Any) -> Callable[[], object]:
    """The engine's own call, as its documentation shows it, without anything of kit."""
    if name == "onnxruntime":
        return functools.partial(engine.session.run, None, {engine.input: images})
    if name == "openvino":
        import openvino as ov

        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        core = ov.Core()
        network = core.read_model(engine.model)
        network.reshape(list(images.shape))
        request = core.compile_model(
            network, "CPU", {**settings, "INFERENCE_NUM_THREADS": engine.threads, "NUM_STREAMS": 1}
        ).create_infer_request()
        request.set_input_tensor(ov.Tensor(images, shared_memory=True))
        infer: Callable[[], object] = request.infer
        return infer
    import torch

    from kit.inside.network import build

    network = build(Path(engine.model).stem, 1000, _SHAPE)
    tensor = torch.from_numpy(images)

    def call() -> object:
        with torch.inference_mode():
            return network(tensor)

    return call


def _rate(call: Callable[[], object], batch: int, seconds: float) -> float:
    start, calls = time.perf_counter(), 0
    while True:
        call()
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return calls * batch / elapsed


def protocol(model: str, batches: str, threads: str, limit: str) -> None:
    """One long measurement by kit's protocol; prints the rates of each batch and the seconds after each round."""
    from kit.inside.bench import synthetic_inputs
    from kit.inside.rounds import Rules, Series, measure

    sizes = [int(batch) for batch in batches.split(",")]
    engine = _open("onnxruntime", model, sizes[0], int(threads))
    bound = {batch: engine.bind(synthetic_inputs(_SHAPE, batch)) for batch in sizes}
    series = [Series(batch, bound[batch].calls, batch) for batch in sizes]
    seconds: list[float] = []
    measure(series, Rules(10, 10, 0.15, float(limit), 1e-9), seconds.append)
    print(json.dumps({"length": 0.15, "seconds": seconds, "rates": {one.batch: one.rates for one in series}}))


def export_model(architecture: str, out: str) -> None:
    """The model of the measurements: that architecture with random weights, through kit's own export."""
    import onnx
    import torch

    from kit.inside.export import to_onnx
    from kit.inside.network import create
    from kit.inside.specification import NetworkSpec

    torch.manual_seed(0)
    spec = NetworkSpec(architecture=architecture)
    network = create(spec)
    onnx.save(to_onnx(network, spec, 11), out)
    torch.save(network.state_dict(), Path(out).with_suffix(".pth"))


PEERS: dict[str, Callable[..., None]] = {
    "published-preprocess": published_preprocess,
    "limit-decode": limit_decode,
    "published-metric": published_metric,
    "limit-read": limit_read,
    "fill": fill,
    "peak": peak,
    "bare": bare,
    "harness": harness,
    "protocol": protocol,
    "export": export_model,
}


def main() -> None:
    """Run one of them."""
    PEERS[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
