"""The recipe's ``model``, ``weights`` and ``input``: what network it is, and where it and its numbers come from."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from kit.recipe.fields import Line, Md5, Name, Positive, Section, Sha256, TensorName, Text, safe_url

__all__ = ["GraphInput", "Model", "Weights"]

_BUILD = re.compile(r"(?P<place>[A-Za-z0-9_./-]+):(?P<function>[A-Za-z_][A-Za-z0-9_]*)")
Scalar = bool | int | float | Line | None
ArgumentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class Model(Section):
    """What network it is, and where its code comes from."""

    name: Name = Field(description="Folder and file name of everything made from this recipe.")
    source: Literal["timm", "torchvision", "code", "onnx"] = Field(
        "timm",
        description="Where the network comes from: timm, torchvision.models, code of your own (then give build), "
        "or an ONNX file (then that file is named under weights, nothing is exported, and parity does not apply).",
    )
    architecture: Name | None = Field(
        None, description="Name of the model in timm or torchvision; a tag as in resnet50.a1_in1k is allowed."
    )
    build: Line | None = Field(
        None,
        description="Your own code as PLACE:FUNCTION, such as my_model.py:build, my_package:build, "
        "my_package.nets:build or src/my_model.py:build; the function returns a torch.nn.Module. "
        "Relative to the recipe. Of a path with folders, the first folder is taken along.",
    )
    requirements: Line | None = Field(
        None,
        description="Requirements file with pinned versions and hashes (pip-compile --generate-hashes) of what your "
        "own code imports in addition to torch, torchvision, timm and numpy: a layer on the exporter image.",
    )
    create: dict[ArgumentName, Scalar | tuple[Scalar, ...]] = Field(
        default_factory=dict, description="Further arguments for the function that creates the network."
    )
    reparameterize: bool = Field(
        False, description="Fuse the branches of networks such as RepVGG into one convolution each before the export."
    )
    returns: int | Line | None = Field(
        None, description="Which of several results of the network is exported: its place, from 0, or its key."
    )
    classes: Positive = Field(1000, description="Number of classes; the length of the model's output.")
    paper: Line | None = Field(None, description="URL of the paper.")
    code: Line | None = Field(None, description="URL of the code repository.")
    branch: Line | None = Field(None, description="Branch of the code repository.")
    commit: Line | None = Field(None, description="Commit of the code repository.")

    @model_validator(mode="after")
    def _fits_its_source(self) -> Self:
        named = {"timm", "torchvision"}
        if self.source in named and self.architecture is None:
            raise ValueError(f"architecture: is missing; source {self.source} needs it")
        if self.source not in named and self.architecture is not None:
            raise ValueError(f"architecture: does not go with source {self.source}")
        if self.source == "code" and (self.build is None or not _BUILD.fullmatch(self.build)):
            raise ValueError("build: source code needs PLACE:FUNCTION, such as my_model.py:build")
        if self.source != "code" and (self.build or self.requirements):
            raise ValueError(f"build and requirements go with source code, not with {self.source}")
        if self.build and (self.build.startswith("/") or ".." in self.build.partition(":")[0].split("/")):
            raise ValueError("build: the place must lie in the recipe's folder")
        if self.source == "onnx" and (self.create or self.reparameterize or self.returns is not None):
            raise ValueError("create, reparameterize and returns change an export, and source onnx has none")
        return self

    @property
    def code_path(self) -> str | None:
        """File or folder of the own code, relative to the recipe: ``my_model.py``, ``my_package`` or ``src``."""
        if self.build is None:
            return None
        place = self.build.partition(":")[0]
        if place.endswith(".py"):
            return place.removeprefix("./").split("/")[0]
        return place.removeprefix("./").split("/")[0].split(".")[0]


class Weights(Section):
    """A checkpoint (or the ONNX file): from a URL, or a path relative to the recipe, with its checksums."""

    url: Line | None = Field(None, description="http or https address of the file.")
    path: Line | None = Field(
        None, description="The file, relative to the recipe; of a checkpoint in shards its .index.json."
    )
    md5: Md5 | None = Field(None, description="MD5 of the file, as many publish it; sha256 is better.")
    sha256: Sha256 | None = Field(None, description="SHA-256 of the file.")
    max_bytes: int = Field(2 << 30, gt=0, description="A larger file is refused.")
    set: Line | None = Field(
        None,
        description="Which set of weights of the file, such as state_dict_ema; needed where the file holds several. "
        "Dots lead into nested ones.",
    )
    prefix: Line | None = Field(
        None, description="Only weights whose names begin with this are taken, and it is taken off."
    )
    note: Text | None = Field(None, description="A sentence for the report, in one language or by language.")
    license: Line | None = Field(None, description="Licence of the weights, for archives that take them along.")

    @model_validator(mode="after")
    def _needs_origin_and_digest(self) -> Self:
        if self.url is None and self.path is None:
            raise ValueError("needs url or path")
        if self.md5 is None and self.sha256 is None:
            raise ValueError("needs md5 or sha256, or nobody can check the file")
        return self

    @property
    def public_url(self) -> str | None:
        """The URL without user, password and query, any of which may be a secret: fit for reports and messages."""
        return safe_url(self.url) if self.url else None

    @property
    def filename(self) -> str:
        """Name of the file, without its folder or query."""
        name = (self.path or self.url or "").split("?")[0].rstrip("/").rsplit("/", 1)[-1]
        return name if name.strip(".") else "weights"  # "..", too, is a way out of the folder


class GraphInput(Section):
    """One input of the model, as the ONNX graph has it."""

    name: TensorName = Field("actual_input_1", description="Name in the ONNX graph.")
    shape: tuple[Positive, ...] = Field(
        (3, 224, 224),
        min_length=0,
        max_length=7,
        description="Shape of one sample, without the batch: for images channels, height, width; [] where it is "
        "one number.",
    )
    dtype: Literal["float32", "float16", "float64", "uint8", "int8", "int32", "int64", "bool"] = Field(
        "float32",
        description="Type of its numbers. With uint8 images come as they are: scale, mean and std are not used.",
    )
    layout: Literal["NCHW", "NHWC"] = Field(
        "NCHW", description="Order of an image's axes: channels first, or (NHWC) last; the shape is in this order, too."
    )
    batch: Positive | None = Field(
        None, description="The one batch that the model takes; without it the batch axis is dynamic."
    )
    axes: dict[Annotated[int, Field(gt=0, le=7)], Name] = Field(
        default_factory=dict,
        description="Further dynamic axes: number of the axis, the batch being 0, and its name. "
        "The shape then says which sizes are used.",
    )

    @model_validator(mode="after")
    def _axes_are_there(self) -> Self:
        for axis in self.axes:
            if axis > len(self.shape):
                raise ValueError(f"axes: axis {axis} is not there; with the batch the input has {len(self.shape) + 1}")
        return self
