"""Disk, memory, processes, permissions and time run out or go wrong: one sentence, and the next run goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from kit.planning.step import Limits
from tests.faults.faultsite import Bench, Outcomes, Site, ended, scenario, sentence

_LIGHT = ("cpu/infer", "cpu/metrics", "cpu/bench")
_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
_REPRODUCE = ("reproduce", "--runner", "docker")


@contextlib.contextmanager
def _small_disk(place: Path, size: str = "64m", options: str = "") -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}{options}", "none", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(place: Path, leave: int) -> Path:
    """Fill the disk but for ``leave`` bytes."""
    filler = place / "filler"
    free = shutil.disk_usage(place).free
    with filler.open("wb") as file:
        file.write(b"\0" * max(0, free - leave))
    return filler


@scenario(
    "Starved",
    "Disk full, in the store",
    "the store is a tmpfs on which 0 to 80 KiB (1 MiB for the model) are left: lock, logs, outputs or record lack room",
    short=2,
    long=40,
    needs=("engine", "root"),
)
def disk_full(bench: Bench, count: int) -> Outcomes:
    for number in range(count):
        heavy = number % 8 == 7
        half = bench.half("docker", *(("export", "parity") if heavy else ()), *_LIGHT)
        kept = half.folder / "kept"
        half.store.rename(kept)
        with _small_disk(half.store, "96m"):
            shutil.copytree(kept, half.store, dirs_exist_ok=True)
            leave = 4096 * (number * 20 // max(1, count - 1)) if not heavy else 1 << 20
            filler = _fill(half.store, leave)
            before = set((half.store / "records").iterdir())
            ran = half.kit(*_REPRODUCE)
            if ran.returncode:
                sentence(ran, 10)
                yield "exit code 10, then resumed with the same digests"
            else:
                yield "there was room enough"
            assert before <= set((half.store / "records").iterdir()), "a finished step is lost"
            assert half.containers(bench.engine) == []
            filler.unlink()
            half.done(*_REPRODUCE)
            assert half.digests() == bench.finished("docker").digests()
            assert half.leftovers(bench.engine) == []


@scenario(
    "Starved",
    "Disk full, in the report",
    "the reports are on a full tmpfs, with an older report in it",
    short=1,
    long=12,
    needs=("engine", "root"),
)
def report_full(bench: Bench, count: int) -> Outcomes:
    for number in range(count):
        site = bench.half("docker", "cpu/bench")
        place = site.folder / "reports"
        with _small_disk(place, "1m"):
            shutil.copytree(bench.finished("docker").folder / "reports", place, dirs_exist_ok=True)
            old = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
            filler = _fill(place, 4096 * 3 * number)
            ran = site.kit(*_REPRODUCE)
            if ran.returncode:
                sentence(ran, 10, "disk is full", "reports")
            new = {path: path.read_bytes() for path in old}
            assert all(new[path] for path in old), "a file was emptied"
            filler.unlink()
            site.done(*_REPRODUCE)
            assert "nothing changed" in site.done("report").stdout
            assert site.leftovers(bench.engine) == []
        yield "exit code 10, old files whole, then written" if ran.returncode else "there was room enough"


def _limited(bench: Bench, change: Callable[[Limits], Limits]) -> str:
    """Run the real inference step under other limits; what kit says about it."""
    from kit.containers.docker import DockerRunner
    from kit.containers.images import BuildOptions, Images
    from kit.errors import KitError
    from kit.execution.executor import Executor
    from kit.execution.progress import PlainProgress
    from kit.execution.selection import Choice, Selection
    from kit.planning.planner import plan
    from kit.recipe.schema import load_recipe
    from kit.storage.store import Store

    site = bench.half("docker", *_LIGHT)
    with (site.folder / "progress").open("w") as stream:
        store = Store(site.store)
        whole = plan(Selection(load_recipe(site.recipe), Choice()).jobs(site.weights))
        steps = [
            replace(step, limits=change(step.limits)) if step.name == "cpu/infer" else step
            for step in whole.steps
            if step.name in {"export", "cpu/infer"}
        ]
        runner = DockerRunner(Images((), store.root, BuildOptions(), lambda _: None), store.root)
        try:
            Executor(store, runner, PlainProgress(stream)).run(replace(whole, steps=tuple(steps)))
        except KitError as error:
            assert error.exit_code == 10, error
            assert site.leftovers(bench.engine) == []
            site.done(*_REPRODUCE)
            assert site.digests() == bench.finished("docker").digests()
            return error.what
    raise AssertionError("the limits were enough")


@scenario(
    "Starved",
    "Memory limit",
    "the real inference step under memory limits of 24 to 96 MiB: the kernel kills it",
    short=1,
    long=6,
    needs=("engine",),
)
def memory_limit(bench: Bench, count: int) -> Outcomes:
    for number in range(count):
        mebibytes = 24 + 12 * number
        said = _limited(bench, partial(replace, memory_bytes=mebibytes << 20))
        assert "ran out of memory" in said and f"{mebibytes / 1024:g} GiB" in said, said
        yield "exit code 10, told as out of memory with the limit, then resumed"


@scenario(
    "Starved",
    "Process limit",
    "the real inference step with 3 to 8 processes and threads",
    short=1,
    long=4,
    needs=("engine",),
)
def pids_limit(bench: Bench, count: int) -> Outcomes:
    for number in range(count):
        said = _limited(bench, partial(replace, pids=3 + number))
        assert "the limit of processes" in said or "a worker process" in said, said
        yield "exit code 10, told as a limit, then resumed"


@scenario(
    "Starved",
    "Read-only reports, store, weights",
    "each of them on a file system that is mounted read-only",
    short=1,
    long=4,
    needs=("engine", "root"),
)
def read_only(bench: Bench, count: int) -> Outcomes:
    for number in range(count):
        site = bench.half("docker", "cpu/metrics")
        place = (site.folder / "reports", site.store)[number % 2]
        with _small_disk(place, "1m", ",ro"):
            sentence(site.kit(*_REPRODUCE), 10, "read-only", place.name)
        site.done(*_REPRODUCE)
        assert site.leftovers(bench.engine) == []
        yield "exit code 10, then resumed"


@scenario(
    "Starved",
    "Another user's store or report",
    "owned by another user, mode 0700, and kit without the capability to pass over that (setpriv)",
    short=1,
    long=8,
    needs=("engine", "root", "/usr/bin/setpriv"),
)
def foreign_store(bench: Bench, count: int) -> Outcomes:
    drop = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    for number in range(count):
        site = bench.half("docker", "cpu/metrics")
        (site.folder / "reports").mkdir()
        place = (
            site.store,
            site.folder / "reports",
            site.store / "records",
            site.store / "partial",
            site.store / "artifacts",
            site.store / "lock",
            site.folder / "val",
            site.labels,
        )[number % 8]
        os.chown(place, 65533, 65533)
        place.chmod(0o700)
        sentence(site.kit(*_REPRODUCE, before=drop), 10, place.name)
        os.chown(place, 0, 0)
        place.chmod(0o755)
        site.done(*_REPRODUCE)
        assert site.leftovers(bench.engine) == []
        yield "exit code 10, then resumed"


@scenario(
    "Starved",
    "The clock goes backwards",
    "libfaketime sets the clock of kit back by nearly four years while a step runs",
    short=1,
    long=6,
    needs=("engine", _FAKETIME),
)
def clock(bench: Bench, count: int) -> Outcomes:
    for _ in range(count):
        site = bench.half("docker", *_LIGHT)
        offset = site.folder / "offset"
        offset.write_text("+400d\n")
        fake = {
            "LD_PRELOAD": _FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        child = site.start(*_REPRODUCE, environment=fake)
        time.sleep(bench.chance.uniform(0.5, 2.5))
        offset.write_text("-1000d\n")
        code, _, err = ended(child, 120)
        assert code == 0, err
        _whole(bench, site)
        yield "no influence"


def _whole(bench: Bench, site: Site) -> None:
    assert site.digests() == bench.finished("docker").digests()
    assert site.leftovers(bench.engine) == []
    assert "nothing changed" in site.done(*_REPRODUCE).stdout
