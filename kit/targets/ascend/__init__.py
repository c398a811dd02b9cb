"""Ascend 310 and 310P with CANN."""

from __future__ import annotations

from kit.targets.ascend.target import Ascend

__all__ = ["TARGETS"]

TARGETS = (Ascend("310"), Ascend("310P"))
