"""``kit init``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from kit.cli.usage import argument, option

__all__ = ["command"]


def command(
    source: Annotated[
        str | None, argument(None, "timm/NAME[.TAG], torchvision/NAME, or the path of an ONNX file.")
    ] = None,
    code: Annotated[str | None, option("--code FILE:FUNCTION", "Your own code, such as my_model.py:build.")] = None,
    script: Annotated[
        Path | None, option("--script DIR", "Folder of your own pre- and postprocessing.", readable=True)
    ] = None,
    example: Annotated[str | None, option("--example NAME", "Copy a bundled example, such as digits.")] = None,
    weights: Annotated[
        Path | None, option("--weights FILE", "The checkpoint; its digest is computed.", readable=True)
    ] = None,
    images: Annotated[
        Path | None, option("--images DIR", "Folder of the images; they are counted.", readable=True)
    ] = None,
    labels: Annotated[Path | None, option("--labels FILE", "Label file; its form is detected.", readable=True)] = None,
    class_names: Annotated[
        Path | None, option("--class-names FILE", "Names of the classes, one a line.", readable=True)
    ] = None,
    classes: Annotated[int | None, option("--classes N", "Number of classes.", min=1)] = None,
    shape: Annotated[str | None, option("--shape SHAPE", "Shape of one sample: 3,224,224.")] = None,
    size: Annotated[
        Literal["native", "test"], option("--size", "The size of training, or the one that was tested.")
    ] = "native",
    target: Annotated[list[str] | None, option("--target NAME", "Target of the recipe, repeatable; else cpu.")] = None,
    name: Annotated[str | None, option("--name NAME", "Name of the model in the report.")] = None,
    out: Annotated[Path, option("--out -o DIR", "Folder of the new kit.yaml.", readable=True)] = Path(),
    force: Annotated[bool, option("--force", "Write over a kit.yaml that is there.")] = False,
) -> None:
    """Write a commented kit.yaml that runs; what only you can know is asked for in one list.

    \b
    Examples:
      kit init timm/resnet50.a1_in1k --weights resnet50.pth --images val --labels val_label.txt
      kit init torchvision/resnet50
      kit init model.onnx
      kit init --code my_model.py:build --weights w.pth --shape 3,224,224 --classes 10
      kit init --script my_scripts
      kit init --example digits
    """  # noqa: D301 - \b keeps the lines of the example apart
    from kit.newrecipe.drafting import draft_of
    from kit.newrecipe.newfile import copy_example, weights_to_fetch, write_recipe
    from kit.newrecipe.wishes import Wishes

    chosen = [one for one in (source, code, script, example) if one is not None]
    if len(chosen) != 1:
        message = "give one source: timm/NAME, torchvision/NAME, model.onnx, --code, --script or --example"
        raise typer.BadParameter(message)
    if example is not None:
        folder = copy_example(example, out, force=force)
        typer.echo(f"wrote {folder}")
        if fetch := weights_to_fetch(folder):
            typer.echo(f"  first: put {fetch} there, as {folder / 'README.md'} says; it is not part of kit")
        typer.echo(f"  do: kit reproduce --recipe {shlex.quote(str(folder))} --target cpu")
        return
    wishes = Wishes(
        source=source, code=code, script=script, weights=weights, images=images, labels=labels,
        class_names=class_names, classes=classes, shape=shape, test_size=size == "test", name=name, out=out,
        targets=tuple(target or ()),
    )  # fmt: skip
    draft = draft_of(wishes)
    path = write_recipe(draft, out, force=force)
    typer.echo(f"wrote {path}")
    for remark in draft.remarks.values():
        if remark.startswith("or "):
            typer.echo(f"  note: {remark}")
    if draft.open:
        typer.echo("still to be said in it:")
        for one in draft.open:
            typer.echo(f"  - {one}")
    else:
        typer.echo(f"  do: kit reproduce --recipe {shlex.quote(str(path))} --target cpu")
