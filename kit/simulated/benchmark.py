"""benchmark.x86_64 and benchmark.aarch64: data set runs and pure inference of the vendor's benchmark tool.

Exit status: the 2020 source returns 0 on most failures and the later binaries' is unknown, so failures that the tool
reports itself end with 0 here, too: a caller must look at ``[ERROR]`` lines, the performance file and the count.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
from pathlib import Path

from . import benchmark_flags
from .benchmark_flags import BenchmarkError
from .benchmark_run import DataSetRun, Frame, execute
from .compiled import Compiled
from .devices import acl_problem, missing_library
from .engine import StandInError
from .gflags import Flags, FlagsError, parse
from .machine import SimulatedMachine, mark, mark_folder, this_machine
from .om import OmError, read_om

__all__ = ["main"]

# Names of one chip over the years: an om for Ascend710 runs on what later drivers call 310P3.
SAME_CHIP = {"Ascend710": "Ascend310P3"}


def main(program: str, argv: list[str]) -> int:
    """Run the tool."""
    machine = this_machine()
    library = missing_library("libascendcl.so", "libascend_hal.so")
    if library:
        print(f"{program}: {library}", file=sys.stderr)
        return 127
    if not argv or argv[0] in {"-h", "--help", "-help", "--h"}:
        print(benchmark_flags.HELP)
        return 0
    try:
        benchmark_flags.check_names(argv)
        flags = parse(argv, benchmark_flags.DEFAULTS)
        benchmark_flags.check(flags)
        mark("benchmark: the CPU computes, the rates are the CPU's")
        run(flags, machine)
    except FlagsError as error:
        print(error, file=sys.stderr)
        return 1
    except BenchmarkError as error:
        print(error)
        return error.status
    return 0


def run(flags: Flags, machine: SimulatedMachine) -> None:
    """Run over a data set, or on constant data with ``-round``.

    Raises:
        BenchmarkError: the lines that the tool ends with.
    """
    started = time.perf_counter()
    pure = "round" in flags.given
    om_path, info = Path(flags.text("om_path")), Path(flags.text("input_text_path"))
    try:
        mark_folder(Path("result"), "benchmark")
    except OSError as error:
        raise BenchmarkError("[ERROR] creat result directory failed!!!") from error
    if not om_path.exists():
        raise BenchmarkError(f"[ERROR] Get absolute om_path failed! The path is {om_path}")
    if not pure and not info.exists():
        raise BenchmarkError(f"[ERROR] Get absolute input_text_path path failed! The path is {info}")
    call, why = acl_problem(machine, flags.number("device_id"))
    if call:
        mark(why)
        raise BenchmarkError(f"[ERROR] {call} failed!")
    if pure:
        pure_inference(flags, machine, load(flags, machine, om_path))
        return
    if flags["model_type"] not in {"vision", "yolocaffe"}:
        mark(f"-model_type={flags['model_type']} is not rehearsed: vision only")
        raise BenchmarkError("[ERROR] moduleInstance.preprocessInstance init failed.", status=1)
    frames = read_info(info)
    model = load(flags, machine, om_path)
    if len({frame.number for frame in frames}) < len(frames):
        raise BenchmarkError(
            "[ERROR][PostProcess] FrameInfoMap insert error.", "[ERROR] moduleInstance.postProcessInstance init failed."
        )
    for text in ("[Vision] Create stream", "[VisionPreProcess] Init", "[Inference] Init", "[PostProcess] Init"):
        print(f"[INFO]{text} SUCCESS")
    DataSetRun(flags, machine, model, frames, started).run()


def read_info(path: Path) -> list[Frame]:
    """Lines ``index path width height``, split at blanks; blank lines are skipped.

    Raises:
        BenchmarkError: the file cannot be read, is empty, or has another line.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise BenchmarkError("[ERROR] Input text file open filed, Please check!") from error
    print("[INFO][DataManager] Init SUCCESS")
    print("[INFO][Preprocess] Init SUCCESS")
    rows = [words for line in text.split("\n") if (words := line.split())]
    numbers = [word for words in rows for word in (words[0], *words[2:4])]
    if not rows or min(map(len, rows)) < 4 or not all(re.fullmatch("[0-9]{1,9}", number) for number in numbers):
        raise BenchmarkError("[ERROR] CheckTextContent Check whether the file content is correct!")
    return [Frame(int(words[0]), words[1]) for words in rows]


def load(flags: Flags, machine: SimulatedMachine, path: Path) -> Compiled:
    """Load the om for the batch that was asked for.

    Raises:
        BenchmarkError: it cannot be read, or is for another chip, batch or size.
    """
    failed = "[ERROR] moduleInstance.inferenceInstance init failed."
    try:
        om = read_om(path)
        wanted, have = (SAME_CHIP.get(name, name) for name in (om.soc_version, machine.soc_version))
        if machine.has("acl-load") or wanted != have:
            raise OmError(f"the om is for {om.soc_version}, the chip is {machine.soc_version} (ACL error 507008)")
        size = (flags.number("input_height"), flags.number("input_width")) if om.sizes else None
        if size and list(size) not in om.sizes:
            raise BenchmarkError("[ERROR][Inference] only support dynamic batch or hw", failed)
        batch = flags.number("batch_size")
        if batch not in (om.batches or [om.batch]):
            raise BenchmarkError("[ERROR][Inference] The batchsize of om model does not match the user inputs!", failed)
        return Compiled(om, batch, size)
    except (OmError, OSError, StandInError) as error:
        mark(f"{path}: {error}")
        raise BenchmarkError(
            "[ERROR][Inference] aclmdlLoadFromFile failed!", "[ERROR][Inference] Load model failed!", failed
        ) from error


def pure_inference(flags: Flags, machine: SimulatedMachine, model: Compiled) -> None:
    """``-round``: the model alone, on constant data; the first rounds do not count."""
    print("[INFO][Inference] PureInfer Init SUCCESS", flush=True)
    buffers = {name: bytes(model.bytes_per_input(name)) for name in model.names}
    costs = []
    for number in range(flags.number("round")):
        start = time.perf_counter()
        execute(machine, model, buffers)
        costs.append((time.perf_counter() - start) * 1000)
        print(f"[INFO] Dataset number: {number} finished cost {costs[-1]:g}ms", flush=True)
    if machine.has("benchmark-zero-latency"):
        raise BenchmarkError("[ERROR] Infer latency get zero, please check the model!")
    kept = costs[max(1, len(costs) // 10) :] or costs
    # The real tool's two figures are some tenths of a percent away from being reciprocal; these are not.
    latency = sum(kept) / len(kept) / model.batch
    rate = 1000 / latency
    stem = Path(flags.text("om_path")).stem
    name = f"./result/PureInfer_perf_of_{stem}_in_device_{flags['device_id']}.txt"
    with contextlib.suppress(OSError):  # the tool does not check whether the file could be opened
        line = f"ave_throughputRate = {rate:g}samples/s, ave_latency = {latency:g}ms\n"
        Path(name).write_text(line, encoding="utf-8")
    print(f"[INFO] PureInfer result saved in {name}")
    print("-----------------PureInfer Performance Summary------------------")
    print(f"[INFO] ave_throughputRate: {rate:g}samples/s, ave_latency: {latency:g}ms")
    print("----------------------------------------------------------------")
