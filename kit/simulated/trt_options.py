"""trtexec's command line, read as its source reads it (samples/common/sampleOptions.cpp of the 21.06 and later tags).

Arguments go into a multimap split at the first ``=``; each option takes its first match away; what is left over is
unknown. Booleans are true whatever their value; integers are read by ``std::stoi``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Arguments", "InvalidArgumentError", "Options", "OutOfRangeError", "Version", "parse_options", "version_of"]

Version = tuple[int, int, int]
Dims = list[int]


def version_of(text: str) -> Version:
    """``7.2.3`` or ``8.2.5.1`` as three numbers."""
    numbers = [int(number) for number in re.findall(r"\d+", text)][:3]
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return major, minor, patch


class InvalidArgumentError(Exception):
    """``std::invalid_argument``: printed as ``[E]``, then help, then FAILED."""


class OutOfRangeError(Exception):
    """``std::out_of_range``: nobody catches it, the program aborts."""


def stoi(text: str) -> int:
    """``std::stoi``: a prefix is enough (``1*100*64`` is 1)."""
    match = re.match(r"\s*[+-]?\d+", text, re.ASCII)
    if not match:
        raise InvalidArgumentError("stoi")
    value = int(match.group())
    if not -(2**31) <= value < 2**31:
        raise OutOfRangeError("stoi")
    return value


def stof(text: str) -> float:
    match = re.match(
        r"\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf(inity)?|nan)", text, re.ASCII | re.IGNORECASE
    )
    if not match:
        raise InvalidArgumentError("stof")
    return float(match.group())


def pieces(text: str, sign: str) -> list[str]:
    """Split as the source does: empty pieces in the middle stay, one at the end does not."""
    parts = text.split(sign)
    return parts[:-1] if parts[-1] == "" else parts


def name_and_value(text: str) -> tuple[str, str]:
    """Split at the last colon; without one the whole is name and value."""
    parts = pieces(text, ":")
    if not parts:
        return "", ""
    return (":".join(parts[:-1]), parts[-1]) if len(parts) > 1 else (parts[0], parts[0])


def shapes(text: str) -> dict[str, Dims]:
    """``name:1x3x224x224,name2:...``; single quotes in names are taken away."""
    result: dict[str, Dims] = {}
    for item in pieces(text, ","):
        name, value = name_and_value(item)
        result[name.replace("'", "")] = [stoi(size) for size in pieces(value, "x")]
    return result


class Arguments:
    """The multimap."""

    def __init__(self, argv: list[str]) -> None:
        self.items = [(word.partition("=")[0], word.partition("=")[2]) for word in argv]

    def take(self, *names: str) -> str | None:
        for name in names:
            for place, (key, value) in enumerate(self.items):
                if key == name:
                    del self.items[place]
                    return value
        return None

    def every(self, name: str) -> list[str]:
        found = [value for key, value in self.items if key == name]
        self.items = [item for item in self.items if item[0] != name]
        return found

    def text(self, name: str, default: str = "") -> str:
        value = self.take(name)
        return default if value is None else value

    def flag(self, name: str) -> bool:
        return self.take(name) is not None

    def number(self, name: str, default: int) -> int:
        value = self.take(name)
        return default if value is None else stoi(value)


@dataclass
class Options:
    """What trtexec prints back and works with."""

    format: str = "*"
    model: str = ""
    outputs: list[str] = field(default_factory=list)
    max_batch: int = 1
    workspace: int = 16
    pools: str = ""
    min_timing: int = 1
    avg_timing: int = 8
    fp16: bool = False
    int8: bool = False
    calibration: str = ""
    refit: bool = False
    safe: bool = False
    sparsity: str = ""
    save: str = ""
    load: str = ""
    builder_cache: bool = True
    nvtx: int = 0
    tactics: str = ""
    timing_cache: str = ""
    input_formats: list[str] = field(default_factory=list)
    output_formats: list[str] = field(default_factory=list)
    build_shapes: dict[str, list[Dims]] = field(default_factory=dict)
    calibration_shapes: dict[str, list[Dims]] = field(default_factory=dict)
    device: int = 0
    dla: int = -1
    fallback: bool = False
    plugins: list[str] = field(default_factory=list)
    batch: int = 1
    shapes: dict[str, Dims] = field(default_factory=dict)
    iterations: int = 10
    duration: int = 3
    warmup: int = 200
    sleep: int = 0
    idle: int = 0
    streams: int = 1
    overlap: bool = True
    transfers: bool = True
    spin: bool = False
    threads: bool = False
    graph: bool = False
    rerun: bool = False
    skip: bool = False
    time_deserialize: bool = False
    time_refit: bool = False
    inputs: dict[str, str] = field(default_factory=dict)
    verbose: bool = False
    averages: int = 10
    percentiles: list[float] = field(default_factory=list)
    dump_refit: bool = False
    dump_output: bool = False
    profile: bool = False
    export_times: str = ""
    export_output: str = ""
    export_profile: str = ""


def parse_options(args: Arguments, version: Version) -> Options:
    """Take everything known out of ``args``; order and cross-checks are the source's.

    Raises:
        InvalidArgumentError: the text after ``[E]``.
        OutOfRangeError: an integer does not fit.
    """
    options = Options()
    parse_model(args, options, version)
    parse_build(args, options, version)
    parse_system(args, options)
    parse_inference(args, options, version)
    cross_check(options)
    parse_reporting(args, options, version)
    if not options.load and options.format == "*":
        raise InvalidArgumentError("Model missing or format not recognized")
    if not options.load and options.format in {"Caffe", "UFF"} and options.max_batch == 0:
        raise InvalidArgumentError("Explicit batch size not supported for Caffe and Uff models")
    return options


def parse_model(args: Arguments, options: Options, version: Version) -> None:
    kinds = [("--onnx", "ONNX")] + ([("--uff", "UFF"), ("--model", "Caffe")] if version < (10, 0, 0) else [])
    for name, kind in kinds:
        value = args.take(name)
        if value is not None:
            options.format, options.model = kind, value
            break
    if version >= (10, 0, 0):
        return
    if options.format in {"*", "Caffe"} and args.take("--deploy") is not None:
        options.format = "Caffe"
    if options.format == "UFF":
        given = args.every("--uffInput")
        args.take("--uffNHWC")
        if not given:
            raise InvalidArgumentError("Uff models require at least one input")
        for item in given:
            parts = pieces(item, ",")
            if len(parts) != 4:
                raise InvalidArgumentError(f"Invalid uffInput {item}")
            for part in parts[1:]:
                stoi(part)
    if options.format in {"Caffe", "UFF"}:
        options.outputs = [name for item in args.every("--output") for name in pieces(item, ",")]
        if not options.outputs:
            raise InvalidArgumentError("Caffe and Uff models require at least one output")


def io_formats(text: str) -> list[str]:
    result = []
    for item in pieces(text, ","):
        kind, _, layouts = item.rpartition(":")
        if kind not in {"fp32", "fp16", "int32", "int8"}:
            raise InvalidArgumentError(f"Invalid DataType {kind}")
        for layout in layouts.split("+"):
            if layout not in {"chw", "chw2", "chw4", "hwc8", "chw16", "chw32", "dhwc8", "hwc"}:
                raise InvalidArgumentError(f"Invalid TensorFormat {layout}")
        result.append(item)
    return result


def ranges(args: Arguments, suffix: str) -> dict[str, list[Dims]]:
    """--minShapes, --optShapes and --maxShapes: all three, or opt alone."""
    texts = {kind: args.take(f"--{kind}Shapes{suffix}") for kind in ("min", "opt", "max")}
    parsed = {kind: shapes(text) for kind, text in texts.items() if text is not None}
    if parsed and set(parsed) not in ({"opt"}, {"min", "opt", "max"}):
        raise InvalidArgumentError(
            f"Must specify only --optShapes{suffix} or all of --minShapes{suffix}, --optShapes{suffix}, "
            f"--maxShapes{suffix}"
        )
    result: dict[str, list[Dims]] = {}
    for name in {name: None for each in parsed.values() for name in each}:
        opt = parsed["opt"].get(name, [])
        low, high = (parsed[kind].get(name, []) if kind in parsed else opt for kind in ("min", "max"))
        result[name] = [low, opt, high]
    return result


def parse_build(args: Arguments, options: Options, version: Version) -> None:
    """The builder's options."""
    options.input_formats = io_formats(args.text("--inputIOFormats"))
    options.output_formats = io_formats(args.text("--outputIOFormats"))
    explicit = args.flag("--explicitBatch") if version < (10, 0, 0) else False
    options.build_shapes = ranges(args, "")
    options.calibration_shapes = ranges(args, "Calib")
    explicit = explicit or bool(options.build_shapes)
    if version < (10, 0, 0):
        batch = args.number("--maxBatch", 0)
        if explicit and batch:
            raise InvalidArgumentError(f"Explicit batch or dynamic shapes enabled with implicit maxBatch {batch}")
        options.max_batch = 0 if explicit else batch or 1
        options.workspace = args.number("--workspace", options.workspace)
    else:
        options.max_batch = 0
    if version >= (8, 4, 0):
        options.pools = args.text("--memPoolSize")
    options.min_timing = args.number("--minTiming", options.min_timing)
    options.avg_timing = args.number("--avgTiming", options.avg_timing)
    best = args.flag("--best")
    options.refit = args.flag("--refit")
    args.take("--noTF32")
    options.fp16 = args.flag("--fp16") or best
    options.int8 = args.flag("--int8") or best
    options.safe = args.flag("--safe")
    options.calibration = args.text("--calib")
    if version >= (8, 0, 0):
        options.sparsity = args.text("--sparsity")
        if options.sparsity not in {"", "disable", "enable", "force"}:
            raise InvalidArgumentError(f"Unknown sparsity mode: {options.sparsity}")
        options.timing_cache = args.text("--timingCacheFile")
        for name in ("--noBuilderCache", "--directIO", "--profilingVerbosity", "--skipInference", "--consistency"):
            args.take(name)
    else:
        options.builder_cache = not args.flag("--noBuilderCache")
    mode = args.take("--nvtxMode")
    if mode not in {None, "", "default", "verbose", "none"}:
        raise InvalidArgumentError(f"Unknown nvtxMode: {mode}")
    options.nvtx = {"none": 1, "verbose": 2}.get(mode or "", 0)
    load, save = args.take("--loadEngine"), args.take("--saveEngine")
    if load is not None and save is not None:
        raise InvalidArgumentError("Incompatible load and save engine options selected")
    options.load, options.save = load or "", save or ""
    if version >= (7, 2, 0):
        options.tactics = tactic_sources(args.text("--tacticSources"))


