"""Two kits on one store, one report, one device: they wait or refuse in one sentence, and never corrupt."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.faults.faultsite import Bench, Outcomes, ended, scenario


@scenario(
    "Crowded",
    "Two kits on one store",
    "three processes start at once on one store: one works, one is refused, one waits (`--wait`)",
    short=1,
    long=10,
    needs=("engine",),
)
def one_store(bench: Bench, count: int) -> Outcomes:
    for _ in range(count):
        site = bench.half("docker", "cpu/infer", "cpu/metrics")
        words = ("reproduce", "--runner", "docker")
        children = [site.start(*words), site.start(*words), site.start(*words, "--wait")]
        codes = []
        for child in children:
            code, _, err = ended(child, 120)
            codes.append(code)
            assert "Traceback" not in err, err
            if code:
                assert "another kit (pid " in err and "uses this store" in err, err
        assert codes[2] == 0 and sorted(codes[:2]) in ([0, 11], [11, 11]), codes
        assert site.digests() == bench.finished("docker").digests()
        assert site.leftovers(bench.engine) == []
        yield "one works, one is refused with exit code 11, one waits and shares what is finished"


@scenario(
    "Crowded",
    "Two kits on one report",
    "two processes with stores of their own, whose measurements differ, write one report at once",
    short=1,
    long=10,
    needs=("engine",),
)
def one_report(bench: Bench, count: int) -> Outcomes:
    site = bench.half("docker", "cpu/bench")
    site.done("reproduce", "--runner", "docker")
    site.store.rename(site.folder / "first")
    again = bench.half("docker", "cpu/bench")
    again.done("reproduce", "--runner", "docker")
    again.store.rename(site.folder / "second")
    for _ in range(count):
        stores = ("first", "second", "first", "second")
        children = [site.start("reproduce", "--runner", "docker", "--store", store) for store in stores]
        for child in children:
            code, _, err = ended(child, 120)
            assert code == 0 or (code == 11 and "uses this store" in err), err
        assert "nothing changed" in site.done("report").stdout
        assert not list(site.report.rglob("*.partial"))
        yield "the report is one of the two, whole"


def _hold(bench: Bench, folder: Path, lease: str) -> Any:
    image = bench.engine.images.get("kit-base:bookworm")
    return bench.engine.containers.run(
        image, ["sleep", "60"], name=lease, detach=True, labels={"kit.store": str(folder), "kit.step": "310/infer"}
    )


@scenario(
    "Crowded",
    "Two kits on one device",
    "a container of another store holds the device; it lives, has just ended, ended long ago",
    short=1,
    long=5,
    needs=("engine",),
)
def one_device(bench: Bench, count: int) -> Outcomes:
    import docker.errors as docker_errors

    from kit.containers import docker
    from kit.containers.runner import Binding
    from kit.errors import BusyError
    from kit.planning.step import Devices, Step

    class Image:
        def known_id(self, _name: str) -> str:
            return str(bench.engine.images.get("kit-base:bookworm").id)

    class Quiet:
        def progress(self, done: int, total: int, unit: str) -> None:
            """Nobody looks."""

        def line(self, text: str) -> None:
            """Nobody listens."""

    for number in range(count):
        folder = bench.folder("device")
        for name in ("out", "logs"):
            (folder / name).mkdir(parents=True)
        device = f"test-{folder.name}-{number}"
        step = Step(
            name="310/infer",
            stage="infer",
            title="t",
            image="runtime",
            argv=("true",),
            outputs=(),
            devices=Devices(leases=(device,)),
        )
        runner = docker.DockerRunner(Image(), folder)  # type: ignore[arg-type]
        binding = Binding(
            fingerprint="f", inputs={}, out=folder / "out", logs=folder / "logs", image_id=runner.image_id("runtime")
        )
        holder = _hold(bench, folder / "another", f"kit-device-{device}")
        grace = docker._DEAD_AFTER
        try:
            for _ in ("running", "just ended"):
                try:
                    runner.run(step, binding, Quiet())
                except BusyError as error:
                    assert f"held by container kit-device-{device}" in error.what, error.what
                    assert f"{folder}/another" in error.what and "step 310/infer" in error.what, error.what
                else:
                    raise AssertionError("two containers on one device")
                with contextlib.suppress(docker_errors.APIError):  # it has ended already
                    holder.kill()
                holder.wait()
            docker._DEAD_AFTER = timedelta(0)
            assert runner.run(step, binding, Quiet()).exit_code == 0
        finally:
            docker._DEAD_AFTER = grace
            for one in bench.engine.containers.list(all=True, filters={"name": f"kit-device-{device}"}):
                one.remove(force=True)
        yield "refused, naming container, step and store of the holder; free again after its death"


@scenario(
    "Crowded",
    "Eight kits render one report",
    "eight `kit report` processes at once, in two languages, while the results file changes",
    short=0,
    long=5,
    needs=("engine",),
)
def many_renderings(bench: Bench, count: int) -> Outcomes:
    site = bench.half("docker")
    site.done("reproduce", "--runner", "docker")
    path = site.report / "results" / "cpu.json"
    tree = json.loads(path.read_text())
    for number in range(count):
        tree["notes"] = [f"round {number}"]
        path.write_text(json.dumps(tree, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
        children = [site.start("report", "--lang", ("zh", "en")[child % 2]) for child in range(8)]
        for child in children:
            code, _, err = ended(child, 120)
            assert code == 0, err
        site.done("report", "--lang", "zh", "--lang", "en")
        assert "nothing changed" in site.done("report").stdout
        assert not list(site.report.rglob("*.partial"))
        yield "each ends well, the report is whole"
