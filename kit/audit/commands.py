"""Commands that cannot work as printed: wrong paths, dashes that are no dashes, a batch that is not the model's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity

if TYPE_CHECKING:
    from kit.audit.context import Context

__all__ = ["check_commands"]

_TOOLKIT: Final = re.compile(
    r"/usr/local/Ascend/(ascend-lastest|ascend-lateste?(?:st)?|ascend-tookit|ascend-tooklit|ascned-toolkit)/"
)
_ROOT_TOOL: Final = re.compile(r"^\s*(?:\$\s*)?(/benchmark\.(?:\$\{?arch\}?|x86_64|aarch64))(?=\s)")
_EN_DASH: Final = re.compile(r"(?<=\s)([–—−][–—−-]?|-[–—−])([a-zA-Z_][a-zA-Z0-9_]{2,40})(?=[=\s]|$)")
_TOOL: Final = re.compile(r"(?:^|[\s/])(?:benchmark\.\S+|trtexec|atc|msame|python3?(?:\.[0-9]+)?)\s")
_BATCH_FLAG: Final = re.compile(r"\s-{1,2}batch_?size[= ]\"?([0-9]{1,4})\b")
_OM_FLAG: Final = re.compile(
    r"\s-{1,2}(?:om_path|model|om)[= ]\"?(\S{1,200}?_?bs_?([0-9]{1,3})(?:[_.][A-Za-z_.]{0,40})?\.om)\b"
)
_ATC_OUTPUT: Final = re.compile(r"\s--output[= ]\"?(\S{1,200}?bs_?([0-9]{1,3}))(?![0-9])")
_ATC_SHAPE: Final = re.compile(r"\s--input_shape[= ]\"?'?[\w./\[\]]{1,60}:\s*([0-9]{1,3}),")
_MISSPELT: Final = {
    "wrokspace": "workspace",
    "wokspace": "workspace",
    "worksapce": "workspace",
    "soc_verison": "soc_version",
    "sco_version": "soc_version",
    "enable_small_channl": "enable_small_channel",
    "input_fromat": "input_format",
    "framwork": "framework",
    "framewor": "framework",
    "insert_op_config": "insert_op_conf",
}
_MISSPELT_FLAG: Final = re.compile(rf"\s-{{1,2}}({'|'.join(_MISSPELT)})(?=[= ])")


def check_commands(context: Context) -> None:
    """Look for commands that fail or measure something else than they say."""
    for line, text in enumerate(context.document.lines, start=1):
        raw = context.document.raw[line - 1][:8000]
        match = _TOOLKIT.search(text)
        if match:
            _find(
                context,
                line,
                match[0],
                "/usr/local/Ascend/ascend-toolkit/",
                f"there is no {match[1]}; the folder is ascend-toolkit",
            )
        match = _ROOT_TOOL.search(text)
        if match:
            _find(
                context, line, match[1], f".{match[1]}", "the tool lies in the current folder, not in the root folder"
            )
        if not _TOOL.search(f"{text} "):
            continue
        match = _EN_DASH.search(raw)
        if match:
            _find(
                context,
                line,
                match[0],
                f"--{match[2]}",
                "a typographic dash begins the option, which no tool takes for one",
            )
        match = _MISSPELT_FLAG.search(text)
        if match:
            _find(
                context,
                line,
                match[1],
                _MISSPELT[match[1]],
                f"the option is called {_MISSPELT[match[1]]}",
                Severity.OPTIONAL,
            )
        _batches(context, line, text)


def _batches(context: Context, line: int, text: str) -> None:
    """The batch of the command against the batch in the model's name."""
    flag, model = _BATCH_FLAG.search(text), _OM_FLAG.search(text)
    if flag and model and "benchmark" in text:
        if int(flag[1]) == int(model[2]):
            context.ledger.hold(
                line, Kind.COMMAND, flag[0].strip(), model[1], "batch size equals that of the model's name"
            )
        else:
            _find(
                context,
                line,
                flag[0].strip(),
                f"batch size {model[2]}",
                f"batch size {flag[1]} is given for the model {model[1]}",
                Severity.OPTIONAL,
            )
    shape, output = _ATC_SHAPE.search(text), _ATC_OUTPUT.search(text)
    if shape and output and int(shape[1]) != int(output[2]):
        _find(
            context,
            line,
            output[1],
            f"batch size {shape[1]}",
            f"the model is named {output[1]}, but its input has batch {shape[1]}",
            Severity.OPTIONAL,
        )


def _find(
    context: Context, line: int, stated: str, right: str, message: str, severity: Severity = Severity.MAJOR
) -> None:
    context.ledger.find(Finding(line, Kind.COMMAND, stated, right, "", message, severity))
