"""What ``trtexec`` prints, line by line, in the forms of TensorRT 5 to 10, as regular expressions."""

from __future__ import annotations

import re

from kit.toollogs.text import NUMBER

__all__ = [
    "AVERAGE", "AVERAGE_6", "AVERAGE_LIKE", "BINDING", "BUILT", "DEVICE", "ENGINE_SIZE", "IMPLICIT",
    "INFERENCE_SHAPE", "INLINE", "LOADED", "LOOSE", "MARK", "NAMES", "NEW", "NUMERIC", "OLD", "OTHER", "OVERRIDDEN",
    "PAIR", "PLAIN", "PLAIN_TOTAL", "PREFIX", "QUERIES", "RATE", "RESET", "SAID", "SETTING", "SKIPPED", "SPLIT",
    "STAMP", "TIMES_LIKE", "TITLE", "TOTAL", "VERSION", "WALL", "WARNED", "WITHOUT_INFERENCE",
]  # fmt: skip

_N = NUMBER
STAMP = r"\[\d\d/\d\d/\d{4}-\d\d:\d\d:\d\d\]"
SPLIT = re.compile(rf"{STAMP}[ \t]*")
PREFIX = re.compile(r"(?:[ \t>#*|]*\[[IWEFV]\])?[ \t>#*|]*(?:\[TRT\][ \t]*)?")
# A heading may stand anywhere in its line: what is before it may be of another program, or the section before.
OLD = re.compile(r"(?<![\w-])(Host [Ll]atency|Enqueue Time|GPU Compute)[ \t]*(?=\n|(?:min|max|mean|median)\b)")
# The names alone are also words of the explanations that a verbose log ends with: values have to follow.
NEW = re.compile(
    r"(?<![\w-])((?:End-to-End Host |[HD]2[HD] )?Latency|Enqueue Time|GPU Compute(?: Time)?)[ \t]*[:|][ \t]*"
    r"(?=\n|(?:min|max|mean|median|percentile)\b)"
)
INLINE = re.compile(
    r"(Latency|End-to-End Host Latency|H2D Latency|GPU Compute Time|D2H Latency)[ \t]+"
    r"(?=(min|max|mean|median|percentile)\b)"
)
TITLE = re.compile(r"\b(?:GPU Compute|Host [Ll]atency|Enqueue Time|[HD]2[HD] Latency)\b")
OTHER = re.compile(r"(?i)latency|enqueue|h2d|d2h|host|wall")
NAMES = {
    "host latency": "host_latency",
    "latency": "host_latency",
    "end-to-end host latency": "end_to_end_host_latency",
    "enqueue time": "enqueue",
    "h2d latency": "h2d_latency",
    "gpu compute": "gpu_compute",
    "gpu compute time": "gpu_compute",
    "d2h latency": "d2h_latency",
}
_AT = rf"(?:[ \t]+at[ \t]+(?P<at>{_N})[ \t]*%)"
PAIR = re.compile(
    rf"\b(?P<name>min|max|mean|median|percentile)(?:\((?P<p>{_N})%\))?[ \t]*[:=][ \t]*"
    rf"(?:(?P<value>{_N})[ \t]*ms\b{_AT}?(?:[ \t]*\(end to end (?P<e2e>{_N})[ \t]*ms(?:[ \t]+at[ \t]+{_N}[ \t]*%)?\))?"
    r"|(?P<bad>[^\s,]*))"
)
# On the line of its heading a statistic may have lost its equals sign.
LOOSE = re.compile(rf"\b(?P<name>min|max|mean|median|percentile)(?P<p>\({_N}%\))?[ \t]+(?=(?P<value>{_N})[ \t]*ms\b)")
RATE = re.compile(rf"\b[Tt]hroughput[ \t]*[:=|][ \t]*(?:(?P<value>{_N})[ \t]*qps\b|(?P<bad>[^\s,]*))")
NUMERIC = re.compile(r"[-+.\d]|[-+]?(?:nan|inf)", re.IGNORECASE)
WALL = re.compile(rf"\b(?:walltime|Total Host Walltime)[ \t]*[:=][ \t]*(?P<value>{_N})[ \t]*s\b")
TOTAL = re.compile(rf"\b(?:total compute time|Total GPU Compute Time)[ \t]*[:=][ \t]*(?P<value>{_N})[ \t]*s\b")
#: Begins a line with one time or size; a value that may be cut off is reported.
TIMES_LIKE = re.compile(
    r"\b(?:(?:walltime|Total Host Walltime|total compute time|Total GPU Compute Time)[ \t]*[:=]|Timing trace has"
    r"|Engine (?:built|loaded|deserialized) in|Created engine with size:)[ \t]*[-+.\d]"
)
QUERIES = re.compile(rf"\bTiming trace has (?P<queries>\d++) queries over (?P<value>{_N})[ \t]*s\b")
AVERAGE = re.compile(
    rf"\bAverage on (?P<runs>\d+) runs - GPU latency: (?P<gpu>{_N}) ms(?: - Host latency: (?P<host>{_N}) ms)?"
)
AVERAGE_6 = re.compile(
    rf"\bAverage over (?P<runs>\d+) runs is (?P<gpu>{_N}) ms"
    rf"(?: \((?:host walltime is (?P<host>{_N}) ms, )?(?:\d+% )?percentile time is {_N}\))?\."
)
AVERAGE_LIKE = re.compile(r"\bAverage (?:on|over) \d+ runs\b")
BUILT = re.compile(rf"\bEngine built in (?P<value>{_N})[ \t]*sec\b")
LOADED = re.compile(rf"\bEngine (?:loaded|deserialized) in (?P<value>{_N})[ \t]*sec\b")
ENGINE_SIZE = re.compile(rf"\bCreated engine with size: (?P<value>{_N})[ \t]*(?P<unit>[KMG]i?B|B)\b")
SKIPPED = re.compile(r"\bSkipped inference phase since --(?:skipInference|buildOnly) is added")
#: Options that leave the inference out.
WITHOUT_INFERENCE = re.compile(r"(?:^|\s)--(?:buildOnly|skipInference)\b")
#: What decides whether two measurements can be compared, as the options block says it.
SETTING = re.compile(
    r"\[I\] (Precision|Data transfers|Spin-wait|CUDA Graph|Multithreading|(?:Inference )?Streams|ExposeDMA"
    r"|Separate profiling|Skip inference): (\S[^\n]*?)[ \t]*\n"
)
MARK = re.compile(r"&&&&[ \t]*(RUNNING|PASSED|FAILED)\b[^\n#]*(?:#[ \t]*(?P<command>[^\n]*))?")
VERSION = re.compile(r"\[TensorRT v([\d.]++)\]|\bTensorRT version: (\d[\d.]*+)(?=\s)")
DEVICE = re.compile(r"\bSelected Device:[ \t]*(\S[^\n]*?)[ \t]*(?=\n)")
BINDING = re.compile(r"\b(?:Created input binding for|Input binding for) (\S+) with dimensions ((?:\d+x)*\d+)(?=\s)")
INFERENCE_SHAPE = re.compile(r"\bInput inference shapes?[ \t]*:[ \t]*(\S+)=((?:\d+x)*\d+)(?=\s)")
OVERRIDDEN = re.compile(r"\bDynamic dimensions required for input: *([^,\n]+), but no shapes were provided")
IMPLICIT = re.compile(r"Explicit batch network detected and batch size specified")
# Parsers before 7.2.3 wrote their reason without a severity.
SAID = re.compile(
    r"(?:\A|(?<=\s))\[[EF]\][ \t]+(?:\[TRT\][ \t]*)?([^\n]+)"
    r"|^[ \t]*(Cuda failure: [^\n]+|ERROR: \w+\.cpp:[^\n]+|\[\d+\] (?:Assertion failed|Invalid Node)[^\n]+"
    r"|Segmentation fault[^\n]*|Aborted(?: \(core dumped\))?|Killed|terminate called after throwing [^\n]+"
    r"|what\(\):[^\n]+"
    r"|[^\n]{0,80}\btrtexec: (?:command not found|error while loading|cannot execute|No such file)[^\n]*"
    r")$",
    re.MULTILINE,
)
WARNED = re.compile(r"\[W\] \* ([^\n]+)|\[W\] (?:\[TRT\] )?(TensorRT was linked against [^\n]+)")
RESET = re.compile(r"===|--[ \t]*\Z|```|~~~|[Tt]race averages")

# A line as trtexec writes it, after its stamp and severity; any other line that carries a value is an odd form.
_OLD_VALUE = rf"{_N} ms(?: at {_N}%)?(?: \(end to end {_N} ms(?: at {_N}%)?\))?"
_NEW_PAIRS = rf"(?:min|max|mean|median|percentile(?:\({_N}%\))?) = {_N} ms"
PLAIN = re.compile(
    rf"\s*(?:{STAMP}[ \t]*)*(?:\[[IV]\][ \t]*)?(?:"
    rf"(?:min|max|mean|median|percentile): {_OLD_VALUE}"
    r"|Host [Ll]atency|Enqueue Time|GPU Compute"
    r"|(?:Latency|End-to-End Host Latency|Enqueue Time|H2D Latency|GPU Compute Time|D2H Latency): "
    rf"{_NEW_PAIRS}(?:, {_NEW_PAIRS})*"
    r")\s*\Z"
)
PLAIN_TOTAL = re.compile(
    rf"\s*(?:{STAMP}[ \t]*)*(?:\[[IV]\][ \t]*)?(?:total compute time|Total GPU Compute Time): {_N} s\s*\Z"
)
