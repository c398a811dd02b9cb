"""ais_bench 0.0.2 (``python3 -m ais_bench``) and its forerunner ais_infer.py (2022), as far as files and stdout go."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from .compiled import Compiled
from .devices import acl_problem
from .engine import EngineError
from .libraries import missing_library
from .om import OmError, read_om
from .world import World, mark, mark_folder, world

__all__ = ["main"]


PURE, PADDING = "pure_infer_data", "padding_infer_fake_file"
Group = list[list[str]]  # per model input, the files of one run


def content(path: str) -> bytes:
    """The tensor bytes of a file."""
    if path.endswith((".npy", ".NPY")):
        return bytes(np.load(path).tobytes())
    with open(path, "rb") as stream:
        return stream.read()


def info(text: str) -> None:
    print(f"[INFO] {text}", flush=True)


def arguments(program: str, argv: list[str]) -> argparse.Namespace:
    """Flags of both forms; those that only pass through are accepted and said to be ignored."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--model", "-m", "--om", required=True, help="the path of the om model")
    parser.add_argument("--input", "-i", help="input file or dir, comma-separated per model input")
    parser.add_argument("--output", "-o", help="output path; it must exist for ais_infer")
    parser.add_argument("--output_dirname", help="output subdirectory name")
    parser.add_argument("--outfmt", default="BIN", choices=["NPY", "BIN", "TXT"])
    parser.add_argument("--loop", "-l", "-r", type=positive, default=1)
    parser.add_argument("--debug", type=boolean, default=False)
    parser.add_argument("--device", "-d", type=device_list, default=[0], help="0..255, or a list: 0,1")
    for name in ("dymBatch", "dymHW", "dymDims", "dymShape", "outputSize", "acl_json_path", "dymShape_range"):
        parser.add_argument(f"--{name}")
    for name in ("auto_set_dymshape_mode", "auto_set_dymdims_mode", "profiler", "dump", "display_all_summary"):
        parser.add_argument(f"--{name}", type=boolean, default=False)
    parser.add_argument("--batchsize", type=positive)
    parser.add_argument("--pure_data_type", default="zero", choices=["zero", "random"])
    parser.add_argument("--output_batchsize_axis", type=int, default=0)
    parser.add_argument("--run_mode", default="array", choices=["array", "files", "tensor", "full"])
    parser.add_argument("--warmup_count", type=int)
    return parser.parse_args(argv)


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


