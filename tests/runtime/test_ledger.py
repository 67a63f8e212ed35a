"""The ledger: durable before the answer, append-only, and whole or known not to be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.chain import Head
from gateway.core.errors import LedgerError
from gateway.ledger import FindingSummary, Ledger, LedgerReader, Record, read_head_file

KILLS = int(os.environ.get("LEDGER_KILLS", "20"))


def a_record(
    record_id: str, *, agent: str = "example-llm", action: str = "anonymize", **other: str
) -> Record:
    values = {
        "at": "2031-05-04T10:00:00.000+00:00",
        "host": "api.example.org",
        "method": "POST",
        "why": "The agent's assurance covers pseudonymous data only \u2013 no more.",
    } | other
    return Record(
        id=record_id,
        gateway="gateway-1",
        agent=agent,
        port=443,
        action=action,
        status="claimed",
        reason="not-assured",
        rule="table/claimed/ordinary",
        clauses=("TR-3",),
        origins=("EU",),
        classes=("ordinary",),
        evidence=("proof",),
        rules="d" * 64,
        source="office",
        bytes=120,
        body="1:" + "0" * 32,
        findings=(FindingSummary("PERSON", "name", "PL", "body.json", 1, ("1:" + "a" * 32,)),),
        unread=("body.json: too deep",),
        **values,
    )


@contextlib.contextmanager
def a_ledger(path: Path, timeout_s: float = 30.0) -> Iterator[Ledger]:
    ledger = Ledger(path, timeout_s=timeout_s)
    try:
        yield ledger
    finally:
        ledger.close()


def verified(path: Path):
    reader = LedgerReader(path)
    try:
        return reader.verify()
    finally:
        reader.close()


def tampering(path: Path) -> sqlite3.Connection:
    """What somebody with the file in hand can do: the triggers are theirs to drop."""
    db = sqlite3.connect(path)
    for trigger in ("record_never_changes", "record_never_goes", "record_is_never_replaced"):
        db.execute(f"DROP TRIGGER {trigger}")
    return db


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A ledger of twelve records, closed."""
    path = tmp_path / "state" / "ledger.db"
    with a_ledger(path) as ledger:
        await asyncio.gather(*(ledger.append(a_record(f"id-{number}")) for number in range(1, 13)))
    return path


async def test_an_appended_record_can_be_read_from_another_connection_at_once(tmp_path):
    with a_ledger(tmp_path / "ledger.db") as ledger:
        assert await ledger.append(a_record("one")) == 1
        reader = LedgerReader(tmp_path / "ledger.db")
        kept = reader.get("one")
        assert kept is not None
        assert (kept["seq"], kept["agent"], kept["clauses"]) == (1, "example-llm", ["TR-3"])
        assert kept["findings"][0]["fingerprints"] == ["1:" + "a" * 32]
        assert kept["hash"] == ledger.head.hash == reader.head().hash
        assert await ledger.append(a_record("two")) == 2
        assert [one["id"] for one in reader.tail(5)] == ["one", "two"]
        reader.close()


async def test_records_can_be_read_by_agent_action_and_time(tmp_path):
    path = tmp_path / "ledger.db"
    with a_ledger(path) as ledger:
        await ledger.append(a_record("a", agent="x", at="2031-05-04T10:00:00.000+00:00"))
        await ledger.append(a_record("b", agent="y", at="2031-05-05T10:00:00.000+00:00"))
        await ledger.append(a_record("c", agent="x", at="2031-05-06T10:00:00.000+00:00", action="block"))
    reader = LedgerReader(path)
    assert [one["id"] for one in reader.after(0, agent="x")] == ["a", "c"]
    assert [one["id"] for one in reader.after(0, action="block")] == ["c"]
    assert [one["id"] for one in reader.after(0, since="2031-05-05", until="2031-05-06")] == ["b"]
    assert [one["id"] for one in reader.after(1, 1)] == ["b"]
    assert reader.get("d") is None
    reader.close()


