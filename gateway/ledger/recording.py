"""The process that records: it takes entries from the gateway's own process and answers when they are durable.

Neither statements, hashes and waiting for the disk, nor the index of mentions, take turns with the event loop here; and
the key that signs heads is not in the process that reads what strangers send. `recorder` is the other end.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import pickle
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from gateway.core.chain import Head
from gateway.core.errors import LedgerError, OnwardError
from gateway.keys import signing_key
from gateway.ledger.heads import Signer
from gateway.ledger.mentions import Mentions
from gateway.ledger.place import Place
from gateway.ledger.writer import Answers, Ledger, Waiting
from gateway.logs import Form, set_up_logging
from gateway.processes import confine, frame, receive

log = logging.getLogger(__name__)

INDEX_S = 1.0
"""How often what is new is indexed."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first that a recording process is told."""

    place: Place
    keys: Path
    """Folder with the key that signs heads."""
    gateway: str
    timeout_s: float
    level: int
    """Of what is logged."""
    form: Form
    """How it is logged."""
    resumed: bool = False
    """Whether the gateway lived through the end of an earlier process."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The ledger can be written."""

    head: Head


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot, and the process ends."""

    error: OnwardError


@dataclass(frozen=True, slots=True)
class Written:
    """What became of entries, each by its number, and the newest durable entry."""

    answers: tuple[tuple[int, int | LedgerError], ...]
    head: Head


def record(descriptor: int, parent: int) -> NoReturn:
    """Body of the process: open the ledger, then write what comes until the gateway closes its end."""
    confine(parent)
    connection = socket.socket(fileno=descriptor)
    stream = connection.makefile("rb")
    told = receive(stream)
    if told is None:
        os._exit(1)
    start: Start = pickle.loads(told)  # noqa: S301 - from our parent
    set_up_logging(start.level, start.form)
    opened = threading.Event()

    def answer(answers: Answers) -> None:
        # The first commit may be done before the gateway was told that there is a ledger.
        opened.wait()
        told = tuple((one.token, answer) for one, answer in answers if one.token is not None)
        with contextlib.suppress(OSError):  # The gateway is gone; this process will be in a moment.
            connection.sendall(frame(Written(told, ledger.head)))

    try:
        signer = Signer(signing_key(start.keys), start.gateway)
        ledger = Ledger(
            start.place, signer, answered=answer, timeout_s=start.timeout_s, resumed=start.resumed
        )
    except OnwardError as error:
        connection.sendall(frame(Refused(error)))
        os._exit(1)
    connection.sendall(frame(Opened(ledger.head)))
    opened.set()
    gc.freeze()
    index = _Index(start.place)
    while (told := receive(stream)) is not None:
        for number, entry, also, until in pickle.loads(told):  # noqa: S301 - from our parent
            patient = until is None
            ledger.submit(Waiting(entry, number, also, float("inf") if patient else until, patient=patient))
    ledger.close()
    index.close()
    os._exit(0)


class _Index:
    """Keeps the index of mentions up with the ledger, in a thread."""

    def __init__(self, place: Place) -> None:
        self._mentions = Mentions(place)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="index", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the step under way."""
        self._end.set()
        self._thread.join()
        self._mentions.close()

    def _follow(self) -> None:
        while not self._end.wait(INDEX_S):
            try:
                self._mentions.bring_up(ended=self._end.is_set)
            except LedgerError as error:  # The next round tries again; a search says how far the index goes.
                log.error("new records could not be indexed: %s", error)
