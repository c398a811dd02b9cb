"""Recipe, facts and results for the tests of the report. All numbers here are typed for the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from kit.recipe.schema import Recipe, load_recipe
from kit.reports.targetfacts import TargetFacts
from kit.results.measurements import Accuracy, Latency, Per, Throughput
from kit.results.resultsfile import Artifact, Command, Parity, Results, Run

Make = Callable[..., Results]

DIGEST = "0123456789abcdef" * 4


@pytest.fixture(scope="session")
def seed_recipe(root: Path) -> Recipe:
    """The recipe of the published report."""
    return load_recipe(root)


@pytest.fixture(scope="session")
def facts() -> dict[str, TargetFacts]:
    """Targets in words, whether they are installed or not."""
    return {
        "310": TargetFacts("310", "ascend", "Atlas 300I", "CANN 5.1.RC1", 4),
        "310P": TargetFacts("310P", "ascend", "Atlas 300I Pro", "CANN 5.1.RC1", 1),
        "T4": TargetFacts("T4", "tensorrt", "NVIDIA T4", "TensorRT 7.2.3.4", 1),
        "cpu": TargetFacts("cpu", "onnxruntime", "CPU", "ONNX Runtime", 1),
    }


def throughputs(
    rates: dict[int, float], per: Per, factor: int, mode: Literal["dataset", "synthetic"], spread: float
) -> tuple[Throughput, ...]:
    """Throughputs whose repeats lie around the rate."""
    return tuple(
        Throughput(
            batch=batch,
            rate=rate,
            per=per,
            factor=batch if per == "enqueue" else factor,
            unit="qps" if per == "enqueue" else "fps",
            mode=mode,
            repeats=(rate, rate * (1 - spread / 2), rate * (1 + spread / 2)),
            latency_ms=Latency(p50=1.5 * batch, p90=1.75 * batch, p99=2.25 * batch, n=400),
        )
        for batch, rate in rates.items()
    )


@pytest.fixture(scope="session")
def make(seed_recipe: Recipe) -> Make:
    """Results of a target, with what is given taking the place of the usual."""

    def results(
        target: str,
        rates: dict[int, float] | None = None,
        *,
        per: Per = "device",
        factor: int = 1,
        mode: Literal["dataset", "synthetic"] = "dataset",
        spread: float = 0.01,
        **changes: Any,
    ) -> Results:
        usual: dict[str, Any] = {
            "model": seed_recipe.model.name,
            "target": target,
            "source": "measured",
            "toolchain": "CANN 5.1.RC1" if target.startswith("310") else "ONNX Runtime 1.32.0",
            "hardware": f"hardware of {target}",
            "containerized": True,
            "accuracy": Accuracy(n=50000, classes=1000, correct=(37100, 43000, 45000, 45500, 45970)),
            "throughput": throughputs(rates, per, factor, mode, spread) if rates else (),
            "parity": Parity(samples=32, max_abs=2.5e-4, max_abs_scaled=1.5e-5, cosine=0.9999998, top1_agreement=1.0),
            "environment": {"onnx": "1.17.0"},
            "host": {"cpu": "a processor", "kernel": "6.1"},
            "images": {"runtime": f"sha256:{DIGEST}"},
            "commands": (
                Command(stage="export", argv=("python3", "-m", "inside.export", "--opset", "11"), step="export"),
                Command(stage="infer", argv=("infer", "a b"), step=f"{target}/infer"),
                Command(stage="metrics", argv=("score",), step=f"{target}/metrics"),
                *(
                    Command(stage="bench", argv=("bench", str(batch)), batch=batch, step=f"{target}/bench-bs{batch}")
                    for batch in rates or {}
                ),
            ),
            "artifacts": (
                Artifact(
                    step="weights",
                    path=seed_recipe.weights.filename,
                    sha256=DIGEST,
                    md5=seed_recipe.weights.md5,
                    bytes=9,
                ),
                Artifact(step="export", path="model.onnx", sha256=DIGEST, md5=DIGEST[:32], bytes=10),
                *(
                    Artifact(step=f"{target}/bench-bs{batch}", path="bench.json", sha256=DIGEST, md5=None, bytes=batch)
                    for batch in rates or {}
                ),
            ),
            "runs": tuple(
                Run(
                    step=step, fingerprint=DIGEST, image=f"sha256:{DIGEST}", started="2026-01-02T03:04:05Z", seconds=1.5
                )
                for step in ("export", f"{target}/infer", *(f"{target}/bench-bs{batch}" for batch in rates or {}))
            ),
        }
        return Results(**{**usual, **changes})

    return results
