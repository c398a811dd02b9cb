"""A small recipe on an ONNX file: nothing is exported, so that a run takes seconds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.faults.faultsite import DETERMINISTIC, Site
from tests.faults.givenfiles import small_model

__all__ = ["FleetSite"]


class FleetSite(Site):
    """Forty images by default, in batches of eight."""

    def __init__(self, folder: Path, images: int = 40) -> None:
        super().__init__(folder, images)
        self.weights.unlink()
        small_model(folder / "small.onnx")
        text = self.recipe.read_text()
        head, rest = text.partition("\ninput:")[::2]
        assert "weights:" in head and "  cpu:\n  openvino:\n" in rest
        rest = rest.replace("  cpu:\n", "  cpu: {options: {infer_batch: 8}}\n")
        digest = hashlib.sha256((folder / "small.onnx").read_bytes()).hexdigest()
        model = "kit: 1\nmodel: {name: digits, source: onnx, classes: 10}\n"
        model += f"weights: {{path: small.onnx, sha256: {digest}}}\n"
        self.recipe.write_text(f"{model}\ninput:{rest}")

    def made(self, target: str, report: Path | None = None) -> dict[str, str]:
        """Step/file -> digest of what must be equal wherever it is made."""
        results = json.loads(((report or self.report) / "results" / f"{target}.json").read_bytes())
        made = {f"{one['step']}/{one['path']}": one["sha256"] for one in results["artifacts"]}
        same = {name: digest for name, digest in made.items() if name.rpartition("/")[2] in DETERMINISTIC}
        assert any(name.endswith("metrics.json") for name in same), made
        return same
