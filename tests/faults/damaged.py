"""Every kind of file that kit reads, really damaged: one sentence with the place and a remedy, nothing lost."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.faults.faultsite import ROOT, Bench, Outcomes, Site, scenario, sentence

Damage = Callable[[Path], None]


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 7, len(data), max(1, len(data) // 9)):
        data[place] ^= 0x15
    path.write_bytes(data)


def of_another_kind(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x02\x01\x01\0" + hashlib.sha256(b"x").digest() * 90)


def in_utf_16(path: Path) -> None:
    path.write_bytes(path.read_bytes().decode("latin-1").encode("utf-16"))


def of_ten_gigabytes(path: Path) -> None:
    os.truncate(path, 10 << 30)  # sparse: it takes no room


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def a_cyclic_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: tuple[Damage, ...] = (
    truncated,
    emptied,
    flipped,
    of_another_kind,
    in_utf_16,
    of_ten_gigabytes,
    a_folder,
    a_dangling_link,
    a_cyclic_link,
)


def quick(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    """Kit in this process, for commands that start no other: a hundred times in seconds."""
    from kit.cli import main

    out, err = io.StringIO(), io.StringIO()
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGHUP)]
    code = 0
    with contextlib.chdir(site.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([*words])
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0
        finally:
            for number, handler in before:
                signal.signal(number, handler)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def _small_model(path: Path) -> None:
    """A network that knows its input only by its mean: enough to be damaged."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    weight = numpy_helper.from_array(np.linspace(-1, 1, 30, dtype=np.float32).reshape(3, 10), "w")
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["actual_input_1"], ["p"]),
            helper.make_node("Flatten", ["p"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["output1"]),
        ],
        "small",
        [helper.make_tensor_value_info("actual_input_1", TensorProto.FLOAT, ["batch", 3, 64, 64])],
        [helper.make_tensor_value_info("output1", TensorProto.FLOAT, ["batch", 10])],
        [weight],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), str(path))


def _results(site: Site, form: str) -> Path:
    """Result files of the images, as the vendors' tools write them; returns the first."""
    import numpy as np

    folder = site.folder / "results"
    folder.mkdir()
    names = sorted(path.stem for path in (site.folder / "val").iterdir())
    for number, name in enumerate(names):
        scores = np.roll(np.linspace(0, 1, 10, dtype=np.float32), number)
        if form == "txt":
            (folder / f"{name}_1.txt").write_text(" ".join(f"{score:.6f}" for score in scores) + " \n")
        elif form == "bin":
            (folder / f"{name}_1.bin").write_bytes(scores.tobytes())
        else:
            np.save(folder / f"{name}_0.npy", scores)
    return next(iter(sorted(folder.iterdir())))


_METRICS = ("metrics", "results", "--labels", "val_label.txt", "--classes", "10", "--runner", "local")
_INFER = ("infer", "--target", "cpu", "--runner", "local", "--use", "export=model.onnx")

_LOG = """[INFO] Dataset number: 49 finished cost 5.932ms
-----------------Performance Summary------------------
[e2e] throughputRate: 210.5, latency: 237529
[data read] throughputRate: 224.1, moduleLatency: 4.4
[preprocess] throughputRate: 223.8, moduleLatency: 4.46
[inference] throughputRate: 223.6, Interface throughputRate: 678.142, moduleLatency: 4.4
[postprocess] throughputRate: 223.6, moduleLatency: 4.4
"""
_REPORT = """# Report

| Model | 310 | T4 | 310/T4 |
|---|---|---|---|
| bs1 | 1000.5 fps | 500.25 fps | 2.00 |

batch1, 310: Interface throughputRate: 250.125, 250.125 x 4 = 1000.5 fps
"""


