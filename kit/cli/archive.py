"""``kit archive``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli import options
from kit.cli.usage import argument, option
from kit.terminal import visible

__all__ = ["command"]


def command(
    out: Annotated[Path, argument("OUT", "A file that ends with .tar, or a new folder.")],
    recipe: options.RecipePath = Path("kit.yaml"),
    reports: options.Reports = None,
    store: options.StorePath = Path(".kit"),
    simulated: options.Simulated = False,
    here: options.Here = False,
    with_weights: Annotated[
        bool, option("--with-weights", "Include the weights; check that their licence allows it.")
    ] = False,
    with_data: Annotated[
        bool, option("--with-data", "Include the data set; check that its licence allows it.")
    ] = False,
    sign: Annotated[
        list[Path] | None, option("--sign KEY", "Sign the statements with this key; several times.")
    ] = None,
    weights: options.WeightsPath = None,
    images: options.Images = None,
    labels: options.Labels = None,
) -> None:
    """Put a report and all that a stranger needs to check it into one file or folder.

    It holds recipe, results, raw outputs of the tools, reports, claims with their commands and tolerances, descriptions
    of the machines and in-toto statements, and is an RO-Crate. Equal results give equal bytes. It says what is missing.
    Vendors' software is never included.

    \b
    Examples:
      kit archive digits.tar --recipe examples/digits
      kit archive digits.tar --recipe examples/digits --with-weights --with-data
      kit archive digits.tar --sign release.key        a key of `kit keys new`
      kit verify digits.tar                            anywhere, without network
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.archive.container import write_archive
    from kit.archive.contents import Contents
    from kit.archive.making import made
    from kit.data.weights import weights_path
    from kit.recipe.schema import load_recipe
    from kit.reports.folder import report_of

    parsed = load_recipe(recipe)
    contents = Contents(
        parsed,
        recipe,
        report_of(parsed, reports, simulated=simulated, here=here),
        weights_path(parsed, store.absolute(), weights),
        images,
        labels,
    )
    contents.take(simulated=simulated, with_weights=with_weights, with_data=with_data)
    members, derived = made(contents, simulated=simulated, keys=sign or ())
    write_archive(out, members)
    taken = ((with_weights, "weights", parsed.weights.license), (with_data, "dataset", parsed.dataset.license))
    for wanted, section, stated in taken:
        if wanted and not stated:
            typer.echo(f"note: {section} -> license: the recipe states none; see that you may pass it on", err=True)
    wrong = [one for one in derived.links if one.state == "wrong"]
    typer.echo(f"archive: {out} ({len(members)} files, {sum(map(len, members.values())) / (1 << 20):.1f} MiB)")
    for what, why in contents.absent:
        typer.echo(f"missing: {visible(what)}: {visible(why)}")
    for one in wrong:
        typer.echo(f"WRONG  {visible(one.subject)}: {visible(one.message)}")
