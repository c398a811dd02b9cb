"""Photo-like JPEGs of about 500 x 375 and 110 kB: coarse colours, shapes, grain; the same for the same seed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["make_images", "make_results", "photo"]

#: Different pictures; a larger corpus holds each under several names (hard links), which costs the decoder as much.
_DISTINCT = 240
_DISTINCT_RESULTS = 4000


def photo(seed: int) -> Image.Image:
    """One picture."""
    random = np.random.default_rng(seed)
    width, height = (500, 375) if seed % 4 else (375, 500)
    width, height = width + int(random.integers(-12, 13)), height + int(random.integers(-12, 13))
    coarse = random.integers(0, 256, (height // 24 + 2, width // 24 + 2, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(25):
        x, y, radius = int(random.integers(width)), int(random.integers(height)), int(random.integers(5, 80))
        colour = (int(random.integers(256)), int(random.integers(256)), int(random.integers(256)))
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
    grain = random.normal(0, 16, (height, width, 1)) + random.normal(0, 4, (height, width, 3))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def make_images(folder: Path, count: int) -> Path:
    """`count` JPEGs named as ImageNet's."""
    folder.mkdir(parents=True)
    for number in range(count):
        path = folder / f"ILSVRC2012_val_{number + 1:08d}.JPEG"
        if number < _DISTINCT:
            photo(number).save(path, quality=90)
        else:
            path.hardlink_to(folder / f"ILSVRC2012_val_{number % _DISTINCT + 1:08d}.JPEG")
    return folder


def make_results(root: Path, count: int, classes: int = 1000) -> tuple[Path, Path, Path]:
    """Text and binary results of `count` images, one file each, and their labels: (text, binary, labels)."""
    random = np.random.default_rng(0)
    distinct = min(count, _DISTINCT_RESULTS)
    scores = random.normal(0, 3, (distinct, classes)).astype(np.float32)
    order = np.argsort(-scores, axis=1)
    text, binary, labels = root / "txt", root / "bin", root / "val_label.txt"
    text.mkdir(parents=True)
    binary.mkdir()
    with labels.open("w", encoding="utf-8") as file:
        for number in range(count):
            row, name = number % distinct, f"ILSVRC2012_val_{number + 1:08d}"
            file.write(f"{name}.JPEG {order[row, row * 7 % 8]}\n")
            if number < distinct:
                (text / f"{name}_1.txt").write_text("".join(f"{value:f} " for value in scores[row]) + "\n")
                (binary / f"{name}_1.bin").write_bytes(scores[row].tobytes())
            else:
                source = f"ILSVRC2012_val_{row + 1:08d}_1"
                os.link(text / f"{source}.txt", text / f"{name}_1.txt")
                os.link(binary / f"{source}.bin", binary / f"{name}_1.bin")
    return text, binary, labels


#: The preprocessing of spnasnet_100 and of most ImageNet reports of its kind.
PREPROCESS = {"resize": [256, 256], "crop": [224, 224]}
PREPROCESS_JSON = json.dumps(PREPROCESS)
