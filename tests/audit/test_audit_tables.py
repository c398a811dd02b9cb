from __future__ import annotations

from kit.audit.facts.document import parse
from kit.audit.facts.viewreading import read_views
from kit.audit.facts.views import cell_number


def test_markdown_tables_keep_missing_cells_escapes_and_lines() -> None:
    document = parse(
        "text | with a bar\n\n> | **bs** | `310` | [310P](#x) |\n> |:--|--:|\n> | 1 | 2.5\n> | 4 | a \\| b | |\n\n|x|\n"
    )
    (table,) = document.tables
    assert table.header.cells == ("bs", "310", "310P")
    assert table.header.line == 3
    assert [(row.line, row.cells) for row in table.rows] == [(5, ("1", "2.5")), (6, ("4", "a | b", ""))]
    assert document.in_table(5)
    assert not document.in_table(1)


def test_html_tables_with_spans() -> None:
    document = parse(
        "<table>\n<tr><th>bs</th><th>310</th><th>T4</th><th>310/T4</th></tr>\n"
        "<tr><td>1</td><td rowspan='2'>10</td><td>5</td><td>2.0</td></tr>\n"
        "<tr><td>4</td><td>8</td><td>1.25</td></tr>\n</table>"
    )
    (table,) = document.tables
    assert [(row.line, row.cells) for row in table.rows] == [
        (3, ("1", "10", "5", "2.0")),
        (4, ("4", "10", "8", "1.25")),
    ]


def test_columns_of_text_under_devices() -> None:
    document = parse(
        "```\n\t310(CANN 5.0.2)      GPU t4\nbs1\t695.644\t             1127.949\nbs16\t728.496\t   1921.239\n```\n"
    )
    (table,) = document.tables
    assert table.guessed
    assert table.rows[1].cells == ("bs16", "728.496", "1921.239")
    (view,) = read_views(document)
    assert [series.device for series in view.series] == ["310", "T4"]
    assert [record.batch for record in view.records] == [1, 16]


def test_sideways_tables() -> None:
    document = parse(
        "# 性能\n\n| fps | bs1 | bs4 | 最优 |\n|--|--|--|--|\n| 310 | 1 | 2 | 2 |\n| 310P | 3 | 4 | 4 |\n"
        "| 310P/310 | 3 | 2 | 2 |\n"
    )
    (view,) = read_views(document)
    assert view.transposed
    assert [record.batch for record in view.records] == [1, 4, None]
    assert view.records[2].best
    assert [cell.line for cell in view.records[0].cells if cell] == [5, 6, 7]


def test_a_fence_that_is_never_closed_does_not_hide_the_next_section() -> None:
    document = parse("```\n[e2e] throughputRate: 1\n## 7.2 T4性能数据\ntext\n```shell\n# a comment\n```\n## 7.3 310P\n")
    assert [heading.text for heading in document.headings] == ["7.2 T4性能数据", "7.3 310P"]


def test_cells() -> None:
    for text, value, unit in [
        ("2712.568", 2712.568, ""),
        ("~254 fps", 254, "rate"),
        ("40s", 40, "time"),
        ("*101.4%*".strip("*"), 101.4, "percent"),
        ("1.80倍", 1.8, "times"),
        ("16:6005.48", 6005.48, ""),
        ("1286.369(bs8)", 1286.369, ""),
    ]:
        cell = cell_number(text, 1)
        assert cell is not None, text
        assert (cell.number.value, cell.unit) == (value, unit)
    for text in ["", "-", "/", "显存不足", "430fps / 25fps", "top1 : 97%", "7.2.3", "bs1"]:
        assert cell_number(text, 1) is None, text
