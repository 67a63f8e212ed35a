"""The process that exports: follows the ledger by sequence number, and keeps how far it is in the state folder."""

from __future__ import annotations

import json
import logging
import os
import pickle
import select
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from gateway.core.errors import LedgerError, OnwardError
from gateway.ledger import LedgerReader, Place
from gateway.logs import Form, set_up_logging
from gateway.processes import confine, receive
from gateway.siem.ocsf import event_of
from gateway.siem.sinks import Sink, sink_of

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often it is looked whether something is new."""
RETRY_S = 5.0
"""Pause after a sink or the ledger failed."""
LAST_S = 2.0
"""How long the process goes on when the gateway has ended."""
BATCH = 500


@dataclass(frozen=True, slots=True)
class Start:
    """The first that an exporting process is told."""

    place: Place
    target: str
    authorities: Path | None
    position: Path
    level: int
    form: Form


def position_in(file: Path) -> tuple[str, int]:
    """Ledger and sequence number of what was exported last; nothing where there is no such file, or a broken one."""
    try:
        kept = json.loads(file.read_bytes())
        return str(kept["ledger"]), int(kept["sequence"])
    except (OSError, ValueError, LookupError, TypeError):
        return "", 0


class Export:
    """Hands over what is new, in order, and then says so on disk: after a crash the same is handed over again."""

    def __init__(self, place: Place, sink: Sink, position: Path) -> None:
        self._place, self._sink, self._file = place, sink, position
        self._reader: LedgerReader | None = None
        self._ledger = ""
        self._sequence = 0

    def step(self) -> bool:
        """Export some of what is new; whether there may be more. Raises LedgerError, OSError."""
        try:
            if self._reader is None:
                self._reader = LedgerReader(self._place)
                self._begin(self._reader.ledger())
            entries = self._reader.after(self._sequence, BATCH, kind=None)
            if entries:
                self._sink.send([event_of(one, self._ledger) for one in entries])
                self._sequence = entries[-1]["seq"]
                self._keep()
        except (LedgerError, OSError):
            self.close()  # Begin anew: the sink may have taken some of it.
            raise
        return len(entries) == BATCH

    def close(self) -> None:
        """Let go of the ledger."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _begin(self, ledger: str) -> None:
        known, sequence = position_in(self._file)
        if known not in ("", ledger):
            log.warning("the ledger is another one than before; all of it is exported")
        self._ledger = ledger
        self._sequence = max(sequence if known == ledger else 0, self._sink.newest(ledger))

    def _keep(self) -> None:
        draft = self._file.with_suffix(".draft")
        with draft.open("w", encoding="ascii") as file:
            json.dump({"ledger": self._ledger, "sequence": self._sequence}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)


def export(descriptor: int, parent: int) -> NoReturn:
    """Body of the process: export until the gateway closes its end."""
    confine(parent)
    connection = socket.socket(fileno=descriptor)
    told = receive(connection.makefile("rb"))
    if told is None:
        os._exit(1)
    start: Start = pickle.loads(told)  # noqa: S301 - from our parent
    set_up_logging(start.level, start.form)
    export = Export(start.place, sink_of(start.target, start.authorities), start.position)
    failing = ""
    while True:
        more, pause = False, LOOK_S
        try:
            more = export.step()
            if failing:
                log.info("events are exported again")
            failing = ""
        except Exception as error:  # noqa: BLE001 - border: an end here would only be the next start's end
            said = _told(error, start.target)
            if said != failing:
                log.error("events cannot be exported: %s; tried again, transfers go on", said)
            failing, pause = said, RETRY_S
        ended, _, _ = select.select([connection], [], [], 0.0 if more else pause)
        if ended:
            break
    # What was recorded while the gateway drained, for as long as it waits for this process.
    with suppress(OnwardError, OSError):
        last = time.monotonic() + LAST_S
        while export.step() and time.monotonic() < last:
            pass
    os._exit(0)


def _told(error: Exception, target: str) -> str:
    match error:
        case OnwardError():
            return str(error)
        case OSError():
            return f"{target}: {error.strerror or type(error).__name__}"
        case _:
            return f"{type(error).__name__}, a fault of the gateway; please report it"
