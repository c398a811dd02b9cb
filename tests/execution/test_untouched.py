"""A program that writes into the user's own folder: its numbers would be those of other data."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kit.containers.local import LocalRunner
from kit.errors import StepError
from kit.execution.executor import Executor
from kit.execution.progress import PlainProgress
from kit.planning.planner import Plan
from kit.planning.step import External, Made, Step
from kit.storage.store import Store

PYTHON = ("python3", "-c")


@pytest.mark.parametrize(
    ("program", "named"),
    [
        ("(data / 'new.txt').touch()", "new.txt"),
        ("(data / 'b' / '1.txt').write_text('other'); (data / '0.txt').unlink()", "0.txt, b/1.txt"),
        ("print(sorted(data.iterdir()))", None),
    ],
)
def test_a_step_that_changes_the_data_set_ends_with_the_names(tmp_path: Path, program: str, named: str | None) -> None:
    data = tmp_path / "data"
    (data / "b").mkdir(parents=True)
    for name in ("0.txt", "b/1.txt", "2.txt"):
        (data / name).write_text(name)
    argv = ("python3", "-c", f"import pathlib, sys; data = pathlib.Path(sys.argv[1]); {program}", "{in:data}")
    step = Step("read", "infer", "reads", "runtime", argv, (), inputs={"data": External(data)}, keep_output=True)
    store = Store(data / ".kit")  # kit's own files do not count
    with store.lock():
        executor = Executor(store, LocalRunner(), PlainProgress(io.StringIO()))
        if named is None:
            assert set(executor.run(Plan((step,)))) == {"read"}
            return
        with pytest.raises(StepError, match=f"changed while step read ran: {named}$") as caught:
            executor.run(Plan((step,)))
    assert caught.value.where == str(data)
    assert not list(store.root.glob("records/*.json"))


def test_weights_that_a_later_step_reads_and_results_of_an_earlier_one_must_stay(tmp_path: Path) -> None:
    weights = tmp_path / "w.pth"
    weights.write_text("numbers")
    first = Step("make", "infer", "makes", "runtime", (*PYTHON, "print(1)"), (), keep_output=True)

    def with_program(text: str) -> Plan:
        argv = (*PYTHON, f"import pathlib, sys; {text}", "{in:made}", str(weights))
        touching = Step("touch", "infer", "writes", "runtime", argv, (), {"made": Made("make")}, keep_output=True)
        last = Step("last", "infer", "reads", "runtime", (*PYTHON, "1"), (), {"weights": External(weights)})
        return Plan((first, touching, last))

    store = Store(tmp_path / ".kit")
    with store.lock():
        executor = Executor(store, LocalRunner(), PlainProgress(io.StringIO()))
        with pytest.raises(StepError, match=r"changed while step touch ran: w\.pth"):
            executor.run(with_program("pathlib.Path(sys.argv[2]).write_text('other')"))
        with pytest.raises(StepError, match=r"changed while step touch ran: stdout\.txt"):
            executor.run(with_program("next(pathlib.Path(sys.argv[1]).glob('stdout*')).write_text('2')"))
