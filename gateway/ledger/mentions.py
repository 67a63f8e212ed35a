"""Which records mention a person: an index of fingerprints over the ledger, kept up behind the writers.

Appending knows nothing of it, so that no transfer waits for it: gateways bring it up to date every few seconds, and
every search does so first. An entry is the first half of a fingerprint; the record it leads to decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.ledger.append import tree_in
from gateway.ledger.place import Place
from gateway.store import schema
from gateway.store.database import fault_of, open_database

STEP = 2_000
"""Records indexed in one transaction: short, since on SQLite nobody else writes meanwhile."""
FINGERPRINTS = re.compile(r'"fingerprints":\[([^\]]*)\]')
AT_ONCE = 500
"""Values looked up in one statement."""


def mark_of(fingerprint: str) -> int:
    """A fingerprint's place in the index: its first 64 bits, signed as databases count."""
    return int.from_bytes(bytes.fromhex(fingerprint.partition(":")[2])[:8], signed=True)


def prints_in(body: dict[str, Any]) -> frozenset[str]:
    """All fingerprints of a decision."""
    return frozenset(known for one in body.get("findings", ()) for known in one["fingerprints"])


class Mentions:
    """The writing side of the index. Close it, or use it in `closing`."""

    def __init__(self, place: Place, *, timeout_s: float = 10.0) -> None:
        self._place = place
        self._engine = open_database(place.where, timeout_s=timeout_s)

    def bring_up(self) -> int:
        """Index all records up to the newest; how many there were. Blocks. Raises LedgerError.

        Where another process does the same, one waits for the other, and nothing is done twice.
        """
        done = 0
        with self._failing():
            while True:
                with self._engine.begin() as connection:
                    step = _bring_up_step(connection)
                done += step
                if step < STEP:
                    return done

    def forget(self) -> None:
        """Empty the index, for it to be made anew. Raises LedgerError."""
        with self._failing(), self._engine.begin() as connection:
            connection.execute(select(schema.mention_end).with_for_update())
            connection.execute(schema.mention.delete())
            connection.execute(update(schema.mention_end).values(seq=0))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise fault_of(self._place.where, error, "cannot be indexed") from error


def behind(connection: Connection) -> int:
    """How many records the index does not cover yet."""
    end = connection.execute(select(schema.mention_end.c.seq)).scalar_one()
    return tree_in(connection).head.seq - int(end)


def mentioning(connection: Connection, fingerprints: Collection[str]) -> Iterator[dict[str, Any]]:
    """Decisions that mention any of these fingerprints, oldest first, with `seq` and their `outcome`."""
    wanted = frozenset(fingerprints)
    mention, row = schema.mention.c, schema.record.c
    seqs: set[int] = set()
    for part in _parts(sorted({mark_of(one) for one in wanted})):
        seqs.update(connection.execute(select(mention.seq).where(mention.mark.in_(part))).scalars())
    for part in _parts(sorted(seqs)):
        query = select(row.seq, row.id, row.body).where(row.seq.in_(part)).order_by(row.seq)
        found = [
            {**body, "seq": seq}
            for seq, _, text in connection.execute(query)
            if prints_in(body := json.loads(text)) & wanted
        ]
        ids = [one["id"] for one in found]
        asked = select(row.about, row.action).where(row.kind == "outcome", row.about.in_(ids))
        outcomes = {one.about: one.action for one in connection.execute(asked)}
        yield from ({**one, "outcome": outcomes.get(one["id"], "")} for one in found)


def _bring_up_step(connection: Connection) -> int:
    """Index the next records; how many. Whoever does holds the row of the end."""
    end = connection.execute(select(schema.mention_end.c.seq).with_for_update()).scalar_one()
    row = schema.record.c
    query = select(row.seq, row.kind, row.body).where(row.seq > end).order_by(row.seq).limit(STEP)
    found = connection.execute(query).all()
    if not found:
        return 0
    entries = [
        {"mark": mark, "seq": one.seq}
        for one in found
        if one.kind == "decision"
        for mark in sorted({mark_of(known) for known in _prints_of(one.body)})
    ]
    if entries:
        connection.execute(insert(schema.mention), entries)
    connection.execute(update(schema.mention_end).values(seq=found[-1].seq))
    return len(found)


def _prints_of(body: str) -> Iterator[str]:
    """The fingerprints of a decision as it is kept, without reading the rest: ten times as fast as parsing it.

    What a string of the record says cannot look like a list of them, since quotation marks in strings are escaped.
    """
    for listed in FINGERPRINTS.findall(body):
        yield from (one for quoted in listed.split(",") if (one := quoted.strip('"')))


def _parts[T](values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
