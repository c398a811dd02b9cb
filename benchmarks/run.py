"""Measure kit against its peers and against the machine: ``python benchmarks/run.py``; writes benchmarks/RESULTS.md.

Each part is a module with ``measure(settings) -> list[Row]``, named in MODULES; its files go to a temporary folder.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.table import Row, Settings, render  # noqa: E402 - found through the line above

MODULES = ("preprocessing", "pipeline", "engines", "protocol", "scoring", "memory", "store", "fleet", "commands")
PACKAGES = ("numpy", "pillow", "opencv-python-headless", "onnxruntime", "orjson", "openvino", "torch", "timm")


def machine(date: str | None) -> list[tuple[str, str]]:
    """What the numbers depend on."""
    facts: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    memory = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1]) / 1024**2
    found = [
        ("processor", facts.get("model name", platform.machine())),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("memory", f"{memory:.0f} GB"),
        ("kernel", platform.release()),
        ("Python", platform.python_version()),
    ]
    for package in PACKAGES:
        try:
            found.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            found.append((package, "not installed"))
    found.append(("load average at the start", " ".join(f"{value:.2f}" for value in os.getloadavg())))
    return [*found, ("date", date)] if date else found


def runtime_image() -> str | None:
    """The newest runtime image that ``kit build`` made; None without an engine or image."""
    if shutil.which("docker") is None:
        return None
    listed = subprocess.run(
        ["docker", "images", "--quiet", "kit/runtime"], capture_output=True, text=True, timeout=30, check=False
    )
    return next(iter(listed.stdout.split()), None)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Measure kit against its peers.")
    parser.add_argument("--only", action="append", choices=MODULES, help="only this part; nothing is written")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of images and files")
    parser.add_argument("--date", help="date to print")
    parser.add_argument("--image", help="runtime image (the newest that kit build made)")
    parser.add_argument("--out", type=Path, help="file to write (benchmarks/RESULTS.md)")
    arguments = parser.parse_args()
    about = machine(arguments.date)
    image = arguments.image or runtime_image()
    notes = [] if image else ["There was no runtime image (`kit build`): nothing was measured in a container."]
    rows: list[Row] = []
    for name in arguments.only or MODULES:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"kit-bench-{name}-") as folder:
            Path(folder).chmod(0o755)  # a container's user reads it
            settings = Settings(
                work=Path(folder),
                python=sys.executable,
                cores=len(os.sched_getaffinity(0)),
                rounds=arguments.rounds,
                scale=arguments.scale,
                image=image,
            )
            measure = importlib.import_module(f"benchmarks.{name}").measure
            rows += measure(settings)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    text = render(rows, about, notes)
    print(text)
    out = arguments.out or (None if arguments.only else ROOT / "benchmarks" / "RESULTS.md")
    if out is not None:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
