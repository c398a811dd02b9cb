"""The arithmetic of the stand-ins: an ONNX model through ONNX Runtime, with the rounding of half precision."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .models import half, round_to_half

__all__ = ["StandInEngine", "StandInError"]

TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


class StandInError(RuntimeError):
    """The model cannot be loaded or run; the text is the engine's."""


class StandInEngine:
    """A loaded model. ``fp16`` rounds weights, inputs and outputs to half precision and computes in float32.

    That is cheap and close to what the cards do; rounding of every intermediate tensor is not emulated.
    """

    def __init__(self, onnx: bytes, *, fp16: bool) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 4
        threads = os.environ.get("OMP_NUM_THREADS", "")
        if threads.isdigit():
            options.intra_op_num_threads = int(threads)
            options.inter_op_num_threads = 1
        self.fp16 = fp16
        try:
            model = round_to_half(onnx) if fp16 else onnx
            self.session: Any = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise StandInError(str(error)) from error
        self.inputs = {item.name: np.dtype(TYPES.get(item.type, np.float32)) for item in self.session.get_inputs()}
        self.outputs = [item.name for item in self.session.get_outputs()]

    def zeros(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        """Inputs of zeros, for a first run.

        Raises:
            StandInError: they would not fit into the memory of this machine.
        """
        wanted = sum(math.prod(shapes[name]) * dtype.itemsize for name, dtype in self.inputs.items())
        if wanted * 4 > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
            raise StandInError(f"inputs of {wanted} bytes do not fit into the memory")
        return {name: np.zeros(shapes[name], dtype) for name, dtype in self.inputs.items()}

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Run one batch; feeds by input name, outputs in the model's order.

        Raises:
            StandInError: shapes or types do not fit.
        """
        if self.fp16:
            feeds = {name: half(value) if value.dtype == np.float32 else value for name, value in feeds.items()}
        try:
            results = self.session.run(None, dict(feeds))
        except Exception as error:
            raise StandInError(str(error)) from error
        if self.fp16:
            return [half(value) if value.dtype == np.float32 else value for value in results]
        return [np.asarray(value) for value in results]
