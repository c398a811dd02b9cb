"""``nvidia-smi -q`` as text and as XML, and ``nvidia-smi -L``: values by the field names of ``--query-gpu``.

Both forms of ``-q`` are read as places in a tree: ``FB Memory Usage``, ``Used`` of the text and
``fb_memory_usage/used`` of the XML are one place. Releases renamed some places, so a field may have several.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kit.targets.tensorrt.readers.nvidia_gpus import ABSENT, AMOUNT, FAULT, THROTTLE_BITS, Gpu, GpuProcess, MigDevice
from kit.toollogs.numbers import Number, integer, real

__all__ = ["Query", "is_query", "query"]

#: Field of ``--query-gpu``, and where ``-q`` says it: the first place that has a value counts.
_PLACES = {
    "name": "product_name",
    "uuid": "gpu_uuid uuid",
    "serial": "serial_number serial",
    "vbios_version": "vbios_version",
    "persistence_mode": "persistence_mode",
    "compute_mode": "compute_mode",
    "pci.bus_id": "pci/bus_id pci/pci_bus_id",
    "pcie.link.gen.current": (
        "pci/gpu_link_info/pcie_generation/current pci/pci_gpu_link_info/pcie_gen/current_link_gen"
    ),
    "pcie.link.width.current": (
        "pci/gpu_link_info/link_width/current pci/pci_gpu_link_info/link_widths/current_link_width"
    ),
    "pstate": "performance_state",
    "memory.total": "fb_memory_usage/total",
    "memory.used": "fb_memory_usage/used",
    "memory.free": "fb_memory_usage/free",
    "utilization.gpu": "utilization/gpu utilization/gpu_util",
    "utilization.memory": "utilization/memory utilization/memory_util",
    "mig.mode.current": "mig_mode/current mig_mode/current_mig",
    "ecc.mode.current": "ecc_mode/current ecc_mode/current_ecc",
    "temperature.gpu": "temperature/gpu_current_temp temperature/gpu_temp",
    "power.draw": (
        "power_readings/power_draw gpu_power_readings/power_draw gpu_power_readings/average_power_draw"
        " gpu_power_readings/instantaneous_power_draw gpu_power_readings/instant_power_draw"
    ),
    "power.limit": "power_readings/power_limit gpu_power_readings/current_power_limit",
    "clocks.current.graphics": "clocks/graphics clocks/graphics_clock",
    "clocks.current.sm": "clocks/sm clocks/sm_clock",
    "clocks.current.memory": "clocks/memory clocks/mem_clock",
    "clocks.applications.graphics": "applications_clocks/graphics applications_clocks/graphics_clock",
    "clocks.applications.memory": "applications_clocks/memory applications_clocks/mem_clock",
    "clocks.max.sm": "max_clocks/sm max_clocks/sm_clock",
    "clocks.max.memory": "max_clocks/memory max_clocks/mem_clock",
}
#: Why the clocks are low, with its bit in ``clocks_throttle_reasons.active``.
_REASONS = {name: bit for bit, name in THROTTLE_BITS.items()} | {
    "idle": 0x1, "hw_power_brake_slowdown": 0x80, "display_clocks_setting": 0x100,
}  # fmt: skip
_REASON = re.compile(r"clocks_(?:throttle|event)_reasons/(?:.*/)?(?:clocks_(?:throttle|event)_reason_)?(\w+)\Z")
_AMOUNTS = ("pcie", "memory", "utilization", "temperature", "power", "clocks")

#: No answer of nvidia-smi is nested as deep as this.
_DEEPEST = 32
_SLICE = re.compile(r"^[ \t]+MIG (\S+)[ \t]+Device[ \t]+(\d+): \(UUID: (MIG-[^\s()]+)\)[ \t]*\n", re.MULTILINE)
_LISTED = re.compile(r"^[ \t]*GPU (\d+): (\S[^\n]*?) \(UUID: (GPU-[0-9a-fA-F-]+)\)[ \t]*\n", re.MULTILINE)
_BEGIN = re.compile(r"NVSMI LOG|^[ \t]*Attached GPUs[ \t]+:", re.MULTILINE)
_GPU = re.compile(r"[ \t]*GPU ([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d)[ \t]*\n")
_TAG = re.compile(r"<gpu id=\"(?P<gpu>[^\"]*)\">|<(?P<open>\w+)(?: [^<>]*)?>|</(?P<close>\w+)>")


@dataclass(slots=True)
class Query:
    """What an answer says.

    ``processes`` is None where ``-q`` was limited with ``-d``; ``cut`` are the positions of the GPUs whose end is
    missing; ``attached`` is the number of GPUs that the text announces, None where it does not.
    """

    gpus: list[Gpu] = field(default_factory=list)
    mig: list[MigDevice] = field(default_factory=list)
    processes: list[GpuProcess] | None = None
    cut: set[int] = field(default_factory=set)
    driver: str | None = None
    cuda: str | None = None
    attached: int | None = None


def is_query(text: str) -> bool:
    """Whether the text is of ``-q`` or ``-L``."""
    return _BEGIN.search(text) is not None or "<nvidia_smi_log>" in text or _LISTED.search(text) is not None


def query(text: str) -> Query:
    """What ``-q``, ``-q -x`` or ``-L`` says. A value at the end of a cut text is left out."""
    xml = "<nvidia_smi_log>" in text
    if not xml and not _BEGIN.search(text):
        return _listed(text)
    head: dict[str, str] = {}
    trees: list[list[tuple[str, str]]] = []
    for place, value in _xml(text) if xml else _text(text):
        if place == "gpu":
            trees.append([("pci/bus_id", value)])
        elif trees:
            trees[-1].append((place, value))
        else:
            head[place] = value
    found = Query(driver=head.get("driver_version"), cuda=head.get("cuda_version"))
    found.attached = integer(head.get("attached_gpus", ""))
    for position, tree in enumerate(trees):
        places = dict(reversed(tree))
        found.gpus.append(_gpu(tree, places))
        found.mig += _mig_devices(tree, position)
        # The list of processes ends a GPU; a text limited with -d names no product.
        ended = any(place.split("/")[0] == "processes" for place in places)
        if ended:
            found.processes = (found.processes or []) + _processes(tree, position)
        elif len(places) < 2 or "product_name" in places:
            found.cut.add(position)
    if trees and ("</nvidia_smi_log>" not in text if xml else not text.endswith("\n")):
        found.cut.add(len(trees) - 1)
    return found


def _listed(text: str) -> Query:
    """``-L``: a line for every GPU, and below it one for each of its MIG devices."""
    found = Query()
    for line in text.splitlines(keepends=True):
        if gpu := _LISTED.match(line):
            found.gpus.append(Gpu({"index": integer(gpu[1]), "name": gpu[2], "uuid": gpu[3]}))
        elif found.gpus and (part := _SLICE.match(line)):
            index, device = found.gpus[-1].index, integer(part[2])
            if index is not None and device is not None:
                found.mig.append(MigDevice(index, device, profile=part[1], uuid=part[3]))
    return found


def _plain(key: str) -> str:
    return re.sub(r"\W+", "_", key.strip().lower()).strip("_")


def _text(text: str) -> Iterator[tuple[str, str]]:
    """Places by the indentation of the lines."""
    above: list[tuple[int, str]] = []
    inside = outside = False
    begin = _BEGIN.search(text)
    for raw in text[begin.start() if begin else 0 :].splitlines(keepends=True):
        if gpu := _GPU.match(raw):
            above, inside = [], True
            yield "gpu", gpu[1]
            continue
        key, colon, value = raw.partition(":")
        if (
            not raw.endswith("\n")
            or not key.strip()
            or not key.lstrip()[0].isalnum()
            or not (colon or value.strip() == "")
        ):
            continue
        indent = len(key) - len(key.lstrip())
        while above and above[-1][0] >= indent:
            above.pop()
        if inside and not above and not indent:
            inside, outside = False, True  # what comes after a GPU: a prompt, or the next answer
        above.append((indent, _plain(key)))
        if value[:1].isspace() and value.strip() and (inside or not outside) and len(above) < _DEEPEST:
            yield "/".join(key for _, key in above), value.strip()


def _xml(text: str) -> Iterator[tuple[str, str]]:
    above: list[str] = []
    inside = False
    tags = _TAG.finditer(text, text.index("<nvidia_smi_log>") + len("<nvidia_smi_log>"))
    for tag, after in itertools.pairwise(itertools.chain(tags, [None])):
        if tag is None or len(above) > _DEEPEST:
            return
        if tag["gpu"] is not None:
            above, inside = [], True
            yield "gpu", tag["gpu"]
        elif tag["open"]:
            above.append(tag["open"])
            if after is not None and after["close"] == tag["open"]:
                yield "/".join(above), text[tag.end() : after.start()].strip()
        elif tag["close"] == "gpu":
            inside = False
        elif above and above[-1] == tag["close"]:
            above.pop()
        elif not inside:
            return


def _gpu(tree: list[tuple[str, str]], places: dict[str, str]) -> Gpu:
    values: dict[str, Number | str | None] = {}
    faults: dict[str, str] = {}
    for name, where in _PLACES.items():
        said = [places[place] for place in where.split() if place in places]
        known = [value for word in said if (value := _value(name, word)) is not None]
        if said:
            values[name] = known[0] if known else None
            faults |= {name: said[0]} if FAULT.match(said[0]) else {}
    reasons = {m[1]: word for place, word in tree if (m := _REASON.match(place)) and m[1] in _REASONS}
    if reasons and set(reasons.values()) <= {"Active", "Not Active"}:
        mask = sum({_REASONS[reason] for reason, word in reasons.items() if word == "Active"})
        values["clocks_throttle_reasons.active"] = f"0x{mask:016x}"
    return Gpu(values, faults)


def _value(name: str, word: str) -> Number | str | None:
    if ABSENT.match(word) or FAULT.match(word):
        return None
    if not name.startswith(_AMOUNTS):
        return word
    found = AMOUNT.match(word)
    return real(found[1]) if found else None


def _processes(tree: list[tuple[str, str]], gpu: int) -> list[GpuProcess]:
    found: list[dict[str, str]] = []
    for place, word in tree:
        head, _, key = place.rpartition("/")
        if not head.startswith("processes"):
            continue
        if key in ("process_id", "pid"):
            found.append({"pid": word})
        elif found:
            found[-1][key] = word
    listed = []
    for one in found:
        memory = AMOUNT.match(one.get("used_gpu_memory", one.get("used_memory", "")))
        name = one.get("name", one.get("process_name", ""))
        pid = integer(one["pid"])
        if pid is not None:
            listed.append(GpuProcess(pid, name, real(memory[1]) if memory else None, gpu, type=one.get("type")))
    return listed


def _mig_devices(tree: list[tuple[str, str]], gpu: int) -> list[MigDevice]:
    """The slices of a GPU; ``index`` begins each."""
    fields = {
        "gpu_instance_id": "gpu_instance",
        "compute_instance_id": "compute_instance",
        "fb_memory_usage/total": "memory_total_mib",
        "fb_memory_usage/used": "memory_used_mib",
    }
    found: list[MigDevice] = []
    for place, word in tree:
        head, _, key = place.partition("/")
        if head not in ("mig_device", "mig_devices"):
            continue
        key = key.removeprefix("mig_device/")
        value = integer(word.split()[0]) if word.split() else None
        if key == "index" and value is not None:
            found.append(MigDevice(gpu, value))
        elif found and key in fields:
            setattr(found[-1], fields[key], value)
        elif found and key.endswith(("/multiprocessor_count", "/multiprocessor count")):
            found[-1].multiprocessors = value
    return found
