"""The corpus, mutated by hypothesis everywhere, and by atheris for a minute where it is installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
_WORDS = (b"", b"nan", b"-inf", b"1e999", b"\xff", b"\n", b"|", b"9" * 400, b"!!int ''", b"{", b"\0")
SECONDS = 11  # per target in CI, less than two minutes in all; `fuzz.py TARGET --seconds 3600` by hand


def seeds(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / target).glob("*"))]


@pytest.mark.parametrize("target", TARGETS)
def test_corpus(target: str) -> None:
    assert seeds(target), "no corpus"
    for data in seeds(target):
        TARGETS[target](data)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_mutations(target: str, data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from(seeds(target))))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 40)))
        words = st.sampled_from(
            [b"", b"nan", b"-inf", b"1e999", b"\xff", b"\n", b"|", b"9" * 400, b"!!int ''", b"{", b"\0"]
        )
        text[start:end] = data.draw(st.one_of(words, st.binary(max_size=8)))
    TARGETS[target](bytes(text))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("target", TARGETS)
def test_coverage_guided(target: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("fuzz.py")), target, "--seconds", str(SECONDS)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
