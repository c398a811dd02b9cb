"""Record the first minutes with kit: run the commands for real, and draw what they printed as an SVG that plays.

    python tools/recording.py docs/pictures/first-minutes.svg

Every line appears after the pause in which it really came, but no pause is longer than a second; the times that kit
itself prints are the true ones. Where animations are not shown, or not wanted, the last picture stands.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from html import escape
from pathlib import Path

COMMANDS = ("kit doctor", "kit init --example digits", "kit reproduce --recipe digits --target cpu")
LONGEST = 1.0  # seconds of a pause as it is played
TYPING = 0.8
WIDTH, LINE, SIZE, MARGIN = 820, 19, 13, 18
COLUMNS = 100


def record(folder: Path) -> list[tuple[float, str]]:
    """Run the commands in an empty folder; returns (seconds of the pause before it, line)."""
    found: list[tuple[float, str]] = []
    env = os.environ | {"COLUMNS": str(COLUMNS), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    for command in COMMANDS:
        found.append((TYPING, f"$ {command}"))
        before = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-m", *shlex.split(command)], cwd=folder, env=env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as running:  # fmt: skip
            for line in running.stdout or ():
                now = time.monotonic()
                found.append((now - before, line.rstrip("\n").replace(f"{folder}/", "")))
                before = now
        if running.returncode:
            raise SystemExit(f"{command} ended with {running.returncode}:\n" + "\n".join(text for _, text in found))
    return found


def draw(lines: list[tuple[float, str]]) -> str:
    """The SVG."""
    shown, clock = [], 0.0
    for pause, text in lines:
        clock += min(pause, LONGEST)
        parts = [text[start : start + COLUMNS] for start in range(0, max(1, len(text)), COLUMNS)]
        shown += [(clock, part, text.startswith("$ ")) for part in parts]
    height = MARGIN * 2 + 26 + LINE * len(shown)
    rows = "\n".join(
        f'<text class="l{" p" if prompt else ""}" style="animation-duration:{at:.2f}s" x="{MARGIN}"'
        f' y="{MARGIN + 26 + LINE * (index + 1) - 5}" xml:space="preserve">{escape(text)}</text>'
        for index, (at, text, prompt) in enumerate(shown)
    )
    told = escape("; ".join(COMMANDS))
    dots = "".join(f'<circle cx="{20 + 18 * index}" cy="20" r="5.5" fill="#3d444d"/>' for index in range(3))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="rec-t">
<title id="rec-t">A terminal in which these commands run: {told}</title>
<style>
text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d1d9e0}}
.p{{fill:#6fdc8c;font-weight:700}}
.l{{animation-name:wait;animation-timing-function:step-end}}
@keyframes wait{{from,to{{opacity:0}}}}
@media (prefers-reduced-motion:reduce){{.l{{animation:none}}}}
</style>
<rect width="{WIDTH}" height="{height}" rx="10" fill="#0d1117"/>
{dots}
{rows}
</svg>
"""


def main() -> None:
    """Record and write."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="kit-recording-") as folder:
        lines = record(Path(folder))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(draw(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
