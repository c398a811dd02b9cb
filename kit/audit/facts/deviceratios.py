"""The ratio of two devices by the measurements of a report: from its tables, else from its prose."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from operator import attrgetter

from kit.audit.facts.facts import Facts
from kit.audit.facts.multiples import TimesClaim
from kit.audit.facts.printednumber import number_from
from kit.audit.facts.views import RowRecord, View
from kit.audit.facts.vocabulary import ACCURACY, LATENCY, batches_in, devices_in, only

__all__ = ["DeviceRatios", "RatioSource"]

#: "310P: 41.78", "T4上性能--789.266fps": one device and its value; _NEAR is how many lines above a claim it can be.
_PIECE = re.compile(
    r"(?:(?:bs|batch)\s?[0-9]{1,4}\s{0,9}:\s{0,9})?([^0-9]{0,20}(?:310|710|4)[^0-9:]{0,20}?)"
    r"\s{0,9}(?::|--|=)\s{0,9}([0-9]{1,9}(?:\.[0-9]{1,9})?)\s{0,9}(fps|qps)?"
)
_SEPARATORS = re.compile("[;。、\uff0c]|(?<![0-9]),|,(?![0-9])")
_NEAR = 8
_LONGEST = 300
#: A column with fewer values is an example.
_TABLE = 3


#: A value, the batch sizes on its line, and whether it has a unit of rate.
_Piece = tuple[float, tuple[int, ...], bool]


@dataclass(frozen=True, slots=True)
class DeviceRatios:
    """Ratios of two devices: by batch size, of their best values, and of the best rows of the table."""

    batches: dict[int, float]
    best: float | None
    rows: tuple[float, ...] = ()


_NOTHING = DeviceRatios({}, None)


class RatioSource:
    """Looks up ratios for claims; what it finds is kept for the next claim."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._views = cache(self._views_of)
        self._view_ratios = cache(self._from_view)
        self._table_ratios = cache(self._from_tables)
        self._pieces = cache(self._pieces_of)
        #: What the prose of each section (-1: of all) states for a device; None for two values of one batch size.
        self._stated: dict[tuple[int, str], dict[int, float] | None] = {}
        for one in facts.near.statements:
            device, value = facts.labels.device(one), one.value.value if one.value else 0.0
            for section in (-1, facts.document.section(one.line)) if device and value > 0 else ():
                values = self._stated.setdefault((section, device or ""), {})
                if values is not None and values.setdefault(facts.labels.batch(one), value) != value:
                    self._stated[section, device or ""] = None  # which of them is meant, before or after tuning?

    def of(self, claim: TimesClaim) -> DeviceRatios:
        """The ratios of the devices in a claim, from the last table above it (or the first below) that has both."""
        pair = claim.subject, claim.object
        views, section = self._views(*pair), self._facts.document.section
        place = bisect_left(views, claim.line, key=attrgetter("header_line")) - 1
        if place >= 0 or (views and section(views[0].header_line) == section(claim.line)):
            return self._view_ratios(*pair, max(place, 0))
        return self._table_ratios(*pair) or self._from_prose(claim)

    def _views_of(self, subject: str, other: str) -> list[View]:
        """The tables that have both devices."""
        return [view for view in self._facts.views if view.performance and _places(view, subject, other) is not None]

    def _from_tables(self, subject: str, other: str) -> DeviceRatios | None:
        """Ratios of two devices in different tables; None without tables, or with several values for one batch size."""
        columns: list[dict[int, float]] = []
        for name in (subject, other):
            cells = list(self._facts.all_cells(name))
            column = {batch: cell.number.value for batch, cell in cells if cell.number.value > 0}
            if len(column) != len(cells) or len(column) < _TABLE:
                return None
            columns.append(column)
        top, bottom = columns
        ratios = {batch: value / bottom[batch] for batch, value in top.items() if batch in bottom}
        return DeviceRatios(ratios, max(top.values()) / max(bottom.values()))

    def _from_view(self, subject: str, other: str, index: int) -> DeviceRatios:
        """Ratios of two devices in one of the tables that have both."""
        view = self._views(subject, other)[index]
        places = _places(view, subject, other) or (0, 0)
        ratios: dict[int, float] = {}
        rows: list[float] = []
        tops: list[float] = []
        bottoms: list[float] = []
        for row, record in enumerate(view.records):
            top, bottom = (_plain(record, place) for place in places)
            if record.accuracy:
                continue
            tops += [top] if top else []
            bottoms += [bottom] if bottom else []
            if top and bottom and record.best:
                rows.append(top / bottom)
            elif top and bottom:
                ratios[record.batch if record.batch is not None else -1 - row] = top / bottom
        return DeviceRatios(ratios, max(tops) / max(bottoms) if tops and bottoms else None, tuple(rows))

    def _from_prose(self, claim: TimesClaim) -> DeviceRatios:
        section = self._facts.document.section(claim.line)
        pair = claim.subject, claim.object
        here = [self._stated.get((section, name), {}) for name in pair]
        complete = all(values is None or values for values in here)
        tops, bottoms = here if complete else [self._stated.get((-1, name), {}) for name in pair]
        if tops is None or bottoms is None:
            return _NOTHING
        if not tops or not bottoms:
            return self._from_pieces(claim)
        ratios = {batch: value / bottoms[batch] for batch, value in tops.items() if batch in bottoms}
        if claim.batches and not set(claim.batches) & set(ratios):
            pieces = self._from_pieces(claim)
            if pieces.best is not None or claim.scope != "best":
                return pieces
        return DeviceRatios(ratios, max(tops.values()) / max(bottoms.values()))

    def _from_pieces(self, claim: TimesClaim) -> DeviceRatios:
        """The ratio of two values just above the claim, as "310P: 41.78" and "T4: 26.74", or on one line."""
        values: dict[str, _Piece] = {}
        section = self._facts.document.section(claim.line)
        for line in range(claim.line, max(section, claim.line - _NEAR), -1):
            for device, piece in self._pieces(line):
                if device in {claim.subject, claim.object}:
                    values.setdefault(device, piece)
        if len(values) < 2 or min(value for value, _, _ in values.values()) <= 0:
            return _NOTHING
        (top, first, rated), (bottom, second, also) = values[claim.subject], values[claim.object]
        if first != second or (claim.batches and first and set(claim.batches) != set(first)):
            return _NOTHING
        if (top < bottom) == (claim.stated.value > 1) and not (rated and also):
            return _NOTHING  # these may be times
        return DeviceRatios({}, top / bottom)

    def _pieces_of(self, line: int) -> list[tuple[str, _Piece]]:
        """The devices and values of a line that is not about times or accuracies."""
        document = self._facts.document
        text = document.lines[line - 1]
        if len(text) > _LONGEST or document.in_table(line) or document.is_command(line):
            return []
        if LATENCY.search(text) or ACCURACY.search(text):
            return []
        found = []
        for match in filter(None, (_PIECE.fullmatch(piece.strip()) for piece in _SEPARATORS.split(text))):
            device, number = only(devices_in(match[1])), number_from(match[2])
            if device is not None and number is not None:
                found.append((device, (number.value, tuple(batches_in(text)), bool(match[3]))))
        return found


def _places(view: View, subject: str, other: str) -> tuple[int, int] | None:
    top, bottom = view.rate_of(subject), view.rate_of(other)
    return None if top is None or bottom is None else (top, bottom)


def _plain(record: RowRecord, place: int) -> float | None:
    cell = record.cells[place]
    return cell.number.value if cell is not None and cell.unit in {"", "rate"} and cell.number.value > 0 else None
