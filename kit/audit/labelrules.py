"""What the rules about labels have in common: they tell what the resolution of labels found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kit.audit.facts.facts import Facts
from kit.audit.rule import Held, Outcome, Wrong

__all__ = ["label_check"]


def label_check(*causes: str) -> Callable[[Facts], Iterator[Outcome]]:
    """A check that reports the labels which were found wrong, or confirmed, for these causes."""

    def check(facts: Facts) -> Iterator[Outcome]:
        for fault in facts.labels.faults:
            if fault.cause in causes:
                digits = fault.stated.strip("batchsize_=: BATCHSIZE")
                sure = fault.cause == "formula" and digits.isdigit() and fault.right.removeprefix("batch").isdigit()
                yield Wrong(
                    fault.line,
                    fault.stated,
                    fault.right,
                    fault.inputs,
                    fault.message,
                    computation=fault.inputs,
                    replacement=fault.stated.replace(digits, fault.right.removeprefix("batch")) if sure else None,
                    safe=sure,
                    subject="label",
                )
        for right in facts.labels.right:
            if right.cause in causes:
                yield Held(right.line, right.stated, right.confirmed, right.note)

    return check
