"""Reading checkpoints: whole ones of every form, and really damaged or malicious ones."""

from __future__ import annotations

import argparse
import builtins
import collections
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kit.inside.protocol import UserError

torch: Any = pytest.importorskip("torch", reason="torch is in the extra 'exporter'")

from kit.inside.checkpoint import read_checkpoint  # noqa: E402 - after the skip

DIGITS = Path(__file__).parents[2] / "examples/digits/spnasnet_digits.pth.tar"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth.tar"


def weights() -> dict[str, Any]:
    return {"conv.weight": torch.arange(4096.0).reshape(64, 64), "conv.bias": torch.ones(64), "n": torch.tensor(3)}


def refused(path: Path, kind: str) -> str:
    with pytest.raises(UserError) as caught:
        read_checkpoint(str(path))
    error = caught.value
    assert (error.kind, error.where) == (kind, str(path))
    assert error.remedy
    assert "\n" not in error.what
    assert "weights_only" not in error.what, "the advice to switch the protection off must not reach anybody"
    return error.what


class Malice:
    """Runs a function when it is unpickled by the ordinary pickle."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


@pytest.mark.parametrize("key", [None, "state_dict", "model", "model_state_dict", "state_dict_ema"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_where_weights_may_lie(path: Path, key: str | None, prefix: str) -> None:
    named = {prefix + name: tensor for name, tensor in weights().items()}
    torch.save(named if key is None else {"epoch": 9, "arch": "any", key: named}, path)
    checkpoint = read_checkpoint(str(path))
    assert checkpoint.key == key
    assert checkpoint.others == ()
    assert {name: tensor.tolist() for name, tensor in checkpoint.tensors.items()} == {
        name: tensor.tolist() for name, tensor in weights().items()
    }


def test_a_prefix_that_only_some_names_have_belongs_to_the_name(path: Path) -> None:
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, path)
    assert set(read_checkpoint(str(path)).tensors) == {"module.a", "b"}


def test_the_older_form_of_pytorch(path: Path) -> None:
    torch.save({"state_dict": weights()}, path, _use_new_zipfile_serialization=False)
    assert read_checkpoint(str(path)).tensors["conv.weight"].sum() == 4095 * 2048


def test_safetensors(path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file(weights(), path)
    assert read_checkpoint(str(path)).tensors["conv.weight"].sum() == 4095 * 2048


def test_a_whole_training_state(path: Path) -> None:
    content = {
        "arch": "any",
        "epoch": 3,
        "metric": 74.1,
        "args": argparse.Namespace(lr=0.1, data="/data"),
        "optimizer": {"state": {0: {"momentum": torch.zeros(3)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.99)}]},
        "state_dict": collections.OrderedDict(weights()),
        "state_dict_ema": weights(),
    }
    torch.save(content, path)
    checkpoint = read_checkpoint(str(path))
    assert (checkpoint.key, checkpoint.others) == ("state_dict", ("state_dict_ema",))


def test_types_and_digests_of_the_example() -> None:
    checkpoint = read_checkpoint(str(DIGITS))
    assert checkpoint.dtypes == {"float16": 322, "int64": 64}
    assert checkpoint.size == DIGITS.stat().st_size
    assert checkpoint.sha256 == "c838f23c705cbad52848903c9926016d2651957d731b4d276ca4aac3c3e35fed"
    assert checkpoint.md5 == "031af1f38fdc39f5d69417d40de43f56"


def test_no_file(path: Path) -> None:
    refused(path, "missing")


def test_a_folder(tmp_path: Path) -> None:
    assert "folder" in refused(tmp_path, "invalid")


def test_an_emptied_file(path: Path) -> None:
    path.touch()
    assert "empty" in refused(path, "damaged")


@pytest.mark.parametrize("keep", [4, 100, 4096, -1, -22, -200, 0.01, 0.5, 0.99])
def test_a_truncated_file(path: Path, keep: float) -> None:
    content = DIGITS.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else int(keep)])
    refused(path, "damaged")


@pytest.mark.parametrize("place", [0.001, 0.2, 0.5, 0.8, 0.93])
@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit(path: Path, place: float, bit: int) -> None:
    content = bytearray(DIGITS.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    refused(path, "damaged")


def test_any_flipped_bit_of_a_small_file_is_found_or_changes_nothing(path: Path) -> None:
    """Every byte of a file: headers, pickle, padding, numbers, directory; never another set of weights."""
    torch.save({"state_dict": {"a": torch.arange(8.0)}}, path)
    whole = path.read_bytes()
    survived = 0
    for place in range(0, len(whole), 3):
        content = bytearray(whole)
        content[place] ^= 16
        path.write_bytes(content)
        try:
            checkpoint = read_checkpoint(str(path))
        except UserError:
            continue
        assert {name: tensor.tolist() for name, tensor in checkpoint.tensors.items()} == {"a": list(range(8))}
        survived += 1
    assert survived < len(whole) // 3, "no flipped bit was found"


@pytest.mark.parametrize("keep", [0.03, 0.2, 0.5, 0.95])
def test_a_truncated_file_of_the_older_form(path: Path, keep: float) -> None:
    torch.save({"state_dict": weights()}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    refused(path, "damaged")


def test_a_truncated_safetensors_file(path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file(weights(), path)
    path.write_bytes(path.read_bytes()[:-100])
    refused(path, "damaged")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", ["os.system", "posix.open", "builtins.eval", "subprocess.call", "torch.hub.load"])
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, path: Path, name: str, old: bool) -> None:
    proof = tmp_path / "was-run"
    import subprocess

    malice = {
        "os.system": Malice(os.system, f"touch {proof}"),
        "posix.open": Malice(os.open, str(proof), os.O_CREAT),
        "builtins.eval": Malice(builtins.eval, f"open({str(proof)!r}, 'w')"),
        "subprocess.call": Malice(subprocess.call, ["touch", str(proof)]),
        "torch.hub.load": Malice(torch.hub.load, str(tmp_path), "any"),
    }[name]
    torch.save({"state_dict": weights(), "extra": malice}, path, _use_new_zipfile_serialization=not old)
    what = refused(path, "invalid")
    assert "nothing of it was run" in what
    assert name.rpartition(".")[2] in what
    assert not proof.exists()


def test_the_malice_of_these_tests_is_real(tmp_path: Path) -> None:
    proof = tmp_path / "was-run"
    pickle.loads(pickle.dumps(Malice(os.system, f"touch {proof}")))
    assert proof.exists()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_plain_pickle(path: Path, protocol: int) -> None:
    path.write_bytes(pickle.dumps({"a": 1}, protocol=protocol))
    refused(path, "damaged")


def test_a_whole_module(path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), path)
    assert "torch.nn.modules.linear.Linear" in refused(path, "invalid")


def test_a_torchscript_program(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"")
        archive.writestr("a/constants.pkl", b"")
    assert "TorchScript" in refused(path, "invalid")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (3, "holds a int"),
        ([1, 2], "holds a list"),
        ({}, "holds no weights"),
        ({"state_dict": {}}, "'state_dict'"),
        ({"a": 1.0, "b": "text"}, "'a'"),
        ({"state_dict": {"a": [1, 2]}}, "state_dict['a']"),
        ({"epoch": 1, "backbone": {"a": 2}}, "'epoch'"),
    ],
)
def test_no_set_of_weights(path: Path, content: Any, what: str) -> None:
    torch.save(content, path)
    with pytest.raises(UserError) as caught:
        read_checkpoint(str(path))
    assert what in caught.value.what


def test_tensors_that_are_no_weights(path: Path) -> None:
    torch.save({"a": torch.ones(2, 2).to_sparse()}, path)
    assert "no ordinary tensor" in refused(path, "invalid")
    torch.save({"a": torch.ones(2, dtype=torch.complex64)}, path)
    assert "no ordinary tensor" in refused(path, "invalid")


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights.pth"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b"\0" * 5000, "zeros"),
        (b"plain text", "not a checkpoint"),
        (tar(), "archive"),
        (b"\x1f\x8b\x08" + b"x" * 100, "archive"),
        (b"PK\x03\x04" + b"x" * 100, "damaged"),
        (b"\x80", "damaged"),
        (b"\x80\x02" + b"}" * 100_000, "damaged"),
    ],
)
def test_files_of_other_kinds(path: Path, content: bytes, what: str) -> None:
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_checkpoint(str(path))
    assert what in caught.value.what


def test_a_foreign_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/readme.txt", "text")
    assert "zip archive" in refused(path, "invalid")


def test_a_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\0" * (1 << 22))
    assert "compressed" in refused(path, "invalid")
