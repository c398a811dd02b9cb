"""``kit reproduce``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kit.cli import options
from kit.cli.usage import goes_with, option

if TYPE_CHECKING:
    from kit.containers.images import BuildOptions
    from kit.execution.reproduction import Reproduction
    from kit.execution.selection import Choice, Selection
    from kit.recipe.schema import Recipe
    from kit.results.resultsfile import Results
    from kit.storage.store import Store

__all__ = ["command"]


def command(
    recipe: options.RecipePath = Path("kit.yaml"),
    archive: Annotated[
        Path | None, option("--from ARCHIVE", "What `kit archive` made, instead of a recipe: run it again.")
    ] = None,
    target: options.Targets = None,
    batch: options.Batches = None,
    simulate: options.Simulate = False,
    device: options.Device = 0,
    devices: options.Devices = None,
    shards: options.Shards = 1,
    runner: options.Runner = "auto",
    weights: options.WeightsPath = None,
    mirror: options.Mirror = None,
    images: options.Images = None,
    labels: options.Labels = None,
    force: Annotated[
        list[str] | None, option("--force STEP", "Run this step again although it is finished ('all': every one).")
    ] = None,
    plan: Annotated[bool, option("--plan", "Print the steps and the exact command lines; do nothing.")] = False,
    form: Annotated[
        Literal["text", "slurm", "k8s"],
        option("--format", "With --plan: lines for a shell, or a ready job for Slurm or Kubernetes."),
    ] = "text",
    image: Annotated[
        str | None, option("--image IMAGE", "With --format k8s: the image of the pods, which holds kit.")
    ] = None,
    gate: Annotated[bool, option("--gate", "Exit with 6 where the result is not what was published.")] = False,
    update: Annotated[
        bool, option("--update", "Replace the report that git tracks; otherwise results go to here/ next to it.")
    ] = False,
    gate_base: options.BaseRevision = None,
    on: options.Cluster = None,
    base: options.Base = None,
    wheelhouse: options.Wheelhouse = None,
    store: options.StorePath = Path(".kit"),
    adopt: options.Adopt = False,
    reports: options.Reports = None,
    wait: options.Wait = False,
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> None:
    """Reproduce a report: build images, convert, infer, measure, render.

    Every step runs in its container; what is finished is kept, so the same command resumes after an interruption and
    changes nothing when all is done.

    \b
    Examples:
      kit reproduce --recipe examples/digits            the bundled example, on the CPU
      kit reproduce --target 310P                       the recipe kit.yaml of this folder, on an Ascend 310P
      kit reproduce --target 310P --simulate            a rehearsal without the card
      kit reproduce --target cpu --batch 1 --batch 16   two of the recipe's batches
      kit reproduce --target T4 --plan                  what would run, to read or to paste
      kit reproduce --target onnxruntime --shards 2 --devices 0,1   the data set in parts, on two GPUs at once
      kit reproduce --from digits.tar                   what an archive holds, again; results go to reproduced/
      kit reproduce --plan --format slurm > submit.sh   jobs for a cluster (docs/fleet.md)
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.containers.images import BuildOptions
    from kit.data.weights import weights_path
    from kit.doctor.preflight import preflight
    from kit.execution.progress import choose
    from kit.execution.reproduction import reproduce
    from kit.execution.selection import Choice, Selection
    from kit.recipe.revision import recipe_at
    from kit.recipe.schema import load_recipe
    from kit.reports.folder import reports_folder, update_index
    from kit.storage.store import Store

    goes_with("--image", image, "--format k8s", there=form == "k8s")
    goes_with("--format", form != "text", "--plan", there=plan)
    goes_with("--gate-base", gate_base, "--gate", there=gate)
    choice = Choice(
        targets=tuple(target or ()),
        batches=tuple(batch or ()),
        simulate=simulate,
        device=device,
        devices=options.parse_devices(devices),
        shards=shards,
        weights=weights,
        mirror=mirror,
        images=images,
        labels=labels,
    )
    kept = Store(store, adopt=adopt)
    kept.check()
    again = None
    if archive is not None:
        from kit.archive.replay import replay

        again = replay(archive, kept)
        recipe, choice, reports = again.recipe, again.completed(choice), reports or again.reports
    parsed = load_recipe(recipe)
    selection = Selection(parsed, choice)
    build = BuildOptions.from_environment(base, tuple(wheelhouse or ()))
    file, forced = weights_path(parsed, kept.root, choice.weights), force or []
    if plan:
        if form == "text":
            _print_lines(selection, file, kept, runner, build)
            return
        more = [word for step in forced for word in ("--force", step)]
        more += [option for option, wanted in (("--update", update), ("--gate", gate)) if wanted]
        if form == "k8s":
            _print_pods(selection, file, recipe, image, more)
            return
        from kit.fleet.slurm import slurm_script

        places = {"recipe": recipe, "store": kept.root, "reports": reports_folder(parsed, reports)}
        typer.echo(slurm_script(selection, file, **places, runner=runner, base=base, more=more), nl=False)
        return
    jobs, place = selection.jobs(file), reports_folder(parsed, reports)
    if on is None:
        preflight(jobs)
    with kept.lock(wait=wait):
        if on is not None:
            from kit.fleet.expedition import reproduce_on
            from kit.fleet.fleetview import FleetView
            from kit.fleet.order import options_for_hosts

            wanted = options_for_hosts(choice, tuple(forced), base)
            view = FleetView(as_json=as_json)
            done = reproduce_on(
                on, selection, kept, place,
                recipe=recipe, runner=runner, options=wanted, view=view, update=update,
            )  # fmt: skip
        else:
            progress = choose(as_json=as_json, verbose=verbose)
            done = reproduce(
                selection, kept, place, runner=runner, build=build, progress=progress, force=forced, update=update
            )
        update_index(place, done.folder, update=update)
    if done.notice:
        print(f"note: {done.notice}", file=sys.stderr)
    _print_end(parsed, done, again.results if again else {}, as_json=as_json)
    if gate:
        _check_gate(parsed, done, kept, choice, recipe_at(recipe, gate_base) if gate_base else None)


