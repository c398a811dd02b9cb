"""Runs steps in containers: no network, read-only root, no capabilities, the caller's user, limits, named devices."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from kit.containers.client import connect, engine_errors, patience, version
from kit.containers.description import BindMount, ContainerRun
from kit.containers.images import Images
from kit.containers.runner import Binding, Listener, Messages, at_host, links
from kit.containers.watch import Alarm, Watch
from kit.data.referenced import referenced_files
from kit.errors import BusyError, DeviceError, EngineError
from kit.planning.step import Outcome, Step, fill
from kit.resources import package
from kit.signals import uninterrupted
from kit.storage.root import Root

__all__ = ["LABEL", "DockerRunner", "leftovers", "remove_leftovers"]

LABEL = "kit.store"
_CODE = "/kit"
_OUT = "/out"
#: The user of a step when the caller is root: nobody, so that code that breaks out has no rights.
_NOBODY = 65534
#: A file in a store for which containers were created, so some may be left over.
MARKER = "containers"
#: A running kit removes its container within milliseconds of its end.
_DEAD_AFTER = timedelta(minutes=1)


class DockerRunner:
    """One container per step, made, watched and removed through the engine's SDK."""

    name = "docker"
    containerized = True

    def __init__(self, images: Images, store: Path) -> None:
        """``store`` marks the containers, to find those that a killed run left behind."""
        self._images = images
        self._store = str(store)

    def image_id(self, image: str) -> str:
        """The id recorded at the last build; asks no engine."""
        return self._images.known_id(image)

    def prepare(self, image: str) -> str:
        """Build the image where it is missing or out of date."""
        return self._images.build(image)

    def host(self) -> dict[str, str]:
        """The engine."""
        return {"runner": "docker", "engine": version()}

    def command_line(self, step: Step, binding: Binding) -> str:
        """The same as a ``docker run`` line, which can be pasted."""
        line = self._describe(step, binding).command_line()
        # Inputs that the program needs under other names; the links are valid only in the container.
        for name, target in step.links.items():
            link = [_filled(target, binding), str(binding.out / name)]
            line = f"ln -sfn {shlex.join(link)} && {line}"
        return f"chmod 750 {shlex.quote(str(binding.out))} && {line}" if step.private else line

    def _describe(self, step: Step, binding: Binding) -> ContainerRun:
        """What the container of a step gets."""
        place, devices = partial(_filled, binding=binding), step.devices
        mounts = [BindMount(str(path.absolute()), _inside(name, path)) for name, path in sorted(binding.inputs.items())]
        for name, path in sorted(binding.inputs.items()):
            # An artifact of a step refers to no other files.
            if not path.is_relative_to(Path(self._store) / "artifacts"):
                mounts += [
                    BindMount(str(path.absolute().parent / one), f"/in/{name}/{one}") for one in referenced_files(path)
                ]
        mounts.append(BindMount(str(binding.out.absolute()), _OUT, read_only=False))
        if step.code:
            mounts.append(BindMount(str(package() / "inside"), f"{_CODE}/inside"))
        mounts += [BindMount(*_pair(file)) for file in devices.files]
        environment = {"PYTHONPATH": _CODE, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"} if step.code else {}  # noqa: S108
        uid, gid = (0, 0) if step.root else _user()
        return ContainerRun(
            image=binding.image_id,
            command=tuple(place(word) for word in step.argv),
            user=f"{uid}:{gid}",
            workdir=place(step.workdir),
            memory_bytes=step.limits.memory_bytes,
            pids=step.limits.pids,
            shm_bytes=step.limits.shm_bytes,
            network="bridge" if step.limits.network else "none",
            environment=environment | {name: place(text) for name, text in step.environment.items()},
            mounts=tuple(mounts),
            nodes=tuple(":".join(_pair(node)) for node in devices.nodes),
            groups=(*devices.groups, *(_owning_groups(binding) if step.private and uid != 0 else ())),
            gpus=devices.gpus,
            runtime=devices.runtime,
            name=f"kit-device-{_slug(devices.leases[0])}" if devices.leases else None,
        )

    def run(self, step: Step, binding: Binding, listener: Listener) -> Outcome:
        """Execute the step; the container is removed whatever happens, within a second of an interruption."""
        description = self._describe(step, binding)
        client = connect()
        messages = Messages(listener)
        stdout, stderr = binding.logs / "stdout.txt", binding.logs / "stderr.txt"
        Root(Path(self._store)).write(MARKER, data=b"")  # a later run looks for leftovers only where this exists
        started, watch = time.monotonic(), Watch(step, binding.stop)
        _give(binding.out, description.user)
        if step.private:
            binding.out.chmod(0o750)
        try:
            with (
                links(step, binding.out, partial(_filled, binding=binding)),
                patience(client),
                engine_errors(f"running step {step.name}"),
                _container(client, description, {LABEL: self._store, "kit.step": step.name}) as container,
                stdout.open("wb") as out,
                stderr.open("wb") as err,
            ):
                stream = client.api.attach(container, stdout=True, stderr=True, stream=True, demux=True)
                plain = Messages(listener)  # standard error carries no messages
                with contextlib.closing(stream), Alarm(watch, lambda: client.api.kill(container)) as alarm:
                    client.api.start(container)
                    for one, other in stream:
                        watch.heard(len(one or b"") + len(other or b""))
                        out.write(messages.feed(one or b""))
                        err.write(plain.feed(other or b""))
                out.write(messages.end())
                err.write(plain.end())
                client.api.wait(container)
                state = client.api.inspect_container(container)["State"]
        finally:
            if step.private:
                binding.out.chmod(0o755)
            _give(binding.out, None)
        if alarm.error:
            raise alarm.error
        code, oom = int(state["ExitCode"]), bool(state["OOMKilled"])
        if state.get("Error"):
            raise EngineError(
                f"the engine could not run step {step.name}: {state['Error']}", remedy="see `docker info`"
            )
        if messages.error and not oom:
            places = {_inside(name, path): str(path) for name, path in binding.inputs.items()}
            raise at_host(messages.error, places | {_OUT: str(binding.out)})
        return Outcome(
            exit_code=code,
            folder=binding.out,
            stdout=stdout,
            stderr=stderr,
            seconds=time.monotonic() - started,
            oom=oom,
        )


@contextlib.contextmanager
def _container(client: Any, description: ContainerRun, labels: dict[str, str]) -> Iterator[str]:
    import docker.errors

    made: list[str] = []

    @uninterrupted()  # the engine executes a request even when nobody waits for the answer: its container would be lost
    def create() -> None:
        made.append(description.create(client, labels))

    try:
        try:
            create()
        except docker.errors.APIError as error:
            if error.status_code != 409 or not description.name:
                raise
            _take_over(client, description.name)
            create()
        yield made[0]
    finally:
        for container in made:
            with uninterrupted():
                _remove(client, container)


def _take_over(client: Any, lease: str) -> None:
    """Free a device whose container ended long ago: a kit that was killed does not remove it.

    Raises:
        BusyError: the container is running; names it.
    """
    holder = client.api.inspect_container(lease)
    state = holder["State"]
    with contextlib.suppress(ValueError):
        ended = datetime.fromisoformat(state["FinishedAt"][:19]).replace(tzinfo=UTC)
        if state["Status"] in {"exited", "dead"} and datetime.now(UTC) - ended > _DEAD_AFTER:
            _remove(client, holder["Id"])
            return
    labels = holder["Config"]["Labels"] or {}
    step = f", step {labels['kit.step']}" if "kit.step" in labels else ""
    store = f" of the store {labels[LABEL]}" if LABEL in labels else ""
    raise BusyError(
        f"the device is held by container {lease} ({state['Status']}{step}){store}",
        remedy=f"wait until it has ended, or remove it if it is not in use: docker rm -f {lease}",
    )


def _remove(client: Any, container: str) -> None:
    import docker.errors
    import requests.exceptions

    with contextlib.suppress(docker.errors.DockerException, requests.exceptions.RequestException):
        client.api.remove_container(container, force=True, v=True)


def leftovers(store: Path) -> list[Any]:
    """Containers that a killed run of this store left. Call it under the store's lock: a running kit has some, too."""
    with engine_errors("looking for containers"):
        return list(connect().containers.list(all=True, filters={"label": f"{LABEL}={store}"}, ignore_removed=True))


def remove_leftovers(store: Path) -> None:
    """Remove what :func:`leftovers` finds; where the engine does not answer, the next run tries again."""
    root = Root(store)
    if root.mode(MARKER) is None:
        return
    try:
        for container in leftovers(store):
            container.remove(force=True, v=True)
    except EngineError:
        return
    root.remove(MARKER)


def _user() -> tuple[int, int]:
    uid, gid = os.getuid(), os.getgid()
    return (_NOBODY, _NOBODY) if uid == 0 else (uid, gid)


def _give(folder: Path, user: str | None) -> None:
    """As root, make the container's user the owner of the output folder, or without a user take it back."""
    if os.getuid() != 0:
        return
    if user:
        os.chown(folder, *map(int, user.split(":")))
        return
    for parent, _, names in os.walk(folder):
        os.lchown(parent, 0, 0)
        Path(parent).chmod(Path(parent).stat().st_mode | 0o555)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                path = Path(parent) / name
                os.lchown(path, 0, 0)
                mode = path.lstat().st_mode
                # Some tools make private files (atc: mode 600), and the user of the next step may differ.
                if stat.S_ISREG(mode) and mode & 0o444 != 0o444:
                    path.chmod(mode | 0o444)


def _owning_groups(binding: Binding) -> tuple[int, ...]:
    """Groups of the inputs that the container's user does not own, because a tool may check owner or group."""
    owners = [path.stat() for path in binding.inputs.values() if path.exists()]
    return tuple(sorted({status.st_gid for status in owners if status.st_uid != _user()[0]}))


def _inside(name: str, path: Path) -> str:
    """Where the container sees an input. A file keeps its name: a vendor's tool may look at its extension."""
    named = path.is_file() or (path.suffix and not path.exists())
    return f"/in/{name}/{path.name}" if named else f"/in/{name}"


def _filled(text: str, binding: Binding) -> str:
    return fill(text, inputs=lambda name: _inside(name, binding.inputs[name]), out=_OUT, code=_CODE)


def _pair(text: str) -> tuple[str, str]:
    """``source:target``, or one path that is the same on host and container."""
    source, _, target = text.partition(":")
    return source, target or source


def _slug(text: str) -> str:
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")
    if not slug:
        raise DeviceError(f"{text!r} is not a name of a device", remedy="name the device by its node or UUID")
    return slug
