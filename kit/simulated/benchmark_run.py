"""A data set run of benchmark: four modules with queues between them, as the tool's threads work.

Formulas of the five rates: contract of the tool, from its 2020 source (rates of data read, preprocessing and inference
count samples, that of post-processing counts batches).
"""

from __future__ import annotations

import os
import queue
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .compiled import Compiled
from .engine import StandInError
from .gflags import Flags
from .world import DEFECT, World, mark

__all__ = ["DataSetRun", "Frame"]

DEPTH = 64  # frames between two modules: memory stays flat, as with the tool's own limit on free memory


@dataclass(frozen=True)
class Frame:
    """A line of the info file."""

    number: int
    path: str
    width: int
    height: int


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


class DataSetRun:
    """One run; :meth:`run` prints, writes ``result/`` and returns the exit status."""

    def __init__(self, flags: Flags, machine: World, model: Compiled, frames: list[Frame], started: float) -> None:
        self.flags, self.machine, self.model, self.frames, self.started = flags, machine, model, frames, started
        self.device = flags.number("device_id")
        self.generation = machine.benchmark
        self.folder = Path("result/dumpOutput" if self.generation == "A" else f"result/dumpOutput_device{self.device}")
        self.raw: queue.Queue[tuple[Frame, bytes] | None] = queue.Queue(DEPTH)
        self.ready: queue.Queue[tuple[Frame, bytes] | None] = queue.Queue(DEPTH)
        self.done: queue.Queue[tuple[list[Frame], list[np.ndarray]] | None] = queue.Queue(DEPTH)
        self.read, self.prepared, self.posted, self.inferred = Module(), Module(), Module(), Module()
        self.executing = self.working = 0.0
        self.samples = 0

    def run(self) -> int:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            print("[ERROR] creat result directory failed!!!")
            return 0
        modules = (self.reader, self.preprocess, self.post)
        threads = [threading.Thread(target=guarded, args=(module,), daemon=True) for module in modules]
        for thread in threads:
            thread.start()
        finished = self.infer()
        for thread in threads:
            thread.join()
        if not finished:
            return 0
        self.summary()
        for name in ("VisionPreProcess", "Inference", "DataManager", "PostProcess"):
            print(f"[INFO][{name}] DeInit SUCCESS")
        return 0

    def reader(self) -> None:
        for frame in self.frames:
            try:
                data = Path(frame.path).read_bytes()
            except (OSError, ValueError):  # a path may hold a zero byte
                print(f"[ERROR][DataManager] Image file does not exist: {frame.path}")
                continue
            if not data:
                print("[ERROR][DataManager] File size is zero!")
                continue
            self.raw.put((frame, data))
            self.read.tick()
        self.raw.put(None)

    def preprocess(self) -> None:
        while (item := self.raw.get()) is not None:
            frame, data = item
            if self.flags["useDvpp"]:
                image = dvpp(data, self.flags.number("input_width"), self.flags.number("input_height"))
                if image is None:
                    print(f"[ERROR][VisionPreProcess] decode failed: {frame.path}")
                    continue
                data = image
            self.ready.put((frame, data))
            self.prepared.tick()
        self.ready.put(None)

    def infer(self) -> bool:
        """Batches in order; a last, smaller one runs in a buffer whose rest keeps the batch before."""
        batch = self.model.batch
        buffers = {name: bytearray(self.model.bytes_per_input(name)) for name in self.model.names}
        self.inferred.start = time.perf_counter()
        half = len(self.frames) // 2
        pending: list[tuple[Frame, bytes]] = []
        ok = True
        while True:
            item = self.ready.get()
            if item is not None:
                pending.append(item)
            if pending and (item is None or len(pending) == batch):
                self.faults(half)
                ok = self.execute(pending, buffers)
                pending = []
            if item is None:
                break
        if not ok or (self.machine.has("benchmark-last-frame")):
            print("[Inference] last frame inference failed and exit. ")
            ok = False
        self.done.put(None)
        return ok

    def faults(self, half: int) -> None:
        if self.machine.has("benchmark-memory") and not self.samples:
            print("[ERROR][VisionPreProcess] Check free memory less 10% rate now wait!")
        if self.samples < half:
            return
        if self.machine.has("benchmark-crash"):
            while not self.done.empty():
                time.sleep(0.01)
            time.sleep(0.1)  # until what was taken out is printed and written
            sys.stdout.flush()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.signal(signal.SIGSEGV, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGSEGV)

    def execute(self, pending: list[tuple[Frame, bytes]], buffers: dict[str, bytearray]) -> bool:
        begin = time.perf_counter()
        for buffer in buffers.values():
            single = len(buffer) // self.model.batch
            for place, (_, data) in enumerate(pending):
                if len(data) != single:
                    print(
                        "[ERROR][Inference] Input data size don't match the model input size! "
                        f"len is {len(data)}, singleSize is {single}"
                    )
                    return False
                buffer[place * single : (place + 1) * single] = data
        start = time.perf_counter()
        try:
            if self.machine.has("acl-execute"):
                raise StandInError("injected")
            outputs = self.model.run(dict(buffers))
        except StandInError as error:
            mark(str(error))
            print("[ERROR] execute model failed.")
            print("[ERROR][Inference] Call exefunction failed!")
            return False
        end = time.perf_counter()
        if self.machine.has("benchmark-nan"):
            outputs = [value * np.nan if value.dtype.kind == "f" else value for value in outputs]
        self.executing += (end - start) * 1000
        self.samples += len(pending)
        self.inferred.tick(len(pending))
        self.done.put(([frame for frame, _ in pending], outputs))
        self.working += (time.perf_counter() - begin) * 1000
        return True

    def post(self) -> None:
        total = 0
        while (item := self.done.get()) is not None:
            frames, outputs = item
            total += len(frames)
            print(f"[INFO][PostProcess] CurSampleNum is {total}", flush=True)
            if self.save(frames, outputs):
                self.posted.tick()

    def save(self, frames: list[Frame], outputs: list[np.ndarray]) -> bool:
        """Every output is taken for float32, whatever it is; k counts outputs in the order of "0", "1", "10", "2"."""
        order = sorted(range(len(outputs)), key=str)
        batch = self.model.batch
        binary = self.flags.true("output_binary")
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
                try:
                    with stream:
                        stream.write(content)
                except OSError:
                    pass  # the tool does not look at what a write says: a full disk leaves a short file
        return True

    def summary(self) -> None:
        latency = (time.perf_counter() - self.started) * 1000
        if self.machine.has("benchmark-zero-latency") or not self.executing:
            print("[ERROR] Infer latency get zero, please check the model!")
            return
        infer, post = ("inference", "postprocess") if self.generation == "C" else ("infer", "post")
        lines = [
            f"[e2e] throughputRate: {self.read.count / latency * 1000:g}, latency: {latency:g}",
            f"[data read] throughputRate: {self.read.rate:g}, moduleLatency: {self.read.latency:g}",
            f"[preprocess] throughputRate: {self.prepared.rate:g}, moduleLatency: {self.prepared.latency:g}",
            (
                f"[{infer}] throughputRate: {self.inferred.rate:g}, Interface throughputRate: "
                f"{1000 * self.samples / self.executing:g}, moduleLatency: {self.working / self.samples:g}"
            ),
            f"[{post}] throughputRate: {self.posted.rate:g}, moduleLatency: {self.posted.latency:g}",
        ]
        name = f"perf_{self.flags['model_type']}_batchsize_{self.model.batch}_device_{self.device}.txt"
        try:
            Path("result", name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        except OSError as error:
            mark(f"{name}: {error.strerror}")
        print("-----------------Performance Summary------------------")
        print("\n".join(lines))
        print("-----------------------------------------------------------")


def guarded(module: Callable[[], None]) -> None:
    """Run a thread; if it fails, end the process instead of leaving the others to wait for it."""
    try:
        module()
    except BaseException:  # noqa: BLE001 - told as what it is, with its own status
        mark("a defect of the stand-in, not of what it was given:")
        traceback.print_exc()
        sys.stdout.flush()
        os._exit(DEFECT)


def as_text(values: np.ndarray) -> bytes:
    """``std::to_string`` of each value and one blank after each, then a newline."""
    return ("%f " * len(values) % tuple(values.tolist()) + "\n").encode()


def dvpp(data: bytes, width: int, height: int) -> bytes | None:
    """Decode and resize to YUV420SP (NV12), as the card's decoder does; None where it is no image."""
    import io

    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data)).convert("YCbCr").resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError):
        return None
    planes = np.asarray(image)
    chroma = planes[0 : height // 2 * 2 : 2, 0 : width // 2 * 2 : 2, 1:]
    return planes[..., 0].tobytes() + np.ascontiguousarray(chroma).tobytes()
