"""An option of a command is misspelt.

The command fails, or runs without the option.
"""

from __future__ import annotations

import re

from kit.audit.facts.vocabulary import calls_tool
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Severity, Wrong

__all__ = ["RULE"]

_MISSPELT = {
    "wrokspace": "workspace",
    "wokspace": "workspace",
    "worksapce": "workspace",
    "soc_verison": "soc_version",
    "sco_version": "soc_version",
    "enable_small_channl": "enable_small_channel",
    "input_fromat": "input_format",
    "framwork": "framework",
    "framewor": "framework",
    "insert_op_config": "insert_op_conf",
}
_OPTION = re.compile(rf"\s-{{1,2}}({'|'.join(_MISSPELT)})(?=[= ])")


def _check(facts: Facts) -> Outcomes:
    for line, text in enumerate(facts.document.lines, start=1):
        match = _OPTION.search(text)
        if match and calls_tool(text):
            right = _MISSPELT[match[1]]
            message = f"the option is called {right}"
            yield Wrong(
                line, match[1], right, "", message, Severity.OPTIONAL, match.start(1), replacement=right, safe=True
            )


RULE = Rule(
    kind=Kind.COMMAND,
    bad="""\
```
trtexec --onnx=net.onnx --fp16 --wrokspace=5000
```
""",
    corrections={"--wrokspace=5000": "--workspace=5000"},
    check=_check,
    severity=Severity.OPTIONAL,
)
