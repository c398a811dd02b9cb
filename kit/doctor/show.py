"""Findings for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from kit.doctor import Check, Finding, failure
from kit.errors import Exit

__all__ = ["as_json", "as_text", "exit_code", "outlook"]

Found = Sequence[tuple[Check, Finding]]
_WORDS = {"ok": "ok", "note": "note", "warn": "warn", "fail": "FAIL"}


def exit_code(sections: Mapping[str, Found]) -> Exit:
    """That of the first failure; 0 without one."""
    error = failure([pair for found in sections.values() for pair in found])
    return error.exit_code if error else Exit.OK


def outlook(sections: Mapping[str, Found], targets: Sequence[str]) -> dict[str, list[str]]:
    """Target -> names of the checks that forbid it here today; an empty list: it will work."""
    return {
        name: [
            check.name
            for title in ("machine", f"target {name}")
            for check, finding in sections.get(title, ())
            if finding.state == "fail"
        ]
        for name in targets
    }


def as_text(sections: Mapping[str, Found], today: Mapping[str, Sequence[str]]) -> str:
    """A block per section: name, state, message, under it what to do and what it prevents; last what works today."""
    wide = max((len(check.name) for found in sections.values() for check, _ in found), default=0)
    blocks = []
    for title, found in sections.items():
        lines = [title]
        for check, finding in found:
            lines.append(f"  {check.name:<{wide}}  {_WORDS[finding.state]:<4}  {finding.message}")
            indent = " " * (wide + 10)
            if finding.remedy and finding.state != "ok":
                lines.append(f"{indent}do: {finding.remedy}")
            if finding.prevents and finding.state in {"warn", "fail"}:
                lines.append(f"{indent}prevents: {finding.prevents}")
        blocks.append("\n".join(lines))
    states = [finding.state for found in sections.values() for _, finding in found]
    failed, warned = states.count("fail"), states.count("warn")
    end = [f"{len(states)} checks: {failed} failed, {warned} warnings"]
    if today:
        end.append(f"works here today: {', '.join(name for name, why in today.items() if not why) or 'nothing'}")
    end += [f"does not: {name} ({', '.join(why)})" for name, why in today.items() if why]
    return "\n\n".join([*blocks, "\n".join(end)])


def as_json(sections: Mapping[str, Found], today: Mapping[str, Sequence[str]]) -> str:
    """One JSON object: ``ok``, ``exit_code``, ``checks``, and by target the checks that ``forbid`` it."""
    checks = [
        {
            "section": title,
            "name": check.name,
            "state": finding.state,
            "message": finding.message,
            "remedy": finding.remedy,
            "prevents": finding.prevents,
        }
        for title, found in sections.items()
        for check, finding in found
    ]
    code = exit_code(sections)
    return json.dumps(
        {"ok": code == Exit.OK, "exit_code": int(code), "checks": checks, "forbid": today}, ensure_ascii=False, indent=2
    )
