"""What runs on a host: kit's own command, for one target or a shard of it, in that host's store. Nothing else is taken.

The command is a process of its own and dies with the worker: however a worker ends, kit removes its containers.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.containers.local import die_with_parent
from kit.errors import DamagedError, Exit, KitError
from kit.fleet.delivery import Delivery, Parcel, pack, unpack
from kit.fleet.order import Order
from kit.host import LABEL, label_of
from kit.results.kept import SUFFIX
from kit.storage.files import os_errors, write_atomically
from kit.storage.record import decode
from kit.storage.store import Record, Store

__all__ = ["run", "site", "store_of_host"]

#: Called with one of kit's JSON messages.
Tell = Callable[[dict[str, Any]], None]
#: Whether home wants the work to stop.
Stopped = Callable[[], bool]
#: Seconds between two such questions.
_ASK_S = 1.0
_GRACE_S = 20
#: What the cluster sets for its own workers would change what is measured.
_NOT_OURS = ("RAY_", "OMP_", "CUDA_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES", "KIT_CLUSTER", "KIT_SHARDS")
#: Options that running a stage alone does not have.
_OF_REPRODUCE = ("--force", "--mirror", "--base")


def run(
    order: Order, parcels: Delivery, tell: Tell, stopped: Stopped, shards: Sequence[Delivery] = ()
) -> dict[str, Any]:
    """Carry out the order; its code, its last words, and what it made as a :class:`Delivery`.

    Args:
        order: the order.
        parcels: the recipe and its files.
        tell: hears kit's messages.
        stopped: whether to stop; asked at once, then every second.
        shards: what other hosts made of the data set; it is put into this host's store.
    """
    made: list[Path] = []

    def hear(message: dict[str, Any]) -> None:
        if message.get("event") == "made":
            made.append(Path(str(message["folder"])))
        elif message.get("event") != "report":  # places of this host mean nothing at home
            tell(message)

    if stopped():
        return {"code": int(Exit.INTERRUPTED), "said": ""}
    try:
        with site(order, parcels) as folder:
            _plant(shards, order.attempt)
            code, said = _command(_words(order, folder), hear, stopped)
            if code:
                return {"code": code, "said": said}
            files = _shard(made) if order.shard else _results(order.target, folder)
            return {"code": 0, "said": said, "delivery": Delivery(order.attempt, files)}
    except KitError as error:  # the host's disk, or what was sent
        return {"code": int(error.exit_code), "said": f"error: {error}\n  do: {error.remedy}\n"}


def _words(order: Order, folder: Path) -> list[str]:
    command = "infer" if order.shard else "reproduce"
    words = [sys.executable, "-m", "kit", command, "--recipe", str(folder), "--target", order.target]
    words += ["--json", "--wait", "--store", str(store_of_host()), "--runner", order.runner]
    words += ["--shard", str(order.shard)] if order.shard else ["--reports", str(folder / "reports")]
    words += ["--shards", str(order.shards)] if order.shards > 1 else []
    for option, text in order.options:
        words += [] if order.shard and option in _OF_REPRODUCE else [option, text]
    words += ["--weights", str(folder / order.weights)] if order.weights else []
    return words + (["--simulate"] if order.simulate else [])


def store_of_host() -> Path:
    """This host's store: KIT_STORE of the worker, or one in its user's home."""
    return Path(os.environ.get("KIT_STORE") or Path.home() / ".kit").absolute()


@contextlib.contextmanager
def site(order: Order, parcels: Delivery) -> Iterator[Path]:
    """A folder with the recipe and its files, each checked; it goes when the order is done.

    A worker holds its folder by a lock, which dies with it: the next order sweeps away what dead ones left.
    """
    parent = store_of_host().with_name(f"{store_of_host().name}.orders")
    with os_errors(parent), contextlib.ExitStack() as locks:
        parent.mkdir(parents=True, exist_ok=True)
        with (parent / "lock").open("wb") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            for old in parent.glob("*-*"):
                with contextlib.suppress(BlockingIOError), _held(old):
                    shutil.rmtree(old, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{order.attempt}-", dir=parent))
            locks.enter_context(_held(folder))
        try:
            for name, data in unpack(parcels, order.attempt, "home").items():
                write_atomically(folder / name, data)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """A lock on a folder.

    Raises:
        BlockingIOError: another process holds it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _results(target: str, folder: Path) -> dict[str, Parcel]:
    """Results of the target with the archive that proves them, and of its steps the records and logs."""
    (results,) = folder.glob(f"reports/**/results/{target}.json")
    archive = results.with_name(f"{target}{SUFFIX}")
    store = store_of_host()
    kept = []
    for one in json.loads(results.read_bytes())["runs"]:
        kept.append(store / "records" / f"{one['fingerprint']}.json")
        kept += (store / "logs" / one["fingerprint"]).glob("*")
    return pack(results.parents[1], [results, archive]) | pack(store, [path for path in kept if path.is_file()])


