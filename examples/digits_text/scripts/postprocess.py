"""Best character of each step, repeats and blanks left out: python3 postprocess.py RESULTS MODEL."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime

results, model = sys.argv[1], sys.argv[2]
meta = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).get_modelmeta()
characters = ["", *meta.custom_metadata_map["character"].splitlines(), " "]
lines = digits = right = total = 0
with Path("truth.txt").open(encoding="ascii") as truth:
    for name, wanted in (line.split() for line in truth):
        best = np.load(f"{results}/{name}_0.npy").reshape(-1, len(characters)).argmax(axis=1)
        read = "".join(characters[one] for one, before in zip(best, [0, *best], strict=False) if one != before)
        lines += 1
        right += read == wanted
        total += len(wanted)
        digits += sum(one == other for one, other in zip(read, wanted, strict=False)) if len(read) == len(wanted) else 0
print(f"lines: {right / lines:.4f}")
print(f"digits in lines of the right length: {digits / total:.4f}")
