"""Where events go: lines of a file, or messages of syslog (RFC 5424) over UDP, TCP (RFC 6587) or TLS (RFC 5425).

A sink raises OSError when it cannot take what it is given; whoever sends tries the same again.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from gateway.core.errors import SettingsError

LIMIT_S = 10.0
"""Longest time a collector may take to answer or to read."""
LOG_AUDIT = 13
"""The facility, RFC 5424 table 1."""
WARNING, INFORMATIONAL = 4, 6
TAIL_BYTES = 1 << 20
"""Far more than the longest line."""
BEGINNING = b'{"category_uid":'
"""Of each line: by it half a line of ours is known from what is somebody else's."""
PORTS = {"udp": 514, "tcp": 601, "tls": 6514}

Event = Mapping[str, Any]


class Sink(Protocol):
    """Takes events in order."""

    def send(self, events: Sequence[Event]) -> None:
        """Hand all of them over. Raises OSError."""

    def newest(self, ledger: str) -> int:
        """Sequence number of the last event of this ledger that is there for certain; 0 if the sink cannot tell."""

    def close(self) -> None:
        """Let go."""


def sink_of(url: str, authorities: Path | None) -> Sink:
    """The sink of the setting `siem`. Raises SettingsError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(f"siem: {url!r} is no URL: {error}") from error
    if parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc:
        return Lines(Path(parts.path))
    if parts.scheme in PORTS and host:
        return Syslog(parts.scheme, host, port or PORTS[parts.scheme], authorities)
    raise SettingsError(
        f"siem: {url!r} is none of file:///PATH, udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT"
    )


class Lines:
    """One event a line. The file itself says how far it goes, so that a crash neither loses nor doubles one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None

    def send(self, events: Sequence[Event]) -> None:
        """Append and sync. A file that was moved away meanwhile, by a rotation, is begun anew."""
        file = self._opened()
        left = memoryview(b"".join(_json(one) + b"\n" for one in events))
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())

    def newest(self, ledger: str) -> int:
        """What the last whole line says; half a line after it is cut off."""
        file = self._opened()
        end = file.seek(0, os.SEEK_END)
        start = file.seek(max(end - TAIL_BYTES, 0))
        whole, _, half = file.read(end - start).rpartition(b"\n")
        if half and half[: len(BEGINNING)] == BEGINNING[: len(half)]:
            file.truncate(end - len(half))
        try:
            metadata = json.loads(whole.rpartition(b"\n")[2])["metadata"]
            return int(metadata["sequence"]) if metadata["log_name"] == ledger else 0
        except (ValueError, LookupError, TypeError):
            return 0

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> FileIO:
        if self._file is not None and not self._in_place(self._file):
            self.close()
        if self._file is None:
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
            self._file = FileIO(descriptor, "r+")
        return self._file

    def _in_place(self, file: FileIO) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(file.fileno()))
        except FileNotFoundError:
            return False


class Syslog:
    """One event a message. Nobody acknowledges: with a lost connection events may be lost, or come twice."""

    def __init__(self, transport: str, host: str, port: int, authorities: Path | None) -> None:
        self._transport, self._host, self._port, self._authorities = transport, host, port, authorities
        self._connection: socket.socket | None = None

    def send(self, events: Sequence[Event]) -> None:
        """Send each as a message of its own, over the connection there is or a new one."""
        try:
            connection = self._connected()
            if self._transport == "udp":
                for one in events:
                    connection.send(message_of(one))
                return
            messages = [message_of(one) for one in events]
            connection.sendall(b"".join(b"%d %b" % (len(one), one) for one in messages))
            if _is_closed(connection):
                raise ConnectionResetError("the collector closed the connection")
        except OSError:
            self.close()
            raise

    def newest(self, ledger: str) -> int:
        """Nobody can tell."""
        return 0

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> socket.socket:
        if self._connection is not None and self._transport != "udp" and _is_closed(self._connection):
            self.close()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> socket.socket:
        if self._transport == "udp":
            family, kind, protocol, _, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_DGRAM
            )[0]
            connection = socket.socket(family, kind, protocol)
            connection.connect(address)
            return connection
        connection = socket.create_connection((self._host, self._port), LIMIT_S)
        if self._transport == "tcp":
            return connection
        context = ssl.create_default_context(cafile=self._authorities)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            return context.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise


def message_of(event: Event) -> bytes:
    """As a message of RFC 5424. The event is ASCII, so that no mark of its encoding is needed."""
    severity = WARNING if event.get("is_alert") else INFORMATIONAL
    head = (
        f"<{LOG_AUDIT * 8 + severity}>1",
        str(event["metadata"]["original_time"]),
        socket.gethostname() or "-",
        "onward",
        event["unmapped"]["gateway"].replace(" ", "_")[:128] or "-",
        f"ocsf-{event['class_uid']}",
        "-",
    )
    return " ".join(head).encode("ascii", "replace") + b" " + _json(event)


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended. What it says is of no interest: syslog has no answers."""
    connection.settimeout(0)
    try:
        while connection.recv(4096):
            pass
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(LIMIT_S)
    return True


def _json(event: Event) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode("ascii")
