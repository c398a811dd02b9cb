"""Addresses of a cluster, and what is said where nobody, or another version, answers."""

from __future__ import annotations

import pytest

from kit.errors import EngineError, InvalidInputError
from kit.fleet.cluster import connected
from kit.fleet.head import place_of, refused


def test_addresses() -> None:
    assert place_of("ray://head.example:10001") == ("head.example", 10001)
    assert place_of("10.0.0.1:6379") == ("10.0.0.1", 6379)
    assert place_of("ray://[fd00::1]:10001") == ("fd00::1", 10001)


@pytest.mark.parametrize(
    "text", ["", "head", "ray://", "ray://head", "head:0", "head:65536", "http://head:8265", "head :1", "-a:1", "local"]
)
def test_what_is_no_address_is_told_before_anything_starts(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not the address of a cluster") as caught, connected(text):
        raise AssertionError
    assert "ray://HEAD:10001" in caught.value.remedy


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_where_nobody_listens_it_is_told_at_once(scheme: str) -> None:
    pytest.importorskip("ray")
    with pytest.raises(EngineError, match="no cluster answers: Connection refused"), connected(f"{scheme}127.0.0.1:1"):
        raise AssertionError


def test_another_version_is_named() -> None:
    utils = pytest.importorskip("ray._private.utils")
    with pytest.raises(RuntimeError) as caught:  # what Ray itself says
        utils.check_version_info({"ray_version": "2.9.0", "python_version": "3.9.1"}, "machine", raise_on_mismatch=True)
    error = refused("head:6379", caught.value)
    assert error.what.startswith("the cluster has Ray 2.9.0 on Python 3.9.1, this machine Ray ")
    assert "token" not in f"{error} {error.remedy}"
