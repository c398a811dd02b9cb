"""Parsing and building of trtexec: from an ONNX file to a plan, with the parser's and the builder's failures."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from .engine import StandInEngine, StandInError
from .machine import SimulatedMachine, end_by, mark
from .models import ModelError, StandInModel, read_model, with_input_shapes
from .trt_log import Console
from .trt_options import Options, dims_text
from .trt_plan import EnginePlan
from .versions import Version

__all__ = ["STATIC_MODEL", "Builder", "FailedError"]

STATIC_MODEL = (
    "Static model does not take explicit shapes since the shape of inference tensors will be determined by the model "
    "itself"
)
_CUDA_35 = (
    "[TRT] CUDA initialization failure with error 35. Please check your CUDA installation:  "
    "http://docs.nvidia.com/cuda/cuda-installation-guide-linux/index.html"
)
#: What a fault prints while the engine is built: in 7.x, and from 8.0 on.
_WORKSPACE_7 = (
    "[TRT] Try increasing the workspace size with IBuilderConfig::setMaxWorkspaceSize() if using "
    "IBuilder::buildEngineWithConfig, or IBuilder::setMaxWorkspaceSize() if using IBuilder::buildCudaEngine."
)
_TACTIC = "Could not find any implementation for node {node}.)"
_INJECTED = {
    "trt-cuda-35": ((_CUDA_35,), (_CUDA_35,)),
    "trt-no-tactic": (
        (
            _WORKSPACE_7,
            f"[TRT] ../builder/tacticOptimizer.cpp (1820) - TRTInternal Error in computeCosts: 0 ({_TACTIC}",
        ),
        (f"Error[10]: [optimizer.cpp::computeCosts::2011] Error Code 10: Internal Error ({_TACTIC}",),
    ),
    "trt-out-of-memory": (
        ("[TRT] ../rtSafe/safeRuntime.cpp (25) - Cuda Error in allocate: 2 (out of memory)",),
        ("Error[1]: [defaultAllocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)",),
    ),
}


class FailedError(Exception):
    """A build or set-up failed; its ``[E]`` lines are printed."""


class Builder:
    """What building needs to know of the machine; the program itself derives from it."""

    def __init__(self, machine: SimulatedMachine, version: Version, console: Console) -> None:
        self.machine, self.version, self.console = machine, version, console

    def failed(self, *lines: str) -> FailedError:
        """Print errors; the exception is for the caller to raise."""
        for line in lines:
            self.console.error(line)
        return FailedError()

    def fail(self, *lines: str) -> FailedError:
        """Print errors and the wrapper lines that follow a failed build, in the words of the version."""
        old = self.version < (8, 0, 0)
        wrapper = "Engine creation failed" if old else "Failed to create engine from model or file."
        return self.failed(*lines, wrapper, "Engine set up failed")

    def build(self, options: Options) -> EnginePlan:
        """Parse the ONNX file and make a plan for the profile."""
        started = time.perf_counter()
        model = self.parse(options.text("onnx"))
        if self.version >= (8, 0, 0):
            self.console.info(f"Finished parsing network model. Parse time: {time.perf_counter() - started:g}")
        profile = self.profile(options, model)
        self.inject(model)
        shapes = {name: sizes[1] for name, sizes in profile.items()}
        plan = EnginePlan(
            version=self.machine.tensorrt,
            fp16=options.fp16,
            inputs=list(map(vars, model.inputs)),
            outputs=list(map(vars, model.outputs)),
            profile=profile,
            onnx=model.content(),
        )
        try:
            engine = StandInEngine(with_input_shapes(model, shapes).content(), fp16=plan.fp16)
            engine(engine.zeros({port.name: tuple(shapes.get(port.name, port.dims)) for port in model.inputs}))
        except StandInError as error:
            mark(str(error))
            raise self.fail(
                f"[TRT] Network must have at least one output that can be computed: {model.outputs[0].name}"
            ) from error
        self.console.trt(f"Detected {len(model.inputs)} inputs and {len(model.outputs)} output network tensors.")
        self.console.info(f"Engine built in {time.perf_counter() - started:g} sec.")
        if self.version >= (10, 0, 0):
            self.console.info(f"Created engine with size: {len(plan.onnx) / 2**20:g} MiB")
        return plan

    def parse(self, path: str) -> StandInModel:
        failed = ("Failed to parse onnx file", "Parsing model failed")
        try:
            model = read_model(Path(path))
        except (OSError, ModelError) as error:
            mark(f"{path}: {error}")
            raise self.fail(
                f"[TRT] ModelImporter.cpp:647: Failed to parse ONNX model from file: {path}", *failed
            ) from error
        proto, rule = model.proto, "-" * 64
        header = (
            rule,
            f"Input filename:   {path}",
            f"ONNX IR version:  0.0.{proto.ir_version}",
            f"Opset version:    {model.opset}",
            f"Producer name:    {proto.producer_name}",
            f"Producer version: {proto.producer_version}",
            f"Domain:           {proto.domain}",
            f"Model version:    {proto.model_version}",
            f"Doc string:       {proto.doc_string}",
            rule,
        )
        self.console.trt(*header)
        if model.int64_weights and self.version < (10, 0, 0):
            self.console.warning(
                "[TRT] onnx2trt_utils.cpp:220: Your ONNX model has been generated with INT64 weights, while TensorRT "
                "does not natively support INT64. Attempting to cast down to INT32."
            )
        node = model.nodes[0] if self.machine.has("trt-unsupported-op") else model.foreign
        if node is not None:
            self.console.trt(
                f"No importer registered for op: {node.op_type}. Attempting to import as plugin.",
                f"Searching for plugin: {node.op_type}, plugin_version: 1, plugin_namespace: ",
            )
            raise self.fail(
                f"[TRT] INVALID_ARGUMENT: getPluginCreator could not find plugin {node.op_type} version 1",
                f"[TRT] ModelImporter.cpp:685: While parsing node number {model.nodes.index(node)} [{node.op_type} -> "
                f'"{node.output[0]}"]:',
                *failed,
            )
        return model

    def profile(self, options: Options, model: StandInModel) -> dict[str, list[list[int]]]:
        """min, opt and max of each dynamic input; names that match none are ignored, in silence."""
        dynamic = [port for port in model.inputs if port.dynamic]
        if not dynamic and options.shapes and self.version >= (8, 0, 0):
            raise self.fail(STATIC_MODEL)
        result: dict[str, list[list[int]]] = {}
        for port in dynamic:
            given = options.build_shapes.get(port.name)
            if given is None:
                result[port.name] = [self.override(port.name, port.dims)] * 3
                continue
            for kind, dims in zip(("MIN", "OPT", "MAX"), given, strict=True):
                if len(dims) != len(port.dims) or any(size < 0 for size in dims):
                    raise self.fail(f"Error in set dimensions to profile {kind}")
            for axis, size in enumerate(port.dims):
                low, opt, high = (dims[axis] for dims in given)
                if not low <= opt <= high:
                    raise self.fail("Required optimization profile is invalid")
                if size > 0 and (low, opt, high) != (size, size, size):
                    raise self.fail(
                        f"[TRT] {port.name}: for dimension number {axis} in profile 0 does not match network "
                        f"definition (got min={low}, opt={opt}, max={high}), expected min=opt=max={size})."
                    )
            result[port.name] = given
        return result

    def override(self, name: str, compiled: Sequence[int]) -> list[int]:
        dims = [size if size > 0 else 1 for size in compiled]
        self.console.warning(
            f"Dynamic dimensions required for input: {name}, but no shapes were provided. Automatically "
            f"overriding shape to: {dims_text(dims)}"
        )
        return dims

    def inject(self, model: StandInModel) -> None:
        """Failures of the builder that cannot be caused here."""
        if self.machine.has("trt-killed"):
            end_by(signal.SIGKILL)
        node = model.nodes[0].name or model.nodes[0].op_type
        for fault, (old, new) in _INJECTED.items():
            if self.machine.has(fault):
                raise self.fail(*(line.format(node=node) for line in (new if self.version >= (8, 0, 0) else old)))
