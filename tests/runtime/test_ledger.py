"""The ledger on both databases: durable before the answer, append-only, and whole or known not to be."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys

import pytest

from gateway.core.errors import LedgerError
from gateway.ledger import Ledger, LedgerReader, Place, read_head_file
from tests.databases import count, locked, run, tampering
from tests.ledgers import AwaitedLedger, a_ledger, a_record, a_signer, an_outcome, reading, verified

KILLS = int(os.environ.get("LEDGER_KILLS", "4"))


@pytest.fixture
async def twelve(place: Place) -> Place:
    """A ledger of twelve records, closed."""
    with a_ledger(place) as ledger:
        await asyncio.gather(*(ledger.append(a_record(f"id-{number}")) for number in range(1, 13)))
    return place


async def test_an_appended_record_can_be_read_from_another_connection_at_once(place):
    with a_ledger(place) as ledger:
        assert await ledger.append(a_record("one")) == 1
        with reading(place) as reader:
            kept = reader.get("one")
            assert kept is not None
            assert (kept["seq"], kept["agent"], kept["clauses"]) == (1, "example-llm", ["TR-3"])
            assert kept["findings"][0]["fingerprints"] == ["1:" + "a" * 32]
            assert kept["hash"] == ledger.head.hash == reader.head().hash
            assert await ledger.append(a_record("two")) == 2
            assert [one["id"] for one in reader.tail(5)] == ["one", "two"]


async def test_records_can_be_read_by_agent_action_and_time(place):
    with a_ledger(place) as ledger:
        await ledger.append(a_record("a", agent="x", at="2031-05-04T10:00:00.000+00:00"))
        await ledger.append(a_record("b", agent="y", at="2031-05-05T10:00:00.000+00:00"))
        await ledger.append(a_record("c", agent="x", at="2031-05-06T10:00:00.000+00:00", action="block"))
    with reading(place) as reader:
        assert [one["id"] for one in reader.after(0, agent="x")] == ["a", "c"]
        assert [one["id"] for one in reader.after(0, action="block")] == ["c"]
        assert [one["id"] for one in reader.after(0, since="2031-05-05", until="2031-05-06")] == ["b"]
        assert [one["id"] for one in reader.after(1, 1)] == ["b"]
        assert reader.get("d") is None


async def test_waiting_records_share_a_commit_and_keep_their_order(place):
    with a_ledger(place) as ledger:
        seqs = await asyncio.gather(*(ledger.append(a_record(f"id-{number}")) for number in range(600)))
    assert seqs == list(range(1, 601))
    assert (verified(place).ok, verified(place).records) == (True, 600)


async def test_a_reopened_ledger_goes_on_where_it_ended(twelve):
    with a_ledger(twelve) as ledger:
        assert ledger.head.seq == 24
        assert await ledger.append(a_record("id-13")) == 25
    assert verified(twelve).ok


async def test_the_outcome_of_a_release_stands_beside_its_decision(place):
    with a_ledger(place) as ledger:
        await ledger.append(a_record("one"))
        ledger.note(an_outcome("one", "answered-4xx"))
        await ledger.append(a_record("two", action="block"))
    with reading(place) as reader:
        assert [one["action"] for one in reader.about("one")] == ["answered-4xx"]
        assert [one["id"] for one in reader.tail(9)] == ["one", "two"]
        assert [one["kind"] for one in reader.after(0, kind=None)] == ["decision", "outcome", "decision"]


async def test_a_release_has_one_outcome_and_a_refusal_none(place):
    with a_ledger(place) as ledger:
        await ledger.append(a_record("one"))
        await ledger.append(a_record("two", action="block"))
        for about in ("one", "one", "two", "never-decided"):
            ledger.note(an_outcome(about))
    with reading(place) as reader:
        assert [one["about"] for one in reader.after(0, kind="outcome")] == ["one"]
        assert reader.verify().ok


async def test_a_release_left_open_by_a_crash_is_closed_as_unknown_at_the_next_start(twelve):
    with a_ledger(twelve), reading(twelve) as reader:
        outcomes = reader.after(0, kind="outcome")
        assert {one["about"] for one in outcomes} == {f"id-{number}" for number in range(1, 13)}
        assert {one["action"] for one in outcomes} == {"unknown"}
    with a_ledger(twelve) as ledger:
        assert ledger.head.seq == 24
    assert verified(twelve).ok


async def test_what_is_no_unicode_is_kept_as_well(place):
    with a_ledger(place) as ledger:
        await ledger.append(a_record("odd", method="P\udcffST", host="x\x00y"))
    assert verified(place).ok
    with reading(place) as reader:
        assert reader.tail(1)[0]["method"] == "P\udcffST"


async def test_a_record_that_cannot_be_kept_is_refused_alone(place):
    with a_ledger(place) as ledger:
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
        assert outcomes[0] == 4
        assert isinstance(outcomes[1], LedgerError)
        assert "\udcff" not in str(outcomes[1])
    assert verified(place).records == 4


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET {} = {}",
        "DELETE FROM {}",
    ],
)
@pytest.mark.parametrize(
    ("table", "column"), [("record", "agent"), ("node", "hash"), ("signed_head", "gateway")]
)
async def test_the_database_itself_refuses_to_change_or_remove_what_stands_in_the_ledger(
    place, statement, table, column
):
    with a_ledger(place) as ledger:
        await asyncio.gather(*(ledger.append(a_record(f"id-{number}")) for number in range(256)))
        ledger.keep_head()
        await ledger.append(a_record("one more"))
    sql = statement.format(table, column, column)
    with reading(place) as reader:
        rows = count(place, table)
        assert rows
        with pytest.raises(Exception, match="append-only"):
            run(place, sql)
        assert count(place, table) == rows
        assert reader.verify().ok


@pytest.mark.parametrize(
    "column", ["id", "kind", "about", "at", "gateway", "agent", "action", "body", "hash"]
)
async def test_a_changed_record_is_found_and_named(twelve, column):
    with tampering(twelve) as run_sql:
        run_sql(f"UPDATE record SET {column} = 'x' WHERE seq = 7")
    found = verified(twelve)
    assert (found.ok, found.seq, found.fault) == (False, 7, "record 7 was changed")


async def test_a_ledger_whose_newest_records_were_changed_is_not_opened(twelve):
    with tampering(twelve) as run_sql:
        run_sql("UPDATE record SET body = replace(body, 'POST', 'GET') WHERE seq = 7")
    with pytest.raises(LedgerError, match="record 7 does not follow"):
        Ledger(twelve, a_signer())


async def test_a_cut_tail_is_found_and_not_opened(twelve):
    with tampering(twelve) as run_sql:
        run_sql("DELETE FROM record WHERE seq > 9")
    found = verified(twelve)
    assert (found.ok, found.seq) == (False, 10)
    assert (
        "records 10 to 12 are missing at the end; the ledger was cut or an old copy put back" in found.fault
    )
    with pytest.raises(LedgerError, match="record 12"):
        Ledger(twelve, a_signer())


async def test_a_tail_cut_together_with_the_tree_is_found_by_the_head_outside(place):
    with a_ledger(place) as ledger:
        await ledger.append(a_record("id-1", action="block"))
        with reading(place) as reader, reader.connection() as connection:
            row = connection.exec_driver_sql("SELECT size, head, peaks FROM tree").one()
        await ledger.append(a_record("id-2", action="block"))
    with tampering(place) as run_sql:
        run_sql("DELETE FROM record WHERE seq = 2")
        run_sql(f"UPDATE tree SET size = {row.size}, head = '{row.head}', peaks = '{row.peaks}'")
    assert "records 2 to 2 are missing" in verified(place).fault
    with pytest.raises(LedgerError, match="cut or an old copy put back"):
        Ledger(place, a_signer())
    place.head_file.unlink()
    assert verified(place).ok, "without the head outside nothing shows it; the test shows nothing"


async def test_a_head_in_a_second_place_shows_what_the_lost_first_one_would_have(twelve, tmp_path):
    second = tmp_path / "elsewhere"
    second.mkdir()
    twice = Place(twelve.where, twelve.base, second)
    with a_ledger(twice) as ledger:
        await ledger.append(a_record("id-13"))
    with tampering(twelve) as run_sql:
        run_sql("DELETE FROM record WHERE seq > 9")
    twelve.head_file.unlink()
    assert "are missing at the end" in verified(twice).fault
    with pytest.raises(LedgerError, match=r"gateway-1\.head"):
        Ledger(twice, a_signer())


async def test_a_second_place_that_cannot_be_written_stops_nothing_and_is_counted(twelve, tmp_path):
    with a_ledger(Place(twelve.where, twelve.base, tmp_path / "missing")) as ledger:
        assert await ledger.append(a_record("id-13")) == 25
        assert ledger.heads_lagging == 1


async def test_a_ledger_ahead_of_its_head_file_is_no_fault(twelve):
    old = twelve.head_file.read_text()
    with a_ledger(twelve) as ledger:
        await ledger.append(a_record("id-13"))
    twelve.head_file.write_text(old)
    assert verified(twelve).ok
    with a_ledger(twelve) as ledger:
        head = ledger.head
    assert read_head_file(twelve.head_file).head == head.hash


async def test_the_head_of_an_empty_ledger_is_no_fault_of_the_records_after_it(place):
    with a_ledger(place):
        empty = place.head_file.read_text()
    with a_ledger(place) as ledger:
        await ledger.append(a_record("one", action="block"))
    place.head_file.write_text(empty)
    assert verified(place).ok


async def test_the_head_outside_follows_soon_while_records_go_on(place):
    with a_ledger(place) as ledger:
        for number in range(1000):
            await ledger.append(a_record(f"id-{number}", action="block"))
            head = read_head_file(place.head_file)
            if head is not None and head.size > 1:
                break
        assert head.size > 1
        assert head.size <= ledger.head.seq
    assert read_head_file(place.head_file).head == ledger.head.hash


async def test_an_outcome_is_written_though_no_other_entry_follows(place):
    with a_ledger(place) as ledger, reading(place) as reader:
        await ledger.append(a_record("one"))
        ledger.note(an_outcome("one"))
        for _ in range(1500):
            if reader.about("one"):
                break
            await asyncio.sleep(0.02)
        assert [one["kind"] for one in reader.about("one")] == ["outcome"]


@pytest.mark.parametrize("damage", [b"{", b"one two three", b'{"size": 3}', b"\xff"])
async def test_a_damaged_head_file_is_named(twelve, damage):
    twelve.head_file.write_bytes(damage)
    with pytest.raises(LedgerError, match=r"ledger\.head: is damaged"):
        verified(twelve)


async def test_a_head_file_with_another_signature_is_named(twelve):
    text = twelve.head_file.read_text()
    twelve.head_file.write_text(text.replace('"size":12', '"size":11'))
    with pytest.raises(LedgerError, match="signature does not fit"):
        Ledger(twelve, a_signer())


async def test_the_head_file_of_another_ledger_is_named(twelve, cluster, tmp_path):
    other = Place.of(tmp_path / "other" / "ledger.db", tmp_path / "other")
    with a_ledger(other):
        pass
    shutil.copyfile(other.head_file, twelve.head_file)
    with pytest.raises(LedgerError, match="belongs to another ledger"):
        Ledger(twelve, a_signer())


async def test_records_that_vanish_while_it_is_written_are_noticed(twelve):
    with a_ledger(twelve) as ledger:
        with tampering(twelve) as run_sql:
            run_sql("DELETE FROM record WHERE seq > 10")
            run_sql("UPDATE tree SET size = 10, peaks = '" + " ".join(["ab" * 32] * 2) + "'")
        with pytest.raises(LedgerError, match="11 to 24 have vanished"):
            await ledger.append(a_record("id-13"))


async def test_a_second_gateway_with_the_same_state_is_refused(twelve):
    with a_ledger(twelve), pytest.raises(LedgerError, match="another gateway"):
        Ledger(twelve, a_signer())
    with a_ledger(twelve) as again:
        assert again.head.seq == 24


async def test_a_second_process_with_the_same_state_is_refused(twelve):
    attempt = f"""
