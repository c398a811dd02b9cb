"""git, asked in folders of strangers: their configuration must not make it start a program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from kit.errors import InvalidInputError, MissingError

__all__ = ["git_commit", "git_output", "run_git"]

_SECONDS = 60
#: What a shipped .git/config could name a program for.
_HARMLESS = (
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.sshCommand=false", "diff.external=", "core.pager=cat",
    "protocol.allow=never",
)  # fmt: skip


def run_git(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder; its exit code is the caller's business.

    Raises:
        MissingError: git is not installed.
        InvalidInputError: it cannot be run there, or does not answer within a minute.
    """
    settings = [word for setting in _HARMLESS for word in ("-c", setting)]
    try:
        return subprocess.run(
            ["git", *settings, "-C", str(folder), *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            check=False,
            timeout=_SECONDS,
        )
    except FileNotFoundError as error:
        raise MissingError("git is not installed", remedy="install git, or leave the revision out") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidInputError(
            "git does not answer", where=str(folder), remedy="look at this folder with git, or leave the revision out"
        ) from error


def git_output(folder: Path, *words: str) -> bytes | None:
    """What git prints; None where it fails.

    Raises:
        MissingError, InvalidInputError: as :func:`run_git`.
    """
    done = run_git(folder, *words)
    return None if done.returncode else done.stdout


def git_commit(folder: Path, revision: str) -> str | None:
    """The id of the commit that a revision names; None where git knows no such revision."""
    found = git_output(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return found.decode().strip() if found else None
