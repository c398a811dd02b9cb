"""An interruption that comes at an awkward moment is not lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

#: The signal comes while a destructor runs: whatever is raised there, Python prints and forgets.
_PROGRAM = """
import os, signal, sys, time
import kit.cli

class Awkward:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(1000):
            pass

def app(**_):
    Awkward()
    time.sleep(20)

kit.cli.app = app
kit.cli.main([])
"""


#: The signal comes while logging takes its lock before a fork, so that it lets go of what it does not hold.
_FORK = """
import logging, os, subprocess, sys, time
import kit.cli

own = logging._lock

class Lock:
    def acquire(self):
        logging._lock = own
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(1000):
            pass

def app(**_):
    logging._lock = Lock()
    subprocess.run(["true"], preexec_fn=int)
    time.sleep(20)

kit.cli.app = app
kit.cli.main([])
"""


@pytest.mark.parametrize("program", [_PROGRAM, _FORK], ids=["destructor", "fork"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["INT", "TERM", "HUP"]
)
def test_a_signal_where_nothing_can_be_raised_is_not_lost(program: str, number: signal.Signals, code: int) -> None:
    words = [sys.executable, "-c", program, str(int(number))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(words, capture_output=True, text=True, timeout=15, check=False, env=environment)
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr


#: Ctrl-C once more, as it comes to each process of a group twice under `timeout` or `make`, or from the impatient.
_AGAIN = """
import os, signal, time
import kit.cli

def app(**_):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)
    finally:
        os.kill(os.getpid(), signal.SIGINT)
        print("cleaned up", flush=True)

kit.cli.app = app
kit.cli.main([])
"""


def test_a_second_ctrl_c_does_not_cut_the_cleanup_short() -> None:
    ran = subprocess.run([sys.executable, "-c", _AGAIN], capture_output=True, text=True, check=False, timeout=30)
    assert (ran.returncode, ran.stdout) == (130, "cleaned up\n")
    assert ran.stderr.startswith("interrupted: what was finished is kept")
