"""Every number of a results file, read again where its evidence says, without the code that verifies results."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from kit.results.evidence import all_evidence
from kit.results.kept import SUFFIX, unpack
from kit.results.places import read_again, same
from kit.results.resultsfile import load_results

__all__ = ["numbers_read_again"]


def numbers_read_again(path: Path) -> int:
    """How many values of ``results/<target>.json`` were found again in what is kept next to it; all of them must be."""
    results = load_results(path)
    kept = unpack(path.with_name(path.stem + SUFFIX))
    measured = [one for one in (results.accuracy, results.parity, *results.throughput, *results.metrics) if one]
    assert measured
    assert [one.unproven() for one in measured] == [[]] * len(measured)
    found = list(all_evidence(results))
    for name, value, evidence in found:
        if evidence.reader == "record":
            data = kept.records[evidence.fingerprint]
        else:
            data = kept.files[evidence.fingerprint, evidence.file]
            assert hashlib.sha256(data).hexdigest() == evidence.sha256
        stands = read_again(data, evidence)
        assert same(value, stands), (name, value, evidence)
        assert evidence.reader != "json" or json.dumps(stands).encode() in data, name
    return len(found)
