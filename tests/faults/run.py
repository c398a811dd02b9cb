"""The long form of the fault tests: writes docs/reliability.md from what happened, and nothing else.

``run.py [--minutes N] [--only WORD] [--jobs N] [--out FILE]``: a scenario that the time does not allow is done as often
as it does, and the table says how often that was. ``--only`` may be given several times. Jobs are processes that share
the scenarios among them. With ``--tallies FILE`` the counts are added to those of earlier runs, which the file keeps.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from kit.containers.client import available, connect  # noqa: E402
from tests.faults.faultsite import Bench, Scenario, missing  # noqa: E402
from tests.faults.scenarios import SCENARIOS  # noqa: E402

_HEAD = """# What was broken on purpose, and what came of it

`make faults` writes this page: each row is a kind of fault that was really done ({how_long}), by a scenario in
`tests/faults`. CI runs a short form of each. After every fault the scenario looks for what must not be left (containers
of the store, partial files, held locks, processes), runs kit again where it can go on, and compares the digests of
model, predictions and metrics with those of a run that nothing disturbed.

"Done" is how often the fault was done, "planned" how often it is without a limit of time; a scenario ends early where
the time given with `--minutes` is up.
"""

_TAIL = """
## What is tried elsewhere

* Text of strangers, mutated by hypothesis and guided by coverage with atheris: `tests/fuzz` (recipe, results, store
  record and marker, report, logs through every reader, what is printed). CI does less than two minutes of it. On
  2026-11-26 it ran for 166 minutes of processor time on another machine (sixteen cores, Python 3.12): 17.0 million
  inputs, 3.2 million of them reports, and no defect; what reached most is in the corpus.
  `python tests/fuzz/fuzz.py audit --seconds 3600` for more.
* Every container of a run as `docker inspect` shows it: `tests/faults/test_isolation.py`.
* Lies: every field of results and records, recipe, outputs, archive and report changed after a run;
  `kit verify --strict` refuses each and names the place: `tests/verification/`. What it cannot see,
  [report.md](report.md) says: raw outputs that somebody writes by hand.
* Every exit code: [errors.md](errors.md) and `tests/faults/test_exit_codes.py`.
* Damaged installers of the vendors, archives and checkpoints member by member: `tests/targets`, `tests/inside`.

## What it found

* An interruption while the engine was making a container left that container behind, in one of twelve.
* A tensor that the user brings, cut short, was told by the vendor's tool only, without its name.

Both are fixed, and tests of their own hold them.

## What is not tried

* The power goes: files are synced before they are renamed, and recorded last, but no power was cut.
* The engine that others may use is not stopped: its socket is cut and its containers are killed, which is what kit
  sees of its end. Killed and started again is a second engine of the tests.
