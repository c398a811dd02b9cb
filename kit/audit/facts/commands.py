"""Command lines of the tools of this field."""

from __future__ import annotations

import re

__all__ = ["calls_tool"]

_TOOL = re.compile(r"(?:^|[\s/])(?:benchmark\.\S+|trtexec|atc|msame|python3?(?:\.[0-9]+)?)(?:\s|$)")


def calls_tool(text: str) -> bool:
    """Whether a line calls a tool whose options are known."""
    return _TOOL.search(text) is not None
