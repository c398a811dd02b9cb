"""Command lines of the tools that run an om: ``python3 -m ais_bench``, or the older ``benchmark``."""

from __future__ import annotations

from kit.targets.ascend.config import AscendOptions, architecture

__all__ = ["ais_bench", "dataset_run", "pure_inference"]

#: The tool's own default is one call, after which the first timed ones are slow.
_WARM_UP_CALLS = 10


def ais_bench(batch: int, device: int | str, *words: str) -> tuple[str, ...]:
    """ais_bench on the step's engine, with ``words`` for what it reads and writes."""
    return (
        "python3", "-m", "ais_bench",
        "--model={in:engine}",
        f"--batchsize={batch}",
        f"--warmup_count={_WARM_UP_CALLS}",
        *words,
        f"--device={device}",
    )  # fmt: skip


def dataset_run(
    options: AscendOptions, batch: int, device: int, *, engine: str, info: str, size: tuple[int, int]
) -> tuple[str, ...]:
    """Benchmark on the images of an info file; ``size`` is their height and width."""
    height, width = size
    return (
        f"benchmark.{architecture(options)}",
        "-model_type=vision",
        f"-device_id={device}",
        f"-batch_size={batch}",
        f"-om_path={engine}",
        f"-input_text_path={info}",
        f"-input_width={width}",
        f"-input_height={height}",
        f"-output_binary={options.output == 'bin'}",
        "-useDvpp=False",
    )


def pure_inference(options: AscendOptions, batch: int, device: int | str, *, engine: str, out: str) -> tuple[str, ...]:
    """The engine alone, on made-up data, by the tool of the options; ais_bench writes to ``out``."""
    if options.tool == "ais_bench":
        words = (f"--output={out}", "--output_dirname=result", f"--loop={options.rounds}")
        return ais_bench(batch, device, *words)
    return (
        f"benchmark.{architecture(options)}",
        f"-round={options.rounds}",
        f"-om_path={engine}",
        f"-device_id={device}",
        f"-batch_size={batch}",
    )
