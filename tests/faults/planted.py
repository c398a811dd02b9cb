"""Links and foreign marks in store and reports, as a cloned repository may bring them: nothing outside is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.faults.faultsite import Bench, Outcomes, Site, scenario

#: What a person runs in a folder that was just cloned. `reproduce` has everything and renders the report again.
_COMMANDS = (
    ("clean", "--dry-run"),
    ("clean",),
    ("verify",),
    ("reproduce", "--runner", "local"),
    ("report",),
)
_ALLOWED = {0, 3, 5, 6, 10}


def _outside(folder: Path) -> dict[str, str]:
    """Every path with its kind, size, time and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        content = path.read_bytes().hex() if path.is_file() and not path.is_symlink() else ""
        found[str(path)] = f"{stat.st_mode:o} {stat.st_size} {stat.st_mtime_ns} {content}"
    return found


def _precious(folder: Path) -> Path:
    """A folder that holds what kit would like to sweep, if it came this far."""
    (folder / f"{'ab' * 8}.1.1").mkdir(parents=True)
    (folder / f"{'ab' * 8}.1.1" / "thesis.txt").write_text("precious")
    (folder / ("cd" * 32)).mkdir()
    (folder / ("cd" * 32) / "thesis.txt").write_text("precious")
    for name in ("thesis.txt", ".x.partial", ".README.md.12345678.partial", "README.md", "stdout.txt", "cpu.json"):
        (folder / name).write_text("precious")
    return folder


def _places(site: Site) -> list[Path]:
    """Every path that kit itself wrote in store and reports; so a new one is tried, too."""
    found = [site.store, site.folder / "reports"]
    for root in (site.store, site.folder / "reports"):
        found += sorted(root.rglob("*"))
    return [path.relative_to(site.folder) for path in found]


def _plant(place: Path, outside: Path, kind: str) -> bool:
    """Put a link in the place; whether that was possible."""
    is_folder = place.is_dir()
    if kind == "second name" and is_folder:
        return False
    shutil.rmtree(place) if is_folder else place.unlink()
    if kind == "second name":
        os.link(outside / "thesis.txt", place)
    else:
        aims = {"folder": outside, "file": outside / "thesis.txt", "nothing": outside / "new"}
        place.symlink_to(aims[kind])
    return True


def _cases(site: Site, bench: Bench) -> Iterator[tuple[Path, str]]:
    """A fitting link for each path, then the other kinds in chance order, for as long as somebody asks."""
    places = _places(site)
    bench.chance.shuffle(places)
    for place in places:
        yield place, "folder" if (site.folder / place).is_dir() else "file"
    while True:
        yield bench.chance.choice(places), bench.chance.choice(["folder", "file", "nothing", "second name"])


@scenario(
    "Attacked",
    "Links in store and reports",
    "each path that kit writes in `.kit` and `reports` is replaced by a link (to a folder, a file, nothing) or a second"
    " name of a file outside; then clean, verify, reproduce and report run",
    short=10,
    long=400,
    needs=("onnxruntime", "torch"),
)
def planted_links(bench: Bench, count: int) -> Outcomes:
    whole = bench.finished("local")
    cases = _cases(whole, bench)
    for _ in range(count):
        place, kind = next(cases)
        site = Site.__new__(Site)
        site.folder = bench.folder("planted")
        shutil.copytree(whole.folder, site.folder, symlinks=True)
        outside = _precious(bench.folder("outside"))
        if not _plant(site.folder / place, outside, kind):
            yield "not possible for a folder"
            continue
        before = _outside(outside)
        codes = []
        for words in _COMMANDS:
            ran = site.kit(*words)
            assert ran.returncode in _ALLOWED and "Traceback" not in ran.stderr, f"{place} {kind} {words}: {ran.stderr}"
            assert _outside(outside) == before, f"{place} as a link to a {kind}: {words[0]} touched what is outside"
            codes.append(ran.returncode)
        yield "refused with its place" if 3 in codes else "set aside or replaced, and made again"
        shutil.rmtree(site.folder)
        shutil.rmtree(outside)


def _clone(site: Site, folder: Path) -> Site:
    """Commit everything, the store as well, and clone it."""
    for words in (
        ("init", "-q"),
        ("add", "-Af"),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "all"),
    ):
        subprocess.run(["git", *words], cwd=site.folder, check=True, capture_output=True)
    subprocess.run(["git", "clone", "-q", str(site.folder), str(folder)], check=True, capture_output=True)
    clone = Site.__new__(Site)
    clone.folder = folder
    return clone


def _state(folder: Path) -> dict[str, str]:
    return {name: text for name, text in _outside(folder).items() if "/.git/" not in name}


@scenario(
    "Attacked",
    "A store that came with a clone",
    "a store with forged records is committed and cloned; with a true marker, with that of another machine, with none;"
    " and a project is given as --store",
    short=4,
    long=4,
    needs=("/usr/bin/git", "onnxruntime", "torch"),
)
def cloned_store(bench: Bench, count: int) -> Outcomes:
    for kind in ("true marker", "another machine", "no marker", "project")[:count]:
        site = bench.half("local")
        marker = site.store / "store.json"
        if kind == "another machine":
            tree = json.loads(marker.read_bytes())
            tree["owners"][0]["machine"] = "0" * 64
            marker.write_text(json.dumps(tree))
        elif kind == "no marker":
            marker.unlink()
        elif kind == "project":
            shutil.rmtree(site.store)
            _precious(site.store / "artifacts")
            (site.store / "lock").write_text("precious")
            (site.store / ".gitignore").write_text("precious")
        clone = _clone(site, bench.folder("clone"))
        (clone.folder / "reports").mkdir(exist_ok=True)  # git keeps no empty folder
        before = _state(clone.folder)
        for words in _COMMANDS[:4]:
            ran = clone.kit(*words)
            assert ran.returncode == 3 and "Traceback" not in ran.stderr, f"{kind} {words}: {ran.stdout}{ran.stderr}"
            assert "not a store of kit" in ran.stderr or "not made here" in ran.stderr, ran.stderr
            assert _state(clone.folder) == before, f"{kind}: {words[0]} changed the clone"
        taken = clone.kit("clean", "--adopt")
        assert taken.returncode == (3 if kind == "project" else 0), taken.stderr
        if kind == "project":
            assert _state(clone.folder) == before
            yield "refused, also with --adopt"
        else:
            clone.done("reproduce", "--runner", "local")
            yield "refused; with --adopt it is used"
