"""Killed, interrupted, cut off: the next run ends with the same bytes and nothing is left."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults.faultsite import ROOT, Bench, Outcomes, Site, ended, scenario
from tests.secondengine import SecondEngine

_ALL = ("export", "parity", "cpu/infer", "cpu/metrics", "cpu/bench")
_LIGHT = _ALL[2:]
_HOOKS = Path(__file__).parent / "hooks"


def _check_whole(bench: Bench, site: Site, runner: str) -> None:
    """The run is finished: same digests as the undisturbed one, verified, nothing left."""
    assert site.digests() == bench.finished(runner).digests()
    engine = bench.engine if runner == "docker" else None
    left = site.leftovers(engine)
    assert left == [], left
    ran = site.done("verify", "--strict")
    assert ", 0 wrong, 0 not on this machine" in ran.stdout, ran.stdout


def _kills(bench: Bench, count: int, runner: str) -> Outcomes:
    """Start, kill at a random moment, start again, until a run survives; every fifth round from the very beginning."""
    words = ("reproduce", "--runner", runner)
    whole: dict[tuple[str, ...], float] = {}
    done = 0
    for number in itertools.count():
        missing = _ALL if number % 5 == 4 else _LIGHT
        if missing not in whole:
            trial = bench.half(runner, *missing)
            started = time.monotonic()
            trial.done(*words)
            whole[missing] = time.monotonic() - started
        site = bench.half(runner, *missing)
        before = done
        while done < count:
            child = site.start(*words)
            try:
                child.wait(bench.chance.uniform(0.0, whole[missing]))
            except subprocess.TimeoutExpired:
                child.kill()
            _, err = child.communicate()
            if child.returncode == 0:
                break
            assert child.returncode == -signal.SIGKILL, err
            done += 1
        site.done(*words)
        _check_whole(bench, site, runner)
        yield from ["resumed, same digests, nothing left"] * (done - before)
        if done >= count:
            return


@scenario(
    "Interrupted",
    "`kill -9` of kit, local runner",
    "SIGKILL at random moments of `kit reproduce --runner local`, again and again until it is finished",
    short=0,
    long=100,
    needs=("torch",),
)
def kill_local(bench: Bench, count: int) -> Outcomes:
    yield from _kills(bench, count, "local")


@scenario(
    "Interrupted",
    "`kill -9` of kit, Docker runner",
    "SIGKILL at random moments of `kit reproduce --runner docker`; the container goes on without kit",
    short=2,
    long=100,
    needs=("engine",),
)
def kill_docker(bench: Bench, count: int) -> Outcomes:
    yield from _kills(bench, count, "docker")


@scenario(
    "Interrupted",
    "`kill -9` at a change of the file system",
    "SIGKILL right before the n-th file that kit opens for writing, renames or removes",
    short=2,
    long=80,
    needs=("engine",),
)
def kill_at_change(bench: Bench, count: int) -> Outcomes:
    words = ("reproduce", "--runner", "docker")
    missing = ("cpu/metrics",)
    paths = f"{_HOOKS}{os.pathsep}{ROOT}"
    site = bench.half("docker", *missing)
    counter = site.folder / "count"
    site.done(*words, environment={"PYTHONPATH": paths, "KILL_COUNT": str(counter)})
    total = int(counter.read_text())
    for number in range(count):
        moment = 1 + number * (total - 1) // max(1, count - 1)
        site = bench.half("docker", *missing)
        ran = site.kit(*words, environment={"PYTHONPATH": paths, "KILL_AT": str(moment)})
        assert ran.returncode == -signal.SIGKILL, f"change {moment} of {total}: {ran.returncode} {ran.stderr}"
        site.done(*words)
        _check_whole(bench, site, "docker")
        yield "resumed, same digests, nothing left"


def _at_step(site: Site, step: str, number: signal.Signals, delay: float, runner: str) -> tuple[int, str]:
    """Send a signal ``delay`` seconds after a step began; returns exit code and standard error."""
    child = site.start("reproduce", "--runner", runner, "--json")
    _wait_for_step(child, step)
    time.sleep(delay)
    child.send_signal(number)
    code, _, err = ended(child)
    return code, err


def _signals(bench: Bench, count: int, runner: str) -> Outcomes:
    done = 0
    steps = ("cpu/infer", "cpu/bench", "cpu/metrics", "parity", "export")
    for round_ in range(100):
        for step in steps:
            for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
                if done == count:
                    return
                if count < 10 and number == (signal.SIGTERM, signal.SIGINT)[done % 2]:
                    continue
                site = bench.half(runner, *_ALL[_ALL.index(step) :])
                delay = bench.chance.uniform(0, 0.8 if step in {"parity", "export"} else 0.25)
                got, err = _at_step(site, step, number, delay if round_ else delay / 2, runner)
                assert "Traceback" not in err, err
                engine = bench.engine if runner == "docker" else None
                left = site.leftovers(engine)
                assert left == [], f"{number.name} in {step}: {left}"
                if got != 0 or step != _ALL[-1]:  # 0: the last step had ended before the signal came
                    assert got == code, f"{number.name} in {step}: exit code {got}\n{err}"
                site.done("reproduce", "--runner", runner)
                _check_whole(bench, site, runner)
                done += 1
                yield f"exit code {got}, resumed, nothing left"


@scenario(
    "Interrupted",
    "SIGINT, SIGTERM, SIGHUP in each step, Docker runner",
    "the signal comes while the step's container runs; what is left is looked for before the next run",
    short=2,
    long=24,
    needs=("engine",),
)
def signals_docker(bench: Bench, count: int) -> Outcomes:
    yield from _signals(bench, count, "docker")


@scenario(
    "Interrupted",
    "SIGINT, SIGTERM, SIGHUP in each step, local runner",
    "the signal comes while the step's program runs",
    short=0,
    long=18,
    needs=("torch",),
)
def signals_local(bench: Bench, count: int) -> Outcomes:
    yield from _signals(bench, count, "local")


class _Forwarder:
    """A socket in front of the engine's, which can be cut: all connections end, new ones are refused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listening: socket.socket | None = None
        self.open: list[socket.socket] = []
        self.up()

    def up(self) -> None:
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(self.path))
        self.listening.listen()
        threading.Thread(target=self._accept, args=(self.listening,), daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect("/var/run/docker.sock")
            self.open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()

    def cut(self) -> None:
        assert self.listening is not None
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.path.unlink()
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.open.clear()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@scenario(
    "Interrupted",
    "The engine stops midway and comes back",
    "the engine's socket vanishes with all connections and its containers are killed, as its end does;"
    " the next run first finds no engine, then one",
    short=1,
    long=8,
    needs=("engine",),
)
def engine_stops(bench: Bench, count: int) -> Outcomes:
    for number in range(count):
        step = ("cpu/infer", "cpu/bench", "parity", "cpu/metrics")[number % 4]
        site = bench.half("docker", *_ALL[_ALL.index(step) :])
        gate = _Forwarder(site.folder / "engine.sock")
        to_gate = {"DOCKER_HOST": f"unix://{gate.path}"}
        child = site.start("reproduce", "--runner", "docker", "--json", environment=to_gate)
        _wait_for_step(child, step)
        _wait_for(lambda: site.containers(bench.engine), child)  # noqa: B023 - called at once
        gate.cut()
        for name in site.containers(bench.engine):
            _quietly(bench.engine, name)
        _, _, err = ended(child)
        assert child.returncode == 7, f"{child.returncode} {err}"
        assert "Traceback" not in err and "error: the engine stopped answering" in err, err
        ran = site.kit("reproduce", "--runner", "docker", environment=to_gate)
        assert ran.returncode == 7 and "Traceback" not in ran.stderr, ran.stderr
        gate.up()
        site.done("reproduce", "--runner", "docker", environment=to_gate)
        gate.cut()
        _check_whole(bench, site, "docker")
        yield "exit code 7 twice, then resumed, same digests, nothing left"


@contextlib.contextmanager
def _second_engine(bench: Bench) -> Iterator[SecondEngine]:
    """A second engine that has the image of the steps."""
    folder = Path(tempfile.mkdtemp(prefix="kit-e-", dir="/tmp"))  # its socket's path must be short
    second = SecondEngine(folder)
    try:
        second.start()
        record = json.loads((bench.finished("docker").store / "images" / "runtime.json").read_text())
        archive = folder / "runtime.tar"
        # By its id: a build of the same context beside this one takes the tag along.
        subprocess.run(["docker", "save", "--output", archive, record["id"]], check=True)
        subprocess.run(["docker", "--host", second.socket, "load", "--quiet", "--input", archive], check=True)
        yield second
    finally:
        second.stop()
        shutil.rmtree(folder, ignore_errors=True)


@scenario(
    "Interrupted",
    "The engine's process is killed and started again",
    "SIGKILL or SIGTERM to a second engine while it runs a step's container; the next run first finds no engine, then"
    " the new one",
    short=1,
    long=16,
    needs=("engine", "second engine"),
)
def engine_killed(bench: Bench, count: int) -> Outcomes:
    with _second_engine(bench) as second:
        there = {"DOCKER_HOST": second.socket}
        for number in range(count):
            step = ("cpu/infer", "cpu/bench", "cpu/metrics")[number // 2 % 3]
            site = bench.half("docker", *_LIGHT[_LIGHT.index(step) :])
            child = site.start("reproduce", "--runner", "docker", "--json", environment=there)
            _wait_for_step(child, step)
            _wait_for(lambda: site.containers(second.client), child)  # noqa: B023 - called at once
            time.sleep(bench.chance.uniform(0, 0.2))
            second.end((signal.SIGKILL, signal.SIGTERM)[number % 2])
            code, _, err = ended(child, 60)
            assert "Traceback" not in err, err
            assert code == 7, f"{code} {err}"
            ran = site.kit("reproduce", "--runner", "docker", environment=there)
            assert ran.returncode == 7 and "Traceback" not in ran.stderr, ran.stderr
            second.start()
            site.done("reproduce", "--runner", "docker", environment=there)
            _check_whole(bench, site, "docker")
            assert site.containers(second.client) == []
            yield f"exit code {code}, without engine 7, then resumed, same digests, nothing left"


def _wait_for_step(child: subprocess.Popen[str], step: str) -> None:
    """Read what kit prints, one JSON object per line, until it says that the step has begun."""
    assert child.stdout is not None
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == "start" and event["step"] == step:
            return


def _wait_for(condition: Any, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while not condition() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def _quietly(engine: Any, name: str) -> None:
    import docker.errors

    try:
        engine.api.kill(name)
    except docker.errors.APIError:
        return


@scenario(
    "Interrupted",
    "`kit clean` after a kill",
    "SIGKILL of kit in a step, then `kit clean`: the leftovers go, finished steps and foreign files stay",
    short=1,
    long=5,
    needs=("engine",),
)
def clean_after_kill(bench: Bench, count: int) -> Outcomes:
    for _ in range(count):
        site = bench.half("docker", *_LIGHT)
        foreign = site.folder / "reports" / "mine.txt"
        before = set((site.store / "records").iterdir())
        child = site.start("reproduce", "--runner", "docker")
        _wait_for(lambda: site.containers(bench.engine), child)  # noqa: B023 - called at once
        child.kill()
        child.communicate()
        foreign.write_text("mine")
        assert site.containers(bench.engine) and site.partial()
        listed = site.done("clean", "--dry-run").stdout
        assert "would remove container" in listed and "would remove" in listed
        assert site.containers(bench.engine) and site.partial()
        site.done("clean")
        assert site.leftovers(bench.engine) == []
        assert before <= set((site.store / "records").iterdir()) and foreign.read_text() == "mine"
        assert "nothing to clean" in site.done("clean").stdout
        site.done("reproduce", "--runner", "docker")
        _check_whole(bench, site, "docker")
        yield "removed, nothing else touched"
