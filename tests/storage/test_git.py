"""A folder of a stranger may hold a .git whose configuration names programs: none of them runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kit.storage.git import run_git


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_planted_configuration_starts_nothing(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()

    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], cwd=site, check=True, capture_output=True)

    git("init", "-q")
    (site / "a.txt").write_text("a\n")
    git("add", ".")
    git("commit", "-qm", "first")
    proof = tmp_path / "ran"
    planted = tmp_path / "planted.sh"
    planted.write_text(f"#!/bin/sh\ntouch {proof}\n")
    planted.chmod(0o755)
    for setting in ("core.fsmonitor", "diff.external", "core.pager", "core.sshCommand"):
        git("config", setting, str(planted))
    (site / "a.txt").write_text("b\n")
    assert run_git(site, "ls-files", "--error-unmatch", "--", "a.txt").returncode == 0
    assert b"+b" in run_git(site, "diff", "--no-ext-diff", "--unified=0", "HEAD", "--", "a.txt").stdout
    assert run_git(site, "show", "HEAD:./a.txt").stdout == b"a\n"
    assert not proof.exists()
    assert run_git(site, "rev-parse", "--verify", "--quiet", "nothing^{commit}").returncode
