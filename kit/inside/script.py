"""The users' own programs before and after inference, in a working folder of their own.

Command line::

    python3 -m inside.script --code DIR --data DIR --plan JSON --out DIR [--before DIR]
        [--results RUN=DIR ...] [--given NAME=FILE ...]

``--plan`` holds ``commands`` (argv lists; no shell; ``cd`` is for those after it), ``links``, ``data`` (``read`` or
``copy``), ``seconds``, ``max_bytes`` and perhaps ``environment``; before inference also ``programs`` (Python programs
of all commands, those after inference, too), ``runs`` (run -> folders that the engine reads), ``counts`` (run ->
samples), ``bytes`` (folder -> of a sample), ``shapes``, and with known ones ``known`` and ``nhwc``
(:mod:`inside.fileshapes`); after it ``folders`` (as ``runs``) and ``metrics``. The working folder is a copy of the
code, or with ``--before`` of the folder that the first programs left.

Before inference it leaves ``work`` and ``runs.json``; after it ``metrics.json``; both times ``stdout.txt`` and
``stderr.txt`` of the programs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, BinaryIO

from .fileshapes import check_shapes
from .needs import check_imports
from .printed import find_metrics
from .protocol import OWN_LOG, UserError, run, write_json
from .samples import check_runs, list_samples
from .stored import read_summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["main"]

#: Limit on each stream: the rest is dropped.
_MAX_STREAM = 32 << 20
#: Of each stream, where the programs failed.
_REPEATED = 1 << 20
#: Seconds between two checks of how much the programs wrote.
_LOOK = 3.0
#: What a program's last line is about, and what to do then.
_REMEDIES = (
    ("^ModuleNotFoundError", "Name the package, with its hash, in the file of task -> script -> packages."),
    (
        r"URLError|ConnectionError|Max retries|gaierror|Name or service not known|name resolution",
        "Scripts run without a network: put what it fetches into task -> script -> files of the recipe.",
    ),
)
_PLACEHOLDER = re.compile(r"\{(data|work|results|summary)(?::([A-Za-z0-9_.-]+))?\}")
#: Many scripts start a process per core, each with its own pool of threads.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    arguments = _arguments(argv)
    plan: dict[str, Any] = arguments.plan
    work = os.path.join(arguments.out, "work")
    _prepare(work, arguments)
    check_imports(work, plan.get("programs", ()))
    try:
        _programs(work, arguments, plan)
    except UserError as error:
        _repeat(arguments.out)
        where, what = error.where or OWN_LOG, error.what
        if where.startswith(work + os.sep):  # it goes with the failure
            where, what = OWN_LOG, f"{os.path.relpath(where, work)}: {what}"
        raise UserError(what, error.remedy, where, error.kind) from error


def _repeat(out: str) -> None:
    """The end of what the programs said, into this program's own log: the folder `out` goes with the failure."""
    for name in ("stdout.txt", "stderr.txt"):
        with contextlib.suppress(FileNotFoundError), open(os.path.join(out, name), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _REPEATED))
            sys.stderr.buffer.write(file.read().rstrip() + b"\n")
    sys.stderr.flush()


def _programs(work: str, arguments: argparse.Namespace, plan: dict[str, Any]) -> None:
    places = _places(work, arguments)
    for name, folders in plan.get("folders", {}).items():
        _localize(places["summary", name], places["results", name], [os.path.join(work, one) for one in folders])
    with (
        open(os.path.join(arguments.out, "stdout.txt"), "wb") as out,
        open(os.path.join(arguments.out, "stderr.txt"), "wb") as err,
    ):
        deadline = time.monotonic() + plan["seconds"]
        plan["environment"] = {name: _filled(word, places) for name, word in plan.get("environment", {}).items()}
        where = work
        for number, words in enumerate(plan["commands"], 1):
            command = [_filled(word, places) for word in words]
            if command[0] == "cd":
                where = _entered(number, command, where, work)
            else:
                _run(number, command, where, work, (out, err), deadline, plan)
    for name in plan["links"]:
        with contextlib.suppress(FileNotFoundError):  # one to results, before there are any
            os.unlink(os.path.join(work, name))
    if "runs" in plan:
        from_files = plan["shapes"] == "files"
        runs = check_runs(work, plan["runs"], plan["counts"], from_files=from_files, sizes=plan.get("bytes"))
        for folders in plan["runs"].values() if "known" in plan else ():
            check_shapes(work, folders, plan["known"], plan["nhwc"])
        _resolve_links(work)
        write_json(os.path.join(arguments.out, "runs.json"), {"runs": runs})
    for name in plan.get("folders", {}):
        os.unlink(places["summary", name])
    if "metrics" in plan:
        metrics = find_metrics(plan["metrics"], arguments.out, work)
        write_json(os.path.join(arguments.out, "metrics.json"), {"metrics": metrics})
        shutil.rmtree(work)


