"""Which container images exist, and which must be built from a base that must be pulled first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.doctor import Check, Finding
from kit.errors import EngineError, Exit

if TYPE_CHECKING:
    from kit.containers.images import Images

__all__ = ["check"]


def _look(images: Images, needed: Sequence[str]) -> Finding:
    from kit.containers.client import connect, engine_errors

    wanting = [name for name in needed if not images.known_id(name)]
    if not wanting:
        return Finding("ok", f"built: {', '.join(needed)}")
    try:
        with engine_errors("listing images"):
            local = {tag for image in connect().images.list() for tag in image.tags}
    except EngineError as error:
        return Finding("note", f"to be built: {', '.join(wanting)}; the engine cannot be asked for bases: {error.what}")
    candidates = [images.bases(name) for name in wanting]
    absent = sorted({bases[0] for bases in candidates if bases and local.isdisjoint(bases)})
    text = f"to be built: {', '.join(wanting)}"
    if absent:
        return Finding(
            "note",
            f"{text}; to be pulled: {', '.join(absent)}",
            "behind a proxy or without a registry, see images/README.md: --base, mirrors, images/base/make-base.sh",
            prevents="manifest unknown; dial tcp: lookup of the registry: no such host",
        )
    return Finding("ok", text)


def check(images: Images, needed: Sequence[str]) -> Check:
    """Images of a plan."""
    return Check("images", lambda: _look(images, needed), Exit.ENGINE)
