"""What is looked at before a gateway writes to a ledger: one writer, the newest schema, an end that holds.

A quick look: every known head is there unchanged, the newest records chain and end where the tree says. The rest is
`onward ledger verify`'s.
"""

from __future__ import annotations

import fcntl
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, select, text

from gateway.core.chain import EMPTY, Head, Link, link, verify
from gateway.core.errors import LedgerError
from gateway.ledger.append import tree_in
from gateway.ledger.heads import SignedHead, heads_in, read_head_file
from gateway.ledger.place import Place
from gateway.ledger.subtrees import root_at
from gateway.store import schema
from gateway.store.database import soon
from gateway.store.migrate import migrate, version_of

LOOK_BACK = 100
"""How many of the newest rows are checked when the ledger is opened."""


def take_lock(place: Place) -> IO[bytes]:
    """Keep other gateways off this state folder. Raises LedgerError when one has it."""
    try:
        place.base.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = place.base.with_suffix(".lock").open("wb")
    except OSError as error:
        raise LedgerError(f"{place.base}: the folder cannot be written: {error.strerror}") from error
    if not soon(lambda: _locked(lock)):
        lock.close()
        raise LedgerError(
            f"{place.base}: another gateway writes to this ledger; give each gateway a state folder of its own"
        )
    return lock


def _locked(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def known_heads(place: Place) -> Mapping[Path, SignedHead | Head]:
    """Every head kept outside the database. Raises LedgerError for a damaged one."""
    own = read_head_file(place.head_file)
    elsewhere = heads_in([place.second]) if place.second is not None else {}
    return {**({place.head_file: own} if own is not None else {}), **elsewhere}


def bring_up_to_date(connection: Connection, place: Place, heads: Mapping[Path, SignedHead | Head]) -> None:
    """The newest schema; a ledger of the first format is taken over only when its whole chain verifies.

    Raises:
        LedgerError: it does not.
    """
    if version_of(connection) == "first":
        rows = connection.execute(text("SELECT seq, body, hash FROM record ORDER BY seq"))
        anchor = heads.get(place.head_file)
        found = verify((Link(*row) for row in rows), anchor if isinstance(anchor, Head) else None)
        if not found.ok:
            raise LedgerError(f"{place.name}: is not taken over, since it does not verify: {found.fault}")
    migrate(connection)


def check_end(connection: Connection, place: Place, heads: Mapping[Path, SignedHead | Head]) -> None:
    """Raises LedgerError when a known head is missing or changed, or the newest records do not follow each other."""
    tree = tree_in(connection)
    for file, head in heads.items():
        _check_head(connection, place, tree.ledger, file, head)
    query = select(schema.record.c.seq, schema.record.c.body, schema.record.c.hash)
    newest = connection.execute(query.order_by(schema.record.c.seq.desc()).limit(LOOK_BACK + 1)).all()
    rows = [Link(row.seq, row.body, row.hash) for row in reversed(newest)]
    if not rows or rows[0].seq == 1:
        rows.insert(0, Link(0, "", EMPTY.hash))
    for before, row in pairwise(rows):
        if link(Head(before.seq, before.hash), row.body) != row:
            raise LedgerError(
                f"{place.name}: record {row.seq} does not follow from the one before; run `onward ledger verify`. "
                "The gateway does not start on a ledger that was changed."
            )
    if (
        Head(rows[-1].seq, rows[-1].hash) != tree.head
        or root_at(connection, tree.head.seq) != tree.frontier.root()
    ):
        raise LedgerError(
            f"{place.name}: the tree ends at record {tree.head.seq} and not with the newest one; run "
            "`onward ledger verify`. The gateway does not start on a ledger that was changed."
        )


def _check_head(
    connection: Connection, place: Place, ledger: str, file: Path, head: SignedHead | Head
) -> None:
    if isinstance(head, SignedHead) and head.ledger != ledger:
        raise LedgerError(
            f"{file}: belongs to another ledger than {place.name}. Put the right ledger back, or, where a new one is "
            "meant to begin, move this file away."
        )
    seq, digest = (head.size, head.head) if isinstance(head, SignedHead) else (head.seq, head.hash)
    if seq == 0:
        return
    query = select(schema.record.c.hash).where(schema.record.c.seq == seq)
    held = connection.execute(query).scalar() == digest
    if held and isinstance(head, SignedHead):
        held = root_at(connection, seq).hex() == head.root
    if not held:
        raise LedgerError(
            f"{place.name}: record {seq}, known from {file} to have been the newest, is missing or changed: the ledger "
            "was cut or an old copy put back. Put the right one back; the gateway does not start on this one."
        )
