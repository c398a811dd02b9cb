"""The words that reports use for batch sizes, devices, units, best rows and metrics, in Chinese and English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "ACCURACY",
    "BEST",
    "DEVICE",
    "LATENCY",
    "RATE_UNIT",
    "THROUGHPUT",
    "TIME_UNIT",
    "VARIANT",
    "Device",
    "batches_in",
    "calls_tool",
    "column_key",
    "devices_in",
    "label_batches",
    "only",
    "ratio_operands",
]

BEST = re.compile(r"最优|最佳|最好|最高|最大|\bbest\b|\boptimal\b|\bmax(?:imum)?\b", re.IGNORECASE)
ACCURACY = re.compile(
    r"top-?\s?[1-5]\b|acc(?:uracy|@|_|\b)|精度|准确率|\bm?AP_?(?:50|75)?\b|\bF1\b|\bmIoU\b|\bIoU\b|PSNR|SSIM|\b[WC]ER\b|recall"
    r"|precision|rank-?1|hmean|\bAUC\b|\bAR\b|\bFID\b|\bloss\b|\bEER\b|precesion",
    re.IGNORECASE,
)
THROUGHPUT = re.compile(r"吞吐|throu?gh?put|thoroughput|\bfps\b|(?<=[0-9\s])fps|\bqps\b|帧率|性能", re.IGNORECASE)
LATENCY = re.compile(r"时延|延迟|耗时|latency|\btime\b|时间|\(m?s\)", re.IGNORECASE)
RATE_UNIT = re.compile(
    r"\s*(fps|qps|(?:samples?|imgs?|images?|frames?|it|items?|token|sentences?)\s?/\s?s(?:ec)?|帧/?(?:秒|s)?|张/?(?:秒|s))"
    r"(?![A-Za-z])",
    re.IGNORECASE,
)
TIME_UNIT = re.compile(r"\s*(ms|us|s|毫秒|秒|sec|seconds?|milliseconds?)(?![A-Za-z/])", re.IGNORECASE)

_TOOL = re.compile(r"(?:^|[\s/])(?:benchmark\.\S+|trtexec|atc|msame|python3?(?:\.[0-9]+)?)(?:\s|$)")
_BATCH = re.compile(
    r"(?<![A-Za-z0-9_/-])(?<![A-Za-z_)]\.)(?:batch[\s_-]*size[s]?|batch|bs|b[sz]|批(?:次|处理)?大小)\s*(?:(?:设置?)?为|是|of|[=:_])?\s*([0-9]{1,4})(?![0-9]|\.[0-9]|\s?%)"
    r"|(?<![A-Za-z0-9_./-])([0-9]{1,4})\s?-?(?:batch|bs)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
#: In a row label the batch size may be at the end of a name: "OpenPose_bs16".
_NAMED_BATCH = re.compile(r"[_-](?:batch[\s_-]?size|batch|bs)[\s_=-]?([0-9]{1,4})(?![0-9]|\.[0-9])", re.IGNORECASE)
#: A second column for the same device, after tuning.
VARIANT = re.compile(r"aoe|auto\s?tune|优化|调优|\btune|\bopt", re.IGNORECASE)

#: The devices that sentences compare, as part of a pattern.
DEVICE = r"310[pb]?\d?|710|t4|910[ab]?\d?|v100s?|a100?"
#: Longest first. 710 is the former name of the 310P; "gpu" alone is the T4 in these reports.
_DEVICES = (
    ("310P", r"310\s?p(?:\d|ro\b)?|(?<![0-9.])710(?![0-9]|\.[0-9])"),
    ("310B", r"310\s?b\d?(?![a-z])"),
    ("310", r"(?<![0-9.])310(?![0-9a-z]|\.[0-9])"),
    ("T4", r"(?<![a-z0-9])t4(?![0-9a-z])"),
    ("300I Pro", r"300i\s?pro"),
    ("300I Duo", r"300i\s?duo"),
    ("300I", r"(?<![0-9a-z])300i(?![0-9a-z])"),
    ("800I", r"(?<![0-9a-z])800i(?:\s?a2)?"),
    ("910", r"(?<![0-9.])910[ab]?[0-9]?(?![0-9])"),
    ("V100", r"(?<![a-z0-9])v100s?(?![0-9a-z])"),
    ("A100", r"(?<![a-z0-9])a100(?![0-9a-z])"),
    ("A10", r"(?<![a-z0-9])a10(?![0-9a-z])"),
    ("GPU", r"(?<![a-z])gpu(?![a-z])"),
    ("NPU", r"(?<![a-z])npu(?![a-z_-])"),
)
_DEVICE = re.compile("|".join(f"(?P<d{index}>{pattern})" for index, (_, pattern) in enumerate(_DEVICES)), re.IGNORECASE)
#: Most texts name no device, and this is quicker than trying all names.
_PART_OF_DEVICE = re.compile(r"[37]10|t4|[38]00i|910|100|a10|[gn]pu", re.IGNORECASE)
_GLUED = re.compile(r"(?<=[0-9pP])(?=throughput)()", re.IGNORECASE)
#: Cells and lines repeat, so results are cached.
_REMEMBERED = 2048
_NOISE = re.compile(
    r"ascend|atlas|昇腾|华为|单卡|推理|性能|吞吐率|吞吐量|吞吐|throughput|performance|perf|data|[*`\s]"
    r"|\((?:fps|qps|ms|s|samples?/s|imgs?/s|images?/s|帧/秒|倍|times|x|card|1 card)(?:/card)?\)|/?(?<![a-z])card|/卡"
    r"|/?\b(?:fps|qps)\b",
    re.IGNORECASE,
)
_NAME = (
    r"(?:310p\d?|310b|310|710|t4|gpu|npu|cpu|v100|a100|a10|300i(?:pro|duo)?|800ia2|800i|910[ab]?\d?)"
    r"(?:[_-]?[a-z]+\d?(?![a-z])|\([^()/]*\))?"
)
_RATIO = re.compile(
    rf"(?P<a>{_NAME})(?:/|:|÷|vs\.?|[对相]?比|to)(?P<b>{_NAME})(?![0-9a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device named in a text: its canonical name and its position."""

    name: str
    start: int
    end: int


