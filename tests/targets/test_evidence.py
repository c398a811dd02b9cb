"""Every number that a target reads from a rehearsal is read again where its evidence says that it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kit.planning.target import Reading
from kit.results.evidence import Evidence, Raw, all_evidence
from kit.results.places import context_of, read_again, same

CASES: list[tuple[str, dict[str, object]]] = [
    ("310", {"rounds": 12}),
    ("310P", {"rounds": 12, "tool": "ais_bench", "output": "bin"}),
    ("310P", {"rounds": 12, "mode": "mixed"}),
    ("310", {"rounds": 12, "mode": "synthetic", "tool": "ais_bench"}),
    ("T4", {"runs": 2}),
    ("T4", {"runs": 3, "long_seconds": 1}),
]


def evidence_of(reading: Reading) -> Iterator[tuple[str, Any, Evidence]]:
    """Everything in a reading that has evidence."""
    for number, one in enumerate([reading.accuracy, *reading.throughput]):
        if one is not None:
            yield from ((f"{number}: {name}", value, evidence) for name, value, evidence in all_evidence(one))
    facts = {"hardware": reading.hardware, **reading.environment, **reading.host}
    yield from ((name, one.value, one.evidence) for name, one in facts.items() if isinstance(one, Raw))


@pytest.mark.parametrize(("target", "options"), CASES)
def test_each_number_stands_where_its_evidence_says(rehearsals: Any, target: str, options: dict[str, object]) -> None:
    made = rehearsals(target, **options).shortened()
    reading = made.target.read(made.job, made.run_all())
    measured: list[Any] = [one for one in (reading.accuracy, *reading.throughput) if one is not None]
    assert measured
    assert [one.unproven() for one in measured] == [[]] * len(measured)
    found = list(evidence_of(reading))
    assert len(found) > 25
    for name, value, evidence in found:
        data = (made.outputs[evidence.step] / evidence.file).read_bytes()
        assert evidence.place, f"{name} = {value} stands nowhere in {evidence.step}/{evidence.file}"
        assert same(value, read_again(data, evidence)), (name, value, evidence)
        if evidence.reader == "text":
            assert str(read_again(data, evidence)) in context_of(data, evidence)


def test_the_rate_and_the_file_that_is_named_are_of_one_run(rehearsals: Any) -> None:
    """The data set's rate is quoted from its own file, and not from that of pure inference."""
    made = rehearsals("310", rounds=12)
    for one in made.target.read(made.job, made.run_all()).throughput:
        assert one.evidence["rate"].step == f"310/infer-bs{one.batch}"
        assert one.evidence['raw["pure inference (images/s)"]'].step == f"310/bench-bs{one.batch}"
