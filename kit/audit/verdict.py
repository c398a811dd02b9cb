"""A printed number against the value that it should show, as the outcome of a rule."""

from __future__ import annotations

from kit.audit.diagnostic import Severity
from kit.audit.facts.grids import Column, Entry
from kit.audit.facts.printednumber import Agreement, Interval, Printed, agree, show
from kit.audit.rule import Held, Outcome, Wrong

__all__ = ["compared", "digits_swapped", "ordered", "rounded"]


def compared(
    line: int,
    stated: Printed,
    value: float,
    allowed: Interval | None = None,
    *,
    inputs: str,
    note: str,
    start: int = -1,
    subject: str = "",
    factor: float = 1.0,
) -> Outcome:
    """Whether a printed number holds. ``allowed`` is what the rounding of the inputs leaves open.

    ``note`` says what was computed ("310P/310 = 1.5 / 2.5"). ``factor`` is what ``stated`` was scaled by for the
    comparison: 0.01 for a per cent.
    """
    verdict = agree(stated, value, allowed)
    shown = show(value / factor)
    if verdict is Agreement.SAME:
        return Held(line, stated.text, shown, note)
    slip = verdict is Agreement.SLIP
    return Wrong(
        line,
        stated.text,
        shown,
        inputs,
        f"{note} gives {shown}, but {stated.text} is printed",
        Severity.DIGITS if slip else Severity.MAJOR,
        start,
        computation=f"{note} = {shown}",
        replacement=rounded(value / factor, stated.scaled(1 / factor)),
        safe=slip,
        subject=subject,
    )


def rounded(value: float, like: Printed) -> str:
    """A value with as many decimals as a printed number has, and its way to part thousands."""
    decimals = len(like.text.partition(".")[2]) if "e" not in like.text.lower() else 6
    return f"{value:{',' if ',' in like.text else ''}.{decimals}f}"


def digits_swapped(stated: Printed, value: float) -> bool:
    """Whether a number is printed as the value, rounded or cut off, with two digits beside each other swapped.

    Of three digits or more that happens to other numbers so seldom that it shows what was meant.
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
    label: str, lower: tuple[Column, Entry], upper: tuple[Column, Entry], *, holds: bool, fault: str
) -> Outcome:
    """A number of a row that may not be above another one of it; ``fault`` goes on after the first where it is."""
    (below, low), (above, high) = lower, upper
    if holds:
        return Held(low.line, low.number.text, high.number.text, f"{below.title} <= {above.title}")
    subject = f"{label or 'row'} | {below.title}"
    return Wrong(
        low.line,
        low.number.text,
        f"at most {high.number.text}",
        f"{low.number.text}, {high.number.text}",
        f"{subject} is {low.number.text}, {fault}",
        start=low.start,
        computation=f"{low.number.text} > {high.number.text}",
        subject=subject,
    )
