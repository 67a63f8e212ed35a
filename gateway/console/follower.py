"""Follows the ledger behind the gateways: counts each new record once, and checks the chain while it goes by.

A thread of the console's own process that reads with a connection of its own; gateways do not notice it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable

from gateway.core.chain import EMPTY, Head, link
from gateway.core.errors import OnwardError
from gateway.ledger import LedgerReader, Place
from gateway.ledger.reader import DECISION
from gateway.store.tallies import Tallies

log = logging.getLogger(__name__)

LOOK_S = 1.0
STEP = 2000


class Follower:
    """One per console; `step` may also be called by hand."""

    def __init__(self, place: Place, tallies: Tallies, look: Callable[[], bool]) -> None:
        """`look` says whether something else has changed, e.g. the rules."""
        self._place, self._tallies, self._look = place, tallies, look
        self._reader = LedgerReader(place)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self.version = 0
        """Grows with everything that pages show."""
        self.fault = ""
        """What is wrong with the ledger; empty where nothing is."""
        self.newest = 0
        """Number of the ledger's last record."""
        self.signed = 0
        """Size of the newest signed head whose record and signature were found right."""

    def start(self) -> None:
        """Follow until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._reader.close()

    def step(self) -> None:
        """Count what is new. Raises OnwardError."""
        changed = self._look()
        ledger, head = self._tallies.counted()
        self.newest = self._reader.head().seq
        if not self._continues(ledger, head):
            self._tallies.forget()
            ledger, head, changed = self._reader.ledger(), EMPTY, True
        while not self._stop.is_set() and (rows := self._reader.links(head.seq, STEP)):
            decisions = []
            for row in rows:
                expected = link(head, row.body)
                if expected != row:
                    self._wrong(f"record {head.seq + 1} is missing or was changed")
                    break
                head = Head(row.seq, row.hash)
                body = json.loads(row.body)
                if body.get("kind", DECISION) == DECISION:
                    decisions.append((row.seq, body))
            self._tallies.add(ledger, decisions, head)
            changed = True
            if self.fault:
                break
        if changed or not self.version:
            self._check_heads(head)
            self.version += 1

    def _continues(self, ledger: str, head: Head) -> bool:
        """Whether what was counted is the beginning of the ledger that is there."""
        if ledger != self._reader.ledger():
            return False
        if head == EMPTY:
            return True
        found = self._reader.links(head.seq - 1, 1)
        return bool(found) and (found[0].seq, found[0].hash) == (head.seq, head.hash)

    def _check_heads(self, head: Head) -> None:
        for one in self._reader.outside_heads():
            if not 0 < one.size <= head.seq:
                if one.size > self.newest:
                    self._wrong(f"records up to {one.size} were signed and are missing")
                continue
            found = self._reader.links(one.size - 1, 1)
            if not found or found[0].hash != one.head or not one.is_signed():
                self._wrong(f"the signed head over {one.size} records does not fit them")
            else:
                self.signed = max(self.signed, one.size)

    def _wrong(self, what: str) -> None:
        if what != self.fault:
            log.error("the ledger does not verify: %s", what)
        self.fault = what

    def _run(self) -> None:
        while True:
            try:
                self.step()
            except OnwardError as error:
                log.error("the ledger cannot be followed: %s", error)
            if self._stop.wait(LOOK_S):
                return
