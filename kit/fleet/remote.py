"""What runs on a host: kit's own command, for one target, in that host's store. Nothing else is taken.

The command is a process of its own and dies with the worker: however a worker ends, kit removes its containers.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kit import __version__, host
from kit.fleet.delivery import Delivery, pack, unpack
from kit.fleet.order import Order
from kit.results.kept import SUFFIX
from kit.storage.files import write_atomically

__all__ = ["HostState", "code_digest", "look", "run"]

#: Called with one of kit's JSON messages.
Tell = Callable[[dict[str, Any]], None]
#: What a host knows of a run, told home: version and digests of kit there, digests of its data set, its processor.
HostState = dict[str, Any]
_PR_SET_PDEATHSIG = 1
_GRACE_S = 20
#: What the cluster sets for its own workers would change what is measured.
_NOT_OURS = ("RAY_", "OMP_", "CUDA_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES", "KIT_CLUSTER")


def code_digest() -> str:
    """Digest of kit's own files, images included: the same version may have been changed."""
    from kit.resources import package, resource

    whole = hashlib.sha256()
    for root in (package(), resource("images")):
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix in {".py", ".in", ".lock", ""}:
                whole.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def look(order: Order, parcels: Delivery) -> HostState:
    """What this host is, and whether it can run the order, before anything runs."""
    from kit.errors import KitError
    from kit.execution.selection import Choice, Selection
    from kit.recipe.schema import load_recipe
    from kit.storage.store import Store

    state: HostState = {"version": __version__, "code": code_digest(), "host": host.describe()}
    try:
        with _site(order, parcels) as site:
            images, labels = (Path(text) if (text := os.environ.get(name)) else None for name in _DATA)
            selection = Selection(load_recipe(site), Choice(targets=(order.target,), images=images, labels=labels))
            selection.check_data()
            store = Store(_store())
            store.check()
            state["images"] = store.tree(selection.images)
            state["labels"] = store.tree(selection.labels)
    except KitError as error:
        state["error"] = {
            "code": int(error.exit_code), "what": error.what, "where": error.where, "remedy": error.remedy
        }  # fmt: skip
    return state


_DATA = ("KIT_IMAGES", "KIT_LABELS")


def run(order: Order, parcels: Delivery, tell: Tell) -> dict[str, Any]:
    """Run ``kit reproduce`` for the order; its code, its last words, and what it made as a :class:`Delivery`."""
    with _site(order, parcels) as site:
        words = [sys.executable, "-m", "kit", "reproduce", "--recipe", str(site), "--target", order.target, "--json"]
        words += ["--store", str(_store()), "--reports", str(site / "reports"), "--wait", *order.words]
        words += ["--weights", str(site / order.weights)] if order.weights else []
        words += ["--simulate"] if order.simulate else []
        code, said = _command(words, tell)
        if code:
            return {"code": code, "said": said}
        return {"code": 0, "said": said, "delivery": _made(order, site)}


def _store() -> Path:
    """This host's store: KIT_STORE of the worker, or one in its user's home."""
    return Path(os.environ.get("KIT_STORE") or Path.home() / ".kit").absolute()


@contextlib.contextmanager
def _site(order: Order, parcels: Delivery) -> Iterator[Path]:
    """A folder with the recipe and its files, each checked; it goes when the order is done."""
    parent = _store().with_name(f"{_store().name}.orders")
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{order.attempt}-", dir=parent))
    try:
        for name, data in unpack(parcels, order.attempt, "home").items():
            write_atomically(folder / name, data)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made(order: Order, site: Path) -> Delivery:
    """Results of the target with the archive that proves them, and of its steps the records and logs."""
    (results,) = site.glob(f"reports/**/results/{order.target}.json")
    archive = results.with_name(f"{order.target}{SUFFIX}")
    made = dict(pack(order.attempt, results.parents[1], [results, archive]).files)
    store = _store()
    kept = []
    for one in json.loads(results.read_bytes())["runs"]:
        kept.append(store / "records" / f"{one['fingerprint']}.json")
        kept += (store / "logs" / one["fingerprint"]).glob("*")
    made |= pack(order.attempt, store, [path for path in kept if path.is_file()]).files
    return Delivery(order.attempt, made)


def _command(words: list[str], tell: Tell) -> tuple[int, str]:
    """Exit code and standard error; an interruption of the worker is one of the command."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(_NOT_OURS)}
    libc, parent = ctypes.CDLL(None), os.getpid()

    def die_with_worker() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # kit then removes its container and ends
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() != parent:
            os._exit(1)

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
            _follow(child, tell)
            code = child.wait()
        except BaseException:
            _stop(child)
            raise
        finally:
            if child.stdout:
                child.stdout.close()
        errors.seek(0)
        return code, errors.read()[-20_000:].decode("utf-8", "replace")


def _follow(child: subprocess.Popen[bytes], tell: Tell) -> None:
    """Hear messages until the stream ends; in short waits, because only between them a worker can be interrupted."""
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
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
