"""ais_bench 0.0.2 (``python3 -m ais_bench``) and its forerunner ais_infer.py (2022), as far as files and stdout go."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from .ais_files import PADDING, PURE, FilesError, Group, content, groups_of, shapes_of, write_output
from .compiled import Compiled
from .devices import acl_problem, missing_library
from .engine import StandInError
from .machine import SimulatedMachine, mark, mark_folder, this_machine
from .om import Om, OmError, read_om

__all__ = ["main"]

#: Options that change nothing in a rehearsal, or that only scale what the real tool does.
_PASSED = (
    "acl_json_path", "aipp_config", "npu_id", "backend", "threads", "profiler_rename", "perf", "dump_npy",
    "divide_input", "energy_consumption", "profiler", "dump", "run_mode", "dymShape_range", "debug",
)  # fmt: skip


def info(text: str) -> None:
    print(f"[INFO] {text}", flush=True)


def arguments(program: str, argv: list[str], *, old: bool) -> argparse.Namespace:
    """Flags of both forms."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--model", "-m", "--om", required=True, help="the path of the om model")
    parser.add_argument("--input", "-i", help="input file or dir, comma-separated per model input")
    parser.add_argument("--output", "-o", help="output path; it must exist for ais_infer")
    parser.add_argument("--output_dirname", help="output subdirectory name")
    parser.add_argument("--outfmt", default="BIN", choices=["NPY", "BIN", "TXT"])
    parser.add_argument("--loop", "-l", "-r", type=positive, default=1)
    parser.add_argument("--device", "-d", type=device_list, default=[0], help="0..255, or a list: 0,1")
    parser.add_argument("--dymBatch", type=positive)
    for name in ("dymHW", "dymDims", "dymShape", "outputSize", *_PASSED):
        parser.add_argument(f"--{name}")
    for name in ("auto_set_dymshape_mode", "auto_set_dymdims_mode", "display_all_summary", "pipeline"):
        parser.add_argument(f"--{name}", type=boolean, default=False)
    parser.add_argument("--batchsize", type=positive)
    parser.add_argument("--pure_data_type", default="zero", choices=["zero", "random"])
    parser.add_argument("--output_batchsize_axis", type=int, default=0)
    parser.add_argument("--warmup_count", type=int, default=5 if old else 1)
    args = parser.parse_args(argv)
    if not old:
        inputs = [("input", path) for path in (args.input or "").split(",")]
        for kind, path in (("om", args.model), *inputs, ("output", args.output)):
            problem = illegal(path, writes=kind == "output") if path else ""
            if problem:
                mark(f"{path}: {problem}")
                parser.error(f"{kind} path:{path} is illegal. Please check.")
    return args


def illegal(path: str, *, writes: bool) -> str:
    """Why the published tool refuses a path (msit's FileStat): links, foreign owners, and what others may write."""
    if re.search(r"[^_A-Za-z0-9/.-]", path):
        return "a character that is none of _A-Za-z0-9/.-"
    try:
        status = os.lstat(path)
    except OSError as error:
        return "" if writes else str(error.strerror)
    if Path(path).is_symlink():
        return "a symbolic link"
    if status.st_uid != os.geteuid() and status.st_gid not in {os.getegid(), *os.getgroups()}:
        return "neither owner nor group is the caller's"
    if status.st_mode & (0o027 if writes else 0o022):
        return f"mode {status.st_mode & 0o777:o} is looser than {'750' if writes else '755'}"
    return ""


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is an invalid positive int value")
    return int(text)


def boolean(text: str) -> bool:
    if text.lower() in {"true", "1", "yes", "t", "y"}:
        return True
    if text.lower() in {"false", "0", "no", "f", "n"}:
        return False
    raise argparse.ArgumentTypeError("Boolean value expected true, 1, false, 0 with case insensitive.")


def device_list(text: str) -> list[int]:
    numbers = text.split(",")
    if not all(number.isdigit() and int(number) <= 255 for number in numbers):
        raise argparse.ArgumentTypeError(f"device id:{text} is invalid. valid value range is [0, 255]")
    return [int(number) for number in numbers]


