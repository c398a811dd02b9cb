"""A command uses a different batch size from the one in the name of its model.

The tool rejects the model, or measures a different one from the one the report names.
"""

from __future__ import annotations

import re

from kit.audit.facts.vocabulary import calls_tool
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule, Severity, Wrong

__all__ = ["RULE"]

_BATCH = re.compile(r"\s-{1,2}batch_?size[= ]\"?([0-9]{1,4})\b")
_MODEL = re.compile(r"\s-{1,2}(?:om_path|model|om)[= ]\"?(\S{1,200}?_?bs_?([0-9]{1,3})(?:[_.][A-Za-z_.]{0,40})?\.om)\b")
_OUTPUT = re.compile(r"\s--output[= ]\"?(\S{1,200}?bs_?([0-9]{1,3}))(?![0-9])")
_SHAPE = re.compile(r"\s--input_shape[= ]\"?'?[\w./\[\]]{1,60}:\s{0,9}([0-9]{1,3}),")


def _check(facts: Facts) -> Outcomes:
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
    kind=Kind.COMMAND,
    bad="""\
```
./benchmark.x86_64 -device_id=0 -batch_size=8 -om_path=net_bs16.om
```
""",
    corrections={"-batch_size=8": "-batch_size=16"},
    check=_check,
    severity=Severity.OPTIONAL,
)
