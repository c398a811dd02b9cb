"""``kit metrics``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from kit.cli import options
from kit.cli.usage import argument, option

__all__ = ["command"]


def command(
    results: Annotated[Path, argument(None, "Folder of result files, one per image, or of kit's own predictions.")],
    labels: Annotated[Path, option("--labels FILE", "Label file: lines of `name label`.", env="KIT_LABELS")],
    form: Annotated[
        Literal["auto", "predictions", "txt", "bin", "npy"],
        option("--format", "By default detected from the names of the files."),
    ] = "auto",
    suffix: Annotated[int | None, option("--suffix N", "Number after the last _ of a name: which output.")] = None,
    classes: Annotated[
        int | None, option("--classes N", "Scores per image; 1000 where nothing states it.", min=1)
    ] = None,
    out: options.Out = None,
    runner: options.Runner = "auto",
    store: options.StorePath = Path(".kit"),
    adopt: options.Adopt = False,
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> None:
    """Compute Top1 to Top5 from result files: text or binary, of benchmark, ais_bench or kit itself.

    Counts as the published metric script does and adds the checks that it lacks: every image of the label file has
    exactly one result, files of other runs are refused, each has as many scores as there are classes, equal scores are
    decided by the lowest class and counted, NaN is never a hit.

    \b
    Examples:
      kit metrics result/dumpOutput_device0 --labels val_label.txt
      kit metrics result/run1 --labels val_label.txt --format bin --suffix 0
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.containers.images import BuildOptions
    from kit.execution.progress import choose
    from kit.execution.scoring import metrics_of, sniff_form
    from kit.results.measurements import Accuracy, percent
    from kit.storage.store import Store

    chosen, number = sniff_form(results, form, suffix)
    kept = Store(store, adopt=adopt)
    kept.check()
    with kept.lock():
        record, folder = metrics_of(
            results,
            labels,
            form=chosen,
            suffix=number,
            classes=classes,
            store=kept,
            runner=runner,
            build=BuildOptions.from_environment(),
            progress=choose(as_json=as_json, verbose=verbose),
            out=out,
        )
    tree = json.loads((folder / "metrics.json").read_bytes())
    if as_json:
        typer.echo(json.dumps({"event": "metrics", **tree, "fingerprint": record.fingerprint}, sort_keys=True))
        return
    value = Accuracy(n=tree["n"], classes=tree["classes"], correct=tuple(tree["correct"]), ties=tree["ties"])
    for k in range(1, 6):
        low, high = value.interval(k)
        typer.echo(f"Top{k}  {value.formula(k):<34} 95 % interval {percent(low)} to {percent(high)} %")
    typer.echo(f"{value.n} images, {value.classes} classes, {tree['ties']} ties, {tree['nan']} images with NaN")
