"""A folder of the published shape as ``task -> script``: which program runs before the engine, which after it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from kit.errors import InvalidInputError, MissingError

__all__ = ["script_settings_of"]

_BEFORE = re.compile(r"pre[-_]?process|^pre[-_.]|_pre(?:\.|_)|to_bin|img2bin|prepare", re.IGNORECASE)
_AFTER = re.compile(r"post[-_]?process|^post[-_.]|_post(?:\.|_)|metric|eval|accuracy|acc\.py", re.IGNORECASE)
_ARGUMENT = re.compile(r"add_argument\(\s*(['\"])(--?[A-Za-z][\w-]*|[A-Za-z_]\w*)\1([^)]*)\)", re.DOTALL)
_MAX_BYTES = 1 << 20
#: What an argument means, by its name, in the order of the search; of a program before and of one after the engine.
_MEANINGS = (
    (re.compile(r"result|output.*path.*feature|pred|infer|bin_data|npu|dump", re.IGNORECASE), "{results}", "after"),
    (re.compile(r"summary|json_path", re.IGNORECASE), "{summary}", "after"),
    (re.compile(r"label|gt|ann|truth", re.IGNORECASE), "{data}", "after"),
    (re.compile(r"save|out|dst|bin|prep|target", re.IGNORECASE), "prep", "before"),
    (re.compile(r"src|image|img|data|input|root|path", re.IGNORECASE), "{data}", "both"),
)


def script_settings_of(folder: Path, out: Path) -> tuple[dict[str, Any], list[str], Path | None]:
    """Settings of the task, what is still to be said about them, and the ONNX model if the folder holds one.

    Raises:
        MissingError: no such folder, or no program before or after the engine in it.
        InvalidInputError: several programs could be meant.
    """
    if not folder.is_dir():
        raise MissingError("there is no such folder of scripts", where=str(folder), remedy="check the path")
    scripts = sorted(folder.glob("*.py"))
    before = _one(folder, [one for one in scripts if _BEFORE.search(one.name)], "preprocessing")
    rest = [one for one in scripts if one != before]
    after = _one(folder, [one for one in rest if _AFTER.search(one.name)], "postprocessing")
    try:
        code = folder.resolve().relative_to(out.resolve()).as_posix()
    except ValueError:
        code = str(folder.resolve())
    settings: dict[str, Any] = {"code": code}
    if (folder / "requirements.txt").is_file():
        settings["packages"] = f"{code}/requirements.txt"
    settings |= {
        "preprocess": [_command(before, "before")],
        "runs": {"main": ["prep"]},
        "postprocess": [_command(after, "after")],
        "metrics": _metrics(after),
    }
    remaining = [
        "task -> script -> preprocess and postprocess: check the words behind the programs, read from their arguments",
        "task -> script -> metrics: the pattern and the unit of what is printed; check them",
    ]
    models = sorted(folder.glob("*.onnx"))
    return settings, remaining, models[0] if len(models) == 1 else None


def _one(folder: Path, found: list[Path], kind: str) -> Path:
    if not found:
        names = ", ".join(path.name for path in sorted(folder.glob("*.py"))[:5]) or "no .py file"
        raise MissingError(
            f"no script here is named as a {kind} (it has {names})",
            where=str(folder),
            remedy=f"name it {kind[:4].rstrip('p')}process.py, or write task: script by hand: docs/tasks.md",
        )
    exact = [path for path in found if re.search(r"process", path.name, re.IGNORECASE)] or found
    if len(exact) > 1:
        names = ", ".join(path.name for path in exact)
        raise InvalidInputError(
            f"several scripts could be the {kind}: {names}",
            where=str(folder),
            remedy="leave one of them in the folder, or write task: script by hand: docs/tasks.md",
        )
    return exact[0]


def _command(script: Path, side: str) -> list[str]:
    """The program with its arguments: those of argparse by what their names mean, else data and folder by place."""
    words = ["python3", script.name]
    text = _text(script)
    named = _ARGUMENT.findall(text)
    for _, name, rest in named:
        required = not name.startswith("-") or "required=True" in rest.replace(" ", "") or "default" not in rest
        if "store_true" in rest or "store_false" in rest or not required:
            continue
        meaning = next(
            (value for pattern, value, where in _MEANINGS if where in {side, "both"} and pattern.search(name)), "{data}"
        )
        words += [name, meaning] if name.startswith("-") else [meaning]
    if not named and "sys.argv" in text:
        places = sorted({int(one) for one in re.findall(r"sys\.argv\[(\d)\]", text)} - {0})
        order = ["{data}", "prep"] if side == "before" else ["{results}", "{data}"]
        words += [order[place - 1] if place <= len(order) else "{work}" for place in places]
    return words


def _metrics(script: Path) -> dict[str, Any]:
    """Metrics by what the program prints; COCO's table where pycocotools prints it."""
    text = _text(script)
    if "COCOeval" in text:
        return {"AP": "coco", "AP50": "coco"}
    for name, pattern in (
        ("mIoU", r"m_?iou"), ("mAP", r"\bmAP\b"), ("PSNR", r"psnr"), ("Top1", r"top-?1"),
        ("accuracy", r"acc(?:uracy)?"),
    ):  # fmt: skip
        if re.search(pattern, text, re.IGNORECASE):
            unit = "dB" if name == "PSNR" else "fraction"
            return {name: {"find": rf"(?i){pattern}\D{{0,40}}?([0-9]+\.[0-9]+)", "unit": unit}}
    return {"metric": {"find": r"([0-9]+\.[0-9]+)", "unit": "none"}}


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES).decode("utf-8", "replace")
