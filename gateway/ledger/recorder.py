"""The gateway's side of recording: entries go to a process of their own, and come back as durable or refused.

Rules kept here and nowhere else:
 * `append` returns when the entry is durable. Whatever else happens, it raises, and nothing may be released on it.
 * When the process ends, all that waits is refused and another one is started; what nobody waits for is told anew.
 * The process ends with the gateway: by itself when it has written what it was told, at once when the gateway dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import pickle
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gateway.core.errors import LedgerError
from gateway.ledger.place import Place
from gateway.ledger.record import Entry
from gateway.ledger.recording import Opened, Refused, Start, Written
from gateway.ledger.writer import Also
from gateway.logs import form_in_use
from gateway.processes import LENGTH, MAX_ANSWER_BYTES, answer_from, command, frame

log = logging.getLogger(__name__)

MAX_WAITING = 8192
"""Most entries that may wait; beyond that an append is refused at once."""
RETRY_S = 1.0
"""Pause between two starts of the process."""
CLOSE_S = 60.0
"""Longest time for which a closing gateway waits for what is to be written."""
READ_BYTES = 1 << 18

_Said = tuple[int, Entry, Also | None, float | None]
"""Number, entry, what goes with it, and the monotonic time at which whoever waits gives up, if anybody does."""


class Recorder:
    """One per gateway. Use from one event loop at a time."""

    def __init__(self, place: Place, keys: Path, gateway: str, *, timeout_s: float = 5.0) -> None:
        """Start the process and let it open the ledger. Blocks. Raises LedgerError, KeyFileError."""
        self.place = place
        level = logging.getLogger("gateway").getEffectiveLevel()
        self._start = Start(place, keys, gateway, timeout_s, level, form_in_use())
        self._timeout_s = timeout_s
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._noted: dict[int, _Said] = {}
        """What nobody waits for and is not durable yet."""
        self._outbox: list[_Said] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._fault = ""
        """Why the process cannot open the ledger, as it said last."""
        self._started = time.monotonic()
        self._process: _Process | None = _Process(self._start)
        match self._process.first():
            case Opened(head):
                self.head = head
            case Refused(error):
                self._process.end()
                raise error
            case _:
                self._process.end()
                raise LedgerError(f"{place.name}: the process that records ended while it opened the ledger")

    @property
    def waiting(self) -> int:
        """Entries that are not durable yet."""
        return len(self._waiting) + len(self._noted)

    @property
    def alive(self) -> bool:
        """Whether there is a process that takes entries."""
        return self._process is not None

    async def append(self, entry: Entry, also: Also | None = None) -> int:
        """Write one entry; its sequence number, once it is durable.

        Raises:
            DeclinedError: `also` found that the entry must not be.
            LedgerError: it could not be written within the time limit; nothing may be released on it.
        """
        if self._closed:
            raise LedgerError(f"{self.place.name}: the ledger is closed")
        loop = self._attached()
        if self._process is None:
            raise LedgerError(self._fault or f"{self.place.name}: the process that records has ended")
        if len(self._waiting) >= MAX_WAITING:
            raise LedgerError(f"{self.place.name}: {MAX_WAITING} records wait to be written already")
        number, done = next(self._numbers), loop.create_future()
        self._waiting[number] = done
        self._say((number, entry, also, time.monotonic() + self._timeout_s), loop)
        try:
            return await asyncio.wait_for(done, self._timeout_s)
        except TimeoutError:
            # The row may still be written: a record without a release is harmless, the reverse is not.
            raise LedgerError(f"{self.place.name}: not written within {self._timeout_s:g} s") from None
        finally:
            self._waiting.pop(number, None)

    def note(self, entry: Entry) -> None:
        """Write an entry that nobody waits for, as soon as that is possible. Drops it when too many wait already."""
        if self._closed or len(self._noted) >= MAX_WAITING:
            return
        number = next(self._numbers)
        said = self._noted[number] = (number, entry, None, None)
        loop = self._attached()
        if self._process is not None:
            self._say(said, loop)

    def close(self) -> None:
        """Let the process write what waits, then end it. Blocks for as long as that takes. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._detach()
        if self._process is not None:
            with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
                for said in self._process.finish(frame(self._outbox), CLOSE_S):
                    self._hear(said)
            self._process.end()
        if self._noted:
            log.error(
                "%d outcomes could not be recorded; the next start closes them as unknown", len(self._noted)
            )

    def _attached(self) -> asyncio.AbstractEventLoop:
        """The running loop, which from now on hears the process."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._detach()
            self._loop = loop
            if self._process is not None:
                loop.add_reader(self._process.wire, self._readable)
                loop.call_soon(self._flush)
            else:
                loop.call_soon(self._restart)
        return loop

    def _detach(self) -> None:
        if self._loop is not None and self._process is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._process.wire)
            self._loop.remove_writer(self._process.wire)
        self._loop = None

    def _say(self, said: _Said, loop: asyncio.AbstractEventLoop) -> None:
        if not self._outbox:
            # At the end of this turn of the loop, so that all that it has to say goes out at once.
            loop.call_soon(self._flush)
        self._outbox.append(said)

    def _flush(self) -> None:
        if self._process is None or self._loop is None:
            return
        if self._outbox:
            self._process.queue(frame(self._outbox))
            self._outbox.clear()
        try:
            done = self._process.send()
        except OSError:
            return  # It is gone; the reading side finds out, and sees to it.
        if done:
            self._loop.remove_writer(self._process.wire)
        else:
            self._loop.add_writer(self._process.wire, self._flush)

    def _readable(self) -> None:
        assert self._process is not None
        try:
            for said in self._process.read():
                self._hear(said)
        except BlockingIOError:
            return
        except (OSError, EOFError, pickle.UnpicklingError):
            self._lose()

    def _hear(self, said: object) -> None:
        match said:
            case Written(answers, head):
                self.head = head
                for number, answer in answers:
                    self._noted.pop(number, None)
                    done = self._waiting.get(number)
                    if done is None or done.done():
                        continue
                    if isinstance(answer, LedgerError):
                        done.set_exception(answer)
                    else:
                        done.set_result(answer)
            case Opened(head):
                self.head, self._fault = head, ""
                log.info("records are written again")
            case Refused(error):
                self._fault = str(error)
                log.error("nothing can be recorded: %s", error)

    def _lose(self) -> None:
        """The process has ended: refuse all that waits, and start another one."""
        assert self._process is not None
        loop = self._loop
        self._detach()
        self._process.end()
        self._process = None
        self._outbox.clear()
        if not self._fault:
            log.error("the process that records has ended; another one is started")
        fault = self._fault or f"{self.place.name}: the process that records ended before it answered"
        for done in self._waiting.values():
            if not done.done():
                done.set_exception(LedgerError(fault))
        self._loop = loop
        if loop is not None:
            loop.call_later(max(self._started + RETRY_S - time.monotonic(), 0.0), self._restart)

    def _restart(self) -> None:
        if self._closed or self._process is not None or self._loop is None:
            return
        self._started = time.monotonic()
        try:
            self._process = _Process(replace(self._start, resumed=True))
        except OSError as error:
            log.error("no process that records can be started: %s", error.strerror)
            self._loop.call_later(RETRY_S, self._restart)
            return
        self._loop.add_reader(self._process.wire, self._readable)
        self._outbox = list(self._noted.values())
        self._flush()


class _Process:
    """The process and the wire to it."""

    def __init__(self, start: Start) -> None:
        """Raises OSError where no process can be started."""
        self.wire, theirs = socket.socketpair()
        with theirs:
            try:
                self._child = subprocess.Popen(
                    command("gateway.ledger.recording", "record", theirs.fileno(), os.getpid()),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
            except BaseException:
                self.wire.close()
                raise
        self._heard = bytearray()
        self._to_say = bytearray()
        # Far less than a socket takes without being read.
        self.wire.sendall(frame(start))
        self.wire.setblocking(False)

    @property
    def pid(self) -> int:
        return self._child.pid

    def first(self) -> object:
        """What it says first; None where it ends instead. Blocks."""
        self.wire.setblocking(True)
        try:
            while True:
                for said in self.read():
                    return said
        except (OSError, EOFError, pickle.UnpicklingError):
            return None
        finally:
            self.wire.setblocking(False)

    def queue(self, said: bytes) -> None:
        """To be sent with the next `send`."""
        self._to_say += said

    def send(self) -> bool:
        """Send what the wire takes; whether that was all. Raises OSError when the process is gone."""
        with contextlib.suppress(BlockingIOError):
            while self._to_say:
                del self._to_say[: self.wire.send(self._to_say)]
        return not self._to_say

    def read(self) -> Iterator[object]:
        """What it has said. Raises BlockingIOError if nothing; EOFError, OSError or UnpicklingError at its end."""
        heard = self.wire.recv(READ_BYTES)
        if not heard:
            raise EOFError
        self._heard += heard
        while len(self._heard) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._heard)
            if length > MAX_ANSWER_BYTES:
                raise pickle.UnpicklingError("an answer is too long")
            end = LENGTH.size + length
            if len(self._heard) < end:
                return
            said = bytes(self._heard[LENGTH.size : end])
            del self._heard[:end]
            yield answer_from(said)

    def finish(self, last: bytes, limit_s: float) -> Iterator[object]:
        """Say the last, close this side, and hear the rest. Raises as `read` does."""
        self.wire.settimeout(limit_s)
        self.wire.sendall(self._to_say + last)
        self.wire.shutdown(socket.SHUT_WR)
        while True:
            yield from self.read()

    def end(self) -> None:
        """See that it is gone. A process that has closed its side is at its end; one that has not is killed."""
        self.wire.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(0.05)
            return
        self._child.kill()
        self._child.wait()
