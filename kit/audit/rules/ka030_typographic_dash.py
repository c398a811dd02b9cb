"""An option of a command starts with a typographic dash.

Word processors replace hyphens; the tool takes the option for a file name and fails or ignores it.
"""

from __future__ import annotations

import re

from kit.audit.facts.encoding import MAX_LINE
from kit.audit.facts.vocabulary import calls_tool
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]

_EN_DASH = re.compile(r"(?<=\s)([–—−][–—−-]?|-[–—−])([a-zA-Z_][a-zA-Z0-9_]{2,40})(?=[=\s]|$)")


def _check(facts: Facts) -> Outcomes:
    for line, text in enumerate(facts.document.lines, start=1):
        match = _EN_DASH.search(facts.document.raw[line - 1][:MAX_LINE]) if calls_tool(text) else None
        if match:
            message = "the option starts with a typographic dash, so no tool recognises it"
            right = f"--{match[2]}"
            yield Wrong(line, match[0], right, "", message, start=0, replacement=right)


RULE = Rule(
    kind=Kind.COMMAND,
    bad="""\
```
trtexec --onnx=net.onnx –fp16 --threads
```
""",
    corrections={"–fp16": "--fp16"},
    check=_check,
)
