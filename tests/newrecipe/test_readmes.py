"""Folders whose README.md says it become recipes."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from kit.newrecipe.scriptfolder import script_draft
from tests.newrecipe.draftedfolders import PRE, RESIZING, becomes_a_recipe_that_runs, images, write


def by_readme(top: Path) -> Path:
    """Two runs of unlike sizes, exported and converted in between, with sys.argv, continued lines and prompts."""
    folder, data = top / "by_readme", top / "Market"
    images(data / "query", 4)
    images(data / "gallery", 6)
    write(folder, "resizing.py", RESIZING)
    write(folder, "reid_preprocess.py", textwrap.dedent(PRE) + textwrap.dedent("""
        for part in ("query", "gallery"):
            convert(os.path.join(sys.argv[1], part), f"./{part}_bin")
    """))  # fmt: skip
    write(folder, "pth2onnx.py", "import torch, sys\ntorch.onnx.export(sys.argv[1])\n")
    write(
        folder,
        "evaluate.py",
        """
        import argparse, glob, json, os
        import numpy as np
        parser = argparse.ArgumentParser()
        parser.add_argument("-q", "--query", default="./q")
        parser.add_argument("-g", "--gallery", default="./g")
        args = parser.parse_args()
        query, gallery = (
            {os.path.basename(name): np.loadtxt(name) for name in glob.glob(os.path.join(folder, "*.txt"))}
            for folder in (args.query, args.gallery)
        )
        hits = [min(gallery, key=lambda k: abs(gallery[k] - value).sum()) == name for name, value in query.items()]
        print("Mean AP: {:4.1%}".format(np.mean(hits)))
    """,
    )
    write(
        folder,
        "README.md",
        """
        # Inference

        ```
        $ python3 reid_preprocess.py ./datasets/Market/
        $ python3.7 pth2onnx.py net.pth
        $ atc --model=net.onnx --output=net_bs1 --soc_version=Ascend${chip_name}
        $ python3 -m ais_bench --model net_bs1.om --input ./query_bin/ --output ./result \\
              --output_dirname q_bin --outfmt TXT
        $ python3 -m ais_bench --model net_bs1.om --input ./gallery_bin/ --output ./result --output_dirname g_bin
        $ python3 ./evaluate.py -q result/q_bin -g result/g_bin > log.txt
        $ python3 -m ais_bench --model net_bs16.om --loop 100
        ```
    """,
    )
    return folder


def by_benchmark(top: Path) -> Path:
    """The tool of older documents: lists of files, numbered devices, moved results, a second batch size; a program
    writes into the data set, and another has the folder of results in its text."""
    folder, data = top / "by_benchmark", top / "lfw"
    images(data / "pairs", 4)
    write(folder, "resizing.py", RESIZING)
    write(folder, "pre.py", textwrap.dedent(PRE) + textwrap.dedent("""
        convert(sys.argv[1], sys.argv[2])
        convert(sys.argv[1], "flip_bin")
    """))  # fmt: skip
    write(folder, "info.py", "import os, sys\nopen(sys.argv[2], 'w').write(str(os.listdir(sys.argv[1])))\n")
    write(
        folder,
        "metric.py",
        """
        import os, sys
        means = [
            [float(open(f"{where}/im_{n:03}_1.txt").readline()) for n in range(len(os.listdir(where)))]
            for where in ("./result/one", "./result/flip")
        ]
        assert len(os.listdir(sys.argv[1])) == 4
        for k in (1, 5):
            print("Rank-{}: {:.1%}".format(k, means[0] == means[1] == [0, 1, 2, 3]))
    """,
    )
    write(
        folder,
        "README.md",
        """
        ```
        for i in 1 16;do
        python3..7 ../pre.py /root/lfw/pairs /root/lfw/pairs_bin_bs"$i"
        ```
        python3.7 info.py /root/lfw/pairs_bin_bs1/ ./pairs_bs1.info
        ./benchmark.${arch} -om_path=net_bs1.om -input_text_path=pairs_bs1.info -output_binary=False -device_id=1
        mv result/dumpOutput_device1 result/one
        python3.7 info.py flip_bin flip.info
        ./benchmark.${arch} -om_path=net_bs1.om -input_text_path=./flip.info -output_binary=False -device_id=1
        mv result/dumpOutput_device1 result/flip
        ./benchmark.${arch} -om_path=net_bs16.om -input_text_path=flip.info -output_binary=False -device_id=0
        python3 metric.py /root/lfw/pairs_bin_bs1
        python3 parse.py result/perf_vision_batchsize_1_device_1.txt
    """,
    )
    return folder


FOLDERS = [
    (by_benchmark, "lfw", "Rank-1", 100.0, {
        "preprocess": [["python3", "pre.py", "{data}/pairs", "data/pairs_bin_bs1"],
                       ["python3", "info.py", "data/pairs_bin_bs1/", "./pairs_bs1.info"],
                       ["python3", "info.py", "flip_bin", "flip.info"]],
        "runs": {"one": ["data/pairs_bin_bs1"], "flip": ["flip_bin"]},
        "postprocess": [["python3", "metric.py", "data/pairs_bin_bs1"]],
        "links": {"result/one": "{results:one}", "result/flip": "{results:flip}"},
        "outputs": {"format": "txt", "names": "benchmark"},
        "data": "copy",
    }),
    (by_readme, "Market", "mAP", 100.0, {
        "preprocess": [["python3", "reid_preprocess.py", "{data}/"]],
        "runs": {"q_bin": ["query_bin"], "g_bin": ["gallery_bin"]},
        "postprocess": [["python3", "evaluate.py", "-q", "{results:q_bin}", "-g", "{results:g_bin}"]],
    }),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("make", "data", "metric", "value", "wanted"), FOLDERS)
def test_a_readme_becomes_a_recipe_that_runs(
    tmp_path: Path, make: Any, data: str, metric: str, value: float, wanted: dict[str, Any]
) -> None:
    becomes_a_recipe_that_runs(make(tmp_path), data, metric, value, "percent", wanted)


DOCUMENTS = [
    ("python3 ais_infer.py --model n.om --input b --output ./ --output_dirname r --output_batchsize_axis 1",
     "python3 post.py --res r", {"outputs": {"batch_axis": 1}}),
    ("python3 -m ais_bench --model n.om --input ./b --output out --outfmt NPY --auto_set_dymshape_mode=1",
     "python3 post.py --res out/2022_12_13-04_18_31", {"outputs": {"format": "npy"}, "shapes": "files"}),
    ("./out/msame --model n.om --input b --output ./out --outfmt TXT",
     "python3 post.py --res=./out/xxx/", {"outputs": {"format": "txt", "names": "msame"}}),
    ("python3 -m ais_bench --model n_bs${bs}.om --input b --output ./ --batchsize ${bs}",
     "python3 post.py --res 2022_12_13-04_18_31", {}),
    ("atc --model=n.onnx --insert_op_conf=aipp.cfg\npython3 -m ais_bench --model n.om --input b --output r",
     "python3 post.py", {"inputs": {"b": {"dtype": "uint8", "layout": "NHWC", "mean": [1, 2, 3], "scale": [0.5] * 3}}}),
]  # fmt: skip


@pytest.mark.parametrize(("engine", "after", "wanted"), DOCUMENTS)
def test_options_of_the_engines_tools_become_settings(
    tmp_path: Path, engine: str, after: str, wanted: dict[str, Any]
) -> None:
    write(tmp_path, "pre.py", "import sys\nimport numpy as np\nnp.zeros(3, np.uint8).tofile(sys.argv[1])\n")
    write(tmp_path, "post.py", """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--res", default="./r/")
        print("Top1: ", parser.parse_args().res)
    """)  # fmt: skip
    chains = "".join(f"min_chn_{n} : {n + 1}\nvar_reci_chn_{n} : 0.5\n" for n in range(3))
    write(tmp_path, "aipp.cfg", "aipp_op{\ninput_format : RGB888_U8\n" + chains + "}\n")
    write(tmp_path, "README.md", f"python3 pre.py b\n{engine}\n{after}\n")
    found = script_draft(tmp_path, None, tmp_path, 1).settings
    assert {name: found.get(name) for name in wanted} == wanted
    (line,) = found["postprocess"]
    assert "{results}" in line[-1]


def test_a_document_goes_into_folders_and_exports_what_programs_read(tmp_path: Path) -> None:
    folder, data = tmp_path / "zoo", tmp_path / "wider"
    images(data / "val", 3)
    write(folder, "src/pre.py", "import os, sys\nroot = os.environ['ROOT']\nsys.argv[1]\n")
    write(
        folder,
        "evaluate/evaluation.py",
        'import sys\nfor kind in ("Easy", "Hard"):\n    print(kind, "Val", sys.argv[1])',
    )
    write(
        folder,
        "README.md",
        """
        export ROOT=/root/datasets/wider
        export LEVEL=3
        cd zoo/src
        mkdir ../side
        python3.7 -u pre.py ../side ../bin
        cd ..
        ./benchmark.x86_64 -om_path=a.om -input_text_path=bin.info
        ./msame --model a.om --input ./bin --output ./out
        cd evaluate
        python3 evaluation.py ../out/20211124_090506
        ```
        Easy   Val: 0.9257
        Hard   Val: 0.7484
        rate:  12.5
        ```
    """,
    )
    found = script_draft(folder, data, tmp_path, 1)
    assert found.settings["environment"] == {"ROOT": "{data}"}
    assert found.samples == 3
    assert found.settings["preprocess"] == [
        ["mkdir", "-p", "side"],
        ["cd", "src"],
        ["python3", "pre.py", "{work}/side", "{work}/bin"],
    ]
    assert found.settings["postprocess"] == [["cd", "evaluate"], ["python3", "evaluation.py", "{results}"]]
    shown = found.settings["metrics"]
    assert list(shown) == ["Easy Val", "Hard Val"] and shown["Easy Val"]["unit"] == "fraction"


def test_what_a_document_leaves_open_is_found_or_named(tmp_path: Path) -> None:
    data = tmp_path / "Set5"
    images(data, 3)
    write(tmp_path, "tools/pre.py", "import os, sys\nos.listdir('/root/datasets/Set5')\nsys.argv[1]\n")
    write(tmp_path, "post.py", "import sys\nprint('wrote', sys.argv[1])\n")
    engine = "python3 -m ais_bench --model a.om --input ${prep_data} --output out"
    write(tmp_path, "README.md", f"python3 -m tools.pre ./prep_data\n{engine}\npython3 post.py out\n")
    found = script_draft(tmp_path, data, tmp_path, 1)
    assert found.settings["preprocess"] == [["python3", "-m", "tools.pre", "./prep_data"]]
    assert found.settings["runs"] == {"main": ["prep_data"]}
    said = "\n".join(found.open)
    assert "tools/pre.py has the path /root/datasets/Set5 in its text" in said
    assert "what post.py prints names no metric that kit knows" in said
    assert "{results}, the results" not in said


def test_a_document_starts_a_shell_script_behind_prompts(tmp_path: Path) -> None:
    data = tmp_path / "faces"
    images(data / "val", 4)
    write(data, "split.txt", "im_001\nim_003\n")
    write(tmp_path, "pre.py", "import sys\nsource, names, target = sys.argv[1:]\n")
    write(tmp_path, "post.py", "import sys\nprint('Accuracy-Flip: %1.5f' % float(sys.argv[1]))\n")
    write(tmp_path, "infer.sh", "python3 -m ais_bench --model a.om --input $1 --output ${2} --outfmt TXT\n")
    text = """
        人脸
        (py37) root@host:~# python3 pre.py ./VGG/val/ /home/split.txt ./prep
        bash infer.sh ./prep ./out
        # python3 post.py ./out/2023_xx_xx-xx_xx_xx/
    """
    (tmp_path / "README.md").write_bytes(textwrap.dedent(text).replace("\n", "\r\n").encode("gbk"))
    found = script_draft(tmp_path, data, tmp_path, 1)
    assert found.settings["preprocess"] == [["python3", "pre.py", "{data}/val/", "{data}/split.txt", "prep"]]
    assert found.settings["runs"] == {"main": ["prep"]}
    assert found.settings["postprocess"] == [["python3", "post.py", "{results}/"]]
    assert found.samples == 2
    write(
        tmp_path,
        "README.md",
        "python3 pre.py ./VGG/all 8 ./prep\nbash infer.sh ./prep out\npython3 post.py out",
    )
    assert (
        script_draft(tmp_path, data, tmp_path, 1).settings["preprocess"][0][2] == "{data}/val"
    )  # nothing else is the data


def test_results_are_linked_to_where_programs_enter_folders_above_them(tmp_path: Path) -> None:
    data = tmp_path / "Duke"
    for name in ("query", "test"):
        images(data / name, 2)
    write(tmp_path, "code/pre.py", "import sys\nsource, target = sys.argv[1:]\n")
    write(tmp_path, "code/post.py", "import sys\ntop, one, other = sys.argv[1:]\nprint('mAP: %f' % 0.5)\n")
    lines = [f"python pre.py Duke/{name} Duke/bin/{name}\n" for name in ("query", "test")]
    engine = "python ais_infer.py --model a.om --input ./Duke/bin/{0} --output ./Duke/result/{0}\n"
    lines += [engine.format(name) for name in ("query", "test")]
    write(
        tmp_path,
        "code/README.md",
        "".join(lines) + "python post.py ./Duke/result/ query/${time_line} test/2022_10_11-10_11_12",
    )
    found = script_draft(tmp_path / "code", data, tmp_path, 1)
    assert found.settings["links"] == {f"Duke/result/{one}": f"{{results:{one}}}" for one in ("query", "test")}
    assert found.settings["postprocess"] == [["python3", "post.py", "Duke/result/", "query", "test"]]
    assert found.samples == 2 and not [one for one in found.open if "{results" in one or "what is" in one]


def test_a_data_set_that_only_a_module_names_is_linked(tmp_path: Path) -> None:
    data = tmp_path / "data"
    images(data / "leftImg8bit" / "val", 2)
    write(tmp_path, "code/cfg.py", "ROOT = './cityscapes'\nFOLDER = 'leftImg8bit'\nOUT = './bin'\n")
    write(tmp_path, "code/pre.py", "import cfg\n")
    write(tmp_path, "code/post.py", "import cfg, os\nos.listdir('./out/')\nprint('mIoU: %f' % 0.5)\n")
    engine = "python -m ais_bench --model a.om --input ./bin --output ./ --output_dirname out"
    write(tmp_path, "code/README.md", f"python pre.py\n{engine}\npython post.py\n")
    assert script_draft(tmp_path / "code", data, tmp_path, 1).settings["links"] == {
        "out": "{results}", "cityscapes": "{data}",
    }  # fmt: skip
