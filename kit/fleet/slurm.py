"""``kit reproduce --plan --format slurm``: a script that submits a job per target, and one that renders."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from kit.errors import Exit
from kit.execution.selection import Selection
from kit.fleet.batchjob import BatchJob, batch_jobs, check_paths, given_places, reproduce_words

__all__ = ["slurm_script"]

_HEAD = """\
#!/bin/bash
# Submits one job per target and a last one that renders the report: bash THIS_FILE, on a host that has sbatch.
# Every host needs kit on its PATH and a container engine; recipe, data, stores and reports lie on a shared file system.
# The names after --gres are those of your gres.conf. Words given to this script go to every sbatch: --partition=NAME.
set -euo pipefail
"""
_NO_KIT = (
    'command -v kit >/dev/null || { printf "error: $(hostname): kit is not on the PATH of this job'
    f'\\n  do: install it on every host, or load its module before you submit\\n" >&2; exit {int(Exit.MISSING)}; }}'
)


def slurm_script(
    selection: Selection,
    weights: Path,
    *,
    recipe: Path,
    store: Path,
    reports: Path,
    runner: str,
    base: str | None,
    more: Sequence[str] = (),
) -> str:
    """The script, for bash.

    Args:
        selection: recipe, targets, batches.
        weights: where the weights are, or will be.
        recipe: the recipe's file or folder.
        store: below it each target gets a store of its own, because one kit at a time writes a store.
        reports: folder of the reports.
        runner: where the steps run on a host.
        base: base image of image builds.
        more: further words of ``kit reproduce``.

    Raises:
        InvalidInputError: a path that a script cannot hold.
    """
    choice = selection.choice
    jobs = batch_jobs(selection, weights)
    places: dict[str, Path | str] = {"--recipe": recipe.absolute(), "--reports": reports.absolute()}
    places |= given_places(choice) | ({"--base": base} if base else {})
    check_paths(*places.values(), store.absolute(), choice.mirror)
    name = f"kit-{selection.recipe.model.name}"
    parts = [_HEAD]
    for number, job in enumerate(jobs):
        own = places | {"--store": store.absolute() / "slurm" / job.target}
        words = [*reproduce_words(choice, job.target, own, runner), *more]
        parts.append(_submission(f"job{number}", _options(f"{name}-{job.target}", job), words))
    after = ":".join(f"${{job{number}%%;*}}" for number in range(len(jobs)))
    render = ["kit", "report", "--recipe", str(places["--recipe"]), "--reports", str(places["--reports"])]
    render += ["--simulated"] if choice.simulate else []
    # Where a target failed, it is no use waiting.
    options = [f"--job-name={name}-report", "--kill-on-invalid-dep=yes"]
    parts.append(_submission("report", options, render, f'--dependency="afterok:{after}" '))
    parts.append('echo "submitted; the report is written by job ${report%%;*}"\n')
    return "\n".join(parts)


def _options(name: str, job: BatchJob) -> list[str]:
    """Options of a measuring job: whole hosts with all their memory, because what runs beside it would be measured."""
    options = [f"--job-name={name}", "--nodes=1", "--ntasks=1"]
    options += ["--exclusive", "--mem=0"] if job.timed else [f"--mem={job.memory_bytes >> 20}M"]
    if job.device:
        gres = job.device.gres
        options.append(f"--gres={gres if job.devices == 1 else gres.rpartition(':')[0] + f':{job.devices}'}")
    # One job of a name at a time: its store has one writer. A minute to stop containers; what is finished is kept.
    return [*options, "--dependency=singleton", "--signal=B:TERM@60"]


def _submission(variable: str, options: Sequence[str], words: Sequence[str], more: str = "") -> str:
    lines = [f"{variable}=$(sbatch --parsable {more}\"$@\" <<'KIT_JOB'", "#!/bin/bash"]
    lines += [f"#SBATCH {option}" for option in options]
    return "\n".join([*lines, _NO_KIT, f"exec {shlex.join(words)}", "KIT_JOB", ")", ""])
