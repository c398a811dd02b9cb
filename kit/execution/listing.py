"""``kit reproduce --plan``: what would run; nothing is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kit.containers.docker import DockerRunner
from kit.containers.images import BuildOptions, Images
from kit.containers.local import LocalRunner
from kit.containers.runner import Binding, Runner
from kit.execution.selection import image_specs
from kit.planning.planner import plan
from kit.planning.step import External, Input, Step
from kit.planning.target import Job, Target
from kit.storage.store import Store

__all__ = ["command_lines"]


def command_lines(
    jobs: Sequence[tuple[Target, Job]], store: Store, runner: str, build: BuildOptions
) -> Iterator[tuple[Step, str]]:
    """Each step with its line for a shell; paths that do not exist yet are shown as <step>."""
    images = Images(image_specs(jobs), store.root, build, lambda _: None)
    chosen: Runner = LocalRunner() if runner == "local" else DockerRunner(images, store.root)
    for step in plan(jobs).steps:
        binding = Binding(
            fingerprint="",
            inputs={name: _place(source, store.root) for name, source in step.inputs.items()},
            out=store.root / "partial" / f"<{step.name}>",
            logs=store.root / "logs",
            image_id=chosen.image_id(step.image) or f"kit/{step.image}",
        )
        yield step, chosen.command_line(step, binding)


def _place(source: Input, store: Path) -> Path:
    if isinstance(source, External):
        return source.path
    folder = store / "artifacts" / f"<{source.step}>"
    return folder / source.file if source.file else folder
