"""The command ``kit``, and ``python -m kit``."""

import atexit
import gc
import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, with Python's own modules before those of the same names in folders of the user's."""
    own = os.path.dirname(os.__file__)  # noqa: PTH120 - pathlib might be the user's already
    # A json.py in a folder of PYTHONPATH, or in the current one, would stand in for the standard library's.
    sys.path.sort(key=lambda place: not place.startswith(own) or "-packages" in place)
    # Looking for pydantic's plug-ins reads the metadata of every installed package, and kit has none.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    gc.set_threshold(100_000, 20, 20)  # a short process makes little garbage; looking for it takes a tenth of the time
    atexit.register(gc.freeze)  # nor is it looked for at the end, when the process gives all its memory back
    import signal

    if (answer := signal.getsignal(signal.SIGINT)) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules load ends kit without a trace of Python
    from kit.cli import main as run

    signal.signal(signal.SIGINT, answer)
    run()


if __name__ == "__main__":
    main()
