"""The steps of a TensorRT target: a plan per batch, accuracy and speed of that very plan; all of it pure.

With TensorRT 7.2 the flags of the published report build the plan and, loading it, measure it: ``--fp16 --shapes
--workspace --threads``. Later versions have other flags and other defaults: the row of the toolchain states both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kit.errors import InvalidInputError
from kit.inside.shard import Shard
from kit.planning import common
from kit.planning.cardsteps import SIMULATED, CardContext, before_name, convert_name, infer_name, metrics_name
from kit.planning.engineuse import EngineUse
from kit.planning.shards import cut, possible, shard_name
from kit.planning.step import GIB, Devices, Limits, Made, Step
from kit.planning.target import Job
from kit.planning.task import FileShapes, Task
from kit.planning.tensorfiles import infer_step, run_name
from kit.targets import cards
from kit.targets.cards import files_prefix
from kit.targets.tensorrt.config import TensorRtOptions, options_of
from kit.targets.tensorrt.toolchains import DEFAULT, TensorRt, toolchain_of

__all__ = [
    "LONG_WARM_UP_MS", "QUERY", "bench_names", "check_names", "checked_step", "image_name", "long_name", "plan",
    "shapes",
]  # fmt: skip

#: What of the GPU's state belongs to a measurement; every field is known to drivers from R418 on.
QUERY = (
    "index", "name", "uuid", "pci.bus_id", "driver_version", "vbios_version", "persistence_mode", "compute_mode",
    "ecc.mode.current", "pstate", "temperature.gpu", "power.draw", "power.limit", "clocks.current.sm",
    "clocks.current.memory", "clocks.max.sm", "clocks.applications.graphics", "clocks_throttle_reasons.active",
    "utilization.gpu", "memory.used", "memory.total", "pcie.link.gen.current", "pcie.link.width.current",
)  # fmt: skip
_NVIDIA_SMI = ("nvidia-smi", f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader,nounits")
LONG_WARM_UP_MS = 2000
_WHOLE = ("int8", "int32", "int64")
_LIMITS = Limits(memory_bytes=16 * GIB, pids=1024, shm_bytes=GIB)
_HOME = {"HOME": "/tmp"}  # noqa: S108 - in the container


def image_name(job: Job) -> str:
    """The image of the job's toolchain: several versions of it can stand in one recipe."""
    return cards.image_name("tensorrt", toolchain_of(job).version, DEFAULT)


def bench_names(target: str, batch: int, runs: int) -> list[str]:
    """Names of the measurements of a batch."""
    return [f"{target}/bench-bs{batch}-run{run}" for run in range(1, runs + 1)]


def long_name(target: str, batch: int) -> str:
    """Name of the long measurement of a batch."""
    return f"{target}/bench-bs{batch}-long"


