"""Signed tree heads: a short statement of what the whole ledger was at one moment, kept also outside of it.

A chain alone shows neither a cut tail nor an old copy put back; a head kept elsewhere shows both. The newest one is
written after each commit to a file beside the state, and to a second place where the settings name one.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.core.chain import Head, canonical
from gateway.core.errors import LedgerError

CONTEXT = "onward-tree-head-1"
"""Part of what is signed, so that no signature made for something else fits."""


@dataclass(frozen=True, slots=True)
class SignedHead:
    """Size and hashes of a ledger at one time, and who says so."""

    ledger: str
    """The ledger's id."""
    size: int
    root: str
    """Merkle tree hash (RFC 9162) over the hashes of all records, hex."""
    head: str
    """Hash of the newest record."""
    at: str
    gateway: str
    key: str
    """Public key, Ed25519, hex."""
    signature: str = ""

    def statement(self) -> bytes:
        """What is signed."""
        said = asdict(self)
        del said["signature"]
        return canonical({"context": CONTEXT, **said}).encode()

    def is_signed(self) -> bool:
        """Whether the signature is that of the key it names."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            signature = bytes.fromhex(self.signature)
            key.verify(signature, self.statement())
        except (InvalidSignature, ValueError):
            return False
        # Hexadecimal can be written in more than one way, and a changed bit must show in each.
        return signature.hex() == self.signature

    def text(self) -> str:
        """One line of JSON."""
        return canonical(asdict(self))


class Signer:
    """Signs heads with the gateway's own key."""

    def __init__(self, key: Ed25519PrivateKey, gateway: str) -> None:
        self._key, self.gateway = key, gateway
        self.public = key.public_key().public_bytes_raw().hex()

    def sign(self, ledger: str, size: int, root: bytes, head: str, at: str) -> SignedHead:
        """The head, signed."""
        said = SignedHead(ledger, size, root.hex(), head, at, self.gateway, self.public)
        return replace(said, signature=self._key.sign(said.statement()).hex())


def parse_head(text: str) -> SignedHead:
    """A head from its line. Raises ValueError for anything that was not written by `SignedHead.text`."""
    found = json.loads(text)
    try:
        head = SignedHead(**found)
    except TypeError as error:
        raise ValueError("is no signed head") from error
    if head.text() != text.strip() or not isinstance(head.size, int):
        raise ValueError("is no signed head as this program writes it")
    return head


def read_head_file(file: Path) -> SignedHead | Head | None:
    """The head in a file, or None where there is none; a plain Head in a file of the first format.

    Raises:
        LedgerError: it is damaged, or its signature is not that of the key it names.
    """
    try:
        text = file.read_text("ascii")
        if not text.strip():
            return None  # What a power cut may leave of a file that is not synced.
        if not text.startswith("{"):
            seq, digest = text.split()
            return Head(int(seq), digest)
        found = parse_head(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LedgerError(
            f"{file}: is damaged; compare the ledger with a backup, then delete this file"
        ) from error
    if not found.is_signed():
        raise LedgerError(f"{file}: the signature does not fit; compare the ledger with a backup")
    return found


def write_head_files(files: Iterable[Path], head: SignedHead) -> list[Path]:
    """Write the newest head to each file; those that could not be written. A head that lags behind is no fault."""
    failed = []
    for file in files:
        draft = file.with_suffix(".head-part")
        try:
            draft.write_text(head.text() + "\n", "ascii")
            draft.replace(file)
        except OSError:
            failed.append(file)
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
    return failed


def heads_in(folders: Iterable[Path]) -> Mapping[Path, SignedHead | Head]:
    """All heads in these folders, by their file. Raises LedgerError for a damaged one."""
    files = sorted(file for folder in folders for file in folder.glob("*.head"))
    found = {file: read_head_file(file) for file in files}
    return {file: head for file, head in found.items() if head is not None}