def tactic_sources(text: str) -> str:
    shown = {}
    for item in pieces(text, ","):
        if item[:1] not in {"+", "-"}:
            raise InvalidArgumentError("Tactic conditional (+|-) is missing")
        name = item[1:].lower()
        if name not in {"cublas", "cublaslt", "cudnn"}:
            raise InvalidArgumentError(f"Unknown tactic source: {item[1:]}")
        shown[{"cublaslt": "cublasLt"}.get(name, name)] = "ON" if item[0] == "+" else "OFF"
    return "".join(f"{name} [{state}], " for name, state in shown.items())


def parse_system(args: Arguments, options: Options) -> None:
    options.device = args.number("--device", 0)
    options.dla = args.number("--useDLACore", -1)
    options.fallback = args.flag("--allowGPUFallback")
    options.plugins = args.every("--plugins")


def parse_inference(args: Arguments, options: Options, version: Version) -> None:
    options.streams = args.number("--streams", options.streams)
    options.iterations = args.number("--iterations", options.iterations)
    options.duration = args.number("--duration", options.duration)
    options.warmup = args.number("--warmUp", options.warmup)
    options.sleep = args.number("--sleepTime", options.sleep)
    options.overlap = not args.flag("--exposeDMA")
    options.spin = args.flag("--useSpinWait")
    options.threads = args.flag("--threads")
    options.graph = args.flag("--useCudaGraph")
    options.skip = args.flag("--buildOnly")
    if version >= (7, 2, 1):
        options.transfers = not args.flag("--noDataTransfers")
        options.rerun = args.flag("--separateProfileRun")
    if version >= (8, 0, 0):
        options.idle = args.number("--idleTime", 0)
        options.time_deserialize = args.flag("--timeDeserialize")
        options.time_refit = args.flag("--timeRefit")
    options.inputs = dict(name_and_value(item) for item in pieces(args.text("--loadInputs"), ","))
    options.shapes = shapes(args.text("--shapes"))
    batch = args.number("--batch", 0) if version < (10, 0, 0) else 0
    if options.shapes and batch:
        raise InvalidArgumentError(f"Explicit batch or dynamic shapes enabled with implicit batch {batch}")
    options.batch = 0 if options.shapes else batch or 1


