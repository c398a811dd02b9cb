from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit.inside.printed import COCO, find_metrics
from kit.inside.protocol import UserError

TABLE = """
 Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.374
 Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 0.591
 Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 0.401
 Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000
 Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.402
 Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 0.498
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 0.310
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 10 ] = 0.480
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.502
 Average Recall     (AR) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = 0.270
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.540
 Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 0.650
"""


def find(tmp_path: Path, text: str, pattern: str, **changes: Any) -> dict[str, Any]:
    out, work = tmp_path / "out", tmp_path / "work"
    out.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    (out / "stdout.txt").write_text(text)
    (out / "stderr.txt").write_text("loading\n")
    metric = {"name": "m", "find": pattern, "in": None, "pick": "only", "unit": "none"} | changes
    return find_metrics([metric], str(out), str(work))[0]


@pytest.mark.parametrize(
    ("text", "pattern", "unit", "shown"),
    [
        ("Top 1 acc:  0.8226\n", r"Top 1 acc:\s+([0-9.]+)", "fraction", "0.8226"),
        ("mAP: 68.64%\n", r"mAP: ([0-9.]+)%", "percent", "68.64"),
        ("mAP: 68.64%\n", r"mAP: (\S+)", "percent", "68.64"),
        ("{'bbox_mAP': 0.254, 'x': 1}\n", r"bbox_mAP.: ([0-9.]+)", "fraction", "0.254"),
        ("{'mIoU': np.float64(79.12)}\n", r"'mIoU': ([^}]+)}", "percent", "79.12"),
        ("iou is  tensor(0.7220, dtype=torch.float64)\n", r"iou is\s+(.+)$", "fraction", "0.7220"),
        ("R1\n0.9438\n", r"R1\n([0-9.]+)", "fraction", "0.9438"),
        ("PSNR\t38.250\n", r"PSNR\t([0-9.]+)", "dB", "38.250"),
        ("loss -1.5e-3\n", r"loss (\S+)", "none", "-1.5e-3"),
        ("mAP 0.5\nmAP 0.5\n", r"mAP ([0-9.]+)", "fraction", "0.5"),
        ("acc: [0.91 0.88]\n", r"acc: \[([0-9.]+) [0-9.]+\]", "fraction", "0.91"),
        ("acc: [0.91 0.88 0.7]\n", r"acc: \[[0-9.]+ ([0-9.]+)", "fraction", "0.88"),
        ("acc: [0.91]\n", r"acc: \[([0-9.]+)", "fraction", "0.91"),
        ("mAP: 0.5 / 0.6\n", r"mAP: [0-9.]+ / ([0-9.]+)", "fraction", "0.6"),
        ("acc 93.1%±0.2\n", r"acc ([0-9.]+)", "percent", "93.1"),
        ("Score is 94.3 +/- 2.2, .. FID is 10.0\n", r"Score is ([0-9.]+)", "none", "94.3"),
        ("precision : 0.880000 (500)\n", r"precision : ([0-9.]+)", "fraction", "0.880000"),
        ("EPE: 1.35, 1px: 0.9265\n", r"EPE: ([0-9.]+)", "px", "1.35"),
        ("[mAP: 59.01%], [cmc1: 80.55%]\n", r"mAP: ([0-9.]+)", "percent", "59.01"),
        ("box  | 30.1 | 50.2\n", r"box\s+\| ([0-9.]+)", "percent", "30.1"),
        ("Mean 0.5 0.6\n", r"Mean\s+([0-9.]+)", "fraction", "0.5"),
        ("top1=.76\n", r"top1=([0-9.]+)", "fraction", ".76"),
        ("acc：75.2 %\n", r"acc[:：]([0-9.]+)", "percent", "75.2"),
        ("acc: 0.91, 5000 images\n", r"acc: ([0-9.]+)", "fraction", "0.91"),
        ("acc tensor(0.7512, device='cuda:0')\n", r"acc tensor\(([0-9.]+)", "fraction", "0.7512"),
        ("acc: 0.5%\n", r"acc: ([0-9.]+)%", "fraction", "0.5"),
        ("acc: 0.9133 (91.33%)\n", r"acc: ([0-9.]+)", "fraction", "0.9133"),
    ],
)
def test_a_metric_is_found_with_its_printed_digits(
    tmp_path: Path, text: str, pattern: str, unit: str, shown: str
) -> None:
    found = find(tmp_path, text, pattern, unit=unit)
    assert found["text"] == shown
    line = text.split("\n")[found["line"] - 1]
    assert line[found["column"] - 1 :].startswith(shown)


