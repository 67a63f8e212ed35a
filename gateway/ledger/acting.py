"""Acts on the ledger by commands: a transaction of their own, also while gateways write."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.core.errors import LedgerError
from gateway.ledger.append import tree_in
from gateway.ledger.place import Place, place_of
from gateway.ledger.record import Act
from gateway.store import schema
from gateway.store.database import fault_of, is_file, open_database
from gateway.store.migrate import VERSION, version_of


@contextmanager
def writing(place: Place | Path, *, timeout_s: float = 10.0) -> Iterator[Connection]:
    """A writing transaction, committed when the block ends well.

    Raises:
        LedgerError: there is no ledger, or it cannot be written.
    """
    place = place_of(place)
    if is_file(place.where) and not place.base.exists():
        raise LedgerError(f"{place.name}: there is no ledger yet; it is made when the gateway first runs")
    engine = open_database(place.where, timeout_s=timeout_s)
    try:
        with engine.begin() as connection:
            if version_of(connection) != VERSION:
                raise LedgerError(f"{place.name}: is not of this version's format; start the gateway once")
            # First of all, as every writer does, so that no two wait for each other.
            tree_in(connection, lock=True)
            yield connection
    except SQLAlchemyError as error:
        raise fault_of(place.where, error, "cannot be written") from error
    finally:
        engine.dispose()


def new_act(action: str, by: str, gateway: str, rules: str, **more: Any) -> Act:
    """An act of now, by the system's user of this process. `more` are `about`, `agent` and `details` of it."""
    now = datetime.now(UTC)
    act_id = f"{int(now.timestamp() * 1000):012x}-{secrets.token_hex(8)}"
    at = now.isoformat(timespec="milliseconds")
    return Act(act_id, at, gateway, rules, action, by, uid=os.getuid(), **more)


def acts_in(connection: Connection, actions: Sequence[str]) -> list[dict[str, Any]]:
    """All acts of these kinds, oldest first."""
    row = schema.record.c
    query = select(row.body).where(row.kind == "act", row.action.in_(actions)).order_by(row.seq)
    return [json.loads(body) for body in connection.execute(query).scalars()]