def statistics(values: list[float]) -> dict[str, float]:
    return {
        "min": min(values),
        "max": max(values),
        "mean": float(np.mean(values)),
        "median": float(np.median(values)),
        "percentile(99%)": float(np.percentile(values, 99)),
    }


def main(program: str, argv: list[str]) -> int:
    """Run one of the two forms; ``program`` says which."""
    machine = this_machine()
    old = program.startswith("ais_infer")
    library = missing_library("libascendcl.so", "libascend_hal.so")
    if library:
        print(f"ImportError: {library.split(': ', 1)[1]}", file=sys.stderr)
        return 1
    args = arguments(program, argv, old=old)
    mark(f"{program}: the CPU computes, the times are the CPU's")
    if machine.has("ais-aclruntime"):
        print("[WARNING] aclruntime version:0.0.1 is lower please update aclruntime follow any one method")
    total = 0.0
    for place, device in enumerate(args.device):
        session = Session(machine, args, argv, device, old=old)
        started = time.time()
        code = session.run()
        if code:
            return code
        if len(args.device) > 1:
            total += session.rate
            print(f"i:{place} device_{device} throughput:{session.rate} start_time:{started} end_time:{time.time()}")
    if len(args.device) > 1:
        info(f"summary throughput:{total}")
    return 0


