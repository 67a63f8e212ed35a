"""Checks the whole ledger: every record, the tree over them, every signed head, and what stands beside them.

One walk over the records, in one snapshot of the database, so that a gateway may write meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.core.chain import Head, Link, Verification, verify
from gateway.core.errors import LedgerError
from gateway.core.merkle import EMPTY_ROOT, Frontier, leaf_hash
from gateway.ledger.append import TILE
from gateway.ledger.heads import SignedHead, parse_head
from gateway.ledger.record import columns_of, owes_outcome
from gateway.store import schema

STEP = 1000


def audit(connection: Connection, heads: Mapping[Path, SignedHead | Head]) -> Verification:
    """Whether everything holds; if not, the first record that is wrong, or what else is. `heads` come from outside."""
    anchors = [Head(one.size, one.head) if isinstance(one, SignedHead) else one for one in heads.values()]
    walk = _Walk(connection, [one for one in heads.values() if isinstance(one, SignedHead)])
    found = verify(walk.links(), *anchors)
    if not found.ok:
        return found
    try:
        fault = walk.fault or walk.beside(found.head)
    except (SQLAlchemyError, LedgerError, ValueError, AttributeError, TypeError) as error:
        fault = f"what stands beside the records cannot be read: {type(error).__name__}"
    if not fault and connection.dialect.name == "sqlite":
        fault = _damaged_file(connection)
    return Verification(not fault, found.records, found.head, fault)


class _Walk:
    """Grows the tree while the records go by, and compares it with what is kept of it."""

    def __init__(self, connection: Connection, outside: list[SignedHead]) -> None:
        self._connection = connection
        self._outside = outside
        self._frontier = Frontier()
        self._nodes: dict[tuple[int, int], str] = {}
        self._open: dict[str, str] = {}
        self._roots = {0: EMPTY_ROOT.hex()}
        self.fault = ""

    def links(self) -> Iterator[Link]:
        """All rows. One that cannot be read comes as a link that fits nowhere, so that it is named like any other."""
        seq = 0
        try:
            self._kept = self._kept_heads()
            self._sizes = {one.size for one in (*self._outside, *self._kept)}
            query = select(schema.record).order_by(schema.record.c.seq)
            with self._connection.execution_options(yield_per=STEP).execute(query) as rows:
                for row in rows:
                    seq = row.seq
                    body = _parsed(row.body)
                    yield Link(
                        seq, row.body, row.hash if _agrees(row, body) else "columns differ from the record"
                    )
                    # Only after the chain has found the record good.
                    self._grow(row.hash)
                    self._follow(body)
        except SQLAlchemyError:
            yield Link(seq + 1, "", "cannot be read")

    def beside(self, head: Head) -> str:
        """What is wrong with the kept parts of the tree, the signed heads, and the open intents; empty if nothing."""
        tree = self._connection.execute(select(schema.tree)).one_or_none()
        peaks = " ".join(peak.hex() for peak in self._frontier.peaks)
        if tree is None or (tree.size, tree.head, tree.peaks) != (head.seq, head.hash, peaks):
            return "the row of the tree does not fit the records"
        nodes = {(row.level, row.place): row.hash for row in self._connection.execute(select(schema.node))}
        for place in sorted(nodes.keys() | self._nodes.keys()):
            if nodes.get(place) != self._nodes.get(place):
                return f"node {place[1]} of level {place[0]} of the tree does not fit the records"
        for one in (*self._outside, *self._kept):
            if one.ledger != tree.ledger:
                return f"the head over {one.size} records belongs to another ledger"
            if self._roots.get(one.size) != one.root:
                return f"the signed head over {one.size} records does not fit the records"
        rows = self._connection.execute(select(schema.open_intent))
        if {row.id: row.gateway for row in rows} != self._open:
            return "the releases without outcome are not those listed as open"
        return ""

    def _grow(self, digest: str) -> None:
        self._frontier, completed = self._frontier.add(leaf_hash(bytes.fromhex(digest)))
        for one in completed:
            if one.level and one.level % TILE == 0:
                self._nodes[one.level, one.index] = one.hash.hex()
        if self._frontier.size in self._sizes:
            self._roots[self._frontier.size] = self._frontier.root().hex()

    def _follow(self, body: Mapping[str, Any]) -> None:
        if owes_outcome(body):
            self._open[body["id"]] = body["gateway"]
        elif body.get("kind") == "outcome":
            self._open.pop(body["about"], None)

    def _kept_heads(self) -> list[SignedHead]:
        kept = []
        for row in self._connection.execute(select(schema.signed_head).order_by(schema.signed_head.c.size)):
            try:
                head = parse_head(row.statement)
            except ValueError:
                self.fault = f"the signed head over {row.size} records was changed"
                continue
            if (head.size, head.gateway) != (row.size, row.gateway) or not head.is_signed():
                self.fault = f"the signed head over {row.size} records was changed"
            kept.append(head)
        return kept


def _parsed(body: str) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _agrees(row: Any, body: Mapping[str, Any]) -> bool:
    try:
        return all(getattr(row, name) == value for name, value in columns_of(body).items())
    except LookupError:
        return False


def _damaged_file(connection: Connection) -> str:
    """What is wrong with the file around the rows: an index that hides a row hides it from a search."""
    try:
        found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    except SQLAlchemyError as error:
        found = str(error).partition("\n")[0]
    return "" if found == "ok" else f"the records are whole, but the file around them is damaged: {found}"
