"""The steps of an Ascend target: atc per batch, inference over the data set per batch, metrics; all of it pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kit.planning import common as shared
from kit.planning.step import GIB, Devices, Input, Limits, Made, Step
from kit.planning.tensorfiles import run_name
from kit.targets.ascend.config import AscendOptions, architecture, options_of, soc_of
from kit.targets.ascend.toolchains import DEFAULT, check_opset, toolchain_of

if TYPE_CHECKING:
    from kit.planning.target import Job
    from kit.planning.task import FileRun, Task

__all__ = [
    "after_name",
    "before_name",
    "bench_name",
    "card_name",
    "convert_name",
    "dataset_step",
    "image_name",
    "infer_name",
    "metrics_name",
    "on_dataset",
    "plan",
    "run_prefix",
]

SIMULATED = "simulated"
#: Batches whose data set run is the official number; the others may be pure inference.
OFFICIAL = (1, 16)
#: The tool's own default is one call, after which the first timed ones are slow.
_WARM_UP_CALLS = 10
#: A data set run writes one file per image and output, so it needs memory for the engine only.
_RUN = Limits(memory_bytes=16 * GIB, pids=1024)
#: What a stand-in that needs no device must know.
_OF_THE_TOOLKIT = ("KIT_SIM_CHIP", "KIT_SIM_TOOLKIT")
#: A vendor's tool writes logs and caches into its home.
_HOME = {"HOME": "/tmp", "ASCEND_PROCESS_LOG_PATH": "/tmp/ascend-log"}  # noqa: S108 - in the container


def image_name(job: Job) -> str:
    """The image of the job's toolchain: several versions of it can stand in one recipe."""
    version = toolchain_of(job).version
    return "ascend" if DEFAULT.endswith(f" {version}") else f"ascend-{version.lower()}"


def convert_name(target: str, batch: int) -> str:
    """Name of the step that makes the engine of a batch."""
    return f"{target}/convert-bs{batch}"


def infer_name(target: str, batch: int) -> str:
    """Name of the step that runs a batch over the data set."""
    return f"{target}/infer-bs{batch}"


def bench_name(target: str, batch: int) -> str:
    """Name of the step that runs a batch on random data."""
    return f"{target}/bench-bs{batch}"


def metrics_name(target: str, batch: int) -> str:
    """Name of the step that counts the hits of a batch."""
    return f"{target}/metrics-bs{batch}"


def card_name(target: str, batch: int) -> str:
    """Name of the step that runs a batch on all devices of the card at once."""
    return f"{target}/card-bs{batch}"


def before_name(target: str) -> str:
    """Name of the step that looks at the chip before anything is measured."""
    return f"{target}/state-before"


def after_name(target: str) -> str:
    """Name of the step that looks at the chip afterwards."""
    return f"{target}/state-after"


def on_dataset(options: AscendOptions, batch: int) -> bool:
    """Whether this batch is run over the data set; otherwise it is pure inference on random data."""
    return options.mode == "dataset" or (options.mode == "mixed" and batch in OFFICIAL)


@dataclass(frozen=True)
class _ChipContext:
    """What all steps on the chip have in common."""

    job: Job
    options: AscendOptions
    image: str
    devices: Devices
    environment: Mapping[str, str]

    @property
    def target(self) -> str:
        return self.job.target


def _place(job: Job) -> _ChipContext:
    options = options_of(job)
    if not job.simulate:
        return _ChipContext(job, options, image_name(job), job.access.devices, {**_HOME, **job.access.environment})
    environment = {
        **_HOME,
        "KIT_SIM_CHIP": soc_of(job).removeprefix("Ascend"),
        **({"KIT_SIM_TOOLKIT": toolchain_of(job).version} if job.toolchain not in {None, DEFAULT} else {}),
    }
    if job.access.present:  # a rehearsal passes the real nodes through, where there are some; the driver is its own
        devices = replace(job.access.devices, files=())
        return _ChipContext(job, options, SIMULATED, devices, environment)
    environment["KIT_SIM_DEVICES"] = f"virtual:{max(job.devices, default=job.device) + 1}"
    leases = (f"simulated-{job.target}-{job.device}",)
    return _ChipContext(job, options, SIMULATED, Devices(leases=leases), environment)


