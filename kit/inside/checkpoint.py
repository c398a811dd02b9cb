"""Weights are data: read a checkpoint without running anything that it holds.

Read are PyTorch checkpoints (zip, and the older plain pickle) through ``torch.load(weights_only=True)``, and
safetensors. The weights may be at top level or under a key, together with numbers and texts of the training,
which are ignored; as float16, bfloat16, float32 or float64; with the prefixes of wrapped models.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .companions import INDEX_SUFFIX, read_index
from .mistaken import refuse_mistaken
from .protocol import UserError, oneline
from .weightsets import TENSORS_ONLY, choose_set, find_sets

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PREFIXES", "Checkpoint", "read_checkpoint"]

#: Prefixes that wrappers add to every name: DataParallel and DistributedDataParallel, torch.compile.
PREFIXES = ("module.", "_orig_mod.")
#: What NumPy's scalars and arrays are pickled with; older versions say core.
_NUMPY = (
    "numpy.dtype",
    "numpy.ndarray",
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
)
_BLOCK = 1 << 20
_FETCH = "Fetch the file again and compare its checksum."


@dataclass(frozen=True)
class Checkpoint:
    """The weights of a file, and what the file is."""

    path: str
    tensors: dict[str, Tensor]
    key: str | None
    """Where in the file the weights were; None: at top level."""
    others: tuple[str, ...]
    """Further sets of weights in the file, which are not used."""
    dtypes: dict[str, int]
    """Number of tensors by stored type, e.g. ``{"float16": 243}``."""
    sha256: str
    md5: str
    size: int
    ordered: bool = True
    """Whether the weights are in the order of the network that was saved; safetensors sorts them."""


def read_checkpoint(path: str, chosen: str | None = None, prefix: str | None = None) -> Checkpoint:
    """Read the weights of a checkpoint.

    Args:
        path: the file; of a checkpoint in shards its index.
        chosen: which set of weights of the file; dots lead into nested ones. None: the first.
        prefix: only weights whose names begin with it are used, without it.

    Raises:
        UserError: no file, a folder, not a checkpoint, truncated, a wrong checksum inside, anything in it that would
            have to be run, no set of weights.
    """
    size, md5, sha256, head = _survey(path)
    ordered = True
    if path.endswith(INDEX_SUFFIX):
        content, ordered = _load_shards(path), False
    elif head[8:10] == b'{"' and head[:4] != b"PK\x03\x04":
        content, ordered = _load_safetensors(path), False
    else:
        content = _load_pickled(path, head)
    sets = find_sets(content, path)
    key, tensors = choose_set(sets, content, chosen, path)
    tensors = _without_prefixes(tensors)
    if prefix:
        tensors = {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
        if not tensors:
            what = f"has no weight whose name begins with {prefix!r}"
            raise UserError(what, "Correct weights -> prefix of the recipe.", path)
    dtypes: dict[str, int] = {}
    for tensor in tensors.values():
        name = str(tensor.dtype).removeprefix("torch.")
        dtypes[name] = dtypes.get(name, 0) + 1
    others = tuple(name for name in sets if name != key)
    return Checkpoint(path, tensors, key or None, others, dtypes, sha256, md5, size, ordered)


def _survey(path: str) -> tuple[int, str, str, bytes]:
    """Size, digests and first bytes of the file."""
    if os.path.isdir(path):
        raise UserError("is a folder, not a checkpoint", "Give the file of the weights.", path)
    md5, sha256, size, head = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0, b""
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                head = head or block[:512]
                size += len(block)
                md5.update(block)
                sha256.update(block)
    except FileNotFoundError:
        raise UserError("there are no such weights", "Give the file of the weights.", path, "missing") from None
    refuse_mistaken(head, "a checkpoint", path)
    return size, md5.hexdigest(), sha256.hexdigest(), head


def _load_pickled(path: str, head: bytes) -> Any:
    if head[:4] == b"PK\x03\x04":
        _check_archive(path)
    elif head[:1] != b"\x80":  # a pickle of protocol 2 or higher
        what, remedy = _foreign(head, path)
        raise UserError(what, remedy, path, "damaged" if head[:1] == b"\0" else "invalid")
    return _load(path)


def _load_shards(path: str) -> Any:
    """The weights of all shards that an index names."""
    found: dict[str, Any] = {}
    folder = os.path.dirname(path)
    index = read_index(path)
    for shard in sorted(set(index.values())):
        place = os.path.join(folder, shard)
        if not os.path.isfile(place):
            what = f"names the shard {shard}, which is not next to it"
            raise UserError(what, "Put all shards into its folder.", path, "missing")
        found |= read_checkpoint(place).tensors
    if absent := [name for name in index if name not in found]:
        what = f"names {len(absent)} weights that its shards do not hold: {', '.join(absent[:3])}"
        raise UserError(what, "Fetch index and shards again, of one version.", path, "damaged")
    return found


def _foreign(head: bytes, path: str) -> tuple[str, str]:
    """What kind of file it is instead of a checkpoint, and what to do."""
    what = _kind(head)
    if what is not None:
        return what, _FETCH
    if path.endswith(".onnx") or b"pytorch" in head[:64] or b"onnx" in head[:64].lower():
        return (
            "is an ONNX model, not a checkpoint",
            "Write model -> source: onnx in the recipe: nothing is exported then.",
        )
    return (
        "is not a checkpoint of PyTorch",
        "Give a file of torch.save or safetensors, or an ONNX model with source: onnx.",
    )


def _kind(head: bytes) -> str | None:
    if head[257:262] == b"ustar" or head[:2] == b"\x1f\x8b":
        return "is an archive (tar or gzip); unpack it, the checkpoint may be inside"
    if not head.strip(b"\0"):
        return "begins with zeros: it was never written completely"
    return None


def _check_archive(path: str) -> None:
    """Refuse a damaged archive: PyTorch itself reads a file with flipped bits without an error."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
            if "constants.pkl" in names:
                raise UserError("is a TorchScript program, not weights", TENSORS_ONLY, path)
            if "data.pkl" not in names:
                raise UserError("is a zip archive, but not a checkpoint of PyTorch", TENSORS_ONLY, path)
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise UserError("is a compressed archive, which PyTorch never writes", TENSORS_ONLY, path)
            damaged = archive.testzip()
    except (UserError, MemoryError):
        raise
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise UserError("is damaged: its directory points outside of it", _FETCH, path, "damaged") from None
    except Exception as error:  # noqa: BLE001 - on damaged files it raises BadZipFile, ValueError, struct.error, ...
        what = f"is truncated or damaged: {oneline(error)}"
        raise UserError(what, _FETCH, path, "damaged") from None
    if damaged is not None:
        what = f"is damaged: its part {damaged!r} does not match the checksum that is stored with it"
        raise UserError(what, _FETCH, path, "damaged")


