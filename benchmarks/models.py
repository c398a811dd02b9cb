"""Many timm architectures with random weights: pixels, export, parity, two batches; docs/models.md is made from it.

    python3 benchmarks/models.py [--only NAME] [--seconds 600]

What is measured is kept in benchmarks/models.json, one entry per architecture, so that a run goes on where the
last one stopped; other versions of the packages begin anew. Weights are random: nothing is fetched.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "benchmarks" / "models.json"
PAGE = ROOT / "docs" / "models.md"
#: Small members of many families: small enough for a processor, different enough to meet every kind of layer.
NAMES = (
    "resnet10t", "resnet18", "resnet26d", "resnetv2_50", "resnext50_32x4d", "wide_resnet50_2", "regnetx_002",
    "regnety_002", "spnasnet_100", "mnasnet_100", "fbnetc_100", "mobilenetv2_050", "mobilenetv3_small_050",
    "mobilenetv4_conv_small", "efficientnet_b0", "efficientnet_lite0", "tf_efficientnetv2_b0", "tinynet_e", "lcnet_050",
    "ghostnet_100", "mixnet_s", "hardcorenas_a", "rexnet_100", "densenet121", "dla34", "hrnet_w18_small", "vgg11",
    "inception_v3", "xception41", "repvgg_a0", "mobileone_s0", "fastvit_t8", "repghostnet_050", "convnext_atto",
    "convnextv2_atto", "vit_tiny_patch16_224", "deit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "mixer_s32_224",
    "resmlp_12_224", "poolformer_s12", "edgenext_xx_small", "mobilevit_xxs", "efficientformer_l1", "levit_128s",
    "pit_ti_224", "xcit_nano_12_p16_224", "volo_d1_224", "cait_xxs24_224", "eca_nfnet_l0", "ese_vovnet19b_dw",
    "selecsls42b", "tresnet_m", "res2net50_14w_8s", "gernet_s", "crossvit_9_240", "visformer_tiny", "coat_lite_tiny",
    "beit_base_patch16_224", "coatnet_nano_rw_224", "efficientvit_b0", "tiny_vit_5m_224", "mvitv2_tiny", "pvt_v2_b0",
    "twins_svt_small", "nest_tiny", "focalnet_tiny_srf", "gcvit_xxtiny", "davit_tiny", "hiera_tiny_224", "dpn68",
    "convmixer_768_32", "sequencer2d_s", "swinv2_tiny_window8_256", "inception_resnet_v2", "repvit_m0_9", "starnet_s1",
    "mambaout_femto", "hgnet_tiny", "vit_base_patch16_siglip_224", "eva02_tiny_patch14_224", "halonet26t",
    "lambda_resnet26t", "maxvit_tiny_tf_224", "skresnet18", "cspresnet50", "darknet53", "visformer_small",
    "crossvit_tiny_240", "tnt_s_patch16_224", "nasnetalarge", "efficientformerv2_s0", "vit_base_patch32_clip_224",
    "bat_resnext26ts", "naflexvit_base_patch16_gap",
)  # fmt: skip
_LONGEST_S = 300.0
HEAD = """# Models that were tried

`make models` makes this page: architectures of timm {timm} with random weights on torch {torch}, ONNX Runtime
{onnxruntime} and onnx {onnx}. Pixels: kit's tensors against timm's own evaluation transform on {images} pictures, in
the model's own configuration; equal means bit for bit. Opset: 11, or the lowest above it that the exporter can write.
Parity: largest difference to PyTorch over random inputs in batches of 1 and 3, divided by the largest output.

