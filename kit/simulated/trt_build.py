"""Parsing and building of trtexec: from an ONNX file to a plan, with the parser's and the builder's failures."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from .engine import Engine, EngineError
from .onnxwire import Model, Port, WireError, read_model, with_input_shapes
from .trt_log import Console
from .trt_options import Dims, Options, Version
from .trt_plan import Plan
from .world import World, mark

__all__ = ["Builder", "FailedError", "die"]

NUMPY_NAMES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}


class FailedError(Exception):
    """A build or set-up failed; its ``[E]`` lines are printed."""


class Builder:
    """What building needs to know of the machine; the program itself derives from it."""

    def __init__(self, machine: World, version: Version, console: Console, *, strict_static: bool) -> None:
        self.machine, self.version, self.console, self.strict_static = machine, version, console, strict_static

    def fail(self, *lines: str) -> FailedError:
        """Print errors and the wrapper lines that follow a failed build, in the words of the version."""
        for line in lines:
            self.console.error(line)
        if self.version >= (8, 4, 0):
            self.console.error("Failed to create engine from model or file.")
        elif self.version >= (8, 2, 0):
            self.console.error("Failed to create engine from model.")
        else:
            self.console.error("Engine creation failed" if self.version >= (7, 1, 0) else "Engine could not be created")
        self.console.error("Engine set up failed")
        return FailedError()

    def build(self, options: Options) -> Plan:
        """Parse the ONNX file and make a plan for the profile."""
        started = time.perf_counter()
        if options.format != "ONNX":
            mark(f"{options.format} models are not rehearsed: ONNX only")
            raise self.fail("Parsing model failed")
        data, model = self.parse(options)
        profile = self.profile(options, model)
        if self.machine.has("trt-cuda-35"):
            raise self.fail(
                "[TRT] CUDA initialization failure with error 35. Please check your CUDA installation:  "
                "http://docs.nvidia.com/cuda/cuda-installation-guide-linux/index.html"
            )
        if self.machine.has("trt-killed"):
            die(signal.SIGKILL)
        if options.workspace < 128 or self.machine.has("trt-small-workspace"):
            self.console.trt(
                "Some tactics do not have sufficient workspace memory to run. Increasing workspace size may increase "
                "performance, please check verbose output."
            )
        self.tactics(model)
        shapes = {name: tuple(sizes[1]) for name, sizes in profile.items()}
        plan = Plan(
            version=self.machine.tensorrt,
            compute="7.5",
            fp16=options.fp16 or options.int8,
            inputs=[
                {"name": port.name, "dims": list(port.dims), "dtype": NUMPY_NAMES.get(port.elem_type, "float32")}
                for port in model.inputs
            ],
            outputs=[port.name for port in model.outputs],
            profile=profile,
            layers=[node.name or node.op for node in model.nodes],
            onnx=data,
        )
        try:
            engine = Engine(with_input_shapes(data, shapes), fp16=plan.fp16)
            engine(engine.zeros({port.name: shapes.get(port.name, port.dims) for port in model.inputs}))
        except EngineError as error:
            mark(str(error))
            raise self.fail(
                f"[TRT] Network must have at least one output that can be computed: {model.outputs[0].name}"
            ) from error
        self.console.trt(f"Detected {len(model.inputs)} inputs and {len(model.outputs)} output network tensors.")
        if self.version >= (7, 2, 0):
            self.console.info(f"Engine built in {time.perf_counter() - started:g} sec.")
        return plan

    def parse(self, options: Options) -> tuple[bytes, Model]:
        path = options.model
        try:
            data = Path(path).read_bytes()
            model = read_model(data)
            if model.external:
                raise WireError("external weights are not supported by the stand-in")
        except (OSError, WireError) as error:
            mark(f"{path}: {error}")
            raise self.fail(
                f"[TRT] ModelImporter.cpp:647: Failed to parse ONNX model from file: {path}",
                "Failed to parse onnx file",
                "Parsing model failed",
            ) from error
        rule = "-" * 64
        header = [
            rule,
            f"Input filename:   {path}",
            f"ONNX IR version:  0.0.{model.ir_version}",
            f"Opset version:    {model.opset}",
            f"Producer name:    {model.producer_name}",
            f"Producer version: {model.producer_version}",
            f"Domain:           {model.domain}",
            f"Model version:    {model.model_version}",
            f"Doc string:       {model.doc}",
            rule,
        ]
        if self.version < (7, 2, 2) or self.machine.has("trt-raw-header"):
            print("\n".join(header))
        else:
            self.console.trt(*header)
        if model.int64_weights:
            self.console.warning(
                "[TRT] onnx2trt_utils.cpp:220: Your ONNX model has been generated with INT64 weights, while TensorRT "
                "does not natively support INT64. Attempting to cast down to INT32."
            )
        foreign = next((node for node in model.nodes if node.domain not in {"", "ai.onnx"}), None)
        if foreign or self.machine.has("trt-unsupported-op"):
            node = foreign or model.nodes[0]
            self.console.trt(
                f"No importer registered for op: {node.op}. Attempting to import as plugin.",
                f"Searching for plugin: {node.op}, plugin_version: 1, plugin_namespace: ",
            )
            place = model.nodes.index(node)
            raise self.fail(
                f"[TRT] INVALID_ARGUMENT: getPluginCreator could not find plugin {node.op} version 1",
                f'[TRT] ModelImporter.cpp:685: While parsing node number {place} [{node.op} -> "{node.outputs[0]}"]:',
                "[TRT] ModelImporter.cpp:690: ERROR: builtin_op_importers.cpp:3775 In function "
                'importFallbackPluginImporter:\n[8] Assertion failed: creator && "Plugin not found, are the plugin '
                'name, version, and namespace correct?"',
                "Failed to parse onnx file",
                "Parsing model failed",
            )
        return data, model

    def profile(self, options: Options, model: Model) -> dict[str, list[Dims]]:
        """min, opt and max of each dynamic input; names that match none are ignored, in silence."""
        dynamic = [port for port in model.inputs if port.dynamic]
        if not dynamic and options.shapes and self.strict_static:
            raise self.fail(
                "Static model does not take explicit shapes since the shape of inference tensors will be determined by "
                "the model itself"
            )
        result: dict[str, list[Dims]] = {}
        for port in dynamic:
            given = options.build_shapes.get(port.name)
            if given is None:
                result[port.name] = [self.override(port)] * 3
                continue
            for kind, dims in zip(("MIN", "OPT", "MAX"), given, strict=True):
                if len(dims) != len(port.dims) or any(size < 0 for size in dims):
                    raise self.fail(f"Error in set dimensions to profile {kind}")
            low, opt, high = given
            for axis, size in enumerate(port.dims):
                sizes = low[axis], opt[axis], high[axis]
                if not sizes[0] <= sizes[1] <= sizes[2]:
                    raise self.fail("Required optimization profile is invalid")
                if size > 0 and sizes != (size, size, size):
                    raise self.fail(
                        f"[TRT] {port.name}: for dimension number {axis} in profile 0 does not match network "
                        f"definition (got min={sizes[0]}, opt={sizes[1]}, max={sizes[2]}), "
                        f"expected min=opt=max={size})."
                    )
            result[port.name] = given
        return result

    def override(self, port: Port) -> Dims:
        dims = [size if size > 0 else 1 for size in port.dims]
        self.console.warning(
            f"Dynamic dimensions required for input: {port.name}, but no shapes were provided. Automatically "
            f"overriding shape to: {'x'.join(map(str, dims))}"
        )
        return dims

    def tactics(self, model: Model) -> None:
        node = model.nodes[0].name or model.nodes[0].op
        if self.machine.has("trt-no-tactic"):
            if self.version >= (8, 0, 0):
                raise self.fail(
                    "Error[10]: [optimizer.cpp::computeCosts::2011] Error Code 10: Internal Error (Could not find any "
                    f"implementation for node {node}.)"
                )
            raise self.fail(
                "[TRT] Try increasing the workspace size with IBuilderConfig::setMaxWorkspaceSize() if using "
                "IBuilder::buildEngineWithConfig, or IBuilder::setMaxWorkspaceSize() if using "
                "IBuilder::buildCudaEngine.",
                "[TRT] ../builder/tacticOptimizer.cpp (1820) - TRTInternal Error in computeCosts: 0 (Could not find "
                f"any implementation for node {node}.)",
            )
        if self.machine.has("trt-out-of-memory"):
            if self.version >= (8, 0, 0):
                raise self.fail(
                    "Error[1]: [defaultAllocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)"
                )
            self.console.warning(f"[TRT] GPU memory allocation error during getBestTactic: {node}")
            raise self.fail("[TRT] ../rtSafe/safeRuntime.cpp (25) - Cuda Error in allocate: 2 (out of memory)")


def die(number: signal.Signals) -> None:
    """End by a signal, as a crash or the kernel's OOM killer ends a process."""
    import resource

    sys.stdout.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    os.kill(os.getpid(), number)
    time.sleep(10)
