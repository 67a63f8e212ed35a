"""The gateway's side of the export: starts the process, starts it anew when it ends, and ends it with the gateway."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from gateway.ledger import Place
from gateway.logs import form_in_use
from gateway.processes import command, frame
from gateway.siem.exporting import Start, position_in
from gateway.siem.sinks import sink_of

log = logging.getLogger(__name__)

PAUSE_S = 2.0
"""Shortest time between two starts."""
CLOSE_S = 5.0
"""Longest time for which a closing gateway waits for what is still to be exported."""


class Exporter:
    """One per gateway that exports."""

    def __init__(self, place: Place, target: str, authorities: Path | None, state: Path) -> None:
        """Raises SettingsError for a target that is none."""
        sink_of(target, authorities).close()
        level = logging.getLogger("gateway").getEffectiveLevel()
        self._position = state / "siem.json"
        self._start = Start(place, target, authorities, self._position, level, form_in_use())
        self._wire: socket.socket | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    @property
    def sequence(self) -> int:
        """Number of the last record that was exported."""
        return position_in(self._position)[1]

    @property
    def pid(self) -> int:
        """The process, once there was one; otherwise 0."""
        return self._child.pid if self._child is not None else 0

    def keep(self) -> None:
        """See that the process runs. What goes wrong here is no reason to stop anything else."""
        if self._child is not None:
            if self._child.poll() is None or time.monotonic() < self._started + PAUSE_S:
                return
            log.error("the process that exports has ended; another one is started")
        self._started = time.monotonic()
        self._let_go()
        self._wire, theirs = socket.socketpair()
        with theirs:
            try:
                self._child = subprocess.Popen(
                    command("gateway.siem.exporting", "export", theirs.fileno(), os.getpid()),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
                self._wire.sendall(frame(self._start))
            except OSError as error:
                log.error("no process that exports can be started: %s", error.strerror)

    def close(self) -> None:
        """Let the process export what is left, for a moment, and end it. Safe to call twice."""
        self._let_go()
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(CLOSE_S)
            self._child.kill()
            self._child.wait()
            self._child = None

    def _let_go(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
