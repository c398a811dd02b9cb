"""`kit archive` and `kit verify ARCHIVE`: what is proven without store and network, and what a forger cannot hide."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import docker
import docker.errors
import pydantic
import pytest

from kit.archive.checking import verify_archive
from kit.archive.claims import claims, claims_page
from kit.archive.container import digests_of, read_archive, write_archive
from kit.archive.derived import SUMS, sums
from kit.errors import DamagedError, InvalidInputError
from kit.recipe.schema import load_recipe
from kit.reports.context import build
from kit.reports.targetfacts import describe_targets
from kit.results.resultsfile import load_results

Kit = Callable[..., CompletedProcess[str]]
VERIFY = "statements/verify.json"


def rewritten(members: dict[str, bytes], tmp_path: Path, **changed: bytes | None) -> Path:
    """The archive with other members, and its digests made to fit: as somebody would who forges it."""
    made = {name: data for name, data in (members | changed).items() if data is not None}
    made[SUMS] = sums(digests_of(made))
    path = tmp_path / "forged.tar"
    write_archive(path, made)
    return path


def wrong(path: Path) -> str:
    return "\n".join(f"{one.subject}: {one.message}" for one in verify_archive(path) if one.state == "wrong")


@pytest.mark.slow
def test_an_archive_is_made_and_verified_without_a_store(
    kit: Kit, root: Path, members: dict[str, bytes], tmp_path: Path
) -> None:
    ran = kit(root, "archive", str(tmp_path / "digits.tar"), "--recipe", "examples/digits", "--store", "nowhere")
    assert ran.returncode == 0, ran.stderr
    assert "missing: digits: the data set" in ran.stdout and "WRONG" not in ran.stdout
    assert read_archive(tmp_path / "digits.tar") == members  # equal results, equal bytes
    ran = kit(tmp_path, "verify", "digits.tar", "-v", "--strict")
    assert "results/cpu.json: every field follows from the raw outputs" in ran.stdout
    assert "README.en.md: it is what the results say" in ran.stdout
    assert "WRONG  digits: not in the archive: the data set" in ran.stdout  # --strict: what is missing counts
    assert ran.returncode == 6
    data = (tmp_path / "digits.tar").read_bytes()
    (tmp_path / "digits.tar").write_bytes(data.replace(b"spnasnet", b"spnasmet", 1))
    ran = kit(tmp_path, "verify", "digits.tar")
    assert ran.returncode == 6
    assert "WRONG  README.md: its sha256 is" in ran.stdout


def test_a_report_of_published_numbers_alone_is_archived(kit: Kit, root: Path, tmp_path: Path) -> None:
    ran = kit(root, "archive", str(tmp_path / "published"))
    assert ran.returncode == 0, ran.stderr
    assert "missing: results: nothing was measured here" in ran.stdout
    claims = json.loads((tmp_path / "published" / "claims.json").read_text())
    assert claims and {one["outcome"] for one in claims} == {"to be obtained"}
    ran = kit(tmp_path, "verify", "published")
    assert ran.returncode == 0, ran.stdout


@pytest.mark.slow
def test_weights_and_data_travel_only_if_asked(kit: Kit, root: Path, tmp_path: Path) -> None:
    words = ("--recipe", "examples/digits", "--with-weights", "--with-data")
    assert kit(root, "archive", str(tmp_path / "all"), *words).returncode == 0
    assert (tmp_path / "all" / "weights" / "spnasnet_digits.pth.tar").is_file()
    assert len(list((tmp_path / "all" / "data" / "images").iterdir())) == 500
    ran = kit(tmp_path, "verify", "all", "-v")
    assert ran.returncode == 0, ran.stdout
    assert "ok     weights: md5" in ran.stdout
    image = next((tmp_path / "all" / "data" / "images").iterdir())
    image.write_bytes(image.read_bytes()[:-1])
    assert f"WRONG  data/images/{image.name}" in kit(tmp_path, "verify", "all").stdout


def test_there_is_nothing_to_archive(kit: Kit, root: Path, tmp_path: Path) -> None:
    ran = kit(root, "archive", str(tmp_path / "a"), "--recipe", "examples/digits", "--reports", str(tmp_path))
    assert ran.returncode == 4
    assert "neither a result nor a report" in ran.stderr


def statement(members: dict[str, bytes], **changes: Any) -> bytes:
    return json.dumps(json.loads(members[VERIFY]) | changes).encode()


def other(members: dict[str, bytes]) -> list[dict[str, Any]]:
    subjects: list[dict[str, Any]] = json.loads(members[VERIFY])["subject"]
    return [{"name": subjects[0]["name"], "digest": {"sha256": "0" * 64}}]


FORGED: dict[str, Callable[[dict[str, bytes]], tuple[dict[str, bytes | None], str]]] = {
    "a number of the report": lambda m: (
        {"reports/digits/README.en.md": m["reports/digits/README.en.md"].replace(b"99.8", b"99.9")},
        "README.en.md: line",
    ),
    "results": lambda m: (
        {
            "reports/digits/results/cpu.json": m["reports/digits/results/cpu.json"].replace(
                b'"factor": 1', b'"factor": 2'
            )
        },
        "results",
    ),
    "a claim": lambda m: ({"CLAIMS.md": m["CLAIMS.md"].replace(b" fps", b"0 fps")}, "CLAIMS.md: it is not what"),
    "a system": lambda m: ({"system/cpu.json": m["system/cpu.json"].replace(b"CPU", b"GPU") + b" "}, "system/cpu.json"),
    "the crate": lambda m: ({"ro-crate-metadata.json": b"{}"}, "ro-crate-metadata.json: it is not what"),
    "no statement": lambda _: ({VERIFY: None}, f"{VERIFY}: it is missing"),
    "a result of a check": lambda m: (
        {"statements/gate.json": m["statements/gate.json"].replace(b"FAILED", b"PASSED")},
        "statements/gate.json: its result 'PASSED' is not what its tests say",
    ),
    "an unknown predicate": lambda m: (
        {VERIFY: statement(m, predicateType="https://example.org/trust-me/v1")},
        f"{VERIFY}: its predicate 'https://example.org/trust-me/v1' is unknown",
    ),
    "another artifact": lambda m: ({VERIFY: statement(m, subject=other(m))}, f"{VERIFY}: it is about another"),
    "another kind of statement": lambda m: (
        {VERIFY: statement(m, _type="v2")},
        f"{VERIFY}: it is not an in-toto statement",
    ),
    "no JSON": lambda _: ({VERIFY: b"[" * 100_000}, f"{VERIFY}: it does not have the form"),
    "a claim of another kit": lambda m: (
        {
            "archive.json": m["archive.json"].replace(b'"kit": "', b'"kit": "0.0.'),
            "CLAIMS.md": m["CLAIMS.md"].replace(b" fps", b"0 fps"),
        },
        "CLAIMS.md: it is not what the other files of the archive say (kit 0.0.",
    ),
    "a file more": lambda _: ({"extra.sh": b"rm"}, "extra.sh: no archive of kit holds such a file"),
    "the recipe": lambda m: (
        {"recipe/kit.yaml": m["recipe/kit.yaml"].replace(b"warmup: 3", b"warmup: 4")},
        "results/cpu.json: recipe: bench.warmup",
    ),
    "no recipe": lambda _: ({"recipe/kit.yaml": b": :"}, "not valid YAML"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", FORGED)
def test_a_forged_member_is_refused_although_the_digests_fit(
    case: str, members: dict[str, bytes], tmp_path: Path
) -> None:
    changed, expected = FORGED[case](members)
    assert changed != {name: members.get(name) for name in changed}
    assert expected in wrong(rewritten(members, tmp_path, **changed))


def test_an_archive_of_a_later_kit_is_told(members: dict[str, bytes], tmp_path: Path) -> None:
    later = members["archive.json"].replace(b'"format": 1', b'"format": 2')
    with pytest.raises(InvalidInputError, match="format 2"):
        verify_archive(rewritten(members, tmp_path, **{"archive.json": later}))


@pytest.mark.parametrize(
    "data", [None, b"{}", b"[]", b'{"format": 1, "model": "../x", "absent": [], "kit": "1"}', b"\xff"]
)
def test_what_is_no_archive_is_told(data: bytes | None, members: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match=r"archive\.json"):
        verify_archive(rewritten(members, tmp_path, **{"archive.json": data}))


@pytest.mark.docker
def test_an_archive_verifies_in_a_fresh_container_without_network(engine: Any, archive: Path, root: Path) -> None:
    """Nothing but Python, kit and the packages that it needs; no engine, no store, no network."""
    found = engine.images.list(filters={"label": "kit.image=runtime"})
    if not found:
        pytest.skip("no image of kit is built here, and none may be pulled")
    packages = Path(pydantic.__file__).parents[1]
    installed = Path(str(distribution("kit-repro").locate_file("")))  # knows the targets
    script = (
        f"import sys; sys.version_info[:2] == {sys.version_info[:2]!r} or sys.exit(99)\n"
        "sys.path[:0] = ['/kit', '/packages', '/installed']\n"
        "from kit.cli import main; main(['verify', '/archive.tar'])"
    )
    code, output = 0, ""
    try:
        output = engine.containers.run(
            str(found[0].id), ["-c", script], entrypoint="/usr/bin/python3", network_mode="none", read_only=True,
            tmpfs={"/tmp": ""}, user="65534:65534", remove=True, environment={"PYTHONDONTWRITEBYTECODE": "1"},
            volumes=[f"{root}:/kit:ro", f"{packages}:/packages:ro", f"{archive}:/archive.tar:ro",
                     f"{installed}:/installed:ro"],
        )  # fmt: skip
    except docker.errors.ContainerError as error:
        code, output = error.exit_status, str(error.stderr)
    if code == 99:
        pytest.skip("the image has another Python than this environment, whose packages it borrows")
    assert code == 0, output
    assert "0 wrong" in str(output)


def test_a_folder_that_is_no_archive_is_told(kit: Kit, root: Path, tmp_path: Path) -> None:
    ran = kit(root, "verify", "reports/digits")
    assert ran.returncode == 5
    assert "this is not an archive of kit" in ran.stderr
    assert kit(tmp_path, "verify", "nowhere.tar").returncode == 4
    assert kit(root, "verify", "--trust", "any.pub").returncode == 2


def test_nothing_rehearsed_is_a_claim_that_is_met(root: Path) -> None:
    recipe = load_recipe(root / "examples" / "digits")
    measured = load_results(root / "reports" / "digits" / "results" / "cpu.json")
    results = {"cpu": measured.model_copy(update={"source": "simulated"})}
    rows = claims(build(recipe, results, ["cpu"], describe_targets(["cpu"], recipe, results)))
    assert len(rows) == 8
    assert {(one.source, one.outcome) for one in rows} == {("simulated", "SIMULATED")}
    assert all("--simulate" in one.command for one in rows)
    assert claims_page("digits", rows).count(" SIMULATED |") == 16
