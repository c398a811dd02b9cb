"""Four handwritten digits side by side as one line of text: python3 preprocess.py DIGITS OUT."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

digits, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True)
labels = [line.split() for line in (digits / "val_label.txt").read_text(encoding="ascii").splitlines()]
with Path("truth.txt").open("w", encoding="ascii") as truth:
    for start in range(0, len(labels) - 3, 4):
        line = Image.new("RGB", (192, 48))
        for place, (name, _) in enumerate(labels[start : start + 4]):
            line.paste(Image.open(digits / "val" / name).convert("RGB").resize((48, 48)), (48 * place, 0))
        pixels = np.asarray(line, np.float32)[:, :, ::-1].transpose(2, 0, 1) / 127.5 - 1
        np.ascontiguousarray(pixels).tofile(out / f"{start // 4:04}.bin")
        truth.write(f"{start // 4:04} {''.join(label for _, label in labels[start : start + 4])}\n")
