"""Metrics of result files from elsewhere: the metrics step alone, without a recipe."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from kit.containers.choice import choose_runner
from kit.containers.images import BuildOptions, Images
from kit.data.presence import check_labels
from kit.errors import InvalidInputError, MissingError
from kit.execution.executor import Executor
from kit.execution.partial import copy_outputs
from kit.execution.progress import Progress
from kit.planning.common import metrics_step
from kit.planning.planner import Plan
from kit.planning.step import External
from kit.storage.store import Record, Store

__all__ = ["metrics_of", "sniff_form"]

#: Those of ImageNet, where neither the command line nor the results state the number.
_CLASSES = 1000


def sniff_form(folder: Path, form: str, suffix: int | None) -> tuple[str, int | None]:
    """The form and suffix of the result files in a folder, from their names, unless they are given.

    Raises:
        MissingError: no such folder, or it is empty.
        InvalidInputError: files of more than one form.
    """
    if not folder.is_dir():
        raise MissingError("there is no folder of results", where=str(folder), remedy="check the path")
    if form == "predictions" or (form == "auto" and (folder / "predictions.npy").is_file()):
        return "predictions", None
    names = [path for path in folder.iterdir() if path.suffix in {".txt", ".bin", ".npy"}]
    kinds = Counter((path.suffix[1:], path.stem.rpartition("_")[2]) for path in names)
    kinds = Counter({(kind, end): n for (kind, end), n in kinds.items() if end.isdigit() and form in {"auto", kind}})
    if suffix is not None:
        kinds = Counter({(kind, end): n for (kind, end), n in kinds.items() if int(end) == suffix})
    if not kinds:
        raise MissingError(
            "no file here is a result: <image>_<number>.txt, .bin or .npy",
            where=str(folder),
            remedy="give the folder that the inference tool wrote",
        )
    if len(kinds) > 1:
        shown = ", ".join(f"{n} files *_{end}.{kind}" for (kind, end), n in sorted(kinds.items()))
        raise InvalidInputError(
            f"the folder holds more than one kind of result: {shown}",
            where=str(folder),
            remedy="choose with --format and --suffix",
        )
    kind, end = next(iter(kinds))
    return kind, int(end)


def metrics_of(
    results: Path,
    labels: Path,
    *,
    form: str,
    suffix: int | None,
    classes: int | None,
    store: Store,
    runner: str,
    build: BuildOptions,
    progress: Progress,
    out: Path | None,
) -> tuple[Record, Path]:
    """Run the step under the store's lock; returns its record and the folder that holds ``metrics.json``."""
    check_labels(labels)
    if classes is None and form != "predictions":
        classes = _CLASSES
    step = metrics_step(
        "metrics", External(results.absolute()), labels.absolute(), form=form, suffix=suffix, classes=classes
    )
    store.sweep()
    images = Images((), store.root, build, progress.line)
    chosen, _ = choose_runner(runner, images, store.root, [step.image])
    record = Executor(store, chosen, progress).run(Plan((step,)))[step.name]
    return record, copy_outputs(store, record, out)
