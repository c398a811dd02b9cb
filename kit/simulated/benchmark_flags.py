"""Flags and messages of the benchmark tool 1.0.1, read from its binaries' strings."""

from __future__ import annotations

from .gflags import Flags, Value

__all__ = ["DEFAULTS", "HELP", "MODEL_TYPES", "known_names", "problem"]

DEFAULTS: dict[str, Value] = {
    "model_type": "vision",
    "device_id": 0,
    "batch_size": 1,
    "om_path": "./resnet50.om",
    "input_text_path": "",
    "input_width": 0,
    "input_height": 0,
    "useDvpp": False,
    "output_binary": False,
    "round": 0,
    "input_image_path": "",
    "input_imgFiles_path": "",
    "input_vocab": "",
    "ref_vocab": "",
    "dynamic_shape_insize": "",
    "dynamic_shape_outsize": "",
    "h": False,
    "help": False,
}
MODEL_TYPES = ("vision", "yolocaffe", "nmt", "widedeep", "bert", "nlp", "deepfm", "fasterrcnn")
HELP = """Usage: ./benchmark [Options...]

PureInfer
    -batch_size, -device_id, -om_path, -round
    ./benchmark -batch_size=1 -om_path=./yolov3_fp16_bs1.om -round=50 -device_id=0
ImageInfer
    -model_type, -batch_size, -device_id, -om_path, -input_width, -input_height, -input_text_path,
    -useDvpp, -output_binary
    ./benchmark -model_type=vision -batch_size=1 -device_id=1 -om_path=./alexnet.om -input_width=224
     -input_height=224 -input_text_path=./benchmark_input.txt -useDvpp=true -output_binary=false"""


def known_names(argv: list[str]) -> bool:
    """The tool's own check in front of gflags: every word is ``-name=value`` or ``--name=value`` of a known flag."""
    for word in argv:
        name = word.lstrip("-").partition("=")[0]
        if not word.startswith("-") or word.startswith("---") or name not in DEFAULTS:
            return False
        if "=" not in word and not isinstance(DEFAULTS[name], bool):
            return False
    return True


def problem(flags: Flags) -> str:
    """The message about the first value that is out of range, or nothing."""
    pure = "round" in flags.given
    if pure and not 0 < flags.number("round") <= 1024:
        return "[ERROR] Please input the right round number(0<round<=1024)."
    if flags["model_type"] not in MODEL_TYPES:
        return "[ERROR] invalid model type, please check!"
    if flags.number("batch_size") < 1:
        return "[ERROR] invalid batch size, please check!"
    if flags.number("device_id") < 0:
        return "[ERROR] invalid device id, please check!"
    if not pure and flags["model_type"] == "vision":
        for name in ("input_width", "input_height"):
            if flags.number(name) <= 0:
                return f"[ERROR] invalid {name}, please check!"
    if not flags["om_path"]:
        return "[ERROR] invalid om_path, please check!"
    if not pure and not flags["input_text_path"]:
        return "[ERROR] invalid input_text_path, please check!"
    return ""
