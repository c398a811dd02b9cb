"""What trtexec prints before it works: the options block of each version, the device, the help."""

from __future__ import annotations

from .machine import SimulatedMachine
from .trt_options import HELP_GROUPS, Options
from .versions import Version

__all__ = ["device_lines", "help_text", "option_lines"]

_ALWAYS: tuple[Version, Version] = ((0, 0, 0), (99, 0, 0))
Row = tuple[str, object, Version, Version]


def help_text(version: Version) -> str:
    """The options that this version knows, under the tool's headings; meanings are left to its manual."""
    forms = {"flag": "", "int": "=N", "text": "=<file>", "list": "=<file>", "shapes": "=spec", "files": "=spec"}
    lines = []
    for heading, options in HELP_GROUPS.items():
        lines.append(f"=== {heading} Options ===" if heading != "Help" else "=== Help ===")
        lines += [f"  --{one.name}{forms[one.kind]}" for one in options if one.since <= version < one.before]
        lines.append("")
    return "\n".join(lines)


def on(value: bool) -> str:
    return "Enabled" if value else "Disabled"


def dims(values: list[int]) -> str:
    return "x".join(str(value) for value in values)


def row(label: str, value: object, since: Version = _ALWAYS[0], before: Version = _ALWAYS[1]) -> Row:
    return label, value, since, before


def shown(rows: list[Row], version: Version) -> list[str]:
    return [f"{label}: {value}" for label, value, since, before in rows if since <= version < before]


def option_lines(options: Options, version: Version) -> list[str]:
    """The five blocks, a line each, without stamps."""
    return [
        "=== Model Options ===",
        f"Format: {'ONNX' if options.on('onnx') else '*'}",
        f"Model: {options.text('onnx')}",
        "Output:",
        *build_lines(options, version),
        "=== System Options ===",
        f"Device: {options.number('device')}",
        "DLACore: ",
        "Plugins:" + "".join(f" {plugin}" for plugin in options.values["plugins"] or ()),
        *inference_lines(options, version),
        *reporting_lines(options, version),
        "",
    ]


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


def build_lines(options: Options, version: Version) -> list[str]:
    v8, v10, v11 = (8, 0, 0), (10, 0, 0), (11, 0, 0)
    explicit = "explicit batch" if version >= v8 else "explicit"
    lines = shown(
        [
            row("Max batch", options.max_batch or explicit, before=v10),
            row("Memory Pools", pools(options), since=v8),
            row("Workspace", f"{options.number('workspace')} MiB", before=v8),
            row("minTiming", options.number("minTiming"), before=v10),
            row("avgTiming", options.number("avgTiming")),
            row("Precision", precision(options, version)),
            row("LayerPrecisions", "", v8, v11),
            row("Calibration", options.text("calib"), before=v11),
            row("Refit", on(options.on("refit"))),
            row("Sparsity", {"enable": "Enabled", "force": "Forced"}.get(options.text("sparsity"), "Disabled"), v8),
            row("Safe mode", on(options.on("safe"))),
            row("DirectIO mode", on(options.on("directIO")), v8),
            row("Skip inference", on(options.skip), v8),
            row("Save engine", options.text("saveEngine")),
            row("Load engine", options.text("loadEngine")),
            row("Builder Cache", on(not options.on("noBuilderCache")), before=v8),
            row("NVTX verbosity" if version < v8 else "Profiling verbosity", 0),
            row("Tactic sources", options.text("tacticSources") or "Using default tactic sources"),
            row("timingCacheMode", "global" if options.text("timingCacheFile") else "local", v8),
            row("timingCacheFile", options.text("timingCacheFile"), v8),
        ],
        version,
    )
    for label, name in (("Input(s)", "inputIOFormats"), ("Output(s)", "outputIOFormats")):
        lines.append(f"{label}: {options.text(name)}" if options.on(name) else f"{label}s format: fp32:CHW")
    profiles = [f"Input build shape: {name}={'+'.join(map(dims, p))}" for name, p in options.build_shapes.items()]
    return [
        "=== Build Options ===",
        *lines,
        *(profiles or ["Input build shapes: model"]),
        "Input calibration shapes: model",
    ]


def inference_lines(options: Options, version: Version) -> list[str]:
    v8, v11 = (8, 0, 0), (11, 0, 0)
    named = [f"Input inference shape: {name}={dims(size)}" for name, size in options.shapes.items()]
    return [
        "=== Inference Options ===",
        f"Batch: {options.batch if options.batch and not options.shapes else 'Explicit'}",
        *(named or ["Input inference shapes: model"]),
        *shown(
            [
                row("Iterations", options.number("iterations")),
                row("Duration", f"{options.number('duration')}s (+ {options.number('warmUp')}ms warm up)"),
                row("Sleep time", f"{options.number('sleepTime')}ms"),
                row("Idle time", f"{options.number('idleTime')}ms", v8),
                row("Inference Streams" if version >= v8 else "Streams", options.streams),
                row("ExposeDMA", on(options.on("exposeDMA"))),
                row("Data transfers", on(options.transfers)),
                row("Spin-wait", on(options.spin)),
                row("Multithreading", on(options.on("threads"))),
                row("CUDA Graph", on(options.graph)),
                row("Separate profiling", on(options.on("separateProfileRun")), before=v11),
                row("Time Deserialize", on(options.on("timeDeserialize")), v8),
                row("Time Refit", on(options.on("timeRefit")), v8),
                row("Skip inference", on(options.skip), before=v8),
            ],
            version,
        ),
        "Inputs:",
        *(f"{name}<-{path}" for name, path in (options.values["loadInputs"] or {}).items()),
    ]


def reporting_lines(options: Options, version: Version) -> list[str]:
    label = "Percentiles" if version >= (8, 0, 0) else "Percentile"
    return [
        "=== Reporting Options ===",
        f"Verbose: {on(options.on('verbose'))}",
        f"Averages: {options.number('avgRuns')} inferences",
        f"{label}: {','.join(f'{value:g}' for value in options.percentiles)}",
        f"Dump refittable layers:{on(options.on('dumpRefit'))}",
        f"Dump output: {on(options.on('dumpOutput'))}",
        f"Profile: {on(options.on('dumpProfile'))}",
        f"Export timing to JSON file: {options.text('exportTimes')}",
        f"Export output to JSON file: {options.text('exportOutput')}",
        f"Export profile to JSON file: {options.text('exportProfile')}",
    ]


def device_lines(machine: SimulatedMachine) -> list[str]:
    """The device block: data of a Tesla T4's data sheet."""
    return [
        "=== Device Information ===",
        f"Selected Device: {machine.gpu}",
        "Compute Capability: 7.5",
        "SMs: 40",
        "Compute Clock Rate: 1.59 GHz",
        f"Device Global Memory: {machine.gpu_memory} MiB",
        "Shared Memory per SM: 64 KiB",
        "Memory Bus Width: 256 bits (ECC enabled)",
        "Memory Clock Rate: 5.001 GHz",
        "",
    ]
