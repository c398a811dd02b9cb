"""atc: stdout, exit codes and files of the vendor's converter, 5.1.RC1 by default; the om holds the ONNX model."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
from pathlib import Path

from . import aipp, atc_flags, atc_shapes
from .atc_flags import AtcError, invalid
from .devices import missing_library
from .engine import StandInEngine, StandInError
from .gflags import Flags, FlagsError, parse
from .machine import SimulatedMachine, end_by, mark, this_machine
from .models import ModelError, StandInModel, read_model, with_input_shapes, with_outputs
from .om import Om, OmError, read_om, write_om
from .versions import Version

__all__ = ["main"]

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
_INNER = "Inner Error, Please contact support engineer!"
#: Fault -> error code, text after it, and what is printed to stdout and stderr before it.
_INJECTED: dict[str, tuple[str, str, str, str]] = {
    "atc-python-deps": (
        "EC0010", "Failed to import Python module [ModuleNotFoundError: No module named 'decorator'].", "", "",
    ),
    "atc-te-import": ("E40000", "Failed to import te.platform.log_util.", "", ""),
    "atc-unsupported-op": (
        "EZ3003", "No supported Ops kernel and engine are found for [{name}], optype [{op}].", "", "",
    ),
    "atc-inner": ("E19999", _INNER, "", ""),
    "atc-compile": (
        "E90003", "Compile operator failed, cause: tuple_reduce_sum not support.",
        (
            "Traceback (most recent call last):\nRuntimeError: ({'errCode': 'E90003', 'detailed_cause': "
            "'tuple_reduce_sum not support'}, 'Compile operator failed, cause: Template type error')"
        ), "",
    ),
    "atc-memory": ("E40000", "The operator compiler process exited.", "", "BrokenPipeError: [Errno 32] Broken pipe"),
}  # fmt: skip


def opsets(version: Version) -> range:
    """Opsets whose operators have a parser."""
    return range(7, 14) if version < (7, 0, 0) else range(7, 19)


def main(program: str, argv: list[str]) -> int:
    """Run the converter; the shell's status: 0, 1 for a bad flag, 255 for any other failure."""
    machine = this_machine()
    library = missing_library("libascend_hal.so")
    if library:
        print(f"{program}: {library}", file=sys.stderr)
        return 127
    print(START, flush=True)
    try:
        flags = parse(argv, atc_flags.defaults(machine.cann))
    except FlagsError as error:
        print(error, file=sys.stderr)
        return 1
    if flags["help"] or flags["h"]:
        print(atc_flags.HELP)
        return 0
    mark(f"atc {machine.toolkit}: the om will hold the ONNX model and run on the CPU")
    if machine.cann >= (6, 0, 0):
        print("...", flush=True)
    try:
        warnings = convert(flags, machine, " ".join(["atc", *argv]))
    except AtcError as error:
        if error.why:
            mark(error.why)
        print("\n".join((str(error), FAILED) if error.code == "E10010" else (FAILED, error.block(machine.cann))))
        return 255
    print("\n".join((SUCCESS, *warnings)))
    return 0


def convert(flags: Flags, machine: SimulatedMachine, command: str) -> list[str]:
    """Do what ``--mode`` says; the warnings to print after the success line."""
    if flags["auto_tune_mode"] and machine.cann < (9, 0, 0):
        print(f"Current available mem is {os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 1024}kB.")
        print("The Auto Tune function has been deprecated. Please use the AOE tool for tuning.")
    if flags["log"] not in {"debug", "info", "warning", "error", "null"}:
        raise AtcError(
            "E10010", f"invalid value for --log:{flags['log']},only support debug, info, warning, error, null"
        )
    if flags["mode"] == 6:
        show(flags)
        return []
    if flags["mode"] not in {0, 3}:
        raise invalid(flags["mode"], "--mode", "only support 0, 1, 3, 5, 6.")
    atc_flags.check(flags, machine.cann)
    model = load(flags, machine)
    litter(flags)
    if flags["mode"] == 3:
        return []
    save(flags, machine, compiled(flags, machine, model, command))
    if not machine.has("atc-warnings"):
        return []
    op = model.nodes[-1].name or model.nodes[-1].op_type
    tail = "low-priority service is used. It can work normally but may affect performance."
    return [f"W11001: High-priority service of op[{op}] is invalid, {tail}"]


def load(flags: Flags, machine: SimulatedMachine) -> StandInModel:
    path = Path(flags.text("model"))

    def refused(why: str) -> AtcError:
        return AtcError("E10041", f"Failed to load the model from [{path}].", why)

    if flags["framework"] != 5:
        raise refused("the stand-in reads ONNX models only")
    try:
        model = read_model(path)
    except (OSError, ModelError) as error:
        raise refused(str(error)) from error
    if model.opset not in opsets(machine.cann) or model.foreign is not None:
        node = model.nodes[0] if model.foreign is None else model.foreign
        kind = f"{node.domain or 'ai.onnx'}::{model.opset}::{node.op_type}"
        if machine.cann >= (8, 5, 0):
            raise AtcError("E16002", f"No ONNX parser is registered for optype [{kind}].")
        raise AtcError("E19010", f"No parser is registered for Op [{node.name}, optype [{kind}]].")
    for fault, (code, text, out, err) in _INJECTED.items():
        if machine.has(fault):
            print(out, end="\n" if out else "")
            print(err, end="\n" if err else "", file=sys.stderr)
            raise AtcError(code, text.format(name=model.nodes[0].name, op=model.nodes[0].op_type))
    if machine.has("atc-warnings"):
        rule = "=" * 33
        print(f"{'.' * 24}\n{rule}\nntc dst shape: [1, 19, 1024, 2048]\n{rule}")
    return model


