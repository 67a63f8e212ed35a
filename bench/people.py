"""How long a search for one person takes in a ledger of ten million records, on SQLite and on PostgreSQL.

    python -m bench.people [--records 10000000] [--only sqlite|postgresql] [--folder /tmp]

The records are written as rows into a scratch ledger, which no gateway could do in so little time, so that it does not
verify; the search is the real one, from opening the database to the last record read. Each of the people is searched
for by three identifiers, once; before the first search the operating system is asked to forget the file (SQLite).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import batched
from pathlib import Path

import numpy as np
import psycopg

from gateway.core.rights import Mark
from gateway.ledger import FindingSummary, Ledger, Place
from gateway.ledger.record import body_of, columns_of
from gateway.people.search import search
from tests.databases import Cluster
from tests.ledgers import a_record, a_signer

ENTITIES = (("EMAIL_ADDRESS", "contact"), ("PERSON", "identity"), ("PHONE_NUMBER", "contact"))
OFTEN = 10_000
"""Records of the one person whom nearly every transfer of a day mentions."""
BEHIND = 20_000
"""Records that the index does not cover yet when the last search begins."""
STEP = 20_000


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
        found = tuple(
            FindingSummary(entity, category, "DE", "body.json", 1, (f"@{place}@",))
            for place, (entity, category) in enumerate(ENTITIES)
        )
        record = a_record("@id@", action="block")
        template = body_of(type(record)(**{**_fields(record), "findings": found}))
        columns = columns_of(_fields(record))
        for seq in range(1, self.records + 1):
            body = template.replace("@id@", f"{seq:012x}-0123456789abcdef")
            for place, one in enumerate(self.prints(self.of(seq))):
                body = body.replace(f"@{place}@", one)
            yield (
                *(seq, f"{seq:012x}-0123456789abcdef", "decision", None, columns["at"], "gateway-1"),
                *(columns["agent"], columns["action"], body, f"{seq:064x}"),
            )

    def mentions(self) -> Iterator[tuple[int, int]]:
        """The index over all records but the newest, in its order."""
        seqs = np.arange(1, self.records - BEHIND + 1, dtype=np.int64)
        persons = seqs * 7919 % self.count
        persons[seqs % (self.records // OFTEN or 1) == 0] = 0
        marks = self.marks[persons].ravel()
        where = np.repeat(seqs, len(ENTITIES))
        order = np.lexsort((where, marks))
        for start in range(0, len(order), 1_000_000):
            part = order[start : start + 1_000_000]
            yield from zip(marks[part].tolist(), where[part].tolist(), strict=True)


def fill_sqlite(place: Place, people: People) -> None:
    with contextlib.closing(sqlite3.connect(place.base, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for what in ("never_changes", "never_goes", "is_never_replaced"):
            db.execute(f"DROP TRIGGER record_{what}")
        for table, rows in (("record", people.rows()), ("mention", people.mentions())):
            marks = ",".join("?" * (10 if table == "record" else 2))
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
        for table, rows in (("record", people.rows()), ("mention", people.mentions())):
            with db.cursor().copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[call-overload]
                for row in rows:
                    copy.write_row(row)
        db.execute("UPDATE mention_end SET seq = %s", (people.records - BEHIND,))
        db.execute("ANALYZE")
        db.execute("ALTER SYSTEM SET fsync = on")
        db.execute("SELECT pg_reload_conf()")


def measure(name: str, place: Place, people: People) -> None:
    def timed(marks: list[Mark]) -> tuple[float, int]:
        started = time.perf_counter()
        found = search(place, marks, ("PERSON",))
        return (time.perf_counter() - started) * 1000, len(found)

    began, spent = time.perf_counter(), time.process_time()

    behind, _ = timed([Mark("EMAIL_ADDRESS", "1:" + "0" * 32)])
    if name == "sqlite":
        with place.base.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    cold, found = timed(people.known_as(people.count // 2 + 1))
    some = random.Random(7).sample(range(1, people.count), min(50, people.count - 1))
    times = [timed(people.known_as(one))[0] for one in some]
    often, most = timed(people.known_as(0))
    print(f"{name}, {people.records:,} records, three identifiers a person")
    print(f"  first search, {found} records found         {cold:8.1f} ms")
    print(f"  50 further people, median             {statistics.median(times):8.1f} ms")
    print(f"  50 further people, slowest            {max(times):8.1f} ms")
    print(f"  somebody in {most:,} records            {often:8.1f} ms")
    print(f"  nobody, and {BEHIND:,} records to index   {behind:8.1f} ms")
    share = (time.process_time() - spent) / (time.perf_counter() - began)
    print(f"  this process had {share:.0%} of a processor meanwhile", flush=True)


def _fields(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}  # type: ignore[attr-defined]


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
