"""A Ray cluster: connection, hosts with their resources, tasks. The one module that imports Ray."""

from __future__ import annotations

import contextlib
import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.errors import DeviceError, EngineError, MissingError
from kit.fleet.delivery import Delivery
from kit.fleet.head import AUTO, knock, place_of, refused
from kit.fleet.order import Order, Part
from kit.signals import uninterrupted

__all__ = ["Cluster", "Host", "connected"]

_AUTH = "RAY_AUTH_MODE"
#: A head that does not answer, or does not accept the token, is reported within seconds. Ray ends the process a minute
#: after its head has gone; kit notices earlier.
_SETTINGS = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "5",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # or Ray, having lost its head, starts a cluster of its own
    "RAY_NUM_REDIS_GET_RETRIES": "4",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "60",
}
#: The label by which Ray finds a host for a task.
_NODE = "ray.io/node-id"
#: Seconds between two connections to the head, and how many may fail in a row.
_PROBE_S, _PROBES = 2.0, 3


@dataclass(frozen=True)
class Host:
    """A host of the cluster that takes work of kit."""

    node: str
    name: str
    resources: Mapping[str, float]


@contextlib.contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """The cluster at an address, such as ``ray://HEAD:10001`` or ``HEAD:6379`` on one of its hosts.

    Token authentication is on unless RAY_AUTH_MODE says otherwise.

    Raises:
        InvalidInputError: it is not an address.
        MissingError: Ray is not installed.
        EngineError: no cluster answers, it has another version, or it does not accept the token.
    """
    place = None if address == AUTO else place_of(address)
    os.environ.setdefault(_AUTH, "token")
    for name, text in _SETTINGS.items():
        os.environ.setdefault(name, text)
    try:
        import ray
    except ImportError as error:
        raise MissingError(
            "a cluster needs Ray, which is not installed", remedy="pip install 'kit-repro[fleet]'"
        ) from error
    if place:
        knock(place)
    logging.getLogger("ray.util.client.logsclient").disabled = True  # it talks of its streams when the head has gone
    try:
        with warnings.catch_warnings(action="ignore"):
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except Exception as error:
        raise refused(address, error) from error
    cluster = Cluster(ray, address, place or place_of(ray.get_runtime_context().gcs_address))
    try:
        yield cluster
    finally:
        with uninterrupted(), contextlib.suppress(Exception):  # Ray cut off half way ends the process without a word
            ray.shutdown()


