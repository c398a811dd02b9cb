"""What a person sees of many hosts: a row for each with its target, step and progress."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from kit.fleet.fleetview import FleetView

MESSAGES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("alpha", {"event": "plan", "steps": ["export", "310/infer-bs1"], "target": "310"}),
    ("beta", {"event": "plan", "steps": ["export"], "target": "T4"}),
    ("alpha", {"event": "unchanged", "step": "export", "target": "310"}),
    ("alpha", {"event": "start", "step": "310/infer-bs1", "doing": "x", "target": "310"}),
    (
        "alpha",
        {"event": "progress", "step": "310/infer-bs1", "done": 3, "total": 8, "unit": "batches", "target": "310"},
    ),
    ("beta", {"event": "failed", "step": "export\x1b[2J", "error": "no", "target": "T4"}),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_row_for_each_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    view = FleetView(as_json=False)
    for host, message in MESSAGES:
        view.message(host, f"host of {host}", message)
    view.close()
    lines = terminal.getvalue().splitlines()
    alpha, beta = (next(line for line in reversed(lines) if name in line) for name in ("alpha", "beta"))
    assert all(words in alpha for words in ("host of alpha", "310", "1/2", "310/infer-bs1", "3/8 batches"))
    assert all(words in beta for words in ("host of beta", "T4", "0/1", "FAILED"))
    assert "\x1b[2J" not in terminal.getvalue()


def test_json_has_host_and_target_in_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    view = FleetView(as_json=True)
    for host, message in MESSAGES:
        view.message(host, "label", message | {"node": "n", "attempt": "a"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"host": host, "label": "label", **message} for host, message in MESSAGES]
