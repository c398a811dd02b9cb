"""The run over the data set by a vendor's tool, in parts on several devices: one run's results, and no merged rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.errors import InvalidInputError
from kit.planning.target import load_target

#: Ten images in batches of one and four: three parts of whole batches at most.
SHARDS = 3


def shown(folder: Path) -> dict[str, bytes]:
    """Name -> content of the results of a run; the older vendor's tool puts them into a folder of the device."""
    result = folder / "result"
    (place,) = list(result.glob("dumpOutput_device*")) or [result]
    found = {path.name: path.read_bytes() for path in place.iterdir() if path.is_file() and path.name != "SIMULATED"}
    assert found, folder
    return found


def ran(rehearsals: Any, target: str, shards: int, devices: tuple[int, ...], **options: object) -> Any:
    made = rehearsals(target, **options)
    made.job = replace(made.job, shards=shards, devices=devices)
    made.__post_init__()
    made.shortened()
    made.run_all()
    return made


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("310", {"tool": "benchmark", "rounds": 12}),
        ("310", {"tool": "ais_bench", "rounds": 12, "output": "bin"}),
        ("310P", {"tool": "ais_bench", "rounds": 12, "pure": False}),
        ("T4", {"runs": 1, "long_seconds": 0}),
    ],
)
def test_parts_on_several_devices_are_one_run(rehearsals: Any, target: str, options: dict[str, object]) -> None:
    whole = ran(rehearsals, target, 1, (), **options)
    cut = ran(rehearsals, target, SHARDS, (0, 1), **options)
    for batch in (1, 4):
        name = f"{target}/metrics-bs{batch}"
        assert (cut.outputs[name] / "metrics.json").read_bytes() == (whole.outputs[name] / "metrics.json").read_bytes()
        merged, one = cut.outputs[f"{target}/infer-bs{batch}"], whole.outputs[f"{target}/infer-bs{batch}"]
        if target == "T4":
            for file in ("predictions.npy", "scores.npy", "images.txt"):
                assert (merged / file).read_bytes() == (one / file).read_bytes(), file
        else:
            assert shown(merged) == shown(one)
        shards = [step for step in cut.steps.values() if step.shard and step.batch == batch]
        assert len(shards) == SHARDS
        assert not any(step.timed for step in shards)
        leases = [step.devices.leases for step in shards]
        assert leases == [(f"simulated-{target}-{device}",) for device in (0, 1, 0)]
    mine, other = (made.target.read(made.job, made.outputs) for made in (cut, whole))
    assert mine.accuracy.correct == other.accuracy.correct
    assert {one.mode for one in mine.throughput} == {"synthetic"}
    for one in mine.throughput:  # measured by a step of its own
        assert all("shard" not in evidence.step for evidence in one.evidence.values())
    if target != "T4":
        assert any(f"the data set ran in {SHARDS} parts on devices 0, 1" in note for note in mine.notes)


def test_a_small_data_set_is_cut_less_and_measured_as_ever(rehearsals: Any) -> None:
    job = replace(rehearsals.job("310"), shards=2, batches=(64,))
    assert not any(step.shard for step in load_target("310").plan(job))


def test_a_run_without_a_data_set_cannot_be_cut(rehearsals: Any) -> None:
    job = replace(rehearsals.job("310", options={"mode": "synthetic"}), shards=2)
    with pytest.raises(
        InvalidInputError, match=r"targets -> 310 -> options -> mode: synthetic runs no data set"
    ) as got:
        load_target("310").plan(job)
    assert got.value.remedy


def test_one_named_gpu_is_not_several(rehearsals: Any) -> None:
    gpu = "GPU-00000000-0000-0000-0000-000000000000"
    job = replace(rehearsals.job("T4", options={"gpu": gpu}, devices=(0, 1)), shards=2)
    with pytest.raises(InvalidInputError, match="targets -> T4 -> options -> gpu: names one GPU"):
        load_target("T4").plan(job)
