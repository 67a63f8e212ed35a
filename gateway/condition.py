"""What operators watch of ledger and reviews while the gateway runs: whether the end holds, what is open or waits."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime

from gateway.core.chain import Head
from gateway.core.errors import LedgerError
from gateway.ledger import LedgerReader, Place, SignedHead
from gateway.ledger.append import oldest_intent
from gateway.ledger.opening import check_end, known_heads
from gateway.review import rows


@dataclass(frozen=True, slots=True)
class Condition:
    """One look at the ledger's database."""

    fault: str
    """Why the end of the ledger does not hold; empty where it does."""
    unsigned: int
    """Records of this gateway that the newest head in one of its places does not cover."""
    open_releases: int
    """Releases of this gateway whose outcome is not on record."""
    oldest_release: datetime | None
    waiting_reviews: int
    """Held transfers that wait for a reviewer, of all gateways that share the ledger."""
    oldest_review: datetime | None


def look(place: Place, gateway: str, written: int = 0) -> Condition:
    """The condition now, by few quick queries whatever the ledger's size; `written` is the gateway's last record.

    Blocks. Raises LedgerError when the database cannot be read.
    """
    try:
        heads, fault = known_heads(place), ""
    except LedgerError as error:
        heads, fault = {}, str(error)
    # The heads were read first: what is written meanwhile lies after them and does not disturb.
    with contextlib.closing(LedgerReader(place)) as reader, reader.connection() as connection:
        try:
            check_end(connection, place, heads)
        except LedgerError as error:
            fault = fault or str(error)
        releases, oldest = oldest_intent(connection, gateway)
        waiting = rows.listed(connection, rows.WAITING)
    signed = [_size(heads.get(file)) for file in place.head_files(gateway)]
    unsigned = max(written - min(signed), 0)
    return Condition(fault, unsigned, releases, oldest, len(waiting), waiting[0].created if waiting else None)


def _size(head: SignedHead | Head | None) -> int:
    match head:
        case None:
            return 0
        case SignedHead(size=size):
            return size
        case Head(seq=seq):
            return seq
