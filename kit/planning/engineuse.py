"""Steps of an engine that kit's own programs drive. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.planning import common
from kit.planning.step import GIB, Devices, Input, Limits, Stage, Step
from kit.planning.target import Job

__all__ = ["EngineUse"]


@dataclass(frozen=True)
class EngineUse:
    """How a job uses an engine."""

    engine: str  # as inside.engines calls it; empty: the default of the programs
    image: str
    infer_batch: int  # of the run over the data set
    model: Input = common.MODEL
    options: Mapping[str, Any] = field(default_factory=dict)  # the engine's own
    devices: Devices = field(default_factory=Devices)
    environment: Mapping[str, str] = field(default_factory=dict)
    memory_gib: int = 4
    inputs: Mapping[str, Input] = field(default_factory=dict)  # further ones, which the options name

    @property
    def words(self) -> tuple[str, ...]:
        """The engine and its options on a command line."""
        words: tuple[str, ...] = ("--engine", self.engine) if self.engine else ()
        if self.options:
            words += ("--options", json.dumps(dict(self.options), sort_keys=True, separators=(",", ":")))
        return words

    def step(
        self,
        name: str,
        stage: Stage,
        title: str,
        program: str,
        words: tuple[str, ...],
        outputs: tuple[str, ...],
        inputs: Mapping[str, Input],
        *,
        pids: int = Limits.pids,
        silence_s: int = Limits.silence_s,
    ) -> Step:
        """One of kit's programs on the engine; ``words`` and ``inputs`` are those after the model's."""
        return Step(
            name=name,
            stage=stage,
            title=title,
            image=self.image,
            argv=("python3", "-m", f"inside.{program}", "--model", "{in:model}", *self.words, *words, "--out", "{out}"),
            outputs=outputs,
            inputs={"model": self.model, **inputs, **self.inputs},
            environment=self.environment,
            devices=self.devices,
            code=(program,),
            limits=Limits(memory_bytes=self.memory_gib * GIB, pids=pids, shm_bytes=GIB, silence_s=silence_s),
            timed=stage == "bench",
        )

    def bench_step(
        self, job: Job, name: str, program: str, words: tuple[str, ...], inputs: Mapping[str, Input], **limits: int
    ) -> Step:
        """Rate and latency of all batches; ``words`` are those before the protocol's."""
        words = (*words, *common.protocol_words(job))
        outputs = ("bench.json", *(f"latencies-bs{batch}.npy" for batch in job.batches))
        silence = common.protocol_silence(job)
        title = "throughput, all batches"
        return self.step(name, "bench", title, program, words, outputs, inputs, silence_s=silence, **limits)
