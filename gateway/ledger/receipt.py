"""Receipts: one record, with what proves to a third party that it stands in the ledger, and nothing of the others.

A receipt holds the record as it was hashed, the inclusion path (RFC 9162) and a signed head that covers it. It can be
checked without this program: `scripts/check_receipt.py` needs Python and the package `cryptography`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select

from gateway.core.errors import LedgerError
from gateway.core.merkle import consistency_path, inclusion_path
from gateway.ledger.append import tree_in
from gateway.ledger.heads import SignedHead, parse_head
from gateway.ledger.subtrees import root_at, subtrees_in
from gateway.store import schema

FORMAT = "onward-receipt-1"
GROWTH = "onward-consistency-1"


def kept_heads(connection: Connection) -> list[SignedHead]:
    """The signed heads in the database, smallest first. Raises LedgerError for one that was changed."""
    query = select(schema.signed_head.c.statement).order_by(schema.signed_head.c.size)
    try:
        return [parse_head(text) for text in connection.execute(query).scalars()]
    except ValueError as error:
        raise LedgerError(f"a signed head was changed: {error}; run `onward ledger verify`") from error


def receipt_for(connection: Connection, entry_id: str, outside: list[SignedHead]) -> dict[str, Any] | None:
    """A receipt for the entry of this id, or None if there is none; `outside` are heads kept outside the database.

    Raises:
        LedgerError: no signed head covers the entry yet, or the tree is damaged.
    """
    row = schema.record.c
    found = connection.execute(select(row.seq, row.body, row.hash).where(row.id == entry_id)).one_or_none()
    if found is None:
        return None
    before = connection.execute(select(row.hash).where(row.seq == found.seq - 1)).scalar()
    size = tree_in(connection).head.seq
    covering = [head for head in (*outside, *kept_heads(connection)) if found.seq <= head.size <= size]
    if not covering:
        raise LedgerError("no signed head covers this record yet; the gateway signs one with each commit")
    head = max(covering, key=lambda one: one.size)
    path = inclusion_path(found.seq - 1, head.size, subtrees_in(connection))
    return {
        "format": FORMAT,
        "seq": found.seq,
        "previous": before,
        "record": found.body,
        "path": [step.hex() for step in path],
        "head": asdict(head),
    }


def growth(connection: Connection, old: SignedHead, new: SignedHead) -> dict[str, Any]:
    """What proves that the ledger of the newer head begins with that of the older one.

    Raises:
        LedgerError: it does not, or a head is not of this ledger as it stands here.
    """
    tree = tree_in(connection)
    for head in (old, new):
        if head.ledger != tree.ledger:
            raise LedgerError("the head belongs to another ledger")
        if head.size > tree.head.seq or root_at(connection, head.size).hex() != head.root:
            raise LedgerError(
                f"the ledger does not hold the {head.size} records that the head was signed over: it was cut, "
                "rewritten, or an old copy put back"
            )
    if not 0 < old.size <= new.size:
        raise LedgerError("the first head must be the older one, and not that of an empty ledger")
    path = consistency_path(old.size, new.size, subtrees_in(connection))
    return {"format": GROWTH, "old": asdict(old), "new": asdict(new), "path": [step.hex() for step in path]}
