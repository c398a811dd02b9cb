"""Calls of the engine's tool in a document: ais_bench, ais_infer, msame, and benchmark with its lists of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from kit.newrecipe.shelltext import path_from

__all__ = ["EngineRun", "calls_engine", "engine_options", "engine_run"]

_ENGINE = re.compile(r"ais_bench|ais_infer|msame|(^|/)benchmark(\.|$)")
_MSAME = re.compile(r"(^|/)msame(\.|$)")
_BENCHMARK = re.compile(r"--?input_text_path\b")
#: Options of the tool by which the shape of each file decides.
_SHAPES = ("auto_set_dymshape_mode", "auto_set_dymdims_mode")


@dataclass
class EngineRun:
    """One call of the engine's tool: the folders that it reads, the one that it writes, and the form of results."""

    inputs: tuple[str, ...]
    output: str
    model: str = ""
    format: str = "bin"
    names: str = "ais_bench"
    batch_axis: int = 0
    shapes: bool = False
    again: bool = False  # what another call does already, for another batch size


def calls_engine(words: Sequence[str]) -> bool:
    """Whether a command line is a call of such a tool."""
    return bool(_ENGINE.search(" ".join(words[:3]))) or any(_BENCHMARK.match(word) for word in words)


def engine_options(words: Sequence[str]) -> dict[str, str]:
    """Options by name, without dashes, of the tools and of the compiler."""
    options: dict[str, str] = {}
    for number, word in enumerate(words):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            options[name.replace("-", "_")] = value if equals else next(iter(words[number + 1 : number + 2]), "")
    return options


def engine_run(words: Sequence[str], where: str, listed: Callable[[str], str]) -> EngineRun | None:
    """The call; None for one that measures made-up input.

    Args:
        words: its command line.
        where: the folder that it starts in.
        listed: from a list of files to the folder that they are in; empty for none.
    """
    options = engine_options(words)
    given = options.get("input") or options.get("i") or ""
    model = PurePosixPath(options.get("model") or options.get("om_path") or "").name
    if "input_text_path" in options:
        folder = listed(options["input_text_path"])
        output = path_from(where, f"result/dumpOutput_device{options.get('device_id', '0')}")
        kind = "txt" if options.get("output_binary", "").lower() == "false" else "bin"
        return EngineRun((folder,), output, model, kind, "benchmark") if folder else None
    if not given or given.startswith("-"):
        return None  # pure inference
    inputs = tuple(PurePosixPath(path_from(where, one)).as_posix() for one in given.split(",") if one)
    output = options.get("output") or options.get("o") or "."
    return EngineRun(
        inputs,
        (PurePosixPath(path_from(where, output)) / options.get("output_dirname", "")).as_posix(),
        model,
        options.get("outfmt", "BIN").lower(),
        "msame" if any(_MSAME.search(word) for word in words[:3]) else "ais_bench",
        int(axis) if (axis := options.get("output_batchsize_axis", "0")).isdigit() else 0,
        any(options.get(name, "").lower() in {"1", "true"} for name in _SHAPES),
    )
