"""Folders as they are published become recipes: by the commands of their README or scripts, else by names."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper
from PIL import Image

from kit.cli import main
from kit.newrecipe.scriptfolder import script_draft


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip())


def mean_model(folder: Path, size: int) -> None:
    """Image -> its three means, scaled so that the red one of an image is its number."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, size, size])
    means = helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", 3, 1, 1])
    graph = helper.make_graph([helper.make_node("GlobalAveragePool", ["image"], ["means"])], "net", [image], [means])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), folder / "net.onnx")


def images(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(np.full((9, 7, 3), number, np.uint8)).save(folder / f"im_{number:03}.png")


PRE = """
    import os, sys
    import numpy as np
    from PIL import Image
    from resizing import resized
    def convert(source, target):
        os.makedirs(target, exist_ok=True)
        for name in os.listdir(source):
            pixels = np.asarray(resized(Image.open(os.path.join(source, name))), np.float32)
            np.ascontiguousarray(pixels.transpose(2, 0, 1)).tofile(os.path.join(target, name.split(".")[0] + ".bin"))
"""
RESIZING = """
    def resized(image):
        return image.resize((8, 8))
"""


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
    (by_names, "data", "mIoU", 100.0, {
        "preprocess": [
            ["python3", "net_preprocess.py", "--image_src_path", "{data}/images/val", "--bin_file_path", "prep"]],
        "runs": {"main": ["prep"]},
        "postprocess": [["python3", "net_postprocess.py", "--output_path", "{results}", "--gt_path",
                         "{data}/gtFine/val", "--result_path", "./"]],
    }),
    (by_readme, "Market", "mAP", 100.0, {
        "preprocess": [["python3", "reid_preprocess.py", "{data}/"]],
        "runs": {"q_bin": ["query_bin"], "g_bin": ["gallery_bin"]},
        "postprocess": [["python3", "evaluate.py", "-q", "{results:q_bin}", "-g", "{results:g_bin}"]],
    }),
    (by_defaults, "Set5", "IoU", 75.0, {
        "preprocess": [["python3", "sr_preprocess.py", "--source", "{data}", "--dest", "prep_data"]],
        "runs": {"main": ["prep_data/bin"]},
        "postprocess": [["python3", "sr_postprocess.py", "--res", "{summary}", "--bin_src", "./prep_data/bin",
                         "--info_file", "sr.info"]],
    }),
    (by_shell, "coco", "Top1", 100.0, {
        "preprocess": [["python3", "pre.py", "{data}/val2017", "val_bin"],
                       ["python3", "get_info.py", "{data}/val2017", "coco.info"]],
        "runs": {"main": ["val_bin"]},
        "postprocess": [["python3", "to_txt.py", "{results}/", "coco.info"],
                        ["python3", "metric.py", "{data}/annotations/instances.json", "result_bs1.json"]],
    }),
]  # fmt: skip


def call(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


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


@pytest.mark.parametrize(("make", "data", "metric", "value", "wanted"), FOLDERS)
def test_a_published_folder_becomes_a_recipe_that_runs(
    tmp_path: Path, make: Any, data: str, metric: str, value: float, wanted: dict[str, Any]
) -> None:
    folder = make(tmp_path)
    mean_model(folder, 8)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert call("init", "--script", folder, "--images", tmp_path / data, "--out", tmp_path) == 0
    recipe = tmp_path / "kit.yaml"
    tree = yaml.safe_load(recipe.read_text())
    script = tree["task"]["script"]
    assert {name: script[name] for name in wanted} == wanted
    tree["bench"] = {"warmup": 1, "repeats": 2, "seconds": 0.02, "limit": 0.2}
    recipe.write_text(yaml.safe_dump(tree, sort_keys=False))
    command = ("reproduce", "--recipe", tmp_path, "--runner", "local", "--store", tmp_path / "store")
    assert call(*command, "--reports", tmp_path / "reports") == 0
    (results,) = (tmp_path / "reports").rglob("cpu.json")
    found = {one["name"]: one for one in json.loads(results.read_text())["metrics"]}
    assert found[metric]["value"] == value and found[metric]["unit"] == "percent"
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
    write(tmp_path, "post.py", "import sys\nprint('distance', len(sys.argv[1]))\n")
    engine = "python3 -m ais_bench --model a.om --input ${prep_data} --output out"
    write(tmp_path, "README.md", f"python3 -m tools.pre ./prep_data\n{engine}\npython3 post.py out\n")
    found = script_draft(tmp_path, data, tmp_path, 1)
    assert found.settings["preprocess"] == [["python3", "-m", "tools.pre", "./prep_data"]]
    assert found.settings["runs"] == {"main": ["prep_data"]}
    said = "\n".join(found.open)
    assert "tools/pre.py has the path /root/datasets/Set5 in its text" in said
    assert "what post.py prints names no metric that kit knows" in said
    assert "{results}, the results" not in said
