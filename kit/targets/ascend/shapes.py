"""Files of several shapes on an Ascend card: what atc compiles for, and what tells ais_bench the shape of each call.

A list of shapes becomes one profile each (``--dynamic_dims``), which every toolkit has and which is nearly as fast as
a fixed shape. A range leaves sizes open; that is slower, needs a newer toolkit, and ais_bench must be told how much
memory the outputs take.
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.errors import InvalidInputError
from kit.planning.target import Job
from kit.targets.ascend.config import AscendOptions
from kit.targets.ascend.toolchains import toolchain_of
from kit.targets.cards import known_shapes

__all__ = ["check_shapes", "of_files", "of_zeros", "to_compile"]


def check_shapes(job: Job, options: AscendOptions) -> None:
    """Refuse shapes of files that atc cannot compile for, or ais_bench cannot run.

    Raises:
        InvalidInputError: they are not known, or a range without a toolkit or without the memory for it.
    """
    known, row = known_shapes(job), toolchain_of(job)
    if known is None or known.listed:
        return
    if not row.ranges:
        raise InvalidInputError(
            f"task -> {job.recipe.task_name} -> shapes: CANN {row.version} of target {job.target} compiles for shapes"
            " that are listed, not for a range",
            remedy="list them all: shapes: {files: [[3, 480, 640], [3, 640, 480]]}; or set toolchain: CANN 8.0.0",
        )
    wanted = len(job.recipe.graph_outputs)
    if len(options.output_bytes) != wanted:
        raise InvalidInputError(
            f"targets -> {job.target} -> options -> output_bytes: ais_bench cannot tell the size of outputs where"
            f" shapes are a range, and has to be told {wanted}, not {len(options.output_bytes)}",
            remedy="give the bytes of each output at the largest shape, or list the shapes of the files",
        )


def to_compile(job: Job, batch: int) -> tuple[str, ...]:
    """``--input_shape`` of atc, and the profiles of sizes that are open in it."""
    inputs, known = job.recipe.graph_inputs, known_shapes(job)
    if known is None:
        return (f"--input_shape={_named(job, batch, [one.shape for one in inputs])}",)
    bounds = [list(zip(low, high, strict=True)) for low, high in zip(known.low, known.high, strict=True)]
    if not known.listed:
        ranges = [[least if least == most else f"{least}~{most}" for least, most in one] for one in bounds]
        return (f"--input_shape={_named(job, batch, ranges)}",)
    sizes = [[least if least == most else -1 for least, most in one] for one in bounds]
    profiles = [
        ",".join(
            str(size)
            for shape, compiled in zip(sample, sizes, strict=True)
            for size, fixed in zip(shape, compiled, strict=True)
            if fixed < 0
        )
        for sample in known.listed
    ]
    return (f"--input_shape={_named(job, batch, sizes)}", f"--dynamic_dims={';'.join(profiles)}")


def of_files(job: Job, options: AscendOptions) -> tuple[str, ...]:
    """Words of ais_bench for a run over files: each says its shape itself."""
    known = known_shapes(job)
    if known is None:
        return ()
    return ("--auto_set_dymdims_mode=1",) if known.listed else ("--auto_set_dymshape_mode=1", _memory(options))


def of_zeros(job: Job, options: AscendOptions, batch: int) -> tuple[str, ...]:
    """Words of ais_bench for made-up data: the shape that engines are measured at."""
    known = known_shapes(job)
    if known is None:
        return ()
    shape = _named(job, batch, known.best)
    return (f"--dymDims={shape}",) if known.listed else (f"--dymShape={shape}", _memory(options))


def _memory(options: AscendOptions) -> str:
    return f"--outputSize={','.join(map(str, options.output_bytes))}"


def _named(job: Job, batch: int, samples: Sequence[Sequence[object]]) -> str:
    """``name:batch,sizes`` of each input of the graph."""
    return ";".join(
        f"{one.name}:{','.join(map(str, (batch, *sizes)))}"
        for one, sizes in zip(job.recipe.graph_inputs, samples, strict=True)
    )