def _print_lines(selection: Selection, weights: Path, store: Store, runner: str, build: BuildOptions) -> None:
    """What would run, each step with its line for a shell."""
    from kit.execution.listing import command_lines

    for step, line in command_lines(selection.jobs(weights), store, runner, build):
        typer.echo(f"# {step.name}: {step.title}{' (SIMULATED)' if step.simulated else ''}\n{line}")


def _print_pods(selection: Selection, weights: Path, recipe: Path, image: str | None, more: Sequence[str]) -> None:
    """The Jobs, and on standard error whose pods need an image with a vendor's tools."""
    from kit import __version__
    from kit.fleet.kubernetes import kubernetes_jobs, with_vendors_tools

    typer.echo(
        kubernetes_jobs(selection, weights, recipe=recipe, image=image or f"kit:{__version__}", more=more), nl=False
    )
    if names := with_vendors_tools(selection, weights):
        print(
            f"note: pods of {', '.join(names)} need an image with the vendor's tools, which names them in KIT_TOOLS:"
            " docs/fleet.md says how to make one",
            file=sys.stderr,
        )


def _print_end(recipe: Recipe, done: Reproduction, archived: Mapping[str, Results], *, as_json: bool) -> None:
    """What came out, compared with the results of the archive that was run again."""
    if as_json:
        typer.echo(json.dumps({"event": "report", "folder": str(done.folder), "changed": list(done.changed)}))
    else:
        from kit.cli.ending import ending

        typer.echo("\n".join(ending(recipe, done, archived)))


def _check_gate(recipe: Recipe, done: Reproduction, store: Store, choice: Choice, before: Recipe | None) -> None:
    """End with 6 where the result must not pass; ``before`` is the recipe at the base revision."""
    from kit.verification.gate import check, criteria

    print(f"gate: compared with {criteria(recipe)}", file=sys.stderr)
    check(
        recipe,
        done.folder,
        done.results,
        store,
        tuple(done.results),
        base=before,
        weights=choice.weights,
        simulated=choice.simulate,
    )
