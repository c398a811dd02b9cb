"""A Slurm of one host on this machine, with its own munge: Debian's slurmctld and slurmd, run as root."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SlurmSite", "slurm", "slurm_is_here"]

_CONF = """\
ClusterName=kit
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge.socket
CredType=cred/munge
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd.log
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0
GresTypes=npu,gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=1 RealMemory=1000 Gres=npu:310:4,npu:310P:2 State=UNKNOWN
PartitionName=cards Nodes=ALL Default=YES State=UP
"""
_GRES = "Name=npu Type=310 Count=4\nName=npu Type=310P Count=2\n"


def slurm_is_here() -> bool:
    """Whether the programs are installed and this user may run them."""
    return os.geteuid() == 0 and all(map(shutil.which, ("slurmctld", "slurmd", "munged", "sbatch")))


class SlurmSite:
    """Its folder, and the environment in which its commands reach it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.environment = {**os.environ, "SLURM_CONF": str(place / "slurm.conf")}

    def run(self, *words: str, **more: str) -> str:
        """What a command of Slurm prints.

        Raises:
            CalledProcessError: it failed.
        """
        done = subprocess.run(
            words, env=self.environment | more, cwd=self.place, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    def job(self, number: str) -> dict[str, str]:
        """What Slurm says of a job that it still knows."""
        words = self.run("scontrol", "--oneliner", "show", "job", number).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def ended(self, *numbers: str) -> list[dict[str, str]]:
        """The jobs, when all have ended."""
        deadline = time.monotonic() + 90
        while True:
            jobs = [self.job(number) for number in numbers]
            if not {job["JobState"] for job in jobs} & {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING"}:
                return jobs
            if time.monotonic() > deadline:
                raise AssertionError(jobs)
            time.sleep(0.3)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextlib.contextmanager
def slurm(place: Path) -> Iterator[SlurmSite]:
    """A running Slurm; its daemons end with it. The path must be short, for munge's socket."""
    place.chmod(0o755)
    for name in ("state", "spool"):
        (place / name).mkdir()
    (place / "slurm.conf").write_text(
        _CONF.format(host=socket.gethostname().partition(".")[0], place=place, ports=_free_ports(2))
    )
    (place / "gres.conf").write_text(_GRES)
    (place / "munge.key").write_bytes(os.urandom(1024))
    (place / "munge.key").chmod(0o400)
    site = SlurmSite(place)
    munge = ["--socket", f"{place}/munge.socket", "--log-file", f"{place}/munged.log", "--seed-file", f"{place}/seed"]
    munge += ["--key-file", f"{place}/munge.key", "--pid-file", f"{place}/munged.pid", "--force", "--foreground"]
    children: list[subprocess.Popen[bytes]] = []
    try:
        for words in (["munged", *munge], ["slurmctld", "-D"], ["slurmd", "-D"]):
            with (place / f"{words[0]}.out").open("wb") as log:
                children.append(subprocess.Popen(words, env=site.environment, stdout=log, stderr=log))
            deadline = time.monotonic() + 30
            while words[0] == "munged" and not (place / "munge.socket").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
        _await_idle(site)
        yield site
    finally:
        for child in reversed(children):
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)
            child.kill()
            child.wait()


def _await_idle(site: SlurmSite) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(subprocess.CalledProcessError):
            if site.run("sinfo", "--noheader", "--format=%t").strip() == "idle":
                return
        if time.monotonic() > deadline:
            raise RuntimeError((site.place / "slurmctld.out").read_text() + (site.place / "slurmd.out").read_text())
        time.sleep(0.2)