class Session:
    """One device's run."""

    def __init__(
        self, machine: SimulatedMachine, args: argparse.Namespace, argv: list[str], device: int, *, old: bool
    ) -> None:
        self.machine, self.args, self.argv, self.device, self.old = machine, args, argv, device, old
        # Milliseconds of each executed batch.
        self.times: dict[str, list[float]] = {"NPU_compute_time": [], "H2D_latency": [], "D2H_latency": []}
        self.spans: list[tuple[float, float]] = []  # start and end of each computation, ms
        self.batches: list[int] = []
        self.files: dict[str, dict[str, list[str]]] = {}

    def run(self) -> int:
        info("acl init success")
        if not self.open_device():
            return 1
        model = self.load()
        if model is None:
            return 1
        try:
            folder = self.folder()
            groups = groups_of(self.args.input, model, dynamic=self.dynamic, keep_rest=not self.old, say=info)
            self.warm_up(model, groups[0])
            self.work(model, groups, folder)
        except FilesError as error:
            print(f"[ERROR] {error}", flush=True)
            print(f"RuntimeError: {error}", file=sys.stderr)
            return 1
        except (StandInError, OSError, ValueError) as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1
        self.summary(folder)
        for text in (
            "unload model success, model Id is 1", "end to destroy context", f"end to reset device is {self.device}",
            "end to finalize acl",
        ):  # fmt: skip
            info(text)
        return 0

    @property
    def dynamic(self) -> bool:
        """Whether the shape of each file decides."""
        return bool(self.args.auto_set_dymshape_mode or self.args.auto_set_dymdims_mode)

    def open_device(self) -> bool:
        call, why = acl_problem(self.machine, self.device)
        if self.machine.has("ais-open-device"):
            call, why = "aclrtSetDevice", "injected"
        if not call:
            info(f"open device {self.device} success")
            return True
        mark(why)
        print("EL003: The argument is invalid.")
        where = "[FUNC:ReportCallError][FILE:log_inner.cpp][LINE:162]"
        print(
            f"\t   Failed to open device,retCode=0x7020014,deviceId={self.device}.[FUNC:Init][FILE:device.cc][LINE:211]"
        )
        print(f"\t   open device {self.device} failed,runtime result = 507033.{where}")
        print(f"[ERROR] acl open device {self.device} failed")
        print("SetDevice failed.ret=507033", file=sys.stderr)
        return False

    def load(self) -> Compiled | None:
        path = Path(self.args.model)
        try:
            om = read_om(path)
            if om.soc_version not in {self.machine.soc_version, "Ascend710"}:
                raise OmError(f"the om is for {om.soc_version}, the chip is {self.machine.soc_version}")
            model = self.fixed(om)
        except (OmError, OSError, StandInError, ValueError) as error:
            mark(f"{path}: {error}")
            print(f"[ERROR] load model from file failed, model file is {path}")
            print("RuntimeError:[1][ACL:invalid parameter]", file=sys.stderr)
            return None
        info(f"load model {path} success")
        info("create model description success")
        if (om.batches or om.sizes or om.ranges) and not self.chosen:
            print(
                "RuntimeError: dynamic batch om model detected, but dymbatch, dymdims or dymshape not set!",
                file=sys.stderr,
            )
            return None
        info(f"try get model batchsize:{model.batch}")
        if self.args.batchsize and self.args.batchsize != model.batch:
            # The real tool takes the given number for the throughput without asking the model.
            mark(f"--batchsize={self.args.batchsize} but the om has {model.batch}")
        return model

    @property
    def chosen(self) -> bool:
        args = self.args
        return bool(args.dymBatch or args.dymHW or args.dymDims or args.dymShape or self.dynamic)

    def fixed(self, om: Om) -> Compiled:
        """The om with the batch, size or shapes that the command line chose."""
        args = self.args
        if om.batches and args.dymBatch and args.dymBatch not in om.batches:
            raise OmError(f"{args.dymBatch} is none of the batch gears {om.batches}")
        size = None
        if args.dymHW:
            height, width = (int(word) for word in args.dymHW.split(","))
            size = (height, width)
        model = Compiled(om, args.dymBatch or om.batch, size)
        for text in filter(None, (args.dymDims, args.dymShape)):
            shapes = (item.rpartition(":") for item in text.strip(";").split(";"))
            model.set_shapes({name: tuple(map(int, dims.split(","))) for name, _, dims in shapes})
        return model

    def folder(self) -> Path | None:
        """The output folder; ais_infer makes it with mkdir, so its parent must exist."""
        if not self.args.output:
            return None
        name = self.args.output_dirname or datetime.now(UTC).strftime("%Y_%m_%d-%H_%M_%S")
        folder = Path(self.args.output) / name
        if self.old:
            folder.mkdir()
        else:
            folder.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            folder.mkdir(mode=0o750, exist_ok=True)
        mark_folder(Path(self.args.output), "ais_bench")
        info(f"output path:{folder}")
        return folder

    def buffers(self, model: Compiled, group: Group) -> dict[str, bytes]:
        """What one run feeds; the padding of a last, smaller batch repeats the batch's first file."""
        if self.dynamic and group[0] != [PURE]:
            model.set_shapes(shapes_of(model, group))
        result = {}
        for name, files in zip(model.names, group, strict=True):
            want = model.bytes_per_input(name)
            if files == [PURE]:
                data = bytes(want)
                if self.args.pure_data_type == "random":  # bytes of 0 to 255, whatever the type
                    data = np.random.default_rng(0).integers(0, 256, want, dtype=np.uint8).tobytes()
            else:
                data = b"".join(content(files[0] if path == PADDING else path) for path in files)
            if len(data) != want:
                raise FilesError(f"ndata size:{len(data)} not match {want}")
            result[name] = data
        return result

    def warm_up(self, model: Compiled, group: Group) -> None:
        feeds = self.buffers(model, group)
        for _ in range(self.args.warmup_count):
            model.run(feeds)
        if not self.old:
            info(f"warm up {self.args.warmup_count} done")

    def work(self, model: Compiled, groups: list[Group], folder: Path | None) -> None:
        start = time.perf_counter()
        for number, group in enumerate(groups):
            feeds = self.buffers(model, group)
            outputs = [self.execute(model, feeds) for _ in range(self.args.loop)][-1]
            if folder is not None:
                self.save(folder, outputs, number, group)
        rate = len(groups) / (time.perf_counter() - start)
        label = "Inference Processing task" if self.old else "Inference array Processing"
        count = f"{len(groups)}/{len(groups)}"
        print(f"{label}: 100%|{chr(0x2588) * 20}| {count} [00:00<00:00, {rate:.2f}it/s]", flush=True)

    def execute(self, model: Compiled, buffers: dict[str, bytes]) -> list[np.ndarray]:
        start = time.perf_counter()
        copied = {name: bytes(data) for name, data in buffers.items()}
        middle = time.perf_counter()
        outputs = model.run(copied)
        end = time.perf_counter()
        self.check_memory(model.om, outputs)
        outputs = [value.copy() for value in outputs]
        spent = (end - middle, middle - start, time.perf_counter() - end)
        for values, seconds in zip(self.times.values(), spent, strict=True):
            values.append(seconds * 1000)
        self.spans.append((middle * 1000, end * 1000))
        self.batches.append(model.batch)
        return outputs

    def check_memory(self, om: Om, outputs: list[np.ndarray]) -> None:
        """The size of an output reads 0 where shapes are a range: ``--outputSize`` has to say it."""
        given = [int(size) for size in (self.args.outputSize or "").split(",") if size.isdigit()]
        needed = [output.nbytes for output in outputs]
        if om.ranges and (
            len(given) != len(needed) or any(size > room for size, room in zip(needed, given, strict=True))
        ):
            raise StandInError(f"the outputs take {needed} bytes, and --outputSize gives {given or 'none'}")

    def save(self, folder: Path, outputs: list[np.ndarray], number: int, group: Group) -> None:
        """Split each output among the files of the batch; indices of outputs start at 0 (benchmark: 1)."""
        count, axis = len(group[0]), self.args.output_batchsize_axis
        for index, value in enumerate(outputs):
            if axis >= max(value.ndim, 1):
                raise FilesError(
                    f"error i:{index} ndata.shape:{value.shape} len:{value.ndim} <= output_batchsize_axis:{axis}  "
                    "is invalid"
                )
            if count > 1 and value.shape[axis] % count:
                raise FilesError(
                    f"save out files error array shape:{value.shape} filesinfo:{group} files_count_perbatch:{count} "
                    f"ndata.shape{axis}:{value.shape[axis]}"
                )
            for place, part in enumerate(np.array_split(value, count, axis) if count > 1 else [value]):
                files = [column[place] for column in group]
                if files[0] == PADDING:
                    continue
                sample = number * count + place
                base = os.path.basename(files[0]).split(".")[0]
                base = f"input{sample}_output_{index}" if self.old else f"{base}_{index}"
                path = folder / f"{base}.{self.args.outfmt.lower()}"
                write_output(path, part, self.args.outfmt, append=self.old)
                entry = self.files.setdefault(str(sample), {"infiles": files, "outfiles": []})
                entry["outfiles"].append(str(path))

    @property
    def batch(self) -> float:
        """The given batch counts, even where the model has another."""
        return self.args.batchsize or float(np.mean(self.batches))

    @property
    def mean(self) -> float:
        return float(np.mean(self.times["NPU_compute_time"]))

    @property
    def rate(self) -> float:
        return 1000 * self.batch / self.mean

    def summary(self, folder: Path | None) -> None:
        info("-----------------Performance Summary------------------")
        every = self.old or self.args.display_all_summary
        for name in ("H2D_latency", "NPU_compute_time", "D2H_latency") if every else ("NPU_compute_time",):
            found = statistics(self.times[name])
            info(f"{name} (ms): " + ", ".join(f"{key} = {value}" for key, value in found.items()))
        if self.old:
            info(f"throughput (1000*batchsize/NPU_compute_time): {self.rate}")
        else:
            info(f"throughput 1000*batchsize.mean({self.batch:g})/NPU_compute_time.mean({self.mean}): {self.rate}")
        info("------------------------------------------------------")
        if folder is None:
            return
        report: dict[str, Any] = {} if self.old else {"filesinfo": self.files, "args": [sys.argv[0], *self.argv]}
        for name, values in self.times.items():
            report[name] = statistics(values) | ({} if self.old else {"count": len(values)})
        report["throughput"] = self.rate
        if not self.old:
            report |= {"npu_compute_time_list": self.times["NPU_compute_time"], "pid": os.getpid()}
        if self.args.pipeline:  # computations overlap, so only their union has a mean
            report["NPU_compute_time"] = {"mean": self.mean, "count": len(self.batches)}
            report["npu_compute_time_list"] = self.spans
        # "sumary" is the older tool's spelling.
        path = folder / "sumary.json" if self.old else folder.parent / f"{folder.name}_summary.json"
        path.write_text(json.dumps(report), encoding="utf-8")
