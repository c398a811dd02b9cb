"""Places in outputs: finding them, and reading again what stands there."""

from __future__ import annotations

import json

import pytest

from kit.errors import DamagedError
from kit.results.evidence import Evidence, Raw, field_name, field_parts, leaves, measurement
from kit.results.measurements import Throughput
from kit.results.places import context_of, find, read_again, same

DIGEST = "0123456789abcdef" * 4
LOG = """\
[e2e] throughputRate: 203.598, latency: 49.1164
[infer] throughputRate: 988.9, Interface throughputRate: 988.909, moduleLatency: 4.24378
"""


def evidence(reader: str, place: str) -> Evidence:
    return Evidence(step="a/b", fingerprint=DIGEST, file="out", sha256=DIGEST, reader=reader, place=place)


@pytest.mark.parametrize(
    ("value", "words", "place"),
    [
        (988.909, ("[infer", "Interface throughputRate"), "line 2, columns 58-64"),
        (988.9, ("[infer", "throughputRate"), "line 2, columns 25-29"),
        (49.1164, ("[e2e]", "latency"), "line 1, columns 41-47"),
        ("latency", (), "line 1, columns 32-38"),
        (988.9, ("[post",), ""),
        (1.5, (), ""),
        (98, (), ""),
    ],
)
def test_a_value_is_found_behind_its_words_and_read_again(value: object, words: tuple[str, ...], place: str) -> None:
    assert find(LOG, value, *words) == place
    if place:
        assert same(value, read_again(LOG.encode(), evidence("text", place)))


def test_places_of_json_csv_and_records() -> None:
    data = json.dumps({"repeats": [{"rate": 1.5}], "odd name": {"a.b": [1, 2]}}).encode()
    assert read_again(data, evidence("json", "repeats[0].rate")) == 1.5
    assert read_again(data, evidence("json", '["odd name"]["a.b"][1]')) == 2
    assert read_again(data, evidence("json", 'len(["odd name"]["a.b"])')) == 2
    assert read_again(data + b"\nsha256 0\n", evidence("record", "repeats[0].rate")) == 1.5
    assert read_again(b"\n0, Tesla T4, 41\n", evidence("csv", "line 2, field 3")) == "41"


@pytest.mark.parametrize(
    ("reader", "place"),
    [
        ("json", "repeats[7].rate"), ("json", "]["), ("json", ""), ("json", "len(n)"), ("text", "line 9, columns 1-2"),
        ("text", "line 1"), ("text", "line 1, columns 0-2"), ("csv", "line 1, field 40"), ("nobody", "n"),
        ("export_times", "enqueues/s after 200 ms"), ("perf", "rate"), ("json", "[" * 5000),
    ],
)  # fmt: skip
def test_a_place_that_is_not_there_is_told(reader: str, place: str) -> None:
    with pytest.raises(DamagedError, match="for reader"):
        read_again(b'{"n": 1}', evidence(reader, place))


@pytest.mark.parametrize(
    "parts", [("a",), ("a", 0, "b"), ("raw", "warm-up calls"), ("raw", 'a"b\\'), ("x.y", 3), ("a", "b c", 1, "d")]
)
def test_names_of_places_lead_back(parts: tuple[str | int, ...]) -> None:
    assert field_parts(field_name(*parts)) == parts


def test_a_measurement_takes_the_evidence_of_its_values() -> None:
    def raw(value: float, place: str) -> Raw[float]:
        return Raw(value, evidence("json", place))

    made = measurement(
        Throughput,
        batch=4,
        rate=raw(2.5, "rate"),
        per="image",
        factor=1,
        mode="dataset",
        repeats=[raw(2.0, "r[0]"), raw(2.5, "r[1]"), raw(3.0, "r[2]")],
        latency_ms={"p50": raw(7.0, "p50"), "n": 9},
        raw={"warm-up calls": raw(3, "w"), "threads": 2},
    )
    assert {name: one.place for name, one in made.evidence.items()} == {
        "rate": "rate", "repeats[0]": "r[0]", "repeats[1]": "r[1]", "repeats[2]": "r[2]", "latency_ms.p50": "p50",
        'raw["warm-up calls"]': "w",
    }  # fmt: skip
    assert made.unproven() == ["latency_ms.n", "raw.threads"]
    assert dict(leaves(made))["repeats[1]"] == 2.5
    assert Throughput.model_validate_json(made.model_dump_json()) == made


def test_a_long_line_is_cut_where_it_is_shown() -> None:
    text = "x" * 1000 + " 5\n"
    assert len(context_of(text.encode(), evidence("text", find(text, 5)))) == 300
