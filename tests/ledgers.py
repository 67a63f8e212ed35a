"""Ledgers and their entries, as tests need them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.chain import Verification
from gateway.ledger import FindingSummary, Ledger, LedgerReader, Outcome, Place, Record, Signer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def a_signer(gateway: str = "gateway-1") -> Signer:
    return Signer(KEY, gateway)


def a_record(
    record_id: str, *, agent: str = "example-llm", action: str = "anonymize", **other: str
) -> Record:
    values = {
        "at": "2031-05-04T10:00:00.000+00:00",
        "gateway": "gateway-1",
        "host": "api.example.org",
        "method": "POST",
        "why": "The agent's assurance covers pseudonymous data only \u2013 no more.",
    } | other
    return Record(
        id=record_id,
        agent=agent,
        port=443,
        action=action,
        status="claimed",
        reason="not-assured",
        rule="table/claimed/ordinary",
        clauses=("TR-3",),
        origins=("EU",),
        classes=("ordinary",),
        evidence=("proof",),
        rules="d" * 64,
        source="office",
        bytes=120,
        body="1:" + "0" * 32,
        findings=(FindingSummary("PERSON", "name", "PL", "body.json", 1, ("1:" + "a" * 32,)),),
        unread=("body.json: too deep",),
        **values,
    )


def an_outcome(about: str, action: str = "answered-2xx", gateway: str = "gateway-1") -> Outcome:
    return Outcome(about, "2031-05-04T10:00:01.000+00:00", gateway, "d" * 64, action)


@contextlib.contextmanager
def a_ledger(place: Place | Path, timeout_s: float = 30.0, gateway: str = "gateway-1") -> Iterator[Ledger]:
    ledger = Ledger(place, a_signer(gateway), timeout_s=timeout_s)
    try:
        yield ledger
    finally:
        ledger.close()


@contextlib.contextmanager
def reading(place: Place | Path) -> Iterator[LedgerReader]:
    with contextlib.closing(LedgerReader(place)) as reader:
        yield reader


def verified(place: Place | Path) -> Verification:
    with reading(place) as reader:
        return reader.verify()
