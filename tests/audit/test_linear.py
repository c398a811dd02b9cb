"""The cost of a report is in proportion to its size, whatever a stranger puts in it."""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable

import pytest

from kit.audit import audit_text

Layout = Callable[[int], str]


def repeated(piece: str, *, width: int = 0) -> Layout:
    """So many characters of a piece, in lines of ``width`` where that is given."""

    def make(size: int) -> str:
        text = piece * (size // len(piece) + 1)
        return "\n".join(text[at : at + width] for at in range(0, size, width)) if width else text

    return make


def numbered(piece: str, head: str = "") -> Layout:
    """A piece with the number of its turn in it."""
    return lambda size: head + "".join(piece.replace("#", str(turn)) for turn in range(size // len(piece)))


RUN = (
    "```\n[e2e] throughputRate: 1, latency: 2#\n[infer] throughputRate: 251.#, Interface throughputRate: 271.#,"
    " moduleLatency: 3.58\n```\nbatch1 310 card throughput: 271.#x4=1085.052fps\n"
)
THREE = "310P batch4 throughput: 300.5 fps\nT4 batch4 throughput: 100.5 fps\n310P is 2.99 times T4\n"
LAYOUTS: dict[str, Layout] = {
    "header cells": lambda size: "|310P|" + "|".join(f"a/{n:x}" for n in range(size // 7)) + "|\n|-|-|\n",
    "ratio headers": lambda size: (
        "|b|" + "310|310P|310P/310|" * (size // 40) + "\n|-|-|\n|1|" + "10|20|2.0|" * (size // 40) + "\n"
    ),
    "open tags": repeated("<a "),
    "declarations": repeated("<![ "),
    "spans": repeated("<tr>" + "<td colspan=40 rowspan=40>310" * 20 + "</tr>\n"),
    "claims": numbered("## part #\n" + THREE),
    "claims of one section": repeated(THREE),
    "quoted runs": numbered(RUN),
    "sections": numbered("## 7.# T4\ntext\n"),
    "blanks": lambda size: "throughput" + " " * size + "= 1\n",
    "equations": repeated("1*1=1\n"),
    "equations of a line": repeated("2*2=4 ", width=300),
    "brackets": repeated("()*(", width=900),
    "tables": repeated("|b|310|T4|310/T4|\n|-|-|-|-|\n|1|10|5|2.0|\n\n"),
    "rows": lambda size: "# fps\n|b|310|T4|310/T4|\n|-|-|-|-|\n" + "|bs1|100.5|50.5|2.0|\n" * (size // 21),
    "rows of a wide header": lambda size: "|" + "310|" * 200 + "\n|-|-|\n" + "|1\n" * (size // 3),
    "statements": numbered("batch4 throughput: #.5 fps\n", "# 310P\n"),
    "statements and rows": lambda size: (
        "# 310P fps\n"
        + "batch4 throughput: 100.5 fps\n" * (size // 60)
        + "\n|b|310P|T4|\n|-|-|-|\n"
        + "".join(f"|bs{n % 9999}|100.5|2|\n" for n in range(size // 40))
    ),
    "accuracies": repeated("|x|top1|\n|-|-|\n|official|76.1|\n|310|75.1|\n\n精度下降在1%以内\n\n"),
    "devices": repeated("310P是T4的3倍，", width=480),
    "best batches": repeated("310上batch8时性能最优", width=480),
    "best rows": lambda size: "# fps\n|b|310|T4|\n|-|-|-|\n" + "|最优|100.5|50.5|\n" * (size // 21),
    "comparisons": repeated("batch1：91.86x4 > 1000/(2.9/1)\n"),
    "speed-ups": lambda size: "|GPUs|throughput|speedup|\n|-|-|-|\n" + "|1|100.5|1.0|\n" * (size // 14),
    "speed-up columns": lambda size: (
        "|" + "throughput|speedup|" * (size // 40) + "\n|-|-|\n|" + "1.5|2.5|" * (size // 40) + "\n"
    ),
    "shares": lambda size: "|a|count|share|\n|-|-|-|\n" + "|total|100|100%|\n" * (size // 17),
    "average rows": lambda size: (
        "|a|b (ms)|c (ms)|speedup|\n|-|-|-|-|\n"
        + "|x|3.0|2.0|1.5|\n" * (size // 34)
        + "|average|3.0|2.0|1.9|\n" * (size // 46)
    ),
    "changes": repeated("Latency from 40 ms to 16 ms (2.5x faster).\n"),
    "comparisons in words": repeated("22.4 MB compared to 88.2 MB (3.9x smaller), p50 = 1.9 ms, p99 = 2.6 ms\n"),
    "notes": lambda size: "|m|a (ms)|b (ms)|\n|-|-|-|\n" + "|net|400.0|800.0 (2.00x)|\n" * (size // 26),
    "list items": repeated("- a\n"),
    "digits": repeated("9", width=4000),
    "JSON": repeated('"NPU_compute_time": {"mean": 1.5},\n"throughput": 3,\n'),
    "commands": repeated("./benchmark.x86_64 -batch_size=8 -om_path=a_bs16.om\n"),
}


def seconds(text: str) -> float:
    """Processor seconds of an audit that remembers nothing of another."""
    for name, module in list(sys.modules.items()):
        if name.startswith("kit.audit.facts"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
    start = time.process_time()
    audit_text(text)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_twice_the_size_costs_twice_the_time(name: str) -> None:
    make, size = LAYOUTS[name], 40_000
    factors = []
    for _ in range(4):  # the least of several: other work on the machine only adds
        once, twice = (min(seconds(make(length)) for _ in range(2)) for length in (size, 2 * size))
        factors.append(twice / max(once, 0.02))
        if factors[-1] < 2.5:
            return
    pytest.fail(f"twice the size takes {factors} times as long")


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_megabyte_takes_seconds(name: str) -> None:
    # A quarter of it, within a quarter of five seconds; twice that, as processors differ and others use them, too.
    text = LAYOUTS[name](256_000)
    assert any(seconds(text) < 2.5 for _ in range(3))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["spans", "header cells", "rows of a wide header", "speed-up columns"])
def test_memory_is_in_proportion_too(name: str) -> None:
    text = LAYOUTS[name](100_000)
    tracemalloc.start()
    audit_text(text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40_000_000
