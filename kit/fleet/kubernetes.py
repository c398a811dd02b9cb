"""``kit reproduce --plan --format k8s``: a Job per target, without any privilege.

A pod has no container engine, so kit runs the steps in the pod's own container (``--runner local``): the image holds
kit and what the target's programs need. Each Job renders the report when it ends, so that the last one's is whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from kit.containers.local import LocalRunner
from kit.errors import InvalidInputError
from kit.execution.selection import Selection, inputs_from_outside
from kit.fleet.batchjob import BatchJob, batch_jobs, check_inside, check_paths, given_places, reproduce_words

__all__ = ["kubernetes_jobs", "with_vendors_tools"]

#: Where a pod sees the recipe's folder: the claim "kit".
_WORK = Path("/work")
_NOBODY = 65534
_REFERENCE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]{0,254}")
#: Beside the largest step: kit itself and the tensors' page cache.
_SPARE_BYTES = 1 << 30


def kubernetes_jobs(selection: Selection, weights: Path, *, recipe: Path, image: str, more: Sequence[str] = ()) -> str:
    """The Jobs as YAML documents.

    Args:
        selection: recipe, targets, batches.
        weights: where the weights are, or will be.
        recipe: the recipe's file or folder.
        image: reference of the pods' image.
        more: further words of ``kit reproduce``.

    Raises:
        InvalidInputError: no such reference, or files lie where no one folder could be mounted.
    """
    choice, folder = selection.choice, Path(os.path.normpath(selection.recipe.folder.absolute()))
    if not _REFERENCE.fullmatch(image):
        raise InvalidInputError(
            f"--image {image!r} is not the reference of an image", remedy="give for example registry.example/kit:1"
        )
    check_paths(choice.mirror, selection.images, selection.labels)
    data = {"--images": selection.images, "--labels": selection.labels}
    if choice.weights or selection.recipe.weights.path:
        data["--weights"] = weights.absolute()
    check_inside(folder, inputs_from_outside(selection, weights) - {*data.values(), weights.absolute()})
    # A path such as ../data or ~/data is another one in a pod: what lies outside is named there as it is here.
    data = {option: Path(os.path.normpath(place)) for option, place in data.items()}
    outside = {option: place for option, place in data.items() if not place.is_relative_to(folder)}
    mounts = [{"name": "kit", "mountPath": str(_WORK)}, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    volumes: list[dict[str, Any]] = [
        {"name": "kit", "persistentVolumeClaim": {"claimName": "kit"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if outside:
        mounts.append({"name": "data", "mountPath": str(_common([*outside.values()])), "readOnly": True})  # type: ignore[dict-item]
        volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": "kit-data", "readOnly": True}})
    places: dict[str, Path | str] = {
        "--recipe": _WORK if recipe.is_dir() else _WORK / recipe.name,
        "--reports": _WORK / "reports",
    }
    if data["--labels"] == data["--images"]:  # class folders and scripts have no label file
        del data["--labels"]
    for option, place in data.items():
        if option in outside:
            places[option] = place
        elif option in given_places(choice):
            places[option] = _WORK / place.relative_to(folder)
    documents = []
    for number, job in enumerate(batch_jobs(selection, weights)):
        own = places | {"--store": _WORK / ".kit" / "kubernetes" / job.target}
        words = [*reproduce_words(choice, job.target, own, "local"), *more]
        name = _name(selection.recipe.model.name, str(number), job.target)
        documents.append(_job(name, job, image, words, mounts, volumes))
    return yaml.dump_all(documents, Dumper=_Plain, sort_keys=False, width=120)


def with_vendors_tools(selection: Selection, weights: Path) -> list[str]:
    """Targets with steps in an image that nothing in an environment of Python packages stands in for."""
    local = LocalRunner()
    return [
        job.target
        for target, job in selection.jobs(weights)
        if not all(local.stands_in(step.image) for step in target.plan(job))
    ]


class _Plain(yaml.SafeDumper):
    """Without anchors: whoever edits one place means that place alone."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _job(
    name: str, job: BatchJob, image: str, words: Sequence[str], mounts: list[Any], volumes: list[Any]
) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "kit", "app.kubernetes.io/instance": name}
    memory = f"{(job.memory_bytes + _SPARE_BYTES) >> 20}Mi"
    # No limit of processor time: throttling would be measured.
    resources = {"requests": {"cpu": "2", "memory": memory}, "limits": {"memory": memory}}
    if job.device:
        resources["limits"][job.device.kubernetes] = str(job.devices)
    container = {
        "name": "kit",
        "image": image,
        "command": list(words),
        "workingDir": str(_WORK),
        "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "fsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if job.timed:  # two measuring pods never share a node
        labels = labels | {"kit/timed": "true"}
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"kit/timed": "true"}}}
        pod["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    pod |= {"containers": [container], "volumes": volumes}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        # A measurement that was cut short is made again only when a person asks: nothing restarts it silently.
        "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def _common(paths: Sequence[Path]) -> Path:
    """The folder that holds all of them.

    Raises:
        InvalidInputError: only the root does.
    """
    common = Path(os.path.commonpath([path.parent for path in paths]))
    if common == Path("/"):
        raise InvalidInputError(
            f"a pod cannot see {' and '.join(map(str, paths))} through one volume",
            remedy="put data set and weights below one folder, or into the recipe's",
        )
    return common


def _name(*parts: str) -> str:
    """A name as Kubernetes wants it: small letters, digits and hyphens, at most 63."""
    slug = re.sub(r"[^a-z0-9]+", "-", "-".join(("kit", *parts)).lower())
    return slug[:63].strip("-")
