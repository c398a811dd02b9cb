"""Files, names and servers of strangers: refused in one sentence or rendered harmless."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import zipfile
from typing import Any

from tests.faults.badserver import serving
from tests.faults.faultsite import Bench, Outcomes, Site, scenario, sentence
from tests.faults.givenfiles import INFER, METRICS, quick, result_files, small_model

_PAYLOAD = 16 << 20


def _pinned(site: Site) -> None:
    """Put the checksums of the weights as they are now into the recipe: the attacker wrote both."""
    data = site.weights.read_bytes()
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    text = re.sub(r"md5: \w+", f"md5: {md5}", site.recipe.read_text())
    site.recipe.write_text(re.sub(r"sha256: \w+", f"sha256: {hashlib.sha256(data).hexdigest()}", text))


class _Malice:
    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


@scenario(
    "Attacked",
    "A checkpoint that runs code",
    "pickles that call os.system when they are read, plain and inside a PyTorch zip, with fitting checksums",
    short=1,
    long=2,
    needs=("engine",),
)
def pickle_bomb(bench: Bench, count: int) -> Outcomes:
    for number in range(count):
        site = bench.half("docker", "export", "parity", "cpu/infer", "cpu/metrics", "cpu/bench")
        payload = pickle.dumps({"state_dict": _Malice("/out/owned /tmp/owned")}, protocol=2)
        if number:
            site.weights.write_bytes(payload)
        else:
            with zipfile.ZipFile(site.weights, "w") as archive:
                archive.writestr("archive/data.pkl", payload)
                archive.writestr("archive/version", "3\n")
        _pinned(site)
        ran = site.kit("reproduce", "--runner", "docker")
        sentence(ran, ran.returncode, site.weights.name)
        assert ran.returncode in {3, 5}, ran.stderr
        assert not list(site.folder.rglob("owned*"))
        assert site.leftovers(bench.engine) == []
        yield f"not run; exit code {ran.returncode}"


@scenario(
    "Attacked",
    "An ONNX model that reads files of the host",
    "external data at ../, at an absolute path, through a link",
    short=3,
    long=3,
)
def external_data(bench: Bench, count: int) -> Outcomes:
    import onnx

    for number in range(count):
        site = bench.site("external", images=12)
        (site.folder / "secret").write_bytes(b"\0" * 120)
        inner = site.folder / "model"
        inner.mkdir()
        small_model(inner / "model.onnx")
        model = onnx.load(str(inner / "model.onnx"))
        tensor = model.graph.initializer[0]
        place = ("../secret", str(site.folder / "secret"), "linked")[number]
        (inner / "linked").symlink_to("../secret")
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", place), ("offset", "0"), ("length", "120")):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        (inner / "model.onnx").write_bytes(model.SerializeToString())
        ran = site.kit(*INFER[:-1], "export=model/model.onnx")
        sentence(ran, ran.returncode)
        assert ran.returncode in {3, 5}, ran.stderr
        yield f"refused with exit code {ran.returncode}"


@scenario(
    "Attacked",
    "Links and odd files in the data set",
    "a link to /etc/passwd, to a folder, to nowhere, in a circle; a named pipe; a device node",
    short=6,
    long=6,
    needs=("root",),
)
def links(bench: Bench, count: int) -> Outcomes:
    for number in range(count):
        site = bench.site("links", images=12)
        small_model(site.folder / "model.onnx")
        odd = site.folder / "val" / "digit_99999.jpeg"
        if number < 4:
            odd.symlink_to(("/etc/passwd", "/etc", "nowhere", odd.name)[number])
        elif number == 4:
            os.mkfifo(odd)
        else:
            os.mknod(odd, 0o20666, os.makedev(1, 5))  # /dev/zero never ends
        sentence(site.kit(*INFER, timeout=60), 3, "digit_99999.jpeg")
        yield "refused with exit code 3"


_NAMES = (
    "a b",
    "a'b",
    'a"b',
    "$(touch owned)",
    "`touch owned`",
    "; touch owned;",
    "a\nb",
    "a\tb",
    "-rf",
    "--help",
    "a%sb{0}{in:x}{out}",
    "\u202egpj",
    "図",
    "a\\b",
    "*",
    "\x1b[31mred",
)


@scenario(
    "Attacked",
    "Names of folders and files",
    "store, images and weights lie in folders with quotes, line ends, `$(...)`, `;`, placeholders, terminal codes",
    short=1,
    long=len(_NAMES),
    needs=("engine",),
)
def names(bench: Bench, count: int) -> Outcomes:
    for name in _NAMES[:: max(1, len(_NAMES) // count)][:count]:
        site = bench.half("docker", "cpu/metrics")
        odd = site.folder / name
        odd.mkdir()
        for path in (site.folder / "val", site.labels, site.weights, site.store):
            path.rename(odd / path.name)
        site.done(
            "reproduce", "--runner", "docker", "--store", str(odd / ".kit"), "--images", str(odd / "val"),
            "--labels", str(odd / site.labels.name), "--weights", str(odd / site.weights.name),
        )  # fmt: skip
        (odd / ".kit").rename(site.store)
        assert site.digests() == bench.finished("docker").digests()
        assert not list(site.folder.rglob("owned*"))
        ran = site.kit("reproduce", "--images", str(odd / "nothing"))
        said = sentence(ran, 4)
        assert "\x1b" not in ran.stderr and "\u202e" not in ran.stderr, said
        yield "taken as they are; messages show them on one line"


@scenario(
    "Attacked",
    "Names of images",
    "an image of the data set has such a name",
    short=3,
    long=len(_NAMES),
)
def image_names(bench: Bench, count: int) -> Outcomes:
    for name in _NAMES[:: max(1, len(_NAMES) // count)][:count]:
        site = bench.site("names", images=12)
        small_model(site.folder / "model.onnx")
        first = min((site.folder / "val").iterdir())
        first.rename(first.with_name(f"{name}.jpeg"))
        ran = site.kit(*INFER)
        assert not list(site.folder.rglob("owned*"))
        assert "\x1b" not in ran.stderr + ran.stdout
        if ran.returncode:
            sentence(ran, 3)
            yield "refused with exit code 3"
        else:
            yield "taken as it is"


_RECIPES = {
    "a YAML tag that runs code": "kit: !!python/object/apply:os.system ['touch owned']\n",
    "a billion laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)),
    "deep nesting": "a: " + "[" * 50_000,
    "deep mappings": "".join(" " * n + "a:\n" for n in range(1000)),
    "odd tags": 'kit: !!int ""\n',
    "odd booleans": "kit: !!bool maybe\n",
    "odd times": "kit: !!timestamp 9999-99-99\n",
    "a doubled key": "kit: 1\nkit: 1\n",
    "many digits": "kit: " + "9" * 100_000 + "\n",
    "control characters": "kit: \x00\x1b\n",
    "a megabyte and more": "# " + "x" * (2 << 20),
}


@scenario(
    "Attacked",
    "Recipes",
    ", ".join(_RECIPES),
    short=len(_RECIPES),
    long=len(_RECIPES),
)
def recipes(bench: Bench, count: int) -> Outcomes:
    site = bench.site("recipes", images=12)
    (site.folder / "reports").mkdir()
    for text in list(_RECIPES.values())[:count]:
        site.recipe.write_text(text)
        sentence(quick(site, "report"), 3, "kit.yaml")
        assert not list(site.folder.rglob("owned*"))
        yield "refused with exit code 3"


@scenario(
    "Attacked",
    "Results and logs that point elsewhere",
    "a results file whose artifacts lie at ../, at /dev/zero; a report with a name of markup",
    short=3,
    long=3,
    needs=("engine",),
)
def results(bench: Bench, count: int) -> Outcomes:
    for path in ("../../../../etc/passwd", "/dev/zero", "")[:count]:
        site = bench.half("docker")
        site.done("reproduce", "--runner", "docker")
        stored = site.report / "results" / "cpu.json"
        tree = json.loads(stored.read_text())
        if path:
            tree["artifacts"][1]["path"] = path
            stored.write_text(json.dumps(tree))
            ran = site.kit("verify", timeout=60)
            assert ran.returncode in {5, 6} and "Traceback" not in ran.stderr, ran.stderr
            assert "does not stay in its folder" in ran.stdout + ran.stderr
            yield f"refused with exit code {ran.returncode}"
        else:
            tree["notes"] = ["<script>alert(1)</script> ![x](http://x.test/y.png) | a | `b` \n# Heading\n"]
            tree["toolchain"] = "ONNX Runtime </title><img src=x onerror=alert(1)>"
            stored.write_text(json.dumps(tree))
            site.done("report")
            page = (site.report / "report.html").read_text()
            assert "<script>alert" not in page and "<img src=x" not in page
            for name in ("README.md", "README.en.md"):
                text = re.sub(r"^(```+).*?^\1", "", (site.report / name).read_text(), flags=re.MULTILINE | re.DOTALL)
                assert not re.search(r"(?<!\\)<(?:script|img|/title)|(?<!\\)!\[x|^# Heading", text, re.MULTILINE), name
            yield "rendered as text"


@scenario("Attacked", "A label file of 10 GB", "sparse, behind a whole line", short=1, long=1)
def huge_labels(bench: Bench, count: int) -> Outcomes:
    for _ in range(count):
        site = bench.site("labels", images=12)
        result_files(site, "txt")
        os.truncate(site.labels, 10 << 30)
        sentence(site.kit(*METRICS, "--store", "other", timeout=120), 3)
        yield "refused with exit code 3"


_SECRET = "hunter2"
#: Kind of server -> exit code of kit, words of its sentence.
_SERVERS: dict[str, tuple[int, str]] = {
    "plain": (0, ""),
    "away": (0, ""),
    "reset": (4, "are kept for the next try"),
    "file": (4, "is not allowed"),
    "large": (10, "larger than"),
    "endless": (10, "larger than"),
    "wrong": (5, "md5"),
    "404": (4, "404"),
    "500": (4, "500"),
}


@scenario(
    "Attacked",
    "Servers",
    "a real server that resets midway (and then resumes), redirects to file:// and to another host, sends another file,"
    " more than the limit with and without saying so, 404, 500; the URL holds user, password and token",
    short=9,
    long=len(_SERVERS),
)
def servers(bench: Bench, count: int) -> Outcomes:
    from kit.data.weights import fetch_weights
    from kit.errors import KitError
    from kit.recipe.schema import load_recipe
    from kit.storage.store import Store

    data = os.urandom(_PAYLOAD)
    with serving(data) as (port, seen):
        for kind, (code, words) in list(_SERVERS.items())[:count]:
            site = bench.site("server", images=12)
            url = f"http://user:{_SECRET}@127.0.0.1:{port}/{kind}/w.pth?token={_SECRET}"
            text = site.recipe.read_text().replace("path: spnasnet_digits.pth.tar", f"url: {url}")
            site.recipe.write_text(text.replace("note:", f"max_bytes: {2 * _PAYLOAD}\n  note:"))
            site.weights.write_bytes(data)
            _pinned(site)
            site.weights.unlink()
            recipe, store = load_recipe(site.recipe), Store(site.store)
            got, said, tries = 0, "", 0
            del seen[:]
            for _ in range(4):
                tries += 1
                try:
                    path, _ = fetch_weights(recipe, store)
                except KitError as error:
                    got, said = int(error.exit_code), f"{error} {error.remedy}"
                    assert got == code and words in said, f"{kind}: {got} {said}"
                    assert _SECRET not in said and "\x1b" not in said, said
                    if kind != "reset":
                        break
                else:
                    assert path.read_bytes() == data
                    break
            if kind == "reset":
                assert path.read_bytes() == data and tries > 1
                assert any(asked for _, asked, _ in seen), "not resumed"
            assert all(sent is None or one == kind for one, _, sent in seen), "credentials went to another address"
            for one in site.store.rglob("*"):
                assert _SECRET not in one.name
                assert one.name.endswith(".part") is False or kind == "reset" or one.stat().st_size <= 2 * _PAYLOAD
            ran = site.kit("report")
            assert ran.returncode == 0, ran.stderr
            for one in site.report.rglob("*"):
                assert not one.is_file() or _SECRET.encode() not in one.read_bytes(), f"{one} holds the password"
            yield f"exit code {code}" if code != 4 or kind != "reset" else f"exit code 4 {tries - 1} times, then whole"
