"""benchmark.x86_64 and benchmark.aarch64: data set runs and pure inference of the vendor's benchmark tool.

Exit status: the 2020 source returns 0 on most failures and the later binaries' is unknown, so failures that the tool
reports itself end with 0 here too: a caller must look at ``[ERROR]`` lines, the performance file and the count.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
from pathlib import Path

from . import benchmark_flags
from .benchmark_run import DataSetRun, Frame
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
    if not benchmark_flags.known_names(argv):
        print("[ERROR] Command params input error! Please check help message.")
        return 0
    try:
        flags = parse(argv, benchmark_flags.DEFAULTS)
    except FlagsError as error:
        print(error, file=sys.stderr)
        return 1
    trouble = benchmark_flags.problem(flags)
    if trouble:
        print(trouble)
        return 0
    mark("benchmark: the CPU computes, the rates are the CPU's")
    try:
        mark_folder(Path("result"), "benchmark")
    except OSError:
        print("[ERROR] creat result directory failed!!!")
        return 0
    return run(flags, machine)


def run(flags: Flags, machine: SimulatedMachine) -> int:
    started = time.perf_counter()
    pure = "round" in flags.given
    om_path = Path(flags.text("om_path"))
    if not om_path.exists():
        print(f"[ERROR] Get absolute om_path failed! The path is {om_path}")
        return 0
    info = Path(flags.text("input_text_path"))
    if not pure and not info.exists():
        print(f"[ERROR] Get absolute input_text_path path failed! The path is {info}")
        return 0
    call, why = acl_problem(machine, flags.number("device_id"))
    if call:
        mark(why)
        print(f"[ERROR] {call} failed!")
        return 0
    if pure:
        return pure_inference(flags, machine, om_path)
    if flags["model_type"] not in {"vision", "yolocaffe"}:
        mark(f"-model_type={flags['model_type']} is not rehearsed: vision only")
        print("[ERROR] moduleInstance.preprocessInstance init failed.")
        return 1
    frames = read_info(info)
    if frames is None:
        return 0
    model = load(flags, machine, om_path)
    if model is None:
        return 0
    ids = [frame.number for frame in frames]
    if len(set(ids)) < len(ids):
        print("[ERROR][PostProcess] FrameInfoMap insert error.")
        print("[ERROR] moduleInstance.postProcessInstance init failed.")
        return 0
    for text in ("[Vision] Create stream", "[VisionPreProcess] Init", "[Inference] Init", "[PostProcess] Init"):
        print(f"[INFO]{text} SUCCESS")
    return DataSetRun(flags, machine, model, frames, started).run()


def read_info(path: Path) -> list[Frame] | None:
    """Lines ``index path width height``, split at blanks; blank lines are skipped. None: a message was printed."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        print("[ERROR] Input text file open filed, Please check!")
        return None
    print("[INFO][DataManager] Init SUCCESS")
    print("[INFO][Preprocess] Init SUCCESS")
    frames = []
    for line in text.split("\n"):
        words = line.split()
        if not words:
            continue
        if len(words) < 4 or not all(re.fullmatch("[0-9]{1,9}", words[place]) for place in (0, 2, 3)):
            print("[ERROR] CheckTextContent Check whether the file content is correct!")
            return None
        frames.append(Frame(int(words[0]), words[1], int(words[2]), int(words[3])))
    if not frames:
        print("[ERROR] CheckTextContent Check whether the file content is correct!")
        return None
    return frames


def load(flags: Flags, machine: SimulatedMachine, path: Path) -> Compiled | None:
    """Load the om for the batch that was asked for; None: the messages are printed."""

    def refuse(*lines: str) -> None:
        for line in lines:
            print(line)
        print("[ERROR] moduleInstance.inferenceInstance init failed.")

    not_loaded = ("[ERROR][Inference] aclmdlLoadFromFile failed!", "[ERROR][Inference] Load model failed!")
    try:
        om = read_om(path)
    except (OmError, OSError) as error:
        mark(f"{path}: {error}")
        refuse(*not_loaded)
        return None
    wanted, have = (SAME_CHIP.get(name, name) for name in (om.soc_version, machine.soc_version))
    if machine.has("acl-load") or wanted != have:
        mark(f"the om is for {om.soc_version}, the chip is {machine.soc_version} (ACL error 507008)")
        refuse(*not_loaded)
        return None
    batch = flags.number("batch_size")
    size: tuple[int, int] | None = None
    if om.sizes:
        size = (flags.number("input_height"), flags.number("input_width"))
        if list(size) not in om.sizes:
            refuse("[ERROR][Inference] only support dynamic batch or hw")
            return None
    if batch != om.batch if not om.batches else batch not in om.batches:
        refuse("[ERROR][Inference] The batchsize of om model does not match the user inputs!")
        return None
    try:
        return Compiled(om, batch, size)
    except StandInError as error:
        mark(str(error))
        refuse(*not_loaded)
        return None


def pure_inference(flags: Flags, machine: SimulatedMachine, path: Path) -> int:
    """``-round``: the model alone, on constant data; the first rounds do not count."""
    model = load(flags, machine, path)
    if model is None:
        return 0
    print("[INFO][Inference] PureInfer Init SUCCESS", flush=True)
    buffers = {name: bytes(model.bytes_per_input(name)) for name in model.names}
    costs = []
    for number in range(flags.number("round")):
        start = time.perf_counter()
        try:
            if machine.has("acl-execute"):
                raise StandInError("injected")
            model.run(buffers)
        except StandInError as error:
            mark(str(error))
            print("[ERROR] execute model failed.")
            return 0
        costs.append((time.perf_counter() - start) * 1000)
        print(f"[INFO] Dataset number: {number} finished cost {costs[-1]:g}ms", flush=True)
    if machine.has("benchmark-zero-latency"):
        print("[ERROR] Infer latency get zero, please check the model!")
        return 0
    kept = costs[max(1, len(costs) // 10) :] or costs
    # The tool's two figures miss being reciprocal by some tenths of a percent, nobody knows why; these do not.
    latency = sum(kept) / len(kept) / model.batch
    rate = 1000 / latency
    name = f"./result/PureInfer_perf_of_{path.name.rpartition('.')[0] or path.name}_in_device_{flags['device_id']}.txt"
    with contextlib.suppress(OSError):  # nobody looks whether it could be opened
        line = f"ave_throughputRate = {rate:g}samples/s, ave_latency = {latency:g}ms\n"
        Path(name).write_text(line, encoding="utf-8")
    print(f"[INFO] PureInfer result saved in {name}")
    print("-----------------PureInfer Performance Summary------------------")
    print(f"[INFO] ave_throughputRate: {rate:g}samples/s, ave_latency: {latency:g}ms")
    print("----------------------------------------------------------------")
    return 0