def plan(job: Job) -> list[Step]:
    """Every step of the target, in an order that respects their inputs."""
    place = _place(job)
    options = place.options
    if isinstance(job.recipe.opset, int):
        check_opset(job, job.recipe.opset)
    dataset = [batch for batch in job.batches if on_dataset(options, batch)]
    steps = [*shared.model_steps(job)]
    task = job.file_task
    if dataset:
        steps += task.prepare(job) if task else [shared.preprocess(job)]
    steps += [_convert(place, batch) for batch in job.batches]
    steps.append(_state(place, before_name(job.target), ()))
    measured = []
    for batch in job.batches:
        if batch in dataset and task:
            measured += [_infer_files(place, batch, task, run) for run in task.runs(job)]
        elif batch in dataset:
            measured.append(_infer(place, batch))
        if batch not in dataset or options.pure:
            measured.append(_bench(place, batch))
        if job.devices:
            measured.append(_card(place, batch))
    steps += measured
    steps.append(_state(place, after_name(job.target), [step.name for step in measured]))
    for batch in dataset:
        steps += _score(place, batch, task) if task else [_metrics(place, batch)]
    return steps


def _convert(place: _ChipContext, batch: int) -> Step:
    """``atc``: needs no device, litters its working directory, names its output ``<output>.om``."""
    job, options = place.job, place.options
    name = f"{job.recipe.model.name}_bs{batch}"
    environment = {**_HOME, **{key: text for key, text in place.environment.items() if key in _OF_THE_TOOLKIT}}
    if options.jobs:
        environment |= {"TE_PARALLEL_COMPILER": str(options.jobs), "MAX_COMPILE_CORE_NUMBER": str(options.jobs)}
    return Step(
        name=convert_name(job.target, batch),
        stage="convert",
        title=f"atc, batch {batch}",
        image=place.image,
        argv=(
            "atc",
            f"--model={job.recipe.model.name}.onnx",
            "--framework=5",
            f"--output={name}",
            f"--input_format={'ND' if any(len(one.shape) != 3 for one in job.recipe.graph_inputs) else 'NCHW'}",
            f"--input_shape={_input_shape(job, batch)}",
            f"--log={options.log}",
            f"--soc_version={soc_of(job)}",
            *filter(None, (toolchain_of(job).precision,)),
        ),
        outputs=(f"{name}.om",),
        inputs={"model": shared.MODEL},
        links={f"{job.recipe.model.name}.onnx": "{in:model}"},
        environment=environment,
        limits=Limits(memory_bytes=options.memory_gib * GIB, pids=4096),
        batch=batch,
        simulated=job.simulate,
    )


def _input_shape(job: Job, batch: int) -> str:
    """``name:batch,sizes`` of each input of the graph."""
    return ";".join(f"{one.name}:{','.join(map(str, (batch, *one.shape)))}" for one in job.recipe.graph_inputs)


def _infer_files(place: _ChipContext, batch: int, task: Task, run: FileRun) -> Step:
    """One of the task's runs: a folder for each input of the graph, by ais_bench."""
    job = place.job
    form = task.form(job)
    argv = (
        "python3", "-m", "ais_bench",
        "--model={in:engine}",
        f"--batchsize={batch}",
        f"--warmup_count={_WARM_UP_CALLS}",
        "--input=" + ",".join(f"{{in:input{number}}}" for number in range(len(run.inputs))),
        "--output={out}",
        "--output_dirname=result",
        f"--outfmt={form.format.upper()}",
        *([f"--output_batchsize_axis={form.batch_axis}"] if form.batch_axis else []),
        f"--device={job.device}",
    )  # fmt: skip
    folders: dict[str, Input] = {f"input{number}": one.folder for number, one in enumerate(run.inputs)}
    name = run_name(run_prefix(job.target, batch), run, task.runs(job))
    title = f"data set run, batch {batch}" + ("" if run.name == "main" else f", {run.name}")
    return _step(place, batch, name, "infer", title, argv, ("result", "result_summary.json"), folders)


