"""Users' programs really run: what they may do, and what is said where they go wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

KIT = Path(__file__).parents[2] / "kit"

PRE = """
import argparse, os, struct
p = argparse.ArgumentParser(); p.add_argument("--src"); p.add_argument("--out"); a = p.parse_args()
os.makedirs(a.out)
names = sorted(os.listdir(a.src))
for n in names:
    open(f"{a.out}/{n.split('.')[0]}.bin", "wb").write(struct.pack("4f", 1, 2, 3, 4))
open("label.txt", "w").write("\\n".join(names))
print("wrote", len(names))
"""
POST = """
import os, sys
names = open("label.txt").read().split()
assert sorted(os.listdir(sys.argv[1])) == [f"{n.split('.')[0]}_0.bin" for n in names]
print("accuracy: 87.50%")
"""


class Folder:
    """A folder of scripts, data, and one run of the program over them."""

    def __init__(self, top: Path) -> None:
        self.top, self.log = top, ""
        self.code, self.data, self.out = top / "code", top / "data", top / "out"
        for folder in (self.code, self.data, self.out):
            folder.mkdir()
        for number in range(3):
            (self.data / f"{number}.jpg").write_bytes(b"x")

    def script(self, name: str, text: str) -> None:
        (self.code / name).write_text(textwrap.dedent(text))

    def run(self, *words: str, out: str = "out", **plan: Any) -> tuple[int, dict[str, Any]]:
        """Exit code and the error that was told."""
        (self.top / out).mkdir(exist_ok=True)
        whole = {"links": {}, "data": "read", "seconds": 60, "max_bytes": 1 << 30} | plan
        ran = subprocess.run(
            [sys.executable, "-m", "inside.script", "--code", self.code, "--data", self.data,
             "--plan", json.dumps(whole), "--out", self.top / out, *words],
            env=os.environ | {"PYTHONPATH": str(KIT)}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert ran.returncode != 70, ran.stderr
        self.log = ran.stderr
        told = [json.loads(line[5:]) for line in ran.stdout.splitlines() if line.startswith("@kit ")]
        errors: list[dict[str, Any]] = [one["error"] for one in told if "error" in one]
        return ran.returncode, errors[0] if errors else {}

    def before(self, *words: str, **plan: Any) -> tuple[int, dict[str, Any]]:
        commands = [["python3", "pre.py", "--src", "{data}", "--out", "bin"]]
        runs = {"runs": {"main": ["bin"]}, "counts": {"main": 3}, "shapes": "fixed"}
        defaults: dict[str, Any] = {"commands": commands, **runs}
        return self.run(*words, **(defaults | plan))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.script("pre.py", PRE)
    made.script("post.py", POST)
    return made


METRIC = {"name": "acc", "find": r"accuracy: ([0-9.]+)%", "in": None, "pick": "only", "unit": "percent"}


def test_scripts_before_and_after_share_a_folder(folder: Folder) -> None:
    code, _ = folder.before()
    assert code == 0
    runs = json.loads((folder.out / "runs.json").read_text())
    assert runs == {"runs": {"main": [{"folder": "bin", "files": 3, "bytes": 16}]}}
    assert (folder.out / "stdout.txt").read_text() == "wrote 3\n"
    results = folder.top / "infer" / "result"
    results.mkdir(parents=True)
    for number in range(3):
        (results / f"{number}_0.bin").write_bytes(b"y")
    code, error = folder.run(
        "--before", str(folder.out / "work"), "--results", f"main={results.parent}",
        out="after", commands=[["python3", "post.py", "{results}"]], metrics=[METRIC],
    )  # fmt: skip
    assert code == 0, error
    found = json.loads((folder.top / "after" / "metrics.json").read_text())["metrics"]
    assert found == [{"name": "acc", "unit": "percent", "text": "87.50", "file": "stdout.txt", "line": 1, "column": 11}]
    assert not (folder.top / "after" / "work").exists()
    assert sorted(path.name for path in folder.code.iterdir()) == ["post.py", "pre.py"], (
        "the code folder was written to"
    )


def test_packages_that_any_of_the_programs_lacks_are_told_before_the_first_one_runs(folder: Folder) -> None:
    folder.script("post.py", "import json, scoring, made_by_pre\nfrom nothing.eval import x")
    folder.script("scoring.py", "import numpy.random, nothing_too\ntry:\n    import ujson\nexcept ImportError: pass")
    (folder.code / "made_by_pre.pyx").touch()
    code, error = folder.before(programs=["post.py", "pre.py", "comes_later.py"])
    assert (code, error["kind"]) == (64, "missing")
    assert "not installed: nothing (imported by post.py), nothing_too (imported by scoring.py)" in error["what"]
    assert not (folder.out / "stdout.txt").exists()
    folder.script("post.py", "print('no import'")
    assert folder.before(programs=["post.py", "pre.py"], out="again")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "said", "kind"),
    [
        ("import sys; print('no such data', file=sys.stderr); sys.exit(3)", "exit code 3: no such data", "tolerance"),
        ("import nothing_like_this", "exit code 1: ModuleNotFoundError", "tolerance"),
        ("raise ConnectionError('no route')", "exit code 1: ConnectionError", "tolerance"),
        ("import time; time.sleep(60)", "did not end within 1.5 s", "resource"),
        ("import os\nif os.fork(): raise SystemExit\nimport time; time.sleep(60)", "did not end within", "resource"),
        ("open('big', 'wb').truncate(9 << 20)", "wrote more than 8 MiB", "resource"),
        ("import os; os.makedirs('bin')", "holds no file", "missing"),
        ("pass", "there is no folder bin", "missing"),
        ("import os; os.makedirs('bin'); open('bin/a.bin', 'w').write('x')", "wrote 1 samples into bin", "invalid"),
        (
            "import os; os.makedirs('bin'); [open(f'bin/{n}.bin', 'w').write('x' * (n + 1)) for n in range(3)]",
            "1.bin has 2 bytes, 0.bin has 1",
            "damaged",
        ),
        (
            "import os; os.makedirs('bin'); [open(f'bin/a.{n}.bin', 'w').write('x') for n in range(3)]",
            "would give results of one name",
            "invalid",
        ),
    ],
)
def test_a_script_that_goes_wrong_is_told_in_a_sentence(folder: Folder, script: str, said: str, kind: str) -> None:
    folder.script("pre.py", script)
    code, error = folder.before(seconds=1.5 if "sleep" in script else 60, max_bytes=8 << 20)
    assert code == 64
    assert said in error["what"], error
    assert error["kind"] == kind and error["remedy"]


def test_what_a_failed_script_said_is_kept_in_the_log_that_is_named(folder: Folder) -> None:
    folder.script("pre.py", "print('@kit {}')\ndef inner():\n    raise ValueError('bad')\nprint('first')\ninner()")
    code, error = folder.before()
    assert (code, error["where"]) == (64, "stderr.txt")
    assert "@kit {}\nfirst\n" in folder.log and "in inner" in folder.log


def test_a_program_that_is_not_there(folder: Folder) -> None:
    code, error = folder.before(commands=[["no-such-program"]])
    assert code == 64 and error["what"].startswith("command 1 cannot be started: no-such-program")


def test_an_unknown_placeholder_names_the_known_ones(folder: Folder) -> None:
    code, error = folder.before(commands=[["python3", "pre.py", "{results}"]])
    assert code == 64 and "{results} has no meaning" in error["what"] and "{data}" in error["remedy"]


def test_other_braces_are_kept(folder: Folder) -> None:
    folder.script("pre.py", "import sys; assert sys.argv[1] == '{\"a\": [1]}', sys.argv\nexec(open('pre0.py').read())")
    folder.script("pre0.py", "import os; os.makedirs('bin'); [open(f'bin/{n}.bin','w').write('x') for n in range(3)]")
    code, error = folder.before(commands=[["python3", "pre.py", '{"a": [1]}']])
    assert code == 0, error


def test_links_and_files_of_the_recipe(folder: Folder) -> None:
    given = folder.top / "weights.pth"
    given.write_text("w")
    folder.script(
        "pre.py",
        "import os; assert open('model/w.pth').read() == 'w'; assert len(os.listdir('val')) == 3\n"
        "os.makedirs('bin'); [open(f'bin/{n}.bin', 'w').write('x') for n in range(3)]",
    )
    code, error = folder.before("--given", f"model/w.pth={given}", links={"val": "{data}"})
    assert code == 0, error
    assert not (folder.out / "work" / "val").exists()


@pytest.mark.parametrize(
    ("count", "size", "told"),
    [
        (3, 0, ""), (3, 4, ""), (9, 4, ""), (12, 4, ""), (24, 2, ""), (12, 5, "wrote 3 samples into bin, the"),
        (8, 4, r"wrote 12 samples into bin (3 files of 4 samples), the recipe says 8"),
        (13, 4, "wrote 12 samples"), (4, 16, "wrote 3 samples"),
    ],
)  # fmt: skip
def test_a_file_may_hold_several_samples(folder: Folder, count: int, size: int, told: str) -> None:
    code, error = folder.before(counts={"main": count}, bytes={"bin": size})
    assert (code, told in error.get("what", "")) == (64 if told else 0, True), error


def test_a_folder_per_input_must_pair(folder: Folder) -> None:
    folder.script(
        "pre.py",
        "import os\nfor name, n in (('ids', 3), ('mask', 2)):\n"
        "    os.makedirs(name); [open(f'{name}/{k}.bin', 'w').write('x') for k in range(n)]",
    )
    code, error = folder.before(runs={"main": ["ids", "mask"]})
    assert code == 64 and error["what"] == "ids holds 3 files and mask 2"


def test_scripts_get_no_variable_of_ours(folder: Folder) -> None:
    folder.script(
        "pre.py",
        "import os, json; json.dump(dict(os.environ), open('env.json', 'w'))\n"
        "os.makedirs('bin'); [open(f'bin/{n}.bin', 'w').write('x') for n in range(3)]",
    )
    assert folder.before()[0] == 0
    seen = json.loads((folder.out / "work" / "env.json").read_text())
    assert "PYTHONPATH" not in seen and seen["OMP_NUM_THREADS"] == "1" and seen["HOME"].endswith("/work")


def test_commands_go_into_folders_and_get_the_variables_of_the_recipe(folder: Folder) -> None:
    (folder.code / "deep" / "src").mkdir(parents=True)
    folder.script("deep/src/pre.py", PRE + "\nopen(os.environ['LIST'], 'w').write(os.path.basename(os.getcwd()))\n")
    commands = [
        ["cd", "deep/src"],
        ["python3", "pre.py", "--src", "{data}", "--out", "{work}/bin"],
        ["cd", "../.."],
        ["cp", "deep/seen.txt", "here.txt"],
    ]
    code, error = folder.before(commands=commands, environment={"LIST": "../seen.txt"}, programs=["deep/src/pre.py"])
    assert code == 0, error
    assert (folder.out / "work" / "here.txt").read_text() == "src"
    for outside in ("..", "gone", "/"):
        code, error = folder.before(out=f"out{len(outside)}", commands=[["cd", outside]])
        assert code and "no such folder in the working folder" in error["what"] and "command 1" in error["what"]
