"""Questions about a model that only the packages of the exporter image can answer, asked before there is a recipe."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.containers.choice import choose_runner
from kit.containers.images import BuildOptions, Images
from kit.containers.local import LocalRunner
from kit.errors import KitError, MissingError, StepError
from kit.execution.executor import Executor
from kit.execution.progress import Progress
from kit.planning.planner import Plan
from kit.planning.step import External, Step
from kit.storage.store import Store

__all__ = ["look_up"]

_IMAGE = "exporter"


def look_up(words: Sequence[str], weights: Path | None, build: BuildOptions, progress: Progress) -> dict[str, Any]:
    """What ``inside.lookup`` says: in this environment where it has the packages, otherwise in the exporter image.

    Args:
        words: arguments of the program, without its output.
        weights: the checkpoint that ``{in:weights}`` stands for.
        build: how the image is built, where it must be.
        progress: is notified of what happens.

    Raises:
        MissingError: neither the packages nor an engine are there; names the extra.
        StepError: the program failed.
        KitError: what the program says.
    """
    step = Step(
        name="lookup",
        stage="query",
        title="look the model up",
        image=_IMAGE,
        argv=("python3", "-m", "inside.lookup", *words, "--out", "{out}"),
        outputs=("lookup.json",),
        inputs={"weights": External(weights.absolute())} if weights else {},
        code=("lookup",),
    )
    with tempfile.TemporaryDirectory(prefix="kit-init-") as folder:
        store = Store(Path(folder) / "store")
        with store.lock():
            images = Images((), store.root, build, progress.line)
            try:
                LocalRunner().image_id(_IMAGE)
                name = "local"
            except KitError:
                name = "auto"
            try:
                runner, _ = choose_runner(name, images, store.root, [_IMAGE])
            except KitError as error:
                what = "torch, torchvision and timm are not installed here, and no container engine answers"
                remedy = f"pip install 'kit-repro[{_IMAGE}]', or start a Docker engine"
                raise MissingError(what, remedy=remedy) from error
            try:
                record = Executor(store, runner, progress).run(Plan((step,)))[step.name]
            except StepError as error:  # the log that it names goes with this folder
                raise StepError(error.what, remedy="check the name, and that the packages fit together") from error
            tree: dict[str, Any] = json.loads((store.artifact(record.fingerprint) / "lookup.json").read_bytes())
    return tree