def dataset_step(job: Job, batch: int) -> str:
    """Name of the step whose rate is that of a batch over the data set: of several runs the first one's."""
    task = job.file_task
    if not task:
        return infer_name(job.target, batch)
    runs = task.runs(job)
    return run_name(run_prefix(job.target, batch), runs[0], runs)


def run_prefix(target: str, batch: int) -> str:
    """What the names of a batch's steps over files begin with."""
    return f"{target}/bs{batch}-"


def _score(place: _ChipContext, batch: int, task: Task) -> list[Step]:
    job, prefix = place.job, run_prefix(place.target, batch)
    runs = task.runs(job)
    results = {run.name: Made(run_name(prefix, run, runs)) for run in runs}
    return [replace(step, batch=batch) for step in task.score(job, prefix, results)]


def _engine(place: _ChipContext, batch: int) -> str:
    return f"{place.job.recipe.model.name}_bs{batch}.om"


def _measuring(place: _ChipContext, batch: int, inputs: Mapping[str, Input]) -> dict[str, Input]:
    # The chip's state is an input of what is measured: a chip that is taken stops the run before its numbers are low.
    return {
        "engine": Made(convert_name(place.target, batch), _engine(place, batch)),
        "state": Made(before_name(place.target)),
        **inputs,
    }


def _infer(place: _ChipContext, batch: int) -> Step:
    job, options = place.job, place.options
    _, height, width = job.recipe.input.shape
    tensors: dict[str, Input] = {"tensors": Made(shared.TENSORS)}
    info = f"{job.recipe.model.name}_val.info"
    links: dict[str, str]
    if options.tool == "ais_bench":
        argv: tuple[str, ...] = (
            "python3", "-m", "ais_bench",
            "--model={in:engine}",
            f"--batchsize={batch}",
            f"--warmup_count={_WARM_UP_CALLS}",
            "--input={in:tensors}/prep_bin",
            "--output={out}",
            "--output_dirname=result",
            f"--outfmt={options.output.upper()}",
            f"--device={job.device}",
        )  # fmt: skip
        links = {}
        outputs: tuple[str, ...] = ("result", "result_summary.json")
    else:
        argv = (
            f"benchmark.{architecture(options)}",
            "-model_type=vision",
            f"-device_id={job.device}",
            f"-batch_size={batch}",
            f"-om_path={_engine(place, batch)}",
            f"-input_text_path={info}",
            f"-input_width={width}",
            f"-input_height={height}",
            f"-output_binary={options.output == 'bin'}",
            "-useDvpp=False",
        )
        # Paths in the info file start at the working directory.
        links = {"prep_bin": "{in:tensors}/prep_bin", info: "{in:tensors}/dataset.info"}
        outputs = ("result",)
    return _step(
        place,
        batch,
        infer_name(job.target, batch),
        "infer",
        f"data set run, batch {batch}",
        argv,
        outputs,
        tensors,
        links,
    )


def _bench(place: _ChipContext, batch: int) -> Step:
    job, options = place.job, place.options
    if options.tool == "ais_bench":
        argv: tuple[str, ...] = (
            "python3", "-m", "ais_bench",
            "--model={in:engine}",
            f"--batchsize={batch}",
            f"--warmup_count={_WARM_UP_CALLS}",
            "--output={out}",
            "--output_dirname=result",
            f"--loop={options.rounds}",
            f"--device={job.device}",
        )  # fmt: skip
        outputs: tuple[str, ...] = ("result_summary.json",)
    else:
        argv = (
            f"benchmark.{architecture(options)}",
            f"-round={options.rounds}",
            f"-om_path={_engine(place, batch)}",
            f"-device_id={job.device}",
            f"-batch_size={batch}",
        )
        outputs = ("result",)
    return _step(place, batch, bench_name(job.target, batch), "bench", f"pure inference, batch {batch}", argv, outputs)


