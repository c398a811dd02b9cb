"""What trtexec prints before it works: the options block of each version, the device, the help."""

from __future__ import annotations

from .trt_options import Dims, Options, Version
from .world import World

__all__ = ["HELP", "device_lines", "option_lines"]

# Names and meanings, in the order of the four option groups; wording is ours.
HELP = """=== Model Options ===
  --uff=<file>                UFF model
  --onnx=<file>               ONNX model
  --model=<file>              Caffe model (default = no model, random weights used)
  --deploy=<file>             Caffe prototxt file
  --output=<name>[,<name>]*   Output names (may be repeated); required for UFF and Caffe
  --uffInput=<name>,X,Y,Z     Input name and dimensions of a UFF model
  --uffNHWC                   UFF inputs are NHWC

=== Build Options ===
  --maxBatch                  Max batch size of an implicit batch engine (default = 1)
  --explicitBatch             Use explicit batch sizes when building the engine (default = implicit)
  --minShapes=spec            Profile: min shapes
  --optShapes=spec            Profile: opt shapes
  --maxShapes=spec            Profile: max shapes
  --inputIOFormats=spec       Type and format of the input tensors (default = fp32:chw)
  --outputIOFormats=spec      Type and format of the output tensors (default = fp32:chw)
  --workspace=N               Workspace size in megabytes (default = 16)
  --noBuilderCache            Disable the timing cache of the builder
  --nvtxMode=mode             default|verbose|none
  --minTiming=M               Minimum number of iterations in kernel selection (default = 1)
  --avgTiming=M               Times averaged in each iteration of kernel selection (default = 8)
  --noTF32                    Disable tf32 precision
  --refit                     Mark the engine as refittable
  --fp16                      Enable fp16 precision, in addition to fp32 (default = disabled)
  --int8                      Enable int8 precision, in addition to fp32 (default = disabled)
  --best                      Enable all precisions
  --calib=<file>              INT8 calibration cache file
  --safe                      Only test the functionality available in safety restricted flows
  --saveEngine=<file>         Save the serialized engine
  --loadEngine=<file>         Load a serialized engine
  --tacticSources=tactics     (+|-)cublas|cublasLt[,...]

=== Inference Options ===
  --batch=N                   Batch size of implicit batch engines (default = 1)
  --shapes=spec               Input shapes, e.g. input0:1x3x256x256,input1:1x3x128x128
  --loadInputs=spec           Input values from files, name:file[,...]
  --iterations=N              Run at least N inference iterations (default = 10)
  --warmUp=N                  Warm up for N milliseconds before measuring (default = 200)
  --duration=N                Measure at least N seconds wallclock time (default = 3)
  --sleepTime=N               Delay inference start by N milliseconds (default = 0)
  --streams=N                 Use N streams (default = 1)
  --exposeDMA                 Serialize DMA transfers to and from device
  --noDataTransfers           Do not transfer data to and from the device during inference
  --useSpinWait               Actively synchronize on GPU events
  --threads                   Drive engines with independent threads
  --useCudaGraph              Capture the execution in a CUDA graph
  --separateProfileRun        Profile in a second run
  --buildOnly                 Skip inference measurement

=== Reporting Options ===
  --verbose                   Verbose logging
  --avgRuns=N                 Report averages over N consecutive iterations (default = 10)
  --percentile=P              Report performance at percentage P (default = 99%)
  --dumpRefit                 Print the refittable layers and weights
  --dumpOutput                Print the output tensors of the last iteration
  --dumpProfile               Print profile information per layer
  --exportTimes=<file>        Write the timing results in a json file
  --exportOutput=<file>       Write the output tensors to a json file
  --exportProfile=<file>      Write the profile per layer in a json file

=== System Options ===
  --device=N                  Select cuda device N (default = 0)
  --useDLACore=N              Select DLA core N
  --allowGPUFallback          With DLA, run unsupported layers on the GPU
  --plugins                   Plugin library (.so) to load, may be repeated

=== Help ===
  --help, -h                  Print this message
"""


def on(value: bool) -> str:
    return "Enabled" if value else "Disabled"


def dims(values: Dims) -> str:
    return "x".join(str(value) for value in values)


def option_lines(options: Options, version: Version) -> list[str]:
    """The four blocks, a line each, without stamps."""
    return [
        "=== Model Options ===",
        f"Format: {options.format}",
        f"Model: {options.model}",
        "Output:" + "".join(f" {name}" for name in options.outputs),
        *build_lines(options, version),
        "=== System Options ===",
        f"Device: {options.device}",
        "DLACore: " + (f"{options.dla}{'(With GPU fallback)' if options.fallback else ''}" if options.dla >= 0 else ""),
        "Plugins:" + "".join(f" {plugin}" for plugin in options.plugins),
        *inference_lines(options, version),
        *reporting_lines(options, version),
        "",
    ]