| architecture | input | crop, interpolation | pixels | opset | nodes | ONNX | parity |
|---|---|---|---|---|---|---|---|
"""


def versions() -> dict[str, str]:
    """Versions that decide the result."""
    import onnx
    import onnxruntime
    import torch

    from kit.inside.network import import_timm

    modules = {"timm": import_timm(), "torch": torch, "onnxruntime": onnxruntime, "onnx": onnx}
    return {name: str(module.__version__) for name, module in modules.items()}


def pictures(folder: Path) -> list[Path]:
    """Small pictures of different shapes, the same each time."""
    import numpy as np
    from PIL import Image

    made = []
    for number, (width, height) in enumerate([(500, 375), (333, 500), (224, 224), (640, 241)]):
        random = np.random.default_rng(number)
        coarse = Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((width, height), 3)
        noise = random.integers(-20, 21, (height, width, 3))
        path = folder / f"{number}.png"
        Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8)).save(path)
        made.append(path)
    return made


def pixels(config: dict[str, Any], size: tuple[int, int]) -> str:
    """``equal``, or the largest difference between kit's tensors and those of timm's evaluation transform."""
    import numpy as np
    from PIL import Image
    from timm.data.transforms_factory import transforms_imagenet_eval

    from kit.inside.pixels import Preprocessor, parse_config
    from kit.newrecipe.timmconfig import preprocessing

    names = ("crop_pct", "crop_mode", "interpolation", "mean", "std")
    transform = transforms_imagenet_eval(img_size=size, **{name: config[name] for name in names if name in config})
    ours = Preprocessor(parse_config(preprocessing(config, size)))
    largest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for path in pictures(Path(folder)):
            made, wanted = ours.prep(str(path)), transform(Image.open(path)).numpy()
            if not np.array_equal(made.view(np.uint32), wanted.view(np.uint32)):
                largest = max(largest, float(np.abs(made - wanted).max()) or 1e-30)
    return "equal" if not largest else f"{largest:.2g}"


def measure(name: str) -> dict[str, Any]:
    """Everything about one architecture."""
    import numpy as np
    import onnxruntime
    import torch

    from kit.inside.export import export_network
    from kit.inside.lookup import timm_config
    from kit.inside.network import create, example_inputs
    from kit.inside.specification import InputSpec, NetworkSpec

    torch.manual_seed(0)
    config = timm_config(name)
    channels, height, width = config["input_size"]
    classes = config.get("num_classes") or 1000
    found: dict[str, Any] = {
        "input": [channels, height, width],
        "crop": f"{config.get('crop_mode', 'center')} {config.get('crop_pct', 0.875)}, {config.get('interpolation')}",
        "pixels": pixels(config, (height, width)),
    }
    spec = NetworkSpec(architecture=name, classes=classes, inputs=(InputSpec("input", (channels, height, width)),))
    model = create(spec)
    proto = export_network(model, spec, None)
    content = proto.SerializeToString(deterministic=True)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    largest = 0.0
    for batch in (1, 3):
        inputs = example_inputs(spec, batch, seed=batch)
        with torch.inference_mode():
            wanted = model(*inputs).numpy()
        (got,) = session.run(None, {"input": inputs[0].numpy()})
        largest = max(largest, float(np.abs(got - wanted).max() / np.abs(wanted).max()))
    opset = proto.opset_import[0].version
    return {**found, "opset": opset, "nodes": len(proto.graph.node), "bytes": len(content), "parity": largest}


def _child(name: str, pipe: Any) -> None:
    torch_threads = 1
    import torch

    torch.set_num_threads(torch_threads)
    try:
        pipe.send(measure(name))
    except Exception as error:  # noqa: BLE001 - what a model cannot do is a result
        pipe.send({"fails": " ".join(str(error).split())[:160]})


def one(name: str) -> dict[str, Any]:
    """:func:`measure` in a process of its own: a model that takes all memory or time ends alone."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_child, args=(name, there))
    process.start()
    there.close()
    try:
        found: dict[str, Any] = (
            here.recv() if here.poll(_LONGEST_S) else {"fails": f"took more than {_LONGEST_S:.0f} s"}
        )
    except EOFError:
        found = {"fails": "the process ended without a result"}
    process.kill()
    process.join()
    return found


def page(kept: dict[str, Any]) -> str:
    """The table of all that was measured."""
    rows = []
    for name, entry in sorted(kept["models"].items()):
        if "fails" in entry:
            rows.append(f"| {name} | - | - | - | - | - | - | fails: {entry['fails'].replace('|', '/')} |")
            continue
        size = "x".join(map(str, entry["input"]))
        rows.append(
            f"| {name} | {size} | {entry['crop']} | {entry['pixels']} | {entry['opset']} | {entry['nodes']} | "
            f"{entry['bytes'] / 1e6:.1f} MB | {entry['parity']:.1e} |"
        )
    models = kept["models"].values()
    equal = sum(entry.get("pixels") == "equal" for entry in models)
    good = sum(entry.get("parity", 1) < 1e-3 for entry in models)
    tail = f"\n{len(rows)} architectures: pixels equal for {equal}, export with parity below 1e-3 for {good}.\n"
    return HEAD.format(images=4, **kept["versions"]) + "\n".join(rows) + "\n" + tail


def main() -> None:
    """Measure what is not there yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", help="this architecture; may be given several times")
    parser.add_argument("--seconds", type=float, default=7200, help="begin no further architecture after this time")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page only")
    arguments = parser.parse_args()
    kept = json.loads(KEPT.read_bytes()) if KEPT.is_file() else {}
    if not arguments.page:
        current = versions()
        if kept.get("versions") != current:
            kept = {"versions": current, "models": {}}
        start = time.monotonic()
        for name in arguments.only or NAMES:
            if name in kept["models"] or time.monotonic() - start > arguments.seconds:
                continue
            kept["models"][name] = one(name)
            print(name, kept["models"][name], flush=True)
            KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
