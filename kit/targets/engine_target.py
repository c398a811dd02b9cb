"""What targets share whose engine is driven by kit itself: ONNX Runtime, OpenVINO, PyTorch.

Accuracy and throughput come from the same engine with the same options: ``inside.evaluate`` runs it over the data set,
``inside.bench`` measures it, all batches of a target in one step because they alternate.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from kit.doctor import Check
from kit.errors import InvalidInputError
from kit.planning import common
from kit.planning.engineuse import EngineUse
from kit.planning.shards import cut, possible
from kit.planning.step import External, Made, Outcome, Step
from kit.planning.target import ImageSpec, Job, Reading
from kit.planning.task import Task
from kit.planning.tensorfiles import file_rate_step, file_steps, infer_step
from kit.results.benchfile import read_throughput
from kit.results.evidence import Raw
from kit.results.outputs import Output, Outputs
from kit.targets.batches import read_accuracy, read_versions

__all__ = ["EngineTarget", "bench_name", "infer_name", "metrics_name"]

#: An engine and its workers: threads for every core of each.
_PIDS = 1024


def infer_name(job: Job) -> str:
    """Name of the step that runs the data set."""
    return f"{job.target}/infer"


def metrics_name(job: Job) -> str:
    """Name of the step that counts the hits."""
    return f"{job.target}/metrics"


def bench_name(job: Job) -> str:
    """Name of the step that measures all batches."""
    return f"{job.target}/bench"


class EngineTarget(ABC):
    """A target whose engine is driven by kit's own programs."""

    name: str
    family: str
    hardware: str = "CPU"
    toolchain: str
    unit = "fps"
    devices_per_card = 1
    #: Whether the engine takes the exported model; PyTorch takes the checkpoint itself.
    exported: ClassVar[bool] = True
    takes_shards: ClassVar[bool] = True

    @abstractmethod
    def use(self, job: Job) -> EngineUse:
        """What the recipe's options mean."""

    @abstractmethod
    def images(self, job: Job) -> Sequence[ImageSpec]:
        """The image with the engine, where it is not one of kit's standard ones."""

    def plan(self, job: Job) -> Sequence[Step]:
        """Export and parity, where the engine takes ONNX; inference over the data set, metrics, measurement."""
        self._check_toolchain(job)
        use = self.use(job)
        if job.file_task:
            return self._plan_files(job, job.file_task, use)
        before = common.model_steps(job) if self.exported else []
        parts = possible(job, job.recipe.input.batch or use.infer_batch)
        infer = cut([_infer(job, self.use(one)) for one in job.shard_jobs], parts)
        metrics = common.metrics(job, metrics_name(job), Made(infer_name(job)), form="predictions")
        return [*before, *infer, metrics, _bench(job, use)]

    def _plan_files(self, job: Job, task: Task, use: EngineUse) -> list[Step]:
        """The same over files of tensors, which the steps of the task make and check."""
        batch = job.recipe.input.batch or min(use.infer_batch, max(job.batches))
        infer: list[Step] = []
        for run in task.runs(job):
            one = infer_step(job, task, run, use, prefix=f"{job.target}/", batch=batch)
            infer += cut([one], possible(job, batch), merge="union")
        rate = file_rate_step(job, task, use, bench_name(job))
        before = common.model_steps(job) if self.exported else []
        return [*before, *file_steps(job, task, infer, f"{job.target}/"), rate]

    def check_outcome(self, job: Job, step: Step, outcome: Outcome) -> None:  # noqa: B027 - most have nothing to add
        """Nothing beyond the exit code: these programs are kit's own and report their errors."""

    def read(self, job: Job, outputs: Mapping[str, Path]) -> Reading:
        """Accuracy or the task's metrics, and a throughput for each batch that was measured.

        Raises:
            DamagedError: a result file cannot be read.
        """
        outputs = Outputs.of(outputs)
        task = job.file_task
        bench = outputs.file(bench_name(job), "bench.json")
        engine = bench.key("engine").value
        title = str(engine["title"])
        version: Raw[str] = bench.key("versions", title)
        exported = read_versions(outputs.file(common.EXPORT, "export.json")) if self.exported else {}
        return Reading(
            accuracy=None if task else read_accuracy(outputs, metrics_name(job)),
            metrics=task.read(job, f"{job.target}/", outputs) if task else (),
            throughput=read_throughput(bench, job.batches),
            toolchain=f"{title} {version.value}{self.variant(engine['settings'])}",
            hardware=self.hardware_of(engine["settings"]),
            environment={**exported, title: version},
            host=_host(bench),
            notes=(*self.other_version(job, str(version.value)), *self.notes(engine["settings"])),
        )

    def _check_toolchain(self, job: Job) -> None:
        """Refuse the name of another software; its version comes with the image, or with this environment."""
        if job.toolchain and not job.toolchain.casefold().startswith(self.toolchain.casefold()):
            raise InvalidInputError(
                f"targets -> {job.target} -> toolchain: {job.toolchain} is not a toolchain of this target",
                remedy=f"leave it out, or write {self.toolchain} and the version of the image",
            )

    def other_version(self, job: Job, ran: str) -> list[str]:
        """A note where the recipe states another version than the one that ran; ``ran`` may have more parts."""
        stated = (job.toolchain or "")[len(self.toolchain) :].partition(",")[0].strip()
        if not stated or ran == stated or ran.startswith((f"{stated}.", f"{stated}+")):
            return []
        return [f"the recipe says {self.toolchain} {stated}, what ran is {self.toolchain} {ran}"]

    def variant(self, settings: Mapping[str, Any]) -> str:  # noqa: ARG002
        """What to add to the toolchain's name and version."""
        return ""

    def hardware_of(self, settings: Mapping[str, Any]) -> str:  # noqa: ARG002
        """What the engine ran on, as it reported."""
        return self.hardware

    def notes(self, settings: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        """Notes for the report about the settings of the engine."""
        return []

    def checks(self, job: Job) -> Sequence[Check]:  # noqa: ARG002
        """None: any processor works."""
        return ()


def _infer(job: Job, use: EngineUse) -> Step:
    outputs = ("predictions.npy", "scores.npy", "images.txt", "evaluate.json")
    words = (*common.image_words(job), "--batch", str(job.recipe.input.batch or use.infer_batch))
    title, images = "inference on the data set", {"images": External(job.images)}
    return use.step(infer_name(job), "infer", title, "evaluate", words, outputs, images, pids=_PIDS)


def _bench(job: Job, use: EngineUse) -> Step:
    words = (
        *common.image_words(job),
        "--batches", ",".join(map(str, job.batches)),
        "--shape", ",".join(map(str, job.recipe.input.shape)),
    )  # fmt: skip
    return use.bench_step(job, bench_name(job), "bench", words, {"images": External(job.images)}, pids=_PIDS)


def _host(bench: Output) -> dict[str, Raw[str]]:
    """State of the machine around the measurement."""
    machine = bench.tree.get("machine", {})
    words = {
        "others": "other programs (share)",
        "steal": "steal time (share)",
        "pressure": "waiting for a core (share)",
        "throttled_periods": "throttled periods",
    }
    places: dict[str, tuple[str, ...]] = {
        f"while measuring, {words[name]}": ("machine", "shares", name)
        for name in machine.get("shares", {})
        if name in words
    }
    if machine.get("before", {}).get("governor"):
        places["governor"] = ("machine", "before", "governor")
    read = {name: bench.key(*place) for name, place in places.items()}
    return {name: Raw(str(one.value), one.evidence) for name, one in read.items()}
