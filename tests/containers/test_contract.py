"""One contract for all runners: the same program, the same outcome."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.containers.local import LocalRunner
from kit.containers.runner import Binding, Runner
from kit.errors import DamagedError, InvalidInputError, ResourceError, StepError
from kit.planning.step import GIB, External, Limits, Step
from tests import podmanservice


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seen: list[tuple[int, int, str]] = []
        self.when: Callable[[], None] | None = None

    def progress(self, done: int, total: int, unit: str) -> None:
        self.seen.append((done, total, unit))

    def line(self, text: str) -> None:
        self.lines.append(text)
        if self.when:
            self.when()


class OneImage:
    """Images that stand for a single one that is there already."""

    def __init__(self, identity: str) -> None:
        self.identity = identity

    def known_id(self, _name: str) -> str:
        return self.identity

    build = known_id


@pytest.fixture(scope="session")
def podman(engine: Any) -> Iterator[Any]:
    """A client of Podman's service, which has the base image of the tests."""
    if lacking := podmanservice.missing():
        pytest.skip(f"no Podman here: {lacking}")
    with tempfile.TemporaryDirectory(prefix="kit-podman-") as folder, podmanservice.podman_service(Path(folder)) as one:
        one.images.load(b"".join(engine.images.get("kit-base:bookworm").save(named="kit-base:bookworm")))
        yield one


ENGINES = [
    pytest.param("engine", marks=pytest.mark.docker, id="docker"),
    pytest.param("podman", marks=[pytest.mark.docker, pytest.mark.slow], id="podman"),
]


