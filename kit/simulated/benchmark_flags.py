"""Flags and messages of the benchmark tool 1.0.1, read from its binaries' strings."""

from __future__ import annotations

from .gflags import Flags, Value

__all__ = ["DEFAULTS", "HELP", "BenchmarkError", "check", "check_names"]

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


class BenchmarkError(Exception):
    """The lines that the tool prints before it ends with ``status``."""

    def __init__(self, *lines: str, status: int = 0) -> None:
        super().__init__("\n".join(lines))
        self.status = status


def check_names(argv: list[str]) -> None:
    """The tool's own check in front of gflags: every word is ``-name=value`` or ``--name=value`` of a known flag.

    Raises:
        BenchmarkError: a word is not.
    """
    for word in argv:
        name, equals, _ = word.lstrip("-").partition("=")
        dashed = word.startswith("-") and not word.startswith("---")
        if not dashed or name not in DEFAULTS or (not equals and not isinstance(DEFAULTS[name], bool)):
            raise BenchmarkError("[ERROR] Command params input error! Please check help message.")


def check(flags: Flags) -> None:
    """Check the values.

    Raises:
        BenchmarkError: the first one that is out of range.
    """
    pure = "round" in flags.given
    if pure and not 0 < flags.number("round") <= 1024:
        raise BenchmarkError("[ERROR] Please input the right round number(0<round<=1024).")
    sizes = flags["model_type"] == "vision" and not pure
    for name, fits in (
        ("model type", flags["model_type"] in MODEL_TYPES),
        ("batch size", flags.number("batch_size") >= 1),
        ("device id", flags.number("device_id") >= 0),
        ("input_width", flags.number("input_width") > 0 or not sizes),
        ("input_height", flags.number("input_height") > 0 or not sizes),
        ("om_path", flags["om_path"]),
        ("input_text_path", flags["input_text_path"] or pure),
    ):
        if not fits:
            raise BenchmarkError(f"[ERROR] invalid {name}, please check!")
