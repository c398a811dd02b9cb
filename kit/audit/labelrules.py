"""What the rules about labels share: each reports what the resolution of labels found for some causes."""

from __future__ import annotations

from collections.abc import Callable

from kit.audit.rule import Facts, Held, Outcomes, Wrong

__all__ = ["label_check"]


def label_check(*causes: str) -> Callable[[Facts], Outcomes]:
    """A check that reports the labels which were found wrong, or confirmed, for these causes."""

    def check(facts: Facts) -> Outcomes:
        for one in facts.labels.wrong:
            if one.cause in causes:
                digits, batch = one.stated.strip("batchsize_=: BATCHSIZE"), one.right.removeprefix("batch")
                sure = one.cause == "formula" and digits.isdigit() and batch.isdigit()
                yield Wrong(
                    one.line,
                    one.stated,
                    one.right,
                    one.inputs,
                    one.message,
                    computation=one.inputs,
                    replacement=one.stated.replace(digits, batch) if sure else None,
                    safe=sure,
                    subject="label",
                )
        for one in facts.labels.confirmed:
            if one.cause in causes:
                yield Held(one.line, one.stated, one.right, one.message)

    return check
