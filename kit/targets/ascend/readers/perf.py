"""Performance of the ``benchmark`` tool: the five lines of a data set run, and the summary of pure inference.

``Interface throughputRate`` is samples per second of one device, over the time that the device computed; it is the
number that the published reports multiply by the devices of a card.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, ClassVar

from kit.targets.ascend.readers.perf_blocks import KEYS, STAGES, DatasetBlock, PureBlock
from kit.toollogs.documents import begins_part
from kit.toollogs.numbers import Number, real
from kit.toollogs.output import Findings, Row, ToolOutput, numbered
from kit.toollogs.text import NUMBER, lines, narrow, one_line

__all__ = ["DatasetBlock", "PerfReading", "PureBlock", "read", "sniff"]

_TAGS = {
    "e2e": "e2e",
    "dataread": "data_read",
    "preprocess": "preprocess",
    "widepreprocess": "wide_preprocess",
    "deeppreprocess": "deep_preprocess",
    "infer": "infer",
    "inference": "infer",
    "post": "post",
    "postprocess": "post",
}


def _spaced(word: str) -> str:
    """The word with blanks allowed anywhere: some reports have "th roughputRate"."""
    return r"[ \t]*".join(word)


_RATE = rf"(?:{_spaced('th')}(?:[ \t]*o)?[ \t]*{_spaced('roughputRate')})"
_TAG = re.compile(
    r"\[[ \t]*(e2e|data[ _]?read|(?:wide |deep )?pre-?process|infer(?:ence)?|post[ _]?(?:process)?)[ \t]*\]",
    re.IGNORECASE,
)
_KEY = re.compile(
    rf"(?P<interface>{_spaced('Interface')}[ \t]*)?(?P<rate>{_RATE})|\b(?P<latency>(?:module[ \t]*)?lan?tency)",
    re.IGNORECASE,
)
#: After so many tags without a rate the text is not a log of this tool.
_MOST_TAGS = 2000
_VALUE = re.compile(rf"[ \t]*[:=][ \t]*({NUMBER})")
_UNSURE = re.compile(r"[ \t]*[:=][ \t]*([^\s,]+)")
_AVE = re.compile(
    rf"\bave_[ \t]*(?:(?P<rate>{_RATE})|(?P<latency>lan?tency))[ \t]*[:=][ \t]*(?P<value>{NUMBER})", re.IGNORECASE
)
# The tool prints samples/s and ms; a report that was retyped may give seconds.
_OTHER_UNIT = re.compile(r"[ \t]*(?:sec|seconds?|[un\u00b5\u03bc]?s|min|h|%)(?![\w/])")
# Without a colon the name is part of a sentence.
_AVE_CUT = re.compile(rf"\bave_[ \t]*{_RATE}[ \t]*(?:[:=]|\Z)", re.IGNORECASE)
_RESULT_FILE = re.compile(r"PureInfer result saved in[ \t]+(\S+)(?=\s)")
_EXPRESSION = re.compile(r"[ \t]*[*x×/][ \t]*[A-Za-z_(]")  # "1000 * batchsize/mean" is a formula, not a rate
# A 310P has one chip, a card of 310 four: the text may say which, and a 310P rate must not be multiplied.
_ONE_CHIP = re.compile(r"\b(?:Ascend)?(?:310P\d?|710)\b", re.IGNORECASE)
_FOUR_CHIPS = re.compile(r"\b(?:Ascend)?310\b")
_NOISE = re.compile(r"\[(?:INFO|WARN|WARNING|DEBUG|EVENT)\]")
_ERROR = re.compile(r"\[ERROR\].*|\[Inference\] last frame inference failed.*")
# Errors that end it before any module starts.
_REFUSED = re.compile(
    r"\[ERROR\] (?:Command params input error|invalid [\w ]+, please check|aclInit failed|aclrt\w+ failed!|creat result"
    r"|Get absolute \w+ (?:path )?failed|Input text file open|CheckTextContent|moduleInstance\.|execute model failed"
    r"|Infer latency get zero|Please input the right round|Please run benchmark)"
)
_MODULES = re.compile(
    r"\[(?:INFO|ERROR)\]\[(?:DataManager|Inference|PostProcess|Preprocess|Vision|VisionPreProcess)\]"
    r"|PureInfer (?:result saved|Performance Summary)|Please check help message|benchmark as root user"
)

# The lines as the tool writes them; any other line with a value is non-standard.
_N = NUMBER
_PLAIN = {
    "e2e": re.compile(rf"\[e2e\] throughputRate: {_N}, latency: {_N}\s*\Z"),
    "infer": re.compile(
        rf"\[infer(?:ence)?\] throughputRate: {_N}, Interface throughputRate: {_N}, moduleLatency: {_N}\s*\Z"
    ),
    "other": re.compile(
        rf"\[(?:data read|(?:wide |deep )?preprocess|post(?:process)?)\] throughputRate: {_N}, moduleLatency: {_N}\s*\Z"
    ),
    "pure": re.compile(rf"(?:\[INFO\] )?ave_throughputRate: {_N}samples/s, ave_latency: {_N}ms\s*\Z"),
}


@dataclass
class PerfReading(ToolOutput):
    """All runs of the text, in its order."""

    family: ClassVar[str] = "perf"

    blocks: list[DatasetBlock | PureBlock]

    @property
    def dataset(self) -> DatasetBlock | None:
        """The data set run, if there is exactly one."""
        found = [block for block in self.blocks if isinstance(block, DatasetBlock)]
        return found[0] if len(found) == 1 else None

    @property
    def pure(self) -> PureBlock | None:
        """The pure inference run, if there is exactly one."""
        found = [block for block in self.blocks if isinstance(block, PureBlock)]
        return found[0] if len(found) == 1 else None

    def values(self) -> dict[str, Any]:
        return {"blocks": [block.as_json() for block in self.blocks]}

    def rows(self) -> list[Row]:
        table = []
        for index, block in enumerate(self.blocks, 1):
            kind = "data set run" if isinstance(block, DatasetBlock) else "pure inference"
            table += [Row(f"{kind} {index}", "")] if len(self.blocks) > 1 else []
            table += block.rows()
        return table


def sniff(text: str) -> float:
    """How likely the text is to be from ``benchmark``."""
    plain = narrow(text)
    for tag in itertools.islice(_TAG.finditer(plain), _MOST_TAGS):
        if _KEY.search(plain[tag.end() : tag.end() + 200].split("\n", 1)[0]):
            return 1.0
    if re.search(rf"\bave_[ \t]*{_RATE}", plain, re.IGNORECASE):
        return 0.9
    if _MODULES.search(plain) or _REFUSED.search(plain):
        return 0.7
    return 0.5 if re.search(r"Interface[ \t]*throughputRate[ \t]*[:=]", plain, re.IGNORECASE) else 0.0


def read(text: str) -> PerfReading:
    """Every run that the text holds.

    The text may be the performance file, what the tool printed, or a report that quotes them. A value is used only
    when it is certainly complete; what is missing, odd or contradictory is in ``problems``.
    """
    return _PerfScan().run(text)


class _PerfScan:
    """One pass over the lines; a tag or key that is repeated or out of order begins a new block."""

    def __init__(self) -> None:
        self.blocks: list[DatasetBlock | PureBlock] = []
        self.findings = Findings()
        self.bare: list[tuple[Number, str]] = []
        self.stage: str | None = None  # the stage that a wrapped line may continue
        self.open = False  # whether the next line may belong to the last block
        self.result_file: str | None = None
        self.orphans: list[str] = []

    def run(self, text: str) -> PerfReading:
        one_chip = bool(_ONE_CHIP.search(text)) and not _FOUR_CHIPS.search(text)
        for raw in lines(text):
            self._line(raw)
        self._bare_rates()
        self._orphan()
        found = self.findings
        if self._mixed():
            self.blocks = []
            found.missing.append("lines of concurrent runs are mixed: no value can be assigned to one of them")
        for place, block in numbered(self.blocks, "block"):
            block.card_factor = 1 if one_chip else 4
            found.missing += [f"{place}missing: {', '.join(block.missing)}"] if block.missing else []
            found.contradictions += [place + problem for problem in block.contradictions()]
            found.notes += block.edited()
        self._name_orphans()
        usable = any(_holds(block) for block in self.blocks)
        outcome = found.outcome(usable=usable, nothing="there is no value in this text")
        return PerfReading(*outcome, self.blocks if usable else [])

    def _name_orphans(self) -> None:
        """Report announced results whose values are missing or cannot be assigned."""
        files = [block.result_file is not None for block in self.blocks if isinstance(block, PureBlock)]
        if self.orphans and True in files and False in files[files.index(True) :]:
            # The order of announcements and values differs: two processes wrote into the text.
            for block in self.blocks:
                if isinstance(block, PureBlock):
                    block.result_file = None
            self.orphans = ["it is not clear which values are of which result file"]
        self.findings.missing += self.orphans

    def _mixed(self) -> bool:
        """Whether two runs wrote alternately: several blocks begin with the stage that ended the one before."""
        blocks = [[*block.stages] for block in self.blocks if isinstance(block, DatasetBlock)]
        pairs = itertools.pairwise(block for block in blocks if block)
        return sum(len(after) > 1 and before[-1] == after[0] != STAGES[0] for before, after in pairs) > 1

    def _orphan(self) -> None:
        """Note an announced result whose values are missing."""
        if self.result_file is not None:
            self.orphans.append(f"the values of {self.result_file} are missing")
            self.result_file = None

    def _line(self, raw: str) -> None:
        if raw.isspace():
            self.stage = None
            return
        if begins_part(raw):
            self.stage, self.open = None, False
            self._orphan()
            return
        line = narrow(raw)
        found = _RESULT_FILE.search(line)
        if found:
            self._orphan()
            self.result_file, self.open = found[1], False
            return
        if error := _ERROR.search(line):
            self.findings.errors.append(f"the tool says: {one_line(error[0])}")
        tags = list(_TAG.finditer(line))
        keys = [key for key in _KEY.finditer(line) if key.start() >= tags[0].end()] if tags else []
        if keys:
            self._tagged(line, tags, keys)
            if not _plain(raw):
                self.findings.odd_lines.append(raw)
        elif _AVE.search(line) or _AVE_CUT.search(line):
            self._pure(raw, line)
        elif self._goes_on(line):
            self.findings.odd_lines.append(raw)
        elif bare := _KEY.search(line):
            self._note_bare(raw, line, bare)
        elif not _NOISE.match(line.strip()):
            self.open = False

    def _tagged(self, line: str, tags: list[re.Match[str]], keys: list[re.Match[str]]) -> None:
        places = [key.start() for key in keys]
        for tag, after in zip(tags, [*tags[1:], None], strict=True):
            stage = _TAGS[re.sub(r"[ _-]", "", tag[1].lower())]
            block = self._dataset()
            if not self.open or block is None or _later(block, stage):
                block = DatasetBlock()
                self.blocks.append(block)
            self.open, self.stage = True, stage
            end = after.start() if after else len(line)
            self._values(block, stage, line, keys[bisect_left(places, tag.end()) : bisect_left(places, end)])

    def _dataset(self) -> DatasetBlock | None:
        last = self.blocks[-1] if self.blocks else None
        return last if isinstance(last, DatasetBlock) else None

    def _values(self, block: DatasetBlock, stage: str, line: str, keys: list[re.Match[str]]) -> None:
        """The values after the keys of a stage."""
        values = block.stages.setdefault(stage, {})
        for key in keys:
            name = _key_name(stage, key)
            value = self._value(line, key, f"{stage}.{name}") if name in KEYS[stage] else None
            if value is not None and values.setdefault(name, value) != value:
                self.findings.refused.append(
                    f"{stage}.{name} appears twice, as {values.pop(name)} and {value}: neither is used"
                )

    def _value(self, line: str, key: re.Match[str], name: str) -> Number | None:
        """The rate or latency after a key: finite and above zero, or nothing."""
        found = _VALUE.match(line, key.end())
        if found is None:
            word = _UNSURE.match(line, key.end())
            if word:
                self.findings.refused.append(f"{name}: {word[1][:30]!r} is not surely a whole number")
            return None
        value = real(found[1])
        if value is None or value <= 0:
            self.findings.refused.append(f"{name}: {found[1]} is not a rate or latency")
            return None
        if other := _OTHER_UNIT.match(line, found.end()):
            self.findings.refused.append(f"{name}: {found[1]}{other[0]} has another unit than the tool prints")
            return None
        return value

    def _pure(self, raw: str, line: str) -> None:
        values: dict[str, Number] = {}
        for found in _AVE.finditer(line):
            value = real(found["value"])
            if value is None or value <= 0 or _OTHER_UNIT.match(line, found.end()):
                self.findings.refused.append(
                    f"ave_{found['rate'] or found['latency']}: {found['value']} is not a rate or latency"
                )
            else:
                values["rate" if found["rate"] else "latency"] = value
        rate, latency = values.get("rate"), values.get("latency")
        if rate is not None and latency is None and self._restated(rate):
            return  # "ave_throughputRate = 974.27, 974.27x4=3897.08fps" repeats the line above
        was_open, self.open, self.stage = self.open, rate is not None and latency is None, None
        last = self.blocks[-1] if self.blocks else None
        if rate is None and was_open and isinstance(last, PureBlock) and last.latency is None and latency is not None:
            last.latency, self.open = latency, False
        else:
            self.blocks.append(PureBlock(rate, latency, self.result_file))
            self.result_file = None
        if not _plain(raw):
            self.findings.odd_lines.append(raw)

    def _goes_on(self, line: str) -> bool:
        """Read the rest of a line that an editor broke: its keys belong to the stage above if it lacks them."""
        block = self._dataset()
        first = _KEY.match(line, len(line) - len(line.lstrip(" \t,")))
        if not self.open or self.stage is None or block is None or first is None:
            return False
        name = _key_name(self.stage, first)
        if name not in KEYS[self.stage] or name in block.stages[self.stage]:
            return False
        self._values(block, self.stage, line, list(_KEY.finditer(line)))
        return True

    def _note_bare(self, raw: str, line: str, key: re.Match[str]) -> None:
        """Note an Interface rate in prose: it repeats a block, or is all that the report says about a run."""
        self.open = False
        found = _VALUE.match(line, key.end())
        if not key["interface"] or found is None or _EXPRESSION.match(line, found.end()):
            return
        value = real(found[1])
        if value is not None and value > 0:
            self.bare.append((value, raw))

    def _bare_rates(self) -> None:
        for value, raw in self.bare:
            if self._restated(value):
                continue
            self.blocks.append(DatasetBlock({"infer": {"interface": value}}))
            self.findings.odd_lines.append(raw)

    def _restated(self, value: Number) -> bool:
        digits = len(str(value).partition(".")[2])
        for block in self.blocks:
            known = block.interface if isinstance(block, DatasetBlock) else block.rate
            if known is not None and any(abs(known * n - value) <= 0.6 * 10**-digits for n in (1, 4)):
                return True
        return False


def _holds(block: DatasetBlock | PureBlock) -> bool:
    if isinstance(block, PureBlock):
        return block.rate is not None or block.latency is not None
    return any(block.stages.values())


def _later(block: DatasetBlock, stage: str) -> bool:
    """Whether this stage can no longer belong to the block."""
    return any(STAGES.index(known) >= STAGES.index(stage) for known in block.stages)


def _key_name(stage: str, key: re.Match[str]) -> str:
    """The name of the value behind a key: ``e2e`` has the latency of the whole run, a stage that of its module."""
    if key["latency"]:
        return "latency" if stage == "e2e" else "moduleLatency"
    return "interface" if key["interface"] else "throughputRate"


def _plain(raw: str) -> bool:
    """Whether the line is as the tool writes it, apart from indentation."""
    return any(pattern.match(raw.lstrip()) for pattern in _PLAIN.values())
