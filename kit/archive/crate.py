"""``ro-crate-metadata.json``: the archive as a Process Run Crate.

https://w3id.org/ro/crate/1.1, https://w3id.org/ro/wfrun/process/0.5
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from kit.archive.container import Members
from kit.archive.intoto import as_json
from kit.recipe.schema import Recipe
from kit.results.kept import SUFFIX
from kit.results.resultsfile import Results

__all__ = ["CRATE", "crate"]

CRATE = "ro-crate-metadata.json"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
#: The second one defines sha256.
_CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
_FORMS = {
    "json": "application/json", "md": "text/markdown", "html": "text/html", "svg": "image/svg+xml",
    "yaml": "application/yaml", "txt": "text/plain", "py": "text/x-python", "xz": "application/x-xz",
    "png": "image/png", "jpg": "image/jpeg", "JPEG": "image/jpeg",
}  # fmt: skip


def crate(
    recipe: Recipe, results: Mapping[str, Results], members: Members, top: str, digests: Mapping[str, str]
) -> bytes:
    """The metadata file; ``top`` is the folder of the report in the archive, ``digests`` are those of the members."""
    files = [_file(name, data, digests[name]) | _license(recipe, name) for name, data in sorted(members.items())]
    actions: list[dict[str, Any]] = []
    artifacts: dict[str, dict[str, Any]] = {}
    images: dict[str, str] = {}
    ends: list[datetime] = []
    for one in results.values():
        listed = {(each.step, each.path): each for each in one.artifacts}
        for run in one.runs:
            images[run.image] = next((name for name, id_ in one.images.items() if id_ == run.image), "environment")
            made = [_id("artifact", one.target, step, path) for step, path in listed if step == run.step]
            taken = [
                _id("artifact", one.target, step, path) for step, path in listed if step in {*run.after, "weights"}
            ]
            kept = f"{top}/results/{one.target}{SUFFIX}"
            started = datetime.fromisoformat(run.started)
            ends.append(started + timedelta(seconds=run.seconds))
            actions.append(
                {
                    "@id": _id("run", one.target, run.step),
                    "@type": "CreateAction",
                    "name": f"{run.step} of target {one.target}" + " (SIMULATED)" * (one.source == "simulated"),
                    "description": f"exit code 0, fingerprint {run.fingerprint}",
                    "instrument": {"@id": _image(run.image)},
                    "object": _refs(["recipe/kit.yaml", *taken]),
                    "result": _refs(
                        [*made, *([quote(kept)] if kept in members else [])]
                        or [quote(f"{top}/results/{one.target}.json")]
                    ),
                    "startTime": run.started,
                    "endTime": ends[-1].isoformat(timespec="seconds"),
                    "actionStatus": "http://schema.org/CompletedActionStatus",
                }
            )
        artifacts |= {
            _id("artifact", one.target, step, path): {
                "@type": "CreativeWork",
                "name": f"{step}/{path}",
                "sha256": each.sha256,
                "contentSize": str(each.bytes),
            }
            for (step, path), each in listed.items()
        }
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Reproduction of {recipe.model.name}",
        "description": f"Recipe, results, raw outputs and reports of {recipe.model.name}, and what checks them",
        "conformsTo": {"@id": _PROFILE},
        "datePublished": max(ends, default=datetime(1970, 1, 1)).date().isoformat(),  # noqa: DTZ001 - nothing was measured
        "license": {"@id": "#license"},
        "hasPart": _refs([one["@id"] for one in files]),
        "mentions": _refs([one["@id"] for one in actions]),
    }
    graph = [
        {"@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}},
        root,
        {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        {"@id": "#license", "@type": "CreativeWork", "name": "not stated by kit",
         "description": "Model, weights and data have licences of their own: see the recipe and their publishers."},
        *files,
        *actions,
        *({"@id": id_, **fields} for id_, fields in sorted(artifacts.items())),
        *({"@id": _image(id_), "@type": "SoftwareApplication", "name": name, "softwareVersion": id_, "url": _image(id_)}
          for id_, name in sorted(images.items())),
    ]  # fmt: skip
    return as_json({"@context": _CONTEXT, "@graph": graph})


def _file(name: str, data: bytes, sha256: str) -> dict[str, Any]:
    form = _FORMS.get(name.rpartition(".")[2], "application/octet-stream")
    return {
        "@id": quote(name),
        "@type": "File",
        "name": name,
        "encodingFormat": form,
        "contentSize": str(len(data)),
        "sha256": sha256,
    }


def _license(recipe: Recipe, name: str) -> dict[str, str]:
    """What the recipe says of the licence of a file of weights or data."""
    stated = {"weights": recipe.weights.license, "data": recipe.dataset.license}.get(name.split("/", maxsplit=1)[0])
    return {"license": stated} if stated else {}


def _image(id_: str) -> str:
    return f"urn:kit:image:{id_.rpartition(':')[2]}"


def _id(*parts: str) -> str:
    return "#" + quote("-".join(parts).replace("/", "-"))


def _refs(ids: list[str]) -> list[dict[str, str]]:
    return [{"@id": one} for one in ids]
