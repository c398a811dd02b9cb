"""A new recipe as text: commented, with what is known, and a list of what only its user can say. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Draft", "recipe_text"]

#: Settings in the order of the file, and what is said about a section.
_SECTIONS = {
    "model": "What network it is, and where its code comes from.",
    "weights": "The numbers of the network, and the digest that says which they are.",
    "input": "Input and output in the ONNX graph; the shape is that of one sample.",
    "inputs": "All inputs in the ONNX graph; shapes are those of one sample.",
    "output": "",
    "outputs": "",
    "opset": "",
    "dataset": "The images, and what is true about them.",
    "preprocess": "How an image becomes a tensor.",
    "task": "What happens before and after inference, and what is counted: docs/tasks.md.",
    "batches": "Batch sizes that are converted and measured.",
    "bench": "Throughput is measured for so many seconds at most; a report to rely on leaves this out (300).",
    "targets": "cpu needs nothing; 310, 310P, T4 and others: docs/cards.md.",
}


#: What YAML takes for something else than text.
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


@dataclass
class Draft:
    """What is known of a recipe.

    ``settings`` are the file's own, by section; ``remarks`` stand behind a setting, by ``section.setting``; ``open`` is
    what the user must still say, one sentence each, with the place first; ``lines`` are examples of what is missing.
    """

    title: str
    settings: dict[str, Any]
    remarks: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)


def recipe_text(draft: Draft) -> str:
    """The file."""
    text = [f"# {draft.title}", "# `kit doctor` checks it, `kit reproduce` runs it, `kit schema` describes settings."]
    if draft.open:
        text += ["#", "# Still to be said:", *(f"#   {one}" for one in draft.open)]
    text.append("kit: 1")
    for name, remark in _SECTIONS.items():
        if name not in draft.settings and name not in draft.lines:
            continue
        if remark:
            text += ["", f"# {remark}"]
        text += _section(name, draft)
    return "\n".join(text) + "\n"


def _section(name: str, draft: Draft) -> list[str]:
    value = draft.settings.get(name)
    if name not in draft.settings:
        return [f"# {name}:", *(f"#   {line}" for line in draft.lines[name])]
    if isinstance(value, Mapping) and name != "task":
        return [f"{name}:", *_entries(value, draft.remarks, name)]
    if name == "task":
        return [f"task: {_flow(value)}"] if not isinstance(value, Mapping) else ["task:", *_nested(value, 1)]
    remark = draft.remarks.get(name)
    return [f"{name}: {_flow(value)}{f' # {remark}' if remark else ''}"]


def _entries(value: Mapping[str, Any], remarks: Mapping[str, str], place: str) -> list[str]:
    lines = []
    for key, one in value.items():
        remark = remarks.get(f"{place}.{key}")
        shown = "" if one is None else f" {_flow(one)}"
        lines.append(f"  {key}:{shown}{f' # {remark}' if remark else ''}")
    return lines


def _nested(value: Mapping[str, Any], depth: int) -> list[str]:
    lines = []
    for key, one in value.items():
        if isinstance(one, Mapping) and one:
            lines += [f"{'  ' * depth}{key}:", *_nested(one, depth + 1)]
        else:
            lines.append(f"{'  ' * depth}{key}: {_flow(one)}")
    return lines


def _flow(value: Any) -> str:
    """A value in YAML's flow style; text is quoted where it could be read as something else."""
    if isinstance(value, str):
        plain = value.isascii() and value.replace("_", "").replace("-", "").replace("/", "").replace(".", "").isalnum()
        safe = plain and value[:1].isalpha() and value.lower() not in _WORDS
        return value if safe else json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return json.dumps(value)
