"""What travels: damaged, late and hostile deliveries are refused."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from kit.errors import DamagedError
from kit.fleet.delivery import Delivery, Parcel, pack, unpack


def sent(folder: Path) -> Delivery:
    (folder / "results").mkdir()
    (folder / "results" / "a.json").write_bytes(b"{}" * 1000)
    return Delivery("one", pack(folder, [folder / "results" / "a.json"]))


def test_files_arrive_as_they_were_sent(tmp_path: Path) -> None:
    assert unpack(sent(tmp_path), "one", "host") == {"results/a.json": b"{}" * 1000}


def test_a_late_attempt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match="host: an earlier attempt came back late"):
        unpack(sent(tmp_path), "two", "host")


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/../../b", "", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    (parcel,) = sent(tmp_path).files.values()
    with pytest.raises(DamagedError, match="leads elsewhere"):
        unpack(Delivery("one", {name: parcel}), "one", "host")


def test_changed_and_inflated_files_are_refused(tmp_path: Path) -> None:
    (parcel,) = sent(tmp_path).files.values()
    for bad in (
        replace(parcel, data=zlib.compress(b"[]" * 1000)),
        replace(parcel, data=parcel.data[:-8]),
        replace(parcel, data=b"not compressed"),
        replace(parcel, size=10),  # a few bytes that would become many
        Parcel(parcel.sha256, -1, parcel.data),
    ):
        with pytest.raises(DamagedError, match="did not arrive as it was sent"):
            unpack(Delivery("one", {"a": bad}), "one", "host")
