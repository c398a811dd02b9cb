"""trtexec: 7.2.3 by default, other versions by ``KIT_SIM_TENSORRT`` (7.0.0 ... 10.x); it runs plans on the CPU."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from pathlib import Path

import numpy as np

from .devices import gpu_indices
from .engine import EngineError
from .nvidia_smi import failure
from .onnxwire import Port
from .trt_build import Builder, FailedError, die
from .trt_log import Console
from .trt_measure import export_output, export_profile, fill, measure, show_output, show_profile
from .trt_options import (
    Arguments,
    Dims,
    InvalidArgumentError,
    Options,
    OutOfRangeError,
    Version,
    parse_options,
    version_of,
)
from .trt_plan import Plan, PlanError, read_plan, write_plan
from .trt_report import export_times, report
from .trt_show import HELP, device_lines, option_lines
from .world import World, abort, mark, world

__all__ = ["main"]


def main(program: str, argv: list[str]) -> int:
    """Run trtexec; 0 passed, 1 failed, 134 where CUDA gives up."""
    machine = world()
    # "7.2.1-oss": built from the sources of 20.11 and 20.12, which count queries of ONNX models.
    return Trtexec(machine, version_of(machine.tensorrt), machine.tensorrt.endswith("-oss"), [program, *argv]).run()


class Trtexec(Builder):
    """One run."""

    def __init__(self, machine: World, version: Version, oss: bool, argv: list[str]) -> None:
        super().__init__(machine, version, Console(version, argv), strict_static=oss or version >= (8, 0, 0))
        self.oss = oss
        self.argv = argv[1:]

    def run(self) -> int:
        self.console.start()
        if any(word.partition("=")[0] in {"--help", "-h"} for word in self.argv):
            sys.stdout.write(HELP)
            return 0
        if not self.argv:
            sys.stdout.write(HELP)
            return self.console.end(passed=True)
        mark(f"trtexec {self.machine.tensorrt}: the CPU computes, the times are the CPU's")
        args = Arguments(self.argv)
        try:
            options = parse_options(args, self.version)
        except InvalidArgumentError as error:
            self.console.error(str(error))
            sys.stdout.write(HELP)
            return self.console.end(passed=False)
        except OutOfRangeError:
            print(
                "terminate called after throwing an instance of 'std::out_of_range'\n  what():  stoi", file=sys.stderr
            )
            abort()
        if args.items:
            for name, value in args.items:
                self.console.error(f"Unknown option: {name} {value}")
            sys.stdout.write(HELP)
            return self.console.end(passed=False)
        self.deprecated()
        self.console.info(*option_lines(options, self.version))
        self.device(options)
        try:
            return self.work(options)
        except FailedError:
            return self.console.end(passed=False)

    def deprecated(self) -> None:
        """Flags that later versions still take, with a warning."""
        names = {word.partition("=")[0] for word in self.argv}
        if "--explicitBatch" in names and self.version >= (8, 2, 0):
            self.console.warning("--explicitBatch flag has been deprecated and has no effect!")
        if "--workspace" in names and self.version >= (8, 4, 0):
            self.console.warning("--workspace flag has been deprecated by --memPoolSize flag.")

    def device(self, options: Options) -> None:
        """Select the GPU; CUDA errors end the program without a last ``&&&&`` line."""
        problem = ""
        if self.machine.has("trt-cuda-abort") or failure(self.machine)[1] in {9, 18}:
            problem = "CUDA driver version is insufficient for CUDA runtime version"
        elif failure(self.machine)[1]:
            problem = "no CUDA-capable device is detected"
        elif not 0 <= options.device < len(gpu_indices(self.machine)):
            # CUDA counts the GPUs of the container from 0, whatever their number on the host.
            problem = "invalid device ordinal"
        if problem:
            print(f"Cuda failure: {problem}", file=sys.stderr)
            abort()
        self.console.info(*device_lines(self.machine))
        if self.version >= (8, 0, 0):
            major, minor, patch = self.version
            text = f"{major}{minor}{patch:02}" if self.version < (8, 2, 0) else f"{major}.{minor}.{patch}"
            self.console.info(f"TensorRT version: {text}")
        if self.machine.has("trt-library-mismatch"):
            self.console.warning("[TRT] TensorRT was linked against cuDNN 8.2.1 but loaded cuDNN 8.1.1")

    def work(self, options: Options) -> int:
        plan = self.load(options) if options.load else self.build(options)
        if options.save:
            try:
                write_plan(Path(options.save), plan)
            except OSError:
                self.console.error(f"Cannot open engine file: {options.save}")
                self.console.error("Saving engine to file failed")
                raise FailedError from None
        if options.skip:
            return self.console.end(passed=True)
        feeds = self.set_up(plan, options)
        self.console.info("Starting inference" if self.version >= (7, 2, 0) else "Starting inference threads")
        if self.machine.has("trt-crash"):
            die(signal.SIGSEGV)
        try:
            measured = measure(plan, options, feeds, jitter=self.machine.has("trt-unstable"))
        except EngineError as error:
            mark(str(error))
            self.console.error(
                "[TRT] ../rtSafe/cuda/genericReformat.cu (1294) - Cuda Error in executeMemcpy: 1 (invalid argument)"
            )
            raise FailedError from error
        if self.version < (8, 0, 0):
            queries = options.batch if not (self.oss and not options.batch) else 1
        else:
            queries = options.batch or 1
        report(self.console, options, self.version, measured.records, queries)
        if options.dump_output:
            show_output(self.console, measured.outputs)
        show_profile(self.console, options, measured)
        with contextlib.suppress(OSError):
            if options.export_profile:
                export_profile(Path(options.export_profile), measured)
        with contextlib.suppress(OSError):  # nobody looks whether the files could be opened
            if options.export_times:
                export_times(Path(options.export_times), self.version, measured.records)
        with contextlib.suppress(OSError):
            if options.export_output:
                export_output(Path(options.export_output), measured.outputs)
        return self.console.end(passed=True)

    def load(self, options: Options) -> Plan:
        path = Path(options.load)
        started = time.perf_counter()
        try:
            plan = read_plan(path)
        except OSError as error:
            raise self.fail(f"Error opening engine file: {options.load}") from error
        except PlanError as error:
            mark(f"{path}: {error}")
            raise self.refuse("(31)", "Magic tag does not match", "kPLAN_MAGIC_TAG") from error
        if self.machine.has("trt-plan-version") or version_of(plan.version) != self.version:
            mark(f"the plan was built by {plan.version}")
            raise self.refuse("(38)", "Version tag does not match", "kPLAN_VERSION")
        if self.machine.has("trt-plan-device"):
            raise self.fail(
                "[TRT] INVALID_CONFIG: The engine plan file is generated on an incompatible device, expecting compute "
                "7.5 got compute 8.6, please rebuild.",
                "[TRT] engine.cpp (1646) - Serialization Error in deserialize: 0 (Core engine deserialization failure)",
                "[TRT] INVALID_STATE: std::exception",
                "[TRT] INVALID_CONFIG: Deserialize the cuda engine failed.",
            )
        if self.version >= (8, 0, 0):
            self.console.info(f"Engine loaded in {time.perf_counter() - started:g} sec.")
        return plan

    def refuse(self, line: str, why: str, tag: str) -> FailedError:
        if self.version >= (8, 0, 0):
            self.console.error(
                "Error[1]: [runtime.cpp::parsePlan::455] Error Code 1: Serialization (Serialization assertion "
                f"plan->header.magicTag == rt::{tag} failed.)"
            )
            self.console.error("Engine deserialization failed")
            self.console.error("Got invalid engine!")
            return self.fail()
        return self.fail(
            f"[TRT] ../rtSafe/coreReadArchive.cpp {line} - Serialization Error in verifyHeader: 0 ({why})",
            "[TRT] INVALID_STATE: std::exception",
            "[TRT] INVALID_CONFIG: Deserialize the cuda engine failed.",
        )

    def set_up(self, plan: Plan, options: Options) -> dict[str, np.ndarray]:
        """Fix the shape of each dynamic binding and fill the inputs."""
        feeds = {}
        static = all(min(entry["dims"], default=1) > 0 for entry in plan.inputs)
        if options.load and static and options.shapes and self.strict_static:
            self.console.error(
                "Static model does not take explicit shapes since the shape of inference tensors will be determined by "
                "the model itself"
            )
            self.console.error("Inference set up failed")
            raise FailedError
        for entry in plan.inputs:
            name, dims = entry["name"], list(entry["dims"])
            if any(size < 0 for size in dims):
                wanted = options.shapes.get(name)
                if wanted is None:
                    wanted = self.override(Port(name, 1, tuple(dims))) if options.load else plan.profile[name][1]
                self.check_binding(dims, wanted, plan.profile[name])
                dims = list(wanted)
            path = options.inputs.get(name)
            if path is not None and self.version >= (8, 2, 0) and not Path(path).is_file():
                self.console.error(f"Cannot open file {path}!")
                self.console.error("Inference set up failed")
                raise FailedError
            if self.version >= (8, 0, 0):
                if path is None:
                    self.console.info(f"Using random values for input {name}")
                self.console.info(f"Created input binding for {name} with dimensions {'x'.join(map(str, dims))}")
            feeds[name] = fill(tuple(dims), np.dtype(entry["dtype"]), path)
        return feeds

    def check_binding(self, dims: Dims, wanted: Dims, profile: list[Dims]) -> None:
        problem = ""
        if len(dims) != len(wanted):
            problem = "1036, condition: engineDims.nbDims == dimensions.nbDims"
        elif any(size > 0 and size != now for size, now in zip(dims, wanted, strict=True)):
            problem = "1041, condition: engineDims.d[i] == dimensions.d[i]"
        elif any(now < low for now, low in zip(wanted, profile[0], strict=True)):
            problem = "1046, condition: profileMinDims.d[i] <= dimensions.d[i]"
        elif any(now > high for now, high in zip(wanted, profile[2], strict=True)):
            problem = "1045, condition: dimensions.d[i] <= profileMaxDims.d[i]"
        if not problem:
            return
        if self.version >= (8, 5, 0):
            condition = problem.partition(", ")[2]
            self.console.error(
                "Error[3]: [executionContext.cpp::setInputShape::2264] Error Code 3: API Usage Error (Parameter check "
                f"failed at: runtime/api/executionContext.cpp::setInputShape::2264, {condition}.\n)"
            )
        else:
            self.console.error(f"[TRT] Parameter check failed at: engine.cpp::setBindingDimensions::{problem}")
        self.console.error("Inference set up failed")
        raise FailedError
