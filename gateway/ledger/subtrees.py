"""Hashes of complete subtrees out of the database: from the kept ones where there are any, else from the records."""

from __future__ import annotations

from sqlalchemy import Connection, select

from gateway.core.errors import LedgerError
from gateway.core.merkle import HashOf, leaf_hash, node_hash, root_of
from gateway.ledger.append import TILE
from gateway.store import schema


def subtrees_in(connection: Connection) -> HashOf:
    """Hash of a complete subtree (level, index), read from at most 2**TILE rows. Raises LedgerError if some lack."""

    def hash_of(level: int, index: int) -> bytes:
        kept = level - level % TILE
        count = 1 << (level - kept)
        first = index * count
        if kept:
            place = schema.node.c.place
            query = (
                select(schema.node.c.hash)
                .where(schema.node.c.level == kept, place >= first, place < first + count)
                .order_by(place)
            )
            hashes = [bytes.fromhex(one) for one in connection.execute(query).scalars()]
        else:
            seq = schema.record.c.seq
            query = select(schema.record.c.hash).where(seq > first, seq <= first + count).order_by(seq)
            hashes = [leaf_hash(bytes.fromhex(one)) for one in connection.execute(query).scalars()]
        if len(hashes) != count:
            raise LedgerError(f"rows {first + 1} to {first + count} of level {kept} are not whole")
        while len(hashes) > 1:
            hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
        return hashes[0]

    return hash_of


def root_at(connection: Connection, size: int) -> bytes:
    """Root of the tree of the first `size` records."""
    return root_of(size, subtrees_in(connection))
