"""Reviews, held contents and allowances in the database. Every change goes with an act, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from gateway.core.errors import DeclinedError
from gateway.core.review import Review, State
from gateway.store import schema

WAITING = (State.OPEN, State.SECONDED)
LIVE = (*WAITING, State.APPROVED)


def text_of(at: datetime) -> str:
    """A time as it is kept; these sort like the times."""
    return at.isoformat(timespec="milliseconds")


def load(connection: Connection, review_id: str) -> Review | None:
    """The review of this id."""
    row = connection.execute(select(schema.review).where(schema.review.c.id == review_id)).one_or_none()
    return None if row is None else _review(row)


def listed(connection: Connection, states: Sequence[State]) -> list[Review]:
    """Reviews in these states, oldest first."""
    query = select(schema.review).where(schema.review.c.state.in_(states)).order_by(schema.review.c.created)
    return [_review(row) for row in connection.execute(query)]


def of_identity(connection: Connection, identity: str) -> list[Review]:
    """Reviews of this very transfer that have not ended, newest first."""
    table = schema.review.c
    query = select(schema.review).where(table.identity == identity, table.state.in_(LIVE))
    return [_review(row) for row in connection.execute(query.order_by(table.created.desc()))]


def hold(connection: Connection, review: Review, identity: str, content: bytes | None) -> None:
    """Begin a review, unless one of the same transfer waits already. Raises DeclinedError then."""
    if any(one.on(review.created).state in WAITING for one in of_identity(connection, identity)):
        raise DeclinedError(f"a review of this transfer waits already, beside {review.id}")
    connection.execute(insert(schema.review).values(id=review.id, identity=identity, **_columns(review)))
    if content is not None:
        connection.execute(insert(schema.held).values(id=review.id, content=content))


def change(connection: Connection, before: Review, after: Review) -> None:
    """Put a review into its next state; what it held goes when it has ended. Raises DeclinedError after a race."""
    table = schema.review.c
    done = connection.execute(
        update(schema.review)
        .where(table.id == before.id, table.state == before.state)
        .values(**_columns(after))
    )
    if done.rowcount != 1:
        raise DeclinedError(f"the review {before.id} changed meanwhile; look again")
    if after.state not in WAITING:
        connection.execute(delete(schema.held).where(schema.held.c.id == before.id))


def use(connection: Connection, review_id: str, now: datetime) -> None:
    """Let one transfer pass on an approval. Raises DeclinedError when it does not, or no longer, stand."""
    review = load(connection, review_id)
    if review is None or not review.lets_pass(now):
        raise DeclinedError(f"the approval {review_id} does not stand any more")
    if review.single_use:
        table = schema.review.c
        done = connection.execute(
            update(schema.review)
            .where(table.id == review_id, table.state == State.APPROVED)
            .values(state=State.USED)
        )
        if done.rowcount != 1:
            raise DeclinedError(f"the approval {review_id} was used by another transfer")


@dataclass(frozen=True, slots=True)
class Holding:
    """Begins a review, in the transaction of the decision to hold; made in one process and called in another."""

    review: Review
    identity: str
    content: bytes | None
    max_total_bytes: int

    def __call__(self, connection: Connection) -> None:
        """Keep it, without its content where there is no room for that. Raises DeclinedError as `hold` does."""
        size = 0 if self.content is None else len(self.content)
        room = held_bytes(connection) + size <= self.max_total_bytes
        hold(connection, self.review, self.identity, self.content if room else None)


@dataclass(frozen=True, slots=True)
class Using:
    """Uses an approval, in the transaction of the decision that passes by it."""

    review_id: str
    now: datetime

    def __call__(self, connection: Connection) -> None:
        """Use it. Raises DeclinedError as `use` does."""
        use(connection, self.review_id, self.now)


def content_of(connection: Connection, review_id: str) -> bytes | None:
    """What is held, encrypted; None where it was too large to keep, or the review has ended."""
    found = connection.execute(select(schema.held.c.content).where(schema.held.c.id == review_id)).scalar()
    return None if found is None else bytes(found)


def held_bytes(connection: Connection) -> int:
    """Size of all that is held."""
    return int(
        connection.execute(
            select(func.coalesce(func.sum(func.length(schema.held.c.content)), 0))
        ).scalar_one()
    )


def overdue(connection: Connection, now: datetime) -> list[Review]:
    """Reviews that time has ended and nobody has closed."""
    return [one for one in listed(connection, LIVE) if one.on(now).state is State.EXPIRED]


def allow(connection: Connection, review_id: str, prints: Sequence[tuple[str, str]], until: datetime) -> None:
    """Let fingerprints, each with its entity, not count as findings until a time."""
    table = schema.allowance.c
    for fingerprint, entity in prints:
        connection.execute(
            delete(schema.allowance).where(table.fingerprint == fingerprint, table.entity == entity)
        )
    connection.execute(
        insert(schema.allowance),
        [
            {"fingerprint": fingerprint, "entity": entity, "review": review_id, "until": text_of(until)}
            for fingerprint, entity in prints
        ],
    )


def allowances(connection: Connection) -> list[dict[str, Any]]:
    """All false positives, also those that are over: the evaluation set."""
    rows = connection.execute(select(schema.allowance).order_by(schema.allowance.c.until)).mappings()
    return [dict(row) for row in rows]


def _columns(review: Review) -> dict[str, Any]:
    return {
        "agent": review.agent,
        "state": review.state,
        "created": text_of(review.created),
        "expires": text_of(review.expires),
        "eyes": review.eyes,
        "first_by": review.first_by,
        "until": None if review.until is None else text_of(review.until),
        "single_use": int(review.single_use),
    }


def _review(row: Row[Any]) -> Review:
    return Review(
        id=row.id,
        agent=row.agent,
        state=State(row.state),
        created=datetime.fromisoformat(row.created),
        expires=datetime.fromisoformat(row.expires),
        eyes=row.eyes,
        first_by=row.first_by,
        until=None if row.until is None else datetime.fromisoformat(row.until),
        single_use=bool(row.single_use),
    )
