"""Folders whose shell scripts say it become recipes."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.newrecipe.draftedfolders import PRE, RESIZING, becomes_a_recipe_that_runs, images, write


def by_shell(top: Path) -> Path:
    """A chain of programs in a shell script with variables; the last one writes the metric into a JSON file."""
    folder, data = top / "by_shell", top / "coco"
    images(data / "val2017", 5)
    (data / "annotations").mkdir()
    (data / "annotations" / "instances.json").write_text(json.dumps({"numbers": list(range(5))}))
    write(folder, "resizing.py", RESIZING)
    write(folder, "pre.py", textwrap.dedent(PRE) + "\nconvert(sys.argv[1], sys.argv[2])\n")
    write(
        folder,
        "get_info.py",
        """
        import os, sys
        open(sys.argv[2], "w").write("\\n".join(sorted(os.listdir(sys.argv[1]))))
    """,
    )
    write(
        folder,
        "to_txt.py",
        """
        import json, sys
        import numpy as np
        found = [float(np.fromfile(f"{sys.argv[1]}/{line.split('.')[0]}_0.bin", np.float32)[0]) for line in
                 open(sys.argv[2]).read().split()]
        json.dump(found, open("found.json", "w"))
    """,
    )
    write(
        folder,
        "metric.py",
        """
        import json, sys
        wanted = json.load(open(sys.argv[1]))["numbers"]
        share = sum(round(a) == b for a, b in zip(json.load(open("found.json")), wanted)) / len(wanted)
        entries = [{"key": "Number of images", "value": "5"}, {"key": "Top1 accuracy", "value": f"{100 * share:.1f}%"}]
        with open(sys.argv[2], "w") as writer:
            json.dump({"title": "Overall", "value": entries}, writer)
    """,
    )
    write(
        folder,
        "test/eval.sh",
        """
        datasets_path="/opt/npu/coco"
        python3.7 pre.py ${datasets_path}/val2017 val_bin || exit 1
        python3.7 get_info.py ${datasets_path}/val2017 coco.info
        python3.7 ./ais_infer.py --model=net_bs1.om --input=val_bin --output=./ --output_dirname=dumpOutput
        python3.7 to_txt.py dumpOutput/ coco.info
        python3.7 metric.py ${datasets_path}/annotations/instances.json result_bs1.json
        python3.7 ./ais_infer.py --model=net_bs16.om --input=val_bin --output=./ --output_dirname=dumpOutput16
        python3.7 to_txt.py dumpOutput16/ coco.info
    """,
    )
    return folder


def by_built_in_paths(top: Path) -> Path:
    """No program takes an argument; labels lie beside the tensors; the results are read by paths joined with ``+``."""
    folder, data = top / "by_built_in_paths", top / "city"
    images(data / "images" / "val", 4)
    write(folder, "resizing.py", RESIZING)
    write(folder, "pre.py", textwrap.dedent(PRE) + textwrap.dedent("""
        convert("./datasets/images/val", "./prep")
        open("./prep/labels.txt", "w").write("0 1 2 3")
    """))  # fmt: skip
    write(folder, "info.py", "import os\nopen('net.info', 'w').write(str(os.listdir('./prep')))\n")
    write(
        folder,
        "metric.py",
        """
        import sys
        import numpy as np
        wanted = open("./prep/labels.txt").read().split()
        found = [round(float(np.fromfile(sys.argv[1] + f"im_00{name}_1.bin", np.float32)[0])) for name in wanted]
        print('pixAcc: %.3f, mIoU: %.3f' % (0.9, found == [0, 1, 2, 3]))
    """,
    )
    write(
        folder,
        "test/eval_acc_perf.sh",
        """
        ln -s /opt/npu/datasets datasets
        python3.7.5 pre.py
        python3.7.5 info.py
        ./benchmark.${arch} -batch_size=1 -om_path=net_bs1.om -input_text_path=./net.info -output_binary=True
        ./benchmark.${arch} -batch_size=4 -om_path=net_bs4.om -input_text_path=./net.info -output_binary=True
        python3.7.5 metric.py result/dumpOutput_device0/
    """,
    )
    return folder


FOLDERS = [
    (by_built_in_paths, "city", "mIoU", 1.0, "fraction", {
        "preprocess": [["python3", "pre.py"], ["python3", "info.py"]],
        "runs": {"main": ["prep"]},
        "postprocess": [["python3", "metric.py", "{results}/"]],
        "links": {"datasets": "{data}"},
    }),
    (by_shell, "coco", "Top1", 100.0, "percent", {
        "preprocess": [["python3", "pre.py", "{data}/val2017", "val_bin"],
                       ["python3", "get_info.py", "{data}/val2017", "coco.info"]],
        "runs": {"main": ["val_bin"]},
        "postprocess": [["python3", "to_txt.py", "{results}/", "coco.info"],
                        ["python3", "metric.py", "{data}/annotations/instances.json", "result_bs1.json"]],
    }),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("make", "data", "metric", "value", "unit", "wanted"), FOLDERS)
def test_a_shell_script_becomes_a_recipe_that_runs(
    tmp_path: Path, make: Any, data: str, metric: str, value: float, unit: str, wanted: dict[str, Any]
) -> None:
    becomes_a_recipe_that_runs(make(tmp_path), data, metric, value, unit, wanted)
