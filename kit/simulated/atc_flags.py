"""Flags of atc, their defaults, and the checks that need no model (graphengine ``ge/offline/main.cc``)."""

from __future__ import annotations

import re

from .atc_errors import AtcError, invalid
from .gflags import Flags, Value

__all__ = ["DEFAULTS", "HELP", "check", "known_soc"]

NAMES = [
    "model",
    "weight",
    "output",
    "input_shape",
    "input_shape_range",
    "input_format",
    "om",
    "json",
    "out_nodes",
    "output_type",
    "precision_mode",
    "op_precision_mode",
    "modify_mixlist",
    "keep_dtype",
    "insert_op_conf",
    "op_name_map",
    "input_fp16_nodes",
    "op_select_implmode",
    "optypelist_for_implmode",
    "singleop",
    "auto_tune_mode",
    "soc_version",
    "aicore_num",
    "fusion_switch_file",
    "save_original_model",
    "dynamic_batch_size",
    "dynamic_image_size",
    "dynamic_dims",
    "enable_compress_weight",
    "compress_weight_conf",
    "enable_single_stream",
    "debug_dir",
    "op_compiler_cache_dir",
    "op_compiler_cache_mode",
    "mdl_bank_path",
    "op_bank_path",
    "display_model_info",
    "sparsity",
    "framework_version",
    "compression_optimize_conf",
    "dump_mode",
    "ac_parallel_enable",
]
DEFAULTS: dict[str, Value] = {
    **dict.fromkeys(NAMES, ""),
    "framework": -1,
    "mode": 0,
    "disable_reuse_memory": 0,
    "op_debug_level": 0,
    "core_type": "AiCore",
    "buffer_optimize": "l2_optimize",
    "enable_small_channel": "0",
    "is_input_adjust_hw_layout": "false",
    "is_output_adjust_hw_layout": "false",
    "log": "null",
    "device_id": "0",
    "check_report": "check_result.json",
    "help": False,
    "h": False,
}
HELP = (
    "usage: atc <args>\ngenerate offline model example:\natc --model=./alexnet.onnx --framework=5 --output=./domi \
--soc_version=<soc_version>\nflags:\n"
    + "\n".join(f"  --{name}" for name in sorted(DEFAULTS))
)

CHOICES = {
    "precision_mode": "force_fp16 force_fp32 cube_fp16in_fp32out allow_mix_precision allow_fp32_to_fp16 "
    "must_keep_origin_dtype",
    "op_select_implmode": "high_precision high_performance high_precision_for_all high_performance_for_all",
    "buffer_optimize": "l1_optimize l2_optimize off_optimize",
    "core_type": "AiCore VectorCore",
}
SOC = re.compile(
    r"Ascend(310|310P[1357]|310B[1-4]|610|710|910[AB]?|910ProA|910ProB|910PremiumA|910B[1-4]|Hi3796CV300ES)$"
)


def known_soc(name: str) -> bool:
    """Whether the toolkit has this soc_version; ``Ascend310P`` without its digit is the classical mistake."""
    return bool(SOC.match(name))


def required(flags: Flags, name: str) -> None:
    if not flags[name]:
        raise AtcError(
            "E10054",
            f"The requied parameter [--{name}] for ATC is empty. Another possible reason is that the value of some "
            'parameter is not enclosed by quotation marks ("").',
        )


def check(flags: Flags) -> None:
    """Check a conversion's flags.

    Raises:
        AtcError: the first thing that is wrong, in the order of the vendor's source.
    """
    required(flags, "model")
    for name in ("disable_reuse_memory", "enable_small_channel", "display_model_info"):
        value = str(flags[name])
        if value not in {"", "0", "1"}:
            raise AtcError("E10006", f"Value [{value}] for parameter [--{name}] is invalid. It must be either 1 or 0.")
    for name in ("save_original_model", "is_input_adjust_hw_layout", "enable_single_stream", "enable_compress_weight"):
        value = flags.text(name)
        if value not in {"", "true", "false"} and not (name == "is_input_adjust_hw_layout" and "," in value):
            raise AtcError(
                "E10005", f"Value [{value}] for parameter [--{name}] is invalid. It must be either true or false."
            )
    if flags["framework"] not in {0, 1, 3, 5}:
        raise AtcError(
            "E10007",
            "[--framework] is required. The value must be [0(Caffe) or 1(MindSpore) or 3(TensorFlow) or 5(Onnx)].",
        )
    if flags["framework"] == 0 and not flags["weight"]:
        raise AtcError("E10008", "Input parameter [--weight]'s value is empty when framework is 0(Caffe).")
    required(flags, "output")
    output = flags.text("output")
    if len(output) >= 4096:
        raise AtcError("E10021", "Path for parameter [--output] is too long. Keep the length within [4095].")
    if output.endswith("/"):
        raise AtcError("E10022", f"Path [{output}] for parameter [--output] does not include the file name.")
    required(flags, "soc_version")
    if not known_soc(flags.text("soc_version")):
        raise invalid(flags["soc_version"], "--soc_version", "the soc version is not supported by this toolkit.")
    layout = flags.text("input_format")
    if flags["framework"] == 5 and layout not in {"", "NCHW", "ND", "NCDHW"}:
        raise invalid(layout, "--input_format", "only support NCHW, ND, NCDHW in ONNX model")
    for name, words in CHOICES.items():
        if flags[name] and flags[name] not in words.split():
            raise invalid(flags[name], f"--{name}", f"only support {', '.join(words.split())}.")
    if flags.text("op_debug_level") not in {"0", "1", "2", "3", "4"}:
        raise invalid(flags["op_debug_level"], "--op_debug_level", "only support 0, 1, 2, 3, 4.")
    dynamic = ("dynamic_batch_size", "dynamic_image_size", "input_shape_range", "dynamic_dims")
    if sum(bool(flags[name]) for name in dynamic) > 1:
        raise AtcError(
            "E10009",
            "[--dynamic_batch_size], [--dynamic_image_size], [--input_shape_range], or [--dynamic_dims] are mutually "
            "exclusive.",
        )
    if flags["insert_op_conf"] and flags["dynamic_dims"]:
        raise invalid(flags["insert_op_conf"], "--insert_op_conf", "dynamic_dims function does not support aipp")