def cross_check(options: Options) -> None:
    explicit = not options.max_batch
    if (explicit and options.batch not in {0, 1}) or (options.max_batch not in {0, 1} and not options.batch):
        raise InvalidArgumentError("Conflicting build and inference batch settings")
    if options.format == "ONNX":
        options.max_batch = 0
    if not options.build_shapes and options.shapes:
        options.build_shapes = {name: [dims, dims, dims] for name, dims in options.shapes.items()}
        options.max_batch = 0
    elif options.build_shapes and not options.shapes:
        options.shapes = {name: dims[1] for name, dims in options.build_shapes.items()}
    if not options.max_batch:
        options.batch = 0
    if options.max_batch and options.batch:
        if options.max_batch not in {1, options.batch} and options.max_batch < options.batch:
            raise InvalidArgumentError(
                f"Build max batch {options.max_batch} is less than inference batch {options.batch}"
            )
        options.max_batch = max(options.max_batch, options.batch)


def parse_reporting(args: Arguments, options: Options, version: Version) -> None:
    text = args.take("--percentile")
    many = version >= (8, 5, 0)
    options.percentiles = [90.0, 95.0, 99.0] if many else [99.0]
    if text is not None:
        options.percentiles = [stof(item) for item in pieces(text, ",")] if many else [stof(text)]
    for value in options.percentiles:
        if not 0 <= value <= 100:
            raise InvalidArgumentError(f"Percentile {value:f}is not in [0,100]")
    options.averages = args.number("--avgRuns", options.averages)
    options.verbose = args.flag("--verbose")
    options.dump_refit = args.flag("--dumpRefit")
    options.dump_output = args.flag("--dumpOutput")
    options.profile = args.flag("--dumpProfile")
    options.export_times = args.text("--exportTimes")
    options.export_output = args.text("--exportOutput")
    options.export_profile = args.text("--exportProfile")
    if version >= (8, 0, 0):
        for name in ("--dumpLayerInfo", "--exportLayerInfo"):
            args.take(name)
