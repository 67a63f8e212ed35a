"""Adds entries to the ledger within one transaction: chain, Merkle tree, open intents, all or nothing.

Whoever writes, gateway or command, does it here: the row of the tree is locked first, so that any number of writers
leave no gap and no fork.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from gateway.core.chain import Head, link
from gateway.core.errors import LedgerError
from gateway.core.merkle import Frontier, leaf_hash
from gateway.ledger.record import RELEASES, Entry, Outcome, body_of
from gateway.store import schema

TILE = 8
"""Every so many levels the complete subtrees of the tree are kept."""


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
    query = select(schema.tree)
    found = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise LedgerError("the row of the tree is missing; run `onward ledger verify`")
    try:
        frontier = Frontier(found.size, tuple(bytes.fromhex(peak) for peak in found.peaks.split()))
    except ValueError as error:
        raise LedgerError(f"the row of the tree was changed: {error}") from error
    return Tree(found.ledger, Head(found.size, found.head), frontier)


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
    entries = _without_moot(connection, entries)
    head, frontier = tree.head, tree.frontier
    seqs: dict[str, int] = {}
    rows, nodes, opened, closed = [], [], [], []
    for entry in entries:
        new = link(head, body_of(entry))
        head = Head(new.seq, new.hash)
        frontier, completed = frontier.add(leaf_hash(bytes.fromhex(new.hash)))
        nodes += [one for one in completed if one.level and one.level % TILE == 0]
        columns = {"id": entry.id, "kind": entry.kind, "about": getattr(entry, "about", None)}
        columns |= {"at": entry.at, "gateway": entry.gateway, "agent": entry.agent, "action": entry.action}
        rows.append({"seq": new.seq, **columns, "body": new.body, "hash": new.hash})
        seqs[entry.id] = new.seq
        if entry.kind == "decision" and entry.action in RELEASES:
            opened.append({"id": entry.id, "gateway": entry.gateway})
        elif isinstance(entry, Outcome):
            closed.append(entry.about)
    if rows:
        connection.execute(insert(schema.record), rows)
        connection.execute(
            update(schema.tree).values(
                size=head.seq, head=head.hash, peaks=" ".join(peak.hex() for peak in frontier.peaks)
            )
        )
    if nodes:
        connection.execute(
            insert(schema.node),
            [{"level": one.level, "place": one.index, "hash": one.hash.hex()} for one in nodes],
        )
    if opened:
        connection.execute(insert(schema.open_intent), opened)
    if closed:
        connection.execute(delete(schema.open_intent).where(schema.open_intent.c.id.in_(closed)))
    return Tree(tree.ledger, head, frontier), seqs


def open_intents(connection: Connection, gateway: str) -> Sequence[str]:
    """Releases of a gateway whose outcome is not on record."""
    query = select(schema.open_intent.c.id).where(schema.open_intent.c.gateway == gateway)
    return connection.execute(query.order_by(schema.open_intent.c.id)).scalars().all()


def _check_known(connection: Connection, tree: Tree, known: Head) -> None:
    if tree.head == known or known.seq == 0:
        return
    if tree.head.seq < known.seq:
        raise LedgerError(
            f"records {tree.head.seq + 1} to {known.seq} have vanished; run `onward ledger verify`"
        )
    query = select(schema.record.c.hash).where(schema.record.c.seq == known.seq)
    if connection.execute(query).scalar() != known.hash:
        raise LedgerError(f"record {known.seq} is not the one that was written; run `onward ledger verify`")


def _without_moot(connection: Connection, entries: Sequence[Entry]) -> Sequence[Entry]:
    asked = [entry.about for entry in entries if isinstance(entry, Outcome)]
    if not asked:
        return entries
    query = select(schema.open_intent.c.id).where(schema.open_intent.c.id.in_(asked))
    known = set(connection.execute(query).scalars())
    kept: list[Entry] = []
    for entry in entries:
        if isinstance(entry, Outcome):
            if entry.about not in known:
                continue
            known.discard(entry.about)
        elif entry.kind == "decision" and entry.action in RELEASES:
            known.add(entry.id)
        kept.append(entry)
    return kept
