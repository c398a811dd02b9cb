"""An ONNX model on the CPU: opened, its input and output checked, its errors told in one sentence."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .pool import cores
from .protocol import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["PROVIDERS", "Engine", "engine_version"]

PROVIDERS = ("CPUExecutionProvider",)


def engine_version() -> str:
    """Version of ONNX Runtime."""
    import onnxruntime

    return str(onnxruntime.__version__)


class Engine:
    """One session of ONNX Runtime with the CPU provider.

    Args:
        model: an ONNX file with one float32 input (batch, channels, height, width); its first output holds the scores.
        batch: images per call; a model with another, fixed batch is refused rather than run at that one.
        shape: (channels, height, width) of the images.
        threads: threads of one call; 0: all cores that the process may use.

    Raises:
        UserError: no such file, not a model, another input than asked for.
    """

    def __init__(self, model: str, batch: int, shape: tuple[int, ...], threads: int = 0) -> None:
        import onnxruntime

        if not os.path.isfile(model):
            raise UserError("there is no such model", "Export it first.", model, "missing")
        self.threads = threads or cores()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(model, options, providers=list(PROVIDERS))
        except Exception as error:  # noqa: BLE001 - its exceptions share no base class
            remedy = "Export the model again, or check that this is a whole ONNX file."
            raise UserError(f"ONNX Runtime cannot open it: {_oneline(error)}", remedy, model, "damaged") from None
        self.providers: list[str] = self.session.get_providers()
        self.version: str = onnxruntime.__version__
        self._model = model
        self.input, self.output = self._check(batch, shape)

    def _check(self, batch: int, shape: tuple[int, ...]) -> tuple[str, str]:
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 1 + len(shape):
            has = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
            remedy = "Give a model whose one input is a float32 tensor (batch, channels, height, width)."
            raise UserError(f"the model has the inputs {has}", remedy, self._model)
        declared = inputs[0].shape
        for place, (is_, wanted) in enumerate(zip(declared, (batch, *shape), strict=True)):
            if isinstance(is_, int) and is_ != wanted:
                what = "batch" if place == 0 else "input"
                remedy = (
                    "Export it with a dynamic batch, or use its own." if place == 0 else "Correct crop or input shape."
                )
                message = (
                    f"the model's {what} is fixed: {inputs[0].name} {declared}, and {(batch, *shape)} is asked for"
                )
                raise UserError(message, remedy, self._model)
        return inputs[0].name, self.session.get_outputs()[0].name

    @property
    def fixed_batch(self) -> bool:
        """Whether the model takes this batch only."""
        return isinstance(self.session.get_inputs()[0].shape[0], int)

    def run(self, images: Floats) -> Floats:
        """Scores of a batch, float32 (batch, classes).

        Raises:
            UserError: the engine fails, or its output is not one row of scores per image.
        """
        try:
            (output,) = self.session.run([self.output], {self.input: images})
        except Exception as error:  # noqa: BLE001 - see above
            remedy = "Check the model with the ONNX checker, and its input with the recipe."
            raise UserError(f"ONNX Runtime fails: {_oneline(error)}", remedy, self._model, "tolerance") from None
        return self.as_scores(output, len(images))

    def as_scores(self, output: Any, count: int) -> Floats:
        """Check that `output` is one row of float scores per image."""
        if not isinstance(output, np.ndarray) or output.dtype.kind != "f" or output.ndim < 2 or len(output) != count:
            has = f"{output.dtype} {output.shape}" if isinstance(output, np.ndarray) else type(output).__name__
            remedy = "Give a classifier whose first output holds one score per class."
            raise UserError(f"the output {self.output} of {count} images is {has}", remedy, self._model)
        return output.reshape(count, -1).astype(np.float32, copy=False)


def _oneline(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
