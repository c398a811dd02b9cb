"""atc 5.1.RC1: stdout, exit codes and files of the vendor's converter; the om holds the ONNX model."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

from . import aipp, atc_flags, atc_shapes
from .atc_errors import AtcError, invalid
from .engine import Engine, EngineError
from .gflags import Flags, FlagsError, fail, parse
from .libraries import missing_library
from .om import Om, OmError, read_om, write_om
from .onnxwire import Model, Port, WireError, read_model, with_input_shapes, with_outputs
from .world import World, abort, mark, world

__all__ = ["main"]

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
NUMPY_NAMES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}
OPSETS = range(7, 14)  # what the parsers of the 5.1 era register


def main(program: str, argv: list[str]) -> int:
    """Run the converter; the shell's status: 0, 1 for a bad flag, 255 for any other failure."""
    machine = world()
    library = missing_library("libascend_hal.so")
    if library:
        print(f"{program}: {library}", file=sys.stderr)
        return 127
    print(START, flush=True)
    try:
        flags = parse(argv, atc_flags.DEFAULTS)
    except FlagsError as error:
        return fail(error)
    if flags["help"] or flags["h"]:
        print(atc_flags.HELP)
        return 0
    mark(f"atc {machine.toolkit}: the om will hold the ONNX model and run on the CPU")
    try:
        warnings = convert(flags, machine, " ".join(["atc", *argv]))
    except AtcError as error:
        if error.why:
            mark(error.why)
        if error.code == "E10010":
            print(error)
            print(FAILED)
        else:
            print(FAILED)
            print(error.block())
        return 255
    print(SUCCESS)
    for line in warnings:
        print(line)
    return 0


def convert(flags: Flags, machine: World, command: str) -> list[str]:
    """Do what ``--mode`` says; the warnings to print after the success line."""
    if flags["auto_tune_mode"]:
        available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
        print(f"Current available mem is {available}kB.")
        print("The Auto Tune function has been deprecated. Please use the AOE tool for tuning.")
        if machine.has("atc-low-memory"):
            raise AtcError("E10044", f"The available memory [{available}kB] is too small for auto tune.")
    if flags["log"] not in {"debug", "info", "warning", "error", "null"}:
        raise AtcError(
            "E10010", f"invalid value for --log:{flags['log']},only support debug, info, warning, error, null"
        )
    mode = flags["mode"]
    if mode == 6:
        show(flags)
        return []
    if mode == 1:
        to_json(flags)
        return []
    if mode not in {0, 3}:
        raise invalid(mode, "--mode", "only support 0, 1, 3, 5, 6.")
    atc_flags.check(flags)
    data, model = load(flags, machine)
    litter(flags, mode=int(mode))
    if mode == 3:
        return []
    shapes = atc_shapes.resolve(flags, model)
    om = compile_model(flags, machine, data, model, shapes)
    om.command = command
    save(flags, machine, om)
    if machine.has("atc-warnings"):
        op = model.nodes[-1].name or model.nodes[-1].op
        return [
            (
                f"W11001: High-priority service of op[{op}] is invalid, low-priority service is used. "
                "It can work normally but may affect performance."
            )
        ]
    return []


def load(flags: Flags, machine: World) -> tuple[bytes, Model]:
    path = Path(flags.text("model"))
    if len(str(path)) >= 4096:
        raise AtcError("E19002", f"The path [{path}] is too long.")
    try:
        data = path.read_bytes()
    except PermissionError as error:
        raise AtcError("E19001", f"Open file [{path}] failed. Permission denied") from error
    except OSError as error:
        raise AtcError("E10041", f"Failed to load the model from [{path}].", f"{path}: {error.strerror}") from error
    if flags["framework"] != 5:
        raise AtcError("E10041", f"Failed to load the model from [{path}].", "the stand-in reads ONNX models only")
    try:
        model = read_model(data)
    except WireError as error:
        raise AtcError("E10041", f"Failed to load the model from [{path}].", str(error)) from error
    if model.external:
        raise AtcError("E10041", f"Failed to load the model from [{path}].", "external weights are not supported")
    foreign = next((node for node in model.nodes if node.domain not in {"", "ai.onnx"}), None)
    if model.opset not in OPSETS or foreign:
        node = foreign or model.nodes[0]
        domain = node.domain or "ai.onnx"
        raise AtcError(
            "E19010", f"No parser is registered for Op [{node.name}, optype [{domain}::{model.opset}::{node.op}]]."
        )
    injected(machine, model)
    return data, model


