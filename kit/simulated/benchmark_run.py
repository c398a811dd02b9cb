"""A data set run of benchmark: read, preprocess, infer and post-process, one batch after another.

Formulas of the five rates: contract of the tool, from its 2020 source (rates of data read, preprocessing and inference
count samples, that of post-processing counts batches).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from .benchmark_flags import BenchmarkError
from .compiled import Compiled
from .engine import StandInError
from .gflags import Flags
from .machine import SimulatedMachine, end_by, mark

__all__ = ["DataSetRun", "Frame", "execute"]


@dataclass(frozen=True)
class Frame:
    """A line of the info file."""

    number: int
    path: str


@dataclass
class Module:
    """Counters of one module."""

    start: float = field(default_factory=time.perf_counter)
    end: float = 0.0
    count: int = 0

    def tick(self, amount: int = 1) -> None:
        self.count += amount
        self.end = time.perf_counter()

    @property
    def rate(self) -> float:
        return self.count / (self.end - self.start) if self.end > self.start else 0.0

    @property
    def latency(self) -> float:
        return 1000 / self.rate if self.rate else 0.0


def execute(
    machine: SimulatedMachine, model: Compiled, buffers: Mapping[str, bytes | bytearray], *more: str
) -> list[np.ndarray]:
    """One batch through the model.

    Raises:
        BenchmarkError: it fails, with ``more`` lines after the first.
    """
    try:
        if machine.has("acl-execute"):
            raise StandInError("injected")
        return model.run(buffers)
    except StandInError as error:
        mark(str(error))
        raise BenchmarkError("[ERROR] execute model failed.", *more) from error


class DataSetRun:
    """One run; :meth:`run` prints and writes ``result/``."""

    def __init__(
        self, flags: Flags, machine: SimulatedMachine, model: Compiled, frames: list[Frame], started: float
    ) -> None:
        self.flags, self.machine, self.model, self.frames, self.started = flags, machine, model, frames, started
        self.device = flags.number("device_id")
        self.folder = Path(f"result/dumpOutput_device{self.device}")
        self.read, self.prepared, self.posted, self.inferred = Module(), Module(), Module(), Module()
        self.executing = self.working = 0.0
        self.samples = 0

    def run(self) -> None:
        """Infer, then print and write the rates.

        Raises:
            BenchmarkError: the folder cannot be made, or the last batch failed.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BenchmarkError("[ERROR] creat result directory failed!!!") from error
        if not self.infer() or self.machine.has("benchmark-last-frame"):
            raise BenchmarkError("[Inference] last frame inference failed and exit. ")
        self.summary()
        for name in ("VisionPreProcess", "Inference", "DataManager", "PostProcess"):
            print(f"[INFO][{name}] DeInit SUCCESS")

    def inputs(self) -> Iterator[tuple[Frame, bytes]]:
        """Each file that can be read and decoded; for the others only a message is printed."""
        for frame in self.frames:
            try:
                data = Path(frame.path).read_bytes()
            except (OSError, ValueError):  # a path may hold a zero byte
                print(f"[ERROR][DataManager] Image file does not exist: {frame.path}")
                continue
            if not data:
                print("[ERROR][DataManager] File size is zero!")
                continue
            self.read.tick()
            if self.flags["useDvpp"]:
                image = dvpp(data, self.flags.number("input_width"), self.flags.number("input_height"))
                if image is None:
                    print(f"[ERROR][VisionPreProcess] decode failed: {frame.path}")
                    continue
                data = image
            self.prepared.tick()
            yield frame, data

    def infer(self) -> bool:
        """Run the batches in order: whether the last one succeeded. A smaller one keeps the rest of the buffer."""
        buffers = {name: bytearray(self.model.bytes_per_input(name)) for name in self.model.names}
        inputs, succeeded = self.inputs(), True
        while pending := list(islice(inputs, self.model.batch)):
            self.faults()
            try:
                self.execute(pending, buffers)
                succeeded = True
            except BenchmarkError as error:
                print(error)
                succeeded = False
        return succeeded

    def faults(self) -> None:
        if self.machine.has("benchmark-memory") and not self.samples:
            print("[ERROR][VisionPreProcess] Check free memory less 10% rate now wait!")
        if self.samples >= len(self.frames) // 2 and self.machine.has("benchmark-crash"):
            end_by(signal.SIGSEGV)

    def execute(self, pending: list[tuple[Frame, bytes]], buffers: dict[str, bytearray]) -> None:
        begin = time.perf_counter()
        for buffer in buffers.values():
            single = len(buffer) // self.model.batch
            for place, (_, data) in enumerate(pending):
                if len(data) != single:
                    raise BenchmarkError(
                        "[ERROR][Inference] Input data size don't match the model input size! "
                        f"len is {len(data)}, singleSize is {single}"
                    )
                buffer[place * single : (place + 1) * single] = data
        start = time.perf_counter()
        outputs = execute(self.machine, self.model, buffers, "[ERROR][Inference] Call exefunction failed!")
        end = time.perf_counter()
        if self.machine.has("benchmark-nan"):
            outputs = [value * np.nan if value.dtype.kind == "f" else value for value in outputs]
        self.executing += (end - start) * 1000
        self.samples += len(pending)
        self.inferred.tick(len(pending))
        self.working += (time.perf_counter() - begin) * 1000
        print(f"[INFO][PostProcess] CurSampleNum is {self.samples}", flush=True)
        if self.save([frame for frame, _ in pending], outputs):
            self.posted.tick()

    def save(self, frames: list[Frame], outputs: list[np.ndarray]) -> bool:
        """Every output is taken for float32, whatever it is; k counts outputs in the order of "0", "1", "10", "2"."""
        order = sorted(range(len(outputs)), key=str)
        batch = self.model.batch
        binary = bool(self.flags["output_binary"])
        for k, index in enumerate(order, 1):
            data = outputs[index].tobytes()
            if len(data) % batch or len(data) % 4:
                print("[ERROR][PostProcess] Vision_postprocess data is error.")
                return False
            length = len(data) // 4 // batch * 4
            for place, frame in enumerate(frames):
                part = data[place * length : (place + 1) * length]
                base = os.path.basename(frame.path)
                stem = base[: base.rindex(".")] if "." in base else base
                path = self.folder / f"{stem}_{k}.{'bin' if binary else 'txt'}"
                content = part if binary else as_text(np.frombuffer(part, "<f4"))
                try:
                    stream = path.open("wb")
                except (OSError, ValueError):
                    print(f"[ERROR][PostProcess] Can not open {path}")
                    print("[ERROR][PostProcess] SaveToTxtFile failed.")
                    return False
                # The tool ignores the result of a write: a full disk leaves a short file.
                with contextlib.suppress(OSError), stream:
                    stream.write(content)
        return True

    def summary(self) -> None:
        latency = (time.perf_counter() - self.started) * 1000
        if self.machine.has("benchmark-zero-latency") or not self.executing:
            print("[ERROR] Infer latency get zero, please check the model!")
            return
        lines = [
            f"[e2e] throughputRate: {self.read.count / latency * 1000:g}, latency: {latency:g}",
            f"[data read] throughputRate: {self.read.rate:g}, moduleLatency: {self.read.latency:g}",
            f"[preprocess] throughputRate: {self.prepared.rate:g}, moduleLatency: {self.prepared.latency:g}",
            (
                f"[inference] throughputRate: {self.inferred.rate:g}, Interface throughputRate: "
                f"{1000 * self.samples / self.executing:g}, moduleLatency: {self.working / self.samples:g}"
            ),
            f"[postprocess] throughputRate: {self.posted.rate:g}, moduleLatency: {self.posted.latency:g}",
        ]
        name = f"perf_{self.flags['model_type']}_batchsize_{self.model.batch}_device_{self.device}.txt"
        try:
            Path("result", name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        except OSError as error:
            mark(f"{name}: {error.strerror}")
        print("-----------------Performance Summary------------------")
        print("\n".join(lines))
        print("-----------------------------------------------------------")


def as_text(values: np.ndarray) -> bytes:
    """``std::to_string`` of each value and one blank after each, then a newline."""
    return ("%f " * len(values) % tuple(values.tolist()) + "\n").encode()


def dvpp(data: bytes, width: int, height: int) -> bytes | None:
    """Decode and resize to YUV420SP (NV12), as the card's decoder does; None where it is not an image."""
    import io

    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data)).convert("YCbCr").resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError):
        return None
    planes = np.asarray(image)
    chroma = planes[0 : height // 2 * 2 : 2, 0 : width // 2 * 2 : 2, 1:]
    return planes[..., 0].tobytes() + np.ascontiguousarray(chroma).tobytes()