* File servers without locks (flock does nothing there): one kit at a time.
* Real accelerators: the lease of a device is tried with containers that hold its name.
* A network between machines that is cut: the one of the cluster above is between namespaces of one machine.
"""


@dataclass
class Tally:
    """What came of one kind of fault."""

    one: Scenario
    outcomes: Counter[str] = field(default_factory=Counter)
    failure: str = ""
    skipped: str = ""
    seconds: float = 0.0

    @property
    def done(self) -> int:
        return sum(self.outcomes.values())


def work(one: Scenario, bench: Bench, seconds: float) -> Tally:
    """Do one scenario, for as long as it may take."""
    tally = Tally(one, skipped=missing(one, bench))
    if tally.skipped:
        return tally
    started = time.monotonic()
    # A scenario over a fixed list does all of it; one over chance stops in time.
    steps = one.run(bench, one.long)
    try:
        for outcome in steps:
            tally.outcomes[outcome] += 1  # a scenario yields when all of it is proved
            if time.monotonic() - started > seconds:
                break
    except AssertionError as error:
        tally.failure = str(error).strip().splitlines()[0][:300] if str(error).strip() else "an assertion failed"
        traceback.print_exc()
    tally.seconds = time.monotonic() - started
    return tally


def table(tallies: list[Tally], minutes: float) -> str:
    """The page."""
    lines = [_HEAD.format(how_long=f"{minutes:.0f} minutes in all")]
    group = ""
    for tally in tallies:
        if tally.one.group != group:
            group = tally.one.group
            lines += [f"\n## {group}\n", "| Fault | How it is done | Done | Planned | Outcome | Left behind |"]
            lines += ["|---|---|---|---|---|---|"]
        shown = [f"{text} ({times})" if len(tally.outcomes) > 1 else text for text, times in _few(tally.outcomes)]
        outcome = "; ".join(shown)
        left = "nothing"
        if tally.failure:
            outcome, left = f"**FAILED**: {tally.failure}; before that: {outcome or 'nothing'}", "see the outcome"
        if tally.skipped:
            outcome, left = f"not done: needs {tally.skipped}", "-"
        cells = [tally.one.name, tally.one.how, str(tally.done), str(tally.one.long), outcome, left]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    total = sum(tally.done for tally in tallies if tally.one.group != "Long")  # those are not faults
    failed = sum(bool(tally.failure) for tally in tallies)
    lines.append(f"\n{total} faults in {len(tallies)} kinds; {failed} kinds failed.")
    strangers = Path(__file__).with_name("strangers.md").read_text(encoding="utf-8")
    return "\n".join(lines) + "\n\n" + strangers + _TAIL


def _few(outcomes: Counter[str]) -> list[tuple[str, int]]:
    """Outcomes by their number; those of a list of files together by what came of them."""
    merged: Counter[str] = Counter()
    for text, times in outcomes.items():
        merged[text.rpartition(": ")[2] if len(outcomes) > 12 else text] += times
    return merged.most_common()


def part(chosen: list[Scenario], minutes: float, seed: int) -> list[Tally]:
    """Do these scenarios one after the other."""
    os.nice(5)
    folder = Path(tempfile.mkdtemp(prefix="kit-faults-"))
    bench = Bench(folder, None if available() else connect(), random.Random(seed))
    started = time.monotonic()
    tallies: list[Tally] = []
    try:
        for number, one in enumerate(chosen):
            left = minutes * 60 - (time.monotonic() - started)
            # Every scenario may take its share of what is left; what it does not need goes to those behind it.
            weight = [min(other.long, 100) ** 0.5 for other in chosen[number:]]
            tally = work(one, bench, max(1.0, left * weight[0] / sum(weight)))
            tallies.append(tally)
            state = tally.failure or tally.skipped or "ok"
            print(f"{tally.seconds:6.0f} s  {tally.done:5}/{one.long:<5} {one.name}: {state}", flush=True)
            bench.tidy()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tallies


def add(path: Path, tallies: list[Tally], minutes: float) -> tuple[list[Tally], float]:
    """Add to the counts in the file; a failure stays until its scenario has been done without one."""
    known: dict[str, Any] = {"minutes": 0.0, "tallies": {}}
    if path.exists():
        known = json.loads(path.read_bytes())
    minutes += known["minutes"]
    for tally in tallies:
        before = known["tallies"].get(tally.one.name, {"outcomes": {}})
        outcomes = Counter(before["outcomes"]) + tally.outcomes
        entry = {"outcomes": outcomes, "failure": tally.failure, "skipped": tally.skipped}
        known["tallies"][tally.one.name] = entry
    known["minutes"] = minutes
    path.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n")
    names = {one.name: one for one in SCENARIOS}
    whole = [
        Tally(names[name], Counter(one["outcomes"]), one["failure"], one["skipped"])
        for name, one in known["tallies"].items()
        if name in names
    ]
    return whole, minutes


def main() -> None:
    """Run the scenarios and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0, help="for all scenarios together")
    parser.add_argument("--only", action="append", help="scenarios whose group, name or function holds this word")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reliability.md")
    parser.add_argument("--seed", type=int, default=time.time_ns() % (1 << 31))
    parser.add_argument("--tallies", type=Path, help="JSON file of counts that this run adds to")
    options = parser.parse_args()
    words = options.only or [""]
    chosen = [one for one in SCENARIOS if any(word in f"{one.group} {one.name} {one.run.__name__}" for word in words)]
    started = time.monotonic()
    pipes: dict[int, int] = {}
    tallies: list[Tally] = []
    for job in range(options.jobs):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                mine = part(chosen[job :: options.jobs], options.minutes, options.seed + job)
                text = [(one.one.name, dict(one.outcomes), one.failure, one.skipped, one.seconds) for one in mine]
                os.write(writing, json.dumps(text).encode())  # less than a pipe holds
                code = 0
            except BaseException:  # noqa: BLE001 - it must be seen, and `_exit` shows nothing
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(writing)
        pipes[child] = reading
    for child, reading in pipes.items():
        with os.fdopen(reading, "rb") as file:
            data = file.read()
        os.waitpid(child, 0)
        for name, outcomes, failure, skipped, seconds in json.loads(data or b"[]"):
            one = next(one for one in SCENARIOS if one.name == name)
            tallies.append(Tally(one, Counter(outcomes), failure, skipped, seconds))
    whole = len(tallies) == len(chosen) and not any(tally.failure for tally in tallies)
    minutes = (time.monotonic() - started) / 60
    if options.tallies:
        tallies, minutes = add(options.tallies, tallies, minutes)
    tallies.sort(key=lambda tally: SCENARIOS.index(tally.one))
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(table(tallies, minutes))
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
