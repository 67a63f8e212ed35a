"""Whether every client is answered by its deadline, when inspection takes longer than it may.

    python -m bench.deadlines [--limit 1.0] [--clients 20] [--rounds 3]

Clients send long letters to a gateway that may take `--limit` seconds for each; their last bytes come at the same time.
Prints how each kind of answer came, and how long after that byte; exits with 1 where a refusal came more than half a
second after the limit, or without a reason or the id of its decision.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.bodies import letters
from bench.load import Target, _connect
from bench.processes import gateway, origin
from gateway.demo.agents import make_certificate

SIZES = (2_000, 200_000, 2_000_000)
GRACE_S = 0.5
SETTLE_S = 12.0
"""What the gateway gets to take in all bodies but their last bytes."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How one client was answered."""

    status: int
    reason: str
    decision_id: str
    seconds: float
    """After the last byte was sent."""


async def send(target: Target, body: bytes, go: asyncio.Barrier) -> Answered:
    """Send one body over a connection of its own; its last byte when all the others are there, too."""
    reader, writer = await _connect(target)
    try:
        head = (
            f"POST / HTTP/1.1\r\nHost: localhost:{target.port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body[:-1])
        await writer.drain()
        await go.wait()
        await asyncio.sleep(SETTLE_S)
        writer.write(body[-1:])
        begun = time.perf_counter()
        async with asyncio.timeout(120):
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            seconds = time.perf_counter() - begun
            said = await reader.readexactly(int(answer.partition("content-length:")[2].partition("\r\n")[0]))
        status = int(answer.split(" ")[1])
        problem = json.loads(said) if status >= 400 else {}
        return Answered(status, problem.get("reason", ""), problem.get("decision_id", ""), seconds)
    finally:
        writer.close()


def long_letters(size: int) -> bytes:
    """New letters of about so many bytes in all, in one body."""
    several = letters()
    parts, left = [], size
    while left > 0:
        parts.append(json.loads(next(several)))
        left -= len(json.dumps(parts[-1]))
    return json.dumps(parts, ensure_ascii=False).encode()


def main() -> int:
    """Send, and count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=float, default=1.0, help="time_limit_s of the gateway")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    failed = False
    print(f"Limit {given.limit:g} s, {given.clients} clients at once, {given.rounds} rounds of each size.\n")
    print("| body, bytes | answer | how many | median s | worst s |\n|---:|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        certificate = make_certificate(folder)
        origin_port = stack.enter_context(origin(folder, certificate))
        _, port, authority = stack.enter_context(
            gateway(folder, certificate, origin_port, 1, time_limit_s=given.limit)
        )
        target = Target(origin_port, str(authority), port)
        for size in SIZES:
            body = long_letters(size)
            kinds: dict[str, list[float]] = collections.defaultdict(list)

            async def together(body: bytes = body) -> list[Answered]:
                go = asyncio.Barrier(given.clients)
                return await asyncio.gather(*(send(target, body, go) for _ in range(given.clients)))

            for _ in range(given.rounds):
                for one in asyncio.run(together()):
                    kinds[f"{one.status} {one.reason}".strip()].append(one.seconds)
                    refused = one.status != 200
                    failed |= refused and not (one.reason and one.decision_id)
                    failed |= refused and one.seconds > given.limit + GRACE_S
            for kind, seconds in sorted(kinds.items()):
                seconds.sort()
                middle = seconds[len(seconds) // 2]
                row = f"| {len(body):,} | {kind} | {len(seconds)} | {middle:.2f} | {seconds[-1]:.2f} |"
                print(row, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
