"""How long a search for one person takes in a ledger of ten million records, on SQLite and on PostgreSQL.

    python -m bench.people [--records 10000000] [--only sqlite|postgresql] [--folder /tmp]

The records are written as rows into a scratch ledger, which no gateway could do in so little time, so that it does not
verify; the search is the real one, from opening the database to the last word read: the summary, which asks the index,
and the list of all transfers, which reads the records. Each of the people is searched for by three identifiers, once;
before the first search the operating system is asked to forget the file (SQLite).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import batched
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from gateway.core.chain import canonical
from gateway.core.rights import Mark
from gateway.ledger import FindingSummary, Ledger, Place
from gateway.ledger.mentions import Received, basis_id, basis_of
from gateway.ledger.record import body_of, columns_of
from gateway.people.search import bring_up, search, summary
from tests.databases import Cluster
from tests.ledgers import a_record, a_signer

ENTITIES = (("EMAIL_ADDRESS", "contact"), ("PERSON", "identity"), ("PHONE_NUMBER", "contact"))
OFTEN = 10_000
"""Records of the one person whom nearly every transfer of a day mentions."""
BEHIND = 20_000
"""Records that the index does not cover yet when the last search begins."""
STEP = 20_000
BASES = 480
"""Different things that records say: 40 agents, twelve reasons each."""


class People:
    """So many people, and who of them stands in which record."""

    def __init__(self, records: int) -> None:
        self.records = records
        self.count = max(records // 10, 1)
        self.marks = np.random.default_rng(7).integers(-(2**63), 2**63, (self.count, len(ENTITIES)))

    def of(self, seq: int) -> int:
        """Person 0 often, all others ten times."""
        return 0 if seq % (self.records // OFTEN or 1) == 0 else seq * 7919 % self.count

    def prints(self, person: int) -> list[str]:
        return [f"1:{int(mark) & (2**64 - 1):016x}{person:016x}" for mark in self.marks[person]]

    def known_as(self, person: int) -> list[Mark]:
        return [Mark(entity, one) for (entity, _), one in zip(ENTITIES, self.prints(person), strict=True)]

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Records as the ledger keeps them, but for their hashes."""
        templates = []
        for body in self.bodies():
            parts = re.split("@([^@]*)@", canonical(body))
            templates.append((parts[0::2], columns_of(body)))
        for seq in range(1, self.records + 1):
            name = f"{seq:012x}-0123456789abcdef"
            parts, columns = templates[seq % BASES]
            first, *prints = self.prints(self.of(seq))
            # By the order of names in the record: the findings come before the id.
            body = "".join(map("".join, zip(parts, (first, *prints, name, ""), strict=True)))
            yield (
                *(seq, name, "decision", None, columns["at"], "gateway-1"),
                *(columns["agent"], columns["action"], body, f"{seq:064x}"),
            )

    def bodies(self) -> list[dict[str, Any]]:
        """One record for each basis: so many agents, twelve reasons each."""
        found = tuple(
            FindingSummary(entity, category, "DE", "body.json", 1, (f"@{place}@",))
            for place, (entity, category) in enumerate(ENTITIES)
        )
        record = a_record("@id@", action="pass")
        return [
            json.loads(
                body_of(
                    replace(
                        record,
                        agent=f"agent-{number // 12}",
                        why=f"{record.why} {number % 12}",
                        findings=found,
                        action="block" if number % 3 == 0 else "pass",
                    )
                )
            )
            for number in range(BASES)
        ]

    def bases(self) -> list[tuple[int, str]]:
        """What the index says once of many records."""
        texts = [canonical(basis_of(body)) for body in self.bodies()]
        return [(basis_id(text), text) for text in texts]

    def mentions(self, *, sorted_by_mark: bool) -> Iterator[tuple[int, int, int, int]]:
        """The index over all records but the newest: as SQLite keeps it, or as it is written with time."""
        seqs = np.arange(1, self.records - BEHIND + 1, dtype=np.int64)
        persons = seqs * 7919 % self.count
        persons[seqs % (self.records // OFTEN or 1) == 0] = 0
        marks = self.marks[persons].ravel()
        where = np.repeat(seqs, len(ENTITIES))
        basis = np.array([one for one, _ in self.bases()])[where % BASES]
        received = np.where(where % BASES % 3 == 0, int(Received.NO), int(Received.YES))
        order = np.lexsort((where, marks)) if sorted_by_mark else np.arange(len(marks))
        for start in range(0, len(order), 1_000_000):
            part = order[start : start + 1_000_000]
            columns = (one[part].tolist() for one in (marks, where, basis, received))
            yield from zip(*columns, strict=True)


def fill_sqlite(place: Place, people: People) -> None:
    with contextlib.closing(sqlite3.connect(place.base, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for what in ("never_changes", "never_goes", "is_never_replaced"):
            db.execute(f"DROP TRIGGER record_{what}")
        tables = {
            "record": (10, people.rows()),
            "mention_basis": (2, iter(people.bases())),
            "mention": (4, people.mentions(sorted_by_mark=True)),
        }
        for table, (columns, rows) in tables.items():
            marks = ",".join("?" * columns)
            for part in batched(rows, STEP, strict=False):
                db.execute("BEGIN")
                db.executemany(f"INSERT INTO {table} VALUES ({marks})", part)
                db.execute("COMMIT")
        db.execute("UPDATE mention_end SET seq = ?", (people.records - BEHIND,))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def fill_postgresql(place: Place, people: People) -> None:
    with psycopg.connect(str(place.where), autocommit=True) as db:
        for setting in ("fsync = off", "max_wal_size = '4GB'"):
            db.execute(f"ALTER SYSTEM SET {setting}")  # type: ignore[call-overload]
        db.execute("SELECT pg_reload_conf()")
        (key,) = db.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'mention_pkey'"
        ).fetchone()
        db.execute("ALTER TABLE mention DROP CONSTRAINT mention_pkey")
        tables: dict[str, Iterator[tuple[object, ...]]] = {
            "record": people.rows(),
            "mention_basis": iter(people.bases()),
            "mention": people.mentions(sorted_by_mark=False),
        }
        for table, rows in tables.items():
            with db.cursor().copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[call-overload]
                for row in rows:
                    copy.write_row(row)
        db.execute(f"ALTER TABLE mention ADD CONSTRAINT mention_pkey {key}")  # type: ignore[call-overload]
        db.execute("UPDATE mention_end SET seq = %s", (people.records - BEHIND,))
        db.execute("VACUUM ANALYZE")
        db.execute("ALTER SYSTEM SET fsync = on")
        db.execute("SELECT pg_reload_conf()")


def measure(name: str, place: Place, people: People) -> None:
    def timed[T](done: Callable[[], T]) -> tuple[float, T]:
        started = time.perf_counter()
        found = done()
        return (time.perf_counter() - started) * 1000, found

    def summed(person: int) -> tuple[float, int]:
        taken, found = timed(lambda: summary(place, people.known_as(person), ("PERSON",)))
        return taken, sum(one.count for one in found.flows)

    def listing(person: int) -> tuple[float, int]:
        taken, found = timed(lambda: search(place, people.known_as(person), ("PERSON",)))
        return taken, len(found)

    began, spent = time.perf_counter(), time.process_time()
    if name == "sqlite":
        with place.base.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    often, most = summed(0)
    cold, found = summed(people.count // 2 + 1)
    some = random.Random(7).sample(range(1, people.count), min(50, people.count - 1))
    times = [summed(one)[0] for one in some]
    again = [summed(0)[0] for _ in range(10)]
    behind, _ = timed(lambda: bring_up(place))
    listed = [listing(one)[0] for one in some[:10]]
    all_of, _ = listing(0)
    rows = {
        f"summary, first: somebody in {most:,} records": often,
        f"summary, the next: {found} records": cold,
        f"summary, {len(times)} further people, median": statistics.median(times),
        f"summary, {len(times)} further people, slowest": max(times),
        f"summary, 10 more of {most:,} records, slowest": max(again),
        f"{BEHIND:,} records to index": behind,
        "all transfers of somebody in 10 records, median of 10": statistics.median(listed),
        f"all transfers of somebody in {most:,} records": all_of,
    }
    print(f"{name}, {people.records:,} records, three identifiers a person")
    for said, taken in rows.items():
        print(f"  {said:55}{taken:10.1f} ms")
    share = (time.process_time() - spent) / (time.perf_counter() - began)
    print(f"  this process had {share:.0%} of a processor meanwhile", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    people = People(asked.records)
    fills: dict[str, Callable[[Place, People], None]] = {
        "sqlite": fill_sqlite,
        "postgresql": fill_postgresql,
    }
    for name, fill in fills.items():
        if asked.only in (None, name):
            with contextlib.ExitStack() as cleanup:
                folder = Path(tempfile.mkdtemp(prefix="onward-people-", dir=asked.folder))
                cleanup.callback(shutil.rmtree, folder)
                place = Place.of(folder / "ledger.db", folder)
                if name == "postgresql":
                    cluster = Cluster(asked.folder)
                    cleanup.callback(cluster.close)
                    place = Place.of(cluster.new_database(), folder)
                Ledger(place, a_signer(), timeout_s=30).close()
                started = time.monotonic()
                fill(place, people)
                print(f"{name}: filled in {time.monotonic() - started:.0f} s", flush=True)
                measure(name, place, people)


if __name__ == "__main__":
    main()