def _prepare(work: str, arguments: argparse.Namespace) -> None:
    """Fill the working folder: code, the files that the recipe gives, links."""
    ignored = shutil.ignore_patterns(".git", "__pycache__", ".kit")
    shutil.copytree(arguments.before or arguments.code, work, ignore=None if arguments.before else ignored)
    for folder, _, _ in os.walk(work):
        os.chmod(folder, os.stat(folder).st_mode | 0o700)  # of a copy of a read-only folder
    for name, path in arguments.given.items():
        target = _inside(work, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(path, target)
    if arguments.plan["data"] == "copy" and not arguments.before:
        shutil.copytree(arguments.data, os.path.join(work, "data"), dirs_exist_ok=True)
    places = _places(work, arguments)
    for name, target in arguments.plan["links"].items():
        if not arguments.before and "{results" in target:
            continue
        link = _inside(work, name)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if os.path.lexists(link):
            raise UserError(f"the link {name} would hide a file of the code", "Choose another name for it.")
        os.symlink(_filled(target, places), link)


def _inside(work: str, name: str) -> str:
    path = os.path.normpath(os.path.join(work, name))
    if not path.startswith(work + os.sep):
        raise UserError(f"{name!r} points outside the working folder", "Give a name inside it.")
    return path


def _places(work: str, arguments: argparse.Namespace) -> dict[tuple[str, str], str]:
    """What the placeholders mean."""
    copied = arguments.plan["data"] == "copy"
    places = {("data", ""): os.path.join(work, "data") if copied else arguments.data, ("work", ""): work}
    for name, folder in arguments.results.items():
        places["results", name] = os.path.join(folder, "result")
        places["summary", name] = os.path.join(arguments.out, f"{name}_summary.json")
    if arguments.results:
        first = next(iter(arguments.results))
        places["results", ""], places["summary", ""] = places["results", first], places["summary", first]
    return places


def _localize(target: str, results: str, folders: Sequence[str]) -> None:
    """Write the engine tool's summary with the paths under which the programs see its files.

    Raises:
        UserError: it names a result that is not there, or fewer results than files.
    """
    summary, entries = read_summary(os.path.join(os.path.dirname(results), "result_summary.json"))
    for entry in entries:
        inputs = zip(entry["infiles"], folders, strict=False)
        entry["infiles"] = [os.path.join(folder, os.path.basename(name)) for name, folder in inputs]
        entry["outfiles"] = [os.path.join(results, os.path.basename(name)) for name in entry["outfiles"]]
    missing = [name for entry in entries for name in entry["outfiles"] if not os.path.isfile(name)]
    files = len(list_samples(folders[0]))
    if missing or len(entries) != files or not all(entry["outfiles"] for entry in entries):
        what = f"{os.path.basename(missing[0])} is missing" if missing else f"{len(entries)} of {files} files have some"
        raise UserError(
            f"the results of the inference are not complete: {what}", "Run it again with --force.", results, "damaged"
        )
    write_json(target, summary)


def _filled(word: str, places: Mapping[tuple[str, str], str]) -> str:
    def place(found: re.Match[str]) -> str:
        key = (found[1], found[2] or "")
        if key not in places:
            known = ", ".join(f"{{{kind}{':' + name if name else ''}}}" for kind, name in places)
            raise UserError(f"{found[0]} has no meaning in this command", f"Use one of {known}.")
        return places[key]

    return _PLACEHOLDER.sub(place, word)


def _entered(number: int, command: Sequence[str], where: str, work: str) -> str:
    """The folder that the next commands start in."""
    path = os.path.realpath(os.path.join(where, *command[1:]))
    if not os.path.isdir(path) or not f"{path}{os.sep}".startswith(os.path.realpath(work) + os.sep):
        raise UserError(
            f"command {number} ({' '.join(command)}): there is no such folder in the working folder",
            "Correct the command of the recipe; cd starts where the command before it was.",
            kind="missing",
        )
    return path


def _run(
    number: int,
    command: Sequence[str],
    where: str,
    work: str,
    streams: tuple[BinaryIO, BinaryIO],
    deadline: float,
    plan: Mapping[str, Any],
) -> None:
    shown = " ".join(command[:2])
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH", "TZ") if name in os.environ}
    environment |= {
        "HOME": work,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(_THREADS, "1"),
        **plan["environment"],
    }
    program = sys.executable if command[0] in {"python", "python3"} else command[0]
    try:
        child = subprocess.Popen(
            [program, *command[1:]],
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise UserError(
            f"command {number} cannot be started: {command[0]}: {error.strerror}",
            "Correct the command of the recipe, or add the program to its packages.",
            kind="missing",
        ) from error
    try:
        tail = _pump(child, streams, work, deadline, plan, f"command {number} ({shown})")
    finally:
        _stop(child)
    if child.returncode:
        how = f"exit code {child.returncode}" if child.returncode > 0 else f"signal {-child.returncode}"
        raise UserError(
            f"command {number} ({shown}) ended with {how}: {tail}",
            next(
                (remedy for mark, remedy in _REMEDIES if re.search(mark, tail)),
                "Read what it said there, and correct the script or its arguments in the recipe.",
            ),
            kind="tolerance",
        )


def _pump(
    child: subprocess.Popen[bytes],
    streams: tuple[BinaryIO, BinaryIO],
    work: str,
    deadline: float,
    plan: Mapping[str, Any],
    name: str,
) -> str:
    """Store both streams, within limits of size and time; returns the last line of the program."""
    last = {0: b"", 1: b""}
    next_look = time.monotonic() + _LOOK
    with selectors.DefaultSelector() as selector:
        for index, stream in enumerate((child.stdout, child.stderr)):
            assert stream is not None  # noqa: S101 - both are pipes
            selector.register(stream, selectors.EVENT_READ, index)
        while selector.get_map():
            for key, _ in selector.select(timeout=1):
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fileobj)
                    continue
                room = _MAX_STREAM - streams[key.data].tell()
                streams[key.data].write(data[: max(0, room)])
                last[key.data] = (last[key.data] + data)[-4000:]
            if time.monotonic() > deadline:
                raise _late(name, plan["seconds"])
            if time.monotonic() > next_look:
                _check_size(work, plan["max_bytes"], name)
                next_look = time.monotonic() + _LOOK
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise _late(name, plan["seconds"]) from None
    _check_size(work, plan["max_bytes"], name)
    words = [line.strip() for one in (last[1], last[0]) for line in one.decode("utf-8", "replace").splitlines()[-1:]]
    return next((line for line in words if line), "it said nothing")[:300]


def _late(name: str, seconds: float) -> UserError:
    remedy = "Find out why it hangs, or raise task -> script -> seconds of the recipe."
    return UserError(f"{name} did not end within {seconds:g} s", remedy, kind="resource")


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End the program with everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdout, child.stderr):
        if stream:
            stream.close()