def natural(name: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


@dataclass
class Times:
    """Milliseconds of each executed batch."""

    h2d: list[float] = field(default_factory=list)
    compute: list[float] = field(default_factory=list)
    d2h: list[float] = field(default_factory=list)


def statistics(values: list[float]) -> dict[str, float]:
    return {
        "min": min(values),
        "max": max(values),
        "mean": float(np.mean(values)),
        "median": float(np.median(values)),
        "percentile(99%)": float(np.percentile(values, 99)),
    }


def main(program: str, argv: list[str]) -> int:
    """Run one of the two forms; ``program`` tells which."""
    machine = world()
    old = program.startswith("ais_infer")
    library = missing_library("libascendcl.so", "libascend_hal.so")
    if library:
        print(f"ImportError: {library.split(': ', 1)[1]}", file=sys.stderr)
        return 1
    args = arguments(program, argv)
    mark(f"{program}: the CPU computes, the times are the CPU's")
    if machine.has("ais-aclruntime"):
        print("[WARNING] aclruntime version:0.0.1 is lower please update aclruntime follow any one method")
    status = 0
    for place, device in enumerate(args.device):
        status = Session(machine, args, argv, device, old=old).run(place if len(args.device) > 1 else None) or status
    return status


class Session:
    """One device's run."""

    def __init__(self, machine: World, args: argparse.Namespace, argv: list[str], device: int, *, old: bool) -> None:
        self.machine, self.args, self.argv, self.device, self.old = machine, args, argv, device, old
        self.times = Times()
        self.files: dict[str, dict[str, list[str]]] = {}

    def run(self, place: int | None) -> int:
        info("acl init success")
        if not self.open_device():
            return 1
        model = self.load()
        if model is None:
            return 1
        started = time.time()
        code = self.work(model)
        if code:
            return code
        if place is not None:
            rate = 1000 * model.batch / float(np.mean(self.times.compute))
            print(f"i:{place} device_{self.device} throughput:{rate} start_time:{started} end_time:{time.time()}")
        info("unload model success, model Id is 1")
        info("end to destroy context")
        info(f"end to reset device is {self.device}")
        info("end to finalize acl")
        return 0

    def open_device(self) -> bool:
        call, why = acl_problem(self.machine, self.device)
        if self.machine.has("ais-open-device"):
            call, why = "aclrtSetDevice", "injected"
        if not call:
            info(f"open device {self.device} success")
            return True
        mark(why)
        print("EL003: The argument is invalid.")
        print(
            f"\t   Failed to open device,retCode=0x7020014,deviceId={self.device}.[FUNC:Init][FILE:device.cc][LINE:211]"
        )
        print(
            f"\t   open device {self.device} failed,runtime result = 507033."
            "[FUNC:ReportCallError][FILE:log_inner.cpp][LINE:162]"
        )
        print(f"[ERROR] acl open device {self.device} failed")
        print("SetDevice failed.ret=507033", file=sys.stderr)
        return False

    def load(self) -> Compiled | None:
        path = Path(self.args.model)
        try:
            om = read_om(path)
            if om.soc_version not in {self.machine.soc_version, "Ascend710"}:
                raise OmError(f"the om is for {om.soc_version}, the chip is {self.machine.soc_version}")
            batch = int(self.args.dymBatch or 0) or om.batch
            if om.batches and batch not in om.batches:
                raise OmError(f"{batch} is none of the batch gears {om.batches}")
            size = None
            if om.sizes:
                words = re.findall(r"\d+", (self.args.dymHW or self.args.dymDims or "").rpartition(":")[2])
                height, width = (int(word) for word in words[-2:])
                size = (height, width)
            model = Compiled(om, batch, size)
        except (OmError, OSError, EngineError, ValueError) as error:
            mark(f"{path}: {error}")
            print(f"[ERROR] load model from file failed, model file is {path}")
            print("RuntimeError:[1][ACL:invalid parameter]", file=sys.stderr)
            return None
        info(f"load model {path} success")
        info("create model description success")
        info(f"try get model batchsize:{model.batch}")
        if self.args.batchsize and self.args.batchsize != model.batch:
            # The real tool takes the given number for the throughput without asking the model.
            mark(f"--batchsize={self.args.batchsize} but the om has {model.batch}")
        return model

    def work(self, model: Compiled) -> int:
        args = self.args
        folder = self.folder()
        if folder is None and args.output:
            return 1
        try:
            runs = self.runs(model)
            self.warm_up(model, runs[0])
            self.bar(runs, lambda number, group: self.infer(model, number, group, folder))
        except (RuntimeError, OSError, ValueError) as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1
        self.summary(folder, args.batchsize or model.batch)
        return 0

    def folder(self) -> Path | None:
        """The output folder; ais_infer makes it with mkdir, so its parent must exist."""
        if not self.args.output:
            return None
        name = self.args.output_dirname or datetime.now(UTC).strftime("%Y_%m_%d-%H_%M_%S")
        folder = Path(self.args.output) / name
        try:
            if self.old:
                folder.mkdir()
            else:
                folder.mkdir(parents=True, exist_ok=True)
            mark_folder(Path(self.args.output), "ais_bench")
        except OSError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return None
        info(f"output path:{folder}")
        return folder

    def runs(self, model: Compiled) -> list[Group]:
        """Names of files per run and model input. How many make a batch follows from the size of the first file.

        Raises:
            RuntimeError: an input is not there, or its size does not divide the model's.
        """
        if not self.args.input:
            return [[[PURE] for _ in model.names]]
        given = self.args.input.split(",")
        if os.path.isdir(given[0]):
            if len(given) != len(model.names):
                raise self.error(f"Invalid args. args input dir num:{len(given)} not equal to model inputs num:"
                                 f"{len(model.names)}")  # fmt: skip
            columns = []
            for folder in given:
                names = [name for name in os.listdir(folder) if name.endswith((".npy", ".bin", ".NPY", ".BIN"))]
                columns.append([os.path.join(folder, name) for name in sorted(names, key=natural)])
        else:
            for place, path in enumerate(given):
                if not os.path.isfile(path):
                    raise self.error(f"Invalid input args.--input:{given} input[{place}]:{path} {path} not exist")
            chunk = max(1, len(given) // len(model.names))
            columns = [given[at : at + chunk] for at in range(0, len(given), chunk)][: len(model.names)]
        if not columns[0]:
            raise self.error("create_infileslist_from_fileslist return infileslist size: 0")
        want = model.bytes_per_input(model.names[0])
        have = len(content(columns[0][0]))
        if not have or want % have:
            raise self.error(f"arg0 tensorsize: {want} filesize: {have} not match")
        count = want // have
        runs = len(columns[0]) // count if self.old else -(-len(columns[0]) // count)
        info(f"get filesperbatch files0 size:{have} tensor0size:{want} filesperbatch:{count} runcount:{runs}")
        if not runs:
            raise self.error("create_infileslist_from_fileslist return infileslist size: 0")
        groups = []
        for number in range(runs):
            parts = [column[number * count : (number + 1) * count] for column in columns]
            groups.append([part + [PADDING] * (count - len(part)) for part in parts])
        return groups

    @staticmethod
    def error(text: str) -> RuntimeError:
        print(f"[ERROR] {text}", flush=True)
        return RuntimeError()

    def buffers(self, model: Compiled, group: Group) -> dict[str, bytes]:
        """What one run feeds; the padding of a last, smaller batch repeats the batch's first file."""
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
                raise self.error(f"ndata size:{len(data)} not match {want}")
            result[name] = data
        return result

    def warm_up(self, model: Compiled, group: Group) -> None:
        count = self.args.warmup_count if self.args.warmup_count is not None else (5 if self.old else 1)
        feeds = self.buffers(model, group)
        for _ in range(count):
            model.run(feeds)
        if not self.old:
            info(f"warm up {count} done")

    def bar(self, groups: list[Group], work: Callable[[int, Group], None]) -> None:
        start = time.perf_counter()
        for number, group in enumerate(groups):
            work(number, group)
        rate = len(groups) / (time.perf_counter() - start)
        label = "Inference Processing task" if self.old else "Inference array Processing"
        count = f"{len(groups)}/{len(groups)}"
        print(f"{label}: 100%|{chr(0x2588) * 20}| {count} [00:00<00:00, {rate:.2f}it/s]", flush=True)

    def infer(self, model: Compiled, number: int, group: Group, folder: Path | None) -> None:
        feeds = self.buffers(model, group)
        outputs: list[np.ndarray] = []
        for _ in range(self.args.loop):
            outputs = self.execute(model, feeds)
        if folder is not None:
            self.save(folder, outputs, number, group)

    def execute(self, model: Compiled, buffers: dict[str, bytes]) -> list[np.ndarray]:
        start = time.perf_counter()
        copied = dict(buffers)
        middle = time.perf_counter()
        outputs = model.run(copied)
        end = time.perf_counter()
        outputs = [value.copy() for value in outputs]
        self.times.h2d.append((middle - start) * 1000)
        self.times.compute.append((end - middle) * 1000)
        self.times.d2h.append((time.perf_counter() - end) * 1000)
        return outputs

    def save(self, folder: Path, outputs: list[np.ndarray], number: int, group: Group) -> None:
        """Split each output among the files of the batch; indices of outputs start at 0 (benchmark: 1)."""
        count, axis = len(group[0]), self.args.output_batchsize_axis
        for index, value in enumerate(outputs):
            if axis >= max(value.ndim, 1):
                raise self.error(
                    f"error i:{index} ndata.shape:{value.shape} len:{value.ndim} <= output_batchsize_axis:{axis}  "
                    "is invalid"
                )
            if count > 1 and value.shape[axis] % count:
                raise self.error(
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
                self.write(path, part)
                entry = self.files.setdefault(str(sample), {"infiles": files, "outfiles": []})
                entry["outfiles"].append(str(path))

    def write(self, path: Path, data: np.ndarray) -> None:
        if self.args.outfmt == "NPY":
            np.save(path, data)
        elif self.args.outfmt == "BIN":
            path.write_bytes(data.tobytes())
        else:
            with path.open("a" if self.old else "w", encoding="utf-8") as stream:
                for row in data.reshape(-1, data.shape[-1] if data.ndim else 1):
                    stream.write(" ".join(f"{item:f}" for item in row.tolist()) + "\n")

    def summary(self, folder: Path | None, batch: int) -> None:
        compute = statistics(self.times.compute)
        rate = 1000 * batch / compute["mean"]
        info("-----------------Performance Summary------------------")
        shown = [("NPU_compute_time", self.times.compute)]
        if self.old or self.args.display_all_summary:
            shown = [("H2D_latency", self.times.h2d), *shown, ("D2H_latency", self.times.d2h)]
        for name, values in shown:
            info(f"{name} (ms): " + ", ".join(f"{key} = {value}" for key, value in statistics(values).items()))
        if self.old:
            info(f"throughput (1000*batchsize/NPU_compute_time): {rate}")
        else:
            info(f"throughput 1000*batchsize.mean({batch})/NPU_compute_time.mean({compute['mean']}): {rate}")
        info("------------------------------------------------------")
        if folder is None:
            return
        report: dict[str, Any] = {}
        if not self.old:
            report = {"filesinfo": self.files, "args": [sys.argv[0], *self.argv]}
        for name, values in (
            ("NPU_compute_time", self.times.compute),
            ("H2D_latency", self.times.h2d),
            ("D2H_latency", self.times.d2h),
        ):
            report[name] = statistics(values) | ({} if self.old else {"count": len(values)})
        report["throughput"] = rate
        if not self.old:
            report |= {"npu_compute_time_list": self.times.compute, "pid": os.getpid()}
        # "sumary" is the older tool's spelling.
        path = folder / "sumary.json" if self.old else folder.parent / f"{folder.name}_summary.json"
        path.write_text(json.dumps(report), encoding="utf-8")