async def test_waiting_records_share_a_commit_and_keep_their_order(tmp_path):
    with a_ledger(tmp_path / "ledger.db") as ledger:
        seqs = await asyncio.gather(*(ledger.append(a_record(f"id-{number}")) for number in range(500)))
    assert seqs == list(range(1, 501))
    assert verified(tmp_path / "ledger.db").records == 500


async def test_a_reopened_ledger_goes_on_where_it_ended(path):
    with a_ledger(path) as ledger:
        assert ledger.head.seq == 12
        assert await ledger.append(a_record("id-13")) == 13
    assert verified(path).ok


async def test_what_is_no_unicode_is_kept_as_well(tmp_path):
    path = tmp_path / "ledger.db"
    with a_ledger(path) as ledger:
        await ledger.append(a_record("odd", method="P\udcffST", host="x\x00y"))
    assert verified(path).ok
    reader = LedgerReader(path)
    assert reader.tail(1)[0]["method"] == "P\udcffST"
    reader.close()


async def test_a_record_that_cannot_be_kept_is_refused_alone(tmp_path):
    with a_ledger(tmp_path / "ledger.db") as ledger:
        ids = ["one", "two", "one", "three"]
        outcomes = await asyncio.gather(
            *(ledger.append(a_record(one)) for one in ids), return_exceptions=True
        )
        assert [type(one) for one in outcomes] == [int, int, LedgerError, int]
        outcomes = await asyncio.gather(
            ledger.append(a_record("four")),
            ledger.append(a_record("five", agent="\udcff")),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], LedgerError)
        assert await ledger.append(a_record("six")) == ledger.head.seq
    assert verified(tmp_path / "ledger.db").ok


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET agent = 'other' WHERE seq = 3",
        "DELETE FROM record WHERE seq = 3",
        "INSERT OR REPLACE INTO record SELECT seq, id, at, 'other', action, body, hash FROM record WHERE seq = 3",
    ],
)
async def test_the_database_itself_refuses_changes(path, statement):
    db = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(statement)
    db.close()


