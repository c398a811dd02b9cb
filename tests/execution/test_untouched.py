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
from kit.planning.step import External, Step
from kit.storage.store import Store


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
