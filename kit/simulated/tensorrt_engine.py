"""Opens a simulated plan and runs it: what the accuracy program uses in a rehearsal in place of ``import tensorrt``.

plan = open_plan("e.plan")
outputs = plan.infer({"actual_input_1": batch})      # {"output1": array}
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .engine import Engine, EngineError
from .nvidia_smi import failure
from .trt_options import version_of
from .trt_plan import PlanError, is_simulated, read_plan
from .world import mark, world

__all__ = ["EngineError", "PlanError", "SimulatedEngine", "is_simulated", "open_plan"]


class SimulatedEngine:
    """An engine with its bindings; dims hold -1 where the profile decides."""

    def __init__(self, path: Path) -> None:
        self.plan = read_plan(path)
        self.engine = Engine(self.plan.onnx, fp16=self.plan.fp16)
        self.inputs = {entry["name"]: tuple(entry["dims"]) for entry in self.plan.inputs}
        self.dtypes = {entry["name"]: np.dtype(entry["dtype"]) for entry in self.plan.inputs}
        self.outputs = list(self.plan.outputs)
        self.version = self.plan.version

    def profile(self, name: str) -> tuple[tuple[int, ...], ...]:
        """(min, opt, max) shape of an input; three times its dims where it is static."""
        sizes = self.plan.profile.get(name) or [list(self.inputs[name])] * 3
        return tuple(tuple(dims) for dims in sizes)

    def infer(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one batch.

        Raises:
            EngineError: an input is missing, or its shape lies outside of the profile, as TensorRT refuses it.
        """
        for name in self.inputs:
            if name not in feeds:
                raise EngineError(f"the input {name} is missing")
            low, _, high = self.profile(name)
            shape = feeds[name].shape
            if len(shape) != len(low) or not all(a <= b <= c for a, b, c in zip(low, shape, high, strict=True)):
                raise EngineError(f"the shape {shape} of {name} lies outside of the profile {low} to {high}")
        given = {name: feeds[name].astype(self.engine.inputs[name], copy=False) for name in self.inputs}
        return dict(zip(self.outputs, self.engine(given), strict=True))


def open_plan(path: str | Path) -> SimulatedEngine:
    """Load a plan.

    Raises:
        PlanError: the file is no simulated plan, another version built it, or the GPU is not reachable.
        OSError: the file cannot be read.
    """
    machine = world()
    message, status = failure(machine)
    if status:
        raise PlanError(f"the GPU is not reachable: {message}")
    engine = SimulatedEngine(Path(path))
    if version_of(engine.version) != version_of(machine.tensorrt):
        raise PlanError(f"the plan was built by TensorRT {engine.version}, this is {machine.tensorrt}")
    mark(f"TensorRT {machine.tensorrt}: the CPU computes {path}")
    return engine