def _shard(made: Sequence[Path]) -> dict[str, Parcel]:
    """The records of a shard's steps, one for each batch that is cut, and all that they made."""
    store = store_of_host()
    files = [path for folder in made for path in folder.rglob("*") if path.is_file()]
    return pack(store, [*(store / "records" / f"{folder.name}.json" for folder in made), *files])


def _plant(shards: Sequence[Delivery], attempt: str) -> None:
    """Put the shards of other hosts into this host's store, as if they had run here.

    Raises:
        DamagedError: a shard is not what its record says.
    """
    store = Store(store_of_host())
    for one in shards:
        files = unpack(one, attempt, "another host")
        for name in [name for name in files if name.startswith("records/")]:
            try:
                record = Record.from_proof(decode(files[name]).proof)  # without what only its own store knows
            except (ValueError, TypeError, KeyError) as error:
                what = "the record of a shard cannot be read"
                raise DamagedError(what, remedy="run the same command again") from error
            prefix = f"artifacts/{record.fingerprint}/"
            with store.lock(wait=True):
                if store.find(record.fingerprint):
                    continue
                with store.partial(record.fingerprint) as partial:
                    for path in [path for path in files if path.startswith(prefix)]:
                        write_atomically(partial / path.removeprefix(prefix), files[path])
                    made = store.commit(replace(record, files=()), partial, ())
                if made.proof != record.proof:
                    store.forget(record.fingerprint)
                    raise DamagedError("a shard is not what its record says", remedy="run the same command again")


def _command(words: list[str], tell: Tell, stopped: Stopped) -> tuple[int, str]:
    """Exit code and standard error; an interruption of the worker is one of the command."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(_NOT_OURS)}
    environment[LABEL] = label_of(store_of_host())
    die = die_with_parent(signal.SIGTERM)  # kit then removes its container and ends

    def die_with_worker() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        die()

    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            preexec_fn=die_with_worker,  # noqa: PLW1509 - it calls nothing that takes a lock
        )
        try:
            _follow(child, tell, stopped)
            code = child.wait()
        except BaseException:
            _stop(child)
            raise
        finally:
            if child.stdout:
                child.stdout.close()
        errors.seek(0)
        return code, errors.read()[-20_000:].decode("utf-8", "replace")


def _follow(child: subprocess.Popen[bytes], tell: Tell, stopped: Stopped) -> None:
    """Hear messages until the stream ends; in short waits, because only between them a worker can be interrupted."""
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    rest, asked = b"", time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            if time.monotonic() - asked > _ASK_S:
                if stopped():
                    _stop(child)
                    return
                asked = time.monotonic()
            if not selector.select(0.2):
                continue
            data = os.read(child.stdout.fileno(), 1 << 16)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    message = json.loads(line)
                    if isinstance(message, dict):
                        tell(message)


def _stop(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_GRACE_S / 2)
