"""Steps that targets share: export, parity, preprocessing to files, metrics. Pure.

Equal steps of two targets are one step of the plan: the model is exported once, whatever the number of targets.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from kit.errors import InvalidInputError
from kit.planning.step import GIB, External, Input, Limits, Made, Step
from kit.planning.target import Job

__all__ = [
    "EXPORT",
    "MODEL",
    "PARITY",
    "TENSORS",
    "TENSOR_FILES",
    "TENSOR_LIST",
    "adopt",
    "code_input",
    "export",
    "exporter",
    "image_words",
    "metrics",
    "metrics_step",
    "model_steps",
    "network_json",
    "parity",
    "preprocess",
    "preprocess_json",
    "protocol_silence",
    "protocol_words",
]

EXPORT = "export"
PARITY = "parity"
TENSORS = "preprocess"
#: What the preprocessing makes: the folder of its files, and the list that the vendor's benchmark takes.
TENSOR_FILES, TENSOR_LIST = "prep_bin", "dataset.info"
#: The exported model, as an input of other steps.
MODEL = Made(EXPORT, "model.onnx")

_PYTHON = ("python3", "-m")
#: PyTorch prints nothing for a long time while it traces a large network.
_HEAVY = Limits(memory_bytes=8 * GIB, silence_s=3600)


def preprocess_json(job: Job) -> str:
    """The recipe's preprocessing as the programs in containers take it.

    Raises:
        InvalidInputError: it has none.
    """
    recipe = job.recipe
    if recipe.preprocess is None:
        raise InvalidInputError("preprocess: is missing", remedy="say in the recipe how an image becomes a tensor")
    tree = recipe.preprocess.model_dump(mode="json", exclude={"fit", "pad"})
    # Newer settings are left out where they have their defaults: older recipes keep their fingerprints.
    tree |= recipe.preprocess.model_dump(mode="json", include={"fit", "pad"}, exclude_defaults=True)
    tree |= recipe.input.model_dump(mode="json", include={"layout", "dtype"}, exclude_defaults=True)
    return json.dumps(tree, sort_keys=True, separators=(",", ":"))


def image_words(job: Job) -> tuple[str, ...]:
    """The images and their preprocessing on a command line."""
    folders = ("--class-folders",) if job.recipe.dataset.layout == "folders" else ()
    return ("--images", "{in:images}", *folders, "--preprocess", preprocess_json(job))


def network_json(job: Job) -> str:
    """The recipe's model, inputs and outputs as the programs in containers take them."""
    recipe = job.recipe
    fields = {"source", "architecture", "build", "create", "reparameterize", "returns", "classes"}
    tree = recipe.model.model_dump(mode="json", include=fields, exclude_defaults=True)
    tree |= recipe.weights.model_dump(mode="json", include={"set", "prefix"}, exclude_none=True)
    tree["inputs"] = [one.model_dump(mode="json", exclude_defaults=True) for one in recipe.graph_inputs]
    tree["outputs"] = list(recipe.graph_outputs)
    if job.file_task:  # only classification takes a score per class
        tree["scores"] = False
    return json.dumps(tree, sort_keys=True, separators=(",", ":"))


def _code_words(job: Job) -> tuple[str, ...]:
    return ("--code", "{in:code}") if job.recipe.model.code_path else ()


def code_input(job: Job) -> dict[str, Input]:
    """The user's own code, where the network comes from it."""
    path = job.recipe.model.code_path
    return {"code": External(job.recipe.resolve(path))} if path else {}


def exporter(job: Job) -> str:
    """The image with PyTorch: with the packages of the user's own code, where the recipe names some."""
    return "exporter-packages" if job.recipe.model.requirements else "exporter"


def export(job: Job) -> Step:
    """Checkpoint -> ONNX with a dynamic batch axis."""
    recipe = job.recipe
    return Step(
        name=EXPORT,
        stage="export",
        title="export ONNX",
        image=exporter(job),
        argv=(
            *_PYTHON, "inside.export",
            "--weights", "{in:weights}",
            "--network", network_json(job),
            *_code_words(job),
            "--opset", str(recipe.opset),
            "--out", "{out}",
        ),
        outputs=("model.onnx", "export.json"),
        inputs={"weights": External(job.weights), **code_input(job)},
        code=("export",),
        limits=_HEAVY,
    )  # fmt: skip


def adopt(job: Job) -> Step:
    """An ONNX file of the user in the place of the export, with its external data taken in."""
    return Step(
        name=EXPORT,
        stage="export",
        title="check ONNX",
        image="exporter",
        argv=(*_PYTHON, "inside.adopt", "--model", "{in:weights}", "--network", network_json(job), "--out", "{out}"),
        outputs=("model.onnx", "export.json"),
        inputs={"weights": External(job.weights)},
        code=("adopt",),
        limits=_HEAVY,
    )


