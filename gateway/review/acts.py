"""What reviewers do: look, reveal, approve, refuse, mark as false positive. Each is on the ledger with its effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.core.model import Message
from gateway.core.review import NotAllowed, Review, ReviewFile, State, approved, marked, refused, reviewer_for
from gateway.ledger.acting import new_act, writing
from gateway.ledger.append import append
from gateway.ledger.place import Place
from gateway.ledger.reader import LedgerReader
from gateway.review import rows
from gateway.review.vault import Vault

Change = Callable[[Connection, Review], tuple[Review, dict[str, Any]]]


def until_end_of(day: date) -> datetime:
    """When an approval until a day ends: the day counts as a whole."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def in_full(message: Message) -> str:
    """What a held transfer says, as people read it."""
    lines = [f"{message.method} {message.target.decode('utf-8', 'backslashreplace')}"]
    lines += [
        f"{name.decode('latin-1')}: {value.decode('utf-8', 'backslashreplace')}"
        for name, value in message.headers
    ]
    return "\n".join([*lines, "", message.body.decode("utf-8", "backslashreplace")])


@dataclass(frozen=True, slots=True)
class Office:
    """A reviewer at work: who, by which rules, on which ledger."""

    place: Place
    rules: ReviewFile
    digest: str
    """Of the rules in force; part of each act."""
    gateway: str
    by: str

    def waiting(self, states: Sequence[State] = rows.WAITING) -> list[Review]:
        """Reviews in these states, as they stand now."""
        reader = LedgerReader(self.place)
        try:
            with reader.connection() as connection:
                return [one.on(datetime.now(UTC)) for one in rows.listed(connection, states)]
        finally:
            reader.close()

    def look(self, review_id: str, vault: Vault, *, reveal: bool) -> Message | None:
        """What is held, for a redacted look or a reveal; either is on record before it is shown.

        None where it was too large to keep, or the review has ended. Raises NotAllowed or LedgerError.
        """
        reviewer_for(self.rules, self.by, self._today(), reveal=reveal)
        with writing(self.place) as connection:
            review = self._load(connection, review_id)
            content = rows.content_of(connection, review_id)
            self._record(connection, "review-revealed" if reveal else "review-shown", review, {})
        return None if content is None else vault.open(review_id, content)

    def approve(self, review_id: str, until: datetime | None, reason: str) -> Review:
        """Approve: once, or `until`. Raises NotAllowed or LedgerError."""

        def change(_: Connection, review: Review) -> tuple[Review, dict[str, Any]]:
            after = approved(review, self.by, datetime.now(UTC), self.rules, until)
            ends = None if after.until is None else rows.text_of(after.until)
            return after, {"reason": reason, "once": after.single_use, "until": ends, "state": after.state}

        return self._change("review-approved", review_id, change)

    def refuse(self, review_id: str, reason: str) -> Review:
        """Refuse. Raises NotAllowed or LedgerError."""
        return self._change(
            "review-refused",
            review_id,
            lambda _, review: (refused(review, datetime.now(UTC)), {"reason": reason}),
        )

    def propose_rule(self, review_id: str, reason: str) -> dict[str, Any]:
        """Put a proposal for the rules on record: what held this transfer. Raises NotAllowed or LedgerError."""
        reviewer_for(self.rules, self.by, self._today())
        decision = self.decision(review_id)
        proposal = {key: decision[key] for key in ("agent", "rule", "classes", "origins", "unread")}
        with writing(self.place) as connection:
            review = self._load(connection, review_id)
            self._record(connection, "rule-proposed", review, {**proposal, "reason": reason})
        return proposal

    def mark_false_positive(self, review_id: str, entity: str | None, reason: str) -> list[tuple[str, str]]:
        """Let what was found (all of it, or one entity) not count for a while. Raises NotAllowed or LedgerError."""
        decision = self.decision(review_id)
        prints = sorted(
            {
                (known, one["entity"])
                for one in decision["findings"]
                if entity in (None, one["entity"])
                for known in one["fingerprints"]
            }
        )
        if not prints:
            raise NotAllowed("nothing of the kind was found in this transfer")

        def change(connection: Connection, review: Review) -> tuple[Review, dict[str, Any]]:
            after = marked(review, self.by, datetime.now(UTC))
            until = datetime.now(UTC) + timedelta(days=self.rules.false_positive_days)
            rows.allow(connection, review_id, prints, until)
            now_allowed = [{"fingerprint": known, "entity": kind} for known, kind in prints]
            return after, {"reason": reason, "until": rows.text_of(until), "marked": now_allowed}

        self._change("review-false-positive", review_id, change)
        return prints

    def decision(self, review_id: str) -> dict[str, Any]:
        """The record of the decision to hold. Raises NotAllowed if there is none."""
        reader = LedgerReader(self.place)
        try:
            found = reader.get(review_id)
        finally:
            reader.close()
        if found is None or found["action"] != "hold":
            raise NotAllowed(f"no held transfer has the id {review_id!r}")
        return found

    def _change(self, action: str, review_id: str, change: Change) -> Review:
        reviewer_for(self.rules, self.by, self._today())
        with writing(self.place) as connection:
            before = self._load(connection, review_id)
            after, details = change(connection, before)
            rows.change(connection, before, after)
            self._record(connection, action, after, details)
        return after

    def _load(self, connection: Connection, review_id: str) -> Review:
        review = rows.load(connection, review_id)
        if review is None:
            raise NotAllowed(f"no held transfer has the id {review_id!r}")
        return review

    def _record(self, connection: Connection, action: str, review: Review, details: dict[str, Any]) -> None:
        act = new_act(
            action, self.by, self.gateway, self.digest, about=review.id, agent=review.agent, details=details
        )
        append(connection, [act])

    def _today(self) -> Any:
        return datetime.now(UTC).date()