def _card(place: _ChipContext, batch: int) -> Step:
    """Pure inference on all devices of the card at once: what the card does, measured and not multiplied."""
    job, rounds = place.job, place.options.rounds
    if place.options.tool == "ais_bench":
        command: tuple[str, ...] = (
            "python3", "-m", "ais_bench", "--model={in:engine}", f"--batchsize={batch}",
            f"--warmup_count={_WARM_UP_CALLS}", "--output=.", "--output_dirname=result", f"--loop={rounds}",
            "--device={device}",
        )  # fmt: skip
    else:
        command = (
            f"benchmark.{architecture(place.options)}", f"-round={rounds}", "-om_path={in:engine}",
            "-device_id={device}", f"-batch_size={batch}",
        )  # fmt: skip
    numbers = ",".join(str(device) for device in job.devices)
    argv = ("python3", "-m", "inside.together", "--devices", numbers, "--out", "{out}", "--", *command)
    outputs = tuple(f"device{device}" for device in job.devices)
    title = f"all devices of the card at once, batch {batch}"
    step = _step(place, batch, card_name(job.target, batch), "bench", title, argv, outputs)
    # kit's own programs come with a PYTHONPATH of their own; ais_bench is found where its image has it.
    home = toolchain_of(job).home
    places = ("{code}", "/opt/kit/site", f"{home}/python/site-packages", f"{home}/opp/op_impl/built-in/ai_core/tbe")
    environment = {**step.environment, "PYTHONPATH": ":".join(places)}
    return replace(step, links={}, code=("together",), environment=environment)


def _step(
    place: _ChipContext,
    batch: int,
    name: str,
    stage: str,
    title: str,
    argv: tuple[str, ...],
    outputs: tuple[str, ...],
    inputs: Mapping[str, Input] | None = None,
    links: Mapping[str, str] | None = None,
) -> Step:
    private = place.options.tool == "ais_bench"
    return Step(
        name=name,
        stage="infer" if stage == "infer" else "bench",
        title=title,
        image=place.image,
        argv=argv,
        outputs=outputs,
        inputs=_measuring(place, batch, inputs or {}),
        # benchmark derives names of results from those of its inputs, so the engine keeps its name; ais_bench refuses
        # links, and takes the engine where it lies.
        links={} if private else {_engine(place, batch): "{in:engine}", **(links or {})},
        environment=place.environment,
        devices=place.devices,
        limits=_RUN,
        batch=batch,
        timed=True,
        simulated=place.job.simulate,
        root=place.options.root and not private,
        private=private,
    )


def _state(place: _ChipContext, name: str, after: Sequence[str]) -> Step:
    """``npu-smi info``: name, health, load, memory and driver of the chip, kept with the measurement."""
    return Step(
        name=name,
        stage="query",
        title=f"state of the chip {'after' if after else 'before'}",
        image=place.image,
        argv=("npu-smi", "info"),
        outputs=(),
        inputs={f"after{number}": Made(step) for number, step in enumerate(after)},
        environment=place.environment,
        devices=place.devices,
        timed=True,
        simulated=place.job.simulate,
        keep_output=True,
    )


def _metrics(place: _ChipContext, batch: int) -> Step:
    options = place.options
    if options.tool == "ais_bench":
        folder, suffix = "result", 0
    else:
        folder, suffix = f"result/dumpOutput_device{place.job.device}", 1
    source = Made(infer_name(place.target, batch), folder)
    return shared.metrics(
        place.job, metrics_name(place.target, batch), source, form=options.output, suffix=suffix, batch=batch
    )
