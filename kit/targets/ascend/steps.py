"""The steps of an Ascend target: atc per batch, inference over the data set per batch, metrics; all of it pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kit.errors import InvalidInputError
from kit.planning import common
from kit.planning.cardsteps import SIMULATED, CardContext, before_name, convert_name, infer_name, metrics_name
from kit.planning.step import GIB, Devices, Input, Limits, Made, Step
from kit.planning.target import Job
from kit.planning.task import FileRun, Task
from kit.planning.tensorfiles import input_folders, plain_form, plain_results, plain_runs, run_name
from kit.targets import cards
from kit.targets.ascend import shapes
from kit.targets.ascend.commands import ais_bench, dataset_run, pure_inference
from kit.targets.ascend.config import AscendOptions, options_of, soc_of
from kit.targets.ascend.datasetparts import in_parts, part_files, shards_of
from kit.targets.ascend.toolchains import DEFAULT, check_opset, toolchain_of
from kit.targets.cards import files_prefix, known_shapes

__all__ = [
    "bench_name", "card_name", "dataset_step", "energy_name", "image_name", "on_dataset", "plan", "rate_of_dataset",
]  # fmt: skip

#: Batches whose data set run is the official number; the others may be pure inference.
OFFICIAL = (1, 16)
#: A data set run writes one file per image and output, so it needs memory for the engine only.
_RUN = Limits(memory_bytes=16 * GIB, pids=1024)
#: Images of one run while the power is read, as far as the rounds of the tools go: npu-smi answers once a second.
_ENERGY_IMAGES, _MOST_ROUNDS = 4096, 1024
#: What the stand-in for atc reads.
_OF_THE_TOOLKIT = ("KIT_SIM_CHIP", "KIT_SIM_TOOLKIT")
#: A vendor's tool writes logs and caches into its home.
_HOME = {"HOME": "/tmp", "ASCEND_PROCESS_LOG_PATH": "/tmp/ascend-log"}  # noqa: S108 - in the container


def image_name(job: Job) -> str:
    """The image of the job's toolchain: several versions of it can stand in one recipe."""
    return cards.image_name("ascend", toolchain_of(job).version, DEFAULT)


def bench_name(target: str, batch: int) -> str:
    """Name of the step that runs a batch on random data."""
    return f"{target}/bench-bs{batch}"


def card_name(target: str, batch: int) -> str:
    """Name of the step that runs a batch on all devices of the card at once."""
    return f"{target}/card-bs{batch}"


def energy_name(target: str, batch: int) -> str:
    """Name of the step that runs a batch while the chip's power is read."""
    return f"{target}/energy-bs{batch}"


def rate_of_dataset(job: Job, batch: int) -> bool:
    """Whether this batch's rate is that of its run over the data set: only of a whole run on one device."""
    return shards_of(job) == 1 and on_dataset(options_of(job), batch)


def on_dataset(options: AscendOptions, batch: int) -> bool:
    """Whether this batch is run over the data set; otherwise it is pure inference on random data."""
    return options.mode == "dataset" or (options.mode == "mixed" and batch in OFFICIAL)


@dataclass(frozen=True)
class _ChipContext(CardContext):
    options: AscendOptions


def _context(job: Job) -> _ChipContext:
    image, devices, environment = image_name(job), job.access.devices, {**_HOME, **job.access.environment}
    if job.simulate:
        image = SIMULATED
        environment = {**_HOME, "KIT_SIM_CHIP": soc_of(job).removeprefix("Ascend")}
        if job.toolchain not in {None, DEFAULT}:
            environment["KIT_SIM_TOOLKIT"] = toolchain_of(job).version
        if job.access.present:  # a rehearsal gets the real nodes, where there are any, but has its own driver
            devices = replace(devices, files=())
        else:
            environment["KIT_SIM_DEVICES"] = f"virtual:{max(job.devices, default=job.device) + 1}"
            devices = Devices(leases=(f"simulated-{job.target}-{job.device}",))
    return _ChipContext(job, image, devices, environment, _RUN, options_of(job))


def plan(job: Job) -> list[Step]:
    """Every step of the target, in an order that respects their inputs."""
    chip = _context(job)
    options = chip.options
    if isinstance(job.recipe.opset, int):
        check_opset(job, job.recipe.opset)
    shapes.check_shapes(job, options)
    dataset = [batch for batch in job.batches if on_dataset(options, batch)]
    if job.shards > 1 and not dataset:
        raise InvalidInputError(
            f"targets -> {job.target} -> options -> mode: {options.mode} runs no data set at these batches, so nothing"
            " can be cut into shards",
            remedy="leave --shards out, or write mode: dataset",
        )
    steps = [*common.model_steps(job)]
    task = job.file_task
    runs: Sequence[FileRun] = ()
    if dataset and task:
        converted, runs = plain_runs(job, task)
        steps += [*task.prepare(job), *converted]
    elif dataset:
        steps.append(common.preprocess(job))
    if shards_of(job) > 1:
        steps += part_files(job, options.tool, runs)
    steps += [_convert(chip, batch) for batch in job.batches]
    steps.append(chip.state("chip", "npu-smi", "info"))
    measured = []
    for batch in job.batches:
        if batch in dataset:
            measured += _over_dataset(job, batch, task, runs)
        if not rate_of_dataset(job, batch) or options.pure:
            measured.append(_bench(chip, batch))
        if job.devices and job.shards == 1:
            measured.append(_card(chip, batch))
        if options.energy:
            measured.append(_energy(chip, batch))
    steps += measured
    steps.append(chip.state("chip", "npu-smi", "info", after=[step.name for step in measured if step.timed]))
    for batch in dataset:
        steps += _score(chip, batch, task) if task else [_metrics(chip, batch)]
    return steps


