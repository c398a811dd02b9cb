"""Tool output against its own identities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import show

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.toolblocks import ToolBlock

__all__ = ["check_blocks"]

#: The tools print six significant digits, and quotes are often shortened.
_TOLERANCE: Final = 5e-3
#: Pure inference trims its first rounds from one of the two means.
_PURE_TOLERANCE: Final = 0.05
#: Of rounds that differ, the mean latency is above the reciprocal of the mean rate, and never below.
_PURE_ABOVE: Final = 0.3


def check_blocks(context: Context) -> None:
    """Check the relations that hold inside a run, whatever was measured."""
    for block in context.blocks:
        if block.tool == "benchmark":
            for stage in ("data read", "preprocess"):
                _reciprocal(context, block, f"{stage} rate", f"{stage} latency", _TOLERANCE)
            _samples(context, block)
        elif block.tool == "pure":
            _reciprocal(context, block, "rate", "latency", _PURE_TOLERANCE, above=_PURE_ABOVE)
        elif block.tool == "ais":
            _ais(context, block)
        else:
            _order(context, block)


def _reciprocal(
    context: Context, block: ToolBlock, rate: str, latency: str, tolerance: float, *, above: float | None = None
) -> None:
    if rate not in block.values or latency not in block.values:
        return
    line, first = block.values[rate]
    _, second = block.values[latency]
    if not first.value or not second.value:
        return
    expected = 1000 / first.value
    allowed = tolerance if above is None or second.value < expected else above
    if abs(expected - second.value) <= allowed * expected + second.unit:
        context.ledger.hold(line, Kind.ARITHMETIC, second.text, show(expected), f"{latency} = 1000 / {rate}")
        return
    context.ledger.find(
        Finding(
            line,
            Kind.ARITHMETIC,
            second.text,
            show(expected),
            f"1000 / {first.text}",
            f"{latency} must be 1000 / {rate} = {show(expected)} ms, but {second.text} is printed",
            Severity.OPTIONAL,
        )
    )


def _samples(context: Context, block: ToolBlock) -> None:
    """Throughput x duration of the whole run is a number of samples."""
    if "e2e rate" not in block.values or "e2e latency" not in block.values:
        return
    line, rate = block.values["e2e rate"]
    _, latency = block.values["e2e latency"]
    samples = rate.value * latency.value / 1000
    if not rate.value or not latency.value:
        return
    error = samples * (rate.unit / rate.value + latency.unit / latency.value) / 2
    stated = f"{rate.text} x {latency.text}"
    if abs(samples - round(samples)) <= error + 0.02 or error > 0.3 or round(samples) < 1:
        context.ledger.hold(line, Kind.ARITHMETIC, stated, show(samples), "samples of the run")
        return
    context.ledger.find(
        Finding(
            line,
            Kind.ARITHMETIC,
            stated,
            show(round(samples)),
            f"{rate.text} x {latency.text} / 1000 = {show(samples)}",
            f"throughput x duration is {show(samples)} samples, which is no whole number: the quote was edited",
            Severity.OPTIONAL,
        )
    )


def _ais(context: Context, block: ToolBlock) -> None:
    if "rate" not in block.values or "mean" not in block.values:
        return
    line, rate = block.values["rate"]
    _, mean = block.values["mean"]
    if not mean.value or not rate.value:
        return
    batch = rate.value * mean.value / 1000
    given = block.values.get("batch")
    whole = given[1].value if given else max(1, round(batch))
    if abs(batch - whole) <= _TOLERANCE * whole:
        context.ledger.hold(
            line, Kind.ARITHMETIC, rate.text, show(1000 * whole / mean.value), "throughput = 1000 x batch / mean"
        )
        return
    context.ledger.find(
        Finding(
            line,
            Kind.ARITHMETIC,
            rate.text,
            show(1000 * whole / mean.value),
            f"1000 * {whole:g} / {mean.text}",
            f"throughput x mean / 1000 is {show(batch)}, which is no batch size: the two are of different runs",
            Severity.MAJOR if given else Severity.OPTIONAL,
        )
    )


def _order(context: Context, block: ToolBlock) -> None:
    values = {name: number for name, (_, number) in block.values.items()}
    if "min" not in values or "max" not in values:
        return
    low, high = values["min"], values["max"]
    for name in ("mean", "median"):
        if name not in values:
            continue
        line = block.values[name][0]
        number = values[name]
        if low.value - low.unit <= number.value <= high.value + high.unit:
            context.ledger.hold(line, Kind.ARITHMETIC, number.text, number.text, f"{name} lies between min and max")
            continue
        context.ledger.find(
            Finding(
                line,
                Kind.ARITHMETIC,
                number.text,
                "",
                f"min {low.text}, max {high.text}",
                f"the {name} {number.text} ms lies outside min {low.text} and max {high.text}",
                Severity.OPTIONAL,
            )
        )
