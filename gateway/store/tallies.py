"""The ledger's decisions, counted by day and shape, so that no page reads them: in SQLite, apart from the ledger.

A shape is what many decisions have in common (agent, action, reason, clauses, …). Everything here is derived from the
records, in their order, and can be thrown away: it is made anew then.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from gateway.core.chain import EMPTY, Head
from gateway.core.errors import RegisterError

SCHEMA = """
CREATE TABLE IF NOT EXISTS shape (
    id INTEGER PRIMARY KEY, action TEXT NOT NULL, body TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS tally (
    day TEXT NOT NULL, shape INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (day, shape)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
    shape INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (shape, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS day (day TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL)
STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counted (
    one INTEGER PRIMARY KEY CHECK (one = 1), ledger TEXT NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL
) STRICT;
"""
TABLES = ("shape", "tally", "entry", "day", "counted")


@dataclass(frozen=True, slots=True)
class Shape:
    """What decisions have in common. All of it is of the rules' words, and none of it of a transfer's."""

    agent: str
    action: str
    status: str
    reason: str
    unread: bool
    """A part could not be inspected."""
    failed: bool
    """Refused through a fault of the gateway."""
    origins: tuple[str, ...]
    clauses: tuple[str, ...]
    categories: tuple[str, ...]


def shape_of(record: Mapping[str, Any]) -> Shape:
    """The shape of a decision."""
    return Shape(
        agent=record["agent"],
        action=record["action"],
        status=record["status"],
        reason=record["reason"],
        unread=bool(record["unread"]),
        failed=record["rule"] == "failure",
        origins=tuple(sorted(set(record["origins"]))),
        clauses=tuple(sorted(set(record["clauses"]))),
        categories=tuple(sorted({one["category"] for one in record["findings"]})),
    )


class Tallies:
    """One file; one thread adds to it and any number read."""

    def __init__(self, path: Path, *, timeout_s: float = 10.0) -> None:
        """Open or create it. Raises RegisterError."""
        self.path = path
        self._lock = threading.Lock()
        with self._failing():
            self._db = self._connect(timeout_s)
            path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode = WAL")
            # What a crash takes away is counted again.
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(SCHEMA)
            self._reading = self._connect(timeout_s)
            self._reading.execute("PRAGMA query_only = ON")
        self._ids: dict[Shape, int] = {}
        self._shapes: dict[int, Shape] = {}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
        self._reading.close()

    def counted(self) -> tuple[str, Head]:
        """Which ledger was counted, and up to which record."""
        for ledger, seq, digest in self._rows("SELECT ledger, seq, hash FROM counted"):
            return str(ledger), Head(int(seq), str(digest))
        return "", EMPTY

    def forget(self) -> None:
        """Throw everything away, to be counted anew."""
        with self._writing() as db:
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            self._ids.clear()
            self._shapes.clear()

    def add(self, ledger: str, decisions: Iterable[tuple[int, Mapping[str, Any]]], head: Head) -> None:
        """Count decisions, each with its number, that follow those counted; `head` is the last record read."""
        daily: Counter[tuple[str, int]] = Counter()
        bounds: dict[str, tuple[int, int]] = {}
        entries = []
        with self._writing() as db:
            for seq, record in decisions:
                day, shape = record["at"][:10], self._id(db, shape_of(record))
                daily[day, shape] += 1
                bounds[day] = (bounds.get(day, (seq, seq))[0], seq)
                entries.append((shape, seq))
            db.executemany("INSERT INTO entry VALUES (?, ?)", entries)
            db.executemany(
                "INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number",
                ((day, shape, number) for (day, shape), number in daily.items()),
            )
            db.executemany(
                "INSERT INTO day VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
                "first = min(first, excluded.first), last = max(last, excluded.last)",
                ((day, *both) for day, both in bounds.items()),
            )
            db.execute("INSERT OR REPLACE INTO counted VALUES (1, ?, ?, ?)", (ledger, head.seq, head.hash))

    def shapes(self) -> Mapping[int, Shape]:
        """All shapes that were met, by number."""
        known = max(self._shapes, default=0)
        for number, body in self._rows("SELECT id, body FROM shape WHERE id > ?", known):
            facts: dict[str, Any] = json.loads(body)
            lists = {name: tuple(facts[name]) for name in ("origins", "clauses", "categories")}
            self._shapes[number] = Shape(**facts | lists)
        return dict(self._shapes)

    def daily(
        self, first: str, last: str, shapes: Collection[int] | None = None
    ) -> Sequence[tuple[str, str, int]]:
        """Day, action and number of decisions from the first day to the last; of these shapes, or of all."""
        some = "" if shapes is None else "AND shape IN (SELECT value FROM json_each(?))"
        query = (
            "SELECT day, action, sum(number) FROM tally JOIN shape ON id = shape "  # noqa: S608 - words of our own
            f"WHERE day BETWEEN ? AND ? {some} GROUP BY day, action"
        )
        return self._rows(query, first, last, *(() if shapes is None else (json.dumps(sorted(shapes)),)))

    def summed(self, first: str, last: str) -> Sequence[tuple[int, int]]:
        """Shape and number of decisions, from the first day to the last."""
        query = "SELECT shape, sum(number) FROM tally WHERE day BETWEEN ? AND ? GROUP BY shape"
        return self._rows(query, first, last)

    def newest(
        self, shapes: Collection[int], first: str, last: str, before: int | None, count: int
    ) -> list[int]:
        """Numbers of the newest decisions of these shapes, within days and before a number; newest first."""
        query = "SELECT min(first), max(last) FROM day WHERE day BETWEEN ? AND ?"
        low, high = next(iter(self._rows(query, first, last)))
        if low is None:
            return []
        high = high if before is None else min(high, before - 1)
        found = (
            [-seq for (seq,) in self._rows(_NEWEST, shape, low, high, count)] for shape in sorted(shapes)
        )
        return [-one for one in islice(heapq.merge(*found), count)]

    def _id(self, db: sqlite3.Connection, shape: Shape) -> int:
        if shape not in self._ids:
            body = json.dumps(asdict(shape), sort_keys=True)
            given = (shape.action, body)
            db.execute("INSERT INTO shape (action, body) VALUES (?, ?) ON CONFLICT DO NOTHING", given)
            (self._ids[shape],) = db.execute("SELECT id FROM shape WHERE body = ?", (body,)).fetchone()
        return self._ids[shape]

    def _connect(self, timeout_s: float) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=timeout_s, check_same_thread=False, isolation_level=None)

    def _rows(self, query: str, *given: object) -> list[Any]:
        with self._lock, self._failing():
            return self._reading.execute(query, given).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._failing():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                self._ids.clear()
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise RegisterError(f"{self.path}: cannot be used: {error}; it may be deleted") from error


_NEWEST = "SELECT seq FROM entry WHERE shape = ? AND seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?"
