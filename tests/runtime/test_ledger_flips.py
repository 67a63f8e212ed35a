"""Any single bit that changes in records, tree, signed heads or open releases is found. `make flips` tries 10,000."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3

import psycopg

from gateway.ledger import Place
from tests.databases import tampering
from tests.ledgers import a_ledger, a_record, an_outcome, verified

FLIPS = int(os.environ.get("LEDGER_FLIPS", "60"))
TABLES = {
    "record": ("seq", "id", "kind", "about", "at", "gateway", "agent", "action", "body", "hash"),
    "node": ("level", "place", "hash"),
    "tree": ("ledger", "size", "head", "peaks"),
    "signed_head": ("size", "gateway", "statement"),
    "open_intent": ("id", "gateway"),
}


async def test_every_flipped_bit_is_found_and_its_repair_as_well(place: Place):
    with a_ledger(place) as ledger:
        await asyncio.gather(*(ledger.append(a_record(f"id-{n}", action="block")) for n in range(250)))
        ledger.keep_head()
        await ledger.append(a_record("released"))
        await asyncio.gather(*(ledger.append(a_record(f"more-{n}")) for n in range(6)))
        ledger.note(an_outcome("released"))
    chance = random.Random(9)
    missed, tried = [], 0
    with tampering(place) as run:
        mark = "?" if place.base.exists() else "%s"
        for _ in range(FLIPS):
            table = chance.choice(sorted(TABLES))
            column = chance.choice(TABLES[table])
            rows = run(f"SELECT * FROM {table}").fetchall()
            names = [name for (name, *_) in run(f"SELECT * FROM {table} LIMIT 1").description]
            row = dict(zip(names, chance.choice(rows), strict=True))
            if row[column] in (None, ""):
                continue
            new = flipped(row[column], chance)
            where = " AND ".join(f"{name} = {mark}" for name in names if row[name] is not None)
            known = [value for value in row.values() if value is not None]
            try:
                run(f"UPDATE {table} SET {column} = {mark} WHERE {where}", (new, *known))
            except (sqlite3.IntegrityError, psycopg.errors.UniqueViolation):
                continue  # A value that would be there twice is refused by the database itself.
            tried += 1
            if verified(place).ok:
                missed.append((table, column, row[column], new))
            back = [new if name == column else row[name] for name in names if row[name] is not None]
            run(f"UPDATE {table} SET {column} = {mark} WHERE {where}", (row[column], *back))
        assert verified(place).ok, "the damage was not mended; the test shows nothing"
    assert missed == []
    assert tried > FLIPS / 2


def flipped(value: object, chance: random.Random) -> object:
    """The value with one bit changed, still of its type and of ASCII, so that every database takes it."""
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(16)
    raw = bytearray(str(value).encode())
    while True:
        place, bit = chance.randrange(len(raw)), 1 << chance.randrange(7)
        if raw[place] ^ bit:
            raw[place] ^= bit
            return raw.decode()