def model_steps(job: Job) -> list[Step]:
    """What makes the ONNX model: a check of the user's file, or export and, where the outputs are scores, parity."""
    if job.recipe.model.source == "onnx":
        return [adopt(job)]
    if job.file_task:  # parity compares rows of scores
        return [export(job)]
    return [export(job), parity(job)]


def parity(job: Job) -> Step:
    """ONNX against PyTorch on real samples; the step fails beyond the recipe's tolerance."""
    recipe = job.recipe
    return Step(
        name=PARITY,
        stage="parity",
        title="parity with PyTorch",
        image=exporter(job),
        argv=(
            *_PYTHON, "inside.parity",
            "--weights", "{in:weights}",
            "--onnx", "{in:model}",
            "--network", network_json(job),
            *_code_words(job),
            *image_words(job),
            "--samples", str(min(32, recipe.dataset.count)),
            "--max-abs", repr(recipe.tolerance.parity_max_abs),
            "--min-cosine", repr(recipe.tolerance.parity_cosine),
            "--min-top1", repr(recipe.tolerance.parity_top1),
            "--out", "{out}",
        ),
        outputs=("parity.json",),
        inputs={"weights": External(job.weights), "model": MODEL, "images": External(job.images), **code_input(job)},
        code=("parity",),
        limits=_HEAVY,
    )  # fmt: skip


def preprocess(job: Job) -> Step:
    """Images -> one ``.bin`` of float32 per image and the info file of the vendor's benchmark."""
    height, width = job.recipe.input.shape[1:]
    return Step(
        name=TENSORS,
        stage="preprocess",
        title="preprocess to .bin",
        image="runtime",
        argv=(
            *_PYTHON, "inside.preprocess",
            *image_words(job),
            "--layout", "bin",
            "--out", f"{{out}}/{TENSOR_FILES}",
            "--info", f"{{out}}/{TENSOR_LIST}",
            "--info-prefix", f"./{TENSOR_FILES}",
            "--width", str(width),
            "--height", str(height),
            "--out-json", "{out}/preprocess.json",
        ),
        outputs=(TENSOR_FILES, TENSOR_LIST),
        inputs={"images": External(job.images)},
        code=("preprocess",),
    )  # fmt: skip


def metrics(
    job: Job, name: str, source: Made, *, form: str, suffix: int | None = None, batch: int | None = None
) -> Step:
    """Results -> TopK counts.

    Args:
        job: the job.
        name: name of the step.
        source: the step that made the results.
        form: ``predictions`` (arrays of kit's own inference), or ``txt``, ``bin``, ``npy`` (one file per image).
        suffix: number after the last ``_`` of a result file's name.
        batch: batch of the inference.
    """
    classes = None if form == "predictions" else job.recipe.model.classes  # predictions state it themselves
    return metrics_step(name, source, job.labels, form=form, suffix=suffix, classes=classes, batch=batch)


def metrics_step(
    name: str,
    results: Input,
    labels: Path,
    *,
    form: str,
    suffix: int | None = None,
    classes: int | None = None,
    batch: int | None = None,
) -> Step:
    """The metrics step on any results: those of a plan, or the user's."""
    where: tuple[str, ...] = ("--results", "{in:results}", "--format", form, "--suffix", str(suffix))
    if form == "predictions":
        where = ("--predictions", "{in:results}")
    if classes is not None:
        where += ("--classes", str(classes))
    return Step(
        name=name,
        stage="metrics",
        title="Top1 to Top5",
        image="runtime",
        argv=(*_PYTHON, "inside.metrics", *where, "--labels", "{in:labels}", "--out", "{out}"),
        outputs=("metrics.json",),
        inputs={"results": results, "labels": External(labels)},
        code=("metrics",),
        batch=batch,
    )


def protocol_words(job: Job) -> tuple[str, ...]:
    """How kit's own measuring programs measure, as options."""
    bench = job.recipe.bench
    return (
        "--threads", str(bench.threads),
        "--warmup", str(bench.warmup),
        "--rounds", str(bench.repeats),
        "--seconds", f"{bench.seconds:g}",
        "--limit", f"{bench.limit:g}",
        "--precision", f"{bench.precision:g}",
    )  # fmt: skip


def protocol_silence(job: Job) -> int:
    """Seconds that they may print nothing: they do not within a round."""
    return 2 * (Limits.silence_s + math.ceil(len(job.batches) * job.recipe.bench.seconds))
