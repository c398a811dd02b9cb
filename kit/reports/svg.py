"""Parts of a plot as SVG text: deterministic, readable in light and dark, with a title and a description."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from kit.output.fonts import SANS

__all__ = [
    "BOTTOM", "LEFT", "RIGHT", "WIDTH", "Scale", "bar", "coloured", "frame", "legend", "marker", "number", "text",
]  # fmt: skip

#: (light, dark) by position of the target; each also has a marker of its own, so colour is never all there is.
COLOURS = (
    ("#0b5cad", "#6cb4ff"),
    ("#b5500b", "#ffab66"),
    ("#1a7f37", "#6fdc8c"),
    ("#8a3fa0", "#d2a8ff"),
    ("#a3155a", "#ff9ec4"),
    ("#57606a", "#b8c0c8"),
)

WIDTH = 760
LEFT, RIGHT, BOTTOM = 64, 20, 52


def number(value: float) -> str:
    """A coordinate with one decimal."""
    return f"{value:.1f}"


def _width_of(label: str) -> float:
    """Approximate width of a label of 13 px."""
    return sum(13.0 if ord(character) > 0x2E80 else 7.2 for character in label)


def text(x: float, y: float, label: str, css: str = "", anchor: str = "start") -> str:
    """A label."""
    classes = f' class="{css}"' if css else ""
    return f'<text x="{number(x)}" y="{number(y)}"{classes} text-anchor="{anchor}">{escape(label)}</text>'


def _style() -> str:
    """Colours in light and dark. The prefix keeps them apart from the page that a plot is embedded in."""
    light = "".join(f".kp .c{i}{{--c:{one}}}" for i, (one, _) in enumerate(COLOURS))
    dark = "".join(f".kp .c{i}{{--c:{one}}}" for i, (_, one) in enumerate(COLOURS))
    return (
        "<style>"
        ".kp{--ink:#1f2328;--dim:#59636e;--rule:#d1d9e0;--paper:#ffffff}"
        f"{light}"
        "@media (prefers-color-scheme:dark){"
        ".kp{--ink:#f0f6fc;--dim:#9198a1;--rule:#3d444d;--paper:#0d1117}"
        f"{dark}}}"
        ".kp text{fill:var(--ink);"
        f"font:13px {SANS}}}"
        ".kp .t{font-size:15px;font-weight:600}.kp .d{fill:var(--dim)}.kp .bg{fill:var(--paper)}"
        ".kp .r{stroke:var(--rule);stroke-width:1}.kp .l{fill:none;stroke:var(--c);stroke-width:2}"
        ".kp .dash{stroke-dasharray:6 4}.kp .f{fill:var(--c);stroke:var(--c);stroke-width:2}"
        ".kp .h{fill:var(--paper);stroke:var(--c);stroke-width:2}.kp .w{font-weight:700;letter-spacing:.1em}"
        "</style>"
    )


def marker(shape: int, x: float, y: float, css: str, label: str = "", size: float = 4.5) -> str:
    """A marker: circle, square, diamond, triangle by number; its label is read out and shown on hovering."""
    kind = shape % 4
    if kind == 0:
        body = f'circle class="{css}" cx="{number(x)}" cy="{number(y)}" r="{number(size)}"'
    elif kind == 1:
        body = (
            f'rect class="{css}" x="{number(x - size)}" y="{number(y - size)}"'
            f' width="{number(2 * size)}" height="{number(2 * size)}"'
        )
    else:
        high = size + 1.5
        diamond, triangle = [(high, 0), (0, high), (-high, 0)], [(high, size), (-high, size)]
        points = [(0, -high), *(diamond if kind == 2 else triangle)]
        body = f'path class="{css}" d="M{"L".join(f"{number(x + a)} {number(y + b)}" for a, b in points)}Z"'
    if not label:
        return f"<{body}/>"
    return f"<{body}><title>{escape(label)}</title></{body.split(' ', 1)[0]}>"


@dataclass(frozen=True)
class Scale:
    """A vertical axis: linear from zero, or logarithmic where the values span more than a factor of 20."""

    low: float
    high: float
    logarithmic: bool
    ticks: tuple[float, ...]
    top: float
    bottom: float

    @classmethod
    def of(cls, values: Sequence[float], top: float, bottom: float) -> Scale:
        """A scale that holds all values, which are positive."""
        least, most = min(values), max(values)
        if most / least > 20:
            ticks = _log_ticks(least, most)
            return cls(min(least, ticks[0]), max(most, ticks[-1]), True, ticks, top, bottom)
        step = 10.0 ** math.floor(math.log10(most / 4))
        step = next(step * factor for factor in (1, 2, 2.5, 5, 10) if most / (step * factor) <= 6)
        count = math.ceil(most / step - 1e-9)
        return cls(0.0, count * step, False, tuple(i * step for i in range(count + 1)), top, bottom)

    def y(self, value: float) -> float:
        """Vertical place of a value."""
        if self.logarithmic:
            share = (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)


def _log_ticks(least: float, most: float) -> tuple[float, ...]:
    ticks = [
        factor * 10.0**power
        for power in range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
        for factor in (1, 2, 5)
    ]
    low = max(tick for tick in ticks if tick <= least * 1.000001)
    high = min((tick for tick in ticks if tick >= most * 0.999999), default=ticks[-1])
    kept = [tick for tick in ticks if low <= tick <= high]
    return tuple(kept if len(kept) <= 9 else [tick for tick in kept if f"{tick:e}"[0] == "1"] or kept)


def legend(entries: Sequence[tuple[int, str, bool]], y: float) -> tuple[list[str], float]:
    """Entries of (number of the colour, label, hollow) in lines from ``y``; returns the parts and the next free y."""
    parts, x = [], float(LEFT)
    for index, label, hollow in entries:
        need = 36 + _width_of(label) + 18
        if x + need > WIDTH - RIGHT and x > LEFT:
            x, y = float(LEFT), y + 22
        line = f'<path class="l{" dash" if hollow else ""}" d="M{number(x)} {number(y - 4)}h28"/>'
        dot = marker(index, x + 14, y - 4, "h" if hollow else "f")
        parts.append(coloured(index, line, dot) + text(x + 34, y, label))
        x += need
    return parts, y + 22


def bar(x: float, low: float, high: float) -> str:
    """A vertical line, such as an interval."""
    return f'<path class="l" d="M{number(x)} {number(low)}V{number(high)}"/>'


def coloured(index: int, *parts: str) -> str:
    """Parts in the colour of a target."""
    return f'<g class="c{index % len(COLOURS)}">{"".join(parts)}</g>'


def frame(title: str, note: str, description: str, body: Sequence[str], *, key: str, height: float) -> str:
    """A whole plot. ``note`` is a warning behind its title; ``key`` makes the title's ids unique within a page."""
    heading = text(12, 26, title + note, "t w" if note else "t")
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="kp" viewBox="0 0 {WIDTH} {number(height)}" role="img"'
        f' aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{escape(title + note)}</title><desc id="{key}-d">{escape(description)}</desc>{_style()}'
        f'<rect class="bg" width="{WIDTH}" height="{number(height)}" rx="6"/>'
    )
    return "\n".join([start, heading, *body, "</svg>\n"])