def compiled(flags: Flags, machine: SimulatedMachine, model: StandInModel, command: str) -> Om:
    """Fix shapes and outputs, and prove that the result runs."""
    graph_names = {name for node in model.nodes for name in (node.name, *node.output)}
    shapes = atc_shapes.resolve(flags, model.inputs, graph_names, ranges=machine.cann >= (8, 0, 0))
    if flags["out_nodes"]:
        model = with_outputs(model, out_nodes(flags.text("out_nodes"), model))
    halves = set(filter(None, flags.text("input_fp16_nodes").split(";")))
    for name in halves - shapes.dims.keys():
        raise AtcError("E10016", f"Opname [{name}] specified in [--input_fp16_nodes] is not found in the model")
    config = aipp.read_config(Path(flags.text("insert_op_conf"))) if flags["insert_op_conf"] else None
    if config and config["aipp_mode"] == "static":
        aipp.check(config, next(iter(shapes.dims.values())))
    fixed = {name: dims for name, dims in shapes.dims.items() if dims and min(dims) > 0}
    content = with_input_shapes(model, {name: dims for name, dims in shapes.dims.items() if dims}).content()
    # fp16 is the default of inference in all versions; "origin" and the fp32 modes keep the model's types.
    precision = flags.text("precision_mode") or str(flags.get("precision_mode_v2") or "") or "force_fp16"
    fp16 = precision not in {"force_fp32", "must_keep_origin_dtype", "origin", "cube_fp16in_fp32out"}
    try:
        engine = StandInEngine(content, fp16=fp16)
        if len(fixed) == len(model.inputs):
            engine(engine.zeros(fixed))
    except StandInError as error:
        raise AtcError("E19999", _INNER, str(error)) from error
    return Om(
        name=Path(flags.text("output")).name,
        soc_version=flags.text("soc_version"),
        inputs=[
            {
                "name": port.name,
                "dims": list(shapes.dims[port.name]),
                "dtype": "float16" if port.name in halves else port.dtype,
            }
            for port in model.inputs
        ],
        outputs=[port.name for port in model.outputs],
        batches=shapes.batches,
        sizes=shapes.sizes,
        ranges=shapes.ranges,
        fp16=fp16,
        output_type=flags.text("output_type"),
        aipp=config,
        atc_version=machine.toolkit,
        command=command,
        onnx=content,
    )


def out_nodes(text: str, model: StandInModel) -> list[str]:
    """Tensor names of ``--out_nodes``: ``node:index`` pairs, or names of tensors."""
    by_name = {node.name: list(node.output) for node in model.nodes}
    tensors = {name for outputs in by_name.values() for name in outputs}
    names = []
    for item in filter(None, text.split(";")):
        name, _, index = item.rpartition(":")
        outputs = by_name.get(name, [])
        if item in tensors:
            names.append(item)
        elif re.fullmatch("[0-9]{1,9}", index) and int(index) < len(outputs):
            names.append(outputs[int(index)])
        else:
            raise AtcError("E10016", f"Opname [{name or item}] specified in [--out_nodes] is not found in the model")
    return names


def litter(flags: Flags) -> None:
    """What a conversion leaves in the working directory and at home, whether it is wanted or not."""
    with contextlib.suppress(OSError):
        (Path(flags.text("debug_dir") or ".") / "kernel_meta").mkdir(parents=True, exist_ok=True)
        Path("fusion_result.json").write_text('{"graph_fusion": {}, "ub_fusion": {}}\n', encoding="utf-8")
        if flags["mode"] == 3:
            Path(flags.text("check_report")).write_text(json.dumps({"op": []}) + "\n", encoding="utf-8")
    with contextlib.suppress(OSError):
        Path(os.environ.get("HOME") or "/nonexistent", "atc_data").mkdir(exist_ok=True)


def save(flags: Flags, machine: SimulatedMachine, om: Om) -> None:
    target = Path(flags.text("output") + ".om")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_om(target, om, cut=machine.has("atc-killed"))
        if machine.has("atc-killed"):
            end_by(signal.SIGKILL)
        if flags["save_original_model"] == "true":
            write_om(Path(flags.text("output") + "_original.om"), om)
    except OSError as error:
        raise AtcError("E19999", _INNER, f"{target}: {error.strerror}") from error


def show(flags: Flags) -> None:
    """Mode 6: the facts of an om; sizes other than weights and the file are not known here and are 0."""
    if not flags["om"]:
        raise AtcError("E10004", "Value for [--om] is empty.")
    path = Path(flags.text("om"))
    if not path.exists():
        raise AtcError("E10410", f"File [{path}] does not exist.")
    try:
        om = read_om(path)
    except (OmError, OSError) as error:
        raise AtcError("E10041", f"Failed to load the model from [{path}].", str(error)) from error
    size = len(om.onnx)
    print("============ Display Model Info start ============")
    print(f"Original Atc command line: {om.command}")
    print(f"system   info: atc_version[{om.atc_version}], soc_version[{om.soc_version}], framework_type[5].")
    print(f"resource info: memory_size[0 B], weight_size[{size} B], stream_num[1], event_num[0].")
    print(
        f"om       info: modeldef_size[{size} B], weight_data_size[{size} B], tbe_kernels_size[0 B], "
        "cust_aicpu_kernel_store_size[0 B], task_info_size[0 B]."
    )
    print("============ Display Model Info end   ============")
