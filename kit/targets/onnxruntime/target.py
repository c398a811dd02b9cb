"""Steps, results and checks of target ``cpu``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kit.doctor import Check
from kit.planning import common as shared
from kit.planning.step import GIB, External, Limits, Made, Outcome, Step
from kit.planning.target import ImageSpec, Job, Reading
from kit.recipe.options import parse_options
from kit.results.batches import read_json, read_versions
from kit.results.measurements import Accuracy, Latency, Throughput

__all__ = ["TARGETS", "Cpu"]

_INFER, _METRICS = "cpu/infer", "cpu/metrics"


class _Options(BaseModel):
    """``targets -> cpu -> options``."""

    model_config = ConfigDict(extra="forbid")

    infer_batch: int = Field(32, gt=0, description="Batch of the run over the data set.")


class Cpu:
    """ONNX Runtime, fp32. Inference streams: images are decoded and preprocessed while the engine works."""

    name = "cpu"
    family = "onnxruntime"
    hardware = "CPU"
    toolchain = "ONNX Runtime"
    unit = "fps"
    devices_per_card = 1

    def images(self, job: Job) -> Sequence[ImageSpec]:  # noqa: ARG002
        """None of its own: kit's runtime image holds the engine."""
        return ()

    def plan(self, job: Job) -> Sequence[Step]:
        """Export, parity, inference over the data set, metrics, and one measurement per batch."""
        steps = [shared.export(job), shared.parity(job), self._infer(job)]
        steps.append(shared.metrics(job, _METRICS, Made(_INFER), form="predictions"))
        return [*steps, *(self._bench(job, batch) for batch in job.batches)]

    def _infer(self, job: Job) -> Step:
        return Step(
            name=_INFER,
            stage="infer",
            title="inference on the data set",
            image="runtime",
            argv=(
                "python3", "-m", "inside.evaluate",
                "--model", "{in:model}",
                "--images", "{in:images}",
                "--preprocess", shared.preprocess_json(job),
                "--batch", str(parse_options(_Options, job.target, job.options).infer_batch),
                "--out", "{out}",
            ),
            outputs=("predictions.npy", "scores.npy", "images.txt", "evaluate.json"),
            inputs={"model": shared.MODEL, "images": External(job.images)},
            code=("evaluate",),
            limits=Limits(memory_bytes=4 * GIB, shm_bytes=GIB),
        )  # fmt: skip

    def _bench(self, job: Job, batch: int) -> Step:
        bench = job.recipe.bench
        return Step(
            name=f"cpu/bench-bs{batch}",
            stage="bench",
            title=f"throughput at batch {batch}",
            image="runtime",
            argv=(
                "python3", "-m", "inside.bench",
                "--model", "{in:model}",
                "--images", "{in:images}",
                "--preprocess", shared.preprocess_json(job),
                "--batch", str(batch),
                "--shape", ",".join(str(n) for n in job.recipe.input.shape),
                "--threads", str(bench.threads),
                "--warmup", str(bench.warmup),
                "--repeats", str(bench.repeats),
                "--seconds", f"{bench.seconds:g}",
                "--out", "{out}",
            ),
            outputs=("bench.json", "latencies.npy"),
            inputs={"model": shared.MODEL, "images": External(job.images)},
            code=("bench",),
            batch=batch,
            timed=True,
        )  # fmt: skip

    def judge(self, job: Job, step: Step, outcome: Outcome) -> None:
        """Nothing beyond the exit code: these programs are kit's own and say what is wrong."""

    def read(self, job: Job, outputs: Mapping[str, Path]) -> Reading:
        """Accuracy, and a throughput for each batch that was measured."""
        throughput = []
        environment: dict[str, str] = {}
        for batch in job.batches:
            tree = read_json(outputs[f"cpu/bench-bs{batch}"] / "bench.json")
            throughput.append(_throughput(tree, batch))
            environment["ONNX Runtime"] = tree["versions"]["onnxruntime"]
        counts = read_json(outputs[_METRICS] / "metrics.json")
        environment |= read_versions(outputs[shared.EXPORT] / "export.json")
        return Reading(
            accuracy=Accuracy(
                n=counts["n"], classes=counts["classes"], correct=tuple(counts["correct"]), ties=counts["ties"]
            ),
            throughput=tuple(throughput),
            toolchain=f"ONNX Runtime {environment['ONNX Runtime']}",
            hardware=self.hardware,
            environment=environment,
        )

    def checks(self, job: Job) -> Sequence[Check]:  # noqa: ARG002
        """None: any processor will do."""
        return ()


def _throughput(tree: dict[str, Any], batch: int) -> Throughput:
    rates = tuple(float(one["rate"]) for one in tree["repeats"])
    return Throughput(
        batch=batch,
        rate=median(rates),
        per="image",
        factor=1,
        unit="fps",
        mode="dataset" if tree["data"] == "real" else "synthetic",
        repeats=rates,
        latency_ms=Latency(p50=tree["p50"], p90=tree["p90"], p99=tree["p99"], n=tree["n"]),
        raw={"threads": tree["threads"], "warm-up calls": tree["warmup"]},
    )


#: Found by the entry point: see pyproject.toml.
TARGETS = (Cpu(),)
