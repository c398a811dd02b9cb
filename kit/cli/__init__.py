"""The command line: one module per command, imported only when it is called."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from kit import __version__
from kit.errors import Exit, KitError, MissingError, ResourceError
from kit.signals import heeded_signals
from kit.storage.files import environment_error
from kit.terminal import guarded_streams, visible

__all__ = ["COMMANDS", "PAGES", "app", "main"]

#: Name -> one line for ``kit --help``. The module is ``kit.cli.<name>``, its function ``command``.
COMMANDS: dict[str, str] = {
    "init": "Write a commented kit.yaml for a model of timm or torchvision, own code, ONNX or scripts.",
    "reproduce": "Build, convert, infer, measure and report, in containers.",
    "report": "Render the report from stored results and published numbers.",
    "verify": "Check a report, or an archive of one, from its raw outputs forward.",
    "archive": "Put a report and all that is needed to check it into one file.",
    "keys": "Make a key for signing archives.",
    "audit": "Check every derived number of a published report.",
    "compare": "Compare two results: folders, revisions, targets, machines.",
    "explain": "Trace a number of the report to its formula, raw samples and run record.",
    "read": "Read logs of vendor tools into checked values.",
    "doctor": "Check engine, devices, drivers, disk, data and weights before a run.",
    "worker": "Say what this host can offer to a cluster of several hosts.",
    "build": "Build the container images.",
    "convert": "Run the conversion stage alone.",
    "infer": "Run inference over a data set alone.",
    "bench": "Measure throughput and latency of an engine alone.",
    "metrics": "Compute Top1 to Top5 from result files alone.",
    "schema": "Print the JSON Schema of kit.yaml.",
    "clean": "List and remove what dead runs left behind.",
}


#: Name -> pages of the documentation.
PAGES: dict[str, str] = {
    "init": "docs/first-model.md, docs/tasks.md",
    "reproduce": "docs/for-porting-engineers.md, docs/cards.md, docs/engines.md, docs/fleet.md",
    "report": "docs/report.md",
    "verify": "docs/report.md, docs/archive.md, docs/for-reviewers.md",
    "archive": "docs/archive.md",
    "keys": "docs/archive.md",
    "audit": "docs/audit.md, docs/rules.md",
    "compare": "docs/for-porting-engineers.md",
    "explain": "docs/report.md",
    "read": "docs/read.md, docs/api.md",
    "doctor": "docs/cards.md, docs/engines.md",
    "worker": "docs/fleet.md",
    "build": "images/README.md",
    "schema": "docs/first-model.md",
    "clean": "docs/reliability.md",
}

_EPILOG = """\
\b
Exit codes:
  0  it worked                        7   the engine is absent or refused
  2  the command line is wrong        8   a device or its driver is missing
  3  an input is not of its form      9   a program in a container failed
  4  something is not there           10  disk, memory or permissions ran out
  5  a digest or structure is wrong   11  another kit is at work here
  6  a check found a difference       130 interrupted: the same command goes on

\b
See also: {pages}.
"""


class _LazyGroup(TyperGroup):
    """Commands by name, imported on use: ``kit --help`` imports none of them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"kit.cli.{cmd_name}")
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        epilog = _EPILOG.format(pages=PAGES.get(cmd_name, "docs/errors.md"))
        single.command(name=cmd_name, epilog=epilog)(module.command)
        return typer.main.get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=_LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each command explains itself: kit COMMAND --help. Exit codes: docs/errors.md.",
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"kit {__version__}")
        raise typer.Exit


@app.callback()
def _kit(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Reproduce, verify and audit accelerator porting reports of vision models, in containers."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with a code of :class:`kit.errors.Exit`."""
    _ensure_streams()
    with heeded_signals(), guarded_streams():
        try:
            _ensure_folder()
            result: Any = app(args=args, standalone_mode=False)
            sys.stdout.flush()  # a full disk fails here, not when the interpreter ends
        except KitError as error:
            _fail(error)
        except KeyboardInterrupt:
            result = Exit.INTERRUPTED
        except Exception as error:  # noqa: BLE001 - the last line of defence separates a user's mistake from ours
            _unexpected(error)
        if result == Exit.INTERRUPTED:  # typer makes this of an interruption, too
            _say("interrupted: what was finished is kept; run the same command again to go on")
    sys.exit(result if isinstance(result, int) else 0)


def _ensure_streams() -> None:
    """Give a command its three streams where the caller closed some: otherwise its next file would be one of them."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8"))


def _ensure_folder() -> None:
    try:
        os.getcwd()  # noqa: PTH109 - asked only whether there is one
    except OSError as error:
        raise MissingError(
            f"the working directory cannot be used: {error.strerror}", remedy="change to a folder that exists"
        ) from error


def _fail(error: KitError) -> None:
    _say(f"error: {error}", f"  do: {error.remedy}")
    sys.exit(int(error.exit_code))


def _unexpected(error: Exception) -> None:
    if isinstance(error, typer.Abort):
        sys.exit(int(Exit.INTERRUPTED))
    if isinstance(error, MemoryError):
        _fail(ResourceError("kit itself ran out of memory", remedy="end other programs, or give a smaller file"))
    if isinstance(error, OSError) and (known := environment_error(error)):
        _fail(known)  # a full disk or a forbidden folder is not a defect of ours, wherever it shows
    if isinstance(error, TyperException):
        _show_usage(error)
        sys.exit(int(Exit.USAGE))
    traceback.print_exc()
    _say(
        f"internal error: {type(error).__name__}: {error}",
        f"  do: this is a defect of kit {__version__}; send us the lines above and the command that you ran",
    )
    sys.exit(int(Exit.INTERNAL))


def _show_usage(error: TyperException) -> None:
    show = getattr(error, "show", None)  # usage errors know their command line
    if callable(show):
        show()
    else:
        _say(f"error: {error.format_message()}")


def _say(*lines: str) -> None:
    for line in lines:
        print(visible(line), file=sys.stderr)  # one sentence stays one line
