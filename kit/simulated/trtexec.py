"""trtexec: 7.2.3 by default, other versions by ``KIT_SIM_TENSORRT``; it runs plans on the CPU."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from pathlib import Path

import numpy as np

from .devices import device_indices
from .engine import StandInError
from .machine import SimulatedMachine, end_by, mark, this_machine
from .nvidia_smi import failure
from .trt_build import STATIC_MODEL, Builder, FailedError
from .trt_log import Console
from .trt_measure import Measured, export_output, fill, measure, show_output
from .trt_options import InvalidArgumentError, Options, OutOfRangeError, dims_text, options_of
from .trt_plan import EnginePlan, PlanError, read_plan, write_plan
from .trt_report import export_times, report
from .trt_show import device_lines, help_text, option_lines
from .versions import version_of

__all__ = ["main"]


def main(program: str, argv: list[str]) -> int:
    """Run trtexec; 0 passed, 1 failed, 134 where CUDA gives up."""
    return Trtexec(this_machine(), [program, *argv]).run()


class Trtexec(Builder):
    """One run."""

    def __init__(self, machine: SimulatedMachine, argv: list[str]) -> None:
        version = version_of(machine.tensorrt)
        super().__init__(machine, version, Console(version, argv))
        self.argv = argv[1:]

    def run(self) -> int:
        self.console.start()
        if not self.argv or any(word.partition("=")[0] in {"--help", "-h"} for word in self.argv):
            sys.stdout.write(help_text(self.version))
            return 0 if self.argv else self.console.end(passed=True)
        mark(f"trtexec {self.machine.tensorrt}: the CPU computes, the times are the CPU's")
        try:
            options = options_of(self.argv, self.version)
        except InvalidArgumentError as error:
            return self.usage([str(error)])
        except OutOfRangeError:
            print(
                "terminate called after throwing an instance of 'std::out_of_range'\n  what():  stoi", file=sys.stderr
            )
            end_by(signal.SIGABRT)
        if options.unknown:
            return self.usage([f"Unknown option: {name} {value}" for name, value in options.unknown])
        for line in options.warnings:
            self.console.warning(line)
        self.console.info(*option_lines(options, self.version))
        self.device(options)
        try:
            return self.work(options)
        except FailedError:
            return self.console.end(passed=False)

    def usage(self, errors: list[str]) -> int:
        """The errors and the help; later versions print the help first."""
        late = self.version >= (8, 0, 0)
        if late:
            sys.stdout.write(help_text(self.version))
        for line in errors:
            self.console.error(line)
        if not late:
            sys.stdout.write(help_text(self.version))
        return self.console.end(passed=False)

    def device(self, options: Options) -> None:
        """Select the GPU; CUDA errors end the program without a last ``&&&&`` line."""
        problem = ""
        _, status = failure(self.machine)
        if self.machine.has("trt-cuda-abort") or status in {9, 18}:
            problem = "CUDA driver version is insufficient for CUDA runtime version"
        elif status:
            problem = "no CUDA-capable device is detected"
        elif not 0 <= options.number("device") < len(device_indices(self.machine, "nvidia")):
            # CUDA counts the GPUs of the container from 0, whatever their number on the host.
            problem = "invalid device ordinal"
        if problem:
            print(f"Cuda failure: {problem}", file=sys.stderr)
            end_by(signal.SIGABRT)
        self.console.info(*device_lines(self.machine))
        if self.version >= (8, 0, 0):
            self.console.info(f"TensorRT version: {'.'.join(map(str, self.version))}")
        if self.machine.has("trt-library-mismatch"):
            self.console.warning("[TRT] TensorRT was linked against cuDNN 8.2.1 but loaded cuDNN 8.1.1")

    def work(self, options: Options) -> int:
        plan = self.load(options.text("loadEngine")) if options.on("loadEngine") else self.build(options)
        if options.on("saveEngine"):
            try:
                write_plan(Path(options.text("saveEngine")), plan)
            except OSError:
                path = options.text("saveEngine")
                raise self.failed(f"Cannot open engine file: {path}", "Saving engine to file failed") from None
        if options.skip:
            return self.console.end(passed=True)
        feeds = self.set_up(plan, options)
        self.console.info("Starting inference")
        if self.machine.has("trt-crash"):
            end_by(signal.SIGSEGV)
        try:
            measured = measure(plan, options, feeds)
        except StandInError as error:
            mark(str(error))
            raise self.failed(
                "[TRT] ../rtSafe/cuda/genericReformat.cu (1294) - Cuda Error in executeMemcpy: 1 (invalid argument)"
            ) from error
        # 7.2 multiplies by the implicit batch, which ONNX models do not have: it prints 0 qps.
        queries = options.batch if self.version < (8, 0, 0) else options.batch or 1
        report(self.console, options, self.version, measured.records, queries)
        self.exports(options, measured)
        return self.console.end(passed=True)

    def exports(self, options: Options, measured: Measured) -> None:
        if options.on("dumpOutput"):
            show_output(self.console, measured.outputs)
        if options.on("dumpProfile") or options.on("exportProfile"):
            mark("the times of layers are not rehearsed")
        times, output = options.text("exportTimes"), options.text("exportOutput")
        with contextlib.suppress(OSError):  # trtexec does not check whether the files could be opened
            if times:
                export_times(Path(times), options, self.version, measured.records)
            if output:
                export_output(Path(output), measured.outputs)

    def load(self, path: str) -> EnginePlan:
        started = time.perf_counter()
        try:
            plan = read_plan(Path(path).read_bytes())
        except OSError as error:
            raise self.fail(f"Error opening engine file: {path}") from error
        except PlanError as error:
            mark(f"{path}: {error}")
            raise self.refuse("(31)", "Magic tag does not match", "kPLAN_MAGIC_TAG") from error
        if version_of(plan.version) != self.version:
            mark(f"the plan was built by {plan.version}")
            raise self.refuse("(38)", "Version tag does not match", "kPLAN_VERSION")
        if self.machine.has("trt-plan-device"):
            raise self.fail(
                "[TRT] INVALID_CONFIG: The engine plan file is generated on an incompatible device, expecting compute "
                "7.5 got compute 8.6, please rebuild.",
                "[TRT] engine.cpp (1646) - Serialization Error in deserialize: 0 (Core engine deserialization failure)",
                "[TRT] INVALID_CONFIG: Deserialize the cuda engine failed.",
            )
        if self.version >= (8, 0, 0):
            self.console.info(f"Engine loaded in {time.perf_counter() - started:g} sec.")
        return plan

    def refuse(self, line: str, why: str, tag: str) -> FailedError:
        if self.version >= (8, 0, 0):
            return self.fail(
                "Error[1]: [runtime.cpp::parsePlan::455] Error Code 1: Serialization (Serialization assertion "
                f"plan->header.magicTag == rt::{tag} failed. {why})",
                "Engine deserialization failed",
            )
        return self.fail(
            f"[TRT] ../rtSafe/coreReadArchive.cpp {line} - Serialization Error in verifyHeader: 0 ({why})",
            "[TRT] INVALID_STATE: std::exception",
            "[TRT] INVALID_CONFIG: Deserialize the cuda engine failed.",
        )

    def set_up_failed(self, line: str) -> FailedError:
        return self.failed(line, "Inference set up failed")

    def set_up(self, plan: EnginePlan, options: Options) -> dict[str, np.ndarray]:
        """Fix the shape of each dynamic binding and fill the inputs."""
        feeds = {}
        loaded, files = options.on("loadEngine"), options.values["loadInputs"] or {}
        if loaded and not plan.profile and options.shapes and self.version >= (8, 0, 0):
            raise self.set_up_failed(STATIC_MODEL)
        for entry in plan.inputs:
            name, dims = entry["name"], list(entry["dims"])
            if any(size < 0 for size in dims):
                wanted = options.shapes.get(name)
                if wanted is None:
                    wanted = self.override(name, dims) if loaded else plan.profile[name][1]
                self.check_binding(dims, wanted, plan.profile[name])
                dims = list(wanted)
                if self.version >= (10, 0, 0):
                    self.console.info(f"Set shape of input tensor {name} to: {dims_text(dims)}")
            path = files.get(name)
            if path is not None and self.version >= (8, 0, 0) and not Path(path).is_file():
                raise self.set_up_failed(f"Cannot open file {path}!")
            if self.version >= (8, 0, 0):
                if path is None:
                    self.console.info(f"Using random values for input {name}")
                self.console.info(f"Input binding for {name} with dimensions {dims_text(dims)}")
            feeds[name] = fill(tuple(dims), np.dtype(entry["dtype"]), path)
        return feeds

    def check_binding(self, dims: list[int], wanted: list[int], profile: list[list[int]]) -> None:
        problem = ""
        if len(dims) != len(wanted):
            problem = "1036, condition: engineDims.nbDims == dimensions.nbDims"
        elif any(size > 0 and size != now for size, now in zip(dims, wanted, strict=True)):
            problem = "1041, condition: engineDims.d[i] == dimensions.d[i]"
        elif any(now < low for now, low in zip(wanted, profile[0], strict=True)):
            problem = "1046, condition: profileMinDims.d[i] <= dimensions.d[i]"
        elif any(now > high for now, high in zip(wanted, profile[2], strict=True)):
            problem = "1045, condition: dimensions.d[i] <= profileMaxDims.d[i]"
        if problem and self.version >= (8, 0, 0):
            condition = problem.partition(", ")[2]
            raise self.set_up_failed(
                "Error[3]: [executionContext.cpp::setInputShape::2264] Error Code 3: API Usage Error (Parameter check "
                f"failed at: runtime/api/executionContext.cpp::setInputShape::2264, {condition}.\n)"
            )
        if problem:
            raise self.set_up_failed(f"[TRT] Parameter check failed at: engine.cpp::setBindingDimensions::{problem}")
