"""What a held transfer says, encrypted; and the keyed digest by which its identical retry is known.

Both keys come from one file outside the database. AES-GCM with a fresh nonce each time, bound to the review's id, so
that no content can be put under another review.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.core.errors import LedgerError
from gateway.core.model import Inspection, Message, Transfer

NONCE_BYTES = 12
FRAMED_BY = (b"content-type", b"content-encoding")
"""Headers that say how a body is read; of the others the findings count, and not the bytes, which vary by retry."""


class Vault:
    """Encrypts, decrypts and names held transfers."""

    def __init__(self, secret: bytes) -> None:
        self._content = AESGCM(_derived(secret, b"onward-held-content"))
        self._identity = _derived(secret, b"onward-held-identity")

    def seal(self, review_id: str, message: Message) -> bytes:
        """The message, encrypted for one review."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._content.encrypt(nonce, _packed(message), review_id.encode())

    def open(self, review_id: str, content: bytes) -> Message:
        """The message. Raises LedgerError when it is another review's, was changed, or is of another key."""
        try:
            plain = self._content.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], review_id.encode())
        except (InvalidTag, ValueError):
            raise LedgerError(
                f"what is held for {review_id} was changed, or was encrypted with another key than keys/hold.key"
            ) from None
        return _unpacked(plain)

    def identity(self, transfer: Transfer, inspection: Inspection) -> str:
        """Equal for identical transfers only: method, destination, target, body, how it is read, and what was found."""
        message = transfer.message
        digest = hmac.new(self._identity, digestmod="sha256")
        framing = (value for name, value in message.headers if name in FRAMED_BY)
        found = sorted(f"{one.address}\x00{one.entity}\x00{one.fingerprint}" for one in inspection.findings)
        unread = sorted(f"{one.address}\x00{one.reason}" for one in inspection.unread)
        _feed(digest, [message.method.encode(), transfer.host.encode(), str(transfer.port).encode()])
        _feed(digest, [message.target, message.body])
        _feed(digest, framing)
        _feed(digest, (one.encode("utf-8", "surrogatepass") for one in (*found, "", *unread)))
        return digest.hexdigest()


def _feed(digest: hmac.HMAC, parts: Iterable[bytes]) -> None:
    """Each part led by its length, and their number at the end, so that no two lists look alike."""
    count = 0
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
        count += 1
    digest.update(count.to_bytes(8))


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(secret)


def _packed(message: Message) -> bytes:
    def text(raw: bytes) -> str:
        return base64.b64encode(raw).decode("ascii")

    return json.dumps(
        {
            "method": message.method,
            "target": text(message.target),
            "headers": [[text(name), text(value)] for name, value in message.headers],
            "body": text(message.body),
        }
    ).encode()


def _unpacked(plain: bytes) -> Message:
    kept = json.loads(plain)
    headers = tuple((base64.b64decode(name), base64.b64decode(value)) for name, value in kept["headers"])
    return Message(kept["method"], base64.b64decode(kept["target"]), headers, base64.b64decode(kept["body"]))
