"""Every derived number of the published report, recomputed from the recipe. The numbers typed here are the truth."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest

from kit.errors import InvalidInputError
from kit.recipe.schema import Recipe
from kit.reports.context import Report, build
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts, describe_targets, factor, reported_targets
from kit.results.measurements import Throughput
from kit.results.resultsfile import Results

Make = Callable[..., Results]

SEED = Path(__file__).resolve().parents[2].parent / "shared" / "seed" / "README.md"
PRODUCTS = {
    "310": {1: "2712.568", 4: "5246.8", 8: "5404.56", 16: "5675.8", 32: "5279.8", 64: "5051.48"},
    "310P": {1: "1743.58", 4: "5244.27", 8: "7196.11", 16: "6367.69", 32: "5872.96", 64: "4873.73"},
    "T4": {1: "1766.07", 4: "1911.5", 8: "2671.032", 16: "4347.904", 32: "4118.944", 64: "2299.0784"},
}
RATIOS = {
    "bs1": ("0.642778356", "0.98726551"),
    "bs4": ("0.999517801", "2.74353649"),
    "bs8": ("1.331488595", "2.694130958"),
    "bs16": ("1.121901758", "1.464542455"),
    "bs32": ("1.112345165", "1.425841186"),
    "bs64": ("0.964812293", "2.119862463"),
    "best": ("1.267858275", "1.655075641"),
}


@pytest.fixture
def report(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> Report:
    return build(seed_recipe, {}, reported_targets(seed_recipe, {}), facts)


@pytest.mark.parametrize("target", PRODUCTS)
def test_products(report: Report, target: str) -> None:
    for batch, value in PRODUCTS[target].items():
        number = report.numbers[f"{target}/bs{batch}"]
        assert (number.text, number.unit, number.source) == (value, "fps", "published")
        left, right = number.formula.split(" = ")
        rate, times = left.split(" * ")
        assert Decimal(rate) * int(times) == Decimal(right) == number.value


def test_ratios_and_best_batches(report: Report) -> None:
    for place, (against_310, against_t4) in RATIOS.items():
        assert report.numbers[f"310P/310@{place}"].text == against_310
        assert report.numbers[f"310P/T4@{place}"].text == against_t4
    assert {name: (report.numbers[f"{name}/best"].batch, report.numbers[f"{name}/best"].text) for name in PRODUCTS} == {
        "310": (16, "5675.8"),
        "310P": (8, "7196.11"),
        "T4": (16, "4347.904"),
    }
    assert [claim.times.text for claim in report.tables[0].claims] == ["1.268", "1.655"]


def test_the_published_document_comes_back_with_every_number_right(
    seed_recipe: Recipe, facts: dict[str, TargetFacts]
) -> None:
    files = render(seed_recipe, {}, facts=facts)
    text = files["README.md"].decode()
    for line in (
        "batch1 310单卡吞吐率：678.142 * 4 = 2712.568 fps",
        "batch4 310单卡吞吐率：1311.7 * 4 = 5246.8 fps",
        "batch64 310单卡吞吐率：1262.87 * 4 = 5051.48 fps",
        "batch1 310P单卡吞吐率：1743.58 fps",
        "batch64 310P单卡吞吐率：4873.73 fps",
        "batch1 T4单卡吞吐率：1766.07 * 1 = 1766.07 fps",
        "batch64 T4单卡吞吐率：35.9231 * 64 = 2299.0784 fps",
        "| 310 | 74.2% | 91.94% |",
        "| 310P | 74.21% | 91.95% |",
        "| model | Top1 accuracy | Top5 accuracy |",
        "| spnasnet_100 | 74.084% | 91.818% |",
        "|  | 310 | 310P | T4 | 310P/310 | 310P/T4 |",
        "| bs4 | 5246.8 | 5244.27 | 1911.5 | 0.999517801 | 2.74353649 |",
        "| 最优batch | 5675.8 | 7196.11 | 4347.904 | 1.267858275 | 1.655075641 |",
        "最优的310P性能达到了最优的310性能的1.268倍，达到最优的T4性能的1.655倍。",
        "source /usr/local/Ascend/ascend-toolkit/set_env.sh",
        "文件md5sum：`28bdc27f4fdbfe066c95f36b72417340`",
        "commit_id：`54a6cca27a9a3e092a07457f5d56709da56e3cf5`",
    ):
        assert line in text, line
    assert "ascend-lastest" not in text
    assert "\n./benchmark.${arch} " in text
    assert "\n/benchmark" not in text
    assert "`result/perf_vision_batchsize_{batch}_device_{device}.txt`" in text
    assert "`output1`" in text
    assert len(re.findall(r"^batch\d+ \S+单卡吞吐率", text, re.MULTILINE)) == 18
    english = files["README.en.md"].decode()
    assert "batch4 310 single-card throughput: 1311.7 * 4 = 5246.8 fps" in english
    assert "The best 310P throughput reaches 1.268 times the best 310 throughput" in english
    for doubt in seed_recipe.published.throughput["T4"].conflicts:
        assert isinstance(doubt, dict)
        assert doubt["zh"] in text
        assert doubt["en"] in english


@pytest.mark.skipif(not SEED.is_file(), reason="the published report is not beside this checkout")
def test_headings_and_tables_are_those_of_the_published_report(
    seed_recipe: Recipe, facts: dict[str, TargetFacts]
) -> None:
    seed = SEED.read_text(encoding="utf-8")
    ours = render(seed_recipe, {}, facts=facts)["README.md"].decode()

    def headings(text: str) -> list[str]:
        return re.findall(r"^(#{2,3} .+?)\s*$", text, re.MULTILINE)

    wanted = headings(seed)
    assert [one for one in headings(ours) if one in wanted] == wanted
    assert [one[:5] for one in headings(ours) if one not in wanted] == ["## 8 ", "## 9 "]

    def rows(text: str) -> list[list[str]]:
        found = [
            line for line in text.splitlines() if re.match(r"\|\s*(bs\d+|最优batch|310P?|spnasnet_100)\s*\|", line)
        ]
        return [[cell.strip() for cell in line.strip("| ").split("|")] for line in found]

    made = rows(ours)
    for row in rows(seed):
        assert row in made


def test_any_set_of_targets(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> None:
    names = list(facts)
    for count in range(1, len(names) + 1):
        for chosen in combinations(names, count):
            report = build(seed_recipe, {}, chosen, facts)
            published = [name for name in chosen if name in PRODUCTS]
            tables = report.tables
            assert [list(table.targets) for table in tables] == ([published] if published else [])
            if not published:
                continue
            subject = (
                "310P" if "310P" in published else max(published, key=lambda name: report.numbers[f"{name}/best"].value)
            )
            assert tables[0].ratios == tuple((subject, name) for name in published if name != subject)
            for row in tables[0].rows:
                assert len(row.cells) == len(published) + len(tables[0].ratios)
                assert all(row.cells)


def test_a_measurement_replaces_the_published_numbers_of_its_target(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    rates = {1: 1800.5, 16: 6400.25}
    measured = make("310P", rates)
    report = build(seed_recipe, {"310P": measured}, ["310", "310P", "T4"], facts)
    numbers = report.numbers
    assert (numbers["310P/bs16"].text, numbers["310P/bs16"].source) == ("6400.25", "measured")
    assert "310P/bs4" not in numbers, "a batch that was not measured must not borrow the published value"
    assert (numbers["published:310P/bs16"].text, numbers["published:310P/bs4"].text) == ("6367.69", "5244.27")
    assert (numbers["310/bs16"].source, numbers["310P/310@bs16"].source) == ("published", "mixed")
    assert numbers["310P/310@bs16"].value == Decimal("6400.25") / Decimal("5675.8")
    assert (numbers["310P/top1"].text, numbers["310P/top1"].source) == ("74.2", "measured")
    text = render(seed_recipe, {"310P": measured}, ["310", "310P", "T4"], facts=facts)["README.md"].decode()
    against_310, against_t4 = (round(6400.25 / other, 9) for other in (5675.8, 4347.904))
    assert "|  | 310† | 310P | T4† | 310P/310‡ | 310P/T4‡ |" in text
    assert f"| bs16 | 5675.8 | 6400.25 | 4347.904 | {against_310} | {against_t4} |" in text
    assert "| bs4 | 5246.8 | – | 1911.5 | – | – |" in text
    assert "† 公布值" in text


def test_accuracy_alone_leaves_the_published_throughput(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    report = build(seed_recipe, {"310": make("310")}, ["310"], facts)
    assert report.numbers["310/top1"].source == "measured"
    assert report.numbers["310/bs4"].source == "published"
    assert report.numbers["310/bs4"].text == "5246.8"


def test_simulated_numbers_have_their_own_table(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    results = {"310": make("310", {1: 700.0, 4: 1300.0}, source="simulated"), "310P": make("310P", {1: 1800.5})}
    report = build(seed_recipe, results, ["310", "310P", "T4"], facts)
    real, fake = report.tables
    assert (real.simulated, real.targets) == (False, ("310", "310P", "T4"))
    assert (fake.simulated, fake.targets) == (True, ("310",))
    assert "simulated" not in real.sources
    assert fake.sources == {"simulated"}
    assert report.numbers["310/bs4"].text == "5246.8"
    assert report.numbers["simulated:310/bs4"].source == "simulated"


def test_a_long_rate_is_shortened_alike_in_line_table_and_formula(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    rate = 57.29817239812345
    one = Throughput(batch=1, rate=rate, per="image", factor=1, mode="dataset")
    many = Throughput(batch=4, rate=14.324543201, per="device", factor=4, mode="dataset")
    report = build(seed_recipe, {"cpu": make("cpu", throughput=(one, many))}, ["cpu"], facts)
    short, product = report.numbers["cpu/bs1"], report.numbers["cpu/bs4"]
    assert (short.text, short.formula) == ("57.2981724", "57.2981724 * 1 = 57.2981724")
    assert short.value == Decimal(repr(rate)), "what is computed from it starts from all digits"
    assert (product.text, product.formula) == ("57.2981728", "14.3245432 * 4 = 57.2981728"), (
        "the line must hold by hand"
    )
    assert product.value == Decimal("14.324543201") * 4
    text = render(seed_recipe, {"cpu": make("cpu", throughput=(one, many))}, ["cpu"], facts=facts)[
        "README.en.md"
    ].decode()
    assert "| bs4 | 14.3245432 | 4 | 57.2981728 | single run |" in text


def test_numbers_of_any_size(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    results = {"310P": make("310P", {1: 1e300, 4: 1e-300, 8: 3.0}), "cpu": make("cpu", {1: 1e-300, 4: 1e15, 8: 3.0})}
    numbers = build(seed_recipe, results, ["310P", "cpu"], facts).numbers
    assert numbers["310P/cpu@bs8"].text == "1"
    assert numbers["310P/cpu@bs4"].text == "1.000e-315"
    assert render(seed_recipe, results, ["310P", "cpu"], facts=facts)["report.html"]


def test_facts_of_what_nobody_installed(seed_recipe: Recipe, make: Make) -> None:
    stored = make("TPU", {1: 5.0})
    found = describe_targets(["TPU"], seed_recipe, {"TPU": stored})["TPU"]
    assert (found.hardware, found.family) == ("hardware of TPU", "generic")
    rates = seed_recipe.published.throughput["310"]
    with pytest.raises(InvalidInputError, match="devices of a card are unknown"):
        factor(rates, 4, TargetFacts("310"))
    with pytest.raises(InvalidInputError, match="no target 'nothing'"):
        describe_targets(["nothing"], seed_recipe, {})
    assert reported_targets(seed_recipe, {}) == ["310", "310P", "T4"]
    assert reported_targets(seed_recipe, {"TPU": stored, "cpu": stored}) == ["310", "310P", "T4", "cpu", "TPU"]


def test_gathered_facts_of_the_installed_targets(seed_recipe: Recipe) -> None:
    found = describe_targets(["310", "310P", "T4", "cpu"], seed_recipe, {})
    assert {name: (one.family, one.devices_per_card) for name, one in found.items()} == {
        "310": ("ascend", 4),
        "310P": ("ascend", 1),
        "T4": ("tensorrt", 1),
        "cpu": ("onnxruntime", 1),
    }


def test_spread_and_percentiles(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    results: dict[str, Results] = {"cpu": make("cpu", {8: 50.0}, per="image", spread=0.2)}
    numbers = build(seed_recipe, results, ["cpu"], facts).numbers
    assert numbers["cpu/bs8/spread"].text == "20"
    assert numbers["cpu/bs8/spread"].formula == "100 * (55 - 45) / 50 = 20 %"
    assert [numbers[f"cpu/bs8/{name}"].text for name in ("p50", "p90", "p99")] == ["12", "14", "18"]
    assert "400 calls" in numbers["cpu/bs8/p99"].formula
