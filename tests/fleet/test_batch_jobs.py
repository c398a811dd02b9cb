"""Jobs for Slurm and Kubernetes: valid in their own eyes, and with what each target needs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.cli import main

#: Stands in for Slurm's: keeps what it is given, and answers with a number.
SBATCH = """#!/bin/bash
number=$(ls "$KEPT" | wc -l)
{ echo "# $*"; cat; } > "$KEPT/$number"
echo "$((100 + number));here"
"""


def plan(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(["reproduce", "--plan", *words])
    told = capsys.readouterr()
    assert end.value.code == 0, told.err
    return told.out


def submit(script: str, folder: Path, *words: str) -> list[str]:
    """The jobs that a script submits, as Slurm gets them."""
    kept, programs = folder / "kept", folder / "programs"
    kept.mkdir()
    programs.mkdir()
    (programs / "sbatch").write_text(SBATCH)
    (programs / "sbatch").chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "KEPT": str(kept)}
    ran = subprocess.run(
        ["bash", "-s", "--", *words], input=script, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return [path.read_text() for path in sorted(kept.iterdir())]


def test_slurm_runs_each_target_alone_and_renders_after_all(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, root: Path
) -> None:
    recipe = root / "examples" / "digits"
    targets = ("--target", "cpu", "--target", "310P", "--target", "T4")
    script = plan(capsys, "--recipe", str(recipe), *targets, "--format", "slurm", "--batch", "4")
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    cpu, ascend, gpu, report = submit(script, tmp_path, "--partition=cards")
    for job in (cpu, ascend, gpu):
        assert job.startswith("# --parsable --partition=cards\n#!/bin/bash\n")
        assert "#SBATCH --exclusive\n" in job
        assert f"--recipe {recipe}" in job
        assert "--batch 4" in job
    assert "--gres" not in cpu
    assert "#SBATCH --gres=npu:310P:1\n" in ascend
    assert "#SBATCH --gres=gpu:t4:1\n" in gpu
    stores = {job.split("--store ")[1].split()[0] for job in (cpu, ascend, gpu)}
    assert len(stores) == 3
    assert "--dependency=afterok:100:101:102 " in report
    assert "exec kit report " in report


def test_a_rehearsal_takes_no_card(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("--recipe", "examples/digits", "--target", "T4", "--simulate", "--format")
    job, report = submit(plan(capsys, *words, "slurm"), tmp_path)
    assert "--gres" not in job
    assert " --simulate" in job
    assert " --simulated" in report
    assert "nvidia.com" not in plan(capsys, *words, "k8s")


def test_names_with_blanks_and_quotes_reach_kit_as_they_are(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    odd = tmp_path / 'it\'s $(touch x) `y` "z"'
    script = plan(capsys, "--recipe", "examples/digits", "--format", "slurm", "--target", "cpu", "--store", str(odd))
    job = submit(script, tmp_path)[0]
    (tmp_path / "kit").write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    (tmp_path / "kit").chmod(0o755)
    ran = subprocess.run(
        ["bash"],
        input=job,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{odd}/slurm/cpu" in ran.stdout.splitlines()
    assert not (tmp_path / "x").exists()


def test_a_line_end_in_a_name_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    odd = f"{tmp_path}/a\nKIT_JOB\ntouch x"
    with pytest.raises(SystemExit) as end:
        main(["reproduce", "--plan", "--format", "slurm", "--recipe", "examples/digits", "--store", odd])
    assert end.value.code == 3
    assert "control character" in capsys.readouterr().err


def test_kubernetes_takes_the_jobs_and_they_have_no_privilege(capsys: pytest.CaptureFixture[str]) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    targets = ("--target", "cpu", "--target", "310", "--target", "310P", "--target", "T4")
    jobs = list(yaml.safe_load_all(plan(capsys, "--recipe", "kit.yaml", *targets[2:], "--format", "k8s")))
    jobs += list(yaml.safe_load_all(plan(capsys, "--recipe", "examples/digits", *targets, "--format", "k8s")))
    devices = []
    for job in jobs:
        validate.validate(job, validate.latest_version(), strict=True)
        pod: dict[str, Any] = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all("hostPath" not in volume for volume in pod["volumes"])
        assert job["spec"]["backoffLimit"] == 0
        assert "podAntiAffinity" in pod["affinity"]
        devices += [name for name in container["resources"]["limits"] if "/" in name]
    assert devices == ["huawei.com/Ascend310", "huawei.com/Ascend310P", "nvidia.com/gpu"] * 2
    names = [job["metadata"]["name"] for job in jobs]
    assert all(name == name.lower() and len(name) <= 63 for name in names)


def test_kubernetes_mounts_a_data_set_outside_of_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    job = yaml.safe_load(plan(capsys, "--recipe", "kit.yaml", "--target", "T4", "--format", "k8s"))
    assert "/work/kit.yaml" in job["spec"]["template"]["spec"]["containers"][0]["command"]
    mounts = job["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert {"name": "data", "mountPath": "/root/datasets/imagenet", "readOnly": True} in mounts


def test_kubernetes_names_data_next_to_the_recipes_folder_by_the_path_that_is_mounted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = yaml.safe_load(plan(capsys, "--recipe", "examples/digits_text", "--format", "k8s"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    examples = Path("examples").absolute()
    assert {"name": "data", "mountPath": str(examples), "readOnly": True} in container["volumeMounts"]
    command = container["command"]
    assert command[command.index("--images") + 1] == str(examples / "digits")
    assert "--labels" not in command


def test_scripts_outside_of_the_recipes_folder_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = Path("examples/digits_text/kit.yaml").read_text().replace("code: scripts", "code: ../scripts")
    (tmp_path / "own").mkdir()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "own" / "kit.yaml").write_text(text)
    with pytest.raises(SystemExit) as end:
        main(["reproduce", "--plan", "--format", "k8s", "--recipe", str(tmp_path / "own")])
    assert end.value.code == 3
    assert f"error: {tmp_path}/scripts: this lies outside of the recipe's folder" in capsys.readouterr().err


def test_a_format_goes_with_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["reproduce", "--recipe", "examples/digits", "--format", "slurm"])
    assert end.value.code == 2
    assert "--plan" in capsys.readouterr().err


def test_shards_devices_and_choices_reach_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--recipe", "examples/digits", "--target", "310", "--shards", "4", "--devices", "0-3", "--force", "all")
    script = plan(capsys, *words, "--gate", "--format", "slurm")
    assert "#SBATCH --gres=npu:310:4\n" in script
    assert " --devices 0,1,2,3 --shards 4 --force all --gate\n" in script
    (job,) = yaml.safe_load_all(plan(capsys, *words, "--format", "k8s"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["huawei.com/Ascend310"] == "4"
    assert container["command"][-6:] == ["--devices", "0,1,2,3", "--shards", "4", "--force", "all"]


def test_pods_that_need_a_vendors_tools_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--plan", "--format", "k8s", "--recipe", "examples/digits", "--target", "cpu", "--target", "310P"]
    with pytest.raises(SystemExit):
        main(["reproduce", *words])
    assert "note: pods of 310P need an image with the vendor's tools" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (["--plan", "--format", "k8s", "--image", "a b"], 3, "is not the reference of an image"),
        (["--plan", "--image", "kit:1"], 2, "--image: goes with --format k8s"),
        (["--plan", "--format", "pbs"], 2, "pbs"),
        (["--plan", "--shards", "0"], 2, "--shards"),
        (["--plan", "--devices", "3-0"], 3, "--devices '3-0' is not a list of devices"),
        (["--plan", "--format", "slurm", "--target", "cpu", "--devices", "0,1"], 3, "has one device a card"),
        (["--plan", "--format", "slurm", "--target", "TPU"], 3, "target 'TPU' is not in the recipe"),
    ],
)
def test_what_cannot_be_printed_is_one_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, what: str
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["reproduce", "--recipe", "examples/digits", *words])
    told = capsys.readouterr()
    assert end.value.code == code, told.err
    assert what in " ".join(told.err.split())
    assert not told.out
