"""Checksums of a tree against the limit of the processor, and a step's container against a bare one."""

from __future__ import annotations

import hashlib
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.table import Row, Settings, alternate, at_least, paired

__all__ = ["measure"]

PART = "Store and containers"
TENSOR_BYTES = 602_112  # 3 x 224 x 224 float32
GOAL_S = 0.15


def measure(settings: Settings) -> list[Row]:
    """Rates of hashing; seconds of a step that does nothing."""
    return [*_hashing(settings), *_step(settings)]


def _hashing(settings: Settings) -> list[Row]:
    from kit.storage.digests import digest_files

    folder = settings.work / "tree"
    folder.mkdir()
    names = [f"{number:05d}.bin" for number in range(settings.count(1000))]
    block = os.urandom(TENSOR_BYTES)
    for name in names:
        (folder / name).write_bytes(block)
    digest_files(folder, names)  # from memory, as the limit is

    def ours() -> float:
        start = time.perf_counter()
        digest_files(folder, names)
        return len(names) * TENSOR_BYTES / (time.perf_counter() - start) / 1e9

    def limit() -> float:
        large = memoryview(block * 64)
        start = time.perf_counter()
        with ThreadPoolExecutor(settings.cores) as pool:
            list(pool.map(lambda _: hashlib.sha256(large).digest(), range(4 * settings.cores)))
        return 4 * settings.cores * len(large) / (time.perf_counter() - start) / 1e9

    def reading() -> float:
        start = time.perf_counter()
        with ThreadPoolExecutor(settings.cores) as pool:
            list(pool.map(lambda part: _read([folder / name for name in part]), _parts(names, settings.cores)))
        return len(names) * TENSOR_BYTES / (time.perf_counter() - start) / 1e9

    values = alternate({"ours": ours, "limit": limit, "reading": reading}, settings.rounds + 6)
    what = f"SHA-256 of {len(names)} files of 602,112 bytes"
    hashed, bound = (
        values["limit"],
        [1 / (1 / r + 1 / h) for r, h in zip(values["reading"], values["limit"], strict=True)],
    )

    def row(against: str, other: Sequence[float], goal: float | None) -> Row:
        rates = (f"{statistics.median(one):.2f} GB/s" for one in (values["ours"], other))
        return at_least(PART, what, next(rates), against, next(rates), paired(values["ours"], other), goal)

    return [
        row(f"hashlib on {settings.cores} cores, from memory", hashed, 0.9),
        row("reading from the page cache, then hashing: both rates one after the other", bound, None),
    ]


def _parts(names: list[str], count: int) -> list[list[str]]:
    return [names[number::count] for number in range(count)]


def _read(paths: list[Path]) -> None:
    view = memoryview(bytearray(1 << 19))
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.readinto(view):
                pass


def _step(settings: Settings) -> list[Row]:
    if settings.image is None:
        return []
    from kit.containers.client import connect
    from kit.containers.docker import DockerRunner, _container
    from kit.containers.runner import Binding
    from kit.planning.step import Step

    client = connect()
    identity = str(client.images.get(settings.image).id)

    class One:
        def known_id(self, _name: str) -> str:
            return identity

    runner = DockerRunner(One(), settings.work)  # type: ignore[arg-type]
    step = Step(name="s", stage="infer", title="t", image="runtime", argv=("true",), outputs=())
    out, logs = settings.work / "out", settings.work / "logs"
    out.mkdir()
    logs.mkdir()
    binding = Binding(fingerprint="f", inputs={}, out=out, logs=logs, image_id=identity)

    class Deaf:
        def progress(self, done: int, total: int, unit: str) -> None: ...

        def line(self, text: str) -> None: ...

    def bare() -> None:
        with _container(client, runner._describe(step, binding), {}) as container:  # noqa: SLF001 - the same limits
            client.api.start(container)
            client.api.wait(container)

    def seconds(action: Callable[[], Any]) -> Callable[[], float]:
        def run() -> float:
            start = time.perf_counter()
            action()
            return time.perf_counter() - start

        return run

    candidates = {"ours": seconds(lambda: runner.run(step, binding, Deaf())), "bare": seconds(bare)}
    for action in candidates.values():
        action()
    values = alternate(candidates, 2 * settings.rounds + 5)
    over = statistics.median(a - b for a, b in zip(values["ours"], values["bare"], strict=True))
    ours, other = (statistics.median(values[name]) for name in ("ours", "bare"))
    return [
        Row(
            PART,
            "a step that does nothing, in its container",
            f"{ours:.3f} s",
            "a bare container with the same limits",
            f"{other:.3f} s",
            f"{over:+.3f} s",
            f"< +{GOAL_S} s",
            over < GOAL_S,
        )
    ]
