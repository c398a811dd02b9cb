"""The simulated machine: its root folder, chips, versions, faults, and the mark of every tool."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from .faults import FAULTS
from .versions import Version, version_of

__all__ = ["DEFECT", "MARK_FILE", "SimulatedMachine", "end_by", "mark", "mark_folder", "run", "this_machine"]

CONFIG = "etc/kit-simulated.json"
MARK_FILE = "SIMULATED"
_SERIES = ("7.2.", "8.6.", "10.", "11.")  # of TensorRT
DEFECT = 70  # EX_SOFTWARE: no vendor tool ends with it


@dataclass(frozen=True)
class SimulatedMachine:
    """What ``install`` was given, overridden by the environment (``KIT_SIM_CHIP``, ``KIT_SIM_DEVICES``, ...)."""

    root: Path = Path("/")
    chip: str = "310"  # the Name column of npu-smi
    devices: int = 1  # chips of the virtual machine
    toolkit: str = "5.1.RC1"
    tensorrt: str = "7.2.3.4"
    gpu: str = "Tesla T4"
    virtual: bool = False
    faults: frozenset[str] = frozenset()

    def path(self, absolute: str) -> Path:
        """The place of an absolute path of the simulated machine."""
        return self.root / absolute.lstrip("/")

    def has(self, fault: str) -> bool:
        """Whether a named fault is switched on; the name must stand in :data:`faults.FAULTS`."""
        if fault not in FAULTS:
            raise KeyError(fault)
        return fault in self.faults

    @property
    def soc_version(self) -> str:
        return f"Ascend{self.chip}"

    @property
    def cann(self) -> Version:
        return version_of(self.toolkit)

    @property
    def driver_version(self) -> str:
        return "21.0.4" if self.chip == "310" else "22.0.0" if self.cann < (7, 0, 0) else "25.2.0"

    @property
    def gpu_driver(self) -> str:
        return "580.95.05" if version_of(self.tensorrt) >= (10, 0, 0) else "450.80.02"

    @property
    def gpu_memory(self) -> int:
        """MiB of a Tesla T4, as its driver counts them."""
        return 15360 if version_of(self.gpu_driver) >= (520, 0, 0) else 15109


def this_machine() -> SimulatedMachine:
    """Read the configuration that ``install`` wrote and what the environment changes of it."""
    root = Path(os.environ.get("KIT_SIM_ROOT") or "/")
    values: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        values.update(json.loads((root / CONFIG).read_text(encoding="utf-8")))
    for name in ("chip", "toolkit", "tensorrt", "gpu"):
        given = os.environ.get(f"KIT_SIM_{name.upper()}")
        if given:
            values[name] = given
    # "virtual" accepts devices that have no node; "virtual:4" also says how many there are.
    kind, _, count = os.environ.get("KIT_SIM_DEVICES", "").partition(":")
    if kind == "virtual":
        values["virtual"] = True
    if count.isdigit():
        values["devices"] = int(count)
    names = {name.strip() for name in os.environ.get("KIT_SIM_FAULT", "").split(",") if name.strip()}
    unknown = sorted(names - FAULTS.keys())
    if unknown:
        # A test with a misspelt fault would pass for the wrong reason.
        sys.exit(f"[SIMULATED] KIT_SIM_FAULT names no known fault: {', '.join(unknown)}")
    machine = SimulatedMachine(root=root, faults=frozenset(names), **values)
    if not machine.tensorrt.startswith(_SERIES):
        sys.exit(f"[SIMULATED] TensorRT {machine.tensorrt} is not rehearsed, only {', '.join(_SERIES)}")
    return machine


def mark(text: str) -> None:
    """Say on stderr that this is a stand-in: stdout is exactly the vendor's."""
    print(f"[SIMULATED] {text}", file=sys.stderr, flush=True)


def mark_folder(folder: Path, tool: str) -> None:
    """Write a ``SIMULATED`` file next to a tool's results, not into a folder whose files are counted."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK_FILE).write_text(f"written by a stand-in for {tool}; not a measurement\n", encoding="utf-8")


def end_by(number: signal.Signals) -> NoReturn:
    """End by a signal, without a core file, as a crash or the kernel's OOM killer ends a process."""
    import resource

    sys.stdout.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)


def run(main: Callable[[], int]) -> NoReturn:
    """Run a tool as a process does: a closed pipe or an interrupt ends it silently, as a C++ program would end."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # arguments and paths go out as the bytes that came in
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        code = main()
    except Exception:  # noqa: BLE001 - reported as what it is, with its own status
        mark("a defect of the stand-in, not of what it was given:")
        traceback.print_exc()
        code = DEFECT
    sys.stdout.flush()
    sys.exit(code)
