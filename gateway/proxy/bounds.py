"""What one client, and all clients together, may ask of the gateway: sizes, times, rates.

The client's side of mitmproxy's HTTP/1 connections with bounds that mitmproxy does not have: on a request head, on what
is sent ahead, on the time a head may take. `http2` has those of HTTP/2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, override

import h11
from h11._receivebuffer import ReceiveBuffer
from mitmproxy import connection
from mitmproxy.net.http.http1 import connection_close
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, RequestProtocolError, ResponseProtocolError
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server

from gateway.proxy.early import Early, EarlyRefusalHook

MAX_HEAD_BYTES = 64 * 1024
"""Longest request head: as sent in HTTP/1, compressed in HTTP/2, where h2 also bounds what comes out."""
MAX_AHEAD_BYTES = 1024 * 1024
"""What an HTTP/1 client may send before the answer to its last request."""
_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)\d\d\b")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")

Commands = layer.CommandGenerator[None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client may ask for."""

    max_body_bytes: int
    """Largest body of a request, and largest WebSocket message of a client."""
    max_held_bytes: int
    """Sum of what is held of all requests until they are on their way."""
    head_s: float
    """How long a request head may take: HTTP/1 from its first byte to its last, HTTP/2 from its first frame."""
    receive_s: float
    """How long a request body may take, and an HTTP/2 client that takes nothing of its answers."""


class Held:
    """How much of all requests is held in memory."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held: dict[str, int] = {}
        self._sum = 0

    def hold(self, flow_id: str, size: int) -> bool:
        """Note that so much is held of a flow now; whether that is within the limit."""
        self._sum += size - self._held.get(flow_id, 0)
        self._held[flow_id] = size
        return self._sum <= self._limit

    def release(self, flow_id: str) -> None:
        """Note that nothing of the flow is held any more."""
        self._sum -= self._held.pop(flow_id, 0)


class _UnreadableBodyError(Exception):
    """A request body ends early or is not framed as HTTP/1 demands; the text is the reason."""


class _Reader:
    """One of h11's body readers, whose errors do not repeat what was sent."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __call__(self, buffer: Any) -> Any:
        try:
            event = self._reader(buffer)
        except h11.ProtocolError:
            raise _UnreadableBodyError("malformed-request") from None
        if isinstance(event, h11.EndOfMessage) and event.headers:
            raise _UnreadableBodyError("trailers")
        return event

    def read_eof(self) -> Any:
        try:
            return self._reader.read_eof()
        except h11.ProtocolError:
            raise _UnreadableBodyError("body-missing") from None


class BoundedHttp1Server(Http1Server):
    """Reads HTTP/1 requests with bounds on the head; what it cannot read is refused in words and on record."""

    def __init__(self, context: Context, head_s: float) -> None:
        super().__init__(context)
        self._head_s = head_s
        self._head_number = 0
        """Which head is read, or was read last."""
        self._alarm_for: int | None = None
        self._is_last = False
        """Whether the client asked for the connection to end after this request; the front takes that header out."""

    @override
    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Wakeup):
            yield from self._look_at_the_head()
            return
        if isinstance(event, ResponseProtocolError):
            event = in_plain_words(event)
        yield from super()._handle_event(event)
        if self.state == self.wait and len(self.buf) > MAX_AHEAD_BYTES:
            yield from self._give_up("sent-ahead")

    @override
    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        long = isinstance(event, events.DataReceived) and len(self.buf) > MAX_HEAD_BYTES
        if long and not _END_OF_HEAD.search(bytes(self.buf), 0, MAX_HEAD_BYTES):
            yield from self._give_up("head-too-large")
            return
        for command in super().read_headers(event):
            if isinstance(command, commands.SendData):
                # mitmproxy's own answer to a head it cannot read, which repeats it.
                yield from self._give_up("malformed-request")
                return
            if not isinstance(command, commands.Log):
                yield command
        if self.state == self.read_headers:
            if self.buf and self._alarm_for is None:
                self._alarm_for = self._head_number
                yield commands.RequestWakeup(self._head_s)
        else:
            self._head_number += 1
            if self.request:
                self._is_last = connection_close(self.request.http_version, self.request.headers)

    @override
    def mark_done(self, *, request: bool = False, response: bool = False) -> Commands:
        ends = self._is_last and (request or self.request_done) and (response or self.response_done)
        if ends:
            self.buf = ReceiveBuffer()
        yield from super().mark_done(request=request, response=response)
        if ends and self.state == self.read_headers:
            self.state = self.done
            yield commands.CloseConnection(self.conn)

    def _look_at_the_head(self) -> Commands:
        """Give up on a head that is still the one of which a part had come when the alarm was set."""
        asked, self._alarm_for = self._alarm_for, None
        if self.state != self.read_headers or not self.buf:
            return
        if asked == self._head_number:
            yield from self._give_up("too-slow")
        else:
            self._alarm_for = self._head_number
            yield commands.RequestWakeup(self._head_s)

    @override
    def read_body(self, event: events.Event) -> Commands:
        if not isinstance(self.body_reader, _Reader):
            self.body_reader = _Reader(self.body_reader)  # type: ignore[assignment]
        try:
            yield from super().read_body(event)
        except _UnreadableBodyError as error:
            answered = self.response is not None
            self.state = self.done
            self.request_done = True
            yield ReceiveHttp(
                RequestProtocolError(self.stream_id, str(error), ErrorCode.GENERIC_CLIENT_ERROR)
            )
            if answered:
                yield commands.CloseConnection(self.conn)

    def _give_up(self, reason: str) -> Commands:
        self.state = self.done
        early = Early(self.context, reason)
        yield EarlyRefusalHook(early)
        if not self.response and self.conn.state & connection.ConnectionState.CAN_WRITE:
            yield commands.SendData(self.conn, early.answer)
        yield commands.CloseConnection(self.conn)


class PatientHttp1Client(Http1Client):
    """Reads HTTP/1 answers; what an agent says beforehand (100, 103) is not taken for its answer, and left behind."""

    @override
    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        while _INTERIM.match(bytes(self.buf)) and _END_OF_HEAD.search(bytes(self.buf)):
            self.buf.maybe_extract_lines()
        yield from super().read_headers(event)


def in_plain_words(event: ResponseProtocolError) -> ResponseProtocolError:
    """The error without what mitmproxy puts into its text: names, addresses and bytes that it could not read."""
    return ResponseProtocolError(
        event.stream_id, "The agent could not be reached, or its answer could not be read.", event.code
    )
