"""docs/errors.md: the table is the code's, and every row of it can be provoked."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.errors import Exit
from kit.storage.store import Store
from tests.faults.faultsite import ROOT, Site, ended
from tests.faults.givenfiles import LOG, result_files, small_model

_TABLE = re.compile(r"^\| (\d+) \| ([A-Z_]+) \|", re.MULTILINE)
_INFER = ("infer", "-t", "cpu", "--runner", "local", "--use", "export=model.onnx")


def rows() -> dict[int, str]:
    return {int(code): name for code, name in _TABLE.findall((ROOT / "docs" / "errors.md").read_text())}


def ok(site: Site) -> int:
    return site.kit("--version").returncode


def usage(site: Site) -> int:
    return site.kit("report", "--foo").returncode


def internal(site: Site) -> int:
    """A defect: the reader of a target package is broken. It must be told as ours, with a trace."""
    (site.folder / "perf.txt").write_text(LOG)
    hook = site.folder / "hooks"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import kit.toollogs.reader\nkit.toollogs.reader.read_file = lambda *a, **k: 1 / 0\n"
    )
    ran = site.kit("read", "perf.txt", environment={"PYTHONPATH": f"{hook}{os.pathsep}{ROOT}"})
    assert "Traceback" in ran.stderr and "this is a defect of kit" in ran.stderr, ran.stderr
    return ran.returncode


def invalid(site: Site) -> int:
    site.recipe.write_text("kit: [\n")
    return site.kit("report").returncode


def absent(site: Site) -> int:
    return site.kit("reproduce", "--images", "nowhere").returncode


def damaged(site: Site) -> int:
    site.weights.write_bytes(b"x")
    return site.kit("reproduce", "--runner", "local").returncode


def check_failed(site: Site) -> int:
    (site.folder / "r.md").write_text("310: Interface throughputRate: 250.125, 250.125 x 4 = 1200.5 fps\n")
    return site.kit("audit", "r.md").returncode


def engine(site: Site) -> int:
    nowhere = {"DOCKER_HOST": f"unix://{site.folder}/nothing.sock"}
    return site.kit("reproduce", "--runner", "docker", environment=nowhere).returncode


def device(site: Site) -> int:
    """No Ascend card is here; where one is, this row is provoked by the targets' own tests."""
    if Path("/dev/davinci0").exists():
        return int(Exit.DEVICE)
    return site.kit("reproduce", "-t", "310").returncode


def running(site: Site, *argv: str) -> dict[str, str]:
    """The environment in which each step of a run is this program."""
    small_model(site.folder / "model.onnx")
    hook = site.folder / "hooks"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "from kit.containers.local import LocalRunner\n"
        f"LocalRunner._argv = lambda *a: ({list(argv)}, {{}}, lambda text: '/')\n"
    )
    return {"PYTHONPATH": f"{hook}{os.pathsep}{ROOT}"}


def step(site: Site) -> int:
    """A program that ends badly without saying why."""
    return site.kit(*_INFER, environment=running(site, "sh", "-c", "exit 3")).returncode


def resource(site: Site) -> int:
    site.store.write_text("a file is in the way")
    return site.kit("clean", "--store", ".kit/x").returncode or site.kit(*_INFER[:-2]).returncode


def busy(site: Site) -> int:
    result_files(site, "txt")
    with Store(site.store).lock():
        return site.kit("metrics", "results", "--labels", "val_label.txt", "--classes", "10").returncode


def _signalled(number: signal.Signals) -> Callable[[Site], int]:
    def provoke(site: Site) -> int:
        child = site.start(*_INFER, environment=running(site, "sleep", "60"))
        deadline = time.monotonic() + 20
        while not list((site.store / "partial").glob("*")) and time.monotonic() < deadline and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(number)
        code, _, err = ended(child)
        assert "Traceback" not in err, err
        assert site.leftovers() == []
        return code

    return provoke


PROVOKED: dict[Exit, Callable[[Site], int]] = {
    Exit.OK: ok,
    Exit.INTERNAL: internal,
    Exit.USAGE: usage,
    Exit.INVALID: invalid,
    Exit.MISSING: absent,
    Exit.DAMAGED: damaged,
    Exit.CHECK_FAILED: check_failed,
    Exit.ENGINE: engine,
    Exit.DEVICE: device,
    Exit.STEP: step,
    Exit.RESOURCE: resource,
    Exit.BUSY: busy,
    Exit.HANGUP: _signalled(signal.SIGHUP),
    Exit.INTERRUPTED: _signalled(signal.SIGINT),
    Exit.TERMINATED: _signalled(signal.SIGTERM),
}


def test_the_table_has_every_code_and_no_other() -> None:
    assert rows() == {int(code): code.name for code in Exit}
    assert set(PROVOKED) == set(Exit)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kit runs on Linux")
@pytest.mark.parametrize("code", list(Exit), ids=lambda code: code.name)
def test_every_row_can_be_provoked(code: Exit, tmp_path: Path) -> None:
    assert PROVOKED[code](Site(tmp_path / "site", images=12)) == code