@pytest.mark.parametrize(
    ("text", "pattern", "unit", "said"),
    [
        ("nothing\n", r"mAP: ([0-9.]+)", "percent", "is not in what the scripts printed"),
        ("mAP 0.5\nmAP 0.6\n", r"mAP ([0-9.]+)", "fraction", "2 times in what the scripts printed, with different"),
        ("mAP nan\n", r"mAP (\S+)", "fraction", "not a number"),
        ("mAP inf\n", r"mAP (\S+)", "none", "not a number"),
        ("mAP 1e999\n", r"mAP (\S+)", "none", "not a number"),
        ("mAP 59.3\n", r"mAP (\S+)", "fraction", "which is not a fraction"),
        ("mAP 120\n", r"mAP (\S+)", "percent", "which is not a percent"),
        ("mAP ٣\n", r"mAP (\S+)", "none", "not a number"),
        (
            "acc: [0.91 0.88]\n",
            r"acc: \[([0-9.]+)",
            "fraction",
            r"several numbers: 0.91 and 0.88, in the line 'acc: \[",
        ),
        ("acc: [0.91 0.88]\n", r"acc: \[([0-9.]+)\s", "fraction", "several numbers"),
        ("acc: [91, 88]\n", r"acc[^0-9]*([0-9.]+)", "percent", "several numbers: 91 and 88"),
        ("acc: tensor([0.75, 0.5])\n", r"acc[^0-9]*([0-9.]+)", "fraction", "several numbers"),
        ("acc: (np.float64(0.5), np.float64(0.6))\n", r"acc: \(np.float64\(([0-9.]+)", "fraction", "several numbers"),
        ("mAP: 0.5 / 0.6\n", r"mAP: ([0-9.]+)", "fraction", "several numbers: 0.5 and 0.6"),
        ("mAP: 50.1%/60.2%\n", r"mAP: ([0-9.]+)", "percent", "several numbers: 50.1 and 60.2"),
        ("correct: 93/100\n", r"correct: ([0-9.]+)", "percent", "several numbers: 93 and 100"),
        ("Acc@1 76.130 (75.9)\n", r"Acc@1 ([0-9.]+)", "percent", "several numbers: 76.130 and 75.9"),
        ("acc: 0.9133 (91.33%)\n", r"acc: ([0-9.]+)", "percent", "several numbers: 0.9133 and 91.33%"),
        ("FID 1,234.5\n", r"FID ([0-9.]+)", "none", "a part of a number"),
        ("top1=.76\n", r"top1\D+([0-9]+)", "percent", "a part of a number"),
        ("acc1:100.0 acc5:100.0\n", r"acc\D*([0-9.]+)", "percent", "2 times"),
        ("acc5:100.0\n", r"acc\D*([0-9.]+)", "percent", "a part of a name"),
        ("acc top-1: 0.75\n", r"acc\D*([0-9.]+)", "percent", "a part of a name"),
        ("| AP .75 |\n", r"AP ([0-9.]+)", "fraction", "a part of a name"),
        ("loss nan\nmAP: nan\nend\n", r"mAP: ([0-9.]+)", "fraction", "scripts printed; there is 'mAP: nan'"),
        ("acc@1 75.0\n", r"acc\D*([0-9.]+)", "percent", "a part of a name"),
        ("loss 7.1e-3\n", r"loss ([0-9.]+)", "none", "a part of a number"),
        ("R2: -0.5\n", r"R2\D+([0-9.]+)", "fraction", "a part of a number"),
        ("mAP: nan\nfps 0.25\n", r"mAP\D+([0-9.]+)", "fraction", "is nan, and the pattern"),
        ("acc: 0.5%\n", r"acc: ([0-9.]+)", "fraction", "% behind it"),
        ("mAP 1\n", r"mAP \S+", "none", "has 0 groups"),
        ("mAP 1\n", r"mAP (", "none", "not a regular expression"),
    ],
)
def test_what_is_no_metric_is_refused(tmp_path: Path, text: str, pattern: str, unit: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        find(tmp_path, text, pattern, unit=unit)


def test_one_of_several_is_taken_on_request(tmp_path: Path) -> None:
    text = "Average mIoU: 10\nAverage mIoU: 47.010\n"
    assert find(tmp_path, text, r"mIoU: (\S+)", pick="last", unit="percent")["text"] == "47.010"
    assert find(tmp_path, text, r"mIoU: (\S+)", pick="first", unit="percent")["text"] == "10"


def test_the_rows_of_cocos_table_have_names(tmp_path: Path) -> None:
    values = {
        "AP": "0.374", "AP50": "0.591", "AP75": "0.401", "APm": "0.402", "APl": "0.498", "AR1": "0.310",
        "AR10": "0.480", "AR100": "0.502", "ARs": "0.270", "ARm": "0.540", "ARl": "0.650",
    }  # fmt: skip
    assert set(values) | {"APs"} == set(COCO)
    for name, value in values.items():
        assert find(tmp_path, TABLE, name, unit="fraction")["text"] == value
    with pytest.raises(UserError, match="-1.000") as caught:
        find(tmp_path, TABLE, "APs", unit="fraction")
    assert "no object" in caught.value.remedy


def test_a_metric_in_a_file_keeps_that_file(tmp_path: Path) -> None:
    (tmp_path / "work" / "log").mkdir(parents=True)
    (tmp_path / "work" / "log" / "result.json").write_text('{"psnr": 36.39}')
    found = find(tmp_path, "", r'"psnr": ([0-9.]+)', **{"in": "log/result.json", "unit": "dB"})
    assert found["file"] == "files/log/result.json"
    assert (tmp_path / "out" / found["file"]).read_text() == '{"psnr": 36.39}'
    with pytest.raises(UserError, match="did not write ../secret"):
        find(tmp_path, "", r"(\d)", **{"in": "../secret"})


def test_a_pattern_without_end_is_stopped(tmp_path: Path) -> None:
    """In a process of its own, as in a container: the alarm is the test runner's, too."""
    (tmp_path / "stdout.txt").write_text("a" * 40 + "!")
    program = (
        "import sys\n"
        "from inside import printed\n"
        "printed._SECONDS = 0.5\n"
        "metric = {'name': 'm', 'find': r'(a+)+$', 'in': None, 'pick': 'only', 'unit': 'none'}\n"
        "try:\n"
        "    printed.find_metrics([metric], sys.argv[1], sys.argv[1])\n"
        "except printed.UserError as error:\n"
        "    print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "kit")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "did not end within 0.5 s" in ran.stdout
