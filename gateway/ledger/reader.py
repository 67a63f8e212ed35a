"""The reading side of the ledger, for commands and reports, also while gateways write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.core.chain import Head, Link, Verification
from gateway.core.errors import LedgerError
from gateway.ledger.append import tree_in
from gateway.ledger.audit import audit
from gateway.ledger.heads import SignedHead
from gateway.ledger.opening import known_heads
from gateway.ledger.place import Place, place_of
from gateway.ledger.receipt import growth, kept_heads, receipt_for
from gateway.store import schema
from gateway.store.database import fault_of, is_file, open_database
from gateway.store.migrate import VERSION, version_of

DECISION = "decision"


class LedgerReader:
    """Reads; what it returns are entries as dictionaries with `seq` and `hash`. Close it, or use it in `closing`."""

    def __init__(self, place: Place | Path) -> None:
        """Open for reading only. Raises LedgerError when there is no ledger, or one of another format."""
        self.place = place_of(place)
        missing = f"{self.place.name}: there is no ledger yet; it is made when the gateway first runs"
        if is_file(self.place.where) and not self.place.base.exists():
            raise LedgerError(missing)
        self._engine = open_database(self.place.where, read_only=True)
        try:
            with self.connection() as connection:
                version = version_of(connection)
        except LedgerError:
            self.close()
            raise
        if version != VERSION:
            self.close()
            raise LedgerError(
                missing
                if version is None
                else f"{self.place.name}: has another format ({version}); start the gateway once, which takes it over"
            )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """One snapshot of the database. Raises LedgerError for whatever the database says is wrong."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise fault_of(self.place.where, error, "cannot be read") from error

    def tail(self, count: int, *, kind: str | None = DECISION) -> list[dict[str, Any]]:
        """The newest entries of a kind (None for all), oldest first."""
        query = _of_kind(_ENTRY, kind).order_by(schema.record.c.seq.desc()).limit(count)
        return self._entries(query)[::-1]

    def after(
        self,
        seq: int,
        count: int = 1000,
        *,
        kind: str | None = DECISION,
        agent: str | None = None,
        action: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> list[dict[str, Any]]:
        """The first `count` entries that follow entry `seq`; times as in the records, `until` not included."""
        row = schema.record.c
        conditions: list[ColumnElement[bool]] = [row.seq > seq]
        conditions += [row.agent == agent] if agent is not None else []
        conditions += [row.action == action] if action is not None else []
        conditions += [row.at >= since] if since is not None else []
        conditions += [row.at < until] if until is not None else []
        return self._entries(_of_kind(_ENTRY, kind).where(*conditions).order_by(row.seq).limit(count))

    def get(self, entry_id: str) -> dict[str, Any] | None:
        """The entry of one id, e.g. a decision's, or None."""
        return next(iter(self._entries(_ENTRY.where(schema.record.c.id == entry_id))), None)

    def about(self, entry_id: str) -> list[dict[str, Any]]:
        """What followed on a decision: its outcome, and acts that concern it, oldest first."""
        return self._entries(_ENTRY.where(schema.record.c.about == entry_id).order_by(schema.record.c.seq))

    def links(self, seq: int, count: int = 1000) -> list[Link]:
        """The first `count` entries of any kind that follow entry `seq`, as they were hashed."""
        row = schema.record.c
        query = select(row.seq, row.body, row.hash).where(row.seq > seq).order_by(row.seq).limit(count)
        with self.connection() as connection:
            return [Link(*found) for found in connection.execute(query).all()]

    def these(self, seqs: Sequence[int]) -> list[dict[str, Any]]:
        """The entries of these numbers, newest first."""
        row = schema.record.c
        return self._entries(_ENTRY.where(row.seq.in_(seqs)).order_by(row.seq.desc()))

    def ledger(self) -> str:
        """The ledger's id."""
        with self.connection() as connection:
            return tree_in(connection).ledger

    def head(self) -> Head:
        """The newest entry."""
        with self.connection() as connection:
            return tree_in(connection).head

    def outside_heads(self) -> list[SignedHead]:
        """The signed heads kept outside the database, oldest first. Raises LedgerError for a damaged one."""
        found = [one for one in known_heads(self.place).values() if isinstance(one, SignedHead)]
        return sorted(found, key=lambda one: one.size)

    def newest_head(self) -> SignedHead | None:
        """The newest signed head, wherever it is kept."""
        with self.connection() as connection:
            heads = [*self.outside_heads(), *kept_heads(connection)]
        return max(heads, key=lambda one: one.size, default=None)

    def receipt(self, entry_id: str) -> dict[str, Any] | None:
        """Proof for a third party that an entry stands in the ledger; None if there is no such entry."""
        outside = self.outside_heads()
        with self.connection() as connection:
            return receipt_for(connection, entry_id, outside)

    def grown_since(self, old: SignedHead) -> dict[str, Any]:
        """Proof that the ledger of today begins with that of an older head. Raises LedgerError if it does not."""
        new = self.newest_head()
        if new is None:
            raise LedgerError("there is no signed head yet")
        with self.connection() as connection:
            return growth(connection, old, new)

    def verify(self) -> Verification:
        """Check every record, the tree, and the heads kept outside. Raises LedgerError for a damaged head file."""
        # Read before the rows: what is written meanwhile lies after these heads and does not disturb.
        heads = known_heads(self.place)
        with self.connection() as connection:
            driver: Any = connection.connection.dbapi_connection
            if connection.dialect.name == "sqlite":
                driver.text_factory = lambda raw: raw.decode("utf-8", "replace")
            try:
                return audit(connection, heads)
            finally:
                if connection.dialect.name == "sqlite":
                    driver.text_factory = str

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _entries(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self.connection() as connection:
            rows = connection.execute(query).all()
        try:
            return [{"seq": row.seq, **json.loads(row.body), "hash": row.hash} for row in rows]
        except (ValueError, TypeError) as error:
            raise LedgerError(
                f"{self.place.name}: cannot be read: {error}; run `onward ledger verify`"
            ) from error


_ENTRY = select(schema.record.c.seq, schema.record.c.body, schema.record.c.hash)


def _of_kind(query: Select[Any], kind: str | None) -> Select[Any]:
    return query if kind is None else query.where(schema.record.c.kind == kind)
