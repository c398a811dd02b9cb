"""trtexec's command line by version: a table of options, read as samples/common/sampleOptions.cpp reads them.

Arguments go into a multimap split at the first ``=``; each option removes its first match; what remains is
unknown. Booleans are true whatever their value; integers are read by ``std::stoi``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .versions import Version

__all__ = [
    "HELP_GROUPS",
    "InvalidArgumentError",
    "Option",
    "Options",
    "OutOfRangeError",
    "dims_text",
    "options_of",
    "shapes",
    "stoi",
]

Dims = list[int]
_FIRST, _LAST = (0, 0, 0), (99, 0, 0)


class InvalidArgumentError(Exception):
    """``std::invalid_argument``: printed as ``[E]``, then help, then FAILED."""


class OutOfRangeError(Exception):
    """``std::out_of_range``: trtexec does not catch it, and aborts."""


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
    match = re.match(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII)
    if not match:
        raise InvalidArgumentError("stof")
    return float(match.group())


def dims_text(dims: Sequence[int]) -> str:
    """``1x3x224x224``."""
    return "x".join(map(str, dims))


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
    """``name:1x3x224x224,name2:...``; single quotes in names are removed."""
    result: dict[str, Dims] = {}
    for item in pieces(text, ","):
        name, value = name_and_value(item)
        result[name.replace("'", "")] = [stoi(size) for size in pieces(value, "x")]
    return result


#: What a kind of option makes of its text.
_READ: dict[str, Callable[[str], Any]] = {
    "flag": lambda _: True,
    "int": stoi,
    "text": str,
    "shapes": shapes,
    "files": lambda text: dict(name_and_value(item) for item in pieces(text, ",")),
}


@dataclass(frozen=True)
class Option:
    """One option: its kind, the versions that know it, and the warning that later ones give."""

    name: str
    kind: str  # flag, int, text, list, shapes, files
    default: Any = None
    since: Version = _FIRST
    before: Version = _LAST
    warned: Version = _LAST  # from this version on with the warning below
    warning: str = ""


def _flags(text: str, since: Version = _FIRST, before: Version = _LAST) -> list[Option]:
    return [Option(name, "flag", default=False, since=since, before=before) for name in text.split()]


def _texts(text: str, since: Version = _FIRST, before: Version = _LAST) -> list[Option]:
    return [Option(name, "text", "", since, before) for name in text.split()]


_WEAK = "Weakly-typed networks have been deprecated and will be removed in a future release."
_V8, _V10, _V1014, _V11 = (8, 0, 0), (10, 0, 0), (10, 14, 0), (11, 0, 0)

#: Options by heading of the help. What is known from 8.0 on is what 8.6 knows, the only 8 that is rehearsed.
HELP_GROUPS: dict[str, list[Option]] = {
    "Model": _texts("onnx"),
    "Build": [
        Option("maxBatch", "int", 0, before=_V10),
        Option("explicitBatch", "flag", False, _FIRST, _V10, _V8,
               "--explicitBatch flag has been deprecated and has no effect!"),
        *(Option(f"{kind}Shapes", "shapes") for kind in ("min", "opt", "max")),
        *_texts("minShapesCalib optShapesCalib maxShapesCalib calib precisionConstraints layerPrecisions"
                " layerOutputTypes", before=_V11),
        *_texts("inputIOFormats outputIOFormats nvtxMode tacticSources"),
        Option("workspace", "int", 16, _FIRST, _V10, _V8,
               "--workspace flag has been deprecated by --memPoolSize flag."),
        *_texts("memPoolSize", _V8),
        Option("minTiming", "int", 1, before=_V10),
        Option("avgTiming", "int", 8),
        *(Option(name, "flag", False, since, _V11, _V1014, _WEAK)
          for name, since in (("fp16", _FIRST), ("int8", _FIRST), ("best", _FIRST), ("bf16", _V10), ("fp8", _V8),
                              ("int4", _V10))),
        *_flags("noTF32 refit safe noBuilderCache"),
        *_texts("sparsity timingCacheFile profilingVerbosity builderOptimizationLevel maxAuxStreams"
                " hardwareCompatibilityLevel useRuntime preview maxTactics tilingOptimizationLevel"
                " allocationStrategy", _V8),
        *_flags("directIO versionCompatible vc stripWeights noCompilationCache errorOnTimingCacheMiss", _V8),
        *_flags("restricted", _V8, _V11), *_flags("heuristic", _V8, _V10), *_flags("stronglyTyped", _V10),
        *_texts("saveEngine loadEngine"),
        Option("buildOnly", "flag", False, _FIRST, _V10, _V8,
               "--buildOnly flag has been deprecated by --skipInference flag."),
        *_flags("skipInference", _V8),
    ],
    "Inference": [
        Option("batch", "int", 0, before=_V10),
        Option("shapes", "shapes"),
        Option("loadInputs", "files"),
        Option("iterations", "int", 10), Option("warmUp", "int", 200), Option("duration", "int", 3),
        Option("sleepTime", "int", 0), Option("idleTime", "int", 0, _V8),
        Option("streams", "int", 1, _FIRST, _LAST, _V8, "--streams flag has been deprecated by --infStreams flag."),
        Option("infStreams", "int", 1, _V8),
        *_flags("exposeDMA threads"),
        *(Option(name, "flag", False, _FIRST, _LAST, _V11, f"--{name} flag is deprecated and has no effect.")
          for name in ("noDataTransfers", "useSpinWait", "useCudaGraph", "separateProfileRun")),
        *_flags("includeDataTransfers noSpinWait noCudaGraph", _V11),
        *_flags("timeDeserialize timeRefit", _V8),
        *_texts("persistentCacheRatio", _V8), *_texts("profile useProfile weightStreamingBudget", _V10),
    ],
    "Reporting": [
        *_flags("verbose dumpRefit dumpOutput dumpProfile"), *_flags("dumpLayerInfo dumpRawBindingsToFile", _V8),
        *_flags("dumpOptimizationProfile", _V10),
        Option("avgRuns", "int", 10), *_texts("percentile exportTimes exportOutput exportProfile"),
        *_texts("exportLayerInfo", _V8),
    ],
    "System": [
        Option("device", "int", 0), Option("useDLACore", "int", -1), *_flags("allowGPUFallback"),
        Option("plugins", "list"), *(Option(f"{kind}Plugins", "list", since=_V8) for kind in ("static", "dynamic")),
    ],
    "Help": _flags("help h"),
}  # fmt: skip


@dataclass
class Options:
    """Values by option name, with what follows from several of them; ``unknown`` and ``warnings`` are for the log."""

    version: Version
    values: dict[str, Any]
    unknown: list[tuple[str, str]]
    warnings: list[str]
    build_shapes: dict[str, list[Dims]] = field(default_factory=dict)  # min, opt, max by input
    shapes: dict[str, Dims] = field(default_factory=dict)
    max_batch: int = 0
    batch: int = 0
    percentiles: list[float] = field(default_factory=list)

    def on(self, name: str) -> bool:
        return bool(self.values.get(name))

    def text(self, name: str) -> str:
        return str(self.values.get(name) or "")

    def number(self, name: str) -> int:
        return int(self.values.get(name) or 0)

    @property
    def transfers(self) -> bool:
        """Whether inputs and outputs are copied in the loop: from 11 on only with --includeDataTransfers."""
        return self.on("includeDataTransfers") if self.version >= _V11 else not self.on("noDataTransfers")

    @property
    def spin(self) -> bool:
        return not self.on("noSpinWait") if self.version >= _V11 else self.on("useSpinWait")

    @property
    def graph(self) -> bool:
        return not self.on("noCudaGraph") if self.version >= _V11 else self.on("useCudaGraph")

    @property
    def fp16(self) -> bool:
        return any(self.on(name) for name in ("fp16", "int8", "best", "bf16", "fp8", "int4"))

    @property
    def streams(self) -> int:
        return max(self.number("streams"), self.number("infStreams"), 1)

    @property
    def skip(self) -> bool:
        """Build the engine, and do not measure."""
        return self.on("buildOnly") or self.on("skipInference")


def taken(option: Option, items: list[tuple[str, str]]) -> Any:
    """The option's value, which is removed from the multimap."""
    key = f"-{option.name}" if option.name == "h" else f"--{option.name}"
    if option.kind == "list":
        found = [value for name, value in items if name == key]
        items[:] = [item for item in items if item[0] != key]
        return found
    place = next((place for place, (name, _) in enumerate(items) if name == key), None)
    if place is None:
        return option.default
    return _READ[option.kind](items.pop(place)[1])