def _over_dataset(job: Job, batch: int, task: Task | None, runs: Sequence[FileRun]) -> list[Step]:
    """A batch over the data set, whole or in parts."""
    chips = [_context(one) for one in job.shard_jobs]
    if task is None:
        whole = [_infer(chip, batch) for chip in chips]
        return in_parts(job, whole)
    found: list[Step] = []
    for run in runs:
        whole = [_infer_files(chip, batch, task, run) for chip in chips]
        found += in_parts(job, whole, run)
    return found


def _convert(chip: _ChipContext, batch: int) -> Step:
    """``atc``: needs no device, litters its working directory, names its output ``<output>.om``."""
    job, options = chip.job, chip.options
    name = f"{job.recipe.model.name}_bs{batch}"
    environment = {**_HOME, **{key: text for key, text in chip.environment.items() if key in _OF_THE_TOOLKIT}}
    if options.jobs:
        environment |= {"TE_PARALLEL_COMPILER": str(options.jobs), "MAX_COMPILE_CORE_NUMBER": str(options.jobs)}
    return Step(
        name=convert_name(job.target, batch),
        stage="convert",
        title=f"atc, batch {batch}",
        image=chip.image,
        argv=(
            "atc",
            f"--model={job.recipe.model.name}.onnx",
            "--framework=5",
            f"--output={name}",
            f"--input_format={_input_format(job)}",
            *shapes.to_compile(job, batch),
            f"--log={options.log}",
            f"--soc_version={soc_of(job)}",
            *filter(None, (toolchain_of(job).precision,)),
        ),
        outputs=(f"{name}.om",),
        inputs={"model": common.MODEL},
        links={f"{job.recipe.model.name}.onnx": "{in:model}"},
        environment=environment,
        limits=Limits(memory_bytes=options.memory_gib * GIB, pids=4096),
        batch=batch,
        simulated=job.simulate,
    )


def _input_format(job: Job) -> str:
    """ND for inputs that are not images, and for profiles of several sizes, which need it."""
    images = all(len(one.shape) == 3 for one in job.recipe.graph_inputs)
    return "NCHW" if images and known_shapes(job) is None else "ND"


def _infer_files(chip: _ChipContext, batch: int, task: Task, run: FileRun) -> Step:
    """One of the task's runs: a folder for each input of the graph, by ais_bench."""
    job = chip.job
    form = plain_form(task.form(job))
    argv = ais_bench(
        batch,
        job.device,
        "--input=" + ",".join(f"{{in:input{number}}}" for number in range(len(run.inputs))),
        "--output={out}",
        "--output_dirname=result",
        f"--outfmt={form.format.upper()}",
        *([f"--output_batchsize_axis={form.batch_axis}"] if form.batch_axis else []),
        *shapes.of_files(job, chip.options),
    )
    name = run_name(files_prefix(job.target, batch), run, task.runs(job))
    title = f"data set run, batch {batch}" + ("" if run.name == "main" else f", {run.name}")
    return _step(chip, batch, name, "infer", title, argv, ("result", "result_summary.json"), input_folders(run))


def dataset_step(job: Job, batch: int) -> str:
    """Name of the step whose rate is that of a batch over the data set: of several runs the first one's."""
    task = job.file_task
    if not task:
        return infer_name(job.target, batch)
    runs = task.runs(job)
    return run_name(files_prefix(job.target, batch), runs[0], runs)


def _score(chip: _ChipContext, batch: int, task: Task) -> list[Step]:
    job, prefix = chip.job, files_prefix(chip.target, batch)
    runs = task.runs(job)
    results: Mapping[str, Made] = {run.name: Made(run_name(prefix, run, runs)) for run in runs}
    converted, results = plain_results(job, task, results, prefix)
    return [replace(step, batch=batch) for step in (*converted, *task.score(job, prefix, results))]


def _engine(chip: _ChipContext, batch: int) -> str:
    return f"{chip.job.recipe.model.name}_bs{batch}.om"


