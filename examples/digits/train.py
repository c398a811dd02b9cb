"""Make the digits example: 500 test JPEGs, their labels, and spnasnet_100 trained on the other 1,297.

    python3 examples/digits/train.py --out examples/digits --threads 2

needs the packages of the exporter image and scikit-learn, no network, and about 20 minutes of two CPU cores. The data
are the 1,797 real handwritten digits (8x8 pixels) that scikit-learn carries. Each is enlarged to an 80x80 JPEG, so that
the recipe's resize to 72x72 and its centre crop of 64 do real work, as with photographs. The network sees training
images only after the very same JPEG encoding and preprocessing as the test images get later. No test image is trained
on, and none chooses the number of epochs, the augmentation or which weights are kept: it is the last epoch's average.

Same machine, thread count and package versions: same images, same weights, same digests. Elsewhere the images stay the
same as long as Pillow's JPEG encoder does, while the weights differ in their last bits, and so will their digest.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import io
import json
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody uses
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ARCHITECTURE", "load_split", "main", "preprocess", "to_jpeg"]

ARCHITECTURE = "spnasnet_100"
CLASSES = 10
TEST_IMAGES = 500
SEED = 20221124
SIDE, RESIZE, CROP = 80, 72, 64
#: Mean and standard deviation of the preprocessed training pixels (0..1), rounded; they are grey: all channels equal.
MEAN, STD = 0.350, 0.348
WEIGHTS, IMAGES, LABELS = "spnasnet_digits.pth.tar", "val", "val_label.txt"


def to_jpeg(digit: NDArray[np.float64]) -> bytes:
    """Enlarge one digit, 8x8 floats of 0 (paper) to 16 (ink), to an 80x80 RGB JPEG with white ink on black."""
    small = Image.fromarray((digit * (255.0 / 16.0)).round().astype(np.uint8))
    large = small.resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")
    buffer = io.BytesIO()
    large.save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()


def preprocess(jpeg: bytes) -> NDArray[np.float32]:
    """Return what the recipe's preprocessing gives: (3, 64, 64) float32, normalised."""
    with Image.open(io.BytesIO(jpeg)) as image:
        resized = image.convert("RGB").resize((RESIZE, RESIZE), Image.Resampling.BILINEAR)
    low = (RESIZE - CROP) // 2
    pixels = np.asarray(resized, np.float32)[low : low + CROP, low : low + CROP] / np.float32(255)
    return np.ascontiguousarray(((pixels - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1))


def load_split() -> tuple[list[bytes], NDArray[np.int64], list[bytes], NDArray[np.int64]]:
    """Return training JPEGs, their labels, test JPEGs and their labels: 1,297 and 500, each class in proportion."""
    data = load_digits()
    train, test = train_test_split(
        np.arange(len(data.target)), test_size=TEST_IMAGES, random_state=SEED, stratify=data.target
    )
    jpegs = [to_jpeg(image) for image in data.images]
    labels = np.asarray(data.target, np.int64)
    return [jpegs[i] for i in train], labels[train], [jpegs[i] for i in test], labels[test]


def write_test_images(out: Path, jpegs: list[bytes], labels: NDArray[np.int64]) -> None:
    """Write val/digit_00000.jpeg … and val_label.txt, one `name label` per line as ImageNet's val_label.txt has it."""
    folder = out / IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"digit_{index:05d}.jpeg" for index in range(len(jpegs))]
    for name, jpeg in zip(names, jpegs, strict=True):
        (folder / name).write_bytes(jpeg)
    lines = [f"{name} {label}\n" for name, label in zip(names, labels, strict=True)]
    (out / LABELS).write_text("".join(lines), encoding="ascii")


