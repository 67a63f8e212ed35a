"""How long the overview takes over ten million decisions, and whether its figures are those of a recount.

    python -m bench.console [--records 10000000] [--folder /tmp]

The decisions are given to the tallies as the follower gives them, 480 kinds over a year; no ledger of that size is
written, since the overview reads none of its records. The page is asked for as a browser does, signed in, without
network; what is timed is the whole of it: session, figures, standings of all agents, what waits, the HTML.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.console.access import Role
from gateway.console.figures import Filter, count
from gateway.core.chain import Head
from tests.console.site import Site, Visitor, a_site

STEP = 50_000
DAYS = 365
ACTIONS = ("pass", "pass", "pass", "anonymize", "hold", "block")
CLAUSES = ("ASSUR-1", "ASSUR-2", "ASSUR-4", "DEF-1", "FRAME-1", "ONWARD-1", "ONWARD-3", "ONWARD-4")
CATEGORIES = ("identity", "contact", "financial", "health", "online_identifier")


def kinds() -> list[dict[str, Any]]:
    """40 agents, twelve kinds of decisions each."""
    return [
        {
            "agent": f"agent-{agent}",
            "action": ACTIONS[kind % 6],
            "status": "certified" if kind % 2 else "lapsed",
            "reason": f"reason-{kind % 9}",
            "unread": ["body: too deep"] if kind == 5 else [],
            "rule": "failure" if kind == 11 else "table/certified/ordinary",
            "origins": ["EU", "CH"][: 1 + kind % 2],
            "clauses": [CLAUSES[(agent + place) % 8] for place in range(1 + kind % 4)],
            "findings": [{"category": CATEGORIES[(agent + place) % 5]} for place in range(kind % 3)],
        }
        for agent in range(40)
        for kind in range(12)
    ]


def decisions(records: int, now: datetime) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each with its number and day, oldest first."""
    made = kinds()
    days = [(now - timedelta(days=DAYS - 1 - day)).isoformat() for day in range(DAYS)]
    for seq in range(1, records + 1):
        yield seq, made[seq * 7919 % len(made)] | {"at": days[(seq - 1) * DAYS // records]}


def fill(site: Site, records: int, now: datetime) -> Counter[tuple[str, str]]:
    """Count all decisions in, and again by hand: by day and action."""
    again: Counter[tuple[str, str]] = Counter()
    part: list[tuple[int, dict[str, Any]]] = []
    for seq, record in decisions(records, now):
        again[record["at"][:10], record["action"]] += 1
        part.append((seq, record))
        if len(part) == STEP or seq == records:
            site.console.tallies.add("bench", part, Head(seq, ""))
            part = []
    return again


def timed(visitor: Visitor, path: str, times: int = 21) -> float:
    """Median time of a page in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        assert visitor.get(path).status_code == 200
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def main() -> None:
    """Fill, compare, time, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=10_000_000)
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, a_site(Path(folder)) as site:
        began = time.perf_counter()
        again = fill(site, given.records, now)
        print(f"{given.records:,} decisions counted in {time.perf_counter() - began:.0f} s")
        size = sum(one.stat().st_size for one in site.settings.state.glob("tallies.db*"))
        print(f"tallies: {size / 2**20:.0f} MiB")
        wanted = Filter(now.date() - timedelta(days=DAYS - 1), now.date())
        figures = count(site.console.tallies, wanted)
        seen = {(day, action): n for day, its in figures.daily.items() for action, n in its.items()}
        print(f"figures equal the recount: {seen == dict(again)}")
        visitor = site.signed_in("reader-1", Role.VIEWER)
        for what, path in (
            ("30 days", "/"),
            ("30 days, one agent", "/?agent=agent-7"),
            ("a year", f"/?first={wanted.first}&last={wanted.last}"),
        ):
            print(f"overview, {what}: {timed(visitor, path):.0f} ms at the median")


if __name__ == "__main__":
    main()
