"""Makes this example: trains a small detector on scenes of digits, exports it, writes the test scenes.

    .venv/bin/python -m examples.scenes_detection.train

A few minutes on one core; prints the loss. The network has no anchors: each point of a grid of 8 pixels gives the
distances to the four sides of a box and a score per digit, as FCOS does (arXiv 1904.01355).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from examples.scenes import Scene, Scenes

SIZE, STRIDE, CLASSES = 96, 8, 10
GRID = SIZE // STRIDE
STEPS, BATCH, TEST = 900, 32, 200
HERE = Path(__file__).parent


def block(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class Detector(nn.Module):  # type: ignore[misc]  # torch comes without types
    """Images (N, 3, 96, 96) -> (N, 144, 14): x1, y1, x2, y2 in pixels of the input, and a score per digit."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            block(3, 24, 2), block(24, 48, 2), block(48, 48, 1), block(48, 96, 2), block(96, 96, 1), block(96, 96, 1)
        )
        self.head = nn.Conv2d(96, 4 + CLASSES, 1)
        nn.init.constant_(self.head.bias[4:], -4.0)  # few points lie in a digit
        points = (torch.arange(GRID) + 0.5) * STRIDE
        y, x = torch.meshgrid(points, points, indexing="ij")
        self.register_buffer("points", torch.stack([x, y]).reshape(1, 2, -1))

    def raw(self, images: Tensor) -> Tensor:
        """Distances in strides, before the exponential, and logits: (N, 14, 144)."""
        return self.head(self.body(images)).flatten(2)

    def forward(self, images: Tensor) -> Tensor:
        found = self.raw(images)
        sides = torch.exp(found[:, :4]) * STRIDE
        boxes = torch.cat([self.points - sides[:, :2], self.points + sides[:, 2:]], dim=1)
        return torch.cat([boxes, torch.sigmoid(found[:, 4:])], dim=1).transpose(1, 2)


def target(scene: Scene) -> tuple[Tensor, Tensor]:
    """Distances (4, 144), in strides, 0 outside of boxes; digits (144,), -1 outside."""
    points = (np.arange(GRID) + 0.5) * STRIDE
    y, x = (values.reshape(-1) for values in np.meshgrid(points, points, indexing="ij"))
    sides = np.zeros((4, GRID * GRID), np.float32)
    digits = np.full(GRID * GRID, -1, np.int64)
    for (left, top, right, bottom), digit in zip(scene.boxes, scene.digits, strict=True):
        found = np.stack([x - left, y - top, right - x, bottom - y])
        centre = np.hypot(x - (left + right) / 2, y - (top + bottom) / 2)
        inside = (found.min(axis=0) > 0) & (centre <= max(1.5 * STRIDE, centre.min()))
        sides[:, inside] = found[:, inside] / STRIDE
        digits[inside] = digit
    return torch.from_numpy(sides), torch.from_numpy(digits)


def batch(scenes: Scenes, count: int) -> tuple[Tensor, Tensor, Tensor]:
    made = [scenes.scene() for _ in range(count)]
    images = torch.from_numpy(np.stack([one.picture for one in made])).permute(0, 3, 1, 2).float() / 255
    targets = [target(one) for one in made]
    return images, torch.stack([one for one, _ in targets]), torch.stack([one for _, one in targets])


def loss_of(found: Tensor, sides: Tensor, digits: Tensor) -> Tensor:
    logits, wanted = found[:, 4:], torch.zeros_like(found[:, 4:])
    inside = digits >= 0
    wanted.scatter_(1, digits.clamp(min=0)[:, None], inside.float()[:, None])
    plain = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    focal = plain * (wanted - logits.sigmoid()).abs() ** 2
    chosen = found[:, :4].transpose(1, 2)[inside]
    boxes = functional.smooth_l1_loss(chosen, sides.transpose(1, 2)[inside].clamp(min=0.05).log(), beta=0.1)
    return focal.sum() / inside.sum().clamp(min=1) + boxes


def train() -> Detector:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Detector()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=STEPS)
    scenes = Scenes(SIZE, 1, test=False)
    for step in range(STEPS):
        loss = loss_of(model.raw((images := batch(scenes, BATCH))[0]), images[1], images[2])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            print(f"step {step + 1}: loss {loss.item():.3f}", flush=True)
    model.eval()
    return model


def write_test_set() -> None:
    folder = HERE / "val"
    folder.mkdir(exist_ok=True)
    scenes = Scenes(SIZE, 2, test=True)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number in range(1, TEST + 1):
        scene = scenes.scene()
        name = f"{number:04}.png"
        Image.fromarray(scene.picture).save(folder / name, optimize=True)
        images.append({"id": number, "file_name": name, "width": SIZE, "height": SIZE})
        for (left, top, right, bottom), digit in zip(scene.boxes, scene.digits, strict=True):
            width, height = right - left, bottom - top
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": number, "category_id": digit + 1, "iscrowd": 0,
                    "bbox": [left, top, width, height], "area": width * height,
                }
            )  # fmt: skip
    categories = [{"id": digit + 1, "name": str(digit)} for digit in range(CLASSES)]
    tree = {"images": images, "annotations": annotations, "categories": categories}
    (HERE / "annotations.json").write_text(json.dumps(tree) + "\n")


def main() -> None:
    write_test_set()
    model = train()
    path = HERE / "scenes_detection.onnx"
    torch.onnx.export(
        model, (torch.zeros(1, 3, SIZE, SIZE),), path, input_names=["images"], output_names=["detections"],
        dynamic_axes={"images": {0: "batch"}, "detections": {0: "batch"}}, opset_version=11, dynamo=False,
    )  # fmt: skip
    print(path.name, "sha256", hashlib.sha256(path.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
