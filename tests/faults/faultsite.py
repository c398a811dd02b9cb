"""A small recipe in a folder of its own, and what fault tests ask about it: digests, leftovers, locks, sentences."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests import secondengine

__all__ = ["ROOT", "SCENARIOS", "Bench", "Scenario", "Site", "ended", "missing", "scenario", "sentence"]

ROOT = Path(__file__).resolve().parents[2]
#: Files that the same inputs give bit for bit, whatever happened on the way.
DETERMINISTIC = ("model.onnx", "predictions.npy", "scores.npy", "images.txt", "metrics.json")
_FIXED = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}


def _heed_signals() -> None:
    """A background job of a shell ignores SIGINT, and `nohup` SIGHUP; kit would rightly do the same."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Site:
    """Recipe, data, store and reports below one folder."""

    def __init__(self, folder: Path, images: int = 40) -> None:
        example = ROOT / "examples" / "digits"
        self.folder = folder
        (folder / "val").mkdir(parents=True)
        labels = (example / "val_label.txt").read_text().splitlines()[:images]
        for line in labels:
            shutil.copy(example / "val" / line.split()[0], folder / "val")
        self.labels.write_text("\n".join(labels) + "\n")
        shutil.copy(example / "spnasnet_digits.pth.tar", folder)
        text = (example / "kit.yaml").read_text()
        for old, new in (
            ("count: 500", f"count: {images}"),
            ("batches: [1, 4, 8, 16, 32, 64]", "batches: [1, 4]"),
            ("default: [cpu, openvino]", "default: [cpu]"),
            ("seconds: 0.15", "seconds: 0.05"),
            ("repeats: 10", "repeats: 2"),
            ("limit: 30", "limit: 0.1"),
        ):
            assert old in text
            text = text.replace(old, new)
        self.recipe.write_text(text)

    @property
    def recipe(self) -> Path:
        return self.folder / "kit.yaml"

    @property
    def labels(self) -> Path:
        return self.folder / "val_label.txt"

    @property
    def weights(self) -> Path:
        return self.folder / "spnasnet_digits.pth.tar"

    @property
    def store(self) -> Path:
        return self.folder / ".kit"

    @property
    def report(self) -> Path:
        return self.folder / "reports" / "digits"

    def start(self, *words: str, environment: Mapping[str, str] | None = None, **more: Any) -> subprocess.Popen[str]:
        clean = {name: text for name, text in os.environ.items() if not name.startswith("KIT_")}
        (self.folder / "reports").mkdir(exist_ok=True)
        return subprocess.Popen(
            [*more.pop("before", ()), sys.executable, "-m", "kit", *words],
            cwd=self.folder,
            env={
                **clean,
                "PYTHONPATH": str(ROOT),
                "OMP_NUM_THREADS": "1",
                "PYTHONFAULTHANDLER": "1",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            preexec_fn=_heed_signals,  # noqa: PLW1509 - it calls nothing that takes a lock
            **more,
        )

    def kit(self, *words: str, timeout: float = 240, **more: Any) -> subprocess.CompletedProcess[str]:
        child = self.start(*words, **more)
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            raise AssertionError(f"kit {' '.join(words)} did not end within {timeout:g} s:\n{out}\n{err}") from None
        return subprocess.CompletedProcess(child.args, child.returncode, out, err)

    def done(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run kit, which must succeed."""
        ran = self.kit(*words, **more)
        assert ran.returncode == 0, f"kit {' '.join(words)}: exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran

    def records(self) -> list[dict[str, Any]]:
        return [
            json.loads(path.read_bytes().partition(b"\n")[0])
            for path in sorted((self.store / "records").glob("*.json"))
        ]

    def digests(self) -> dict[str, str]:
        """Step/file -> SHA-256, hashed now, of everything that must be equal."""
        found = {}
        for record in self.records():
            folder = self.store / "artifacts" / record["fingerprint"]
            for name in DETERMINISTIC:
                if (folder / name).is_file():
                    found[f"{record['step']}/{name}"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        return found

    def drop(self, *steps: str) -> None:
        """Forget these steps, as if they had never run."""
        for record in self.records():
            if record["step"] in steps:
                (self.store / "records" / f"{record['fingerprint']}.json").unlink()
                shutil.rmtree(self.store / "artifacts" / record["fingerprint"])

    def containers(self, engine: Any) -> list[str]:
        """Names of containers of this store."""
        if engine is None:
            return []
        found = engine.containers.list(all=True, filters={"label": f"kit.store={self.store}"}, ignore_removed=True)
        return [str(one.name) for one in found]

    def partial(self) -> list[str]:
        """Half-written things in store and reports."""
        found = [str(path) for path in (self.store / "partial").glob("*")]
        for place in (self.store, self.folder / "reports"):
            found += [str(path) for path in place.rglob("*.partial")]
        for folder in (self.store / "artifacts").glob("*"):
            if not (self.store / "records" / f"{folder.name}.json").exists():
                found.append(str(folder))
        return found

    def processes(self) -> list[str]:
        """Programs that still run on files of this site."""
        found = []
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.folder) in words and int(place.parts[2]) != os.getpid():
                found.append(words)
        return found

    def locked(self) -> bool:
        """Whether anybody holds the store or the report."""
        for path in (self.store / "lock", self.report):
            if not path.exists():
                continue
            handle = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(handle)
        return False

    def leftovers(self, engine: Any = None) -> list[str]:
        """Everything that a finished or interrupted run must not leave."""
        deadline = time.monotonic() + 5
        while (running := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        found = [f"process {words}" for words in running]
        found += [f"container {name}" for name in self.containers(engine)]
        found += [f"partial {path}" for path in self.partial()]
        return found + (["a lock that is held"] if self.locked() else [])


def sentence(ran: subprocess.CompletedProcess[str], code: int, *words: str) -> str:
    """The one sentence of a run that must have ended with ``code``; it names ``words`` and has a remedy."""
    said = f"exit code {ran.returncode}, expected {code}\n{ran.stdout}\n{ran.stderr}"
    assert ran.returncode == code, said
    assert "Traceback" not in ran.stderr and "Traceback" not in ran.stdout, said
    errors = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, said
    assert re.search(r"^ {2}do: \S", ran.stderr, re.MULTILINE), said
    for word in words:
        assert word in errors[0], f"{word!r} is not in {errors[0]!r}"
    return errors[0]


@dataclass
class Bench:
    """Where the scenarios work: a scratch folder, an engine or None, chance with a seed, references made once."""

    scratch: Path
    engine: Any
    chance: random.Random = field(default_factory=lambda: random.Random(20221123))
    _count: int = 0
    _kept: dict[str, Site] = field(default_factory=dict)

    def folder(self, name: str) -> Path:
        self._count += 1
        return self.scratch / f"{self._count:04d}-{name}"

    def site(self, name: str, images: int = 40) -> Site:
        return Site(self.folder(name), images)

    def finished(self, runner: str) -> Site:
        """A site whose run nothing disturbed; not to be changed."""
        if runner not in self._kept:
            site = self.site(f"reference-{runner}")
            site.done("reproduce", "--runner", runner)
            self._kept[runner] = site
        return self._kept[runner]

    def tidy(self) -> None:
        """Remove what scenarios left in the scratch folder, but the references."""
        kept = {site.folder for site in self._kept.values()}
        for path in self.scratch.iterdir():
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def half(self, runner: str, *missing: str) -> Site:
        """A copy of the undisturbed site in which these steps have not run yet, nor has the report been written."""
        whole = self.finished(runner)
        site = Site.__new__(Site)
        site.folder = self.folder("copy")
        shutil.copytree(whole.folder, site.folder, symlinks=True)
        shutil.rmtree(site.folder / "reports")
        site.drop(*missing)
        return site


Outcomes = Iterator[str]


@dataclass(frozen=True)
class Scenario:
    """One kind of fault: how it is really done, and how often in CI and in the long form."""

    group: str
    name: str
    how: str
    short: int
    long: int
    needs: tuple[str, ...]
    run: Callable[[Bench, int], Outcomes]


SCENARIOS: list[Scenario] = []


def missing(one: Scenario, bench: Bench) -> str:
    """What a scenario needs and this machine does not have; empty where it has all."""
    for need in one.needs:
        if need == "engine":
            there = bench.engine is not None
        elif need == "second engine":
            there = not secondengine.missing()
        elif need == "root":
            there = os.getuid() == 0
        else:
            there = Path(need).exists() if need.startswith("/") else find_spec(need) is not None
        if not there:
            return need
    return ""


def scenario(
    group: str, name: str, how: str, *, short: int, long: int, needs: Sequence[str] = ()
) -> Callable[[Callable[[Bench, int], Outcomes]], Callable[[Bench, int], Outcomes]]:
    """Register a function that does the damage ``count`` times and yields what came of each, in a few words.

    What must not happen raises AssertionError. ``needs``: "engine", "second engine", "root", a path, or a library.
    """

    def register(function: Callable[[Bench, int], Outcomes]) -> Callable[[Bench, int], Outcomes]:
        SCENARIOS.append(Scenario(group, name, how, short, long, tuple(needs), function))
        return function

    return register


def ended(child: subprocess.Popen[str], within: float = 30) -> tuple[int, str, str]:
    """Exit code and streams of a process that has to end by itself; where it hangs if it does not."""
    try:
        out, err = child.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGABRT)  # PYTHONFAULTHANDLER prints the stacks
        out, err = child.communicate()
        raise AssertionError(f"kit hung for {within:g} s:\n{out}\n{err}") from None
    return child.returncode, out, err
