"""Whether a container of this user may open the nodes, through their group."""

from __future__ import annotations

import grp
import os

from kit.doctor import Finding
from kit.planning.target import Job
from kit.targets.ascend.config import options_of
from kit.targets.ascend.passthrough import MANAGERS, chip_nodes
from kit.targets.cards import host_root

__all__ = ["check"]


def _name(gid: int) -> str:
    try:
        return f"{grp.getgrgid(gid).gr_name} ({gid})"
    except KeyError:
        return str(gid)


def check(job: Job) -> Finding:
    """Mode and group of the nodes."""
    top = host_root()
    closed, groups, seen = [], set(), 0
    for node in (*chip_nodes(job.device), *MANAGERS):
        try:
            status = (top / node.lstrip("/")).stat()
        except OSError:
            continue
        seen += 1
        if status.st_mode & 0o006 == 0o006 or (status.st_uid == os.getuid() != 0 and status.st_mode & 0o600 == 0o600):
            continue
        if status.st_mode & 0o060 == 0o060:
            groups.add(status.st_gid)
        else:
            closed.append(f"{node} (mode {status.st_mode & 0o777:o})")
    if closed and not options_of(job).root:
        return Finding(
            "fail",
            f"only root may use {', '.join(closed)}",
            "give the nodes to a group with mode 660 (the driver's installer does: group HwHiAiUser)",
            prevents="ACL 207006: no permission; [ERROR] Please run benchmark as root user!",
        )
    if groups:
        return Finding(
            "ok", f"containers get the group of the nodes: {', '.join(_name(gid) for gid in sorted(groups))}"
        )
    if not seen:
        return Finding("note", "there are no nodes to check")
    return Finding("ok", "every user may use the nodes")