def injected(machine: World, model: Model) -> None:
    """Failures of the operator compiler that cannot be caused here."""
    node = model.nodes[0]
    if machine.has("atc-python-deps"):
        raise AtcError("EC0010", "Failed to import Python module [ModuleNotFoundError: No module named 'decorator'].")
    if machine.has("atc-te-import"):
        raise AtcError("E40000", "Failed to import te.platform.log_util.")
    if machine.has("atc-unsupported-op"):
        raise AtcError("EZ3003", f"No supported Ops kernel and engine are found for [{node.name}], optype [{node.op}].")
    if machine.has("atc-inner"):
        raise AtcError("E19999", "Inner Error, Please contact support engineer!")
    if machine.has("atc-compile"):
        print("Traceback (most recent call last):")
        print("RuntimeError: ({'errCode': 'E90003', 'detailed_cause': 'tuple_reduce_sum not support'}, "
              "'Compile operator failed, cause: Template type error')")  # fmt: skip
        raise AtcError("E90003", "Compile operator failed, cause: tuple_reduce_sum not support.")
    if machine.has("atc-memory"):
        print("BrokenPipeError: [Errno 32] Broken pipe", file=sys.stderr)
        raise AtcError("E40000", "The operator compiler process exited.")
    if machine.has("atc-dots"):
        print("." * 24)
    if machine.has("atc-chatter"):
        print(
            "=================================\nntc dst shape: [1, 19, 1024, 2048]\n================================="
        )


def compile_model(flags: Flags, machine: World, data: bytes, model: Model, shapes: atc_shapes.Shapes) -> Om:
    """Fix shapes and outputs, and prove that the result runs."""
    names = [port.name for port in model.outputs]
    if flags["out_nodes"]:
        names = out_nodes(flags.text("out_nodes"), model)
        data = with_outputs(data, [Port(name, 1, ()) for name in names])
    inputs = {port.name: port for port in model.inputs}
    for name in filter(None, flags.text("input_fp16_nodes").split(";")):
        if name not in inputs:
            raise AtcError("E10016", f"Opname [{name}] specified in [--input_fp16_nodes] is not found in the model")
    config = aipp.read_config(Path(flags.text("insert_op_conf"))) if flags["insert_op_conf"] else None
    if config and config["aipp_mode"] == "static":
        aipp.check(config, next(iter(shapes.dims.values())))
    fixed = {name: dims for name, dims in shapes.dims.items() if dims and min(dims) > 0}
    data = with_input_shapes(data, fixed)
    precision = flags.text("precision_mode") or "force_fp16"
    fp16 = precision in {"force_fp16", "allow_fp32_to_fp16", "allow_mix_precision"}
    halves = set(flags.text("input_fp16_nodes").split(";"))
    entries = []
    for name, dims in shapes.dims.items():
        kind = "float16" if name in halves else NUMPY_NAMES.get(inputs[name].elem_type, "float32")
        entries.append({"name": name, "dims": list(dims), "dtype": kind})
    try:
        engine = Engine(data, fp16=fp16)
        if len(fixed) == len(inputs):
            engine(engine.zeros(fixed))
    except EngineError as error:
        raise AtcError("E19999", "Inner Error, Please contact support engineer!", str(error)) from error
    return Om(
        name=Path(flags.text("output")).name,
        soc_version=flags.text("soc_version"),
        inputs=entries,
        outputs=names,
        batches=shapes.batches,
        sizes=shapes.sizes,
        fp16=fp16,
        output_type=flags.text("output_type"),
        aipp=config,
        atc_version=machine.toolkit,
        weight_bytes=len(data),
        onnx=data,
    )


