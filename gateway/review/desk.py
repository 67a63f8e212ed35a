"""The gateway's side of review: holds transfers, knows approved ones again, forgets what nobody decided on.

Reads happen in threads, for few transfers are held; writes ride in the transaction of the record they belong to.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.core.model import Inspection, Transfer
from gateway.core.review import Review, ReviewFile, State
from gateway.ledger.acting import new_act, writing
from gateway.ledger.append import append
from gateway.ledger.place import Place
from gateway.ledger.reader import LedgerReader
from gateway.review import rows
from gateway.review.vault import Vault

Also = Callable[[Connection], None]


class Desk:
    """One per gateway."""

    def __init__(
        self, place: Place, vault: Vault, gateway: str, *, max_bytes: int, max_total_bytes: int
    ) -> None:
        self._place, self._vault, self._gateway = place, vault, gateway
        self._max_bytes, self._max_total_bytes = max_bytes, max_total_bytes
        self._reader = LedgerReader(place)
        self._lock = threading.Lock()
        self._allowed: dict[tuple[str, str], str] = {}

    def identity(self, transfer: Transfer, inspection: Inspection) -> str:
        """The keyed digest that only the identical transfer has."""
        return self._vault.identity(transfer, inspection)

    async def find(self, identity: str, now: datetime) -> Review | None:
        """The review of this transfer that stands: an approval before one that waits. Raises LedgerError."""
        found = [one.on(now) for one in await asyncio.to_thread(self._of_identity, identity)]
        passing = [one for one in found if one.lets_pass(now)]
        waiting = [one for one in found if one.state in rows.WAITING]
        return next(iter((*passing, *waiting)), None)

    def holding(self, transfer: Transfer, identity: str, agent: str, eyes: int, rules: ReviewFile) -> Also:
        """What begins a review, in the transaction of the decision; what is too large is held without its content."""
        expires = transfer.at + timedelta(days=rules.hold_days)
        review = Review(transfer.id, agent, State.OPEN, transfer.at, expires, eyes)
        message = transfer.message
        size = len(message.body) + len(message.target) + sum(len(n) + len(v) for n, v in message.headers)
        content = self._vault.seal(transfer.id, message) if size <= self._max_bytes else None

        return rows.Holding(review, identity, content, self._max_total_bytes)

    def using(self, review: Review, now: datetime) -> Also:
        """What uses an approval, in the transaction of the decision."""
        return rows.Using(review.id, now)

    def without_false_positives(self, inspection: Inspection, now: datetime) -> Inspection:
        """The inspection without the findings that reviewers marked as no personal data."""
        if not self._allowed:
            return inspection
        today = rows.text_of(now)
        kept = tuple(
            one
            for one in inspection.findings
            if not any(
                self._allowed.get((known, one.entity), "") > today
                for known in (one.fingerprint, *one.older_fingerprints)
            )
        )
        return Inspection(kept, inspection.unread, inspection.segments, inspection.characters)

    def refresh(self) -> None:
        """Read the false positives anew. Blocks; raises LedgerError."""
        with self._lock, self._reader.connection() as connection:
            found = rows.allowances(connection)
        self._allowed = {(one["fingerprint"], one["entity"]): one["until"] for one in found}

    def expire(self, now: datetime, rules: str) -> int:
        """Close what time has ended, and delete what was held of it. Blocks; raises LedgerError."""
        with self._lock, self._reader.connection() as connection:
            waiting = rows.overdue(connection, now)
        if not waiting:
            return 0
        with writing(self._place) as connection:
            for one in rows.overdue(connection, now):
                rows.change(connection, one, one.on(now))
                act = new_act(
                    "review-expired", "gateway", self._gateway, rules, about=one.id, agent=one.agent
                )
                append(connection, [act])
        return len(waiting)

    def close(self) -> None:
        """Let go of the database."""
        self._reader.close()

    def _of_identity(self, identity: str) -> list[Review]:
        with self._lock, self._reader.connection() as connection:
            return rows.of_identity(connection, identity)
