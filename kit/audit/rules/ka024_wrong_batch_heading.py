"""A heading names an unusual batch size, but the command and result file below it use another.

The results are listed under a batch size that was never run.
"""

from __future__ import annotations

import re
from itertools import pairwise

from kit.audit.facts.toolruns import file_batch
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]

_RUN_BATCH = re.compile(r"-batch_?size[= ]([0-9]{1,4})(?![0-9])")
_USUAL = {1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024}
_REACH = 10


def _check(facts: Facts) -> Outcomes:
    lines = facts.document.lines
    for mark, after in pairwise([*facts.near.marks, None]):
        if mark is None or mark.batch in _USUAL:
            continue
        until = min(mark.line + _REACH, after.line if after else mark.line + _REACH, len(lines))
        below = lines[mark.line : until]
        named = {int(match[1]) for text in below for match in _RUN_BATCH.finditer(text)}
        files = {batch for text in below if (batch := file_batch(text)) is not None}
        if len(named) == 1 and named == files:
            batch = named.pop()
            message = f"the heading says batch {mark.batch}, but the command and result file below have batch {batch}"
            inputs = "command and result file below"
            yield Wrong(mark.line, f"batch{mark.batch}", f"batch{batch}", inputs, message, subject="heading")


RULE = Rule(
    kind=Kind.LABEL,
    bad="""\
### batch6

```
./benchmark.x86_64 -batch_size=16 -om_path=net_bs16.om
```

perf_vision_batchsize_16_device_0.txt
""",
    corrections={"batch6": "batch16"},
    check=_check,
)
