"""The printed jobs in a real Slurm of one host: cards, order, what ends a job, and a second submission."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.cli import main
from tests.fleet.slurmsite import SlurmSite, slurm, slurm_is_here

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not slurm_is_here(), reason="slurmctld, slurmd and munge are not installed, or not for this user"
    ),
]

#: Stands in for kit on the host: keeps its words and what Slurm gave it; the target 310P fails.
KIT = """#!/bin/bash
printf '%s\\n' "$@" > "$KEPT/$SLURM_JOB_ID"
sleep 0.5
case " $* " in *" 310P "*) exit 9;; esac
"""


@pytest.fixture(scope="module")
def site() -> Iterator[SlurmSite]:
    with tempfile.TemporaryDirectory(prefix="kit-slurm-") as folder, slurm(Path(folder)) as one:
        (one.place / "kept").mkdir()
        (one.place / "programs").mkdir()
        (one.place / "programs" / "kit").write_text(KIT)
        (one.place / "programs" / "kit").chmod(0o755)
        yield one


def script(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(["reproduce", "--plan", "--format", "slurm", "--recipe", "examples/digits", "--runner", "local", *words])
    told = capsys.readouterr()
    assert end.value.code == 0, told.err
    return told.out


def submitted(site: SlurmSite, text: str, *, kit: bool = True) -> list[str]:
    """Numbers of the jobs that the script submits: targets in their order, then the report."""
    programs = f"{site.place / 'programs'}:" if kit else ""
    environment = site.environment | {"KEPT": str(site.place / "kept"), "PATH": f"{programs}/usr/bin:/bin"}
    ran = subprocess.run(
        ["bash", "-s", "--", "--partition=cards"], input=text, env=environment, cwd=site.place,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    last = int(ran.stdout.rpartition(" ")[2])
    return [str(number) for number in range(last - text.count("$(sbatch") + 1, last + 1)]


def words_of(site: SlurmSite, number: str) -> list[str]:
    return (site.place / "kept" / number).read_text().splitlines()


def test_cards_are_allotted_hosts_are_alone_and_the_report_comes_last(
    site: SlurmSite, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = str(site.place / 'a store\'s "$(place)"')
    text = script(capsys, "--target", "310", "--target", "cpu", "--shards", "4", "--devices", "0-3", "--store", odd)
    chip, cpu, report = (site.ended(number)[0] for number in submitted(site, text))
    assert [job["ExitCode"] for job in (chip, cpu, report)] == ["0:0"] * 3
    assert "npu:310:4" in chip["TresPerNode"]
    assert chip["OverSubscribe"] == cpu["OverSubscribe"] == "NO"
    first, second = sorted((chip, cpu), key=lambda job: job["StartTime"])
    assert first["EndTime"] <= second["StartTime"] <= second["EndTime"] <= report["StartTime"]
    words = words_of(site, chip["JobId"])
    assert words[words.index("--store") + 1] == f"{odd}/slurm/310"
    assert words[words.index("--devices") + 1] == "0,1,2,3"
    assert words[words.index("--shards") + 1] == "4"
    assert words_of(site, report["JobId"])[0] == "report"


def test_no_report_waits_for_a_target_that_failed(site: SlurmSite, capsys: pytest.CaptureFixture[str]) -> None:
    chip, report = site.ended(*submitted(site, script(capsys, "--target", "310P")))
    assert chip["ExitCode"] == "9:0"
    assert report["JobState"] == "CANCELLED"


def test_a_host_without_kit_is_one_sentence(site: SlurmSite, capsys: pytest.CaptureFixture[str]) -> None:
    (job, _) = site.ended(*submitted(site, script(capsys, "--target", "cpu"), kit=False))
    assert job["ExitCode"] == "4:0"
    said = Path(job["StdErr"]).read_text()
    assert "kit is not on the PATH" in said and "  do: install it" in said


def test_a_second_submission_waits_for_the_first(site: SlurmSite, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(capsys, "--target", "cpu")
    first, again = (submitted(site, text)[0] for _ in range(2))
    one, other = site.ended(first, again)
    assert one["ExitCode"] == other["ExitCode"] == "0:0"
    assert one["EndTime"] <= other["StartTime"]
