"""Whether a container engine answers and can enforce limits."""

from __future__ import annotations

from kit.doctor import Check, Finding
from kit.errors import Exit

__all__ = ["check"]

#: Requests for GPUs came with this version of the engine's interface.
_API = (1, 40)


def _look() -> Finding:
    from kit.containers.client import connect, engine_errors, version

    with engine_errors("asking the engine for its state"):
        client = connect()  # raises if no engine answers, which doctor turns into a finding
        facts = client.info()
        api = tuple(int(part) for part in str(client.version().get("ApiVersion", "0.0")).split("."))
    missing = [name for name in ("MemoryLimit", "PidsLimit") if facts.get(name) is False]
    if api < _API:
        return Finding(
            "warn",
            f"{version()} is too old to give containers GPUs",
            "update it to 19.03 or newer",
            prevents='could not select device driver "" with capabilities: [[gpu]]',
        )
    if missing:
        return Finding(
            "warn",
            f"{version()} does not enforce {' and '.join(missing)}",
            "enable the memory and pids controllers of the kernel's cgroups",
            prevents="a step that takes the whole machine's memory",
        )
    return Finding("ok", f"{version()}, {facts.get('Driver', '?')}, {facts.get('Architecture', '?')}")


def check() -> Check:
    """Engine, its version and its limits."""
    return Check("engine", _look, Exit.ENGINE)
