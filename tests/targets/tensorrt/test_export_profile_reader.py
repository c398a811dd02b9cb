from __future__ import annotations

import json

import pytest

from kit.targets.tensorrt.readers import export_profile
from kit.targets.tensorrt.readers.export_profile import LayerTime
from kit.toollogs.reader import choose

OLD = (
    '[\n  { "count" : 500 }\n, { "name" : "Conv_0 + Relu_1", "timeMs" : 60, "averageMs" : 0.12, "percentage" : 75 }\n'
    ', { "name" : "{ForeignNode[a...b]}", "timeMs" : 20, "averageMs" : 0.04, "percentage" : 25 }\n]\n'
)
NEW = OLD.replace('"percentage"', '"medianMs" : 0.0625, "percentage"')


def test_the_layers_of_each_form() -> None:
    assert choose(OLD).family == "export_profile"
    assert choose(OLD, "exportProfile").family == "export_profile"
    reading = export_profile.read(OLD)
    assert (reading.status, reading.problems, reading.count, reading.total_ms) == ("ok", [], 500, 80)
    assert reading.layers[0] == LayerTime("Conv_0 + Relu_1", 60, 0.12, 75)
    newer = export_profile.read(NEW)
    assert [layer.median for layer in newer.layers] == [0.0625, 0.0625]
    assert newer.as_json()["layers"][1] == {
        "name": "{ForeignNode[a...b]}", "time_ms": 20, "average_ms": 0.04, "median_ms": 0.0625, "percent": 25,
    }  # fmt: skip
    assert newer.rows()[3].what == "Conv_0 + Relu_1"


@pytest.mark.parametrize(
    "odd", [json.dumps(json.loads(OLD), indent=2), "data = " + OLD, f"# profile\n\n```\n{OLD}```\n"]
)
def test_other_layouts_give_the_same_layers(odd: str) -> None:
    assert export_profile.read(odd).layers == export_profile.read(OLD).layers


def test_names_are_not_escaped() -> None:
    (first, _) = export_profile.read(OLD.replace("Conv_0", 'Conv "a\\b"')).layers
    assert first.name == 'Conv "a\\b" + Relu_1'


def test_a_cut_file_gives_whole_layers() -> None:
    for end in range(len(OLD) - 1):
        reading = export_profile.read(OLD[:end])
        assert set(reading.layers) <= set(export_profile.read(OLD).layers)
        assert reading.status in ("partial", "error") or end > OLD.rindex("]") - 1


@pytest.mark.parametrize(
    ("old", "new", "status", "said"),
    [
        ('"timeMs" : 20', '"timeMs" : nan', "partial", "1 objects are not whole or not finite"),
        ('"timeMs" : 20', '"timeMs" : -20', "partial", "1 objects are not whole or not finite"),
        ('"timeMs" : 20', '"timeMs" : 25', "lenient", "1 averages are not time / 500 iterations"),
        ('"percentage" : 25', '"percentage" : 15', "lenient", "the shares of the layers are 90 % together"),
    ],
)
def test_layers_that_cannot_be(old: str, new: str, status: str, said: str) -> None:
    reading = export_profile.read(OLD.replace(old, new))
    assert reading.status == status
    assert any(problem.startswith(said) for problem in reading.problems)


def test_profiles_of_several_runs_are_not_mixed() -> None:
    assert export_profile.read(OLD + OLD).layers == []
    without = OLD.replace('  { "count" : 500 }\n, ', "  ")
    assert (export_profile.read(without).count, export_profile.read(without).status) == (None, "ok")