def out_nodes(text: str, model: Model) -> list[str]:
    """Tensor names of ``--out_nodes``: ``node:index`` pairs, or names of tensors."""
    by_name = {node.name: node for node in model.nodes}
    tensors = {name for node in model.nodes for name in node.outputs}
    names = []
    for item in filter(None, text.split(";")):
        if item in tensors:
            names.append(item)
            continue
        name, _, index = item.rpartition(":")
        node = by_name.get(name)
        if node is None or not re.fullmatch("[0-9]{1,9}", index) or int(index) >= len(node.outputs):
            raise AtcError("E10016", f"Opname [{name or item}] specified in [--out_nodes] is not found in the model")
        names.append(node.outputs[int(index)])
    return names


def litter(flags: Flags, *, mode: int) -> None:
    """What a conversion leaves in the working directory and at home, whether it is wanted or not."""
    try:
        (Path(flags.text("debug_dir") or ".") / "kernel_meta").mkdir(parents=True, exist_ok=True)
        Path("fusion_result.json").write_text(
            json.dumps({"graph_fusion": {}, "ub_fusion": {}}) + "\n", encoding="utf-8"
        )
        if mode == 3:
            Path(flags.text("check_report")).write_text(json.dumps({"op": []}) + "\n", encoding="utf-8")
    except OSError:
        pass
    with contextlib.suppress(OSError):
        Path(os.environ.get("HOME") or "/nonexistent", "atc_data").mkdir(exist_ok=True)


def save(flags: Flags, machine: World, om: Om) -> None:
    target = Path(flags.text("output") + ".om")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if machine.has("atc-killed"):
            write_om(target, om, cut=True)
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(10)
            abort()
        write_om(target, om)
        if flags["save_original_model"] == "true":
            write_om(Path(flags.text("output") + "_original.om"), om)
    except OSError as error:
        raise AtcError(
            "E19999", "Inner Error, Please contact support engineer!", f"{target}: {error.strerror}"
        ) from error


def opened(flags: Flags) -> Om:
    if not flags["om"]:
        raise AtcError("E10004", "Value for [--om] is empty.")
    path = Path(flags.text("om"))
    if not path.exists():
        raise AtcError("E10410", f"File [{path}] does not exist.")
    try:
        return read_om(path)
    except (OmError, OSError) as error:
        raise AtcError("E10041", f"Failed to load the model from [{path}].", str(error)) from error


def show(flags: Flags) -> None:
    """Mode 6: the facts of an om; sizes other than weights and the file are not known here and are 0."""
    om = opened(flags)
    print("============ Display Model Info start ============")
    print(f"Original Atc command line: {om.command}")
    print(
        f"system   info: atc_version[{om.atc_version}], soc_version[{om.soc_version}], framework_type[{om.framework}]."
    )
    print(f"resource info: memory_size[0 B], weight_size[{om.weight_bytes} B], stream_num[1], event_num[0].")
    print(
        f"om       info: modeldef_size[{len(om.onnx)} B], weight_data_size[{om.weight_bytes} B], "
        "tbe_kernels_size[0 B], cust_aicpu_kernel_store_size[0 B], task_info_size[0 B]."
    )
    print("============ Display Model Info end   ============")


def to_json(flags: Flags) -> None:
    om = opened(flags)
    if not flags["json"]:
        raise AtcError("E10004", "Value for [--json] is empty.")
    facts = {"name": om.name, "soc_version": om.soc_version, "input": om.inputs, "output": om.outputs}
    try:
        Path(flags.text("json")).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise AtcError("E19999", "Inner Error, Please contact support engineer!", str(error)) from error
