"""What an engine prints while it builds an image, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.containers.images import STANDARD, BuildOptions, Images
from kit.errors import StepError

#: As pip prints it with nothing behind PIP_INDEX_URL.
RETRY = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by"
    " 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new"
    " connection: [Errno 111] Connection refused')': /simple/numpy/\n"
)
MISSING = "ERROR: No matching distribution found for numpy==1.0\n"
FAILED = {"error": "The command '/bin/sh -c pip install' returned a non-zero code: 1"}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            [RETRY, RETRY, MISSING],
            r"the package index does not answer: Failed to .* connection: \[Errno 111\] Connection refused$",
        ),
        ([MISSING], "No matching distribution found for numpy==1.0"),
    ],
)
def test_a_build_that_fails_is_told_in_the_tools_words(tmp_path: Path, lines: list[str], words: str) -> None:
    images = Images((), tmp_path, BuildOptions(), lambda _line: None)
    with pytest.raises(StepError, match=words):
        images._follow(STANDARD[1], iter([*({"stream": line} for line in lines), FAILED]))