@pytest.fixture(params=ENGINES)
def any_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Docker, then Podman."""
    client = request.getfixturevalue(request.param)
    if request.param == "podman":
        monkeypatch.setattr("kit.containers.docker.connect", lambda: client)
    return client


@pytest.fixture(params=["local", *ENGINES])
def runner(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    if request.param == "local":
        return LocalRunner()
    from kit.containers.docker import DockerRunner

    client = request.getfixturevalue(request.param)
    if request.param == "podman":
        monkeypatch.setattr("kit.containers.docker.connect", lambda: client)
    return DockerRunner(OneImage(client.images.get("kit-base:bookworm").id), tmp_path)  # type: ignore[arg-type]


def binding(tmp_path: Path, runner: Runner, **inputs: Path) -> Binding:
    out, logs = tmp_path / "out", tmp_path / "logs"
    out.mkdir(exist_ok=True)
    logs.mkdir(exist_ok=True)
    return Binding(fingerprint="f", inputs=inputs, out=out, logs=logs, image_id=runner.image_id("runtime"))


def step(program: str, **changes: Any) -> Step:
    values: dict[str, Any] = {
        "name": "s",
        "stage": "infer",
        "title": "t",
        "image": "runtime",
        "argv": ("python3", "-c", textwrap.dedent(program)),
        "outputs": (),
        "limits": Limits(memory_bytes=GIB // 4, pids=64, shm_bytes=1 << 24),
    }
    return Step(**(values | changes))


def test_outputs_streams_and_exit_code(runner: Runner, tmp_path: Path) -> None:
    given = tmp_path / "a file with 'quotes' and $(echo).txt"
    given.write_text("hello")
    program = """
        import sys, os
        open("made", "w").write(open(sys.argv[1]).read() + os.environ["WORD"])
        print("to stdout"); print("to stderr", file=sys.stderr); sys.exit(7)
    """
    one = step(program, inputs={"text": External(given)}, environment={"WORD": "; $(touch x)\n"})
    one = Step(**{**vars(one), "argv": (*one.argv, "{in:text}")})
    outcome = runner.run(one, binding(tmp_path, runner, text=given), Heard())
    assert outcome.exit_code == 7
    assert (outcome.folder / "made").read_text() == "hello; $(touch x)\n"
    assert outcome.stdout.read_text() == "to stdout\n"
    assert outcome.stderr.read_text() == "to stderr\n"
    assert (outcome.folder / "made").stat().st_uid == os.getuid()


def test_an_error_after_half_a_line_of_a_library_is_told(runner: Runner, tmp_path: Path) -> None:
    """PyTorch prints a graph that it cannot export, without an end of line (volo_d1_224 at opset 11)."""
    program = """
        import os, sys
        from inside.protocol import UserError, run
        def main(_):
            sys.stdout.write("graph(%1): ")
            os.write(1, b"return (%12455)")
            raise UserError("opset 11 has no operator col2im", "Choose another opset.")
        run(main)
    """
    with pytest.raises(InvalidInputError, match="opset 11 has no operator col2im") as told:
        runner.run(step(program, code=("protocol",)), binding(tmp_path, runner), Heard())
    assert told.value.remedy == "Choose another opset."


def test_files_that_an_input_refers_to_are_beside_it(runner: Runner, tmp_path: Path) -> None:
    given = tmp_path / "given" / "w.safetensors.index.json"
    (given.parent / "parts").mkdir(parents=True)
    (given.parent / "parts" / "1").write_text("shard")
    given.write_text('{"weight_map": {"a": "parts/1"}}')
    program = """
        import pathlib, sys
        print(pathlib.Path(sys.argv[1]).parent.joinpath("parts", "1").read_text())
    """
    one = step(program, inputs={"weights": External(given)})
    one = Step(**{**vars(one), "argv": (*one.argv, "{in:weights}")})
    outcome = runner.run(one, binding(tmp_path, runner, weights=given), Heard())
    assert outcome.stdout.read_text() == "shard\n"


def test_messages_reach_the_listener_and_not_the_log(runner: Runner, tmp_path: Path) -> None:
    heard = Heard()
    program = """
        print('@kit {"progress": [1, 2], "unit": "images"}')
        print("plain"); print("@kit not ours")
        print('@kit {"progress": [2, 2], "unit": "images"}', end="")
    """
    outcome = runner.run(step(program), binding(tmp_path, runner), heard)
    assert heard.seen == [(1, 2, "images"), (2, 2, "images")]
    assert outcome.stdout.read_text() == "plain\n@kit not ours\n"


@pytest.mark.parametrize(
    ("kind", "error"), [("damaged", DamagedError), ("tolerance", StepError), ("resource", ResourceError)]
)
def test_an_error_of_the_program_is_the_users(
    runner: Runner, tmp_path: Path, kind: str, error: type[Exception]
) -> None:
    program = f"""
        import json, sys
        print("@kit " + json.dumps({{"error": {{"what": "it broke", "where": "w", "remedy": "r", "kind": "{kind}"}}}}))
        sys.exit(64)
    """
    with pytest.raises(error, match="w: it broke"):
        runner.run(step(program), binding(tmp_path, runner), Heard())


def test_links_are_there_while_it_runs_and_gone_after(runner: Runner, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "x.bin").write_text("1")
    one = step(
        "open('seen', 'w').write(open('./prep_bin/x.bin').read())",
        inputs={"bins": External(data)},
        links={"prep_bin": "{in:bins}"},
    )
    outcome = runner.run(one, binding(tmp_path, runner, bins=data), Heard())
    assert outcome.exit_code == 0, outcome.stderr.read_text()
    assert [path.name for path in outcome.folder.iterdir()] == ["seen"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_program_within_seconds(
    runner: Runner, tmp_path: Path, number: signal.Signals
) -> None:
    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    heard = Heard()
    heard.when = lambda: os.kill(os.getpid(), number)
    # It ignores what it can ignore, and has a child that does, too.
    program = """
        import os, signal, time
        signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            time.sleep(60)
        print("running", flush=True); time.sleep(60)
    """
    before = signal.signal(number, stop)
    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            runner.run(step(program), binding(tmp_path, runner), heard)
    finally:
        signal.signal(number, before)
    assert time.monotonic() - started < 10


@pytest.mark.docker
@pytest.mark.parametrize("request_", ["create_container", "remove_container"])
def test_an_interruption_while_the_engine_is_asked_leaves_no_container(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: str
) -> None:
    from kit.containers.docker import LABEL, DockerRunner

    runner = DockerRunner(OneImage(engine.images.get("kit-base:bookworm").id), tmp_path)  # type: ignore[arg-type]
    ask = getattr(engine.api, request_)

    def interrupted(*words: Any, **more: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)  # as long as it takes to come
        return ask(*words, **more)

    monkeypatch.setattr(engine.api, request_, interrupted)
    monkeypatch.setattr("kit.containers.docker.connect", lambda: engine)
    with pytest.raises(KeyboardInterrupt):
        runner.run(step("pass"), binding(tmp_path, runner), Heard())
    assert engine.containers.list(all=True, filters={"label": f"{LABEL}={tmp_path}"}) == []


def test_a_container_has_nothing_that_its_step_does_not_name(any_engine: Any, tmp_path: Path) -> None:
    from kit.containers.docker import LABEL, DockerRunner

    runner = DockerRunner(OneImage(any_engine.images.get("kit-base:bookworm").id), tmp_path)  # type: ignore[arg-type]
    seen: list[dict[str, Any]] = []
    heard = Heard()

    def look() -> None:
        found = any_engine.containers.list(filters={"label": f"{LABEL}={tmp_path}"})
        seen.append(any_engine.api.inspect_container(found[0].id))

    heard.when = look
    program = """
        import os, socket
        print("look", flush=True)
        os.sync()
        out = []
        for what in ("open('/x', 'w')", "open('/in/data/x', 'w')", "os.setuid(0)", "os.chroot('/tmp')",
                     "socket.create_connection(('10.0.0.1', 80), 0.5)",
                     "os.mknod('/tmp/n', 0o20666, os.makedev(1, 3))"):
            try:
                eval(what)
            except OSError as error:
                continue
            out.append(what)
        import time; time.sleep(0.5)
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        out += [name for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb") if int(status[name], 16)]
        out += [] if status["NoNewPrivs"].strip() == "1" else ["new privileges"]
        open("/tmp/fine", "w"); open("/out/fine", "w").write(repr(out) + repr(sorted(os.listdir("/dev"))))
    """
    data = tmp_path / "data"
    data.mkdir()
    outcome = runner.run(step(program, inputs={"data": External(data)}), binding(tmp_path, runner, data=data), heard)
    assert outcome.exit_code == 0, outcome.stderr.read_text()
    text = (outcome.folder / "fine").read_text()
    assert text.startswith("[]"), f"these should have failed: {text}"
    host = seen[0]["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert len(host["CapDrop"]) > 10 or host["CapDrop"] == ["ALL"]  # Podman lists them one by one
    assert not host["CapAdd"]
    assert host["Privileged"] is False
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Memory"] == host["MemorySwap"] == GIB // 4
    assert host["PidsLimit"] == 64
    assert not host["Devices"]
    assert not host["DeviceRequests"]
    assert {(mount["Destination"], mount["RW"]) for mount in seen[0]["Mounts"] if mount["Type"] == "bind"} == {
        ("/in/data", False),
        ("/out", True),
    }
    assert seen[0]["Config"]["User"].split(":")[0] != "0"
    assert any_engine.containers.list(all=True, filters={"label": f"{LABEL}={tmp_path}"}) == []


@pytest.mark.docker
def test_out_of_memory_is_told(engine: Any, tmp_path: Path) -> None:
    from kit.containers.docker import DockerRunner

    runner = DockerRunner(OneImage(engine.images.get("kit-base:bookworm").id), tmp_path)  # type: ignore[arg-type]
    one = step("x = bytearray(1 << 30)", limits=Limits(memory_bytes=64 << 20))
    assert runner.run(one, binding(tmp_path, runner), Heard()).oom


@pytest.mark.docker
def test_the_printed_command_line_can_be_pasted(engine: Any, tmp_path: Path) -> None:
    from kit.containers.docker import DockerRunner

    runner = DockerRunner(OneImage(engine.images.get("kit-base:bookworm").id), tmp_path)  # type: ignore[arg-type]
    given = tmp_path / "in put.txt"
    given.write_text("x")
    one = step("import sys; print(open(sys.argv[1]).read())", inputs={"text": External(given)})
    one = Step(**{**vars(one), "argv": (*one.argv, "{in:text}"), "environment": {"A": "b c'"}})
    line = runner.command_line(one, binding(tmp_path, runner, text=given))
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "x\n"), ran.stderr


def test_a_local_program_dies_with_its_kit(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import test_contract as t
runner = t.LocalRunner()
heard = t.Heard()
heard.when = lambda: print(heard.lines[-1], flush=True)
t.runner = runner
runner.run(t.step("import os, time; print(os.getpid(), flush=True); time.sleep(60)"),
           t.binding(Path({str(tmp_path)!r}), runner), heard)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(50):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            break
        if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.1)
    else:
        pytest.fail("the program outlived its kit")
