"""Whether the device nodes exist and are device nodes."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from kit.doctor import Finding
from kit.planning.target import Job
from kit.targets.ascend.passthrough import MANAGERS, chip_nodes
from kit.targets.cards import host_root

__all__ = ["check"]

_PREVENTS = "[ERROR] aclrtSetDevice failed! (SetDevice failed.ret=507033)"


def _present(top: Path) -> list[int]:
    try:
        names = [path.name for path in (top / "dev").iterdir()]
    except OSError:
        return []
    return sorted(int(name[7:]) for name in names if re.fullmatch(r"davinci\d+", name))


def check(job: Job) -> Finding:
    """``davinciN``, ``davinci_manager``, ``devmm_svm``, ``hisi_hdc``."""
    top = host_root()
    wanted = (*chip_nodes(job.device), *MANAGERS)
    missing, wrong = [], []
    for node in wanted:
        try:
            mode = (top / node.lstrip("/")).stat().st_mode
        except OSError:
            missing.append(node)
            continue
        if not stat.S_ISCHR(mode):
            wrong.append(node)
    chips = _present(top)
    if missing and not chips:
        return Finding(
            "fail",
            f"this machine has no Ascend chip: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there",
            "run on the machine that has the card, install its driver, or rehearse with --simulate",
            _PREVENTS,
        )
    if missing:
        have = f"; the chips here are {', '.join(str(chip) for chip in chips)}"
        return Finding(
            "fail",
            f"missing: {', '.join(missing)}{have}",
            "choose a chip with --device N (the container gets all from 0 to N), or load the driver again",
            _PREVENTS,
        )
    if wrong:
        return Finding(
            "fail",
            f"not a character device: {', '.join(wrong)}",
            "load the driver again: it makes the nodes",
            _PREVENTS,
        )
    return Finding("ok", ", ".join(wanted))
