"""Weights are data: read a checkpoint without running anything that it holds.

Read are PyTorch checkpoints (zip, and the older plain pickle) through ``torch.load(weights_only=True)``, and
safetensors. The weights may lie at top level or under one of :data:`KEYS`, beside numbers and texts of the training,
which are left alone; as float16, bfloat16, float32 or float64; with the prefixes of wrapped models.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .protocol import UserError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["KEYS", "PREFIXES", "Checkpoint", "read_checkpoint"]

#: Where training scripts put the weights; the first one that is there is taken.
KEYS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "net", "network", "weights", "params")
#: What wrappers put before every name: DataParallel and DistributedDataParallel, torch.compile.
PREFIXES = ("module.", "_orig_mod.")
_BLOCK = 1 << 20
_FETCH = "Fetch the file again and compare its checksum."
_TENSORS_ONLY = "Save the weights alone: torch.save({'state_dict': model.state_dict()}, path)."


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


def read_checkpoint(path: str) -> Checkpoint:
    """Read the weights of a checkpoint.

    Raises:
        UserError: no file, a folder, not a checkpoint, truncated, a wrong checksum inside, anything in it that would
            have to be run, no set of weights.
    """
    size, md5, sha256, head = _survey(path)
    if head[:4] == b"PK\x03\x04":
        _check_archive(path)
        content = _load(path)
    elif head[8:10] == b'{"':
        content = _load_safetensors(path)
    elif head[:1] == b"\x80":  # a pickle of protocol 2 or higher
        content = _load(path)
    else:
        raise UserError(_foreign(head), _FETCH, path, "damaged" if head[:1] in b"<\0v" else "invalid")
    key, others, tensors = _find_weights(content, path)
    dtypes: dict[str, int] = {}
    for tensor in tensors.values():
        name = str(tensor.dtype).removeprefix("torch.")
        dtypes[name] = dtypes.get(name, 0) + 1
    return Checkpoint(path, tensors, key, others, dtypes, sha256, md5, size)


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
    if not size:
        raise UserError("is empty", _FETCH, path, "damaged")
    return size, md5.hexdigest(), sha256.hexdigest(), head


def _foreign(head: bytes) -> str:
    """What a file is that is no checkpoint."""
    if head.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS, not the weights themselves"
    if head.lstrip()[:1] == b"<":
        return "is a web page, not a checkpoint: the server has not sent the file"
    if head[257:262] == b"ustar" or head[:2] == b"\x1f\x8b":
        return "is an archive (tar or gzip); unpack it, the checkpoint may be inside"
    if not head.strip(b"\0"):
        return "begins with zeros: it was never written completely"
    return "is not a checkpoint of PyTorch"


def _check_archive(path: str) -> None:
    """Refuse a damaged archive: PyTorch itself reads a file with flipped bits without a word."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
            if "constants.pkl" in names:
                raise UserError("is a TorchScript program, not weights", _TENSORS_ONLY, path)
            if "data.pkl" not in names:
                raise UserError("is a zip archive, but not a checkpoint of PyTorch", _TENSORS_ONLY, path)
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise UserError("is a compressed archive, which PyTorch never writes", _TENSORS_ONLY, path)
            damaged = archive.testzip()
    except (UserError, MemoryError):
        raise
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise UserError("is damaged: its directory points outside of it", _FETCH, path, "damaged") from None
    except Exception as error:  # noqa: BLE001 - on damaged files it raises BadZipFile, ValueError, struct.error, ...
        what = f"is truncated or damaged: {_oneline(error)}"
        raise UserError(what, _FETCH, path, "damaged") from None
    if damaged is not None:
        what = f"is damaged: its part {damaged!r} does not have the checksum that was stored with it"
        raise UserError(what, _FETCH, path, "damaged")


def _load(path: str) -> Any:
    import torch

    # The settings of a training run, as timm's scripts store them: a plain holder of values, which are not used.
    # Everything else that is no tensor, number, text or container of these is refused by torch before it is run.
    with torch.serialization.safe_globals([argparse.Namespace]):
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
                raise UserError(what, _TENSORS_ONLY, path) from None
            what = f"is truncated or damaged: {_short(error)}"
            raise UserError(what, _FETCH, path, "damaged") from None


def _load_safetensors(path: str) -> Any:
    import safetensors
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"is truncated or damaged: {_short(error)}", _FETCH, path, "damaged") from None


def _find_weights(content: Any, path: str) -> tuple[str | None, tuple[str, ...], dict[str, Tensor]]:
    """Return where the weights are, which others there are, and the weights without prefixes."""
    if not isinstance(content, Mapping):
        raise UserError(f"holds a {type(content).__name__}, not a set of named weights", _TENSORS_ONLY, path)
    found = [key for key in KEYS if isinstance(content.get(key), Mapping) and content[key]]
    if found:
        key, weights = found[0], content[found[0]]
    else:
        key, weights = None, content
    if not weights:
        raise UserError("holds no weights", _TENSORS_ONLY, path, "damaged")
    import torch

    for name, tensor in weights.items():
        place = f"{key}[{name!r}]" if key else repr(name)
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            what = f"holds a {type(tensor).__name__} at {place}, where only weights may be"
            known = "" if key else f" Weights may lie at top level or under one of: {', '.join(KEYS)}."
            raise UserError(what, _TENSORS_ONLY + known, path)
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta or tensor.is_complex():
            kind = "quantized" if tensor.is_quantized else "meta" if tensor.is_meta else str(tensor.layout)
            raise UserError(f"holds no ordinary tensor at {place} ({kind})", _TENSORS_ONLY, path)
    tensors = {str(name): tensor.detach() for name, tensor in weights.items()}
    stripped = True
    while stripped:
        stripped = False
        for prefix in PREFIXES:
            if all(name.startswith(prefix) for name in tensors):
                tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
                stripped = True
    return key, tuple(found[1:]), tensors


def _short(error: Exception) -> str:
    """The first sentence of an error of torch: the rest advises to switch the protection off."""
    text = re.sub(r"Weights only load failed.*?(?=Unsupported|Trying|$)", "", _oneline(error))
    return text.split(". ")[0][:200].rstrip(".") or type(error).__name__


def _oneline(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
