"""Keys on disk, and the keyed fingerprints that stand in the ledger in place of values.

A fingerprint is an HMAC-SHA256 over entity and normalized value, cut to 128 bits. Without the key a short identifier
cannot be found by trying them all; with the key a person's records can be found without storing the person.

Keys have versions, one file each. The newest makes fingerprints, all that are there find older ones. Destroying a
version makes every fingerprint of its time meaningless for good, without touching a row of the ledger.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.errors import KeyFileError

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and the version written before each fingerprint made with it; and the versions before it."""

    version: int
    secret: bytes
    older: tuple[Key, ...] = ()
    """Earlier versions that are still there, newest first."""

    def __repr__(self) -> str:
        """Without the secret, wherever it may be printed."""
        return f"Key(version={self.version})"


def fingerprint(key: Key, entity: str, normalized: str) -> str:
    """`VERSION:32 hex digits`; the same value under another entity gives another fingerprint."""
    digest = hmac.digest(key.secret, f"{entity}\x00{normalized}".encode("utf-8", "surrogatepass"), "sha256")
    return f"{key.version}:{digest[:16].hex()}"


def fingerprints(key: Key, entity: str, normalized: str) -> tuple[str, ...]:
    """The fingerprint under every version of the key, newest first: what a person's older records have."""
    return tuple(fingerprint(one, entity, normalized) for one in (key, *key.older))


def check_value(key: Key) -> str:
    """Tells whether a key is the one meant, and nothing about it."""
    return hmac.digest(key.secret, b"onward-key-check", "sha256")[:8].hex()


def body_digest(key: Key, body: bytes) -> str:
    """Keyed digest of a whole body: proves later which body was meant, and tells nothing about it."""
    inner = hashlib.sha256(body).digest()
    return f"{key.version}:{hmac.digest(key.secret, b'body' + inner, 'sha256')[:16].hex()}"


def load_key(folder: Path, *, create: bool) -> Key:
    """The fingerprint key of a state folder; made only where `create` says so, as on the first start of all.

    Once a ledger exists, `create` must be false: a new key would not fit the fingerprints that stand in it.

    Raises:
        KeyFileError: the file is missing, of the wrong length, or can be read by others.
    """
    newest, *older = key_versions(folder) or [1]
    missing = (
        "the key that the ledger's fingerprints were made with is missing; put it back from the backup. "
        "A new key would make every earlier record unsearchable, so none is made."
    )
    keys = [
        Key(version, _secret(_file(folder, version), create=create and version == 1, missing=missing))
        for version in (newest, *older)
    ]
    return Key(newest, keys[0].secret, tuple(keys[1:]))


def key_versions(folder: Path) -> list[int]:
    """Versions of the fingerprint key that are there, newest first."""
    found = [one.name.split("-")[1].removesuffix(".key") for one in folder.glob("fingerprint-*.key")]
    return sorted((int(one) for one in found if one.isdigit()), reverse=True)


def rotate_key(folder: Path) -> Key:
    """Make the next version of the key, which counts from now on. Raises KeyFileError as `load_key` does."""
    now = load_key(folder, create=False)
    _secret(_file(folder, now.version + 1), create=True)
    return load_key(folder, create=False)


def shred_key(folder: Path, version: int) -> None:
    """Destroy one version for good. What the disk may keep of it is the disk's encryption's business.

    Raises:
        KeyFileError: it is the newest version, which is in use, or it cannot be destroyed.
    """
    file = _file(folder, version)
    if key_versions(folder)[:1] == [version]:
        raise KeyFileError(f"{file}: is in use; run `onward keys rotate` first")
    try:
        with contextlib.suppress(FileNotFoundError), file.open("r+b") as stream:
            stream.write(bytes(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        file.unlink(missing_ok=True)
    except OSError as error:
        raise KeyFileError(f"{file}: cannot be destroyed: {error.strerror}") from error


def hold_key(folder: Path, *, create: bool) -> bytes:
    """The key that held transfers are encrypted with. Raises KeyFileError as `load_key` does."""
    missing = (
        "the key that held transfers were sealed with is missing; put it back from the backup. Where it is lost, "
        "`onward keys renew-hold` ends what is held and makes a new one"
    )
    return _secret(folder / "hold.key", create=create, missing=missing)


def replace_hold_key(folder: Path) -> bytes:
    """A new key for held transfers, in place of whatever is there. Raises KeyFileError."""
    file = folder / "hold.key"
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise KeyFileError(f"{file}: cannot be replaced: {error.strerror}") from error
    return hold_key(folder, create=True)


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """The key that signs the ledger's heads; made where there is none. Raises KeyFileError as `load_key` does."""
    return Ed25519PrivateKey.from_private_bytes(_secret(folder / "signing.key", create=True))


def _file(folder: Path, version: int) -> Path:
    return folder / f"fingerprint-{version}.key"


def _secret(path: Path, *, create: bool, missing: str = "is missing") -> bytes:
    try:
        if create and not path.exists():
            _create(path)
        mode = path.stat().st_mode
        secret = path.read_bytes()
    except FileNotFoundError:
        raise KeyFileError(f"{path}: {missing}") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read or written: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise KeyFileError(f"{path}: can be read by others; run `chmod 600 {path}`")
    if len(secret) != KEY_BYTES:
        raise KeyFileError(
            f"{path}: holds {len(secret)} bytes instead of {KEY_BYTES}; put it back from the backup"
        )
    return secret


def _create(path: Path) -> None:
    """Written under another name and linked, so that a crash leaves no half key and no key is ever overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # Another process was first; its key counts.
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