def augment(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Turn (+-15 degrees), scale (0.85 to 1.15), shear (+-0.15) and shift (+-4.8 pixels) each image of (n, 3, h, w)."""

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.empty(len(batch)).uniform_(low, high, generator=generator)

    angle = uniform(-math.pi / 12, math.pi / 12)
    scale_x, scale_y, shear = uniform(0.85, 1.15), uniform(0.85, 1.15), uniform(-0.15, 0.15)
    cos, sin = angle.cos(), angle.sin()
    rows = torch.stack(
        [
            torch.stack([cos * scale_x, (shear - sin) * scale_y, uniform(-0.15, 0.15)], dim=1),
            torch.stack([sin * scale_x, cos * scale_y, uniform(-0.15, 0.15)], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(rows, list(batch.shape), align_corners=False)
    return F.grid_sample(batch, grid, padding_mode="border", align_corners=False)


def average(target: torch.nn.Module, source: torch.nn.Module, decay: float) -> None:
    """Move `target` towards `source`: exponential moving average of every floating point parameter and buffer."""
    with torch.no_grad():
        for mine, theirs in zip(target.state_dict().values(), source.state_dict().values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1.0 - decay)
            else:
                mine.copy_(theirs)


def hits(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> list[int]:
    """Count the images whose label is among the largest 1, 2, 3, 4 and 5 logits."""
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(x) for x in images.split(100)])
    ranks = (logits.argsort(dim=1, descending=True, stable=True) == labels[:, None]).int().argmax(dim=1)
    return [int((ranks < k).sum()) for k in range(1, 6)]


def new_model() -> torch.nn.Module:
    """Return the network with random weights."""
    import timm

    model: torch.nn.Module = timm.create_model(ARCHITECTURE, num_classes=CLASSES, drop_rate=0.1)
    return model


def train(images: torch.Tensor, labels: torch.Tensor, epochs: int, batch: int) -> torch.nn.Module:
    """Train from scratch and return the moving average of the weights after the last epoch."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    model = new_model()
    mean_model = copy.deepcopy(model)
    decay = [p for p in model.parameters() if p.ndim > 1]
    no_decay = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-3)
    steps = len(images) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * steps, pct_start=0.25)
    step = 0
    for epoch in range(epochs):
        model.train()
        started, total = time.monotonic(), 0.0
        order = torch.randperm(len(images), generator=generator)[: steps * batch]
        for chosen in order.split(batch):
            loss = F.cross_entropy(model(augment(images[chosen], generator)), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            step += 1
            average(mean_model, model, min(0.99, step / (step + 10)))
            total += loss.item()
        seconds = time.monotonic() - started
        print(f"epoch {epoch + 1}/{epochs}: mean loss {total / steps:.4f}, {seconds:.1f} s", flush=True)
    return mean_model


def save(model: torch.nn.Module, path: Path, epochs: int) -> None:
    """Write the checkpoint in the form of the published one, floats as float16; same weights, same bytes."""
    state = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    partial = path.with_name(path.name + ".partial")
    buffer = io.BytesIO()
    torch.save({"arch": ARCHITECTURE, "epoch": epochs, "num_classes": CLASSES, "state_dict": state}, buffer)
    partial.write_bytes(buffer.getvalue())
    os.replace(partial, path)  # noqa: PTH105 - one word for one atomic act


def declare_torchvision_operators() -> None:
    """Let a CUDA build of torchvision be imported beside a CPU build of torch; timm needs none of the two operators."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    globals()["_keep"] = library  # the declarations live as long as this object


def main(argv: list[str] | None = None) -> None:
    """Write images and labels, train, write the checkpoint, and print its digests and its accuracy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2, help="part of the result: sums are taken in another order")
    parser.add_argument("--evaluate", action="store_true", help="do not train: evaluate the checkpoint in --out")
    parser.add_argument("--images-only", action="store_true", help="write the test images and labels, do not train")
    options = parser.parse_args(argv)

    train_jpegs, train_labels, test_jpegs, test_labels = load_split()
    write_test_images(options.out, test_jpegs, test_labels)
    inputs = np.stack([preprocess(jpeg) for jpeg in train_jpegs])
    pixels = inputs * STD + MEAN
    print(f"training pixels: mean {pixels.mean():.4f}, standard deviation {pixels.std():.4f}")
    if options.images_only:
        return

    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(mode=True)
    declare_torchvision_operators()
    path = options.out / WEIGHTS
    if not options.evaluate:
        model = train(torch.from_numpy(inputs), torch.from_numpy(train_labels), options.epochs, options.batch)
        save(model, path, options.epochs)

    # What is reported is the accuracy of the stored float16 numbers, as everybody who loads the file will see it.
    stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    model = new_model()
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in stored["state_dict"].items()})
    tests = torch.from_numpy(np.stack([preprocess(jpeg) for jpeg in test_jpegs]))
    counts = hits(model, tests, torch.from_numpy(test_labels))
    content = path.read_bytes()
    facts = {
        "file": WEIGHTS,
        "bytes": len(content),
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "test_images": TEST_IMAGES,
        "hits_top1_to_top5": counts,
        "percent_top1_to_top5": [round(100 * count / TEST_IMAGES, 2) for count in counts],
        "torch": torch.__version__,
    }
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
