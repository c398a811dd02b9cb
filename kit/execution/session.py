"""A run of the command line: recipe, targets, data, store and runner, put together once for all commands."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from kit.data.weights import fetch_weights
from kit.errors import EngineError, InvalidInputError, MissingError
from kit.execution.progress import Progress
from kit.planning.planner import Plan, choose_batches, plan
from kit.planning.target import ImageSpec, Job, Target, target_of
from kit.recipe.schema import Recipe
from kit.storage.files import os_errors
from kit.storage.store import Store

if TYPE_CHECKING:
    from kit.containers.images import BuildOptions, Images
    from kit.containers.runner import Runner
    from kit.storage.digests import FileDigest

__all__ = ["Choice", "Session", "check_labels", "reports_folder"]

#: The same limit as that of the program in the container (inside/labels.py).
_MAX_LABEL_BYTES = 400 << 20


@dataclass(frozen=True)
class Choice:
    """What the command line chose."""

    targets: Sequence[str] = ()
    batches: Sequence[int] = ()
    simulate: bool = False
    device: int = 0
    weights: Path | None = None
    mirror: str | None = None
    images: Path | None = None
    labels: Path | None = None


def reports_folder(recipe: Recipe, given: Path | None) -> Path:
    """Where reports go: the given folder, or ``reports/`` of the project that holds the recipe.

    The project is the nearest folder upwards that has ``reports/``; without one, the current folder.
    """
    if given is not None:
        return given
    for folder in (recipe.folder, *recipe.folder.parents):
        if (folder / "reports").is_dir():
            return folder / "reports"
        if (folder / ".git").exists():
            return folder / "reports"
    return Path.cwd() / "reports"


def check_labels(path: Path) -> None:
    """Refuse what is far too large for a label file before minutes go into its digest.

    Raises:
        InvalidInputError: it is.
    """
    with os_errors(path):
        size = path.stat().st_size if path.is_file() else 0
    if size > _MAX_LABEL_BYTES:
        raise InvalidInputError(
            f"the file has {size} bytes, which no label file has", where=str(path), remedy="point to the label file"
        )


class Session:
    """Everything a command needs to run steps."""

    def __init__(self, recipe: Recipe, choice: Choice, store: Store) -> None:
        """Choose targets and batches; reads nothing but the recipe.

        Raises:
            InvalidInputError: an unknown target or batch.
        """
        self.recipe, self.choice, self.store = recipe, choice, store
        names = tuple(dict.fromkeys(choice.targets)) or recipe.default
        if not names and len(recipe.targets) == 1:
            names = tuple(recipe.targets)
        if not names:
            raise InvalidInputError(
                "no target is chosen", remedy=f"choose with --target among {', '.join(recipe.targets)}"
            )
        self.targets: dict[str, Target] = {}
        for name in names:
            if name not in recipe.targets:
                raise InvalidInputError(
                    f"target {name!r} is not in the recipe",
                    remedy=f"choose among {', '.join(recipe.targets)}, or add it to the recipe",
                )
            self.targets[name] = target_of(recipe, name)

    def jobs(self, weights: Path) -> list[tuple[Target, Job]]:
        """What each target plans from."""
        recipe, choice = self.recipe, self.choice
        images = choice.images or recipe.resolve(recipe.dataset.images)
        labels = choice.labels or recipe.resolve(recipe.dataset.labels)
        return [
            (
                target,
                Job(
                    recipe=recipe,
                    target=name,
                    batches=choose_batches(recipe.batches_of(name), choice.batches, name),
                    weights=weights.absolute(),
                    images=images.absolute(),
                    labels=labels.absolute(),
                    simulate=choice.simulate,
                    device=choice.device,
                    options=recipe.targets[name].options,
                ),
            )
            for name, target in self.targets.items()
        ]

    def expected_weights(self) -> Path:
        """Where the weights are, or will be once they are fetched."""
        weights = self.recipe.weights
        if self.choice.weights:
            return self.choice.weights
        if weights.path:
            return self.recipe.resolve(weights.path)
        return self.store.root / "weights" / (weights.md5 or weights.sha256 or "") / weights.filename

    def check_data(self, *, complete: bool = True) -> None:
        """Look for data set and labels before anything long starts; ``complete``: as many as the recipe says.

        Raises:
            MissingError: not there; says where to get it.
            InvalidInputError: the number of images is not what the recipe says.
        """
        dataset = self.recipe.dataset
        origin = f"get {dataset.name} from {dataset.url} and " if dataset.url else ""
        for kind, given, path, option in (
            ("images", self.choice.images, dataset.images, "--images DIR (or KIT_IMAGES)"),
            ("labels", self.choice.labels, dataset.labels, "--labels FILE (or KIT_LABELS)"),
        ):
            place = given or self.recipe.resolve(path)
            if not (place.is_dir() if kind == "images" else place.is_file()):
                raise MissingError(
                    f"there are no {kind} of the data set {dataset.name}",
                    where=str(place),
                    remedy=f"{origin}point to {'the folder' if kind == 'images' else 'the file'} with {option}",
                )
        check_labels(self.choice.labels or self.recipe.resolve(dataset.labels))

        if not complete:
            return
        images = self.choice.images or self.recipe.resolve(dataset.images)
        labels = self.choice.labels or self.recipe.resolve(dataset.labels)
        for kind, place, number in (
            ("images", images, _count_images(images)),
            ("labels", labels, _count_lines(labels, dataset.count)),
        ):
            if number != dataset.count:
                many = "more" if number > dataset.count else str(number)
                raise InvalidInputError(
                    f"the data set {dataset.name} has {many} {kind}, the recipe says {dataset.count}",
                    where=str(place),
                    remedy="complete the data set, or correct dataset -> count in the recipe",
                )

    def fetch(self, progress: Progress) -> tuple[Path, FileDigest]:
        """The weights, checked."""
        return fetch_weights(
            self.recipe,
            self.store,
            given=self.choice.weights,
            mirror=self.choice.mirror,
            progress=lambda done, total: progress.progress(done >> 20, total >> 20, "MiB of weights"),
        )

    def specs(self, jobs: Sequence[tuple[Target, Job]]) -> list[ImageSpec]:
        """The targets' own images."""
        found = {spec.name: spec for target, job in jobs for spec in target.images(job)}
        return list(found.values())

    def plan(self, jobs: Sequence[tuple[Target, Job]]) -> Plan:
        """The steps."""
        return plan(jobs)


