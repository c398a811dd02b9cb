"""Time in proportion to the text: twice the text of a stranger takes about twice the time, whatever it repeats."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import pytest

from kit.toollogs.prefixes import strip_levels, strip_prefixes
from kit.toollogs.reader import readers
from kit.toollogs.text import clean
from tests.logsamples import SAMPLES

#: What is repeated: pieces of the tools' forms that begin something and never end it, runs of blanks, digits, marks.
PIECES = {
    **{f"sample {name}": text for name, text in SAMPLES.items()},
    "blanks": " ",
    "key and blanks": "A" + " " * 60,
    "digits": "9",
    "letters": "a",
    "line ends": "\n",
    "pairs on a line": "min = 1 ms ",
    "pairs in lines": "min = 1 ms\n",
    "percentiles": "percentile(9%) = 1 ms, ",
    "marks that begin": "&&&& RUNNING TensorRT.trtexec # a\n",
    "marks that end": "&&&& PASSED TensorRT.trtexec # a\n",
    "headings": "GPU Compute\n",
    "headings on a line": "Latency: min = 1 ms ",
    "stamps": "[02/03/2021-10:00:00] ",
    "throughput": "Throughput: 5 qps\n",
    "throughput on a line": "throughput: 5 qps ",
    "averages": "Average over 10 runs is 1.5 ms (host walltime is 1.75 ms, 99% percentile time is 1).\nx\n",
    "open errors": "[E] (((\n",
    "goes on": "(\n",
    "layers": "=== Profile (1 iterations ) ===\n",
    "layer rows": "[I] 1.0 1.0 1.0 x\n",
    "names in json": '"timeMs":',
    "names in a layer": '{"name":"',
    "open records": '{"computeMs":1,"startInMs":[',
    "open braces": "{",
    "open brackets": "[",
    "quotes": '"',
    "tensors": '{"name":"a","dimensions":"1","values":[',
    "xml": "<a><b></b>",
    "xml gpus": '<gpu id="',
    "bars": "|",
    "rows of a chip": "| 0     310P3 | OK | 1 1 |\n",
    "second rows": "| 0     0 | 0000:01:00.0 | 0 1 / 2 |\n",
    "keys": "NPU ID : 0\n",
    "chips": "Chip ID : 0\n",
    "key without end": "A b: ",
    "parts": "NPU_compute_time (ms): mean = 1\n",
    "parts on a line": "NPU_compute_time (ms): ",
    "means": "throughput 1000*batchsize(1)/NPU_compute_time.mean(1): 1\n",
    "tags": "[e2e] ",
    "tags with keys": "[e2e] throughputRate: 1 ",
    "rates": "Interface throughputRate: 1.5\n",
    "onnxruntime errors": "[E:onnxruntime:",
    "build": "Build .",
    "results": "PureInfer result saved in a\n",
    "ave": "ave_throughputRate = 1.5samples/s\n",
    "rate in letters": "th ",
    "times": "Inference time: 1ms\n",
    "codes": "E10001: a\n",
    "codes that go on": " Possible Cause: a\n",
    "key values": '{"key": "Top1 accuracy", "value": "1%"}',
    "trace": "# gpu pwr\n 0 1\n",
    "trace of processes": "# gpu pid type command\n 0 1 C a\n",
    "commas": "index, name\n,",
    "stamped": "2024-05-01T12:00:00Z ",
    "services": "a | ",
    "fences": "```\n",
    "number signs": "# a\n",
    "escapes": "\x1b[",
}
_SIZES = (20_000, 40_000, 80_000)
#: Below that the clock says more of the machine than of the reader.
_SETTLED = 0.15
#: Growth with the square is a factor of four for twice the text.
_FACTOR = 2.7


def _spent(run: Callable[[str], object], texts: Sequence[str], times: int) -> list[float]:
    """The least processor time for each text; the texts take turns, so that a busy while meets all of them."""
    spent = [math.inf] * len(texts)
    for _ in range(times):
        for number, text in enumerate(texts):
            start = time.process_time()
            run(text)
            spent[number] = min(spent[number], time.process_time() - start)
    return spent


def _grows(run: Callable[[str], object], piece: str) -> str | None:
    """What is wrong with the growth, for the piece repeated to some sizes; None where nothing is.

    What looks too steep is measured again, with twice the text and more often: growth with the square shows there
    even better, and a neighbour's work on the same processor does not.
    """
    said = None
    for scale, times in ((1, 2), (2, 5)):
        sizes = [scale * size for size in _SIZES]
        spent = _spent(run, [piece * (size // len(piece)) + "\n" for size in sizes], times)
        if spent[-1] <= 5 * scale and (spent[-1] <= _SETTLED or spent[-1] <= _FACTOR * max(spent[-2], 1e-3)):
            return None
        said = f"{sizes} characters take {[round(seconds, 3) for seconds in spent]} s"
    return said


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
def test_time_grows_with_the_text(piece: str) -> None:
    runs: dict[str, Callable[[str], object]] = {
        f"{reader.family}.{name}": getattr(reader, name) for reader in readers() for name in ("sniff", "read")
    }
    runs |= {"clean": clean, "strip_prefixes": strip_prefixes, "strip_levels": strip_levels}
    wrong = {name: said for name, run in runs.items() if (said := _grows(run, PIECES[piece]))}
    assert not wrong
