"""What goes into an archive as it is: recipe, own code, results, raw outputs, reports; if asked, weights and data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kit import __version__
from kit.archive.container import MAX_BYTES, Members, is_plain
from kit.archive.intoto import as_json
from kit.archive.sbom import sbom
from kit.containers.packages import list_packages
from kit.errors import DamagedError, EngineError, InvalidInputError, KitError, MissingError
from kit.execution.selection import Choice, Selection, inputs_from_outside, lies_within
from kit.recipe.schema import Recipe
from kit.reports.folder import rendered
from kit.results.kept import SUFFIX
from kit.results.reportparts import part
from kit.results.resultsfile import Results, load_all
from kit.storage.inputs import read_input

__all__ = ["FORMAT", "MANIFEST", "Contents", "Manifest", "read_manifest"]

FORMAT = 1
MANIFEST = "archive.json"
#: Own code is never larger than this; programs of vendors are never included.
_CODE_FILE, _CODE_ALL = 1 << 20, 32 << 20
_VENDOR = {
    ".run", ".deb", ".rpm", ".whl", ".so", ".om", ".plan", ".engine", ".trt", ".gz", ".xz", ".zip", ".tar", ".exe"
}  # fmt: skip


@dataclass(frozen=True)
class Manifest:
    """``archive.json``: which form the archive has, who made it, and what is missing and why."""

    model: str
    kit: str = __version__
    simulated: bool = False
    absent: tuple[tuple[str, str], ...] = ()
    recipe: str = "recipe/kit.yaml"

    def encode(self) -> bytes:
        """As JSON."""
        absent = [{"what": what, "why": why} for what, why in self.absent]
        return as_json({"format": FORMAT, **vars(self), "absent": absent})


def read_manifest(members: Members, where: str) -> Manifest:
    """What an archive says of itself.

    Raises:
        DamagedError: it is not an archive of kit.
        InvalidInputError: a later kit made it.
    """
    if MANIFEST not in members:
        raise DamagedError(
            f"this is not an archive of kit: it has no {MANIFEST}",
            where=where,
            remedy="give an archive, or a recipe with --recipe",
        )
    try:
        tree = json.loads(members[MANIFEST])
        version = tree.pop("format")
        if version != FORMAT:
            raise InvalidInputError(
                f"{MANIFEST}: the archive has format {version!r}, and this kit reads {FORMAT}",
                where=where,
                remedy="update kit, or read it by hand as docs/archive.md says",
            )
        tree["absent"] = tuple((str(one["what"]), str(one["why"])) for one in tree["absent"])
        found = Manifest(**tree)
        if found.encode() != members[MANIFEST] or found.recipe not in members or not is_plain(found.model):
            raise ValueError("another form")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(f"{MANIFEST} is damaged", where=where, remedy="get the archive again") from error
    return found


@dataclass
class Contents:
    """The members that nothing else can be computed from, and what is missing of them."""

    recipe: Recipe
    file: Path  # the recipe's own
    folder: Path  # reports/<model>, or the part of it that is archived
    weights: Path  # a file that need not be there
    images: Path | None = None
    labels: Path | None = None
    members: dict[str, bytes] = field(default_factory=dict)
    results: dict[str, Results] = field(default_factory=dict)
    absent: list[tuple[str, str]] = field(default_factory=list)

    def take(
        self, *, simulated: bool, with_weights: bool, with_data: bool, packages: Callable[[str], str] = list_packages
    ) -> None:
        """Read everything; ``packages`` gives the package lists of an image, by its id.

        Raises:
            MissingError: there is neither a result nor a report, or what was asked for is not there.
            KitError: a file that cannot be read.
        """
        file = self.file / "kit.yaml" if self.file.is_dir() else self.file
        self.members["recipe/kit.yaml"] = read_input(file, 1 << 18, "recipe")
        self._reports(simulated)
        self._code()
        self._weights(wanted=with_weights)
        self._data(wanted=with_data)
        self._sboms(packages)

    def _reports(self, simulated: bool) -> None:
        results = self.results = load_all(self.folder)
        files = [f"results/{name}{suffix}" for name in results for suffix in (".json", SUFFIX)]
        files += [*rendered(self.recipe, self.folder, results), "deviations.yaml"]
        # What this machine measured next to a tracked report is a report of its own in an archive.
        top = part(Path("reports") / self.recipe.model.name, simulated=simulated).as_posix()
        found = {f"{top}/{name}": path for name in files if (path := self.folder / name).is_file()}
        if not found:
            raise MissingError(
                "there is neither a result nor a report to archive",
                where=str(self.folder),
                remedy="run `kit reproduce` or `kit report` first",
            )
        self.members |= {name: read_input(path, MAX_BYTES, "file of the report") for name, path in found.items()}
        if not results:
            self.absent.append(("results", "nothing was measured here: the report has published numbers alone"))
        for name in results:
            if f"{top}/results/{name}{SUFFIX}" not in found:
                self.absent.append((f"raw outputs of {name}", "they were not kept beside the results"))
        if f"{top}/report.json" not in found:
            self.absent.append(("report", "it was not rendered: `kit report` does"))

    def _code(self) -> None:
        """Files of the recipe's folder that steps take, but for weights and data."""
        data = {self.weights.absolute(), self._selection.images, self._selection.labels}
        paths: set[Path] = set()
        try:
            paths = inputs_from_outside(self._selection, self.weights)
        except KitError as error:
            self.absent.append(("own code", f"the recipe cannot be planned here: {error.what}"))
        total = 0
        for path in sorted(paths - data):
            for name, file in _files(path, self.recipe.folder):
                size = file.stat().st_size
                if any(file.is_relative_to(one) for one in data) or name in self.members:
                    continue
                total += size
                if file.suffix.lower() in _VENDOR or size > _CODE_FILE or total > _CODE_ALL:
                    self.absent.append((f"recipe/{name}", "it is not source text of the recipe"))
                    total -= size
                    continue
                self.members[f"recipe/{name}"] = read_input(file, _CODE_FILE, "file of the recipe")
            if not lies_within(path, self.recipe.folder):
                self.absent.append((path.name, "it lies outside of the recipe's folder"))

    @property
    def _selection(self) -> Selection:
        choice = Choice(targets=tuple(self.recipe.targets)[:1], simulate=True, images=self.images, labels=self.labels)
        return Selection(self.recipe, choice)

    def _sboms(self, packages: Callable[[str], str]) -> None:
        """A bill of materials of each image that a step ran in, where this machine's engine has it."""
        images = {(name, id_) for one in self.results.values() for name, id_ in one.images.items()}
        for name, id_ in sorted(images):
            file = f"sbom/{name}-{id_.rpartition(':')[2][:12]}.cdx.json"
            try:
                self.members[file] = sbom(name, id_, packages(id_))
            except EngineError as error:
                self.absent.append((f"SBOM of image {name}", error.what))
        for name, one in self.results.items():
            if not one.containerized:
                self.absent.append((f"SBOM of {name}", "its steps ran in no image"))

    def _weights(self, *, wanted: bool) -> None:
        name = self.recipe.weights.filename
        if not wanted:
            self.absent.append((name, "weights are taken along with --with-weights; their digests are in the recipe"))
            return
        self.members[f"weights/{name}"] = read_input(self.weights, MAX_BYTES, "file of weights")

    def _data(self, *, wanted: bool) -> None:
        if not wanted:
            self.absent.append((self.recipe.dataset.name, "the data set is taken along with --with-data"))
            return
        found, images, labels = [], self._selection.images, self._selection.labels
        for kind, path in (("images", images), ("labels", labels)):
            if kind == "labels" and path == images:
                continue
            within = path if path.is_dir() else path.parent
            found += [(f"data/{kind}/{name}", file) for name, file in _files(path, within)]
        if not found:
            raise MissingError(
                f"the data set {self.recipe.dataset.name} is not on this machine",
                where=str(images),
                remedy="give --images and --labels, or leave --with-data out",
            )
        self.members |= {name: read_input(file, MAX_BYTES, "file of the data set") for name, file in found}


def _files(path: Path, within: Path) -> Iterator[tuple[str, Path]]:
    """A file, or the files of a folder without hidden ones and links, by their names below another folder."""
    if not path.is_relative_to(within):
        return
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        name = file.relative_to(within).as_posix()
        hidden = any(one.startswith((".", "__pycache__")) for one in name.split("/"))
        if file.is_file() and not file.is_symlink() and not hidden and is_plain(name):
            yield name, file
