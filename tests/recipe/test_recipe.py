from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kit.cli.schema import schema_text
from kit.errors import Exit, InvalidInputError, KitError, MissingError
from kit.planning.target import target_of
from kit.recipe.schema import Recipe, load_recipe

MINIMAL = """
model: {name: toy, architecture: spnasnet_100}
weights: {path: w.pth, md5: 0123456789abcdef0123456789abcdef}
dataset: {name: toy, images: val, labels: labels.txt, count: 3}
preprocess: {resize: [256, 256], interpolation: bilinear}
targets: {cpu: }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "kit.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_those_of_the_published_report(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, MINIMAL))
    assert recipe.batches == (1, 4, 8, 16, 32, 64)
    assert recipe.opset == 11
    assert recipe.preprocess is not None
    assert recipe.preprocess.resize == (256, 256)
    assert recipe.resolve("val") == tmp_path / "val"


def test_the_root_recipe_is_the_published_one(root: Path) -> None:
    recipe = load_recipe(root / "kit.yaml")
    assert recipe.model.commit == "54a6cca27a9a3e092a07457f5d56709da56e3cf5"
    assert recipe.weights.md5 == "28bdc27f4fdbfe066c95f36b72417340"
    assert recipe.input.name == "actual_input_1"
    assert recipe.dataset.count == 50000
    assert recipe.preprocess is not None
    assert recipe.preprocess.mean == (0.485, 0.456, 0.406)
    assert recipe.published.throughput["310"].rates[16] == 1418.95
    assert set(recipe.targets) == {"310", "310P", "T4", "cpu"}


def test_the_example_names_its_own_files(root: Path) -> None:
    recipe = load_recipe(root / "examples" / "digits")
    assert recipe.resolve(recipe.weights.path or "").is_file()
    assert len(list(recipe.resolve(recipe.dataset.images).iterdir())) == recipe.dataset.count


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{cpu: }", "{cpu: {batches: [1, 4, 0]}}", "targets -> cpu -> batches[2]: 0 is not a positive integer"),
        ("{cpu: }", "{cpu: {batches: [1, x]}}", "targets -> cpu -> batches[1]: x is not a positive integer"),
        ("count: 3", "count: 2.5", "dataset -> count: 2.5 is not a positive integer"),
        ("count: 3", "count: 3, cuont: 3", "dataset -> cuont: is not a known setting"),
        ("name: toy, images", "images", "dataset -> name: is missing"),
        ("{cpu: }", "{cpu: {batches: [4, 4]}}", "targets -> cpu -> batches names a batch twice"),
        (", md5: 0123456789abcdef0123456789abcdef", "", "weights: needs md5 or sha256"),
        ("path: w.pth, ", "", "weights: needs url or path"),
        ("{name: toy, arch", "{name: '../toy', arch", "model -> name: ../toy"),
        ("{name: toy, arch", "{name: 'a b', arch", "model -> name: a b"),
        ("targets: {cpu: }", "targets: {cpu: }\ndefault: [T4]", "default names target T4"),
        ("targets: {cpu: }", "targets: {}", "targets"),
        ("count: 3", 'count: 3, "a\\nb\\e[31m": 3', r"dataset -> a\nb\x1b[31m: is not a known setting"),
        ("{cpu: }", "{cpu: }\nbench: {seconds: .nan}", "bench -> seconds: nan"),
    ],
)
def test_an_error_names_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in MINIMAL
    with pytest.raises(InvalidInputError) as caught:
        load_recipe(write(tmp_path, MINIMAL.replace(old, new, 1)))
    assert message in str(caught.value)
    assert caught.value.exit_code == Exit.INVALID
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2", "not valid YAML in line"),
        ("- 1\n- 2\n", "not a mapping"),
        ("", "not a mapping"),
        ("a: 1\na: 2\n", "'a' appears twice"),
        ("a: &x [1]\nb: *x\n", "aliases are not allowed"),
        ("a: !!python/object/apply:os.system ['true']\n", "python/object/apply:os.system is not allowed here"),
        ("{" * 1500, "not valid YAML"),
        ("a: \x00", "not valid YAML"),
        ("a:\n  310: 1\n  '310': 2\n", "line 3: the key '310' appears twice"),
        ("a: 1\n<<: {a: 2}\n", "merge keys"),
        ("? [a]\n: 1\n", "a key is one word"),
    ],
)
def test_bad_yaml_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match="YAML|mapping") as caught:
        load_recipe(write(tmp_path, text))
    assert message in str(caught.value)


def test_other_damage(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no recipe"):
        load_recipe(tmp_path / "nowhere.yaml")
    with pytest.raises(MissingError, match="no recipe"):
        load_recipe(tmp_path)
    (tmp_path / "big.yaml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(InvalidInputError, match="larger than"):
        load_recipe(tmp_path / "big.yaml")
    (tmp_path / "latin.yaml").write_bytes("a: \u00e9".encode("utf-16"))
    with pytest.raises(InvalidInputError, match="UTF-8"):
        load_recipe(tmp_path / "latin.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        load_recipe(tmp_path / "loop.yaml")


def test_the_schema_in_the_repository_is_current(root: Path) -> None:
    assert (root / "kit.schema.json").read_text() == schema_text(), "run: kit schema > kit.schema.json"
    assert json.loads(schema_text())["properties"]["targets"]


def test_the_schema_describes_every_setting() -> None:
    tree = json.loads(schema_text())
    forms = {"the recipe": tree, **tree["$defs"]}
    assert {"ScriptSettings", "DetectionSettings", "SegmentationSettings", "Model"} <= forms.keys()
    settings = [(name, key, value) for name, form in forms.items() for key, value in form.get("properties", {}).items()]
    # A section that has a form of its own is described there.
    told = [
        (name, key, {**forms.get(value.get("$ref", "").rpartition("/")[2], {}), **value})
        for name, key, value in settings
    ]
    assert not [(name, key) for name, key, value in told if not value.get("description")]
    script = {"code": "s", "preprocess": [["a"]], "runs": {"main": ["bin"]}}
    for metrics in ("coco", {"AP": "coco"}, {"x": {"find": "(1)", "unit": "none", "in": "a.txt"}}):
        jsonschema.validate(
            {"script": {**script, "metrics": metrics}}, {**tree["properties"]["task"], "$defs": tree["$defs"]}
        )
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"script": {"runs": 1}}, {**tree["properties"]["task"], "$defs": tree["$defs"]})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


_MINIMAL_TREE = yaml.safe_load(MINIMAL)


@given(st.sampled_from(sorted(Recipe.model_fields)), json_values)
def test_any_value_anywhere_is_taken_or_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: object
) -> None:
    tree = {**_MINIMAL_TREE, field: value}
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    try:
        load_recipe(path)
    except KitError as error:
        assert "\n" not in error.what
        assert error.remedy


def test_one_card_stands_in_a_recipe_with_several_toolchains(tmp_path: Path) -> None:
    text = MINIMAL.replace(
        "{cpu: }", "{310P: , 310P-cann9: {hardware: 310P, toolchain: CANN 9.0.1}, odd: {hardware: 311}}"
    )
    recipe = load_recipe(write(tmp_path, text))
    assert (recipe.hardware_of("310P"), recipe.hardware_of("310P-cann9")) == ("310P", "310P")
    assert (recipe.toolchain_of("310P"), recipe.toolchain_of("310P-cann9")) == (None, "CANN 9.0.1")
    assert target_of(recipe, "310P-cann9").name == "310P"
    with pytest.raises(InvalidInputError, match=r"targets -> odd -> hardware: there is no target '311'"):
        target_of(recipe, "odd")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("count: 3", "count: 010", "010 is not a decimal number"),
        ("count: 3", "count: 1:04", "1:04 is not a decimal number"),
        ("count: 3", "count: 0x10", "0x10 is not a decimal number"),
        ("count: 3", "count: 0b11", "0b11 is not a decimal number"),
        ("count: 3", "count: 1_000", "1_000 is not a decimal number"),
        ("count: 3", "count: !!int '010'", "010 is not a decimal number"),
        ("count: 3", f"count: {'9' * 5000}", "is a very large number"),
        ("{cpu: }", "{cpu: , 0466: }", "0466 is not a decimal number"),
        ("{cpu: }", "{310: , '310': }", "the key '310' appears twice"),
        ("{cpu: }", "{cpu: }\nbench: {seconds: 5.0e-324}", "5.0e-324 is too large or too small"),
        ("{cpu: }", "{cpu: }\nbench: {seconds: '5e-324'}", "bench -> seconds: 5e-324 is too large or too small"),
        ("{cpu: }", "{cpu: }\nbench: {seconds: 1.7e+308}", "1.7e+308 is too large or too small"),
        ("{cpu: }", "{cpu: }\nbench: {seconds: 1e400}", "bench -> seconds"),
        ("{cpu: }", "{cpu: }\nbench: {seconds: 1:30.5}", "1:30.5 is not a decimal number"),
        ("name: toy, images", "name: 2022-11-23, images", "2022-11-23 is read as a date: put it in quotes"),
        ("name: toy, images", "name: 2022-11-23 10:00:00, images", "is read as a date: put it in quotes"),
        ("name: toy, images", "name: 12, images", "dataset -> name: 12 is a number, and a text is expected"),
        ("name: toy, images", "name: true, images", "dataset -> name: true is a truth value, and a text is expected"),
        ("name: toy, images", "name: , images", "dataset -> name: is empty"),
        ("name: toy, images", "name: [a], images", "dataset -> name: a list is where a text is expected"),
        ("md5: 0123456789abcdef0123456789abcdef", "md5: 01234567012345670123456701234567", "not a decimal number"),
    ],
)
def test_what_a_person_did_not_mean_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in MINIMAL
    with pytest.raises(InvalidInputError) as caught:
        load_recipe(write(tmp_path, MINIMAL.replace(old, new, 1)))
    assert message in str(caught.value)


def test_what_a_person_meant_is_taken(tmp_path: Path) -> None:
    text = MINIMAL.replace("0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF")
    text = text.replace("name: toy, images", "name: no, images").replace("{cpu: }", "{310: , 310P: }")
    recipe = load_recipe(write(tmp_path, text))
    assert recipe.weights.md5 == "0123456789abcdef0123456789abcdef"
    assert recipe.dataset.name == "no"
    assert list(recipe.targets) == ["310", "310P"]


def test_an_error_of_thousands_is_still_a_sentence(tmp_path: Path) -> None:
    text = MINIMAL.replace("{cpu: }", "{" + ", ".join(f"'a {number}': 1" for number in range(5000)) + "}")
    with pytest.raises(InvalidInputError, match="more") as caught:
        load_recipe(write(tmp_path, text))
    assert len(str(caught.value)) < 2000


def test_an_unknown_home_folder_is_told(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, MINIMAL))
    with pytest.raises(InvalidInputError, match="home folder"):
        recipe.resolve("~nobody-of-this-name/images")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "kit.yaml")
    with pytest.raises(InvalidInputError, match="not a regular file"):
        load_recipe(tmp_path)
