"""A network of its own for a host of a test, with one wire to this machine, which can be cut. Needs root."""

from __future__ import annotations

import os
import subprocess

__all__ = ["Link"]


class Link:
    """A network namespace, and a pair of interfaces between it and this machine."""

    outer, inner = "172.31.252.1", "172.31.252.2"

    def __init__(self) -> None:
        self._name = f"kit{os.getpid()}"
        self.within = ("ip", "netns", "exec", self._name)

    def start(self) -> None:
        """Lay the wire."""
        name = self._name
        for words in (
            f"ip netns add {name}",
            f"ip link add {name} type veth peer name inner netns {name}",
            f"ip addr add {self.outer}/30 dev {name}",
            f"ip link set {name} up",
            f"ip -n {name} addr add {self.inner}/30 dev inner",
            f"ip -n {name} link set inner up",
            f"ip -n {name} link set lo up",
        ):
            subprocess.run(words.split(), check=True)

    def cut(self) -> None:
        """Cut it: nobody is told, what is sent is lost."""
        subprocess.run(["ip", "-n", self._name, "link", "set", "inner", "down"], check=True)

    def restore(self) -> None:
        """Join it again."""
        subprocess.run(["ip", "-n", self._name, "link", "set", "inner", "up"], check=True)

    def stop(self) -> None:
        """Remove both."""
        subprocess.run(["ip", "link", "delete", self._name], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "delete", self._name], check=False, capture_output=True)
