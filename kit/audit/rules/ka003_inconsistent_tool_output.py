"""Values of one quoted tool run contradict each other.

What a tool prints is consistent. Where it is not, the quote was edited or mixes two runs.
"""

from __future__ import annotations

from kit.audit.facts.printednumber import Printed, exactly, show
from kit.audit.facts.toolruns import ToolRun
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule, Severity, Wrong
from kit.audit.verdict import compared

__all__ = ["RULE"]

#: The tools print six significant digits, and quotes are often shortened.
_TOLERANCE = 5e-3
#: Pure inference leaves its first rounds out of one of the two means.
_PURE_TOLERANCE = 0.05
#: If rounds differ, the mean latency is above the reciprocal of the mean rate, never below.
_PURE_ABOVE = 0.3


def _check(facts: Facts) -> Outcomes:
    for run in facts.near.runs:
        if run.tool == "benchmark":
            for stage in ("data read", "preprocess"):
                yield from _reciprocal(run, f"{stage} rate", f"{stage} latency", _TOLERANCE, _TOLERANCE)
            yield from _samples(run)
        elif run.tool == "pure":
            yield from _reciprocal(run, "rate", "latency", _PURE_TOLERANCE, _PURE_ABOVE)
        elif run.tool == "ais":
            yield from _ais(run)
            yield from _order(run)
        else:
            yield from _order(run)


def _pair(run: ToolRun, one: str, other: str) -> tuple[int, Printed, Printed] | None:
    """The line of the first value and both values, if the run has both and neither is zero."""
    first, second = run.values.get(one), run.values.get(other)
    if first is None or second is None or not first[1].value or not second[1].value:
        return None
    return first[0], first[1], second[1]


def _reciprocal(run: ToolRun, rate: str, latency: str, below: float, above: float) -> Outcomes:
    pair = _pair(run, rate, latency)
    if pair is None:
        return
    line, first, second = pair
    expected = 1000 / first.value
    allowed = below if second.value < expected else above
    if abs(expected - second.value) <= allowed * expected + second.unit:
        yield Held(line, second.text, show(expected), f"{latency} = 1000 / {rate}")
        return
    message = f"{latency} must be 1000 / {rate} = {show(expected)} ms, but {second.text} is printed"
    yield Wrong(line, second.text, show(expected), f"1000 / {first.text}", message, Severity.OPTIONAL)


def _samples(run: ToolRun) -> Outcomes:
    """Throughput x duration of the whole run is the number of samples."""
    pair = _pair(run, "e2e rate", "e2e latency")
    if pair is None:
        return
    line, rate, latency = pair
    samples = rate.value * latency.value / 1000
    error = samples * (rate.unit / rate.value + latency.unit / latency.value) / 2
    stated = f"{rate.text} x {latency.text}"
    if abs(samples - round(samples)) <= error + 0.02 or error > 0.3 or round(samples) < 1:
        yield Held(line, stated, show(samples), "samples of the run")
        return
    inputs = f"{rate.text} x {latency.text} / 1000 = {show(samples)}"
    message = f"throughput x duration is {show(samples)} samples, which is not a whole number: the quote was edited"
    yield Wrong(line, stated, show(round(samples)), inputs, message, Severity.OPTIONAL)


def _ais(run: ToolRun) -> Outcomes:
    pair = _pair(run, "rate", "mean")
    if pair is None:
        return
    line, rate, mean = pair
    batch = rate.value * mean.value / 1000
    given = run.values.get("batch")
    whole = given[1].value if given else max(1, round(batch))
    expected = exactly(1000 * whole) / mean.bounds
    note = f"1000 * {whole:g} / {mean.text}"
    if abs(batch - whole) <= _TOLERANCE * whole:
        yield compared(line, rate, expected, inputs=note, note=note)
        return
    message = f"throughput x mean / 1000 is {show(batch)}, which is not a batch size: they are from different runs"
    severity = Severity.MAJOR if given else Severity.OPTIONAL
    yield Wrong(line, rate.text, show(expected.value), note, message, severity)


def _order(run: ToolRun) -> Outcomes:
    pair = _pair(run, "min", "max")
    if pair is None:
        return
    _, low, high = pair
    for name in ("mean", "median"):
        if name not in run.values:
            continue
        line, number = run.values[name]
        if low.value - low.unit <= number.value <= high.value + high.unit:
            yield Held(line, number.text, number.text, f"{name} is between min and max")
            continue
        message = f"the {name} {number.text} ms is outside min {low.text} and max {high.text}"
        yield Wrong(line, number.text, "", f"min {low.text}, max {high.text}", message, Severity.OPTIONAL)


RULE = Rule(
    kind=Kind.ARITHMETIC,
    bad="""\
[INFO] NPU_compute_time (ms): min = 10.1, max = 10.9, mean = 10.3, median = 10.3
[INFO] throughput 1000*batchsize(16)/NPU_compute_time.mean(10.3): 1253.4
""",
    corrections={"1253.4": "1553.398"},
    check=_check,
)