#: What the programs in containers take for an image (kit/inside/labels.py), in any case.
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


def _count_images(folder: Path) -> int:
    with os_errors(folder):
        walk = os.walk(folder, onerror=_raise)  # what may not be read is not empty
        return sum(name.lower().endswith(_IMAGE_SUFFIXES) for _, _, names in walk for name in names)


def _raise(error: OSError) -> NoReturn:
    raise error


def _count_lines(path: Path, expected: int) -> int:
    """Lines that are not blank; stops soon after the expected number, so that a file without end does no harm."""
    with os_errors(path), path.open("rb") as file:
        count = 0
        while count <= expected and (line := file.readline(1 << 16)):
            count += bool(line.strip())
    return count


def make_images(
    session: Session, jobs: Sequence[tuple[Target, Job]], options: BuildOptions, progress: Progress
) -> Images:
    """The images of a session."""
    from kit.containers.images import Images

    return Images(session.specs(jobs), session.store.root, options, progress.line)


def make_runner(name: str, images: Images, store: Store, needed: Sequence[str]) -> tuple[Runner, str]:
    """The runner, and a sentence where it is not the one that a report should come from.

    ``auto`` asks the engine only where an image was never built: a run that the store answers needs none.
    """
    from kit.containers.docker import DockerRunner

    docker = DockerRunner(images, store.root)
    if name == "docker" or (name == "auto" and all(images.known_id(image) for image in needed)):
        return docker, ""
    if name == "auto":
        from kit.containers.client import available

        reason = available()
        if reason is None:
            return docker, ""
    else:
        reason = "--runner local was chosen"
    from kit.containers.local import LocalRunner

    local = LocalRunner()
    for image in needed:
        try:
            local.image_id(image)
        except EngineError as error:
            raise EngineError(f"{reason}, and {error.what}", remedy=error.remedy) from error
    return local, f"not containerized: {reason}, so the steps run in this environment and the report says so"
