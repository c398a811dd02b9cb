"""``kit reproduce --on``: each target on a host of a cluster, and one report of all at home."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kit import __version__
from kit.errors import DamagedError, EngineError, Exit, InvalidInputError, KitError
from kit.execution.reproduction import Reproduction, report_folder
from kit.execution.selection import Selection
from kit.fleet.cluster import Cluster, Host, connected
from kit.fleet.delivery import unpack
from kit.fleet.fleetview import FleetView
from kit.fleet.hoststate import HostState, base_digests, code_digest
from kit.fleet.order import Order, files_of, resources_of
from kit.planning.planner import Plan, plan
from kit.reports.folder import update_report
from kit.results.kept import SUFFIX
from kit.results.reportparts import HERE
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


class _Expedition:
    """One run on a cluster: hosts, what they say of themselves, and what is sent to all of them."""

    def __init__(self, cluster: Cluster, selection: Selection, view: FleetView) -> None:
        self.cluster, self.selection, self.view = cluster, selection, view
        self.hosts = {host.node: host for host in cluster.hosts()}
        self.labels: dict[str, str] = {}

    def journey(self, order: Order) -> _Journey:
        wanted = resources_of(self.selection, order.target)
        return _Journey(order, wanted, self.cluster.fitting(order.target, wanted, list(self.hosts.values())))

    def inspect(self, journeys: Sequence[_Journey], sent: Any, images: Mapping[str, str]) -> None:
        """Ask every host that may get work what it is: all must run this very kit and have this very data set."""
        asked = [
            (host, journey.order, self.cluster.look(host, journey.order, sent))
            for journey in journeys
            for host in journey.hosts
        ]
        tasks = [task for _, _, task in asked]
        while len(self.cluster.wait(tasks, _SECONDS)) < len(tasks):
            pass
        ours = code_digest()
        states = [(host, order, self.cluster.result(task, f"asked on {host.name}")) for host, order, task in asked]
        for host, order, state in states:
            self.labels[host.node] = str(state["label"])
            _check(host, order, state, ours)
        _check_alike(states, images)

    def run(self, journeys: Sequence[_Journey], sent: Any, shards: Mapping[str, Sequence[Any]]) -> None:
        """Run the orders; an error or an interruption ends all of them, on all hosts."""
        try:
            for journey in journeys:
                planted = shards.get(journey.order.target, ())
                journey.task = self.cluster.run(journey.order, sent, journey.wanted, journey.hosts, planted)
            self._await(journeys)
        except BaseException:
            self.cluster.stop({one.order.part: one.task for one in journeys if one.task is not None})
            raise

    def _await(self, journeys: Sequence[_Journey]) -> None:
        waiting = list(journeys)
        while waiting:
            ended = self.cluster.wait([journey.task for journey in waiting], _SECONDS)
            for message in self.cluster.messages():
                self._tell(str(message.get("node")), message)
            for journey in [one for one in waiting if one.task in ended]:
                waiting.remove(journey)
                journey.answer = self.cluster.result(journey.task, f"running target {journey.order.target}")
                node = journey.answer["node"]
                if journey.answer["code"]:
                    raise _said(self.hosts[node], journey)
                part = {"shard": journey.order.shard} if journey.order.shard else {}
                self._tell(node, {"event": "finished", "target": journey.order.target, **part})
            for journey in waiting:
                if not any(self.cluster.lives(host) for host in journey.hosts):
                    raise EngineError(
                        f"target {journey.order.target} has no host left: it has ended, or the network to it is cut",
                        where=", ".join(host.name for host in journey.hosts),
                        remedy="start the host again, then run the same command: what was finished is kept",
                    )

    def _tell(self, node: str, message: dict[str, Any]) -> None:
        host = self.hosts.get(node)
        self.view.message(host.name if host else "a host", self.labels.get(node, ""), message)


def reproduce_on(
    address: str,
    selection: Selection,
    store: Store,
    reports: Path,
    *,
    recipe: Path,
    runner: str,
    options: Sequence[tuple[str, str]],
    view: FleetView,
    update: bool = False,
) -> Reproduction:
    """Run every target on a host that has its hardware, then write results and report as if all had run here.

    Where the data set is cut, its shards run first, each on a host; the target's own host merges them.

    Args:
        address: of the cluster.
        selection: recipe, targets, batches.
        store: this machine's; records and logs of the hosts are kept beside it.
        reports: folder of the reports.
        recipe: the recipe's file or folder.
        runner: where steps run on the hosts.
        options: further ones of ``kit reproduce`` there.
        view: what a person or a program sees meanwhile.
        update: the report that git tracks is to be replaced.

    Raises:
        KitError: no host with the hardware, another kit there, a step that failed; what is finished is kept there.
    """
    attempt = uuid.uuid4().hex
    parcels, weights = files_of(selection, recipe, attempt)
    choice = selection.choice
    data = {
        name: store.tree(path)
        for name, path in (("images", selection.images), ("labels", selection.labels))
        if path.exists()
    }
    wholes = [
        Order(attempt, target, tuple(options), weights, choice.simulate, runner, choice.shards, data=data)
        for target in selection.targets
    ]
    steps = plan(selection.jobs(selection.recipe.folder / "weights"))
    numbers = {target: _shard_numbers(steps, target) for target in selection.targets}
    with connected(address) as cluster:
        trip = _Expedition(cluster, selection, view)
        targets = [trip.journey(order) for order in wholes]
        sent = cluster.send(parcels)
        trip.inspect(targets, sent, base_digests(selection, runner, dict(options).get("--base")))
        parts = [trip.journey(replace(order, shard=number)) for order in wholes for number in numbers[order.target]]
        try:
            trip.run(parts, sent, {})
            shards = {
                order.target: [
                    cluster.send(one.answer["delivery"]) for one in parts if one.order.target == order.target
                ]
                for order in wholes
            }
            trip.run(targets, sent, shards)
        finally:
            view.close()
        return _arrived(trip, store, report_folder(selection, reports, update=update), targets, parts)


def _shard_numbers(steps: Plan, target: str) -> list[int]:
    """The shards of a target.

    Raises:
        InvalidInputError: they depend on what is another thing on every host.
    """
    known = {step.name: step for step in steps.steps}
    shards = [known[name] for name in steps.of_target[target] if known[name].shard]
    waiting, seen = [name for step in shards for name in step.after], set[str]()
    while waiting:
        step = known[waiting.pop()]
        if step.timed:
            raise InvalidInputError(
                f"the shards of target {target} must come from one engine, and step {step.name} makes another one on"
                " every host, because it chooses by timing",
                where="--shards",
                remedy="leave --on out, and let the shards run on the devices of one host: --devices 0-3",
            )
        seen.add(step.name)
        waiting += [name for name in step.after if name not in seen]
    return sorted({step.shard for step in shards})


def _check_alike(states: Sequence[tuple[Host, Order, HostState]], images: Mapping[str, str]) -> None:
    """The same data set everywhere, images from the same files as here, and for shards the very same images.

    Raises:
        DamagedError, EngineError: a host differs; names it.
    """
    first_host, _, first = states[0]
    for host, _, state in states:
        for name in ("images", "labels"):
            if state[name] != first[name]:
                raise DamagedError(
                    f"the hosts do not have the same {name}",
                    where=f"{first_host.name}, {host.name}",
                    remedy="give all of them the same files, with KIT_IMAGES and KIT_LABELS of the worker",
                )
        for image, digest in state["bases"].items():
            if images.get(image, digest) != digest:
                raise EngineError(
                    f"image {image} there is not built from what it is built from here",
                    where=host.name,
                    remedy="give all hosts the same kit and the same --base or KIT_BASE",
                )
    for host, order, state in states:
        known = next(other for _, same, other in states if same.target == order.target)
        odd = [name for name, one in state["ids"].items() if one != known["ids"].get(name) or not one]
        if order.shards > 1 and odd:
            raise EngineError(
                f"image {odd[0]} is another one there, or not there at all: shards must come from one image",
                where=host.name,
                remedy="build it once, and give it to all hosts by its name: docker save, docker load",
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


def _helped(trip: _Expedition, results: Results, parts: Sequence[_Journey]) -> str:
    """Which hosts ran the parts of the data set; those whose engine was another one made nothing of it."""
    taken = {f"records/{one.fingerprint}.json" for one in results.runs}
    used = {part.order.shard: taken >= _records(part) for part in parts}
    cut = sorted({trip.labels[part.answer["node"]] for part in parts if used[part.order.shard]})
    told = f", its data set by {' and '.join(cut)}" if cut else ""
    again = [str(number) for number, was in used.items() if not was]
    return told + (f", shards {', '.join(again)} again there: engine or device differ" if again else "")


def _records(part: _Journey) -> set[str]:
    return {name for name in part.answer["delivery"].files if name.startswith("records/")}


def _said(host: Host, journey: _Journey) -> KitError:
    """The error that kit printed on the host, with the host's name."""
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
    trip: _Expedition, store: Store, folder: Path, journeys: Sequence[_Journey], parts: Sequence[_Journey]
) -> Reproduction:
    """Check and write what the hosts made, and render."""
    selection = trip.selection
    recipe = selection.recipe
    results: dict[str, Results] = {}
    archives: dict[str, bytes] = {}
    told = []
    for journey in journeys:
        node, order = journey.answer["node"], journey.order
        where = trip.hosts[node].name
        files = unpack(journey.answer["delivery"], order.attempt, where)
        try:
            one = Results.model_validate_json(files.pop(f"results/{order.target}.json"))
            archives[order.target] = files.pop(f"results/{order.target}{SUFFIX}")
        except (KeyError, ValueError) as error:
            raise DamagedError(
                f"what came back for target {order.target} has no results",
                where=where,
                remedy="run the same command again",
            ) from error
        if one.target != order.target or one.model != recipe.model.name:
            raise InvalidInputError(
                f"what came back are results of {one.model} on {one.target}", where=where, remedy="run it again"
            )
        results[order.target] = one
        kept = store.root.with_name(f"{store.root.name}.hosts") / order.target
        for path, data in files.items():
            write_atomically(kept / path, data)
        helped = _helped(trip, one, [part for part in parts if part.order.target == order.target])
        processor = one.host.get("cpu", "unknown processor")
        told.append(f"{order.target} on {trip.labels[node]} ({one.hardware}; {processor}{helped})")
    changed = update_report(recipe, folder, results, archives, simulated=selection.choice.simulate)
    committed = load_all(folder.parent) if folder.name == HERE else {}
    return Reproduction(results, folder, changed, f"measured {'; '.join(told)}", committed)
