"""The writing side: entries wait together, are committed together, and are answered when they are on disk.

Rules kept here and nowhere else:
 * An entry is answered when it is durable; waiting entries share one commit, and wait for each other when many come.
 * A failed write is refused to everybody who waits for it, and the next one tries again: no restart is needed.
 * Nobody waits for an outcome: it goes with the next commit, alone after `OUTCOME_S`, and is kept until it is written.
 * The head is signed and written outside the database within `HEAD_S` after a commit, so that a cut tail or an old copy
   is found.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from gateway.core.chain import Head
from gateway.core.errors import DeclinedError, LedgerError
from gateway.ledger.append import Tree, append, open_intents, tree_in
from gateway.ledger.heads import SignedHead, Signer, write_head_files
from gateway.ledger.opening import bring_up_to_date, check_end, known_heads, take_lock
from gateway.ledger.place import Place, place_of
from gateway.ledger.record import RELEASES, Entry, Outcome
from gateway.store import schema
from gateway.store.database import (
    check_durable,
    fault_of,
    file_of,
    hold_name,
    is_file,
    limited,
    open_database,
)

log = logging.getLogger(__name__)

COMPANY = 8
"""With so many releases under way more will follow at once, so that entries wait for each other."""
GROUP_S = 0.015
"""How far apart commits then begin: most of what one costs does not depend on how many entries are in it."""
BATCH = 256
"""Most entries in one commit, outcomes that go with it not counted."""
KEEP_HEAD_S = 600.0
"""How often a signed head is also kept in the database."""
OUTCOME_S = 0.2
"""Longest time for which an outcome waits for a commit to go with; a crash within it makes it unknown."""
HEAD_S = 0.1
"""Longest time by which the head outside the database lags behind."""
RETRY_S = 1.0
"""When outcomes that could not be written are tried again."""

Also = Callable[[Connection], None]
"""What else belongs into the transaction of an entry. May raise DeclinedError: then the entry is not kept either."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry on its way into the ledger."""

    entry: Entry
    token: int | None = None
    """By which whoever submits it knows the answer again."""
    also: Also | None = None
    until: float = math.inf
    """Monotonic time after which it is not begun with any more: whoever waited has given up."""
    patient: bool = False
    """Nobody waits for it: it is kept until it can be written."""


Answers = Sequence[tuple[Waiting, int | LedgerError]]
"""What became of entries: the sequence number of a durable one (0 for one that was moot), or why there is none."""


