"""``kit reproduce --on``: each target on a host of a cluster, and one report of all at home."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit import __version__
from kit.errors import DamagedError, EngineError, Exit, InvalidInputError, KitError
from kit.execution.reproduction import Reproduction, report_folder
from kit.execution.selection import Selection
from kit.fleet.cluster import Cluster, Host, connected
from kit.fleet.delivery import unpack
from kit.fleet.fleetview import FleetView
from kit.fleet.order import Order, files_of, resources_of
from kit.fleet.remote import HostState, code_digest
from kit.reports.folder import update_report
from kit.results.kept import SUFFIX
from kit.results.place import HERE
from kit.results.resultsfile import Results, load_all
from kit.storage.files import write_atomically
from kit.storage.store import Store

__all__ = ["reproduce_on"]

_SECONDS = 0.5


@dataclass
class _Journey:
    """An order, the task that carries it out, and where."""

    order: Order
    wanted: Mapping[str, float]
    hosts: list[Host]
    task: Any = None
    answer: dict[str, Any] = field(default_factory=dict)


def reproduce_on(
    address: str,
    selection: Selection,
    store: Store,
    reports: Path,
    *,
    recipe: Path,
    words: Sequence[str],
    view: FleetView,
    update: bool = False,
) -> Reproduction:
    """Run every target on a host that has its hardware, then write results and report as if all had run here.

    Args:
        address: of the cluster.
        selection: recipe, targets, batches.
        store: this machine's; records and logs of the hosts are kept beside it.
        reports: folder of the reports.
        recipe: the recipe's file or folder.
        words: further options of ``kit reproduce`` on the hosts.
        view: what a person or a program sees meanwhile.
        update: the report that git tracks is to be replaced.

    Raises:
        KitError: no host with the hardware, another kit there, a step that failed; what is finished is kept there.
    """
    attempt = uuid.uuid4().hex
    parcels, weights = files_of(selection, recipe, attempt)
    data = {
        name: store.tree(path)
        for name, path in (("images", selection.images), ("labels", selection.labels))
        if path.exists()
    }
    with connected(address) as cluster:
        hosts = cluster.hosts()
        journeys = []
        for target in selection.targets:
            order = Order(attempt, target, tuple(words), weights, selection.choice.simulate, data)
            wanted = resources_of(selection, target)
            journeys.append(_Journey(order, wanted, cluster.fitting(target, wanted, hosts)))
        sent = cluster.send(parcels)
        _inspect(cluster, journeys, sent)
        tasks: list[Any] = []
        try:
            for journey in journeys:
                journey.task = cluster.run(journey.order, sent, journey.wanted)
                tasks.append(journey.task)
            _await(cluster, journeys, hosts, view)
        except BaseException:
            cluster.cancel(tasks)
            raise
        finally:
            view.close()
        return _arrived(selection, store, report_folder(selection, reports, update=update), journeys, hosts)


def _inspect(cluster: Cluster, journeys: Sequence[_Journey], sent: Any) -> None:
    """Ask every host that may get work what it is: all must run this very kit and have this very data set."""
    asked: dict[str, tuple[Host, Order, Any]] = {}
    for journey in journeys:
        for host in journey.hosts:
            asked.setdefault(host.node, (host, journey.order, cluster.look(host, journey.order, sent)))
    ours = code_digest()
    states = [(host, order, cluster.result(task, f"asked on {host.name}")) for host, order, task in asked.values()]
    for host, order, state in states:
        _check(host, order, state, ours)
    for name in ("images", "labels"):
        if len({state[name] for _, _, state in states}) > 1:
            raise DamagedError(
                f"the hosts do not have the same {name}",
                where=", ".join(host.name for host, _, _ in states),
                remedy="give all of them the same files, with KIT_IMAGES and KIT_LABELS of the worker",
            )


def _check(host: Host, order: Order, state: HostState, ours: str) -> None:
    if state["version"] != __version__ or state["code"] != ours:
        same = " with other files" if state["version"] == __version__ else ""
        raise EngineError(
            f"the host has kit {state['version']}{same}, this machine kit {__version__}: images and programs differ",
            where=host.name,
            remedy="install the same kit on all hosts, and start their workers again",
        )
    if error := state.get("error"):
        raise _failure(host.name, int(error["code"]), f"{error['where'] or ''}: {error['what']}", error["remedy"])
    for name, digest in order.data.items():
        if state[name] != digest:
            raise DamagedError(
                f"the data set's {name} are not those of this machine",
                where=host.name,
                remedy="give it the same files, with KIT_IMAGES and KIT_LABELS of the worker",
            )


def _await(cluster: Cluster, journeys: Sequence[_Journey], hosts: Sequence[Host], view: FleetView) -> None:
    names = {host.node: host for host in hosts}
    waiting = {id(journey.task): journey for journey in journeys}
    while waiting:
        ended = cluster.wait([journey.task for journey in waiting.values()], _SECONDS)
        for message in cluster.messages():
            view.message(names.get(str(message.get("node"))), message)
        for task in ended:
            journey = waiting.pop(id(task), None) or next(one for one in journeys if one.task == task)
            waiting = {key: one for key, one in waiting.items() if one is not journey}
            journey.answer = cluster.result(task, f"running target {journey.order.target}")
            host = names[journey.answer["node"]]
            if journey.answer["code"]:
                raise _said(host, journey)
            view.message(host, {"event": "finished", "target": journey.order.target})


def _said(host: Host, journey: _Journey) -> KitError:
    """The error that kit told on the host, with the host's name."""
    lines = str(journey.answer["said"]).splitlines()
    error = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), "")
    remedy = next((line.removeprefix("  do: ") for line in lines if line.startswith("  do: ")), "")
    code = int(journey.answer["code"])
    what = error or f"kit ended with {code}: {lines[-1] if lines else 'it said nothing'}"
    return _failure(host.name, code, f"target {journey.order.target}: {what}", remedy or "see the host's logs")


