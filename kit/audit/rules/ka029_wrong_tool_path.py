"""A command uses a path where the toolkit or tool is never installed.

The command fails for everyone who copies it.
"""

from __future__ import annotations

import re

from kit.audit.rule import Facts, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]

_TOOLKIT = re.compile(
    r"/usr/local/Ascend/(ascend-lastest|ascend-lateste?(?:st)?|ascend-tookit|ascend-tooklit|ascned-toolkit)/"
)
_ROOT_TOOL = re.compile(r"^\s{0,9}(?:\$\s{0,9})?(/benchmark\.(?:\$\{?arch\}?|x86_64|aarch64))(?=\s)")


def _check(facts: Facts) -> Outcomes:
    for line, text in enumerate(facts.document.lines, start=1):
        match = _TOOLKIT.search(text)
        if match:
            right = "/usr/local/Ascend/ascend-toolkit/"
            message = f"there is no {match[1]}: the folder is ascend-toolkit"
            yield Wrong(line, match[0], right, "", message, start=match.start(), replacement=right)
        match = _ROOT_TOOL.search(text)
        if match:
            right = f".{match[1]}"
            message = "the tool is in the current folder, not in the root folder"
            yield Wrong(line, match[1], right, "", message, start=match.start(1), replacement=right)


RULE = Rule(
    kind=Kind.COMMAND,
    bad="""\
```
source /usr/local/Ascend/ascend-lastest/set_env.sh
```
""",
    corrections={"/usr/local/Ascend/ascend-lastest/set_env.sh": "/usr/local/Ascend/ascend-toolkit/set_env.sh"},
    check=_check,
)
