"""Adds entries to the ledger within one transaction: chain, Merkle tree, open intents, all or nothing.

Whoever writes, gateway or command, does it here: the row of the tree is locked first, so that any number of writers
leave no gap and no fork.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, zip_longest

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from gateway.core.chain import Head, link
from gateway.core.errors import LedgerError
from gateway.core.merkle import Frontier, leaf_hash
from gateway.ledger.record import RELEASES, Entry, Outcome, body_of
from gateway.store import schema
from gateway.store.statement import Statement

TILE = 8
"""Every so many levels the complete subtrees of the tree are kept."""

_TREE = Statement(select(schema.tree))
_LOCKED_TREE = Statement(select(schema.tree).with_for_update())
_HASH = Statement(select(schema.record.c.hash).where(schema.record.c.seq == bindparam("known")))
_ADD = Statement(insert(schema.record))
_GROW = Statement(update(schema.tree), ("size", "head", "peaks"))
_ADD_NODES = Statement(insert(schema.node))
_OPEN = Statement(insert(schema.open_intent))
_ASKED = tuple(f"asked{number}" for number in range(16))
_CLOSE = Statement(
    delete(schema.open_intent)
    .where(schema.open_intent.c.id.in_([bindparam(one) for one in _ASKED]))
    .returning(schema.open_intent.c.id)
)


@dataclass(frozen=True, slots=True)
class Tree:
    """The ledger as a whole: its id, newest record, and the frontier of its Merkle tree."""

    ledger: str
    head: Head
    frontier: Frontier


def tree_in(connection: Connection, *, lock: bool = False) -> Tree:
    """The ledger's tree; locked against other writers until the transaction ends, if so asked.

    Raises:
        LedgerError: there is no such row, or it contradicts itself.
    """
    found = (_LOCKED_TREE if lock else _TREE).rows(connection)
    if len(found) != 1:
        raise LedgerError("the row of the tree is missing; run `onward ledger verify`")
    ((_, ledger, size, head, peaks),) = found
    try:
        frontier = Frontier(size, tuple(bytes.fromhex(peak) for peak in peaks.split()))
    except ValueError as error:
        raise LedgerError(f"the row of the tree was changed: {error}") from error
    return Tree(ledger, Head(size, head), frontier)


def append(
    connection: Connection, entries: Sequence[Entry], known: Head | None = None
) -> tuple[Tree, dict[str, int]]:
    """Add entries in their order; the tree after it, and the sequence number of each that was added, by its id.

    Outcomes of what is not open are left out: a release that was refused after all, or that has its outcome already.
    `known` is a head that this writer saw durable.

    Raises:
        LedgerError: `known` is gone, or the tree contradicts the records.
    """
    tree = tree_in(connection, lock=True)
    if known is not None:
        _check_known(connection, tree, known)
    entries, opened = _without_moot(connection, entries)
    head, frontier = tree.head, tree.frontier
    seqs: dict[str, int] = {}
    rows, nodes = [], []
    for entry in entries:
        new = link(head, body_of(entry))
        head = Head(new.seq, new.hash)
        frontier, completed = frontier.add(leaf_hash(bytes.fromhex(new.hash)))
        nodes += [one for one in completed if one.level and one.level % TILE == 0]
        columns = {"id": entry.id, "kind": entry.kind, "about": getattr(entry, "about", None)}
        columns |= {"at": entry.at, "gateway": entry.gateway, "agent": entry.agent, "action": entry.action}
        rows.append({"seq": new.seq, **columns, "body": new.body, "hash": new.hash})
        seqs[entry.id] = new.seq
    if rows:
        _ADD.run(connection, rows)
        peaks = " ".join(peak.hex() for peak in frontier.peaks)
        _GROW.run(connection, [{"size": head.seq, "head": head.hash, "peaks": peaks}])
    if nodes:
        _ADD_NODES.run(
            connection, [{"level": one.level, "place": one.index, "hash": one.hash.hex()} for one in nodes]
        )
    if opened:
        _OPEN.run(connection, [{"id": one.id, "gateway": one.gateway} for one in opened])
    return Tree(tree.ledger, head, frontier), seqs


def open_intents(connection: Connection, gateway: str) -> Sequence[str]:
    """Releases of a gateway whose outcome is not on record."""
    query = select(schema.open_intent.c.id).where(schema.open_intent.c.gateway == gateway)
    return connection.execute(query.order_by(schema.open_intent.c.id)).scalars().all()


def oldest_intent(connection: Connection, gateway: str) -> tuple[int, datetime | None]:
    """How many releases of a gateway have no outcome on record, and when the oldest of them was decided."""
    query = (
        select(func.count(), func.min(schema.record.c.at))
        .select_from(schema.open_intent)
        .join(schema.record, schema.record.c.id == schema.open_intent.c.id)
        .where(schema.open_intent.c.gateway == gateway)
    )
    count, oldest = connection.execute(query).one()
    return count, None if oldest is None else datetime.fromisoformat(oldest)


def _check_known(connection: Connection, tree: Tree, known: Head) -> None:
    if tree.head == known or known.seq == 0:
        return
    if tree.head.seq < known.seq:
        raise LedgerError(
            f"records {tree.head.seq + 1} to {known.seq} have vanished; run `onward ledger verify`"
        )
    if _HASH.rows(connection, {"known": known.seq}) != [(known.hash,)]:
        raise LedgerError(f"record {known.seq} is not the one that was written; run `onward ledger verify`")


def _without_moot(
    connection: Connection, entries: Sequence[Entry]
) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """The entries without outcomes of what is not open, and the releases among them that stay open."""
    asked = [entry.about for entry in entries if isinstance(entry, Outcome)]
    closing = {
        one
        for some in batched(asked, len(_ASKED))
        for (one,) in _CLOSE.rows(connection, dict(zip_longest(_ASKED, some, fillvalue="")))
    }
    kept: list[Entry] = []
    opened: dict[str, Entry] = {}
    for entry in entries:
        if isinstance(entry, Outcome):
            if entry.about in closing:
                closing.discard(entry.about)
            elif opened.pop(entry.about, None) is None:
                continue
        elif entry.kind == "decision" and entry.action in RELEASES:
            opened[entry.id] = entry
        kept.append(entry)
    return kept, tuple(opened.values())
