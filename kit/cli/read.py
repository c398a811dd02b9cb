"""``kit read``: logs of vendor tools into checked values."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from kit.cli.usage import argument, option
from kit.errors import InvalidInputError, KitError
from kit.terminal import visible

if TYPE_CHECKING:
    from kit.toollogs.output import ToolOutput

__all__ = ["command"]


def command(
    logs: Annotated[list[str], argument("LOG...", "What a tool printed or wrote; - is standard input.")],
    tool: Annotated[str | None, option("--tool NAME", "The tool, where the text does not show it.")] = None,
    as_json: Annotated[bool, option("--json", "Print JSON: one object, by file.")] = False,
) -> None:
    """Read logs of vendor tools into checked values.

    Knows benchmark (data set and pure inference), ais_infer and ais_bench, msame, trtexec 5 to 11 with --dumpProfile,
    --exportTimes, --exportOutput and --exportProfile, benchmark_app of OpenVINO, onnxruntime_perf_test, npu-smi,
    nvidia-smi (table with MIG, -q, -L, dmon, pmon, queries), atc and the JSON of vision_metric_ImageNet.py; the text
    may also be a report that quotes them, or what docker logs, journald or grep put a mark before. A number that may
    be cut off is never taken; several runs are all shown; values that contradict each other, odd lines and missing
    values are named.

    Status: ok, lenient (odd form or doubts, all values), partial (values are missing), error (nothing usable). Where
    nothing could be read of a file, kit read ends with 3, or with the code of docs/errors.md that says why.

    \b
    Examples:
      kit read result/perf_vision_batchsize_1_device_0.txt
      kit read --json *.log > values.json
      kit read --tool trtexec README.md
      npu-smi info | kit read -
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.toollogs.reader import MAX_BYTES, read_bytes, read_file

    values: dict[str, Any] = {}
    failures: list[KitError] = []
    for position, log in enumerate(logs):
        try:
            if log == "-":
                _, output = read_bytes(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input", tool)
            else:
                _, output = read_file(Path(log), tool)
        except KitError as error:
            failures.append(error)
            values[log] = {"family": None, "status": "error", "problems": [error.what], "remedy": error.remedy}
            continue
        values[log] = output.as_json()
        if output.status == "error":
            failures.append(_nothing_read(log, output))
        if not as_json:
            _show(log, output, blank=position > 0)
    if as_json:
        print(json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False))
    if len(failures) == 1:
        raise failures[0]
    if failures:
        for failure in failures if not as_json else []:
            print(f"error: {visible(failure)}\n  do: {visible(failure.remedy)}", file=sys.stderr)
        summary = KitError(
            f"{len(failures)} of {len(logs)} files could not be read", remedy="follow the remedy next to each name"
        )
        summary.exit_code = failures[0].exit_code
        raise summary


def _nothing_read(log: str, output: ToolOutput) -> KitError:
    """The error for a log of a known tool that holds nothing usable."""
    why = output.problems[0] if output.problems else "there is no value in it"
    return InvalidInputError(
        f"nothing usable in this output of {output.family}: {why}",
        where="standard input" if log == "-" else log,
        remedy="give the whole output of a run that ended well",
    )


def _show(log: str, output: ToolOutput, *, blank: bool) -> None:
    """The table for people."""
    if blank:
        print()
    print(f"{visible(log)}: {output.family}, {output.status}")
    rows = output.rows()
    what = max((len(row.what) for row in rows if row.value), default=0)
    value = max((len(row.value) for row in rows if len(row.value) <= 24), default=0)
    for row in rows:
        print(visible(f"  {row.what:<{what}}  {row.value:<{value}}  {row.unit}".rstrip()))
    for problem in output.problems:
        print(f"  ! {visible(problem)}")