def _infer(chip: _ChipContext, batch: int) -> Step:
    job, options = chip.job, chip.options
    if options.tool == "ais_bench":
        words = ("--input={in:tensors}/prep_bin", "--output={out}", "--output_dirname=result")
        argv = ais_bench(batch, job.device, *words, f"--outfmt={options.output.upper()}")
        links: dict[str, str] = {}
        outputs: tuple[str, ...] = ("result", "result_summary.json")
    else:
        info = f"{job.recipe.model.name}_val.info"
        _, height, width = job.recipe.input.shape
        engine = _engine(chip, batch)
        argv = dataset_run(options, batch, job.device, engine=engine, info=info, size=(height, width))
        # Paths in the info file start at the working directory.
        links = {"prep_bin": "{in:tensors}/prep_bin", info: "{in:tensors}/dataset.info"}
        outputs = ("result",)
    name, title = infer_name(job.target, batch), f"data set run, batch {batch}"
    return _step(chip, batch, name, "infer", title, argv, outputs, {"tensors": Made(common.TENSORS)}, links)


def _zeros(
    chip: _ChipContext, options: AscendOptions, batch: int, device: int | str, *, engine: str, out: str
) -> tuple[str, ...]:
    """Pure inference: the engine alone on made-up data, of the shape that is measured where it has several."""
    words = shapes.of_zeros(chip.job, options, batch)
    return (*pure_inference(options, batch, device, engine=engine, out=out), *words)


def _bench(chip: _ChipContext, batch: int) -> Step:
    job, options = chip.job, chip.options
    argv = _zeros(chip, options, batch, job.device, engine=_engine(chip, batch), out="{out}")
    outputs = ("result_summary.json",) if options.tool == "ais_bench" else ("result",)
    return _step(chip, batch, bench_name(job.target, batch), "bench", f"pure inference, batch {batch}", argv, outputs)


def _card(chip: _ChipContext, batch: int) -> Step:
    """Pure inference on all devices of the card at once: what the card does, measured and not multiplied."""
    job = chip.job
    command = _zeros(chip, chip.options, batch, "{device}", engine="{in:engine}", out=".")
    numbers = ",".join(str(device) for device in job.devices)
    argv = ("python3", "-m", "inside.together", "--devices", numbers, "--out", "{out}", "--", *command)
    outputs = tuple(f"device{device}" for device in job.devices)
    title = f"all devices of the card at once, batch {batch}"
    return _by_kit(chip, "together", _step(chip, batch, card_name(job.target, batch), "bench", title, argv, outputs))


def _energy(chip: _ChipContext, batch: int) -> Step:
    """Pure inference again, in runs as long as the tools allow, while npu-smi is asked for the power."""
    job, options = chip.job, chip.options
    rounds = min(_MOST_ROUNDS, max(options.rounds, _ENERGY_IMAGES // batch))
    longer = options.model_copy(update={"rounds": rounds})
    command = _zeros(chip, longer, batch, job.device, engine="{in:engine}", out=".")
    words = ("--device", str(job.device), "--seconds", str(options.energy), "--out", "{out}")
    argv = ("python3", "-m", "inside.npu_energy", *words, "--", *command)
    name, title = energy_name(job.target, batch), f"energy, batch {batch}"
    return _by_kit(chip, "npu_energy", _step(chip, batch, name, "bench", title, argv, ("energy.json",)))


def _by_kit(chip: _ChipContext, program: str, step: Step) -> Step:
    """The step as one that a program of kit starts; it comes with a PYTHONPATH, so that of the image is repeated."""
    home = toolchain_of(chip.job).home
    places = ("{code}", "/opt/kit/site", f"{home}/python/site-packages", f"{home}/opp/op_impl/built-in/ai_core/tbe")
    environment = {**step.environment, "PYTHONPATH": ":".join(places)}
    return replace(step, links={}, code=(program,), environment=environment)


def _step(
    chip: _ChipContext,
    batch: int,
    name: str,
    stage: str,
    title: str,
    argv: tuple[str, ...],
    outputs: tuple[str, ...],
    inputs: Mapping[str, Input] | None = None,
    links: Mapping[str, str] | None = None,
) -> Step:
    private = chip.options.tool == "ais_bench"
    step = Step(
        name=name,
        stage="infer" if stage == "infer" else "bench",
        title=title,
        image=chip.image,
        argv=argv,
        outputs=outputs,
        inputs={
            "engine": Made(convert_name(chip.target, batch), _engine(chip, batch)),
            # The chip's state is an input of what is measured: a chip in use stops the run early.
            "state": Made(before_name(chip.target)),
            **(inputs or {}),
        },
        # benchmark derives names of results from those of its inputs, so the engine keeps its name; ais_bench refuses
        # links, and takes the engine where it is.
        links={} if private else {_engine(chip, batch): "{in:engine}", **(links or {})},
        timed=True,
        root=chip.options.root and not private,
        private=private,
    )
    return chip.on_device(step, batch)


def _metrics(chip: _ChipContext, batch: int) -> Step:
    options = chip.options
    if options.tool == "ais_bench":
        folder, suffix = "result", 0
    else:
        folder, suffix = f"result/dumpOutput_device{chip.job.device}", 1
    if shards_of(chip.job) > 1:
        folder = "result"
    source = Made(infer_name(chip.target, batch), folder)
    return common.metrics(
        chip.job, metrics_name(chip.target, batch), source, form=options.output, suffix=suffix, batch=batch
    )