def build_lines(options: Options, version: Version) -> list[str]:
    explicit = "explicit batch" if version >= (8, 0, 0) else "explicit"
    lines = ["=== Build Options ==="]
    if version < (10, 0, 0):
        lines.append(f"Max batch: {options.max_batch or explicit}")
    if version >= (8, 4, 0):
        pools = dict(item.split(":", 1) for item in options.pools.split(",") if ":" in item)
        if options.workspace != 16:
            pools.setdefault("workspace", str(options.workspace))
        names = ("workspace", "dlaSRAM", "dlaLocalDRAM", "dlaGlobalDRAM")
        sizes = (f"{name}: {pools[name] + ' MiB' if name in pools else 'default'}" for name in names)
        lines.append(f"Memory Pools: {', '.join(sizes)}")
    else:
        lines.append(f"Workspace: {options.workspace} {'MiB' if version >= (7, 2, 0) else 'MB'}")
    precision = "FP32" + ("+FP16" if options.fp16 else "") + ("+INT8" if options.int8 else "")
    lines += [f"minTiming: {options.min_timing}", f"avgTiming: {options.avg_timing}", f"Precision: {precision}"]
    if version >= (8, 4, 0):
        lines.append("LayerPrecisions: ")
    lines.append(f"Calibration: {'Dynamic' if options.int8 and not options.calibration else options.calibration}")
    if version >= (7, 2, 0):
        lines.append(f"Refit: {on(options.refit)}")
    if version >= (8, 0, 0):
        mode = {"enable": "Enabled", "force": "Forced"}.get(options.sparsity, "Disabled")
        lines.append(f"Sparsity: {mode}")
    lines.append(f"Safe mode: {on(options.safe)}")
    if version >= (8, 2, 0):
        lines += ["DirectIO mode: Disabled", "Restricted mode: Disabled"]
    if version >= (8, 5, 0):
        lines.append(f"Build only: {on(options.skip)}")
    lines += [f"Save engine: {options.save}", f"Load engine: {options.load}"]
    if version < (8, 0, 0):
        lines.append(f"Builder Cache: {on(options.builder_cache)}")
    lines.append(f"{'Profiling' if version >= (8, 2, 0) else 'NVTX'} verbosity: {options.nvtx}")
    if version >= (7, 2, 0):
        lines.append(f"Tactic sources: {options.tactics or 'Using default tactic sources'}")
    if version >= (8, 0, 0):
        lines += [f"timingCacheMode: {'global' if options.timing_cache else 'local'}"]
        lines += [f"timingCacheFile: {options.timing_cache}"]
    if version >= (8, 5, 0):
        lines += ["Heuristic: Disabled", "Preview Features: Use default preview flags."]
    plural = "(s)" if version >= (7, 2, 0) else ""
    for label, formats in ((f"Input{plural}", options.input_formats), (f"Output{plural}", options.output_formats)):
        lines += [f"{label}: {item}" for item in formats] or [f"{label}s format: fp32:CHW"]
    for phase, profiles in (("build", options.build_shapes), ("calibration", options.calibration_shapes)):
        named = [f"Input {phase} shape: {name}={'+'.join(map(dims, profile))}" for name, profile in profiles.items()]
        lines += named or [f"Input {phase} shapes: model"]
    return lines


def inference_lines(options: Options, version: Version) -> list[str]:
    lines = ["=== Inference Options ==="]
    lines.append(f"Batch: {options.batch if options.batch and not options.shapes else 'Explicit'}")
    shown = [f"Input inference shape: {name}={dims(size)}" for name, size in options.shapes.items()]
    lines += shown or ["Input inference shapes: model"]
    lines += [
        f"Iterations: {options.iterations}",
        f"Duration: {options.duration}s (+ {options.warmup}ms warm up)",
        f"Sleep time: {options.sleep}ms",
    ]
    if version >= (8, 0, 0):
        lines.append(f"Idle time: {options.idle}ms")
    lines += [f"Streams: {options.streams}", f"ExposeDMA: {on(not options.overlap)}"]
    if version >= (7, 2, 1):
        lines.append(f"Data transfers: {on(options.transfers)}")
    lines += [
        f"Spin-wait: {on(options.spin)}",
        f"Multithreading: {on(options.threads)}",
        f"CUDA Graph: {on(options.graph)}",
    ]
    if version >= (7, 2, 1):
        lines.append(f"Separate profiling: {on(options.rerun)}")
    if version >= (8, 0, 0):
        lines += [f"Time Deserialize: {on(options.time_deserialize)}", f"Time Refit: {on(options.time_refit)}"]
    if version >= (8, 5, 0):
        lines += ["NVTX verbosity: 0", "Persistent Cache Ratio: 0"]
    else:
        lines.append(f"Skip inference: {on(options.skip)}")
    return [*lines, "Inputs:", *(f"{name}<-{path}" for name, path in options.inputs.items())]


def reporting_lines(options: Options, version: Version) -> list[str]:
    label = "Percentiles" if version >= (8, 5, 0) else "Percentile"
    return [
        "=== Reporting Options ===",
        f"Verbose: {on(options.verbose)}",
        f"Averages: {options.averages} inferences",
        f"{label}: {','.join(f'{value:g}' for value in options.percentiles)}",
        f"Dump refittable layers:{on(options.dump_refit)}",
        f"Dump output: {on(options.dump_output)}",
        f"Profile: {on(options.profile)}",
        f"Export timing to JSON file: {options.export_times}",
        f"Export output to JSON file: {options.export_output}",
        f"Export profile to JSON file: {options.export_profile}",
    ]


def device_lines(machine: World) -> list[str]:
    """The device block: data of a Tesla T4's data sheet."""
    memory = 15360 if int(machine.nvidia_driver.split(".")[0]) >= 520 else 15109
    return [
        "=== Device Information ===",
        f"Selected Device: {machine.gpu}",
        "Compute Capability: 7.5",
        "SMs: 40",
        "Compute Clock Rate: 1.59 GHz",
        f"Device Global Memory: {memory} MiB",
        "Shared Memory per SM: 64 KiB",
        "Memory Bus Width: 256 bits (ECC enabled)",
        "Memory Clock Rate: 5.001 GHz",
        "",
    ]
