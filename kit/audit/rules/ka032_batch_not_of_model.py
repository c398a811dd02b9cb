"""The batch of a command against the batch in the model's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kit.audit.diagnostic import Kind, Severity
from kit.audit.facts.commands import calls_tool
from kit.audit.facts.facts import Facts
from kit.audit.rule import Held, Outcome, Rule, Wrong

__all__ = ["RULE"]

_BATCH: Final = re.compile(r"\s-{1,2}batch_?size[= ]\"?([0-9]{1,4})\b")
_MODEL: Final = re.compile(
    r"\s-{1,2}(?:om_path|model|om)[= ]\"?(\S{1,200}?_?bs_?([0-9]{1,3})(?:[_.][A-Za-z_.]{0,40})?\.om)\b"
)
_OUTPUT: Final = re.compile(r"\s--output[= ]\"?(\S{1,200}?bs_?([0-9]{1,3}))(?![0-9])")
_SHAPE: Final = re.compile(r"\s--input_shape[= ]\"?'?[\w./\[\]]{1,60}:\s{0,9}([0-9]{1,3}),")


def _check(facts: Facts) -> Iterator[Outcome]:
    for line, text in enumerate(facts.document.lines, start=1):
        if " -" not in text or not calls_tool(text):
            continue
        flag, model = _BATCH.search(text), _MODEL.search(text)
        if flag and model and "benchmark" in text:
            if int(flag[1]) == int(model[2]):
                yield Held(line, flag[0].strip(), model[1], "batch size equals that of the model's name")
            else:
                message = f"batch size {flag[1]} is given for the model {model[1]}"
                yield _finding(line, flag[0].strip(), model[2], message, flag.start() + 1)
        shape, output = _SHAPE.search(text), _OUTPUT.search(text)
        if shape and output and int(shape[1]) != int(output[2]):
            message = f"the model is named {output[1]}, but its input has batch {shape[1]}"
            yield _finding(line, output[1], shape[1], message, output.start(1))


def _finding(line: int, stated: str, batch: str, message: str, start: int) -> Wrong:
    return Wrong(line, stated, f"batch size {batch}", "", message, Severity.OPTIONAL, start)


RULE = Rule(
    id="KA032",
    name="batch-not-of-model",
    kind=Kind.COMMAND,
    summary="A command gives a model another batch size than the model's name has.",
    why="The tool refuses the model, or measures another one than the report says.",
    bad="""\
```
./benchmark.x86_64 -device_id=0 -batch_size=8 -om_path=net_bs16.om
```
""",
    corrections={"-batch_size=8": "-batch_size=16"},
    check=_check,
    severity=Severity.OPTIONAL,
)