def _check_size(work: str, most: int, name: str) -> None:
    total = 0
    for parent, _, files in os.walk(work):
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(parent, file)).st_size
        if total > most:
            remedy = "Write less, or raise task -> script -> max_gib of the recipe."
            raise UserError(f"{name} wrote more than {most >> 20} MiB", remedy, kind="resource")


def _resolve_links(work: str) -> None:
    """An artifact holds no links: one to a file of the working folder becomes a copy, any other is removed."""
    for parent, folders, names in os.walk(work):
        for name in [*folders, *names]:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                continue
            target = os.path.realpath(path)
            os.unlink(path)
            if target.startswith(os.path.realpath(work) + os.sep) and os.path.isfile(target):
                shutil.copyfile(target, path)


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    return dict(text.split("=", 1) for text in texts)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inside.script", description="Run a user's own programs.")
    parser.add_argument("--code", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--plan", required=True, type=json.loads)
    parser.add_argument("--out", required=True)
    parser.add_argument("--before")
    parser.add_argument("--results", action="append", default=[])
    parser.add_argument("--given", action="append", default=[])
    arguments = parser.parse_args(argv)
    arguments.results, arguments.given = _pairs(arguments.results), _pairs(arguments.given)
    return arguments


if __name__ == "__main__":
    run(main)
