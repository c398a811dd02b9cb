"""Results that are of the right form and still cannot be are refused when they are loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.errors import DamagedError
from kit.results.resultsfile import load_results


def stored(root: Path) -> dict[str, Any]:
    """The measured results of the example."""
    tree: dict[str, Any] = json.loads((root / "reports" / "digits" / "results" / "cpu.json").read_bytes())
    return tree


Change = Callable[[dict[str, Any]], object]
CHANGES: dict[str, Change] = {
    "p50 above p99": lambda tree: tree["throughput"][0]["latency_ms"].update(p50=1e6),
    "p90 above p99": lambda tree: tree["throughput"][0]["latency_ms"].update(p90=1e6),
    "cosine above 1": lambda tree: tree["parity"].update(cosine=1.01),
    "cosine below -1": lambda tree: tree["parity"].update(cosine=-2),
    "share above 1": lambda tree: tree["parity"].update(top1_agreement=1.5),
    "share below 0": lambda tree: tree["parity"].update(top1_agreement=-0.1),
    "no samples": lambda tree: tree["parity"].update(samples=0),
    "negative difference": lambda tree: tree["parity"].update(max_abs=-1.0),
    "more ties than images": lambda tree: tree["accuracy"].update(ties=tree["accuracy"]["n"] + 1),
    "negative ties": lambda tree: tree["accuracy"].update(ties=-1),
    "negative count": lambda tree: tree["accuracy"].update(correct=[-1, 0, 0, 0, 0]),
    "more hits than images": lambda tree: tree["accuracy"].update(correct=[10**9] * 5),
    "exit code": lambda tree: tree["runs"][0].update(exit_code=1),
    "negative bytes": lambda tree: tree["artifacts"][0].update(bytes=-1),
}


def test_the_example_is_loaded(root: Path) -> None:
    assert load_results(root / "reports" / "digits" / "results" / "cpu.json").target == "cpu"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_cannot_be_is_refused(change: Change, root: Path, tmp_path: Path) -> None:
    tree = stored(root)
    change(tree)
    path = tmp_path / "cpu.json"
    path.write_text(json.dumps(tree))
    with pytest.raises(DamagedError, match="the results are damaged: "):
        load_results(path)


def test_a_pipe_and_a_device_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    for name in ("pipe.json", "zero.json"):
        with pytest.raises(DamagedError, match="not a regular file"):
            load_results(tmp_path / name)
