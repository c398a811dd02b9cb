"""Coverage-guided fuzzing of one target: ``fuzz.py TARGET [--seconds N]``; needs atheris.

Starts from ``corpus/TARGET`` and writes what is new to a folder in /tmp; a crash is written to the current folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["kit"]):
    import kit.archive.checking
    import kit.audit
    import kit.recipe.schema
    import kit.results.resultsfile
    import kit.storage.store
    import kit.toollogs.reader

    kit.toollogs.reader.readers()  # the targets' readers are loaded on use

from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until the time is up or something breaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", type=Path, help="folder for inputs that reach new code")
    options = parser.parse_args()
    kept = options.keep or Path(tempfile.mkdtemp(prefix="kit-corpus-"))
    kept.mkdir(parents=True, exist_ok=True)
    seeds = Path(__file__).parent / "corpus" / options.target
    arguments = [sys.argv[0], str(kept), *([str(seeds)] if seeds.is_dir() else [])]
    # Without its control of the length libFuzzer keeps whole reports, instead of beginning with a few bytes.
    arguments += [f"-max_total_time={options.seconds}", "-max_len=8192", "-len_control=0", "-timeout=20"]
    arguments += ["-rss_limit_mb=3000"]
    atheris.Setup([*arguments, "-print_final_stats=1"], TARGETS[options.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
