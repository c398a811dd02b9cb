"""What a column measures, by the words in its title and the unit of its cells, in English and Chinese."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from kit.audit.facts.vocabulary import ACCURACY

__all__ = [
    "TIME_UNITS",
    "Quantity",
    "compares",
    "derives",
    "factor_of_unit",
    "is_derived",
    "names_derived",
    "names_quantity",
    "percentile_of",
    "quantity_of",
    "unit_of",
]


class Quantity(Enum):
    """What the numbers of a column are."""

    RATE = "rate"
    TIME = "time"
    BATCH = "batch"
    CARDS = "cards"
    SCORE = "score"
    RATIO = "ratio"
    DIFFERENCE = "difference"
    SHARE = "share"
    AVERAGE = "average"
    TOTAL = "total"
    COUNT = "count"


_DERIVED = (Quantity.RATIO, Quantity.DIFFERENCE, Quantity.SHARE, Quantity.AVERAGE, Quantity.TOTAL)
_RATE_UNIT = (
    r"(?:samples?|imgs?|images?|pics?|frames?|it|iters?|items?|tok(?:en)?s?|seqs?|sequences?|sentences?|queries|reqs?"
    r"|requests?|clips?|videos?|pairs?|inferences?|inf)\s?(?:/|per)\s?s(?:ec(?:ond)?)?|fps|qps|ips|rps|[帧张]/?(?:秒|s)"
)
#: Units, with their size in seconds, samples per second, or parts of one.
_UNITS = (
    ("rate", re.compile(rf"(?<![a-z])(?:{_RATE_UNIT})(?![a-z])", re.IGNORECASE), 1.0),
    ("ms", re.compile(r"(?<![a-z0-9])(?:ms|msec|milliseconds?)(?![a-z])|毫秒", re.IGNORECASE), 1e-3),
    ("us", re.compile(r"(?<![a-z0-9])(?:us|µs|μs|usec|microseconds?)(?![a-z])|微秒", re.IGNORECASE), 1e-6),
    ("min", re.compile(r"(?<![a-z0-9/])(?:mins?|minutes?)(?![a-z.])|(?<!/)分钟", re.IGNORECASE), 60.0),
    ("h", re.compile(r"(?<![a-z0-9/])(?:h|hrs?|hours?)(?![a-z0-9])|(?<!/)小时", re.IGNORECASE), 3600.0),
    ("s", re.compile(r"(?<![a-z0-9/])(?:s|secs?|seconds?)(?![a-z0-9])|(?<!/)秒", re.IGNORECASE), 1.0),
    ("percent", re.compile(r"%|％|(?<![a-z])(?:percent|pct)(?![a-z])", re.IGNORECASE), 0.01),
    ("times", re.compile(r"^\s?(?:x|times|倍)\s?$", re.IGNORECASE), 1.0),
)
#: The names of the units of time.
TIME_UNITS = frozenset({"ms", "us", "s", "min", "h"})
_FACTORS = {name: factor for name, _, factor in _UNITS}

_RATIO = re.compile(
    r"speed-?\s?ups?|scaling|\bratios?\b|\brelative\b|加速比|倍率|加速|比值|比率|倍数|扩展比|线性度|(?:性能|精度|准确率|吞吐|速度)比"
    r"|\bcompression\b|压缩比|相对(?:精度|性能|准确率)|精度保持率|\bretention\b|\brecovery\b",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"\bdiff(?:erence)?s?\b|\bdelta\b|[Δ△]|\bdrops?\b|\bgaps?\b|\bdecrease\b|\bincrease\b|\bgains?\b|\bimprovements?\b"
    r"|\b(?:accuracy|acc|mAP|precision)\sloss\b|\bdegradation\b|\breductions?\b|\bsavings?\b|\bchange\b|\b(?:faster|slower)$"
    r"|差值|差异|下降|降低|减少|缩短|节省|降幅|增幅|损失|提升|提高|掉点|差距|(?<!误)差$",
    re.IGNORECASE,
)
#: "Ratio [(INT8-FP32)/FP32]"
_CHANGE = re.compile(r"\([\w. ]{1,30}-[\w. ]{1,30}\)\s?/")
_SHARE = re.compile(
    r"\bshare\b|\bpercentage\b|\bproportion\b|\bpercent\b|\bfraction\b|^%$|^(?:%|pct\.?) of\b|占比|比例|百分比",
    re.IGNORECASE,
)
_AVERAGE = re.compile(r"^(?:avg\.?|average|mean|平均值?|均值|average accuracy|平均精度)$", re.IGNORECASE)
_TOTAL = re.compile(r"^(?:total|sum|overall total|合计|总计|总和|总数|总量)$", re.IGNORECASE)
_SPREAD = re.compile(r"\bstd\b|\bstdev\b|\bvariance\b|标准差|方差", re.IGNORECASE)
_RATE = re.compile(
    r"through?put|吞吐|帧率|(?<![a-z])(?:fps|qps|ips|rps)(?![a-z])|(?:samples?|images?|imgs?|frames?|tokens?|sequences?|seqs?)\s?"
    r"(?:/|per)\s?s",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"latenc(?:y|ies)|时延|延迟|耗时|推理时间|(?:step|iteration|iter|batch|inference|training|train|compute)[\s_-]?time|\brun[\s_-]time"
    r"|time[\s_-]?(?:per|to|\()|^time$|\btimes?\b.{0,12}\((?:m|u|µ)?s\)|单步时间|每步",
    re.IGNORECASE,
)
_BATCH = re.compile(r"batch|^\s?bs\b|批大小|批次|批量", re.IGNORECASE)
_CARDS = re.compile(
    r"^\W{0,3}(?:#|num(?:ber)?(?:\s?of)?\s?|n_?)?\s?(?:gpus?|npus?|cards?|devices?|chips?|accelerators?|workers?)\W{0,3}$"
    r"|卡数|^卡$|设备数",
    re.IGNORECASE,
)
_PERCENTILE = re.compile(
    r"(?<![a-z0-9.])p\s?([1-9][0-9](?:\.[0-9]{1,2})?)(?![0-9])"
    r"|(?<![0-9.])([1-9][0-9](?:\.[0-9]{1,2})?)\s?(?:%|th\b|-?percentile|分位|%分位|百分位)",
    re.IGNORECASE,
)
_AGAINST = re.compile(r"\b(?:vs|versus|over|relative|compared)\b", re.IGNORECASE)
_PRECISION = re.compile(r"\bm?AP[@_ ]?\(?(?:50|75|0?\.5|0?\.75)", re.IGNORECASE)
_CROWDED = 120


@lru_cache(maxsize=2048)
def unit_of(text: str) -> str:
    """The unit that a text names: rate, ms, us, s, min, h, percent or times; empty if it names none."""
    if len(text) > _CROWDED:
        return ""
    text = text.replace("_", " ")
    return next((name for name, pattern, _ in _UNITS if pattern.search(text)), "")


def factor_of_unit(unit: str) -> float:
    """The size of a unit: in seconds for times, 0.01 for per cent."""
    return _FACTORS.get(unit, 1.0)


def is_derived(quantity: Quantity) -> bool:
    """Whether the numbers of a column are derived from others."""
    return quantity in _DERIVED


@lru_cache(maxsize=2048)
def percentile_of(title: str) -> float | None:
    """The percentile that a title names: 99 for "p99", "99% latency", "Latency 99th"; 50 for the median."""
    title = title.replace("_", " ")
    if re.search(r"\bmedian\b|中位", title, re.IGNORECASE):
        return 50.0
    found = [float(match[1] or match[2]) for match in _PERCENTILE.finditer(title)]
    return found[0] if len(set(found)) == 1 else None


@lru_cache(maxsize=2048)
def names_derived(text: str) -> bool:
    """Whether a title or label says that its numbers are derived: a total, an average, a share, "A / B"."""
    name = _name(text)
    if not name:
        return False
    if any(sign in text for sign in "/÷:比") or _AGAINST.search(text):
        return True
    return any(pattern.search(name) for pattern in (_TOTAL, _AVERAGE, _SHARE, _RATIO, _DIFFERENCE))


def derives(label: str) -> bool:
    """Whether a row compares others or sums them up, so that its numbers were not measured together."""
    found = _by_title(_name(label), "")
    return (found is not None and is_derived(found)) or _SPREAD.search(_name(label)) is not None


def compares(label: str) -> bool:
    """Whether a row or column is a ratio or difference of others, by its name."""
    return _by_title(_name(label), "") in {Quantity.RATIO, Quantity.DIFFERENCE}


@lru_cache(maxsize=2048)
def names_quantity(text: str) -> bool:
    """Whether a text names something measured or derived, and not a model or a machine."""
    words = (_RATIO, _RATE, _TIME, _PERCENTILE, ACCURACY, _DIFFERENCE, _PRECISION)
    return any(pattern.search(_name(text)) for pattern in words)


def _name(text: str) -> str:
    """A title or label as plain words; empty if it is a sentence."""
    return "" if len(text) > _CROWDED else text.replace("_", " ").strip(" *:")


def quantity_of(title: str, unit: str, context: str) -> Quantity:
    """What a column measures, by its title, else its unit, else the words above the table."""
    if len(title) > _CROWDED:
        return Quantity.COUNT
    title = title.replace("_", " ").strip()
    by_unit = Quantity.RATE if unit == "rate" else Quantity.TIME if unit in TIME_UNITS else None
    rate = _RATE.search(context) and not _TIME.search(context)
    return _by_title(title, unit) or by_unit or (Quantity.RATE if rate else Quantity.COUNT)


@lru_cache(maxsize=2048)
def _by_title(title: str, unit: str) -> Quantity | None:
    timed = unit in TIME_UNITS
    if _CHANGE.search(title):
        return Quantity.DIFFERENCE
    for quantity, pattern in (
        (Quantity.RATIO, _RATIO),
        (Quantity.DIFFERENCE, _DIFFERENCE),
        (Quantity.AVERAGE, _AVERAGE),
        (Quantity.TOTAL, _TOTAL),
    ):
        if pattern.search(title) and not (timed and quantity is Quantity.RATIO):
            return quantity
    if unit in {"", "percent"} and _SHARE.search(title):
        return Quantity.SHARE
    if _CARDS.search(title):
        return Quantity.CARDS
    if _BATCH.search(title) and unit == "":
        return Quantity.BATCH
    if _RATE.search(title) and not timed:
        return Quantity.RATE
    if _TIME.search(title) and unit != "rate":
        return Quantity.TIME
    if ACCURACY.search(title) and not timed and unit != "rate":
        return Quantity.SCORE
    return None
