"""A ledger in a file: what can happen to files."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.chain import EMPTY, Head, canonical, link
from gateway.core.errors import LedgerError
from gateway.core.merkle import Frontier, leaf_hash
from gateway.ledger import Ledger, Place, read_head_file
from tests.databases import tampering
from tests.ledgers import a_ledger, a_record, a_signer, reading, verified

FEW = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def twelve(file: Place) -> Place:
    """A ledger of twelve refusals, closed."""
    with a_ledger(file) as ledger:
        await asyncio.gather(*(ledger.append(a_refusal(f"id-{number}")) for number in range(1, 13)))
    return file


def a_refusal(record_id: str, **other: str):
    return a_record(record_id, action="block", **other)


@given(
    seq=st.integers(1, 12),
    column=st.sampled_from(["id", "at", "agent", "action", "body", "hash"]),
    data=st.data(),
)
@FEW
async def test_a_changed_byte_is_found_and_its_record_named(twelve, tmp_path, seq, column, data):
    copy = copied(twelve, tmp_path / "copy")
    with tampering(copy) as run:
        (value,) = run(f"SELECT {column} FROM record WHERE seq = ?", (seq,)).fetchone()
        raw = bytearray(value.encode())
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
        run(f"UPDATE record SET {column} = CAST(? AS TEXT) WHERE seq = ?", (bytes(raw), seq))
    found = verified(copy)
    assert (found.ok, found.seq) == (False, seq)


@given(seq=st.integers(1, 12), length=st.integers(1, 12))
@FEW
async def test_deleted_records_are_found_and_the_first_is_named(twelve, tmp_path, seq, length):
    copy = copied(twelve, tmp_path / "copy")
    with tampering(copy) as run:
        run("DELETE FROM record WHERE seq >= ? AND seq < ?", (seq, seq + length))
    found = verified(copy)
    assert (found.ok, found.seq) == (False, seq)


@given(pair=st.lists(st.integers(1, 12), min_size=2, max_size=2, unique=True))
@FEW
async def test_swapped_records_are_found_and_the_first_is_named(twelve, tmp_path, pair):
    copy = copied(twelve, tmp_path / "copy")
    one, other = pair
    with tampering(copy) as run:
        for old, new in ((one, 100), (other, one), (100, other)):
            run("UPDATE record SET seq = ? WHERE seq = ?", (new, old))
    found = verified(copy)
    assert (found.ok, found.seq) == (False, min(pair))


async def test_an_inserted_record_is_found(twelve):
    with tampering(twelve) as run:
        columns = "kind, about, at, gateway, agent, action, body, hash"
        run(f"INSERT INTO record (seq, id, {columns}) SELECT 13, 'x', {columns} FROM record WHERE seq = 12")
    assert (verified(twelve).ok, verified(twelve).seq) == (False, 13)


async def test_an_older_copy_put_back_is_found_and_not_opened(twelve, tmp_path):
    older = copied(twelve, tmp_path / "older")
    with a_ledger(twelve) as ledger:
        await ledger.append(a_refusal("id-13"))
    shutil.copyfile(older.base, twelve.base)
    found = verified(twelve)
    assert (found.ok, found.seq) == (False, 13)
    assert "old copy" in found.fault
    with pytest.raises(LedgerError, match="record 13"):
        Ledger(twelve, a_signer())


async def test_a_ledger_written_anew_is_not_the_one_that_the_head_is_of(twelve, tmp_path):
    forged = Place.of(tmp_path / "forged.db", tmp_path)
    with a_ledger(forged) as ledger:
        for number in range(1, 13):
            await ledger.append(a_refusal(f"id-{number}", agent="innocent"))
    shutil.copyfile(forged.base, twelve.base)
    found = verified(twelve)
    assert (found.ok, found.seq) == (False, 12)


async def test_an_index_that_hides_a_record_is_found(twelve):
    with contextlib.closing(sqlite3.connect(twelve.base)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("DELETE FROM sqlite_schema WHERE name = 'record_by_agent'")
        db.commit()
    found = verified(twelve)
    assert not found.ok
    assert "around them" in found.fault


async def test_a_damaged_file_is_found_and_never_crashes_the_check(twelve):
    size = twelve.base.stat().st_size
    noise = random.Random(7)
    missed = []
    for page in range(0, size, 4096):
        copy = copied(twelve, twelve.base.parent.parent / "damaged")
        with copy.base.open("r+b") as file:
            file.seek(page)
            file.write(noise.randbytes(min(4096, size - page)))
        with contextlib.suppress(LedgerError):  # Some damage keeps the file from being opened at all.
            if verified(copy).ok:
                missed.append(page // 4096)
    assert missed == []


async def test_a_truncated_file_is_found(twelve):
    size = twelve.base.stat().st_size
    for kept in range(0, size, 8192):
        copy = copied(twelve, twelve.base.parent.parent / "cut")
        with copy.base.open("r+b") as file:
            file.truncate(kept)
        with contextlib.suppress(LedgerError):  # Most of it cannot be opened at all.
            assert not verified(copy).ok
        with pytest.raises(LedgerError):
            Ledger(copy, a_signer())


async def test_a_file_that_is_no_database_is_not_opened(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database, and long enough to tell" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.db: cannot be opened"):
        Ledger(path, a_signer())
    assert path.read_bytes().startswith(b"not a database")


async def test_only_the_owner_can_read_what_is_kept(twelve):
    assert twelve.base.stat().st_mode & 0o077 == 0
    assert twelve.base.parent.stat().st_mode & 0o077 == 0


async def test_a_ledger_replaced_while_it_is_written_refuses(twelve, tmp_path):
    with a_ledger(twelve) as ledger:
        copied(twelve, tmp_path / "other").base.replace(twelve.base)
        with pytest.raises(LedgerError, match="another's place"):
            await ledger.append(a_refusal("id-13"))


async def test_a_full_disk_refuses_and_recovers_by_itself_without_a_restart(tmp_path):
    with a_small_disk(tmp_path / "disk") as disk, a_ledger(disk / "ledger.db") as ledger:
        await ledger.append(a_refusal("first"))
        kept = ["first"]
        ballast = disk / "ballast"
        fill(ballast)
        for number in range(200):
            try:
                await ledger.append(a_refusal(f"full-{number}", why="x" * 4000))
                kept.append(f"full-{number}")
            except LedgerError:
                break
        with pytest.raises(LedgerError, match="full"):
            await ledger.append(a_refusal("still-full", why="x" * 4000))
        ballast.unlink()
        assert await ledger.append(a_refusal("after")) == len(kept) + 1
        with reading(disk / "ledger.db") as reader:
            assert reader.verify().ok
            assert [one["id"] for one in reader.after(0)] == [*kept, "after"]


async def test_a_disk_that_fails_in_the_middle_refuses_and_recovers_by_itself(twelve):
    with a_ledger(twelve) as ledger:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, before[1]))
        try:
            appends = [ledger.append(a_refusal(f"failing-{number}", why="x" * 4000)) for number in range(100)]
            outcomes = await asyncio.gather(*appends, return_exceptions=True)
            assert {type(one) for one in outcomes} == {LedgerError}
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        seq = await ledger.append(a_refusal("after"))
        assert seq == ledger.head.seq
    assert (verified(twelve).ok, verified(twelve).records) == (True, seq)


# Ledgers of the first format: a table `record` of SQLite, a chain, a head file of two words.

FIRST_FORMAT = """
CREATE TABLE record (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, agent TEXT NOT NULL, action TEXT NOT NULL,
    body TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX record_by_agent ON record (agent, seq);
CREATE INDEX record_by_action ON record (action, seq);
CREATE TRIGGER record_is_never_replaced BEFORE INSERT ON record
    WHEN EXISTS (SELECT 1 FROM record WHERE seq = NEW.seq OR id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER record_never_changes BEFORE UPDATE ON record
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER record_never_goes BEFORE DELETE ON record
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


@pytest.fixture
def first_format(file: Place) -> Place:
    """A ledger of 600 records as the first version left it."""
    file.base.parent.mkdir(mode=0o700)
    head, rows = EMPTY, []
    for number in range(600):
        body = asdict(a_record(f"id-{number}"))
        del body["kind"]
        new = link(head, canonical(body))
        head = Head(new.seq, new.hash)
        rows.append((new.seq, body["id"], body["at"], body["agent"], body["action"], new.body, new.hash))
    with contextlib.closing(sqlite3.connect(file.base)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(FIRST_FORMAT)
        db.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        db.commit()
    file.head_file.write_text(f"{head.seq} {head.hash}\n")
    return file


async def test_a_ledger_of_the_first_format_is_taken_over_with_every_row_and_its_chain(first_format):
    with contextlib.closing(sqlite3.connect(first_format.base)) as db:
        before = db.execute(
            "SELECT seq, id, at, agent, action, body, hash FROM record ORDER BY seq"
        ).fetchall()
    with a_ledger(first_format) as ledger:
        assert ledger.head == Head(600, before[-1][6])
        assert await ledger.append(a_refusal("new")) == 601
    with contextlib.closing(sqlite3.connect(first_format.base)) as db:
        after = db.execute(
            "SELECT seq, id, at, agent, action, body, hash FROM record ORDER BY seq"
        ).fetchall()
    assert after[:-1] == before
    assert link(Head(600, before[-1][6]), after[-1][5]).hash == after[-1][6]
    found = verified(first_format)
    assert (found.ok, found.records) == (True, 601)
    frontier = Frontier()
    for row in after:
        frontier, _ = frontier.add(leaf_hash(bytes.fromhex(row[6])))
    head = read_head_file(first_format.head_file)
    assert (head.size, head.root) == (601, frontier.root().hex())
    with reading(first_format) as reader:
        assert [one["id"] for one in reader.after(0, 3)] == ["id-0", "id-1", "id-2"]


def test_a_ledger_of_the_first_format_that_was_changed_is_not_taken_over(first_format):
    with contextlib.closing(sqlite3.connect(first_format.base)) as db:
        db.execute("DROP TRIGGER record_never_changes")
        db.execute("UPDATE record SET body = replace(body, 'POST', 'GET') WHERE seq = 7")
        db.commit()
    with pytest.raises(LedgerError, match="not taken over, since it does not verify: record 7 was changed"):
        Ledger(first_format, a_signer())


def test_a_cut_ledger_of_the_first_format_is_not_taken_over(first_format):
    with contextlib.closing(sqlite3.connect(first_format.base)) as db:
        db.execute("DROP TRIGGER record_never_goes")
        db.execute("DELETE FROM record WHERE seq > 590")
        db.commit()
    with pytest.raises(LedgerError, match="records 591 to 600 are missing at the end"):
        Ledger(first_format, a_signer())


def copied(place: Place, folder: Path) -> Place:
    """Database and head file as somebody would copy them while no gateway runs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in (place.base, place.head_file):
        shutil.copyfile(file, folder / file.name)
    return Place.of(folder / place.base.name, folder)


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(4096))


@contextlib.contextmanager
def a_small_disk(folder: Path) -> Iterator[Path]:
    """A file system of one MiB: mounted where that is allowed."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "onward-test", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
