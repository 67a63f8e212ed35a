"""What one HTTP/2 client may ask of the gateway: requests taken back, frames that carry nothing, answers not taken.

mitmproxy and h2 bound the head of a request (64 frames, 64 KiB of fields) and how many requests are open; the rest is
bounded here.
"""

from __future__ import annotations

import asyncio
import time
from typing import override
from weakref import WeakValueDictionary

import h2.errors
import h2.events
import h2.exceptions
from h2.frame_buffer import FrameBuffer
from hyperframe.frame import ContinuationFrame, DataFrame, Frame, GoAwayFrame, HeadersFrame, RstStreamFrame
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._events import ResponseData, ResponseProtocolError
from mitmproxy.proxy.layers.http._http2 import Http2Server

from gateway.core.refusals import REFUSALS
from gateway.proxy.bounds import MAX_HEAD_BYTES, Bounds, Commands, in_plain_words
from gateway.proxy.early import Early, EarlyRefusalHook

RESETS, RESETS_PER_S = 200, 33.0
"""Streams a client may reset at once (twice as many as it may have open), and how many more each second (as in nghttp2;
CVE-2023-44487)."""
EMPTY_FRAMES, EMPTY_FRAMES_PER_S = 1000, 100.0
"""Frames without a request or a part of one that a client may send at once, and how many more each second
(CVE-2019-9511 to 9518). As some are called for, each request and each piece of an answer earns it `EARNED` more, and
each KiB of an answer one."""
EARNED = 4
MAX_UNTAKEN_BYTES, MAX_UNTAKEN_PIECES = 128 * 1024, 1024
"""What may wait for a client to give window before its agents have to wait."""


class Gate:
    """Whether agents may go on sending to a client."""

    def __init__(self) -> None:
        self._is_open = asyncio.Event()
        self._is_open.set()

    def turn(self, is_open: bool) -> None:
        """Open or shut the gate."""
        if is_open:
            self._is_open.set()
        else:
            self._is_open.clear()

    async def passed(self) -> None:
        """Wait until it is open."""
        await self._is_open.wait()


class Gates:
    """The gates of all clients."""

    def __init__(self) -> None:
        self._gates: WeakValueDictionary[str, Gate] = WeakValueDictionary()

    def of(self, client_id: str) -> Gate:
        """The gate of a client, open at first; it lasts as long as somebody holds it."""
        return self._gates.setdefault(client_id, Gate())


class GatedReader:
    """Reads what an agent sends while the gate is open; its socket's buffer and then the agent wait otherwise."""

    def __init__(self, reader: asyncio.StreamReader, gate: Gate) -> None:
        self._reader, self._gate = reader, gate

    async def read(self, size: int) -> bytes:
        """As StreamReader does."""
        await self._gate.passed()
        return await self._reader.read(size)


class Allowance:
    """So much at once, and so much more each second."""

    def __init__(self, at_once: int, per_s: float) -> None:
        self._most, self._per_s = at_once, per_s
        self._left = float(at_once)
        self._counted_at = time.monotonic()

    def earn(self, more: float) -> None:
        """Add to what is left, as far as there is room."""
        self._left = min(self._left + more, self._most)

    def spend(self) -> bool:
        """Take one; whether there was one left."""
        now = time.monotonic()
        self.earn((now - self._counted_at) * self._per_s)
        self._counted_at = now
        self._left -= 1
        return self._left >= 0


class _TooMuchError(h2.exceptions.ProtocolError):
    """A client sent more than it may; the text is the reason."""

    error_code = h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


class _Frames(FrameBuffer):
    """h2's reader of frames, which counts those that carry nothing before anybody acts on them."""

    def __init__(self) -> None:
        super().__init__(server=True)
        self.allowance = Allowance(EMPTY_FRAMES, EMPTY_FRAMES_PER_S)

    @property
    def unfinished(self) -> Frame | None:
        """The first frame of a request head whose last has not come."""
        return self._headers_buffer[0] if self._headers_buffer else None

    @override
    def __next__(self) -> Frame:
        # h2 also comes here for each further frame of a head.
        if sum(len(frame.data) for frame in self._headers_buffer) > MAX_HEAD_BYTES:
            raise _TooMuchError("head-too-large")
        frame = super().__next__()
        if _carries_nothing(frame) and not self.allowance.spend():
            raise _TooMuchError("too-many-frames")
        return frame


