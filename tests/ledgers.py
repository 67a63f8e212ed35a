"""Ledgers and their entries, as tests need them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.chain import Verification
from gateway.core.errors import LedgerError
from gateway.ledger import FindingSummary, Ledger, LedgerReader, Outcome, Place, Record, Recorder, Signer
from gateway.ledger.record import Entry
from gateway.ledger.writer import Also, Answers, Waiting

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def a_signer(gateway: str = "gateway-1") -> Signer:
    return Signer(KEY, gateway)


def a_recorder(place: Place, timeout_s: float = 30.0) -> Recorder:
    """The ledger as a gateway has it; its key is that of `a_signer`."""
    keys = place.base.parent / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    if not (keys / "signing.key").exists():
        (keys / "signing.key").write_bytes(KEY.private_bytes_raw())
        (keys / "signing.key").chmod(0o600)
    return Recorder(place, keys, "gateway-1", timeout_s=timeout_s)


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


class AwaitedLedger(Ledger):
    """What the recording process has of the ledger, here in this process, and to be awaited."""

    def __init__(self, place: Place | Path, signer: Signer, *, timeout_s: float = 30.0, **more: Any) -> None:
        self._limit_s = timeout_s
        self._numbers = itertools.count()
        self._futures: dict[int, asyncio.Future[int]] = {}
        super().__init__(place, signer, answered=self._settle, timeout_s=timeout_s, **more)

    async def append(self, entry: Entry, also: Also | None = None) -> int:
        number, done = next(self._numbers), asyncio.get_running_loop().create_future()
        self._futures[number] = done
        self.submit(Waiting(entry, number, also, time.monotonic() + self._limit_s))
        try:
            return await asyncio.wait_for(done, self._limit_s)
        except TimeoutError:
            raise LedgerError(f"not written within {self._limit_s:g} s") from None

    def note(self, entry: Entry) -> None:
        self.submit(Waiting(entry, patient=True))

    def _settle(self, answers: Answers) -> None:
        for one, answer in answers:
            if one.token is not None:
                done = self._futures.pop(one.token)
                done.get_loop().call_soon_threadsafe(self._tell, done, answer)

    @staticmethod
    def _tell(done: asyncio.Future[int], answer: int | LedgerError) -> None:
        if done.done():
            return
        if isinstance(answer, LedgerError):
            done.set_exception(answer)
        else:
            done.set_result(answer)


@contextlib.contextmanager
def a_ledger(
    place: Place | Path, timeout_s: float = 30.0, gateway: str = "gateway-1"
) -> Iterator[AwaitedLedger]:
    ledger = AwaitedLedger(place, a_signer(gateway), timeout_s=timeout_s)
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