def _failure(where: str, code: int, what: str, remedy: str) -> KitError:
    """An error of the family that an exit code stands for; others are the engine's."""
    families = {family.exit_code: family for family in KitError.__subclasses__()}
    known = families.get(Exit(code)) if code in set(Exit) else None
    return (known or EngineError)(what.removeprefix(": "), where=where, remedy=remedy)


def _arrived(
    selection: Selection, store: Store, folder: Path, journeys: Sequence[_Journey], hosts: Sequence[Host]
) -> Reproduction:
    """Check and write what the hosts made, and render."""
    recipe, of_node = selection.recipe, {host.node: host for host in hosts}
    results: dict[str, Results] = {}
    archives: dict[str, bytes] = {}
    told = []
    for journey in journeys:
        host, order = of_node[journey.answer["node"]], journey.order
        files = unpack(journey.answer["delivery"], order.attempt, host.name)
        try:
            one = Results.model_validate_json(files.pop(f"results/{order.target}.json"))
            archives[order.target] = files.pop(f"results/{order.target}{SUFFIX}")
        except (KeyError, ValueError) as error:
            raise DamagedError(
                f"what came back for target {order.target} has no results",
                where=host.name,
                remedy="run the same command again",
            ) from error
        if one.target != order.target or one.model != recipe.model.name:
            raise InvalidInputError(
                f"what came back are results of {one.model} on {one.target}", where=host.name, remedy="run it again"
            )
        results[order.target] = one
        kept = store.root.with_name(f"{store.root.name}.hosts") / order.target
        for path, data in files.items():
            write_atomically(kept / path, data)
        told.append(f"{order.target} on {host.label} ({one.hardware}; {one.host.get('cpu', 'unknown processor')})")
    changed = update_report(recipe, folder, results, archives, simulated=selection.choice.simulate)
    many = len({tuple(one.host.get(name) for name in ("architecture", "cpu", "cores")) for one in results.values()}) > 1
    differ = "the hosts differ, and so do their processors' parts of the times" if many else "the hosts are alike"
    committed = load_all(folder.parent) if folder.name == HERE else {}
    return Reproduction(results, folder, changed, f"measured {', '.join(told)}: {differ}", committed)