def _carries_nothing(frame: Frame) -> bool:
    """PING, SETTINGS, PRIORITY, WINDOW_UPDATE, unknown ones, and DATA that is empty and not the last."""
    if isinstance(frame, DataFrame):
        return not frame.data and "END_STREAM" not in frame.flags
    return not isinstance(frame, HeadersFrame | ContinuationFrame | RstStreamFrame | GoAwayFrame)


class BoundedHttp2Server(Http2Server):
    """Reads HTTP/2 requests; a client that asks for too much is told to calm down, on record."""

    def __init__(self, context: Context, bounds: Bounds, gate: Gate) -> None:
        """`gate` holds the agents of the client back while it does not take what they sent."""
        super().__init__(context)
        self._bounds, self._gate = bounds, gate
        self._frames = _Frames()
        self.h2_conn.incoming_buffer = self._frames
        self._resets = Allowance(RESETS, RESETS_PER_S)
        self._untaken = 0
        """Bytes that wait for the client."""
        self._is_full = self._is_taking = False
        self._alarms: dict[commands.RequestWakeup, Frame | None] = {}
        """What runs, and for which unfinished head; None is for what is not taken."""

    @override
    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Wakeup):
            head = self._alarms.pop(event.command)
            if head is not None and head is self._frames.unfinished:
                yield from self._calm_down("too-slow")
                return
            if head is None and self._is_full and not self._is_taking:
                yield from self._calm_down("not-taken")
                return
        elif isinstance(event, ResponseProtocolError):
            yield from super()._handle_event(in_plain_words(event))
        else:
            if isinstance(event, ResponseData):
                self._frames.allowance.earn(EARNED + len(event.data) / 1024)
            yield from super()._handle_event(event)
        self._hold_back()
        head = self._frames.unfinished
        if head is not None and not any(head is one for one in self._alarms.values()):
            yield self._alarm(self._bounds.head_s, head)
        if self._is_full and None not in self._alarms.values():
            self._is_taking = False
            yield self._alarm(self._bounds.receive_s, None)

    def _alarm(self, delay_s: float, head: Frame | None) -> commands.RequestWakeup:
        alarm = commands.RequestWakeup(delay_s)
        self._alarms[alarm] = head
        return alarm

    def _hold_back(self) -> None:
        """Let agents wait while too much waits for the client."""
        pieces = [len(one.data) for buffer in self.h2_conn.stream_buffers.values() for one in buffer]
        before, self._untaken = self._untaken, sum(pieces)
        self._is_taking |= self._untaken < before
        self._is_full = self._untaken > MAX_UNTAKEN_BYTES or len(pieces) > MAX_UNTAKEN_PIECES
        self._gate.turn(not self._is_full)

    @override
    def handle_h2_event(self, event: h2.events.Event) -> layer.CommandGenerator[bool]:
        if isinstance(event, h2.events.RequestReceived):
            self._frames.allowance.earn(EARNED)
        elif isinstance(event, h2.events.StreamReset) and not self._resets.spend():
            yield from self._calm_down("too-many-resets")
            return True
        elif isinstance(event, _TooMuchError):
            yield from self._calm_down(str(event))
            return True
        elif isinstance(event, h2.exceptions.InvalidBodyLengthError) and not self._unanswered():
            # A client that was refused ends its body early; the refusal is on record.
            yield from self._hang_up(h2.errors.ErrorCodes.NO_ERROR, "")
            return True
        return (yield from super().handle_h2_event(event))

    def _unanswered(self) -> bool:
        return any(self.is_open_for_us(stream_id) for stream_id in self.streams)

    def _calm_down(self, reason: str) -> Commands:
        yield from self.protocol_error(reason, h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)

    @override
    def protocol_error(self, message: str, error_code: int = h2.errors.ErrorCodes.PROTOCOL_ERROR) -> Commands:
        """End the connection on record, and say the decision's id where mitmproxy would repeat what it read."""
        reason = message if message in REFUSALS else "malformed-request"
        early = Early(self.context, reason)
        yield EarlyRefusalHook(early)
        yield from self._hang_up(error_code, early.decision_id)

    @override
    def close_connection(self, msg: str) -> Commands:
        self.h2_conn.stream_buffers.clear()
        self._gate.turn(True)
        yield from super().close_connection(msg)

    def _hang_up(self, error_code: int, decision_id: str) -> Commands:
        # h2 has an ending of its own ready for some errors, which says less.
        self.h2_conn.clear_outbound_data_buffer()
        self.h2_conn.close_connection(error_code, decision_id.encode())
        yield commands.SendData(self.conn, self.h2_conn.data_to_send())
        yield from self.close_connection("body-missing")
