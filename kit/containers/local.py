"""Runs steps in this environment, for machines without a container engine. Not containerized, and reports say so."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import selectors
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from kit.containers.memory import allowed_bytes, resident_bytes
from kit.containers.runner import Binding, Listener, Messages, links
from kit.containers.watch import Watch
from kit.errors import EngineError, MissingError, ResourceError
from kit.planning.step import Outcome, Step, fill
from kit.resources import package, resource

__all__ = ["LocalRunner", "die_with_parent"]

_NAME = re.compile(r"^(-r\s+\S+|[A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)
#: Environment variable of a container that holds a vendor's tools and kit: what they are, such as its image's digest.
_TOOLS = "KIT_TOOLS"
_GRACE_S = 0.5
#: How often time and memory of a child are checked.
_LOOK_EVERY_S = 0.2
_PR_SET_PDEATHSIG = 1


class LocalRunner:
    """Child processes of this one, with a clean environment. No isolation: time and memory are watched, devices not."""

    name = "local"
    containerized = False

    def image_id(self, image: str) -> str:
        """Digest of the Python and the packages that stand in for the image.

        Raises:
            EngineError: the image has no stand-in: a vendor's tools need their container.
            MissingError: packages are not installed; names the extra that has them.
        """
        return _environment_id(image)

    prepare = image_id

    @staticmethod
    def stands_in(image: str) -> bool:
        """Whether Python packages can take the place of the image; vendors' tools have an environment of their own."""
        return bool(_stand_in(image))

    def host(self) -> dict[str, str]:
        """The interpreter."""
        return {"runner": "local, not containerized", "python": sys.version.split()[0]}

    def _argv(self, step: Step, binding: Binding) -> tuple[list[str], dict[str, str], Callable[[str], str]]:
        def place(text: str) -> str:
            return fill(text, inputs=lambda name: str(binding.inputs[name]), out=str(binding.out), code=str(package()))

        argv = [place(word) for word in step.argv]
        vendors = not self.stands_in(step.image)
        if argv[0] == "python3" and not vendors:
            argv[0] = sys.executable
        keep = os.environ if vendors else ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ", "TMPDIR")
        environment = {name: os.environ[name] for name in keep if name in os.environ}
        if step.code or not vendors:
            environment["PYTHONPATH"] = str(package())
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"}
        environment |= {name: place(text) for name, text in step.environment.items()}
        return argv, environment, place

    def command_line(self, step: Step, binding: Binding) -> str:
        """One line for a shell."""
        argv, environment, place = self._argv(step, binding)
        own = {} if not self.stands_in(step.image) and not step.code else {"PYTHONPATH": environment["PYTHONPATH"]}
        shown = (f"{name}={place(text)}" for name, text in {**own, **step.environment}.items())
        line = f"cd {place(step.workdir)} && {shlex.join(['env', *shown, *argv])}"
        for name, target in step.links.items():
            line = f"ln -sfn {shlex.join([place(target), str(binding.out / name)])} && {line}"
        return line

    def run(self, step: Step, binding: Binding, listener: Listener) -> Outcome:
        """Run as a child in its own session; it dies with us, and on an interruption within half a second."""
        self.image_id(step.image)
        argv, environment, place = self._argv(step, binding)
        if step.private:
            binding.out.chmod(0o750)
        started, watch = time.monotonic(), Watch(step, binding.stop)
        stdout, stderr = binding.logs / "stdout.txt", binding.logs / "stderr.txt"
        with links(step, binding.out, place):
            try:
                child = subprocess.Popen(
                    argv,
                    cwd=place(step.workdir),
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - no threads of ours are running here
                )
            except FileNotFoundError as error:
                raise MissingError(
                    f"there is no program {argv[0]!r}", remedy="install it, or use --runner docker"
                ) from error
            except OSError as error:
                raise ResourceError(
                    f"the program cannot be started: {error.strerror}", remedy="free memory and processes"
                ) from error
            messages, guard = Messages(listener), _Guard(child, watch, step.limits.memory_bytes)
            try:
                with stdout.open("wb") as out, stderr.open("wb") as err:
                    _pump(child, messages, out.write, err.write, listener, guard)
                code = guard.wait()
            except BaseException:
                _stop(child)
                raise
            finally:
                _reap(child)
        if messages.error and not guard.oom:
            raise messages.error
        return Outcome(
            exit_code=code if code >= 0 else 128 - code,
            folder=binding.out,
            stdout=stdout,
            stderr=stderr,
            seconds=time.monotonic() - started,
            oom=guard.oom,
        )


