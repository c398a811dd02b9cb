"""Flags of atc, what it says of bad ones, and the checks that need no model (graphengine ``ge/offline/main.cc``)."""

from __future__ import annotations

import re

from .gflags import Flags, Value
from .versions import Version

__all__ = ["HELP", "AtcError", "check", "defaults", "invalid"]

_NAMES = """
    model weight output input_shape input_shape_range input_format om json out_nodes output_type precision_mode
    op_precision_mode modify_mixlist keep_dtype insert_op_conf op_name_map input_fp16_nodes op_select_implmode
    optypelist_for_implmode singleop auto_tune_mode soc_version aicore_num fusion_switch_file save_original_model
    dynamic_batch_size dynamic_image_size dynamic_dims enable_compress_weight compress_weight_conf
    enable_single_stream debug_dir op_compiler_cache_dir op_compiler_cache_mode mdl_bank_path op_bank_path
    display_model_info sparsity framework_version compression_optimize_conf dump_mode ac_parallel_enable
""".split()  # noqa: SIM905 - a list would be forty lines
#: Flags that came later: the first version that knows them.
_LATER: dict[str, Version] = {
    "precision_mode_v2": (7, 0, 0), "customize_dtypes": (6, 0, 0), "external_weight": (8, 0, 0),
    "deterministic": (8, 0, 0), "tiling_schedule_optimize": (8, 0, 0), "oo_level": (8, 0, 0), "allow_hf32": (8, 0, 0),
    "deterministic_level": (9, 0, 0), "enable_attr_compression": (9, 0, 0),
}  # fmt: skip
_DEFAULTS: dict[str, Value] = {
    **dict.fromkeys(_NAMES, ""),
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
HELP = "usage: atc <args>\ngenerate offline model example:\natc --model=./alexnet.onnx --framework=5 --output=./domi \
--soc_version=<soc_version>"

_CHOICES = {
    "precision_mode": "force_fp16 force_fp32 cube_fp16in_fp32out allow_mix_precision allow_fp32_to_fp16 "
    "must_keep_origin_dtype",
    "precision_mode_v2": "fp16 origin cube_fp16in_fp32out mixed_float16 mixed_bfloat16",
    "op_select_implmode": "high_precision high_performance high_precision_for_all high_performance_for_all",
    "buffer_optimize": "l1_optimize l2_optimize off_optimize",
    "core_type": "AiCore VectorCore",
}
_SOC = re.compile(r"Ascend(310|310P[1357]|310B[1-4]|610|710|910[AB]?|910Pro[AB]|910PremiumA|910B[1-4])")
_SOLUTIONS = {
    "E10001": "Try again with a valid argument.",
    "E10002": "The valid format is input_name1:n1,c1,h1,w1;input_name2:n2,c2,h2,w2. Replace input_name with node "
    "names. Ensure that the shape values are integers.",
    "E10016": "Specify the name of an existing node in the graph.",
    "E10022": "Add the file name to the path.",
    "EZ3003": "1. Check that the OPP component is installed properly. 2. Submit an issue to request for the support of "
    "this operator type.",
}
_CAUSE = "The operator is not supported by the system. Therefore, no hit is found in any operator information library."
_TRACES = {
    "EZ3003": "build graph failed, graph id:0, ret:-1[FUNC:BuildModel][FILE:ge_generator.cc][LINE:1484]",
    "E19999": "GenerateOfflineModel failed[FUNC:GenerateModel][FILE:ge_generator.cc][LINE:703]",
}


class AtcError(Exception):
    """A failure that atc reports: ``code``, the text after it, and a reason of the stand-in for stderr."""

    def __init__(self, code: str, message: str, why: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.why = code, why

    def block(self, version: Version) -> str:
        """The lines at the end of stdout; 5.x writes values in square brackets, 8.5 and later without."""
        text = str(self) if version < (8, 5, 0) else re.sub(r"\[([^\[\]]*)\]", r"\1", str(self))
        lines = [text]
        if self.code == "EZ3003":
            lines.append(f"        Possible Cause: {_CAUSE}")
        if self.code in _SOLUTIONS:
            lines.append(f"        Solution: {_SOLUTIONS[self.code]}")
        if self.code in _TRACES:
            lines += ["        TraceBack (most recent call last):", f"        {_TRACES[self.code]}"]
        return "\n".join(lines)


def invalid(value: object, parameter: str, reason: str) -> AtcError:
    """E10001, the general one."""
    return AtcError("E10001", f"Value [{value}] for parameter [{parameter}] is invalid. Reason: {reason}")


def defaults(version: Version) -> dict[str, Value]:
    """The flags that a version knows."""
    return _DEFAULTS | {name: "" for name, since in _LATER.items() if since <= version}


def required(flags: Flags, name: str) -> None:
    if not flags[name]:
        raise AtcError(
            "E10054",
            f"The requied parameter [--{name}] for ATC is empty. Another possible reason is that the value of some "
            'parameter is not enclosed by quotation marks ("").',
        )


def check(flags: Flags, version: Version) -> None:
    """Check a conversion's flags.

    Raises:
        AtcError: the first thing that is wrong, in the order of the vendor's source.
    """
    required(flags, "model")
    for names, code, words in (
        ("disable_reuse_memory enable_small_channel display_model_info", "E10006", ("1", "0")),
        ("save_original_model enable_single_stream enable_compress_weight", "E10005", ("true", "false")),
    ):
        for name in names.split():
            if str(flags[name]) not in {"", *words}:
                said = f"It must be either {words[0]} or {words[1]}."
                raise AtcError(code, f"Value [{flags[name]}] for parameter [--{name}] is invalid. {said}")
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
    # "Ascend310P" without its digit is the classical mistake; the plain 310 ends with CANN 8.0.
    soc = flags.text("soc_version")
    if not _SOC.fullmatch(soc) or (soc == "Ascend310" and version >= (8, 1, 0)):
        raise invalid(soc, "--soc_version", "the soc version is not supported by this toolkit.")
    check_words(flags, version)


def check_words(flags: Flags, version: Version) -> None:
    """Values that must be one of a list, and flags that exclude each other."""
    layout = flags.text("input_format")
    if flags["framework"] == 5 and layout not in {"", "NCHW", "ND", "NCDHW"}:
        raise invalid(layout, "--input_format", "only support NCHW, ND, NCDHW in ONNX model")
    for name, words in _CHOICES.items():
        if flags.get(name) and flags[name] not in words.split():
            raise invalid(flags[name], f"--{name}", f"only support {', '.join(words.split())}.")
    if flags.get("precision_mode_v2") and flags["precision_mode"]:
        raise invalid(flags["precision_mode"], "--precision_mode", "it cannot be used with --precision_mode_v2.")
    if flags["auto_tune_mode"] and version >= (9, 0, 0):
        raise invalid(flags["auto_tune_mode"], "--auto_tune_mode", "it is deprecated, use the AOE tool for tuning.")
    dynamic = ("dynamic_batch_size", "dynamic_image_size", "input_shape_range", "dynamic_dims")
    if sum(bool(flags[name]) for name in dynamic) > 1:
        raise AtcError(
            "E10009",
            "[--dynamic_batch_size], [--dynamic_image_size], [--input_shape_range], or [--dynamic_dims] are mutually "
            "exclusive.",
        )
    if flags["insert_op_conf"] and flags["dynamic_dims"]:
        raise invalid(flags["insert_op_conf"], "--insert_op_conf", "dynamic_dims function does not support aipp")
