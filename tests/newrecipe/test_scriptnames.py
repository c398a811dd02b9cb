"""Folders without a document become recipes by the names of programs and arguments."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kit.errors import InvalidInputError
from kit.newrecipe.scriptfolder import script_draft
from tests.newrecipe.draftedfolders import PRE, RESIZING, becomes_a_recipe_that_runs, images, write


def by_names(top: Path) -> Path:
    """argparse with defaults, a sibling module, a dictionary as it is printed; nothing says how they are called."""
    folder, data = top / "by_names", top / "data"
    images(data / "images" / "val", 6)
    (data / "gtFine" / "val").mkdir(parents=True)
    for number in range(6):
        Image.fromarray(np.full((2, 2), number, np.uint8)).save(data / "gtFine" / "val" / f"im_{number:03}.png")
    write(folder, "resizing.py", RESIZING)
    write(folder, "net_preprocess.py", textwrap.dedent(PRE) + textwrap.dedent("""
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--image_src_path", default="cityscapes/images/val", help="images folder")
        parser.add_argument("--bin_file_path", default="bin/val")
        parser.add_argument("--img_size", type=int, default=8)
        args = parser.parse_args()
        convert(args.image_src_path, args.bin_file_path)
    """))  # fmt: skip
    write(
        folder,
        "net_postprocess.py",
        """
        import argparse, os
        import numpy as np
        from PIL import Image
        parser = argparse.ArgumentParser()
        parser.add_argument("--output_path", required=True)
        parser.add_argument("--gt_path", required=True)
        parser.add_argument("--result_path", default="./")
        args = parser.parse_args()
        hits = []
        for name in sorted(os.listdir(args.gt_path)):
            found = np.fromfile(os.path.join(args.output_path, name.replace(".png", "_0.bin")), np.float32)
            hits.append(int(round(float(found[0])) == np.asarray(Image.open(os.path.join(args.gt_path, name)))[0, 0]))
        res = {"aAcc": np.float64(12.5), "mIoU": np.float64(np.mean(hits) * 100)}
        print(res)
        open(os.path.join(args.result_path, "RESULT.txt"), "w").write(str(res))
    """,
    )
    return folder


def by_defaults(top: Path) -> Path:
    """The second program reads, by its defaults, what the first one leaves, and logs its metric to standard error."""
    folder, data = top / "by_defaults", top / "Set5"
    images(data, 5)
    write(folder, "resizing.py", RESIZING)
    write(folder, "sr_preprocess.py", textwrap.dedent(PRE) + textwrap.dedent("""
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("-s", "--source", default="./Set5")
        parser.add_argument("-d", "--dest", default="./prep_data")
        args = parser.parse_args()
        convert(args.source, args.dest + "/bin")
        open("sr.info", "w").write("\\n".join(os.listdir(args.source)))
        open(args.dest + "/kept.txt", "w").write("not a tensor")
    """))  # fmt: skip
    write(
        folder,
        "sr_postprocess.py",
        """
        import argparse, json, logging, os
        import numpy as np
        logging.basicConfig(level=logging.INFO)
        parser = argparse.ArgumentParser()
        parser.add_argument("--res", default="./result")
        parser.add_argument("--bin_src", default="./prep_data/bin")
        parser.add_argument("--info_file", default="sr.info")
        args = parser.parse_args()
        files = json.load(open(args.res))["filesinfo"].values()
        names = open(args.info_file).read().split()
        assert len(files) == len(names) == len(os.listdir(args.bin_src))
        logging.info("done %d, IoU Scores: %.2f%%", len(names), 75)
    """,
    )
    return folder


FOLDERS = [
    (by_names, "data", "mIoU", 100.0, {
        "preprocess": [
            ["python3", "net_preprocess.py", "--image_src_path", "{data}/images/val", "--bin_file_path", "prep"]],
        "runs": {"main": ["prep"]},
        "postprocess": [["python3", "net_postprocess.py", "--output_path", "{results}", "--gt_path",
                         "{data}/gtFine/val", "--result_path", "./"]],
    }),
    (by_defaults, "Set5", "IoU", 75.0, {
        "preprocess": [["python3", "sr_preprocess.py", "--source", "{data}", "--dest", "prep_data"]],
        "runs": {"main": ["prep_data/bin"]},
        "postprocess": [["python3", "sr_postprocess.py", "--res", "{summary}", "--bin_src", "./prep_data/bin",
                         "--info_file", "sr.info"]],
    }),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("make", "data", "metric", "value", "wanted"), FOLDERS)
def test_programs_without_a_document_become_a_recipe_that_runs(
    tmp_path: Path, make: Any, data: str, metric: str, value: float, wanted: dict[str, Any]
) -> None:
    becomes_a_recipe_that_runs(make(tmp_path), data, metric, value, "percent", wanted)


def test_a_program_that_runs_the_engine_itself_is_told(tmp_path: Path) -> None:
    write(tmp_path, "om_infer.py", "import sys\nfrom ais_bench.infer.interface import InferSession\nsys.argv[1]\n")
    write(tmp_path, "pth2onnx.py", "import sys, torch\ntorch.onnx.export(sys.argv[1])\n")
    with pytest.raises(InvalidInputError, match=re.escape("om_infer.py runs the engine itself")) as caught:
        script_draft(tmp_path, None, tmp_path, 1)
    assert "split it" in str(caught.value.remedy)


def test_results_of_two_runs_and_a_list_go_where_arguments_name_them(tmp_path: Path) -> None:
    data = tmp_path / "market"
    images(data / "query", 2)
    images(data / "bounding_box_test", 3)
    write(data, "pairs.txt", "1 2\n")
    head = "import argparse\nadd = argparse.ArgumentParser()\n"
    before = "\n".join(f"add.add_argument('--{one}')" for one in ("query", "gallery", "save_query", "save_gallery"))
    after = "\n".join(f"add.add_argument('--{one}_feature', default='./result/{one}')" for one in ("gallery", "query"))
    write(tmp_path / "code", "preprocess.py", head + before)
    write(tmp_path / "code", "postprocess.py", f"{head}{after}\nadd.add_argument('pairs')\nprint('mAP: %f' % 0.5)")
    found = script_draft(tmp_path / "code", data, tmp_path, 1).settings
    assert found["runs"] == {"main": ["prep"], "gallery": ["prep_2"]}
    assert found["preprocess"][0][2:6] == ["--query", "{data}/query", "--gallery", "{data}"]
    assert found["postprocess"][0][2:] == [
        "--gallery_feature", "{results:gallery}", "--query_feature", "{results}", "{data}/pairs.txt",
    ]  # fmt: skip


def test_a_program_gets_the_folder_that_it_joins_its_names_to(tmp_path: Path) -> None:
    data = tmp_path / "coco"
    images(data / "val2017", 2)
    write(data, "annotations/person_keypoints.json", "{}")
    text = "import os, sys\nroot, out = sys.argv[1], sys.argv[2]\n"
    for further, wanted in (("", "{data}/val2017"), ("os.path.join(root, 'annotations', 'x.json')\n", "{data}")):
        write(tmp_path / "code", "preprocess.py", text + further)
        write(tmp_path / "code", "postprocess.py", "import sys\nprint('AP: %f' % 0.5, sys.argv[1])\n")
        found = script_draft(tmp_path / "code", data, tmp_path, 1).settings
        assert found["preprocess"] == [["python3", "preprocess.py", wanted, "prep"]]


def test_programs_without_arguments_have_their_folders_in_their_text(tmp_path: Path) -> None:
    data = tmp_path / "data"
    images(data / "val", 2)
    write(data, "val_map.txt", "im_000 0\n")
    write(tmp_path / "code", "preprocess.py", "DATA = './dataset/val'\nSAVED = './bin_files'\n")
    text = "RESULT = './results/bs1'\nLABEL = './dataset/val_map.txt'\nprint('Top-1: %f' % 0.5)\n"
    write(tmp_path / "code", "postprocess.py", text)
    found = script_draft(tmp_path / "code", data, tmp_path, 1).settings
    assert found["runs"] == {"main": ["bin_files"]}
    assert found["links"] == {"dataset": "{data}", "results/bs1": "{results}"}
    text = "import sys\ndef main(argv):\n    source, out = argv[1], argv[2]\nmain(sys.argv)\n"
    write(tmp_path / "code", "preprocess.py", text)
    found = script_draft(tmp_path / "code", data, tmp_path, 1).settings
    assert found["preprocess"] == [["python3", "preprocess.py", "{data}/val", "prep"]]
