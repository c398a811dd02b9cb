"""All kinds of faults, in the order of the table: importing a module registers its scenarios."""

from __future__ import annotations

# isort: off
import tests.faults.interrupted
import tests.faults.crowded
import tests.faults.starved
import tests.faults.damaged
import tests.faults.attacked
import tests.faults.planted
import tests.faults.clustered
import tests.faults.longrun  # noqa: F401

# isort: on
from tests.faults.faultsite import SCENARIOS

__all__ = ["SCENARIOS"]
