"""How many records a second the ledger takes by itself, on SQLite and on PostgreSQL.

    python -m bench.ledger [--database URL] [--seconds 5] [--clients 64] [--rate RATE] [--folder FOLDER]

Each client awaits its record before it sends the next, as transfers do; waiting records share a commit. Without
`--database` SQLite in `--folder` is measured. Every record is on disk before it counts. `--rate` bounds the decisions a
second; processor time is told for this process, which stands for the proxy's, and for the one that records.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import tempfile
import time
from pathlib import Path

from bench.processes import cpu_seconds
from gateway.ledger import FindingSummary, LedgerReader, Outcome, Place, Record, Recorder


def record(number: int) -> Record:
    return Record(
        id=f"bench-{number}",
        at="2031-05-04T10:00:00.000+00:00",
        gateway="bench",
        agent="example-llm",
        host="api.example.org",
        port=443,
        method="POST",
        action="pass",
        status="certified",
        reason="assured",
        rule="table/certified/elevated",
        why="The agent holds an active certification.",
        clauses=("ASSUR-2", "ONWARD-3"),
        origins=("EU",),
        classes=("elevated",),
        evidence=("proof",),
        rules="d" * 64,
        source="192.0.2.0/24",
        bytes=1200,
        body="1:" + "0" * 32,
        findings=(
            FindingSummary("PERSON", "name", "PL", "body.json", 2, ("1:" + "a" * 32, "1:" + "b" * 32)),
        ),
    )


async def measure(
    place: Place, folder: Path, seconds: float, clients: int, rate: float = math.inf
) -> dict[str, object]:
    ledger = Recorder(place, folder / "keys", "bench", timeout_s=30)
    until, count = time.monotonic() + seconds, 0

    async def client() -> None:
        nonlocal count
        while (now := time.monotonic()) < until:
            count += 1
            due = now + clients / rate
            one = record(count)
            await ledger.append(one)
            ledger.note(Outcome(one.id, one.at, "bench", one.rules, "answered-2xx"))
            await asyncio.sleep(max(due - time.monotonic(), 0))

    def used() -> tuple[float, float]:
        own = cpu_seconds(os.getpid(), alone=True) or 0.0
        return own, (cpu_seconds(os.getpid()) or 0.0) - own

    started, before = time.monotonic(), used()
    await asyncio.gather(*(client() for _ in range(clients)))
    took, after = time.monotonic() - started, used()
    ledger.close()
    reader = LedgerReader(place)
    started = time.monotonic()
    found = reader.verify()
    verifying = time.monotonic() - started
    reader.close()
    return {
        "database": place.name,
        "clients": clients,
        "decisions_per_s": round(count / took),
        "entries_per_s": round(found.records / took),
        "own_cpu_ms": round((after[0] - before[0]) / count * 1000, 3),
        "recorder_cpu_ms": round((after[1] - before[1]) / count * 1000, 3),
        "verified": found.ok,
        "verified_per_s": round(found.records / verifying),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rate", type=float, default=math.inf)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="onward-bench-"))
    place = Place.of(given.database or folder / "ledger.db", folder)
    print(json.dumps(asyncio.run(measure(place, folder, given.seconds, given.clients, given.rate))))


if __name__ == "__main__":
    main()
