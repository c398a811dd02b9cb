"""A target's own options: checked by the target's pydantic model, with the place in the recipe in every message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from kit.errors import InvalidInputError
from kit.recipe.sentences import joined
from kit.terminal import shortened

__all__ = ["parse_options"]

Model = TypeVar("Model", bound=BaseModel)


def parse_options(model: type[Model], target: str, options: Mapping[str, object]) -> Model:
    """The options as ``model``.

    Raises:
        InvalidInputError: one sentence that names the place, such as ``targets -> 310P -> options -> rounds``.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        parts = []
        known = ", ".join(model.model_fields)
        for item in error.errors(include_url=False):
            place = " -> ".join(["targets", target, "options", *map(shortened, item["loc"])])
            value = item["input"]
            shown = shortened(repr(value) if isinstance(value, bool | int | float | str) else type(value).__name__)
            if item["type"] == "extra_forbidden":
                problem = f"is not a known setting (known: {known})"
            elif item["type"] == "value_error":
                problem = shortened(item["ctx"]["error"], 300)
            else:
                problem = f"{shown}: {item['msg'][0].lower()}{item['msg'][1:]}"
            parts.append(f"{place}: {problem}")
        raise InvalidInputError(joined(parts), remedy="correct these settings of the recipe") from error
