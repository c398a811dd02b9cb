"""What stands in the place of weights is told for what it is, before any word about checksums."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.data.weights import check_weights
from kit.errors import DamagedError, InvalidInputError
from kit.recipe.schema import Weights

WEIGHTS = Weights(path="w.pth", md5="0" * 32)


@pytest.mark.parametrize(
    ("data", "words", "remedy"),
    [
        (b"", "an empty file", "fetch it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer", "git lfs pull"),
        (b"\n <!DOCTYPE html><html>", "a web page", "--weights"),
        (b"\xef\xbb\xbf<HTML><head>", "a web page", "--weights"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "a web page", "--weights"),
        (b"PK\x03\x04", "md5 is", "correct the recipe"),
    ],
)
def test_what_is_in_the_place_of_weights_is_told(data: bytes, words: str, remedy: str, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=words) as caught:
        check_weights(path, WEIGHTS)
    assert remedy in caught.value.remedy


def test_a_device_is_refused_at_once() -> None:
    with pytest.raises(InvalidInputError, match="not a regular file"):
        check_weights(Path("/dev/zero"), WEIGHTS)
