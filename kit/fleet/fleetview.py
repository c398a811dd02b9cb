"""What is seen while hosts work: a live table on a terminal, a line per finished step in logs, or JSON lines."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from kit.execution.progress import bar, takes_live
from kit.terminal import unguarded, visible

__all__ = ["FleetView"]

_STATES = {"unchanged": "unchanged", "done": "done", "failed": "FAILED", "finished": "finished"}


@dataclass
class _HostRow:
    """What a host does for a target."""

    steps: int = 0  # of its plan
    ended: int = 0
    step: str = ""
    state: str = ""
    progress: tuple[int, int, str] | None = None
    since: float = field(default_factory=time.monotonic)

    def hear(self, message: dict[str, Any]) -> None:
        event = message.get("event")
        if event == "plan":
            self.steps, self.ended = len(message["steps"]), 0
        elif event == "progress":
            self.progress = (int(message["done"]), int(message["total"]), str(message["unit"]))
        elif event == "start":
            self.step, self.state, self.progress = str(message["step"]), "", None
            self.since = time.monotonic()
        elif event in _STATES:
            self.ended += event in {"unchanged", "done"}
            self.step, self.state, self.progress = str(message.get("step", "")), _STATES[str(event)], None


class FleetView:
    """Messages of kit on the hosts, with host and target."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._rows: dict[tuple[str, str, str], _HostRow] = {}
        self._live: Any = None
        if not as_json and takes_live(sys.stderr):
            from rich.console import Console
            from rich.live import Live

            console = Console(file=unguarded(sys.stderr))
            self._live = Live(console=console, refresh_per_second=4, get_renderable=self._table)

    def message(self, host: str, label: str, message: dict[str, Any]) -> None:
        """One message, as ``--json`` prints it on the host, whose name and label are given."""
        if self._json:
            names = {"host": host, "label": label}
            kept = {name: value for name, value in message.items() if name not in {"node", "attempt"}}
            print(json.dumps(names | kept, ensure_ascii=False), flush=True)
            return
        if self._live:
            key = (visible(host), label, visible(str(message.get("target", ""))))
            self._rows.setdefault(key, _HostRow()).hear(message)
            self._live.start()
            return
        event = str(message.get("event"))
        if event in _STATES:
            place = f"{visible(host):<16} {label:<10} {message.get('target', '')!s:<10}"
            seconds = message.get("seconds")
            state = f"{seconds:.1f} s" if event == "done" and isinstance(seconds, int | float) else _STATES[event]
            simulated = " SIMULATED" if message.get("simulated") else ""
            print(
                f"{place} {visible(str(message.get('step', ''))):<22} {state}{simulated}", file=sys.stderr, flush=True
            )

    def close(self) -> None:
        """Nothing more will come."""
        if self._live:
            self._live.stop()

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table("host", "", "target", "steps", "step", "progress", box=None, padding=(0, 2, 0, 0))
        for (host, label, target), row in list(self._rows.items()):
            seconds = f"{time.monotonic() - row.since:.0f} s"
            cell: Any = Text(row.state or seconds, style="red" if row.state == "FAILED" else "")
            if row.progress and row.progress[1] > 0:
                done, total, unit = row.progress
                cell = bar(done, total, f"{done}/{total} {visible(unit)}  {seconds}")
            words = (host, label, target, f"{row.ended}/{row.steps}", visible(row.step))
            table.add_row(*map(Text, words), cell)
        return table
