"""ais_bench 0.0.2 (``python3 -m ais_bench``) and its forerunner ais_infer.py (2022), as far as files and stdout go."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
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
        batch = args.batchsize or model.batch
        warm = {name: bytes(model.bytes_per_input(name)) for name in model.names}
        count = args.warmup_count if args.warmup_count is not None else (5 if self.old else 1)
        for _ in range(count):
            model.run(dict(warm))
        info(f"warm up {count} done")
        folder = self.folder()
        if folder is None and args.output:
            return 1
        files: dict[str, dict[str, list[str]]] = {}
        if args.input:
            groups = self.inputs(model)
            if groups is None:
                return 1
            for number, group in enumerate(groups):
                if self.old and len(group[0]) < model.batch:
                    break  # ais_infer drops the last incomplete batch
                if not self.infer(model, number, group, folder, files):
                    return 1
        else:
            buffers: dict[str, bytes | bytearray] = dict(warm)
            if args.pure_data_type == "random":
                rng = np.random.default_rng(0)
                buffers = {
                    name: rng.standard_normal(len(data) // 4).astype("<f4").tobytes() for name, data in warm.items()
                }
            outputs: list[np.ndarray] = []
            for _ in range(args.loop):
                outputs = self.execute(model, buffers)
            if folder is not None:
                self.save(folder, "pure_infer_data", outputs, 0, None)
        self.summary(folder, files, batch)
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

    def inputs(self, model: Compiled) -> list[list[list[Path]]] | None:
        """Per batch, per model input, the files."""
        columns = []
        for text in self.args.input.split(","):
            path = Path(text)
            if path.is_dir():
                found = [entry for entry in path.iterdir() if entry.suffix in {".npy", ".bin"}]
                columns.append(sorted(found, key=lambda entry: natural(entry.name)))
            elif path.is_file():
                columns.append([path])
            else:
                print(f"[ERROR] input path {text} is not exist", file=sys.stderr)
                return None
        if len(model.names) > 1 and len(columns) != len(model.names):
            columns = [columns[0][place :: len(model.names)] for place in range(len(model.names))]
        if not columns or not columns[0]:
            print("[ERROR] no input file", file=sys.stderr)
            return None
        size = model.batch
        # A file may hold one sample or a whole batch.
        whole = size > 1 and columns[0][0].stat().st_size == model.bytes_per_input(model.names[0])
        step = 1 if whole else size
        return [[column[at : at + step] for column in columns] for at in range(0, len(columns[0]), step)]

    def infer(
        self, model: Compiled, number: int, group: list[list[Path]], folder: Path | None, files: dict[str, Any]
    ) -> bool:
        buffers: dict[str, bytes | bytearray] = {}
        for place, (name, paths) in enumerate(zip(model.names, group, strict=True)):
            want = model.bytes_per_input(name)
            data = bytearray()
            for path in paths:
                data += np.load(path).tobytes() if path.suffix == ".npy" else path.read_bytes()
            single = want // model.batch
            short = len(paths) < model.batch and len(data) == single * len(paths)
            if len(data) != want and not short:
                print(f"[ERROR] arg{place} tensorsize: {want} filesize: {len(data)} not match")
                print("RuntimeError:[1][ACL:invalid parameter]", file=sys.stderr)
                return False
            buffers[name] = bytes(data).ljust(want, b"\0")  # padding_infer_fake_file
        outputs: list[np.ndarray] = []
        for _ in range(self.args.loop):
            outputs = self.execute(model, buffers)
        names = group[0]
        written: list[str] = []
        if folder is not None:
            if len(names) > 1:
                for place, path in enumerate(names):
                    written += self.save(folder, path.stem, outputs, number, (place, model.batch))
            else:
                real = (0, model.batch) if model.batch > 1 and len(names) < model.batch and short else None
                written += self.save(folder, names[0].stem, outputs, number, real)
        files[str(number)] = {"infiles": [str(path) for column in group for path in column], "outfiles": written}
        return True

    def execute(self, model: Compiled, buffers: dict[str, bytes | bytearray]) -> list[np.ndarray]:
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

    def save(
        self, folder: Path, stem: str, outputs: list[np.ndarray], number: int, part: tuple[int, int] | None
    ) -> list[str]:
        """Write each output; ``part`` = (place, batch) picks one sample. Indices start at 0 (benchmark: 1)."""
        names = []
        for index, value in enumerate(outputs):
            data = value
            if part is not None:
                place, batch = part
                rows = np.split(value, batch, axis=self.args.output_batchsize_axis) if value.ndim else [value] * batch
                data = rows[place]
            base = f"input{number}_output_{index}" if self.old else f"{stem}_{index}"
            path = folder / f"{base}.{self.args.outfmt.lower()}"
            if self.args.outfmt == "NPY":
                np.save(path, data)
            elif self.args.outfmt == "BIN":
                path.write_bytes(data.tobytes())
            else:
                with path.open("a" if self.old else "w", encoding="utf-8") as stream:
                    for row in data.reshape(-1, data.shape[-1] if data.ndim else 1):
                        stream.write(" ".join(f"{item:f}" for item in row.tolist()) + "\n")
            names.append(str(path))
        return names

    def summary(self, folder: Path | None, files: dict[str, Any], batch: int) -> None:
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
            report = {"filesinfo": files, "args": [sys.argv[0], *self.argv]}
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