class Cluster:
    """Hosts, and tasks of kit on them."""

    def __init__(self, ray: Any, address: str, head: tuple[str, int]) -> None:
        self._ray, self._head = ray, head
        self.address = address
        self.gone = False  # the head, for good
        self._living: set[str] = set()
        self._failed, self._probed = 0, time.monotonic()
        self._look: Any = ray.remote(_look)
        self._run: Any = ray.remote(_run)
        self._messenger: Any = ray.remote(_Messenger).options(num_cpus=0, max_restarts=0).remote()

    def hosts(self) -> list[Host]:
        """The living hosts that offer something of kit, in the order of their names."""
        found = []
        for node in self._ray.nodes():
            offered = {name: amount for name, amount in node["Resources"].items() if name.startswith("kit_")}
            if node["Alive"] and offered:
                found.append((node["NodeManagerHostname"], node["NodeID"], offered))
        self._living = {node for _, node, _ in found}
        return [Host(node, name, offered) for name, node, offered in sorted(found, key=lambda one: one[:2])]

    def lives(self, host: Host) -> bool:
        """Whether the host was there when the head was last asked, two seconds ago."""
        return host.node in self._living

    def fitting(self, target: str, wanted: Mapping[str, float], hosts: list[Host]) -> list[Host]:
        """The hosts that have what a task takes.

        Raises:
            DeviceError: none has; with those that are there and what they lack.
        """
        fit = [host for host in hosts if all(host.resources.get(name, 0) >= amount for name, amount in wanted.items())]
        if fit:
            return fit
        told = []
        for host in hosts:
            lacks = [name for name, amount in wanted.items() if host.resources.get(name, 0) < amount]
            there = ", ".join(sorted(host.resources))
            told.append(f"{host.name} lacks {', '.join(lacks)} (it has {there})")
        raise DeviceError(
            f"no host can run target {target}: {'; '.join(told) or 'no host offers anything of kit'}",
            where=self.address,
            remedy="start a host that has it with the line of `kit worker --resources`",
        )

    def send(self, parcels: Delivery) -> Any:
        """Put files into the cluster's object store, once for all hosts."""
        return self._ray.put(parcels)

    def look(self, host: Host, order: Order, parcels: Any) -> Any:
        """Ask a host what it is; see :func:`kit.fleet.hoststate.look`."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(host.node, soft=False)
        return self._look.options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote(order, parcels)

    def run(
        self, order: Order, parcels: Any, wanted: Mapping[str, float], hosts: Sequence[Host], shards: Sequence[Any]
    ) -> Any:
        """Run an order on one of the hosts when it is free; a task that fails is never restarted silently.

        A host that has joined meanwhile gets nothing: nobody has asked it what it is.
        """
        among = {_NODE: f"in({','.join(host.node for host in hosts)})"}
        options = self._run.options(num_cpus=0, max_retries=0, resources=dict(wanted), label_selector=among)
        return options.remote(order, parcels, self._messenger, *shards)

    def wait(self, tasks: list[Any], seconds: float) -> list[Any]:
        """Those of the tasks that have ended.

        Raises:
            EngineError: the head has gone.
        """
        try:
            self._probe()
            ended, _ = self._ray.wait(tasks, num_returns=len(tasks), timeout=seconds)
        except Exception as error:
            if isinstance(error, ConnectionError) or not self._ray.is_initialized():  # of Ray's client
                raise self._head_gone() from error
            raise
        return list(ended)

    def _probe(self) -> None:
        if time.monotonic() - self._probed < _PROBE_S:
            return
        self._failed = 0 if self._answers() else self._failed + 1
        self._probed = time.monotonic()
        if self._failed >= _PROBES:
            raise self._head_gone()
        if not self._failed:
            self.hosts()

    def _answers(self) -> bool:
        try:
            knock(self._head)
        except EngineError:
            return False
        return True

    def _head_gone(self) -> EngineError:
        self.gone = True
        what = "the cluster's head has gone, or the network to it is cut"
        return EngineError(what, where=self.address, remedy=f"start it again, then {_AGAIN}")

    def result(self, task: Any, doing: str) -> Any:
        """What a task returned.

        Raises:
            EngineError: its worker, its host or the head has gone.
        """
        from ray import exceptions

        try:
            return self._ray.get(task)
        except (
            exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.RaySystemError, ConnectionError
        ) as error:  # fmt: skip
            if not self._answers():
                raise self._head_gone() from error
            what, cause = f"the worker or its host ended while it was {doing}", error
        except exceptions.TaskCancelledError as error:
            what, cause = f"cancelled while it was {doing}", error
        except exceptions.RayTaskError as error:
            what, cause = f"the host failed while it was {doing}: {str(error).strip().splitlines()[-1]}", error
        except exceptions.RayError as error:
            what, cause = f"the cluster failed while it was {doing}", error
        raise EngineError(what, where=self.address, remedy=_AGAIN) from cause

    def messages(self) -> list[dict[str, Any]]:
        """What the tasks have reported since the last call; nothing where the messenger's host has gone."""
        with contextlib.suppress(Exception):
            return list(self._ray.get(self._messenger.take.remote(), timeout=5))
        return []

    def stop(self, tasks: Mapping[Part, Any]) -> None:
        """Stop the tasks, and wait until the containers of those that have begun are gone, half a minute at most.

        The tasks stop by themselves: Ray ends the whole process where it is told to cancel a task that ends just then.
        Without a head, no host can be reached.
        """
        if self.gone:
            return
        begun = None
        with contextlib.suppress(Exception):
            begun = self._ray.get(self._messenger.stop.remote(), timeout=5)
        for task in tasks.values() if begun is None else ():  # the messenger's host has gone
            with contextlib.suppress(Exception):
                self._ray.cancel(task, force=False)
        waiting = [task for part, task in tasks.items() if begun is None or part in begun]
        with contextlib.suppress(Exception):
            self._ray.wait(waiting, num_returns=len(waiting), timeout=30)


_AGAIN = "run the same command again: what was finished is kept in the hosts' stores"


class _Messenger:
    """An actor that keeps messages of the tasks until home takes them, and tells the tasks when to stop."""

    def __init__(self) -> None:
        self._kept: list[dict[str, Any]] = []
        self._begun: set[Part] = set()
        self._stopped = False

    def put(self, message: dict[str, Any]) -> None:
        self._kept.append(message)

    def take(self) -> list[dict[str, Any]]:
        taken, self._kept = self._kept, []
        return taken

    def stopped(self, part: Part) -> bool:
        """Whether the task of this part has to stop; whoever asks has begun."""
        self._begun.add(part)
        return self._stopped

    def stop(self) -> set[Part]:
        """Stop all tasks; those that have begun."""
        self._stopped = True
        return self._begun


def _look(order: Order, parcels: Delivery) -> dict[str, Any]:
    from kit.fleet import hoststate

    return hoststate.look(order, parcels)


def _run(order: Order, parcels: Delivery, messenger: Any, *shards: Delivery) -> dict[str, Any]:
    import ray

    from kit.fleet import remote

    node = ray.get_runtime_context().get_node_id()

    def tell(message: dict[str, Any]) -> None:
        messenger.put.remote({"node": node, "target": order.target, "attempt": order.attempt, **message})

    def stopped() -> bool:
        with contextlib.suppress(Exception):  # the messenger's host has gone: home then interrupts this task
            return bool(ray.get(messenger.stopped.remote(order.part), timeout=5))
        return False

    return {"node": node, **remote.run(order, parcels, tell, stopped, shards)}