@given(
    seq=st.integers(1, 12),
    column=st.sampled_from(["body", "hash", "id", "at", "agent", "action"]),
    data=st.data(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_changed_byte_is_found_and_its_record_named(path, tmp_path, seq, column, data):
    copy = copied(path, tmp_path / "copy")
    with contextlib.closing(tampering(copy)) as db:
        (value,) = db.execute(f"SELECT {column} FROM record WHERE seq = ?", (seq,)).fetchone()
        raw = bytearray(value.encode())
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
        db.execute(f"UPDATE record SET {column} = CAST(? AS TEXT) WHERE seq = ?", (bytes(raw), seq))
        db.commit()
    found = verified(copy)
    assert (found.ok, found.seq) == (False, seq)


@given(seq=st.integers(1, 12), length=st.integers(1, 12))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_deleted_records_are_found_and_the_first_is_named(path, tmp_path, seq, length):
    copy = copied(path, tmp_path / "copy")
    db = tampering(copy)
    db.execute("DELETE FROM record WHERE seq >= ? AND seq < ?", (seq, seq + length))
    db.commit()
    db.close()
    found = verified(copy)
    assert (found.ok, found.seq) == (False, seq)


@given(pair=st.lists(st.integers(1, 12), min_size=2, max_size=2, unique=True))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_swapped_records_are_found_and_the_first_is_named(path, tmp_path, pair):
    copy = copied(path, tmp_path / "copy")
    db = tampering(copy)
    one, other = pair
    for old, new in ((one, 100), (other, one), (100, other)):
        db.execute("UPDATE record SET seq = ? WHERE seq = ?", (new, old))
    db.commit()
    db.close()
    found = verified(copy)
    assert (found.ok, found.seq) == (False, min(pair))


async def test_an_inserted_record_is_found(path):
    db = tampering(path)
    db.execute(
        "INSERT INTO record SELECT 13, 'id-x', at, agent, action, body, hash FROM record WHERE seq = 12"
    )
    db.commit()
    db.close()
    assert (verified(path).ok, verified(path).seq) == (False, 13)


async def test_an_older_copy_put_back_is_found_and_not_opened(path, tmp_path):
    older = copied(path, tmp_path / "older")
    with a_ledger(path) as ledger:
        await ledger.append(a_record("id-13"))
    shutil.copyfile(older, path)
    found = verified(path)
    assert (found.ok, found.seq) == (False, 13)
    assert "old copy" in found.fault
    with pytest.raises(LedgerError, match="record 13"):
        Ledger(path)


async def test_a_rewritten_chain_does_not_contain_the_known_head(path, tmp_path):
    forged = tmp_path / "forged.db"
    with a_ledger(forged) as ledger:
        for number in range(1, 13):
            await ledger.append(a_record(f"id-{number}", agent="innocent"))
    shutil.copyfile(forged, path)
    found = verified(path)
    assert (found.ok, found.seq) == (False, 12)


async def test_a_ledger_ahead_of_its_head_file_is_no_fault(path):
    behind = LedgerReader(path)
    head_of_ten = behind.after(9, 1)[0]["hash"]
    behind.close()
    path.with_suffix(".head").write_text(f"10 {head_of_ten}\n")
    assert verified(path).ok
    with a_ledger(path) as ledger:
        assert ledger.head.seq == 12
    assert read_head_file(path) == Head(12, ledger.head.hash)


async def test_a_ledger_whose_newest_records_were_changed_is_not_opened(path):
    db = tampering(path)
    db.execute("UPDATE record SET body = replace(body, 'POST', 'GET') WHERE seq = 7")
    db.commit()
    db.close()
    with pytest.raises(LedgerError, match="record 7"):
        Ledger(path)


async def test_an_index_that_hides_a_record_is_found(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA writable_schema = ON")
    db.execute("DELETE FROM sqlite_schema WHERE name = 'record_by_agent'")
    db.commit()
    db.close()
    found = verified(path)
    assert not found.ok
    assert "around them" in found.fault


async def test_a_damaged_file_is_found_and_never_crashes_the_check(path):
    size = path.stat().st_size
    noise = random.Random(7)
    for page in range(0, size, 4096):
        copy = copied(path, path.parent.parent / "damaged")
        with copy.open("r+b") as file:
            file.seek(page)
            file.write(noise.randbytes(min(4096, size - page)))
        with contextlib.suppress(LedgerError):  # Some damage keeps the file from being opened at all.
            assert not verified(copy).ok


async def test_a_file_that_is_no_database_is_not_opened(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database, and long enough to tell" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.db: cannot be opened"):
        Ledger(path)
    assert path.read_bytes().startswith(b"not a database")


async def test_a_second_gateway_on_the_same_ledger_is_refused(path):
    with a_ledger(path), pytest.raises(LedgerError, match="another gateway"):
        Ledger(path)
    with a_ledger(path) as again:
        assert again.head.seq == 12


async def test_a_second_process_on_the_same_ledger_is_refused(path):
    attempt = f"from pathlib import Path; from gateway.ledger import Ledger; Ledger(Path({str(path)!r}))"
    with a_ledger(path):
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", attempt, stderr=subprocess.PIPE)
        _, errors = await other.communicate()
    assert b"another gateway writes to this ledger" in errors


async def test_a_ledger_can_be_read_and_checked_by_another_process_while_one_writes(path):
    check = f"""
from pathlib import Path
from gateway.ledger import LedgerReader
reader = LedgerReader(Path({str(path)!r}))
found = reader.verify()
print(found.ok, found.records, reader.tail(1)[0]["id"])
"""
    with a_ledger(path) as ledger:
        await ledger.append(a_record("id-13"))
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", check, stdout=subprocess.PIPE)
        output, _ = await other.communicate()
        assert output == b"True 13 id-13\n"


async def test_a_reader_cannot_write(path):
    reader = LedgerReader(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._db.execute(
            "INSERT INTO record SELECT 13, 'x', at, agent, action, body, hash FROM record WHERE seq = 1"
        )
    reader.close()


async def test_there_is_nothing_to_read_before_the_first_start(tmp_path):
    with pytest.raises(LedgerError, match="no ledger yet"):
        LedgerReader(tmp_path / "ledger.db")
    assert list(tmp_path.iterdir()) == []


async def test_only_the_owner_can_read_what_is_kept(path):
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_a_closed_ledger_refuses(path):
    ledger = Ledger(path)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.append(a_record("late"))


async def test_a_locked_database_is_refused_in_time_and_recovers_by_itself(path):
    with a_ledger(path, timeout_s=1.0) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError):
            await ledger.append(a_record("id-13"))
        other.execute("ROLLBACK")
        other.close()
        assert await ledger.append(a_record("id-14")) == 13
    assert verified(path).ok


async def test_a_ledger_replaced_while_it_is_written_refuses(path, tmp_path):
    with a_ledger(path) as ledger:
        copied(path, tmp_path / "other").replace(path)
        with pytest.raises(LedgerError, match="another's place"):
            await ledger.append(a_record("id-13"))


async def test_records_that_vanish_while_it_is_written_are_noticed(path):
    with a_ledger(path) as ledger:
        db = tampering(path)
        db.execute("DELETE FROM record WHERE seq > 10")
        db.commit()
        db.close()
        with pytest.raises(LedgerError, match="11 to 12 have vanished"):
            await ledger.append(a_record("id-13"))


async def test_a_full_disk_refuses_and_recovers_by_itself_without_a_restart(tmp_path):
    with a_small_disk(tmp_path / "disk") as disk, a_ledger(disk / "ledger.db") as ledger:
        await ledger.append(a_record("first"))
        kept = ["first"]
        ballast = disk / "ballast"
        fill(ballast)
        for number in range(200):
            try:
                await ledger.append(a_record(f"full-{number}", why="x" * 4000))
                kept.append(f"full-{number}")
            except LedgerError:
                break
        with pytest.raises(LedgerError, match="full"):
            await ledger.append(a_record("still-full", why="x" * 4000))
        ballast.unlink()
        assert await ledger.append(a_record("after")) == len(kept) + 1
        reader = LedgerReader(disk / "ledger.db")
        assert reader.verify().ok
        assert [one["id"] for one in reader.after(0)] == [*kept, "after"]
        reader.close()


async def test_a_disk_that_fails_in_the_middle_refuses_and_recovers_by_itself(path):
    with a_ledger(path) as ledger:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, before[1]))
        try:
            appends = [ledger.append(a_record(f"failing-{number}", why="x" * 4000)) for number in range(100)]
            outcomes = await asyncio.gather(*appends, return_exceptions=True)
            assert {type(one) for one in outcomes} == {LedgerError}
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        seq = await ledger.append(a_record("after"))
        assert seq == ledger.head.seq
    assert (verified(path).ok, verified(path).records) == (True, seq)


WRITER = """
import asyncio, sys
from pathlib import Path
from gateway.ledger import Ledger
from tests.runtime.test_ledger import a_record

async def main(path, round_):
    ledger = Ledger(Path(path), timeout_s=30)
    async def client(name):
        for number in range(10**9):
            seq = await ledger.append(a_record(f"{round_}-{name}-{number}"))
            print(seq, f"{round_}-{name}-{number}", flush=True)
    await asyncio.gather(*(client(name) for name in "abcdefgh"))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_after_a_kill_every_acknowledged_record_is_there_and_the_chain_holds(tmp_path):
    path = tmp_path / "ledger.db"
    acknowledged: dict[int, str] = {}
    pauses = random.Random(3)
    for round_ in range(KILLS):
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(path), str(round_), stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        lines = [await writer.stdout.readline()]
        await asyncio.sleep(pauses.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        lines += (await writer.stdout.read()).splitlines(keepends=True)
        await writer.wait()
        for seq, name in (line.decode().split() for line in lines if line.endswith(b"\n")):
            acknowledged[int(seq)] = name
    found = verified(path)
    assert found.ok, found.fault
    reader = LedgerReader(path)
    kept = {one["seq"]: one["id"] for one in reader.after(0, 10**9)}
    reader.close()
    assert len(acknowledged) >= KILLS
    assert acknowledged.items() <= kept.items()


def copied(path: Path, folder: Path) -> Path:
    """Database and head file as somebody would copy them while no gateway runs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in (path, path.with_suffix(".head")):
        shutil.copyfile(file, folder / file.name)
    return folder / path.name


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
