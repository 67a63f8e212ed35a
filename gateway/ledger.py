"""The ledger: one row for each decision, on disk before the transfer is released, append-only and hash-chained.

Rules kept here and nowhere else:
 * `append` returns when the row is durable (WAL with synchronous=FULL); waiting rows share one commit.
 * One process writes; any number may read at the same time.
 * A failed write is refused to everybody who waits for it, and the next one tries again: no restart is needed.
 * The head is also written to a small file beside the database, so that a cut tail or an old copy is found.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from gateway.core.chain import EMPTY, Head, Link, Verification, canonical, link, verify
from gateway.core.errors import LedgerError

BATCH = 256
"""Most rows in one commit."""
MAX_WAITING = 8192
"""Most rows that may wait; beyond that an append is refused at once."""
LOOK_BACK = 100
"""How many of the newest rows are checked when the ledger is opened."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    agent TEXT NOT NULL,
    action TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS record_by_agent ON record (agent, seq);
CREATE INDEX IF NOT EXISTS record_by_action ON record (action, seq);
CREATE TRIGGER IF NOT EXISTS record_is_never_replaced BEFORE INSERT ON record
    WHEN EXISTS (SELECT 1 FROM record WHERE seq = NEW.seq OR id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS record_never_changes BEFORE UPDATE ON record
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS record_never_goes BEFORE DELETE ON record
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


@dataclass(frozen=True, slots=True)
class FindingSummary:
    """Findings of one kind in one carrier: how many, and the keyed fingerprints of their values."""

    entity: str
    category: str
    region: str | None
    place: str
    """Carrier and shape of the address, e.g. `body.json`; never a key or value of the sender's."""
    count: int
    fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of one decision. No value of the transfer, in no form but keyed fingerprints."""

    id: str
    at: str
    """ISO 8601, UTC."""
    gateway: str
    agent: str
    host: str
    port: int
    method: str
    action: str
    status: str
    reason: str
    rule: str
    why: str
    clauses: tuple[str, ...]
    origins: tuple[str, ...]
    classes: tuple[str, ...]
    evidence: tuple[str, ...]
    rules: str
    """Digest of the rules that decided."""
    source: str
    bytes: int
    body: str
    """Keyed digest of the body."""
    findings: tuple[FindingSummary, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Waiting:
    record: Record
    body: str
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[int]


class Ledger:
    """The writing side. One per gateway; `append` may be awaited by any number of tasks."""

    def __init__(self, path: Path, *, timeout_s: float = 5.0) -> None:
        """Open or create the ledger.

        Raises:
            LedgerError: it cannot be opened, another gateway writes to it, or its end does not verify.
        """
        self.path = path
        self._timeout_s = timeout_s
        self._closed = False
        self._lock = _take_lock(path)
        try:
            self._db = _connect(path, timeout_s)
        except BaseException:
            self._lock.close()
            raise
        try:
            _check_end(self._db, read_head_file(path), path)
            self._head = _head_in(self._db)
        except BaseException as error:
            self._db.close()
            self._lock.close()
            if isinstance(error, sqlite3.Error):
                raise LedgerError(f"{path}: cannot be read: {error}; put it back from the backup") from error
            raise
        self._inode = path.stat().st_ino
        _write_head_file(path, self._head)
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(MAX_WAITING)
        self._writer = threading.Thread(target=self._write_all, name="ledger", daemon=True)
        self._writer.start()

    @property
    def head(self) -> Head:
        """The newest durable record."""
        return self._head

    @property
    def waiting(self) -> int:
        """Records that wait to be written."""
        return self._waiting.qsize()

    async def append(self, record: Record) -> int:
        """Write one record; its sequence number, once it is durable.

        Raises:
            LedgerError: it could not be written within the time limit; nothing may be released on it.
        """
        if self._closed:
            raise LedgerError(f"{self.path}: the ledger is closed")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        try:
            self._waiting.put_nowait(_Waiting(record, canonical(asdict(record)), loop, done))
        except queue.Full:
            raise LedgerError(f"{self.path}: {MAX_WAITING} records wait to be written already") from None
        try:
            return await asyncio.wait_for(done, self._timeout_s)
        except TimeoutError:
            # The row may still be written: a record without a release is harmless, the reverse is not.
            raise LedgerError(f"{self.path}: not written within {self._timeout_s:g} s") from None

    def close(self) -> None:
        """Write what waits, then let go of the file. Blocks for as long as that takes. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        self._writer.join()
        self._db.close()
        self._lock.close()

    def _write_all(self) -> None:
        """The writer thread: take what waits, commit it together, answer, repeat."""
        while (first := self._waiting.get()) is not None:
            batch: list[_Waiting] = [first]
            last = False
            while len(batch) < BATCH and not last:
                try:
                    more = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                else:
                    batch.append(more)
            # Whoever has given up has told its client so; a record would say otherwise.
            self._commit([one for one in batch if not one.done.done()])
            if last:
                return

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        if not batch:
            return
        try:
            seqs = self._insert(batch)
        except Exception as error:  # noqa: BLE001 - border: the thread must live, and everybody who waits is refused
            with contextlib.suppress(sqlite3.Error):
                self._db.rollback()
            if len(batch) > 1 and isinstance(error, sqlite3.IntegrityError):
                for one in batch:  # One row that cannot be kept is no reason to refuse the others.
                    self._commit([one])
                return
            known = isinstance(error, sqlite3.Error | LedgerError)
            failure = LedgerError(
                f"{self.path}: cannot be written: {error if known else type(error).__name__}"
            )
            for one in batch:
                _answer(one, failure)
            return
        for one, seq in zip(batch, seqs, strict=True):
            _answer(one, seq)

    def _insert(self, batch: Sequence[_Waiting]) -> list[int]:
        if self.path.stat().st_ino != self._inode:
            raise LedgerError("the file was put in another's place while the gateway runs; restart it")
        self._db.execute("BEGIN IMMEDIATE")
        # Asked of the file: after an error in COMMIT nobody else knows whether the rows before are there.
        head = _head_in(self._db)
        if head.seq < self._head.seq:
            raise LedgerError(
                f"records {head.seq + 1} to {self._head.seq} have vanished; run `onward ledger verify`"
            )
        rows = []
        for one in batch:
            new = link(head, one.body)
            record = one.record
            rows.append((new.seq, record.id, record.at, record.agent, record.action, new.body, new.hash))
            head = Head(new.seq, new.hash)
        self._db.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")
        self._head = head
        _write_head_file(self.path, head)
        return [row[0] for row in rows]


def _answer(one: _Waiting, answer: int | LedgerError) -> None:
    def settle() -> None:
        if one.done.done():
            return
        if isinstance(answer, LedgerError):
            one.done.set_exception(answer)
        else:
            one.done.set_result(answer)

    # The loop may have closed while the row was written.
    with contextlib.suppress(RuntimeError):
        one.loop.call_soon_threadsafe(settle)


class LedgerReader:
    """The reading side, for commands and reports, also while a gateway writes."""

    def __init__(self, path: Path) -> None:
        """Open for reading only. Raises LedgerError when there is no ledger."""
        if not path.exists():
            raise LedgerError(f"{path}: there is no ledger yet; it is made when the gateway first runs")
        self.path = path
        try:
            self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        except sqlite3.Error as error:
            raise LedgerError(f"{path}: cannot be opened: {error}") from error

    def tail(self, count: int) -> list[dict[str, Any]]:
        """The newest records, oldest first."""
        return list(self._records("ORDER BY seq DESC LIMIT ?", count))[::-1]

    def after(
        self,
        seq: int,
        count: int = 1000,
        *,
        agent: str | None = None,
        action: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> list[dict[str, Any]]:
        """The first `count` records that follow record `seq`; times as in the records, `until` not included."""
        asked = {"agent = ?": agent, "action = ?": action, "at >= ?": since, "at < ?": until}
        conditions = {clause: value for clause, value in asked.items() if value is not None}
        where = " AND ".join(["seq > ?", *conditions])
        return list(self._records(f"WHERE {where} ORDER BY seq LIMIT ?", seq, *conditions.values(), count))

    def get(self, record_id: str) -> dict[str, Any] | None:
        """The record of one decision id, or None."""
        return next(self._records("WHERE id = ?", record_id), None)

    def head(self) -> Head:
        """The newest record."""
        try:
            return _head_in(self._db)
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: cannot be read: {error}") from error

    def verify(self) -> Verification:
        """Walk the whole chain and compare it with the columns beside it and the head kept outside."""
        # Read before the rows: what is written meanwhile lies after this head and does not disturb.
        anchor = read_head_file(self.path)
        self._db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            found = verify(self._links(), anchor)
            if found.ok and (damage := self._damaged_index()):
                return Verification(False, found.records, found.head, damage)
        finally:
            self._db.text_factory = str
        return found

    def _records(self, query: str, *values: object) -> Iterator[dict[str, Any]]:
        try:
            for seq, body, digest in self._db.execute(f"SELECT seq, body, hash FROM record {query}", values):  # noqa: S608
                yield {"seq": seq, **json.loads(body), "hash": digest}
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise LedgerError(f"{self.path}: cannot be read: {error}; run `onward ledger verify`") from error

    def _links(self) -> Iterator[Link]:
        """All rows. One that cannot be read comes as a link that fits nowhere, so that it is named like any other."""
        seq = 0
        try:
            for row in self._db.execute(
                "SELECT seq, body, hash, id, at, agent, action FROM record ORDER BY seq"
            ):
                seq, body, digest, *columns = row
                agree = _indexed(body) == columns
                yield Link(seq, body, digest if agree else "columns differ from the record")
        except sqlite3.Error:
            yield Link(seq + 1, "", "cannot be read")

    def _damaged_index(self) -> str:
        """What is wrong with the file around the rows: an index that hides a row hides it from `get`."""
        try:
            (found,) = self._db.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.Error as error:
            found = str(error)
        return "" if found == "ok" else f"the records are whole, but the file around them is damaged: {found}"

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def read_head_file(path: Path) -> Head | None:
    """The head kept beside the ledger, or None where there is none. Raises LedgerError when it is damaged."""
    file = _head_file(path)
    try:
        words = file.read_text("ascii").split()
        if not words:
            return None  # What a power cut may leave of a file that is not synced.
        seq, digest = words
        return Head(int(seq), digest)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LedgerError(
            f"{file}: is damaged; compare the ledger with a backup, then delete this file"
        ) from error


def _indexed(body: str) -> list[object] | None:
    """What the columns beside a record must say."""
    try:
        kept = json.loads(body)
        return [kept["id"], kept["at"], kept["agent"], kept["action"]]
    except (ValueError, TypeError, LookupError):
        return None


def _head_file(path: Path) -> Path:
    return path.with_suffix(".head")


def _write_head_file(path: Path, head: Head) -> None:
    """Best effort: a head that lags behind is no fault, and the row is durable already."""
    file = _head_file(path)
    draft = file.with_suffix(".head-part")
    with contextlib.suppress(OSError):
        draft.write_text(f"{head.seq} {head.hash}\n", "ascii")
        draft.replace(file)


def _take_lock(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = path.with_suffix(".lock").open("wb")
    except OSError as error:
        raise LedgerError(f"{path}: the folder cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise LedgerError(
            f"{path}: another gateway writes to this ledger; give each gateway a state folder of its own"
        ) from error
    return lock


def _connect(path: Path, timeout_s: float) -> sqlite3.Connection:
    try:
        path.touch(0o600, exist_ok=True)
        # Half the time limit, so that whoever waits hears of a locked file and not only of the time.
        db = sqlite3.connect(path, timeout=timeout_s / 2, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"{path}: cannot be opened: {error}") from error
    try:
        (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise LedgerError(
                f"{path}: its file system allows no write-ahead log; keep the state on a local disk"
            )
        db.execute("PRAGMA synchronous=FULL")
        db.executescript(SCHEMA)
    except sqlite3.Error as error:
        db.close()
        raise LedgerError(f"{path}: cannot be opened: {error}") from error
    except LedgerError:
        db.close()
        raise
    return db


def _head_in(db: sqlite3.Connection) -> Head:
    row = db.execute("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else EMPTY


def _check_end(db: sqlite3.Connection, anchor: Head | None, path: Path) -> None:
    """A quick look at start: the anchor is there unchanged, the newest records chain. `verify` does the rest."""
    if anchor is not None and anchor != EMPTY:
        row = db.execute("SELECT hash FROM record WHERE seq = ?", (anchor.seq,)).fetchone()
        if row is None or row[0] != anchor.hash:
            raise LedgerError(
                f"{path}: record {anchor.seq}, known to have been the newest, is missing or changed: the ledger was "
                "cut or an old copy put back. Put the right file back; the gateway does not start on this one."
            )
    newest = db.execute(
        "SELECT seq, body, hash FROM record ORDER BY seq DESC LIMIT ?", (LOOK_BACK + 1,)
    ).fetchall()
    rows = [Link(*row) for row in reversed(newest)]
    if rows and rows[0].seq == 1:
        rows.insert(0, Link(0, "", EMPTY.hash))
    for before, row in pairwise(rows):
        if link(Head(before.seq, before.hash), row.body) != row:
            raise LedgerError(
                f"{path}: record {row.seq} does not follow from the one before; run `onward ledger verify`. The "
                "gateway does not start on a ledger that was changed."
            )
