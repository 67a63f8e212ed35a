"""Which records mention a person, and what became of that: an index of fingerprints, kept up behind the writers.

Appending knows nothing of it, so that no transfer waits for it: recording processes bring it up to date every second.
An entry holds all that a summary says, so that one of ten thousand records reads none of them; whoever wants the
records themselves gets those that hold the fingerprint in full, an entry having the first half of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, case, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.core.chain import canonical
from gateway.ledger.append import tree_in
from gateway.ledger.place import Place
from gateway.ledger.record import NOT_SENT, RELEASES
from gateway.store import schema
from gateway.store.database import fault_of, open_database
from gateway.store.statement import Statement

STEP = 200
"""Records indexed in one transaction."""
AT_ONCE = 500
"""Values looked up in one statement."""

_ADD = Statement(insert(schema.mention))

Told = Callable[[int], object]
"""Hears of progress: how many records are done."""


class Received(IntEnum):
    """Whether an agent got a person's data; `PERHAPS` where the record does not say who was removed."""

    NO = 0
    PERHAPS = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Covered:
    """How far an answer looked."""

    through: int
    """Number of the last record that the index covers."""
    newest: int
    """Number of the ledger's last record."""


@dataclass(frozen=True, slots=True)
class Group:
    """Records that say the same of a person, but for when."""

    basis: Mapping[str, Any]
    entities: frozenset[str]
    """Of the fingerprints that were met."""
    received: Received
    count: int
    first: str
    """ISO 8601, UTC; of the first and the last record by their order on the ledger."""
    last: str


def mark_of(fingerprint: str) -> int:
    """A fingerprint's place in the index: its first 64 bits, signed as databases count."""
    return int.from_bytes(bytes.fromhex(fingerprint.partition(":")[2])[:8], signed=True)


def received_of(body: Mapping[str, Any], met: Collection[str], outcome: str) -> Received:
    """What a decision says of the fingerprints met in it, given its outcome, or none yet."""
    if body["action"] not in RELEASES or outcome == NOT_SENT:
        return Received.NO
    if body["action"] == "pass":
        return Received.YES
    if "left" not in body:
        return Received.PERHAPS
    return Received.YES if set(met) & set(body["left"]) else Received.NO


