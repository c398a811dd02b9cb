"""Makes this example: trains a small network that labels each pixel of a scene of digits, exports it, writes the tests.

    .venv/bin/python -m examples.scenes_segmentation.train

A few minutes on one core; prints the loss. Class 0 is the ground, class d + 1 the digit d; pixels at the edge of a
stroke have the label 255 and are counted by nobody.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from examples.scenes import IGNORE, Scenes

SIZE, CLASSES = 64, 11
STEPS, BATCH, TEST = 250, 32, 200
HERE = Path(__file__).parent


def block(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class Segmenter(nn.Module):  # type: ignore[misc]  # torch comes without types
    """Images (N, 3, 64, 64) -> scores (N, 11, 64, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = block(3, 24)
        self.halved = nn.Sequential(block(24, 48, 2), block(48, 48))
        self.quartered = nn.Sequential(block(48, 96, 2), block(96, 96))
        self.eighthed = nn.Sequential(block(96, 96, 2), block(96, 96), block(96, 96))
        self.up = nn.ModuleList([block(96 + 96, 64), block(64 + 48, 48), block(48 + 24, 32)])
        self.head = nn.Conv2d(32, CLASSES, 1)

    def forward(self, images: Tensor) -> Tensor:
        fine = self.fine(images)
        half = self.halved(fine)
        quarter = self.quartered(half)
        found = self.eighthed(quarter)
        for layer, beside in zip(self.up, (quarter, half, fine), strict=True):
            found = layer(torch.cat([functional.interpolate(found, scale_factor=2.0), beside], dim=1))
        return self.head(found)


def batch(scenes: Scenes, count: int) -> tuple[Tensor, Tensor]:
    made = [scenes.scene() for _ in range(count)]
    images = torch.from_numpy(np.stack([one.picture for one in made])).permute(0, 3, 1, 2).float() / 255
    return images, torch.from_numpy(np.stack([one.mask for one in made])).long()


def train() -> Segmenter:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Segmenter()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=STEPS)
    scenes = Scenes(SIZE, 3, test=False)
    weight = torch.tensor([0.3] + [1.0] * (CLASSES - 1))
    for step in range(STEPS):
        images, masks = batch(scenes, BATCH)
        loss = functional.cross_entropy(model(images), masks, weight=weight, ignore_index=IGNORE)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            print(f"step {step + 1}: loss {loss.item():.3f}", flush=True)
    model.eval()
    return model


def write_test_set() -> None:
    for name in ("val", "masks"):
        (HERE / name).mkdir(exist_ok=True)
    scenes = Scenes(SIZE, 4, test=True)
    for number in range(1, TEST + 1):
        scene = scenes.scene()
        Image.fromarray(scene.picture).save(HERE / "val" / f"{number:04}.png", optimize=True)
        Image.fromarray(scene.mask).save(HERE / "masks" / f"{number:04}.png", optimize=True)


def main() -> None:
    write_test_set()
    model = train()
    path = HERE / "scenes_segmentation.onnx"
    torch.onnx.export(
        model, (torch.zeros(1, 3, SIZE, SIZE),), path, input_names=["images"], output_names=["scores"],
        dynamic_axes={"images": {0: "batch"}, "scores": {0: "batch"}}, opset_version=11, dynamo=False,
    )  # fmt: skip
    print(path.name, "sha256", hashlib.sha256(path.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
