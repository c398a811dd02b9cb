"""Types of values that several parts of a recipe share."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from kit.toollogs.numbers import finite

__all__ = [
    "ImageReference",
    "Key",
    "Line",
    "Md5",
    "Name",
    "Percent",
    "Positive",
    "PositiveFloat",
    "Real",
    "Section",
    "Sha256",
    "TensorName",
    "Text",
    "safe_url",
]

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
TensorName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./:-]{1,128}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=2000)]
#: A sentence for readers, in one language or by language.
Text = Line | dict[Literal["zh", "en"], Line]
Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{32}$", to_lower=True)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{64}$", to_lower=True)]
#: An image as `docker pull` takes it.
ImageReference = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][A-Za-z0-9._:/@-]{0,254}$")]
Positive = Annotated[int, Field(gt=0, le=1 << 20, strict=True)]


def _usual(value: float) -> float:
    if not finite(value):
        raise ValueError(f"{value} is too large or too small for a number of a recipe")
    return value


#: Also a text is taken for a number ("1e5"), so the bounds are looked at here.
Real = Annotated[float, AfterValidator(_usual)]
PositiveFloat = Annotated[Real, Field(gt=0)]
Percent = Annotated[float, Field(ge=0, le=100)]
Key = Annotated[Name, BeforeValidator(lambda value: str(value) if type(value) is int else value)]


class Section(BaseModel):
    """A part of the recipe: it cannot be changed, and has no settings but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def safe_url(url: str) -> str:
    """The URL without user, password and query: fit for a log."""
    try:
        parts = urlsplit(url)
    except ValueError:  # not an address, such as http://[
        return "the given address"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