def options_of(argv: list[str], version: Version) -> Options:
    """Read a command line; order and cross-checks are the source's.

    Raises:
        InvalidArgumentError: the text after ``[E]``.
        OutOfRangeError: an integer does not fit.
    """
    items = [(word.partition("=")[0], word.partition("=")[2]) for word in argv]
    names = {name for name, _ in items}
    known = [one for group in HELP_GROUPS.values() for one in group if one.since <= version < one.before]
    values = {one.name: taken(one, items) for one in known}
    warnings = [one.warning for one in known if f"--{one.name}" in names and version >= one.warned]
    options = Options(version, values, items, list(dict.fromkeys(warnings)))
    check_shapes(options)
    percentiles(options)
    if options.on("loadEngine") and options.on("saveEngine"):
        raise InvalidArgumentError("Incompatible load and save engine options selected")
    if not options.on("loadEngine") and "--onnx" not in names:
        raise InvalidArgumentError("Model missing or format not recognized")
    return options


def check_shapes(options: Options) -> None:
    """Profile, shapes and batch of a run from the six options that set them."""
    given = {kind: options.values[f"{kind}Shapes"] for kind in ("min", "opt", "max")}
    given = {kind: value for kind, value in given.items() if value is not None}
    if given and set(given) not in ({"opt"}, {"min", "opt", "max"}):
        raise InvalidArgumentError("Must specify only --optShapes or all of --minShapes, --optShapes, --maxShapes")
    for name in {name: None for value in given.values() for name in value}:
        opt = given["opt"].get(name, [])
        low, high = (given[kind].get(name, []) if kind in given else opt for kind in ("min", "max"))
        options.build_shapes[name] = [low, opt, high]
    options.shapes = options.values["shapes"] or {}
    batch, most = options.number("batch"), options.number("maxBatch")
    if options.on("onnx") and (batch or most) and options.version >= _V8:
        raise InvalidArgumentError(
            "The --batch and --maxBatch flags should not be used when the input model is ONNX or when dynamic shapes "
            "are provided. Please use --optShapes and --shapes to set input shapes instead."
        )
    if (options.on("explicitBatch") or options.build_shapes) and most:
        raise InvalidArgumentError(f"Explicit batch or dynamic shapes enabled with implicit maxBatch {most}")
    if options.shapes and batch:
        raise InvalidArgumentError(f"Explicit batch or dynamic shapes enabled with implicit batch {batch}")
    if (options.on("explicitBatch") or options.build_shapes) and batch not in {0, 1}:
        raise InvalidArgumentError("Conflicting build and inference batch settings")
    if options.shapes and not options.build_shapes:
        options.build_shapes = {name: [dims, dims, dims] for name, dims in options.shapes.items()}
    elif options.build_shapes and not options.shapes:
        options.shapes = {name: dims[1] for name, dims in options.build_shapes.items()}
    explicit = bool(options.on("onnx") or options.on("explicitBatch") or options.build_shapes)
    options.max_batch = 0 if explicit or options.version >= _V10 else max(most, batch, 1)
    options.batch = 0 if not options.max_batch else batch or 1


def percentiles(options: Options) -> None:
    many = options.version >= _V8
    options.percentiles = [90.0, 95.0, 99.0] if many else [99.0]
    text = options.text("percentile")
    if text:
        options.percentiles = [stof(item) for item in pieces(text, ",")] if many else [stof(text)]
    for value in options.percentiles:
        if not 0 <= value <= 100:
            raise InvalidArgumentError(f"Percentile {value:f}is not in [0,100]")
