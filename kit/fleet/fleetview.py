"""What is seen while hosts work: a line per step with its host and target, or the same as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from kit.terminal import visible

__all__ = ["FleetView"]

_STATES = {"unchanged": "unchanged", "start": "running", "done": "done", "failed": "FAILED", "finished": "finished"}


class FleetView:
    """Messages of kit on the hosts, with host and target."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._bar = sys.stderr.isatty() and not as_json

    def message(self, host: str, label: str, message: dict[str, Any]) -> None:
        """One message, as ``--json`` prints it on the host, whose name and label are given."""
        if self._json:
            names = {"host": host, "label": label}
            kept = {name: value for name, value in message.items() if name not in {"node", "attempt"}}
            print(json.dumps(names | kept, ensure_ascii=False), flush=True)
            return
        event = str(message.get("event"))
        place = f"{visible(host):<16} {label:<10} {message.get('target', '')!s:<10}"
        step = str(message.get("step", ""))
        if event == "progress" and self._bar:
            text = f"{place} {step:<22} {message.get('done')}/{message.get('total')} {message.get('unit')}"
            print(f"\r\x1b[K{visible(text)}", end="", file=sys.stderr, flush=True)
        elif event in _STATES and event != "start":
            seconds = message.get("seconds")
            state = f"{seconds:.1f} s" if event == "done" and isinstance(seconds, int | float) else _STATES[event]
            simulated = " SIMULATED" if message.get("simulated") else ""
            print(f"{place} {visible(step):<22} {state}{simulated}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing more will come."""
        if self._bar:
            print(file=sys.stderr)
