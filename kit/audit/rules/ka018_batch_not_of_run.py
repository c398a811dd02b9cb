"""The batch size in a label is not that of the heading above the run it quotes.

The value belongs to one batch size and is listed under another.
"""

from __future__ import annotations

from kit.audit.labelrules import label_check
from kit.audit.rule import Kind, Rule

__all__ = ["RULE"]

RULE = Rule(
    kind=Kind.LABEL,
    bad="""\
### 7.1 310性能数据

batch16性能：

```
[e2e] throughputRate: 243.034, latency: 205733
[infer] throughputRate: 251.37, Interface throughputRate: 271.263, moduleLatency: 3.58
```

batch8 310单卡吞吐率：271.263x4=1085.052fps
""",
    corrections={"batch8": "batch16"},
    check=label_check("heading"),
)
