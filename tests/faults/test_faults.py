"""The short form of every fault; `make faults` runs the long one and writes docs/reliability.md."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.faults.faultsite import Bench, Scenario, missing
from tests.faults.scenarios import SCENARIOS

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    from kit.containers.client import available, connect

    folder = tmp_path_factory.mktemp("faults")
    yield Bench(folder, None if available() else connect())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("one", [pytest.param(one, id=one.name) for one in SCENARIOS if one.short])
def test_fault(one: Scenario, bench: Bench) -> None:
    need = missing(one, bench)
    if need:
        if need == "engine" and os.environ.get("CI") == "true":
            pytest.fail("CI needs a container engine")
        pytest.skip(f"this fault needs {need}")
    assert len(list(one.run(bench, one.short))) >= min(one.short, 1)
