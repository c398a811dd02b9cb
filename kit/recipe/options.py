"""A target's own options: checked by the target's pydantic model, with the place in the recipe in every message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from kit.errors import InvalidInputError
from kit.recipe.sentences import sentence

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
        what = sentence(error, "targets", target, "options")
        known = ", ".join(model.model_fields)
        raise InvalidInputError(what, remedy=f"correct these settings of the recipe; known are {known}") from error
