"""A data set's folder as scripts name it: which of its folders or files is meant by a path or by an argument."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from kit.inside.labels import IMAGE_SUFFIXES

__all__ = ["TRUTH", "DataTree"]

#: Names of what a program compares its results with.
TRUTH = re.compile(r"label|gt|ann|truth|mask|(?:^|[-_/])HR(?:$|[-_/])|target", re.IGNORECASE)
_MOST, _DEPTH = 200_000, 4
_MAX_BYTES = 64 << 20
_TEXTS = {".txt", ".csv", ".json", ".list", ".tsv"}
_WORD = re.compile(r"[A-Za-z]+|[0-9]+")


class DataTree:
    """Folders and files below the folder of the data set; without one it knows nothing and answers ``{data}``."""

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self._folders: dict[str, int] = {}  # folder -> images right in it
        self._files: list[str] = []
        self._stems: set[str] = set()  # of images, and of folders of them
        if root is not None:
            self._walk(root)

    def _walk(self, root: Path) -> None:
        seen = 0
        for parent, folders, files in os.walk(root):
            folders.sort()
            place = Path(parent).relative_to(root).as_posix()
            if place.count("/") + 1 >= _DEPTH:
                folders.clear()
            found = [name for name in files if name.lower().endswith(IMAGE_SUFFIXES) and name[0] != "."]
            self._folders["" if place == "." else place] = len(found)
            self._stems |= {name.partition(".")[0] for name in found} | {Path(parent).name for _ in found[:1]}
            if len(found) < len(files):
                self._files += [(Path(parent) / name).relative_to(root).as_posix() for name in files if name[0] != "."]
            seen += len(files)
            if seen > _MOST:
                return

    def placed(self, path: str) -> str | None:
        """What `path` of a README is here: its longest end that exists below the data set's folder; None for none."""
        parts = [part for part in PurePosixPath(path).parts if part not in {"/", "."}]
        if self.root is None:
            return None
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            if end in self._folders or (end and (self.root / end).is_file()):
                return "{data}/" + end
        return "{data}" if parts and parts[-1].lower() == self.root.resolve().name.lower() else None

    def folder_of_images(self) -> str:
        """The folder that holds all images that are not ground truth, at any depth."""
        plain = [place for place, count in self._folders.items() if count and not TRUTH.search(place)]
        if not plain:
            return "{data}"
        return _below(os.path.commonpath(plain) if all(plain) else "")

    def samples(self, place: str) -> int:
        """How many are at `place`, a word such as ``{data}/val``.

        Images below a folder, or where there are none, files of one kind; lines of a text file, entries of a JSON list.
        """
        inner = place.removeprefix("{data}").strip("/")
        path = self.root / inner if self.root else Path(inner)
        if path.is_file() and path.suffix not in _TEXTS:
            return 0
        if path.is_file() and path.stat().st_size <= _MAX_BYTES:
            text = path.read_text(encoding="utf-8", errors="replace")
            with contextlib.suppress(ValueError, RecursionError):
                found = json.loads(text)
                return len(found) if isinstance(found, list) else 0
            return len(text.splitlines())
        below = {name: n for name, n in self._folders.items() if not inner or f"{name}/".startswith(f"{inner}/")}
        plain = sum(n for name, n in below.items() if not TRUTH.search(name.removeprefix(inner)))
        others = (
            Path(one) for one in self._files if one.startswith(f"{inner}/") or (not inner and not TRUTH.search(one))
        )
        kinds = Counter(one.suffix for one in others if one.suffix not in _TEXTS or len(one.parts) > 1)
        most = max(kinds.values(), default=0)
        return plain or sum(below.values()) or (most if most > 1 else 0)  # one file may hold any number

    def lists_images(self, place: str) -> bool:
        """Whether `place` is a text file whose lines begin with names of images: those that a program takes."""
        path = (self.root or Path()) / place.removeprefix("{data}").strip("/")
        if path.suffix not in _TEXTS - {".json"} or not path.is_file():
            return False
        with path.open(encoding="utf-8", errors="replace") as file:
            first = re.split(r"[\s,;]", file.readline(1000))[0]
        return PurePosixPath(first).name.partition(".")[0] in self._stems

    def closest(self, words: str, *, truth: bool, file: bool, names: Collection[str] = ()) -> str:
        """The folder or file whose name has most in common with `words`, an argument's name and help.

        Args:
            words: text about the argument.
            truth: whether it is what results are compared with; otherwise the images are the answer if none is closer.
            file: whether it is a file rather than a folder.
            names: texts of the program, some of which it may join to the folder.
        """
        wanted = _parts(words)
        places = dict.fromkeys(self._files, 0) if file else {place: n for place, n in self._folders.items() if place}
        rated = {
            place: 4 * len(wanted & _parts(place)) + 2 * bool(count) + 4 * (truth and bool(TRUTH.search(place)))
            for place, count in places.items()
        }
        most = max(rated.values(), default=0)
        best = [place for place, rate in rated.items() if rate == most]
        if most >= 4 or (file and len(best) == 1):
            return _below(min(best, key=len) if file else os.path.commonpath(best))
        if truth and not file:
            others = {str(PurePosixPath(one).parent) for one in self._files} - {"."}
            if not self._files:
                return self.folder_of_images()  # images are compared with themselves
            return _below(others.pop()) if len(others) == 1 else "{data}"
        return "{data}" if file else self._above(self.folder_of_images(), names)

    def named(self, words: str) -> str | None:
        """The only file whose name has something in common with `words`; None where there is none, or several."""
        wanted = _parts(words)
        found = [one for one in self._files if wanted & _parts(PurePosixPath(one).stem)]
        return _below(found[0]) if len(found) == 1 else None

    def _above(self, place: str, names: Collection[str]) -> str:
        """`place`, or a folder above it that has more of `names`: a program joins them to its argument."""
        inner = PurePosixPath(place.removeprefix("{data}").strip("/"))
        root = self.root or Path()
        rated = {one: sum((root / one / name).exists() for name in names) for one in (*reversed(inner.parents), inner)}
        best = max(rated, key=rated.__getitem__) if any(rated.values()) else inner
        return _below("" if str(best) == "." else str(best))


def _parts(text: str) -> set[str]:
    words = (one.lower() for one in _WORD.findall(text))
    return {one.removesuffix("s") if len(one) > 3 else one for one in words}  # imgs, trimaps


def _below(place: str) -> str:
    return f"{{data}}/{place}" if place else "{data}"
