"""What the settings of several tasks have in common."""

from __future__ import annotations

from typing import TypeVar

from pydantic import Field, ValidationError

from kit.errors import InvalidInputError
from kit.planning.task import settings_of
from kit.recipe.fields import Line, PositiveFloat, Section
from kit.recipe.schema import Recipe
from kit.recipe.sentences import sentence
from kit.results.metrics import Declaration, Unit

__all__ = ["MetricSettings", "parse_settings"]

S = TypeVar("S", bound=Section)


class MetricSettings(Section):
    """What was published of a metric, in its own unit."""

    published: float | None = Field(None, description="The value that was published.")
    tolerance: PositiveFloat | None = Field(None, description="How much worse still counts as the same.")
    source: Line | None = Field(None, description="Where it was published.")

    def declare(self, name: str, unit: Unit) -> Declaration:
        """The metric, of which more is better."""
        return Declaration(name, unit, "higher", self.published, self.tolerance, self.source)


def parse_settings(form: type[S], recipe: Recipe) -> S:
    """The settings of the recipe's task.

    Raises:
        InvalidInputError: one does not fit; the sentence names its place.
    """
    try:
        return form.model_validate(settings_of(recipe))
    except ValidationError as error:
        raise InvalidInputError(
            sentence(error, "task", recipe.task_name or ""), remedy="see docs/tasks.md for the form"
        ) from error