def basis_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a decision has in common with many others and an answer repeats."""
    told = [one.removeprefix("source ") for one in body.get("known", ()) if one.startswith("source ")]
    return {
        "agent": body["agent"],
        "action": body["action"],
        "status": body["status"],
        "why": body["why"],
        "clauses": body["clauses"],
        "purpose": body.get("purpose") or "",
        "source": told[0] if told else "",
        "found": sorted({(one["entity"], one["category"]) for one in body["findings"]}),
    }


def basis_id(text: str) -> int:
    """The id of a basis in its canonical form: the first 64 bits of its digest."""
    return int.from_bytes(sha256(text.encode()).digest()[:8], signed=True)


class Mentions:
    """The writing side of the index. Close it, or use it in `closing`."""

    def __init__(self, place: Place, *, timeout_s: float = 10.0) -> None:
        self._place = place
        self._engine = open_database(place.where, timeout_s=timeout_s)
        self._reading = open_database(place.where, timeout_s=timeout_s, read_only=True)

    def bring_up(self, *, told: Told = lambda _: None, ended: Callable[[], bool] = lambda: False) -> int:
        """Index all records up to the newest, or until `ended`; how many there were. Blocks. Raises LedgerError.

        Where another process does the same, nothing is done twice.
        """
        done = 0
        with self._failing():
            while not ended():
                # Read and thought about beforehand: on SQLite no record can be written meanwhile.
                with self._reading.begin() as connection:
                    step = _read_step(connection)
                if step is None:
                    break
                with self._engine.begin() as connection:
                    if not _write_step(connection, step):
                        continue
                done += step.count
                told(done)
                if step.count < STEP:
                    break
        return done

    def forget(self) -> None:
        """Empty the index, for it to be made anew. Raises LedgerError."""
        with self._failing(), self._engine.begin() as connection:
            connection.execute(select(schema.mention_end).with_for_update())
            connection.execute(schema.mention.delete())
            connection.execute(schema.mention_basis.delete())
            connection.execute(update(schema.mention_end).values(seq=0))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()
        self._reading.dispose()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise fault_of(self._place.where, error, "cannot be indexed") from error


def covered(connection: Connection) -> Covered:
    """How far the index goes."""
    end = connection.execute(select(schema.mention_end.c.seq)).scalar_one()
    return Covered(int(end), tree_in(connection).head.seq)


def summed(connection: Connection, entity_of: Mapping[str, str]) -> list[Group]:
    """The records that mention any of these fingerprints (each with its entity), as groups; from the index alone."""
    mention = schema.mention.c
    entities = sorted(set(entity_of.values()))
    marks = {entity: [mark_of(one) for one, its in entity_of.items() if its == entity] for entity in entities}
    if not entities:
        return []
    # Each record once, though several of the person's identifiers may stand in it.
    once = (
        select(
            mention.seq,
            func.max(mention.basis).label("basis"),
            func.max(mention.received).label("received"),
            *(
                func.max(case((mention.mark.in_(marks[entity]), 1), else_=0)).label(f"met_{number}")
                for number, entity in enumerate(entities)
            ),
        )
        .where(mention.mark.in_([one for listed in marks.values() for one in listed]))
        .group_by(mention.seq)
        .subquery()
    )
    alike = [once.c.basis, once.c.received, *(once.c[f"met_{number}"] for number in range(len(entities)))]
    query = select(*alike, func.count(), func.min(once.c.seq), func.max(once.c.seq)).group_by(*alike)
    rows = sorted(connection.execute(query).all(), key=lambda row: row[-2])
    table, row = schema.mention_basis.c, schema.record.c
    bases = _looked_up(connection, table.id, table.body, {one.basis for one in rows})
    times = _looked_up(connection, row.seq, row.at, {seq for one in rows for seq in one[-2:]})
    return [
        Group(
            json.loads(bases[basis]),
            frozenset(entity for entity, yes in zip(entities, met, strict=True) if yes),
            Received(received),
            count,
            times[first],
            times[last],
        )
        for basis, received, *met, count, first, last in rows
    ]


def mentioning(connection: Connection, fingerprints: Collection[str]) -> Iterator[dict[str, Any]]:
    """Decisions that mention any of these fingerprints, oldest first, with `seq` and their `outcome`."""
    wanted = frozenset(fingerprints)
    mention, row = schema.mention.c, schema.record.c
    seqs: set[int] = set()
    for part in _parts(sorted({mark_of(one) for one in wanted})):
        seqs.update(connection.execute(select(mention.seq).where(mention.mark.in_(part))).scalars())
    for part in _parts(sorted(seqs)):
        query = select(row.seq, row.body).where(row.seq.in_(part)).order_by(row.seq)
        found = [
            {**body, "seq": seq}
            for seq, text in connection.execute(query)
            if not wanted.isdisjoint(_prints_in(body := json.loads(text)))
        ]
        # Without a word of the kind, or SQLite reads all outcomes of the ledger instead of these.
        asked = select(row.about, row.kind, row.action).where(row.about.in_([one["id"] for one in found]))
        outcomes = {one.about: one.action for one in connection.execute(asked) if one.kind == "outcome"}
        yield from ({**one, "outcome": outcomes.get(one["id"], "")} for one in found)


@dataclass(frozen=True, slots=True)
class _Step:
    """What some records that follow each other mean for the index."""

    after: int
    through: int
    count: int
    bases: Mapping[int, str]
    entries: Sequence[Mapping[str, int]]
    unsent: Sequence[str]
    """Decisions that released nothing after all."""


def _read_step(connection: Connection) -> _Step | None:
    """The next records to index; None if there are none."""
    end = connection.execute(select(schema.mention_end.c.seq)).scalar_one()
    row = schema.record.c
    query = select(row.seq, row.kind, row.about, row.action, row.body).where(row.seq > end)
    found = connection.execute(query.order_by(row.seq).limit(STEP)).all()
    if not found:
        return None
    bases: dict[int, str] = {}
    entries: list[dict[str, int]] = []
    for one in found:
        if one.kind == "decision":
            body = json.loads(one.body)
            prints = _prints_in(body)
            if prints:
                text = canonical(basis_of(body))
                basis = basis_id(text)
                bases[basis] = text
                entries += _entries(one.seq, basis, body, prints)
    table = schema.mention_basis.c
    for known in _looked_up(connection, table.id, table.id, bases):
        del bases[known]
    unsent = [one.about for one in found if one.kind == "outcome" and one.action == NOT_SENT]
    return _Step(end, found[-1].seq, len(found), bases, entries, unsent)


def _write_step(connection: Connection, step: _Step) -> bool:
    """Put a step into the index; False where another process was first. Whoever writes holds the row of the end."""
    end = connection.execute(select(schema.mention_end.c.seq).with_for_update()).scalar_one()
    if end != step.after:
        return False
    if step.bases:
        new = [{"id": one, "body": text} for one, text in step.bases.items()]
        connection.execute(insert(schema.mention_basis), new)
    if step.entries:
        _ADD.run(connection, step.entries)
    _take_back(connection, step.unsent)
    connection.execute(update(schema.mention_end).values(seq=step.through))
    return True


def _entries(seq: int, basis: int, body: Mapping[str, Any], prints: Collection[str]) -> list[dict[str, int]]:
    received: dict[int, int] = {}
    for one in sorted(prints):
        mark = mark_of(one)
        received[mark] = max(received_of(body, (one,), ""), received.get(mark, Received.NO))
    return [{"mark": mark, "seq": seq, "basis": basis, "received": got} for mark, got in received.items()]


def _take_back(connection: Connection, decisions: Sequence[str]) -> None:
    """Nobody received what these decisions released, since it was refused after all."""
    row, mention = schema.record.c, schema.mention.c
    for part in _parts(decisions):
        found = connection.execute(select(row.seq, row.body).where(row.id.in_(part))).all()
        for seq, text in found:
            marks = [mark_of(one) for one in _prints_in(json.loads(text))]
            change = update(schema.mention).where(mention.seq == seq, mention.mark.in_(marks))
            connection.execute(change.values(received=int(Received.NO)))


def _prints_in(body: Mapping[str, Any]) -> frozenset[str]:
    """All fingerprints of a decision."""
    return frozenset(known for one in body.get("findings", ()) for known in one["fingerprints"])


def _looked_up(connection: Connection, key: Any, value: Any, keys: Collection[Any]) -> dict[Any, Any]:
    """What a table says of each of these keys."""
    found: dict[Any, Any] = {}
    for part in _parts(sorted(keys)):
        rows = connection.execute(select(key, value).where(key.in_(part)))
        found.update((row[0], row[1]) for row in rows)
    return found


def _parts[T](values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
