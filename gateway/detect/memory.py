"""What was found in a text is remembered, since chats are resent whole and records repeat their keys and values.

Texts are not kept: the memory holds keyed hashes of them, made with a key that this process forgets when it ends, and
the places of what was found.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from gateway.core.model import Finding, Segment


class Memory:
    """Findings by text and label, the longest unused forgotten first."""

    def __init__(self, entries: int) -> None:
        """Remember at most so many texts; none with 0."""
        self._entries = entries
        self._found: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()
        self._secret = secrets.token_bytes(32)

    def key(self, segment: Segment) -> bytes:
        """Under which the findings of a segment stand; the address makes no difference."""
        digest = hashlib.blake2b(key=self._secret, digest_size=16)
        label = segment.label.encode("utf-8", "surrogatepass")
        digest.update(len(label).to_bytes(4) + label + segment.text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def recall(self, key: bytes, address: str) -> list[Finding] | None:
        """What was found in that text, at this address; None if it was not seen or is forgotten."""
        known = self._found.get(key)
        if known is None:
            return None
        self._found.move_to_end(key)
        return [replace(one, address=address) for one in known]

    def keep(self, key: bytes, findings: Sequence[Finding]) -> None:
        """Remember what was found, and forget what was not asked for longest."""
        self._found[key] = tuple(findings)
        while len(self._found) > self._entries:
            self._found.popitem(last=False)