class Ledger:
    """One per gateway, in a process of its own (`recording`)."""

    def __init__(
        self,
        place: Place | Path,
        signer: Signer,
        *,
        answered: Callable[[Answers], None] = lambda _: None,
        timeout_s: float = 5.0,
        resumed: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open or create the ledger, and close what a crash left open.

        `answered` is called by the writing thread after each commit. `resumed` says that the gateway runs on, so that
        its open releases are no business of a crash.

        Raises:
            LedgerError: it cannot be opened, another gateway of this name or state writes to it, or its end does not
                verify.
        """
        self.place = place_of(place)
        self._signer = signer
        self._answered = answered
        self._timeout_s = timeout_s
        self._resumed = resumed
        self._now = now
        self._closed = False
        self._file = file_of(self.place.where) if is_file(self.place.where) else None
        self._lock = take_lock(self.place)
        try:
            self._engine = open_database(self.place.where, timeout_s=timeout_s)
            hold_name(self._engine, signer.gateway)
            self._tree, self._inode = self._open()
        except BaseException:
            self._lock.close()
            raise
        self._head_kept = time.monotonic()
        self._lagging: list[Path] = []
        self._head_out = 0.0
        self._head_due: float | None = None
        self._publish()
        self._outcomes: deque[Waiting] = deque()
        """Those that wait for a commit. Nobody is woken for them."""
        self._outcomes_due = 0.0
        self._under_way: set[str] = set()
        """Releases of this run whose outcome is not on record."""
        self._begun = 0.0
        self._waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, name="ledger", daemon=True)
        self._writer.start()

    @property
    def head(self) -> Head:
        """The newest durable entry."""
        return self._tree.head

    @property
    def heads_lagging(self) -> int:
        """Places outside the database in which the newest head could not be written."""
        return len(self._lagging)

    def submit(self, one: Waiting) -> None:
        """Write an entry; `answered` tells when it is durable. Raises LedgerError once the ledger is closed."""
        if self._closed:
            raise LedgerError(f"{self.place.name}: the ledger is closed")
        if isinstance(one.entry, Outcome):
            self._outcomes.append(one)
        else:
            self._waiting.put(one)

    def keep_head(self) -> None:
        """Keep a signed head in the database with the next commit, for proofs."""
        self._head_kept = -KEEP_HEAD_S

    def close(self) -> None:
        """Write what waits, then let go of the database. Blocks for as long as that takes. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        self._writer.join()
        self._engine.dispose()
        self._lock.close()

    def _open(self) -> tuple[Tree, int]:
        heads = known_heads(self.place)
        gateway = self._signer.gateway
        self._check_signer(heads.get(self.place.head_file))
        try:
            with self._engine.begin() as connection:
                check_durable(connection)
                bring_up_to_date(connection, self.place, heads)
                check_end(connection, self.place, heads)
                at = self._now().isoformat(timespec="milliseconds")
                dangling = [] if self._resumed else open_intents(connection, gateway)
                left = [Outcome(one, at, gateway, "", "unknown") for one in dangling]
                if left:
                    append(connection, left)
                    log.warning("%d releases of an earlier run have no outcome; closed as unknown", len(left))
                tree = tree_in(connection)
        except (SQLAlchemyError, OSError, UnicodeError) as error:
            self._engine.dispose()
            if isinstance(error, SQLAlchemyError):
                raise fault_of(self.place.where, error, "cannot be opened") from error
            raise LedgerError(f"{self.place.name}: cannot be opened: {type(error).__name__}") from error
        except BaseException:
            self._engine.dispose()
            raise
        return tree, self._inode_now()

    def _check_signer(self, own: SignedHead | Head | None) -> None:
        """Raises LedgerError where this gateway signed with another key so far: it may be lost, or somebody else's."""
        if isinstance(own, SignedHead) and own.key != self._signer.public:
            self._engine.dispose()
            raise LedgerError(
                f"{self.place.head_file}: was signed with another key than the one in use. Put `keys/signing.key` back "
                "from the backup; where it is lost, move this file away, and the ledger goes on under the new key."
            )

    def _inode_now(self) -> int:
        return self._file.stat().st_ino if self._file is not None else 0

    def _write_all(self) -> None:
        """The writer thread: take what waits, commit it together, answer, repeat."""
        last = False
        while not last:
            batch, last = self._next_batch()
            # Whoever has given up has told its client so; a record would say otherwise.
            now = time.monotonic()
            self._commit([one for one in batch if now < one.until])
            if self._head_due is not None and (last or time.monotonic() >= self._head_due):
                self._publish()

    def _next_batch(self) -> tuple[list[Waiting], bool]:
        """What is to be committed now, and whether nothing will follow; empty when only time went by."""
        batch: list[Waiting] = []
        last = False
        due = min(self._outcomes_due, math.inf if self._head_due is None else self._head_due)
        try:
            one = self._waiting.get(timeout=max(due - time.monotonic(), 0.0))
            if len(self._under_way) >= COMPANY:
                time.sleep(max(self._begun + GROUP_S - time.monotonic(), 0.0))
            while one is not None:
                batch.append(one)
                if len(batch) >= BATCH:
                    break
                one = self._waiting.get_nowait()
            last = one is None
        except queue.Empty:
            pass
        if batch or last or time.monotonic() >= self._outcomes_due:
            self._outcomes_due = time.monotonic() + OUTCOME_S
            count = len(self._outcomes)
            # First, since what they are about is on record already.
            batch[:0] = [self._outcomes.popleft() for _ in range(count if last else min(count, BATCH))]
        return batch, last

    def _commit(self, batch: Sequence[Waiting]) -> None:
        if not batch:
            return
        self._begun = time.monotonic()
        try:
            seqs = self._insert(batch)
        except Exception as error:  # noqa: BLE001 - border: the thread must live, and everybody who waits is refused
            if len(batch) > 1 and isinstance(
                error, IntegrityError | DataError | DeclinedError | UnicodeError
            ):
                for one in batch:  # One row that cannot be kept is no reason to refuse the others.
                    self._commit([one])
                return
            if not isinstance(error, IntegrityError | DataError | DeclinedError | UnicodeError):
                self._outcomes.extendleft(one for one in reversed(batch) if one.patient)
                self._outcomes_due = time.monotonic() + RETRY_S
                batch = [one for one in batch if not one.patient]
            failure = self._failure(error)
            self._answered([(one, failure) for one in batch])
            return
        self._answered([(one, seqs.get(one.entry.id, 0)) for one in batch])
        if seqs and self._head_due is None:
            self._head_due = max(time.monotonic(), self._head_out + HEAD_S)

    def _failure(self, error: Exception) -> LedgerError:
        if isinstance(error, DeclinedError):
            return error
        if isinstance(error, SQLAlchemyError):
            return fault_of(self.place.where, error, "cannot be written")
        known = error if isinstance(error, LedgerError) else type(error).__name__
        return LedgerError(f"{self.place.name}: cannot be written: {known}")

    def _insert(self, batch: Sequence[Waiting]) -> dict[str, int]:
        if self._inode_now() != self._inode:
            raise LedgerError("the file was put in another's place while the gateway runs; restart it")
        with self._engine.connect() as connection, limited(connection, self._timeout_s), connection.begin():
            # Asked of the database: after an error in COMMIT nobody else knows whether the rows before are there.
            tree, seqs = append(connection, [one.entry for one in batch], self._tree.head)
            for one in batch:
                if one.also is not None:
                    one.also(connection)
            if seqs and time.monotonic() - self._head_kept > KEEP_HEAD_S:
                keep_head(connection, self._signer, tree, self._now())
                self._head_kept = time.monotonic()
        self._tree = tree
        for one in batch:
            if isinstance(one.entry, Outcome):
                self._under_way.discard(one.entry.about)
            elif one.entry.action in RELEASES:
                self._under_way.add(one.entry.id)
        return seqs

    def _publish(self) -> None:
        """Best effort: a head that lags behind is no fault, and the row is durable already."""
        head = sign(self._signer, self._tree, self._now())
        lagging = write_head_files(self.place.head_files(self._signer.gateway), head)
        if lagging and not self._lagging:
            log.error("the ledger's head cannot be written to %s", ", ".join(map(str, lagging)))
        self._lagging = lagging
        self._head_out, self._head_due = time.monotonic(), None


def sign(signer: Signer, tree: Tree, now: datetime) -> SignedHead:
    """The head of a tree, signed."""
    at = now.isoformat(timespec="milliseconds")
    return signer.sign(tree.ledger, tree.head.seq, tree.frontier.root(), tree.head.hash, at)


def keep_head(connection: Connection, signer: Signer, tree: Tree, now: datetime) -> None:
    """Keep a signed head in the database, for proofs."""
    head = sign(signer, tree, now)
    connection.execute(
        insert(schema.signed_head).values(size=head.size, gateway=head.gateway, statement=head.text())
    )