def _recipe(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return site.recipe, ("report", "--recipe", "kit.yaml")


def _labels(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    _results(site, "txt")
    return site.labels, _METRICS


def _text(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return _results(site, "txt"), _METRICS


def _binary(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return _results(site, "bin"), _METRICS


def _numpy(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return _results(site, "npy"), _METRICS


def _jpeg(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    _small_model(site.folder / "model.onnx")
    return min((site.folder / "val").iterdir()), _INFER


def _onnx(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    _small_model(site.folder / "model.onnx")
    return site.folder / "model.onnx", _INFER


def _brought(site: Site) -> tuple[Path, tuple[str, ...]]:
    """Preprocessed files that the user brings: their folder, and the command that takes them."""
    _small_model(site.folder / "model.onnx")
    folder = site.folder / "tensors"
    subprocess.run(
        [sys.executable, "-m", "inside.preprocess", "--images", site.folder / "val", "--out", folder / "prep_bin",
         "--preprocess", '{"resize": [64, 64], "crop": [64, 64]}', "--info", folder / "dataset.info",
         "--info-prefix", "./prep_bin"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "kit")}, check=True, capture_output=True,
    )  # fmt: skip
    return folder, (
        "infer", "--target", "310", "--batch", "1", "--simulate", "--use", "export=model.onnx",
        "--use", "preprocess=tensors",
    )  # fmt: skip


def _tensor(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    folder, words = _brought(site)
    return min((folder / "prep_bin").iterdir()), words


def _info(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    folder, words = _brought(site)
    return folder / "dataset.info", words


def _log(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    path = site.folder / "perf.txt"
    path.write_text(_LOG)
    return path, ("read", "perf.txt")


def _report(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    path = site.folder / "REPORT.md"
    path.write_text(_REPORT)
    return path, ("audit", "REPORT.md")


def _stored_results(bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    folder = site.report / "results"
    folder.mkdir(parents=True)
    shutil.copy(bench.finished("docker").report / "results" / "cpu.json", folder)
    return folder / "cpu.json", ("report",)


def _weights(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return site.weights, ("reproduce", "--runner", "docker")


#: Kind of file -> how it is made and which command reads it, whether that starts other processes, what is not damage.
KINDS: dict[str, tuple[Callable[[Bench, Site], tuple[Path, tuple[str, ...]]], bool, tuple[Damage, ...]]] = {
    "recipe": (_recipe, False, ()),
    "labels": (_labels, True, ()),
    "result.txt": (_text, True, ()),
    "result.bin": (_binary, True, (flipped,)),  # other numbers are numbers
    "result.npy": (_numpy, True, ()),
    "JPEG": (
        _jpeg,
        True,
        (flipped, of_ten_gigabytes, a_folder),
    ),  # other pixels are pixels, and a folder is no image
    "ONNX": (_onnx, True, (flipped, of_ten_gigabytes)),  # other weights are weights; see the next line of the table
    "tensor.bin": (_tensor, False, (flipped,)),  # other numbers are numbers
    "info file": (_info, False, ()),
    "log": (_log, False, (truncated, flipped, in_utf_16)),  # what is left of a log is read, and its status tells
    "report": (_report, False, (truncated, emptied, flipped, in_utf_16)),  # text is audited as it is
    "results": (_stored_results, False, ()),
    "checkpoint": (_weights, False, ()),
}


def _case(bench: Bench, kind: str, damage: Damage) -> str:
    make, starts, _ = KINDS[kind]
    site = bench.site("damaged", images=12)
    (site.folder / "reports").mkdir()
    path, words = make(bench, site)
    before = {one: one.read_bytes() for one in site.folder.rglob("*") if one.is_file() and one != path}
    damage(path)
    ran = site.kit(*words) if starts else quick(site, *words)
    assert 3 <= ran.returncode <= 10, f"{kind} {damage.__name__}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    try:
        said = sentence(ran, ran.returncode)
        assert path.name in said or path.stem in said or str(site.folder) in said, f"no place in {said!r}"
        assert ran.returncode != 9, f"not told apart from a failed program: {said}"
        assert len(said) < 700, f"too long: {said}"
        assert site.leftovers() == []
    except AssertionError as error:
        raise AssertionError(f"{kind} {damage.__name__}: {error}") from None
    for one, data in before.items():
        assert one.read_bytes() == data, f"{kind} {damage.__name__}: {one} was changed"
    return f"exit code {ran.returncode}"


@scenario(
    "Damaged",
    "Files that the user gives",
    "recipe, labels, text, binary and NumPy results, JPEG, ONNX, tensor, info file, log, report, results, checkpoint;"
    " cut, emptied, with flipped bits, of another kind, in UTF-16, 10 GB large (sparse), a folder, a dangling or a"
    " cyclic link",
    short=13,
    long=103,
    needs=("engine",),
)
def given_files(bench: Bench, count: int) -> Outcomes:
    cases = [(kind, damage) for kind, (_, _, fine) in KINDS.items() for damage in DAMAGES if damage not in fine]
    if count < len(cases):
        # In CI each kind once, each damage about once; the long form does all.
        kinds = list(KINDS)
        cases = []
        for number in range(count):
            kind = kinds[number % len(kinds)]
            possible = [damage for damage in DAMAGES if damage not in KINDS[kind][2]]
            cases.append((kind, possible[number % len(possible)]))
    for kind, damage in cases:
        yield f"{kind}: {_case(bench, kind, damage)}"


@scenario(
    "Damaged",
    "Files in the store",
    "a record, an artifact, an image record or a digest cache is damaged in each of the ways, or is a pipe",
    short=2,
    long=44,
    needs=("engine",),
)
def stored_files(bench: Bench, count: int) -> Outcomes:
    damages = (*DAMAGES, a_pipe, Path.unlink)
    whole = bench.finished("docker")
    for number in range(count):
        damage = damages[number % len(damages)]
        kind = ("record", "artifact", "images", "trees")[(number + number // len(damages)) % 4]
        site = bench.half("docker")
        site.done("reproduce", "--runner", "docker")
        light = next(record for record in site.records() if record["step"] == "cpu/metrics")["fingerprint"]
        path = {
            "record": site.store / "records" / f"{light}.json",
            "artifact": site.store / "artifacts" / light / "metrics.json",
            "images": site.store / "images" / "runtime.json",
            "trees": next(iter((site.store / "trees").iterdir())),
        }[kind]
        damage(path)
        if kind in {"images", "trees"} and damage in (a_folder, a_pipe):  # nothing may be lost in it, so kit asks
            ran = site.kit("reproduce", "--runner", "docker")
            if ran.returncode:
                sentence(ran, 10, path.name)
                path.rename(site.folder / "moved away")
        site.done("reproduce", "--runner", "docker")
        assert site.digests() == whole.digests(), f"{kind} {damage.__name__}"
        left = site.leftovers(bench.engine)
        assert left == [], left
        if kind in {"record", "artifact"} and damage is not Path.unlink and damage is not a_dangling_link:
            assert list((site.store / "damaged").iterdir()), f"{kind} {damage.__name__}: nothing was set aside"
        ran = site.done("verify", "--strict")
        assert ", 0 wrong" in ran.stdout, ran.stdout
        yield f"{kind}: set aside or replaced, made again with the same digests"


@scenario(
    "Damaged",
    "Checkpoint with a digest that fits",
    "the damaged file's own checksums stand in the recipe, so that PyTorch reads it, in its container",
    short=1,
    long=5,
    needs=("engine",),
)
def checkpoint(bench: Bench, count: int) -> Outcomes:
    for damage in (flipped, truncated, emptied, of_another_kind, in_utf_16)[:count]:
        site = bench.half("docker", "export", "parity", "cpu/infer", "cpu/metrics", "cpu/bench")
        damage(site.weights)
        data = site.weights.read_bytes()
        text = re.sub(
            r"md5: \w+", f"md5: {hashlib.md5(data, usedforsecurity=False).hexdigest()}", site.recipe.read_text()
        )
        text = re.sub(r"sha256: \w+", f"sha256: {hashlib.sha256(data).hexdigest()}", text)
        site.recipe.write_text(text)
        ran = site.kit("reproduce", "--runner", "docker")
        assert ran.returncode in {3, 5}, f"{damage.__name__}: {ran.returncode} {ran.stderr}"
        sentence(ran, ran.returncode, site.weights.name)
        assert site.leftovers(bench.engine) == []
        yield f"exit code {ran.returncode}"


@scenario(
    "Damaged",
    "Numbers that are none",
    "NaN, infinity, too few, too many, and words in results; a label beyond the classes; results of other images",
    short=6,
    long=6,
)
def numbers(bench: Bench, count: int) -> Outcomes:
    import numpy as np

    def nan(site: Site, path: Path) -> None:
        path.write_bytes(np.full(10, np.nan, np.float32).tobytes())

    def infinite(site: Site, path: Path) -> None:
        path.write_bytes(np.array([np.inf] + [0] * 9, np.float32).tobytes())

    def too_few(site: Site, path: Path) -> None:
        path.write_bytes(np.zeros(9, np.float32).tobytes())

    def too_many(site: Site, path: Path) -> None:
        path.write_bytes(np.zeros(20, np.float32).tobytes())

    def label(site: Site, path: Path) -> None:
        lines = site.labels.read_text().splitlines()
        site.labels.write_text("\n".join([lines[0].split()[0] + " 10", *lines[1:]]) + "\n")

    def foreign(site: Site, path: Path) -> None:
        shutil.copy(path, path.with_name("another_1.bin"))

    for damage in (nan, infinite, too_few, too_many, label, foreign)[:count]:
        site = bench.site("numbers", images=12)
        path = _results(site, "bin")
        damage(site, path)
        ran = site.kit(*_METRICS, "--json")
        if damage in (nan, infinite) and ran.returncode == 0:
            tree = json.loads(ran.stdout.splitlines()[-1])
            assert tree["nan"] == 1 or damage is infinite, tree
            yield "counted as no hit, and told"
            continue
        sentence(ran, ran.returncode)
        assert ran.returncode in {3, 4, 5}, f"{damage.__name__}: {ran.stderr}"
        yield f"exit code {ran.returncode}"
