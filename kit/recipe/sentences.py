"""What pydantic found wrong with a recipe, in the words of this project."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from kit.terminal import shortened, visible

__all__ = ["sentence"]

#: More than these add nothing new, and a stranger's file may have thousands.
_MOST = 8
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a known setting",
}
_COUNT_TYPES = {"greater_than", "int_type", "int_from_float", "int_parsing"}


def sentence(error: ValidationError, *within: str) -> str:
    """The first few errors as ``place: problem``, each once, joined by ``; ``, on one line; and how many more.

    ``within`` leads to the part of the recipe that was checked.
    """
    problems = []
    for item in error.errors(include_url=False):
        place, problem = _place((*within, *item["loc"])), _problem(item)
        problems.append(f"{place}: {problem}" if place else problem)
    parts = list(dict.fromkeys(problems))
    if len(parts) > _MOST:
        parts[_MOST:] = [f"and {len(parts) - _MOST} more"]
    return visible("; ".join(parts))


def _problem(item: Any) -> str:
    kind, value = item["type"], item.get("input")
    shown = shortened(value if isinstance(value, int | float | str) else type(value).__name__)
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "string_type":
        return _no_text(value, shown)
    if kind in _COUNT_TYPES and _is_count(item):
        return f"{shown} is not a positive integer"
    if kind == "value_error":
        return shortened(item["ctx"]["error"] if "ctx" in item else item["msg"], 300)
    return f"{shown}: {item['msg'][0].lower()}{item['msg'][1:]}"


def _no_text(value: object, shown: str) -> str:
    if isinstance(value, bool):
        return f"{shown.lower()} is a truth value, and a text is expected: put it in quotes"
    if isinstance(value, int | float):
        return f"{shown} is a number, and a text is expected: put it in quotes"
    if value is None:
        return "is empty, and a text is expected"
    return f"a {'list' if isinstance(value, list | tuple) else 'mapping'} is where a text is expected"


def _is_count(item: Any) -> bool:
    return item["type"] != "greater_than" or isinstance(item.get("ctx", {}).get("gt"), int)


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.startswith(("tuple[", "constrained-", "function-")) or part in {"int", "[key]"}:
            continue  # the branch of a union or a key check, not a place in the file
        else:
            text += f" -> {shortened(part)}" if text else shortened(part)
    return text
