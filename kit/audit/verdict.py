"""Outcomes of comparing a printed number with the value it should show."""

from __future__ import annotations

from kit.audit.facts.grids import Column, Entry
from kit.audit.facts.printednumber import Agreement, Bounded, Printed, agree, show
from kit.audit.rule import Held, Outcome, Severity, Wrong

__all__ = [
    "compared",
    "digits_swapped",
    "miscomputed",
    "misprinted",
    "ordered",
    "ordered_row",
    "rounded",
    "severity_of",
]


def compared(
    line: int,
    stated: Printed,
    right: Bounded,
    *,
    inputs: str,
    note: str,
    subject: str = "",
    factor: float = 1.0,
) -> Outcome:
    """Whether a printed number is right.

    ``note`` says what was computed ("310P/310 = 1.5 / 2.5"). ``factor`` is what ``stated`` was scaled by for the
    comparison: 0.01 for a percentage.
    """
    value = right.value / factor
    agreement = agree(stated, right)
    if agreement is Agreement.SAME:
        return Held(line, stated.text, show(value), note)
    message = f"{note} gives {show(value)}, but {stated.text} is printed"
    return miscomputed(line, stated, value, note, message, agreement, inputs=inputs, subject=subject)


def miscomputed(
    line: int,
    stated: Printed,
    value: float,
    how: str,
    message: str,
    agreement: Agreement,
    *,
    subject: str,
    inputs: str = "",
) -> Wrong:
    """A number that is not the ``value`` which ``how`` gives; a slip in its last digits can be fixed safely."""
    slip = agreement is Agreement.SLIP
    return Wrong(
        line,
        stated.text,
        show(value),
        inputs or how,
        message,
        Severity.DIGITS if slip else Severity.MAJOR,
        stated.start,
        computation=f"{how} = {show(value)}",
        replacement=rounded(value, stated),
        safe=slip,
        subject=subject,
    )


def misprinted(
    line: int,
    stated: Printed,
    right: str,
    inputs: str,
    message: str,
    severity: Severity = Severity.MAJOR,
    *,
    how: str = "",
    subject: str = "",
) -> Wrong:
    """A number that should be another, which cannot be fixed without a person; ``how`` is the computation."""
    return Wrong(line, stated.text, right, inputs, message, severity, stated.start, computation=how, subject=subject)


def severity_of(stated: Printed, right: float) -> Severity:
    """How bad it is that a number is printed in place of another: a slip in the last digits is not major."""
    return Severity.MAJOR if agree(stated, right) is Agreement.DIFFERENT else Severity.DIGITS


def rounded(value: float, like: Printed) -> str:
    """A value with the decimals and thousands separators of a printed number."""
    decimals = len(like.text.partition(".")[2]) if "e" not in like.text.lower() else 6
    return f"{value:{',' if ',' in like.text else ''}.{decimals}f}"


def digits_swapped(stated: Printed, value: float) -> bool:
    """Whether a number is the value, rounded or cut off, with two adjacent digits swapped.

    With three digits or more that is so rare by chance that it shows which value was meant.
    """
    decimals = len(stated.text.partition(".")[2])
    printed = stated.text.replace(",", "")
    for nearest in (0.0, -0.5 * 10.0**-decimals):
        wanted = f"{abs(value) + nearest:.{decimals}f}"
        places = [place for place, (one, other) in enumerate(zip(printed, wanted, strict=False)) if one != other]
        if len(printed) == len(wanted) >= 4 - (not decimals) and len(places) == 2:
            first, last = places
            between = printed[first + 1 : last]
            if between in {"", "."} and printed[first] == wanted[last] and printed[last] == wanted[first]:
                return True
    return False


def ordered(
    line: int,
    lower: tuple[str, Printed],
    upper: tuple[str, Printed],
    *,
    holds: bool,
    message: str,
    subject: str,
) -> Outcome:
    """Two numbers with their names, of which ``lower`` cannot be the greater; ``message`` says that it is."""
    (below, low), (above, high) = lower, upper
    if holds:
        return Held(line, low.text, high.text, f"{below} <= {above}")
    inputs, how = f"{low.text}, {high.text}", f"{low.text} > {high.text}"
    return misprinted(line, low, f"at most {high.text}", inputs, message, how=how, subject=subject)


def ordered_row(
    label: str, lower: tuple[Column, Entry], upper: tuple[Column, Entry], *, holds: bool, fault: str
) -> Outcome:
    """Two numbers of a row, as in :func:`ordered`."""
    (below, low), (above, high) = lower, upper
    subject, names = f"{label or 'row'} | {below.title}", ((below.title, low.number), (above.title, high.number))
    message = f"{subject} is {low.number.text}, {fault}"
    return ordered(low.line, *names, holds=holds, message=message, subject=subject)