from pathlib import Path
from gateway.ledger import Ledger, Place
from tests.ledgers import a_signer
Ledger(Place({str(twelve.where)!r}, Path({str(twelve.base)!r})), a_signer())
"""
    with a_ledger(twelve):
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", attempt, stderr=subprocess.PIPE)
        _, errors = await other.communicate()
    assert b"another gateway writes to this ledger" in errors


async def test_a_ledger_can_be_read_and_checked_by_another_process_while_one_writes(twelve):
    check = f"""
from pathlib import Path
from gateway.ledger import LedgerReader, Place
reader = LedgerReader(Place({str(twelve.where)!r}, Path({str(twelve.base)!r})))
found = reader.verify()
print(found.ok, found.records, reader.tail(1)[0]["id"])
"""
    with a_ledger(twelve) as ledger:
        await ledger.append(a_record("id-13"))
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", check, stdout=subprocess.PIPE)
        output, _ = await other.communicate()
        assert output == b"True 25 id-13\n"


async def test_a_reader_cannot_write(twelve):
    with (
        reading(twelve) as reader,
        pytest.raises(LedgerError, match=r"read-?only"),
        reader.connection() as connection,
    ):
        connection.exec_driver_sql("UPDATE tree SET size = 0")


async def test_a_closed_ledger_refuses(place):
    ledger = AwaitedLedger(place, a_signer())
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.append(a_record("late"))


async def test_a_locked_database_is_refused_in_time_and_recovers_by_itself(twelve):
    with a_ledger(twelve, timeout_s=1.0) as ledger:
        with locked(twelve), pytest.raises(LedgerError, match="lock"):
            await ledger.append(a_record("id-13"))
        ledger.note(an_outcome("id-13"))
        assert await ledger.append(a_record("id-14")) >= 25
    assert verified(twelve).ok


WRITER = """
import asyncio, sys
from pathlib import Path
from gateway.ledger import Place
from tests.ledgers import a_record, a_recorder, an_outcome

