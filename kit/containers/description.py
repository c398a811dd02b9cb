"""What a container gets, as one value: the SDK's call and the printed ``docker run`` line are both made from it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import docker

__all__ = ["BindMount", "ContainerRun"]

#: How /tmp of a container is mounted: 1 GiB.
_TMP = f"rw,nosuid,nodev,size={1 << 30}"
#: What the engine's GPU driver makes available.
_GPU_CAPABILITIES = ("compute", "utility")


@dataclass(frozen=True)
class BindMount:
    """A file or folder of the host, and where the container sees it."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True)
class ContainerRun:
    """One run. What a step may not choose is not here: read-only root, no capabilities, no new privileges."""

    image: str
    command: tuple[str, ...]
    user: str
    workdir: str
    memory_bytes: int
    pids: int
    shm_bytes: int
    network: str = "none"
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[BindMount, ...] = ()
    nodes: tuple[str, ...] = ()  # source:target
    groups: tuple[int, ...] = ()
    gpus: tuple[str, ...] = ()
    runtime: str | None = None
    name: str | None = None  # of a container that holds a device: the engine lets nobody else take it

    def flags(self) -> list[str]:
        """The flags of ``docker run`` or ``docker create``."""
        flags = ["--init", "--user", self.user, "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        flags += [f"--network={self.network}", f"--memory={self.memory_bytes}", f"--memory-swap={self.memory_bytes}"]
        flags += [f"--pids-limit={self.pids}", f"--shm-size={self.shm_bytes}", f"--tmpfs=/tmp:{_TMP}"]
        flags.append("--log-driver=none")
        for mount in self.mounts:
            tail = ",readonly" if mount.read_only else ""
            flags.append(f"--mount=type=bind,source={mount.source},target={mount.target}{tail}")
        flags += [f"--device={node}:rw" for node in self.nodes]
        flags += [f"--group-add={group}" for group in self.groups]
        if self.gpus:
            flags.append(f'--gpus="device={",".join(self.gpus)}","capabilities={",".join(_GPU_CAPABILITIES)}"')
        if self.runtime:
            flags.append(f"--runtime={self.runtime}")
        if self.name:
            flags += ["--name", self.name]
        for name, text in self.environment.items():
            flags += ["--env", f"{name}={text}"]
        return [*flags, "--workdir", self.workdir]

    def command_line(self) -> str:
        """A ``docker run`` line, which can be pasted into a shell."""
        return shlex.join(["docker", "run", "--rm", *self.flags(), self.image, *self.command])

    def create(self, client: docker.DockerClient, labels: Mapping[str, str]) -> str:
        """Make the container through the engine's SDK, and return its id.

        Raises:
            docker.errors.DockerException: the engine refused.
        """
        import docker.types

        options: dict[str, Any] = {}
        if self.gpus:
            wanted = docker.types.DeviceRequest(device_ids=list(self.gpus), capabilities=[[*_GPU_CAPABILITIES, "gpu"]])
            options["device_requests"] = [wanted]
        if self.runtime:
            options["runtime"] = self.runtime
        host = client.api.create_host_config(
            mounts=[
                docker.types.Mount(one.target, one.source, type="bind", read_only=one.read_only) for one in self.mounts
            ],
            network_mode=self.network,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit=self.memory_bytes,
            memswap_limit=self.memory_bytes,
            pids_limit=self.pids,
            shm_size=self.shm_bytes,
            tmpfs={"/tmp": _TMP},  # noqa: S108 - in the container
            devices=[f"{node}:rw" for node in self.nodes],
            group_add=[str(group) for group in self.groups],
            log_config=docker.types.LogConfig(type="none"),
            init=True,
            restart_policy={"Name": "no"},
            **options,
        )
        made = client.api.create_container(
            self.image,
            list(self.command),
            name=self.name,
            user=self.user,
            environment=dict(self.environment),
            working_dir=self.workdir,
            labels=dict(labels),
            host_config=host,
        )
        return str(made["Id"])
