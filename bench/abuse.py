"""What the gateway takes from clients that mean no good, or that are many.

    python -m bench.abuse [--idle 10000] [--resets 100000] [NAME ...]

Each abuse meets a gateway of its own while a decent client goes on sending. Prints a table; exits with 1 where the
decent client was refused or a limit (`LIMITS`) was passed. Memory is that of the gateway and its workers together.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import itertools
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import floods
from bench.bodies import records
from bench.load import Target, _connect, _exchange
from bench.processes import gateway, origin, resident_bytes
from gateway.demo.agents import make_certificate

MIB = 2**20
PAUSE_S = 0.1
"""Between two requests of the decent client."""


@dataclass(slots=True)
class Seen:
    """What happened to the gateway and to the decent client meanwhile."""

    before: int = 0
    most: int = 0
    after: int = 0
    seconds: float = 0.0
    told: str = ""
    served_ms: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


async def idle(target: Target, given: argparse.Namespace) -> str:
    """Connections that say nothing."""
    async with many(target, given.idle) as writers:
        await asyncio.sleep(20)
        return f"{sum(not one.is_closing() for one in writers):,} of {given.idle:,} still open"


async def slow_heads(target: Target, given: argparse.Namespace) -> str:
    """Request heads, a byte a second."""
    async with many(target, given.slow) as writers:
        lasted = await _trickle(writers, b"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\nX: ", 30)
    return f"{given.slow:,} heads, cut after {lasted:.0f} s" if lasted else f"{given.slow:,} heads, never cut"


async def slow_bodies(target: Target, given: argparse.Namespace) -> str:
    """Bodies, a byte a second."""
    head = _post(target, 9999)
    async with many(target, given.slow) as writers:
        lasted = await _trickle(writers, head, 30)
    return (
        f"{given.slow:,} bodies, cut after {lasted:.0f} s"
        if lasted
        else f"{given.slow:,} bodies, kept for 30 s"
    )


async def endless_heads(target: Target, given: argparse.Namespace) -> str:
    """Request heads that never end, as fast as they are taken."""
    taken = 0
    async with many(target, 50) as writers:

        async def send(writer: asyncio.StreamWriter) -> None:
            nonlocal taken
            with contextlib.suppress(OSError):
                writer.write(b"GET http://localhost/ HTTP/1.1\r\nX: ")
                while not writer.is_closing() and taken < 2**30:
                    writer.write(b"x" * 65536)
                    taken += 65536
                    await writer.drain()

        await asyncio.wait([asyncio.create_task(send(one)) for one in writers], timeout=20)
    return f"{taken / MIB:.0f} MiB were taken from 50 connections"


async def large_bodies(target: Target, given: argparse.Namespace) -> str:
    """Bodies just below the limit, all but their last byte, from many connections at once."""
    size = 10 * MIB
    head = _post(target, size)
    async with many(target, 200) as writers:

        async def send(writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                writer.write(head + b"x" * (size - 1))
                await writer.drain()

        await asyncio.wait([asyncio.create_task(send(one)) for one in writers], timeout=30)
        await asyncio.sleep(2)
        still = sum(not one.is_closing() for one in writers)
    return f"200 bodies of {size / MIB:.0f} MiB, {still} connections left open"


async def bomb(target: Target, given: argparse.Namespace) -> str:
    """A gzip body of one megabyte that is a gigabyte."""
    body = gzip.compress(bytes(2**30), 9)
    reader, writer = await _connect(target)
    head = (
        f"POST / HTTP/1.1\r\nHost: localhost:{target.port}\r\nContent-Encoding: gzip\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    begun = time.perf_counter()
    writer.write(head.encode() + body)
    status = (await reader.readline()).decode().strip()
    writer.close()
    return f"{len(body) / 1000:,.0f} KB; {status} after {time.perf_counter() - begun:.2f} s"


ABUSES: dict[str, tuple[floods.Abuse, int]] = {
    "idle": (idle, 1536),
    "slow-heads": (slow_heads, 1536),
    "slow-bodies": (slow_bodies, 1536),
    "endless-heads": (endless_heads, 1536),
    "large-bodies": (large_bodies, 1536),
    "bomb": (bomb, 1536),
    **{name: (flood, 50) for name, flood in floods.FLOODS.items()},
    # What is open costs something, and each client a buffer; without bound it were 16 MiB each.
    "no-window": (floods.no_window, 120),
}
"""What is done, and the memory in MiB: in all where it is over a gigabyte, more than before where it is less."""


@contextlib.asynccontextmanager
async def many(target: Target, count: int) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """So many plain connections to the proxy."""
    writers = []
    try:
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", target.proxy_port)
            writers.append(writer)
        yield writers
    finally:
        for writer in writers:
            writer.transport.abort()


def _post(target: Target, length: int) -> bytes:
    place = f"localhost:{target.port}"
    return f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\nContent-Length: {length}\r\n\r\n".encode()


async def _trickle(writers: list[asyncio.StreamWriter], head: bytes, seconds: int) -> float | None:
    """Send the head and then a byte a second; after how many seconds all were cut off."""
    begun = time.perf_counter()
    for writer in writers:
        writer.write(head)
    for _ in range(seconds):
        await asyncio.sleep(1)
        if all(writer.is_closing() for writer in writers):
            return time.perf_counter() - begun
        for writer in writers:
            if not writer.is_closing():
                writer.write(b"x")
    return None


async def decent(target: Target, seen: Seen, over: asyncio.Event) -> None:
    """A client that sends a record now and then, on one connection."""
    bodies = records()
    reader = writer = None
    while not over.is_set():
        try:
            if writer is None or writer.is_closing():
                reader, writer = await _connect(target)
            begun = time.perf_counter()
            assert reader is not None
            await _exchange(reader, writer, target.port, next(bodies))
            seen.served_ms.append((time.perf_counter() - begun) * 1000)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client was not served
            seen.refused.append(f"{type(error).__name__}: {error}"[:80])
            writer = None
        await asyncio.sleep(PAUSE_S)


async def watch(pid: int, seen: Seen, over: asyncio.Event) -> None:
    """Note the most memory the gateway had."""
    while not over.is_set():
        seen.most = max(seen.most, resident_bytes(pid) or 0)
        await asyncio.sleep(0.2)


async def suffer(abuse: floods.Abuse, pid: int, target: Target, given: argparse.Namespace) -> Seen:
    """Let a gateway be abused."""
    seen, over = Seen(), asyncio.Event()
    warm = asyncio.create_task(decent(target, seen, over))
    await asyncio.sleep(3)
    seen.before = resident_bytes(pid) or 0
    watcher = asyncio.create_task(watch(pid, seen, over))
    begun = time.perf_counter()
    seen.told = await abuse(target, given)
    seen.seconds = time.perf_counter() - begun
    await asyncio.sleep(2)
    over.set()
    await asyncio.gather(warm, watcher)
    seen.after = resident_bytes(pid) or 0
    return seen


def main() -> int:
    """Abuse a gateway in each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=", ".join(ABUSES), metavar="NAME")
    parser.add_argument("--idle", type=int, default=10_000, help="connections that say nothing")
    parser.add_argument("--slow", type=int, default=500, help="connections that say it slowly")
    parser.add_argument("--resets", type=int, default=100_000)
    parser.add_argument("--frames", type=int, default=1_000_000, help="HTTP/2 frames of each flood")
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    heads = (
        "abuse",
        "what came of it",
        "s",
        "memory before / most / after, MiB",
        "others: served, p50 / worst ms",
    )
    print(f"| {' | '.join(heads)} | refused |")
    print("|---|---|---|---|---|---|")
    failed = False
    for name in given.names or ABUSES:
        abuse, limit = ABUSES[name]
        with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
            folder = Path(place)
            certificate = make_certificate(folder)
            origin_port = stack.enter_context(origin(folder, certificate))
            pid, port, authority = stack.enter_context(gateway(folder, certificate, origin_port, 1))
            seen = asyncio.run(suffer(abuse, pid, Target(origin_port, str(authority), port), given))
        served = sorted(seen.served_ms) or [0.0]
        before, most, after = (one / MIB for one in (seen.before, seen.most, seen.after))
        print(
            f"| {name} | {seen.told} | {seen.seconds:.0f} | {before:.0f} / {most:.0f} / {after:.0f} |"
            f" {len(seen.served_ms)}, {served[len(served) // 2]:.0f} / {served[-1]:.0f} |"
            f" {len(seen.refused)} {', '.join(itertools.islice(dict.fromkeys(seen.refused), 2))} |",
            flush=True,
        )
        failed |= bool(seen.refused) or (most > limit if limit > 1024 else after - before > limit)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