def _packages(folder: Path) -> list[str]:
    """The packages of an image and its base, which determine the output of a step."""
    found = []
    for listed in sorted([*folder.glob("requirements.in"), *folder.glob("torch.lock")]):
        for word in _NAME.findall(listed.read_text(encoding="utf-8")):
            if word.startswith("-r"):
                found += _packages((folder / word.split()[1]).parent)
            else:
                found.append(word)
    return list(dict.fromkeys(found))


@cache
def _stand_in(image: str) -> list[str]:
    """The packages that replace an image; none where nothing does.

    ``<package>-<variant>`` is an image whose package takes the place of the runtime image's, as ``<variant>.txt`` says.
    """
    folders = resource("images")
    if (folders / image).is_dir():
        return _packages(folders / image)
    base, _, variant = image.partition("-")
    own = folders / base / f"{variant}.txt"
    if not own.is_file():
        return _packages(folders / base)
    return [
        *(name for name in _packages(folders / "runtime") if name != base),
        *_NAME.findall(own.read_text(encoding="utf-8")),
    ]


class _Guard:
    """Enforces the limits of time and memory on a child; for a container the engine and the kernel do."""

    def __init__(self, child: subprocess.Popen[bytes], watch: Watch, memory_bytes: int) -> None:
        self.watch, self.oom = watch, False
        self._child, self._bytes = child, allowed_bytes(memory_bytes)

    def look(self) -> None:
        """Kill the child where it has too much memory.

        Raises:
            StepError: it takes too long.
        """
        if resident_bytes(self._child.pid) > self._bytes:
            self.oom = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
        if error := self.watch.overdue():
            raise error

    def wait(self) -> int:
        """The exit code; a child may close its streams and still run.

        Raises:
            StepError: it takes too long.
        """
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._child.wait(_LOOK_EVERY_S)
            self.look()


@cache
def _environment_id(image: str) -> str:
    packages = _stand_in(image)
    if not packages:
        return _tools_id(image)
    found = [sys.version]
    missing = []
    for name in sorted(packages):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if name != "opencv-python-headless":  # needed only by recipes that preprocess with it
                missing.append(name)
    if missing:
        # A variant of an image has no extra of its own.
        wanted = f"'kit-repro[{image}]'" if (resource("images") / image).is_dir() else " ".join(missing)
        raise MissingError(
            f"to run without containers, {', '.join(missing)} must be installed",
            remedy=f"pip install {wanted}, or start a Docker engine",
        )
    return "local:" + hashlib.sha256("\n".join(found).encode()).hexdigest()


def _tools_id(image: str) -> str:
    """Of a vendor's image: what KIT_TOOLS says of the tools that are installed here, for nobody can look it up.

    Raises:
        EngineError: it says nothing.
    """
    said = os.environ.get(_TOOLS, "")
    if not said.strip() or not said.isprintable():
        raise EngineError(
            f"image {image!r} holds a vendor's tools, and {_TOOLS} does not say that they are installed here",
            remedy="use --runner docker with a Docker engine; or, inside of a container with the tools, set"
            f" {_TOOLS} to its image's digest",
        )
    return "local:" + hashlib.sha256(f"{image}\n{said}".encode()).hexdigest()


def die_with_parent(number: int) -> Callable[[], None]:
    """A function for a child to call after its fork: when this process ends, the child gets the signal `number`."""
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def call() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return call


def _pump(
    child: subprocess.Popen[bytes],
    messages: Messages,
    out: Callable[[bytes], object],
    err: Callable[[bytes], object],
    listener: Listener,
    guard: _Guard,
) -> None:
    plain = Messages(listener)  # standard error carries no messages, but the listener gets its lines, too
    with selectors.DefaultSelector() as selector:
        for stream, reader, write in ((child.stdout, messages, out), (child.stderr, plain, err)):
            assert stream is not None  # noqa: S101 - both are pipes
            selector.register(stream, selectors.EVENT_READ, (reader, write))
        while selector.get_map():
            guard.look()
            for key, _ in selector.select(_LOOK_EVERY_S):
                reader, write = key.data
                data = os.read(key.fd, 1 << 16)
                guard.watch.heard(len(data))
                write(reader.feed(data) if data else reader.end())
                if not data:
                    selector.unregister(key.fileobj)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Interrupt, terminate, kill: within half a second each."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE_S)
            return


def _reap(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # workers that are still running
    for stream in (child.stdout, child.stderr):
        if stream:
            stream.close()
    child.wait()
