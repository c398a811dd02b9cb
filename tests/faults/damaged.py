"""Every kind of file that kit reads, really damaged: one sentence with the place and a remedy, nothing lost."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.faults import givenfiles
from tests.faults.faultsite import Bench, Outcomes, Site, scenario, sentence

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


#: Kind of file -> how it is made and which command reads it, whether that starts other processes, what is not damage.
KINDS: dict[str, tuple[Callable[[Bench, Site], tuple[Path, tuple[str, ...]]], bool, tuple[Damage, ...]]] = {
    "recipe": (givenfiles.recipe, False, ()),
    "labels": (givenfiles.labels, True, ()),
    "result.txt": (givenfiles.text, True, ()),
    "result.bin": (givenfiles.binary, True, (flipped,)),  # other numbers are numbers
    "result.npy": (givenfiles.numpy_file, True, ()),
    "JPEG": (
        givenfiles.jpeg,
        True,
        (flipped, of_ten_gigabytes, a_folder),
    ),  # other pixels are pixels, and a folder is no image
    "ONNX": (
        givenfiles.onnx,
        True,
        (flipped, of_ten_gigabytes),
    ),  # other weights are weights; see the next line of the table
    "tensor.bin": (givenfiles.tensor, False, (flipped,)),  # other numbers are numbers
    "info file": (givenfiles.info, False, ()),
    "log": (
        givenfiles.log,
        False,
        (truncated, flipped, in_utf_16),
    ),  # what is left of a log is read, and its status tells
    "report": (givenfiles.report, False, (truncated, emptied, flipped, in_utf_16)),  # text is audited as it is
    "results": (givenfiles.stored_results, False, ()),
    "checkpoint": (givenfiles.weights, False, ()),
}


def _case(bench: Bench, kind: str, damage: Damage) -> str:
    make, starts, _ = KINDS[kind]
    site = bench.site("damaged", images=12)
    (site.folder / "reports").mkdir()
    path, words = make(bench, site)
    before = {one: one.read_bytes() for one in site.folder.rglob("*") if one.is_file() and one != path}
    damage(path)
    ran = site.kit(*words) if starts else givenfiles.quick(site, *words)
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
        path = givenfiles.result_files(site, "bin")
        damage(site, path)
        ran = site.kit(*givenfiles.METRICS, "--json")
        if damage in (nan, infinite) and ran.returncode == 0:
            tree = json.loads(ran.stdout.splitlines()[-1])
            assert tree["nan"] == 1 or damage is infinite, tree
            yield "counted as no hit, and told"
            continue
        sentence(ran, ran.returncode)
        assert ran.returncode in {3, 4, 5}, f"{damage.__name__}: {ran.stderr}"
        yield f"exit code {ran.returncode}"