class _Unused:
    """Takes the place of a value next to the weights that is not used; its content is ignored."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def _load(path: str) -> Any:
    import torch

    # The settings of a training run, as timm's scripts store them: a plain holder of values, which are not used.
    # Everything else that is not a tensor, number, text or container of these is refused by torch before it is run.
    # NumPy's scalars and arrays that came with the weights, such as a best accuracy, become values that hold nothing.
    allowed = [argparse.Namespace, *((_Unused, name) for name in _NUMPY)]
    with torch.serialization.safe_globals(allowed):
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except MemoryError:
            raise
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - on damaged files it raises nearly anything: KeyError, IndexError, ...
            text = str(error)
            if "allocate memory" in text:
                raise MemoryError(text) from None
            if name := re.search(r"GLOBAL ([\w.]+)", text):
                what = f"holds more than weights: reading it would call {name[1]}, and nothing of it was run"
                raise UserError(what, TENSORS_ONLY, path) from None
            what = f"is truncated or damaged: {_short(error)}"
            raise UserError(what, _FETCH, path, "damaged") from None


def _load_safetensors(path: str) -> Any:
    import safetensors
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"is truncated or damaged: {_short(error)}", _FETCH, path, "damaged") from None


def _without_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights without the prefixes of wrappers."""
    while wrapped := next((one for one in PREFIXES if all(name.startswith(one) for name in tensors)), None):
        tensors = {name.removeprefix(wrapped): tensor for name, tensor in tensors.items()}
    return tensors


def _short(error: Exception) -> str:
    """The first sentence of torch's error: the rest advises to disable the protection."""
    text = re.sub(r"Weights only load failed.*?(?=Unsupported|Trying|$)", "", " ".join(str(error).split()))
    return text.split(". ")[0][:200].rstrip(".") or type(error).__name__
