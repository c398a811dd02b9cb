"""Members of an archive that follow from the others: claims, system descriptions, statements, crate, sums.

Who makes an archive and who verifies it compute them by this one function, so a verification compares bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from kit.archive.claims import claims, claims_page
from kit.archive.container import Members, digests_of
from kit.archive.contents import Manifest
from kit.archive.crate import CRATE, crate
from kit.archive.intoto import as_json, contents_statement, provenance, test_result
from kit.archive.systems import system_description
from kit.audit.audit import audit_file
from kit.audit.diagnostic import Severity
from kit.errors import KitError
from kit.recipe.schema import Recipe, load_recipe
from kit.reports.context import Report, build
from kit.results.kept import SUFFIX, unpack
from kit.results.reportparts import part
from kit.results.resultsfile import Results, load_all
from kit.storage.store import Store
from kit.storage.tarball import write_members
from kit.verification.gate import GateInput, failures
from kit.verification.link import Link
from kit.verification.verification import verify

__all__ = ["SUMS", "Derived", "derive_members", "place_of_report", "sums"]

SUMS = "SHA256SUMS"
_ABOUT = "README.md"


@dataclass(frozen=True)
class Derived:
    """What follows from an archive's own members."""

    members: dict[str, bytes]
    links: list[Link]  # of the verification from the raw outputs forward
    recipe: Recipe
    results: dict[str, Results]


def place_of_report(manifest: Manifest) -> str:
    """The folder of the report in the archive."""
    return part(Path("reports") / manifest.model, simulated=manifest.simulated).as_posix()


def derive_members(members: Members, manifest: Manifest) -> Derived:
    """Compute them, and the verification whose outcome two of the statements hold.

    Args:
        members: recipe, reports, SBOMs and the like.
        manifest: what the archive says of itself.

    Raises:
        KitError: the recipe or the results are not valid.
    """
    with tempfile.TemporaryDirectory(prefix="kit-archive-") as place:
        top = Path(place)
        wanted = ("recipe/", "reports/", "weights/")
        write_members({name: data for name, data in members.items() if name.startswith(wanted)}, top)
        recipe = load_recipe(top / manifest.recipe)
        folder = top / place_of_report(manifest)
        results = load_all(folder)
        links = _verified(recipe, top)
        report = build(recipe, results)
        made = dict(members)
        found = claims(report)
        made["claims.json"] = as_json([asdict(one) for one in found])
        made["CLAIMS.md"] = claims_page(manifest.model, found).encode()
        made[_ABOUT] = _about(manifest).encode()
        made |= {f"system/{name}.json": as_json(system_description(one)) for name, one in results.items()}
        images = {name: id_ for one in results.values() for name, id_ in one.images.items()}
        digests = digests_of(made)
        statements = {"statements/contents.json": contents_statement(digests, images, manifest.kit)}
        for name, one in results.items():
            statements |= dict(provenance(one, unpack(folder / "results" / f"{name}{SUFFIX}"), manifest.kit))
        statements |= _checks(report, digests, links, folder, place_of_report(manifest))
    made |= statements
    made[CRATE] = crate(recipe, results, made, place_of_report(manifest), digests | digests_of(statements))
    return Derived(made, links, recipe, results)


def _verified(recipe: Recipe, top: Path) -> list[Link]:
    """The links of ``kit verify`` over what the archive holds, and over nothing else of this machine."""
    weights = top / "weights" / recipe.weights.filename
    given = weights if weights.is_file() else None
    first, *rest = verify(recipe, top / "reports" / recipe.model.name, Store(top / "store"), weights=given)
    return [first if given else Link(first.subject, "unproven", "they are not in the archive"), *rest]


def _checks(
    report: Report, digests: Mapping[str, str], links: list[Link], folder: Path, top: str
) -> Iterator[tuple[str, bytes]]:
    """What verify, gate and audit say."""
    files = {name: sha for name, sha in digests.items() if name.startswith((f"{top}/", "recipe/"))}
    by_state = {state: [one.subject for one in links if one.state == state] for state in ("ok", "wrong")}
    doubtful = [one.subject for one in links if one.state in {"unproven", "absent"}]
    yield "statements/verify.json", test_result(files, "kit verify", by_state["ok"], doubtful, by_state["wrong"])
    rendered = {name.removeprefix("reports/").partition("/")[2] for name in files}
    mine = tuple(one for one in links if one.subject != "weights" and one.subject not in rendered)
    closed = failures(GateInput(report, mine))
    numbers = {name: sha for name, sha in files.items() if name.startswith((f"{top}/results/", "recipe/"))}
    yield "statements/gate.json", test_result(numbers, "kit report --gate", [] if closed else ["gate"], [], closed)
    pages = {name: files[name] for name in (f"{top}/README.md", f"{top}/README.en.md") if name in files}
    if pages:
        yield "statements/audit.json", _audited(pages, folder)


def _audited(pages: dict[str, str], folder: Path) -> bytes:
    passed: list[str] = []
    warned: list[str] = []
    failed: list[str] = []
    for name in pages:
        page = name.rpartition("/")[2]
        try:
            result = audit_file(folder / page)
        except KitError as error:
            failed.append(f"{page}: {error.what}")
            continue
        for one in result.diagnostics:
            which = failed if one.severity is Severity.MAJOR else warned
            which.append(f"{page}:{one.line}: {one.rule}")
        passed.append(f"{page}: {len(result.verified)} statements")
    return test_result(pages, "kit audit", passed, warned, failed)


def sums(digests: Mapping[str, str]) -> bytes:
    """The digests of members as ``sha256sum --check`` takes them."""
    return "".join(f"{sha}  {name}\n" for name, sha in sorted(digests.items()) if name != SUMS).encode()


def _about(manifest: Manifest) -> str:
    absent = "".join(f"* {what}: {why}\n" for what, why in manifest.absent) or "* nothing\n"
    return f"""# Archive of a reproduction: {manifest.model}

Made by kit {manifest.kit}. `kit verify ARCHIVE` checks all of it without network; by hand:

    sha256sum --check {SUMS}

| place | holds |
|---|---|
| `recipe/` | what was to be reproduced |
| `{place_of_report(manifest)}/` | the report, its results, and the raw outputs of the tools (`*{SUFFIX}`) |
| `CLAIMS.md`, `claims.json` | each claim, the command that obtains it again, tolerance, and what was obtained |
| `system/` | the machines that were measured |
| `statements/`, `signatures/` | in-toto statements, and who signed them |
| `sbom/` | what is in the container images |
| `{CRATE}` | the archive as an RO-Crate (Process Run Crate) |

## Missing

{absent}"""