@lru_cache(maxsize=_REMEMBERED)
def devices_in(text: str) -> tuple[Device, ...]:
    """The devices that a text names, in order. "npu(310)" and "GPU T4" are one device, the more specific one."""
    if not _PART_OF_DEVICE.search(text):
        return ()
    found = [
        Device(_DEVICES[int((match.lastgroup or "d0")[1:])][0], match.start(), match.end())
        for match in _DEVICE.finditer(_GLUED.sub(" \\1", text))
    ]
    exact = [device for device in found if device.name not in {"GPU", "NPU"}]
    vague = [device for device in found if device.name in {"GPU", "NPU"}]
    for device in vague:
        near = any(abs(other.start - device.end) <= 2 or abs(device.start - other.end) <= 2 for other in exact)
        if not near:
            exact.append(Device("T4", device.start, device.end) if device.name == "GPU" else device)
    return tuple(sorted(exact, key=lambda device: device.start))


def only(devices: tuple[Device, ...]) -> str | None:
    """The one device that is named, however often; None if none or several are."""
    names = {device.name for device in devices}
    return names.pop() if len(names) == 1 else None


@lru_cache(maxsize=_REMEMBERED)
def batches_in(text: str) -> tuple[int, ...]:
    """The batch sizes that a text names ("bs16", "batch_size=16", "16batch"), in order; not those in file names."""
    return tuple(int(match[1] or match[2]) for match in _BATCH.finditer(text))


def label_batches(label: str) -> tuple[int, ...]:
    """The batch sizes that a row label names, also at the end of a model's name ("OpenPose_bs16")."""
    return batches_in(label) or tuple(int(match[1]) for match in _NAMED_BATCH.finditer(label))


@lru_cache(maxsize=_REMEMBERED)
def column_key(header: str) -> str:
    """A header reduced to what distinguishes columns: "**Ascend 310P** (FPS)" gives "310p"; 710 counts as 310P."""
    key = _NOISE.sub("", header.lower())
    key = re.sub(r"(?<![0-9.])710(?![0-9])", "310p", key)
    key = re.sub(r"310p\d", "310p", key)
    return re.sub(r"(?:gpu[_-]?t4|t4[_-]?gpu|gpu\(t4\)|t4\(gpu\))", "t4", key)


@lru_cache(maxsize=_REMEMBERED)
def ratio_operands(header: str) -> tuple[str, str] | None:
    """The keys of numerator and denominator of a ratio column ("310P/T4"); None for other headers."""
    match = _RATIO.search(column_key(header))
    if match is None:
        return None
    operands = match["a"], match["b"]
    return None if operands[0] == operands[1] else operands


def calls_tool(text: str) -> bool:
    """Whether a line calls a tool whose options are known."""
    return _TOOL.search(text) is not None
