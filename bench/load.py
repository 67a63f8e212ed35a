"""The sending side: HTTPS through a proxy (or direct) over kept connections, bounded in time and in requests."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

CONNECT_LIMIT_S = 30.0
ANSWER_LIMIT_S = 30.0


class UnexpectedAnswerError(Exception):
    """Something other than 200 came back: what would be measured is a refusal, not a transfer."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one round measured."""

    requests: int
    seconds: float
    latencies_ms: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """Latency in milliseconds that `share` of the requests did not exceed."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: an origin on localhost, through `proxy_port` where there is one."""

    port: int
    authority: str
    """PEM file of the authority whose certificate the client will see."""
    proxy_port: int | None = None


async def send(
    target: Target, bodies: Iterator[bytes], *, connections: int, seconds: float, most: int = 100_000
) -> Sent:
    """Keep `connections` busy for `seconds`, or until `most` requests. Connecting is not counted."""
    open_connections = [await _connect(target) for _ in range(connections)]
    latencies: list[float] = []
    try:
        for reader, writer in open_connections:  # The first request also opens the connection to the origin.
            await _exchange(reader, writer, target.port, next(bodies))
        started = time.perf_counter()

        async def keep_busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while time.perf_counter() - started < seconds and len(latencies) < most:
                before = time.perf_counter()
                await _exchange(reader, writer, target.port, next(bodies))
                latencies.append((time.perf_counter() - before) * 1000)

        async with asyncio.TaskGroup() as group:
            for reader, writer in open_connections:
                group.create_task(keep_busy(reader, writer))
        return Sent(len(latencies), time.perf_counter() - started, tuple(latencies))
    finally:
        for _, writer in open_connections:
            writer.close()


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(CONNECT_LIMIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", target.proxy_port or target.port)
        if target.proxy_port is not None:
            place = f"localhost:{target.port}"
            writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200" not in head.partition(b"\r\n")[0]:
                raise UnexpectedAnswerError(head.partition(b"\r\n")[0].decode())
        await writer.start_tls(
            ssl.create_default_context(cafile=target.authority), server_hostname="localhost"
        )
    return reader, writer


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, body: bytes
) -> None:
    async with asyncio.timeout(ANSWER_LIMIT_S):
        head = (
            f"POST /v1/in HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = answer.partition(b"content-length:")[2].partition(b"\r\n")[0]
        said = await reader.readexactly(int(length or 0))
        if not answer.startswith(b"http/1.1 200"):
            raise UnexpectedAnswerError(f"{answer.partition(b'\r\n')[0].decode()}: {said[:400].decode()}")