async def main(where, base, round_):
    ledger = a_recorder(Place(where, Path(base)))
    async def client(name):
        for number in range(10**9):
            seq = await ledger.append(a_record(f"{round_}-{name}-{number}"))
            print(seq, f"{round_}-{name}-{number}", flush=True)
            ledger.note(an_outcome(f"{round_}-{name}-{number}"))
    await asyncio.gather(*(client(name) for name in "abcdefgh"))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_after_a_kill_every_acknowledged_record_is_there_and_the_tree_holds(place):
    acknowledged: dict[int, str] = {}
    pauses = random.Random(3)
    for round_ in range(KILLS):
        writer = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            WRITER,
            str(place.where),
            str(place.base),
            str(round_),
            stdout=subprocess.PIPE,
        )
        assert writer.stdout is not None
        lines = [await writer.stdout.readline()]
        await asyncio.sleep(pauses.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        lines += (await writer.stdout.read()).splitlines(keepends=True)
        await writer.wait()
        for seq, name in (line.decode().split() for line in lines if line.endswith(b"\n")):
            acknowledged[int(seq)] = name
    with a_ledger(place):
        pass
    found = verified(place)
    assert found.ok, found.fault
    with reading(place) as reader:
        kept = {one["seq"]: one["id"] for one in reader.after(0, 10**9)}
        outcomes = [one["about"] for one in reader.after(0, 10**9, kind="outcome")]
    assert len(acknowledged) >= KILLS
    assert acknowledged.items() <= kept.items()
    assert sorted(outcomes) == sorted(kept.values())


def test_there_is_nothing_to_read_before_the_first_start(place):
    with pytest.raises(LedgerError, match="no ledger yet"):
        LedgerReader(place)
    assert not place.base.parent.exists()