def check_names(job: Job, batch: int) -> list[str]:
    """Names of the steps that compute a batch of the data set once more, with trtexec."""
    count = job.recipe.dataset.count
    batches = -(-len(Shard(1, possible(job, batch)).rows(count, batch)) // batch)
    count = min(options_of(job).crosscheck, batches)
    return [f"{job.target}/crosscheck-bs{batch}-{number}" for number in range(count)]


def shapes(job: Job, batch: int, known: FileShapes | None = None) -> tuple[str, ...]:
    """``--shapes`` of a batch, ``actual_input_1:16x3x224x224``; nothing for a model of a fixed batch.

    With ``known`` shapes of files it is the one that engines are measured at.
    """
    return () if job.recipe.input.batch and not known else (_flag(job, "shapes", batch, known.best if known else None),)


def _flag(job: Job, name: str, batch: int, samples: Sequence[tuple[int, ...]] | None = None) -> str:
    inputs = job.recipe.graph_inputs
    sizes = [(batch, *shape) for shape in samples or [one.shape for one in inputs]]
    return f"--{name}=" + ",".join(
        f"{one.name}:{'x'.join(map(str, shape))}" for one, shape in zip(inputs, sizes, strict=True)
    )


@dataclass(frozen=True)
class _GpuContext(CardContext):
    options: TensorRtOptions
    row: TensorRt
    known: FileShapes | None  # of files that have several shapes

    @property
    def onnx(self) -> str:
        return f"{self.job.recipe.model.name}.onnx"

    def engine(self, batch: int) -> str:
        return f"{self.job.recipe.model.name}_bs{batch}.plan"

    def made(self, batch: int) -> Made:
        return Made(convert_name(self.target, batch), self.engine(batch))

    def real_inputs(self, batch: int) -> Made | None:
        """The step that keeps a batch for the measurement; None where the numbers of trtexec's own are as good.

        It fills whole numbers with -128 to 127, which are no rows of a table that a model looks up.
        """
        job, task = self.job, self.job.file_task
        if task is None or self.known or not any(one.dtype in _WHOLE for one in job.recipe.graph_inputs):
            return None
        name, parts = (
            run_name(files_prefix(self.target, batch), task.runs(job)[0], task.runs(job)),
            possible(job, batch),
        )
        return Made(name if parts == 1 else shard_name(name, 1, parts))


def _context(job: Job) -> _GpuContext:
    options, row, known = options_of(job), toolchain_of(job), cards.known_shapes(job)
    if options.gpu and len(job.devices) > 1:
        raise InvalidInputError(
            f"targets -> {job.target} -> options -> gpu: names one GPU, and --devices names {len(job.devices)}",
            remedy="leave the option or --devices out",
        )
    image, devices, environment = image_name(job), job.access.devices, {**_HOME, **job.access.environment}
    if job.simulate:
        image, devices = SIMULATED, Devices(leases=(f"simulated-{job.target}-{job.device}",))
        environment = {**_HOME, "KIT_SIM_DEVICES": "virtual:1"}
        if job.toolchain not in {None, DEFAULT}:
            environment["KIT_SIM_TENSORRT"] = row.version
    return _GpuContext(job, image, devices, environment, _LIMITS, options, row, known)


def plan(job: Job) -> list[Step]:
    """Every step of the target, in an order that respects their inputs."""
    gpu = _context(job)
    task = job.file_task
    steps = [*common.model_steps(job), *(task.prepare(job) if task else [common.preprocess(job)]), _guard(job)]
    steps.append(gpu.state("GPU", *_NVIDIA_SMI))
    measured: list[Step] = []
    for batch in job.batches:
        steps.append(_convert(gpu, batch))
        steps += _files(gpu, batch, task) if task else _images(gpu, batch)
        for run, name in enumerate(bench_names(job.target, batch, gpu.options.runs), 1):
            measured.append(_bench(gpu, batch, name, {"KIT_RUN": str(run)}, ()))
        if gpu.options.long_seconds:
            flags = (f"--warmUp={LONG_WARM_UP_MS}", f"--duration={gpu.options.long_seconds}", "--avgRuns=100")
            measured.append(_bench(gpu, batch, long_name(job.target, batch), {}, flags))
    return [*steps, *measured, gpu.state("GPU", *_NVIDIA_SMI, after=[step.name for step in measured])]


def _images(gpu: _GpuContext, batch: int) -> list[Step]:
    """The data set through a plan, the cross-check with trtexec, the count of hits."""
    job = gpu.job
    checks = [_check(gpu, batch, number, name) for number, name in enumerate(check_names(job, batch))]
    name, source = metrics_name(job.target, batch), Made(infer_name(job.target, batch))
    infer = cut([_infer(_context(one), batch) for one in job.shard_jobs], possible(job, batch))
    return [*infer, *checks, common.metrics(job, name, source, form="predictions", batch=batch)]


def checked_step(job: Job, batch: int) -> str:
    """Name of the step that keeps the batches of the cross-check: the first part of the data set."""
    name, parts = infer_name(job.target, batch), possible(job, batch)
    return name if parts == 1 else shard_name(name, 1, parts)


def _files(gpu: _GpuContext, batch: int, task: Task) -> list[Step]:
    """The task's runs through a plan by kit's own program, which also converts files, and the task's score."""
    job, prefix = gpu.job, files_prefix(gpu.target, batch)
    words: tuple[str, ...] = ("--types", "{in:checked}/input.json")
    kept: tuple[str, ...] = ()
    if gpu.real_inputs(batch):
        words, kept = (*words, "--keep-batch"), ("batch",)
    types = [one.dtype for one in job.recipe.graph_inputs]
    results: dict[str, Made] = {}
    infer: list[Step] = []
    for run in task.runs(job):
        typed = [replace(one, dtype=one.dtype or kind) for one, kind in zip(run.inputs, types, strict=False)]
        whole = []
        for one in map(_context, job.shard_jobs):
            use = EngineUse(
                "tensorrt", gpu.image, batch, gpu.made(batch), devices=one.devices, environment=one.environment,
                memory_gib=16, inputs={"checked": Made(f"{gpu.target}/input")},
            )  # fmt: skip
            step = infer_step(job, task, replace(run, inputs=tuple(typed)), use, prefix=prefix, batch=batch, more=words)
            outputs = (*step.outputs, *kept)
            whole.append(replace(step, batch=batch, simulated=job.simulate, outputs=outputs))
        infer += cut(whole, possible(job, batch), merge="union")
        results[run.name] = Made(whole[0].name)
    return [*infer, *(replace(step, batch=batch) for step in task.score(job, prefix, results))]


def _guard(job: Job) -> Step:
    """Check the model's input, because trtexec would silently measure another shape."""
    return Step(
        name=f"{job.target}/input",
        stage="query",
        title="input of the model",
        image="runtime",
        argv=(
            "python3", "-m", "inside.onnx_input",
            "--model", "{in:model}",
            *(
                word
                for one in job.recipe.graph_inputs
                for word in ("--input", one.name, "--shape", ",".join(str(size) for size in one.shape))
            ),
            *(("--batch", str(job.recipe.input.batch)) if job.recipe.input.batch else ()),
            "--out", "{out}",
        ),
        outputs=("input.json",),
        inputs={"model": common.MODEL},
        code=("onnx_input", "protocol"),
    )  # fmt: skip


def _build_flags(gpu: _GpuContext, profile: tuple[str, ...]) -> tuple[str, ...]:
    precision = ("--fp16",) if gpu.options.fp16 else ()
    workspace = gpu.row.workspace.format(mib=gpu.options.workspace)
    return (*precision, *profile, workspace)


def _profile(gpu: _GpuContext, batch: int) -> tuple[str, ...]:
    """What the plan is built for: one shape, or those of the files."""
    known = gpu.known
    if known is None:
        return shapes(gpu.job, batch)
    profile = (("minShapes", known.low), ("optShapes", known.best), ("maxShapes", known.high))
    return tuple(_flag(gpu.job, name, batch, samples) for name, samples in profile)


def _measure_flags(gpu: _GpuContext, batch: int) -> tuple[str, ...]:
    """7.2 measures with the flags of the published report; later ones state what they would do by default."""
    shape = shapes(gpu.job, batch, gpu.known)
    if gpu.row.published_flags:
        return (*_build_flags(gpu, shape), "--threads")
    return (*shape, *gpu.row.clock)


def _convert(gpu: _GpuContext, batch: int) -> Step:
    """``trtexec`` picks the fastest kernels by timing them, so nothing else may run meanwhile."""
    step = Step(
        name=convert_name(gpu.target, batch),
        stage="convert",
        title=f"TensorRT plan, batch {batch}",
        image=gpu.image,
        argv=(
            "trtexec",
            f"--onnx={gpu.onnx}",
            *_build_flags(gpu, _profile(gpu, batch)),
            f"--saveEngine={gpu.engine(batch)}",
            gpu.row.build_only,
        ),
        outputs=(gpu.engine(batch),),
        inputs={"model": common.MODEL, "checked": Made(f"{gpu.target}/input")},
        links={gpu.onnx: "{in:model}"},
        timed=True,
        keep_output=True,
    )
    return gpu.on_device(step, batch)


def _infer(gpu: _GpuContext, batch: int) -> Step:
    recipe = gpu.job.recipe
    step = Step(
        name=infer_name(gpu.target, batch),
        stage="infer",
        title=f"data set through the plan of batch {batch}",
        image=gpu.image,
        argv=(
            "python3", "-m", "inside.trt_infer",
            "--plan", "{in:engine}",
            "--tensors", "{in:tensors}/prep_bin",
            "--batch", str(batch),
            "--shape", ",".join(str(size) for size in recipe.input.shape),
            "--input", recipe.input.name,
            "--output", recipe.output,
            "--check", str(len(check_names(gpu.job, batch))),
            "--out", "{out}",
        ),
        outputs=("predictions.npy", "scores.npy", "images.txt", "evaluate.json"),
        inputs={"engine": gpu.made(batch), "tensors": Made(common.TENSORS)},
        code=("trt_infer", "labels", "topk", "protocol"),
    )  # fmt: skip
    return gpu.on_device(step, batch)


def _check(gpu: _GpuContext, batch: int, number: int, name: str) -> Step:
    """The plan through trtexec, on a batch that the inference kept: the same binary must give the same numbers."""
    step = Step(
        name=name,
        stage="query",
        title=f"cross-check of batch {batch} with trtexec",
        image=gpu.image,
        argv=(
            "trtexec",
            f"--loadEngine={gpu.engine(batch)}",
            *shapes(gpu.job, batch),
            f"--loadInputs={gpu.job.recipe.input.name}:{{in:results}}/check/input_{number}.bin",
            "--exportOutput=output.json",
            *_overridden(gpu.row.clock, ("--warmUp=0", "--duration=0", "--iterations=1")),
        ),
        outputs=("output.json",),
        inputs={
            "engine": gpu.made(batch),
            "results": Made(checked_step(gpu.job, batch)),
        },
        links={gpu.engine(batch): "{in:engine}"},
    )
    return gpu.on_device(step, batch)


def _bench(gpu: _GpuContext, batch: int, name: str, environment: Mapping[str, str], flags: Sequence[str]) -> Step:
    inputs = {"engine": gpu.made(batch), "state": Made(before_name(gpu.target))}
    if real := gpu.real_inputs(batch):
        inputs["real"] = real
        files = (f"{one.name}:{{in:real}}/batch/{i}.bin" for i, one in enumerate(gpu.job.recipe.graph_inputs))
        flags = (*flags, f"--loadInputs={','.join(files)}")
    step = Step(
        name=name,
        stage="bench",
        title=f"throughput at batch {batch}",
        image=gpu.image,
        argv=(
            "trtexec",
            f"--loadEngine={gpu.engine(batch)}",
            *_overridden(_measure_flags(gpu, batch), flags),
            "--exportTimes=times.json",
        ),
        outputs=("times.json",),
        # The GPU's state is an input: a GPU in use stops the run before it gives low numbers.
        inputs=inputs,
        links={gpu.engine(batch): "{in:engine}"},
        # The number of the run distinguishes equal steps: each has to run.
        environment=environment,
        timed=True,
        keep_output=True,
    )
    return gpu.on_device(step, batch)


def _overridden(flags: Sequence[str], by: Sequence[str]) -> tuple[str, ...]:
    """``flags`` with those of ``by`` instead of their own: trtexec accepts no option twice."""
    names = {flag.partition("=")[0] for flag in by}
    return (*(flag for flag in flags if flag.partition("=")[0] not in names), *by)
