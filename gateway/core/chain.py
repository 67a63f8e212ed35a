"""The hash chain of the ledger: each record carries the hash of the one before, so none can be changed unseen.

A chain alone does not show a cut tail or an older copy put back; the head kept beside the ledger does (`verify`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

GENESIS = hashlib.sha256(b"onward-ledger-1").hexdigest()
"""What the first record chains to."""


@dataclass(frozen=True, slots=True)
class Link:
    """One record as stored: its place, its canonical body, and its hash."""

    seq: int
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record's place and hash; `Head(0, GENESIS)` for an empty ledger."""

    seq: int
    hash: str


EMPTY = Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a chain holds; if not, the first record that is wrong and how."""

    ok: bool
    records: int
    head: Head
    fault: str = ""
    seq: int | None = None


def canonical(body: Mapping[str, Any]) -> str:
    """One spelling for each record: sorted keys, no spaces, all but ASCII escaped.

    Escaped, because a wire may carry what is no Unicode (lone surrogates), and such a record must be kept as well.
    """
    return _SPELL(body)


_SPELL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def link(previous: Head, body: str) -> Link:
    """The next record: SHA-256 over place, the previous hash and the body, each framed by a separator."""
    seq = previous.seq + 1
    framed = f"onward-record-1\n{seq}\n{previous.hash}\n{body}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(framed)
    return Link(seq, body, digest.hexdigest())


def verify(links: Iterable[Link], *anchors: Head | None) -> Verification:
    """Walk the whole chain; `anchors` are heads known from elsewhere that the chain must hold unchanged."""
    known: dict[int, set[str]] = {}
    for anchor in anchors:
        if anchor is not None and anchor != EMPTY:
            known.setdefault(anchor.seq, set()).add(anchor.hash)
    head = EMPTY
    for one in links:
        if one.seq != head.seq + 1:
            return Verification(False, head.seq, head, f"record {head.seq + 1} is missing", head.seq + 1)
        if link(head, one.body).hash != one.hash:
            return Verification(False, head.seq, head, f"record {one.seq} was changed", one.seq)
        head = Head(one.seq, one.hash)
        if known.pop(one.seq, {one.hash}) != {one.hash}:
            return Verification(
                False, one.seq, head, f"record {one.seq} is not the one known as head", one.seq
            )
    if known:
        missing = f"records {head.seq + 1} to {max(known)} are missing at the end"
        fault = f"{missing}; the ledger was cut or an old copy put back"
        return Verification(False, head.seq, head, fault, head.seq + 1)
    return Verification(True, head.seq, head)
