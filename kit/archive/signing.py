"""Local keys and DSSE envelopes: who says that a statement is so.

A key on a disk shows that its holder signed, not that the build was protected from tampering: that is SLSA Build L1.
https://github.com/secure-systems-lab/dsse
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey

from kit.archive.container import Members
from kit.archive.intoto import as_json
from kit.errors import DamagedError, InvalidInputError
from kit.storage.files import os_errors
from kit.storage.inputs import read_input

__all__ = ["SIGNATURES", "key_in", "new_key", "opened", "public_key", "signatures"]

SIGNATURES = "signatures/"
_TYPE = "application/vnd.in-toto+json"
_MAX_BYTES = 1 << 16


def new_key(path: Path) -> tuple[Path, str]:
    """Make an Ed25519 key: ``path`` (private, mode 600) and ``path.pub``; returns the public file and the key's id.

    Raises:
        InvalidInputError: there is a file of that name.
        ResourceError: no permission, no space.
    """
    public = path.with_name(path.name + ".pub")
    for one in (path, public):
        if one.exists() or one.is_symlink():
            raise InvalidInputError("there is a file already", where=str(one), remedy="choose another name")
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(secret)
        key = SSlibKey.from_crypto(private.public_key())
        public.write_bytes(_pem(key))
    return public, str(key.keyid)


def _pem(key: SSlibKey) -> bytes:
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_key(path: Path) -> SSlibKey:
    """The public key in a file.

    Raises:
        MissingError: there is no such file.
        InvalidInputError: it is not a key, or a private one.
    """
    return _key_of(read_input(path, _MAX_BYTES, "key"), str(path))


def _key_of(data: bytes, where: str) -> SSlibKey:
    """A public key in PEM form.

    Raises:
        InvalidInputError: it is not such a key.
    """
    if b"PRIVATE KEY" in data:
        raise InvalidInputError(
            "this is a private key", where=where, remedy="give the public one, which ends with .pub"
        )
    try:
        public = serialization.load_pem_public_key(data)
    except (ValueError, TypeError) as error:
        raise _no_key(where) from error
    if not isinstance(public, Ed25519PublicKey):
        raise _no_key(where)
    key: SSlibKey = SSlibKey.from_crypto(public)
    return key


def _no_key(where: str) -> InvalidInputError:
    return InvalidInputError(
        "this is not an Ed25519 key in PEM form", where=where, remedy="make one with `kit keys new`"
    )


def signatures(members: Members, keys: Sequence[Path]) -> dict[str, bytes]:
    """For each key its public half, and an envelope of each statement among the members.

    Raises:
        MissingError: there is no such key.
        InvalidInputError: not an Ed25519 key, a public one, or one that others can read.
    """
    made: dict[str, bytes] = {}
    for path in keys:
        signer = CryptoSigner(_private(path))
        folder = f"{SIGNATURES}{signer.public_key.keyid[:16]}/"
        made[f"{folder}key.pub"] = _pem(signer.public_key)
        for name, data in members.items():
            if name.startswith("statements/"):
                envelope = Envelope(data, _TYPE, {})
                envelope.sign(signer)
                made[folder + name.removeprefix("statements/")] = as_json(envelope.to_dict())
    return made


def _private(path: Path) -> Ed25519PrivateKey:
    data = read_input(path, _MAX_BYTES, "key")
    if b"PUBLIC KEY" in data:
        raise InvalidInputError(
            "this is a public key", where=str(path), remedy="sign with the private one, without .pub"
        )
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise InvalidInputError("others can read this private key", where=str(path), remedy=f"chmod 600 {path}")
    try:
        private = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:  # no PEM, or one that asks for a password
        raise _no_key(str(path)) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise _no_key(str(path))
    return private


def key_in(members: Members, folder: str) -> SSlibKey:
    """The public key of a folder of signatures, which is named after it.

    Raises:
        DamagedError: it is missing, or another key.
    """
    name = f"{folder}key.pub"
    try:
        key = _key_of(members[name], name)
    except (KeyError, InvalidInputError) as error:
        raise DamagedError("it is not a public key", where=name, remedy="get the archive again") from error
    if not folder.endswith(f"/{key.keyid[:16]}/") or _pem(key) != members[name]:
        raise DamagedError(f"it is another key: {key.keyid}", where=name, remedy="get the archive again")
    return key


def opened(data: bytes, key: SSlibKey, where: str) -> bytes:
    """The statement in an envelope that a key signed.

    Raises:
        DamagedError: not an envelope, or not signed by this key.
    """
    try:
        found = Envelope.from_dict(json.loads(data))
        (one,) = found.signatures.values()
        # Made again from what counts: no other type, and no field that nobody signed.
        envelope = Envelope(found.payload, _TYPE, {one.keyid: Signature(one.keyid, one.signature)})
        if as_json(envelope.to_dict()) != data:
            raise ValueError("another form")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError("it is not a signed statement", where=where, remedy="get the archive again") from error
    try:
        envelope.verify([key], 1)
    except VerificationError as error:
        raise DamagedError(
            f"key {key.keyid[:16]} did not sign these bytes", where=where, remedy="somebody changed the statement"
        ) from error
    return envelope.payload
