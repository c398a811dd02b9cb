"""Patterns of metrics find what programs like these print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.newrecipe.printedmetrics import metrics_of
from kit.newrecipe.programs import read_program


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            (
                'print("| image | PSNR(dB) | SSIM |")\nprint("|--|--|--|")\n'
                'for row in (("a", 20.5, 0.5), ("Average", 31.25, 0.75)):\n    print("| %s | %.2f | %.2f |" % row)'
            ),
            {"PSNR": "31.25", "SSIM": "0.75"},
        ),
        (
            (
                'found = {"precision": 0.5, "recall": 0.25, "hmean": 0.3}\n'
                'for name, value in found.items():\n    print("{}:{}".format(name, value))'
            ),
            {"hmean": "0.3", "precision": "0.5", "recall": "0.25"},
        ),
        ('print("# precision/recall per class")\nprint("mAP = %.1f%%" % 62.5)', {"mAP": "62.5"}),
        ('print("WER {:.1f} CER {:.1f}".format(25.5, 4.5))', {"WER": "25.5", "CER": "4.5"}),
        ('print("acc1:{:.3f} acc5:{:.1f}".format(0.75, 1))', {"Top1": "0.750", "Top5": "1.0"}),
        ('print("| Arch | AP | Ap .5 |")\nprint("| net | %.3f | 0.9 |" % 0.765)', {"AP": "0.765"}),
        ('print("mAP: nan")\nprint("mAP：.5, fps: 12.5")', {"mAP": ".5"}),
        ('print("R1")\nprint(0.9438)', {"Rank-1": "0.9438"}),
        ('print("step 3")\nprint(0.8283)', {"metric": "0.8283"}),
        (
            'say = print\nsay("Test Instance Accuracy: %f, Class Accuracy: %f" % (0.5, 0.25))',
            {"Test Instance Accuracy": "0.500000", "Class Accuracy": "0.250000"},
        ),
        ('print(f"time: {1.5}\\tPCK@0.2 {0.75:.2f}\\tEPE {3.25:.2f}")', {"EPE": "3.25"}),
        ('print(f"cost: {1.5}\\tPCK@0.2 {0.75:.2f}")', {"PCK@0.2": "0.75"}),
        (
            'print(("{:>8} | " * 3).format("abs_rel", "rmse", "a1"))\nprint(("&{: 8.3f}  " * 3).format(0.1, 0.2, 0.9))',
            {"abs_rel": "0.100", "rmse": "0.200", "a1": "0.900"},
        ),
        (
            (
                'found = {"AP": 0.765, "Ap .5": 0.9, "AP .75": 0.8}\nprint("| Arch |", " | ".join(found), "|")\n'
                'print("|---" * 4 + "|")\nprint("| hrnet_w32 |", " | ".join(map(str, found.values())), "|")'
            ),
            {"AP": "0.765"},
        ),
    ],
)
def test_patterns_find_the_last_number_of_each_metric(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, wanted: dict[str, str]
) -> None:
    path = tmp_path / "post.py"
    path.write_text(text)
    metrics = metrics_of([read_program(path, path.name)], [[path.name]])
    exec(compile(text, str(path), "exec"), {})
    printed = capsys.readouterr().out
    assert {name: re.findall(one["find"], printed, re.MULTILINE)[-1] for name, one in metrics.items()} == wanted


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ('print("mAP: %.2f%%" % 62.5)', "percent"),
        ('print("mAP:", 100 * 0.625)', "percent"),
        ('print("mAP: {:.4f}".format(0.625))', "fraction"),
        ('print("Error: {}/3 ({:.2f}%)".format(1, 100 * 0.333))\nprint("mAP: {:.4f}".format(0.625))', "fraction"),
    ],
)
def test_a_unit_is_that_of_the_metrics_own_text(tmp_path: Path, text: str, unit: str) -> None:
    (tmp_path / "post.py").write_text(text)
    metrics = metrics_of([read_program(tmp_path / "post.py", "post.py")], [["post.py"]])
    assert metrics["mAP"]["unit"] == unit


def test_what_a_module_computes_is_printed_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "meter.py").write_text("def result():\n    return dict(aAcc=90.0, mIoU=0.5 * 100)\n")
    (tmp_path / "post.py").write_text("from meter import result\nprint(result())\n")
    programs = {name: read_program(tmp_path / name, name) for name in ("post.py", "meter.py")}
    assert metrics_of([programs["post.py"]], [["post.py"]], programs)["mIoU"]["unit"] == "percent"
    assert "metric" in metrics_of([programs["post.py"]], [["post.py"]])
