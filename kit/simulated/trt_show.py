"""What trtexec prints before it works: the options block of each version, the device, the help."""

from __future__ import annotations

from .machine import SimulatedMachine
from .trt_options import HELP_GROUPS, Options, dims_text
from .versions import Version

__all__ = ["device_lines", "help_text", "option_lines"]

#: The options block. Before a bar: the major versions that print the line, from the first to before the second.
_BLOCK = """\
=== Model Options ===
Format: {format}
Model: {onnx}
Output:
=== Build Options ===
-10|Max batch: {max_batch}
8-|Memory Pools: {pools}
-8|Workspace: {workspace} MiB
-10|minTiming: {minTiming}
avgTiming: {avgTiming}
Precision: {precision}
8-11|LayerPrecisions: {none}
-11|Calibration: {calib}
Refit: {refit}
8-|Sparsity: {sparse}
Safe mode: {safe}
8-|DirectIO mode: {directIO}
8-|Skip inference: {skip}
Save engine: {saveEngine}
Load engine: {loadEngine}
-8|Builder Cache: {cache}
-8|NVTX verbosity: 0
8-|Profiling verbosity: 0
Tactic sources: {tactics}
8-|timingCacheMode: {cache_mode}
8-|timingCacheFile: {timingCacheFile}
{inputs}
{outputs}
{profiles}
Input calibration shapes: model
=== System Options ===
Device: {device}
DLACore: {none}
Plugins:{plugin_names}
=== Inference Options ===
Batch: {batch_shown}
{shapes_shown}
Iterations: {iterations}
Duration: {duration}s (+ {warmUp}ms warm up)
Sleep time: {sleepTime}ms
8-|Idle time: {idleTime}ms
8-|Inference Streams: {streams_shown}
-8|Streams: {streams_shown}
ExposeDMA: {exposeDMA}
Data transfers: {transfers}
Spin-wait: {spin}
Multithreading: {threads}
CUDA Graph: {graph}
-11|Separate profiling: {separateProfileRun}
8-|Time Deserialize: {timeDeserialize}
8-|Time Refit: {timeRefit}
-8|Skip inference: {skip}
Inputs:{files}
=== Reporting Options ===
Verbose: {verbose}
Averages: {avgRuns} inferences
-8|Percentile: {percentiles}
8-|Percentiles: {percentiles}
Dump refittable layers:{dumpRefit}
Dump output: {dumpOutput}
Profile: {dumpProfile}
Export timing to JSON file: {exportTimes}
Export output to JSON file: {exportOutput}
Export profile to JSON file: {exportProfile}
"""
#: Data of a Tesla T4's data sheet.
_DEVICE = """\
=== Device Information ===
Selected Device: {0.gpu}
Compute Capability: 7.5
SMs: 40
Compute Clock Rate: 1.59 GHz
Device Global Memory: {0.gpu_memory} MiB
Shared Memory per SM: 64 KiB
Memory Bus Width: 256 bits (ECC enabled)
Memory Clock Rate: 5.001 GHz
"""


def help_text(version: Version) -> str:
    """The options that this version knows, under the tool's headings; meanings are left to its manual."""
    forms = {"flag": "", "int": "=N", "text": "=<file>", "list": "=<file>", "shapes": "=spec", "files": "=spec"}
    lines = []
    for heading, options in HELP_GROUPS.items():
        lines.append(f"=== {heading} Options ===" if heading != "Help" else "=== Help ===")
        lines += [f"  --{one.name}{forms[one.kind]}" for one in options if one.since <= version < one.before]
        lines.append("")
    return "\n".join(lines)


def option_lines(options: Options, version: Version) -> list[str]:
    """The five blocks, a line each, without stamps."""
    values = {name: "" if value is None else shown(value) for name, value in options.values.items()}
    values |= computed(options, version)
    lines = []
    for line in _BLOCK.split("\n"):
        versions, bar, text = line.rpartition("|")
        first, _, end = versions.partition("-")
        if not bar or int(first or 0) <= version[0] < int(end or 99):
            lines += text.format_map(values).split("\n")
    return lines


def device_lines(machine: SimulatedMachine) -> list[str]:
    return _DEVICE.format(machine).split("\n")


def shown(value: object) -> object:
    return ("Enabled" if value else "Disabled") if isinstance(value, bool) else value


def computed(options: Options, version: Version) -> dict[str, object]:
    """What the block says that is not the value of one option."""
    profiles = [f"Input build shape: {name}={'+'.join(map(dims_text, p))}" for name, p in options.build_shapes.items()]
    shapes = [f"Input inference shape: {name}={dims_text(size)}" for name, size in options.shapes.items()]
    ports = {
        f"{port.lower()}s": f"{port}(s): {options.text(flag)}" if options.on(flag) else f"{port}(s)s format: fp32:CHW"
        for port, flag in (("Input", "inputIOFormats"), ("Output", "outputIOFormats"))
    }
    return {
        **ports,
        "none": "",
        "format": "ONNX" if options.on("onnx") else "*",
        "max_batch": options.max_batch or ("explicit batch" if version >= (8, 0, 0) else "explicit"),
        "pools": pools(options),
        "precision": precision(options, version),
        "sparse": {"enable": "Enabled", "force": "Forced"}.get(options.text("sparsity"), "Disabled"),
        "skip": shown(options.skip),
        "cache": shown(not options.on("noBuilderCache")),
        "tactics": options.text("tacticSources") or "Using default tactic sources",
        "cache_mode": "global" if options.text("timingCacheFile") else "local",
        "profiles": "\n".join(profiles or ["Input build shapes: model"]),
        "plugin_names": "".join(f" {plugin}" for plugin in options.values["plugins"]),
        "batch_shown": options.batch if options.batch and not options.shapes else "Explicit",
        "shapes_shown": "\n".join(shapes or ["Input inference shapes: model"]),
        "streams_shown": options.streams,
        "transfers": shown(options.transfers),
        "spin": shown(options.spin),
        "graph": shown(options.graph),
        "files": "".join(f"\n{name}<-{path}" for name, path in (options.values["loadInputs"] or {}).items()),
        "percentiles": ",".join(f"{value:g}" for value in options.percentiles),
    }


def pools(options: Options) -> str:
    given = dict(item.split(":", 1) for item in options.text("memPoolSize").split(",") if ":" in item)
    if options.number("workspace") not in {0, 16}:
        given.setdefault("workspace", str(options.number("workspace")))
    names = ("workspace", "dlaSRAM", "dlaLocalDRAM", "dlaGlobalDRAM")
    sizes = {name: text.rstrip("BKMG") + " MiB" for name, text in given.items()}
    return ", ".join(f"{name}: {sizes.get(name, 'default')}" for name in names)


def precision(options: Options, version: Version) -> str:
    if version >= (11, 0, 0) or options.on("stronglyTyped"):
        return "Strongly Typed"
    names = [name.upper() for name in ("fp16", "bf16", "int8", "fp8", "int4") if options.on(name)]
    if options.on("best"):
        names = ["FP16", "INT8"]
    return "+".join(["FP32", *names])
