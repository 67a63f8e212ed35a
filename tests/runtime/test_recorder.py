"""The process that records, seen from the gateway: it may end at any moment, and nothing is released without it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gateway.core.errors import DeclinedError, KeyFileError, LedgerError
from gateway.ledger import Place, Recorder
from tests.databases import count, locked
from tests.ledgers import a_record, a_recorder, an_outcome, reading, verified

KILLS = int(os.environ.get("RECORDER_KILLS", "3"))


@contextlib.asynccontextmanager
async def recording(place: Place, timeout_s: float = 30.0) -> AsyncIterator[Recorder]:
    recorder = a_recorder(place, timeout_s)
    try:
        yield recorder
    finally:
        recorder.close()


def pid_of(recorder: Recorder) -> int:
    assert recorder._process is not None
    return recorder._process.pid


async def until(holds: Callable[[], object]) -> None:
    for _ in range(1200):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to pass within a minute")


async def test_what_is_recorded_is_durable_and_in_order(place: Place):
    async with recording(place) as recorder:
        seqs = await asyncio.gather(
            *(recorder.append(a_record(f"id-{number}", action="block")) for number in range(300))
        )
        with reading(place) as reader:
            assert reader.head() == recorder.head
        assert seqs == list(range(1, 301))
        assert recorder.waiting == 0
    assert verified(place).ok


async def test_what_is_noted_is_written_before_the_process_ends(place: Place):
    async with recording(place) as recorder:
        await recorder.append(a_record("one"))
        recorder.note(an_outcome("one"))
    assert [one["action"] for one in kept(place, "outcome")] == ["answered-2xx"]


async def test_when_the_process_is_killed_all_that_waits_is_refused_and_another_one_goes_on(place: Place):
    acknowledged: dict[str, int] = {}
    refused: set[str] = set()
    chance = random.Random(7)
    async with recording(place) as recorder:
        stop = asyncio.Event()

        async def client(name: str) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    acknowledged[f"{name}-{number}"] = await recorder.append(a_record(f"{name}-{number}"))
                    recorder.note(an_outcome(f"{name}-{number}"))
                except LedgerError:
                    # As the engine does: the record may be there all the same.
                    recorder.note(an_outcome(f"{name}-{number}", "not-released"))
                    refused.add(f"{name}-{number}")
                    await asyncio.sleep(0.01)

        clients = [asyncio.create_task(client(name)) for name in "abcd"]
        for _ in range(KILLS):
            before = len(acknowledged)
            await until(lambda before=before: len(acknowledged) >= before + 20)
            await asyncio.sleep(chance.uniform(0, 0.05))
            os.kill(pid_of(recorder), signal.SIGKILL)
            await asyncio.sleep(0.05)
            await until(lambda: recorder.alive)
        stop.set()
        await asyncio.gather(*clients)
    assert refused
    assert verified(place).ok
    decisions = {one["id"]: one["seq"] for one in kept(place, "decision")}
    outcomes = {one["about"]: one["action"] for one in kept(place, "outcome")}
    assert acknowledged.items() <= decisions.items()
    assert outcomes.keys() == decisions.keys(), "a release has no outcome"
    assert {outcomes[one] for one in acknowledged} == {"answered-2xx"}
    assert {outcomes[one] for one in refused & decisions.keys()} <= {"not-released"}


async def test_a_process_that_cannot_open_the_ledger_refuses_everything_until_it_can(file: Place):
    async with recording(file) as recorder:
        key = file.base.parent / "keys" / "signing.key"
        secret = key.read_bytes()
        key.write_bytes(b"short")
        os.kill(pid_of(recorder), signal.SIGKILL)
        with pytest.raises(LedgerError, match="ended before it answered"):
            await recorder.append(a_record("one"))
        faults: list[str] = []
        while "holds 5 bytes" not in "".join(faults):
            with pytest.raises(LedgerError) as refused:
                await recorder.append(a_record("two"))
            faults.append(str(refused.value))
            await asyncio.sleep(0.05)
        key.write_bytes(secret)
        for _ in range(600):
            with contextlib.suppress(LedgerError):
                await recorder.append(a_record("three"))
                break
            await asyncio.sleep(0.05)
    assert [one["id"] for one in kept(file, "decision")] == ["three"]


async def test_a_process_that_hangs_refuses_in_time_and_what_was_refused_is_not_written_later(file: Place):
    async with recording(file, timeout_s=0.5) as recorder:
        os.kill(pid_of(recorder), signal.SIGSTOP)
        with pytest.raises(LedgerError, match="not written within"):
            await recorder.append(a_record("one"))
        os.kill(pid_of(recorder), signal.SIGCONT)
        for _ in range(600):
            with contextlib.suppress(LedgerError):
                await recorder.append(a_record("two"))
                break
    assert [one["id"] for one in kept(file, "decision")] == ["two"]


async def test_outcomes_wait_for_a_database_that_is_locked(file: Place):
    async with recording(file, timeout_s=6.0) as recorder:
        await recorder.append(a_record("one"))
        with locked(file):
            recorder.note(an_outcome("one"))
            with pytest.raises(LedgerError, match="lock"):
                await recorder.append(a_record("two"))
            assert recorder.waiting
        await until(lambda: not recorder.waiting)
    assert [one["about"] for one in kept(file, "outcome")] == ["one"]


@dataclass(frozen=True)
class Declining:
    """What an entry rests on, and it does not hold."""

    def __call__(self, connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        raise DeclinedError("the approval was used")


async def test_what_an_entry_rests_on_is_asked_in_its_transaction(file: Place):
    async with recording(file) as recorder:
        both = await asyncio.gather(
            recorder.append(a_record("one"), Declining()),
            recorder.append(a_record("two")),
            return_exceptions=True,
        )
    assert isinstance(both[0], DeclinedError)
    assert [one["id"] for one in kept(file, "decision")] == ["two"]


async def test_new_records_are_indexed_by_themselves(file: Place):
    async with recording(file) as recorder:
        await recorder.append(a_record("one"))
        await until(lambda: count(file, "mention") == 1)


async def test_what_keeps_the_process_from_opening_the_ledger_is_told(file: Place, tmp_path: Path):
    async with recording(file):
        with pytest.raises(LedgerError, match="another gateway writes to this ledger"):
            a_recorder(file)
    short = file.base.parent / "keys" / "signing.key"
    short.write_bytes(b"short")
    with pytest.raises(KeyFileError, match="holds 5 bytes instead of 32"):
        a_recorder(file)


def kept(place: Place, kind: str) -> list[dict]:
    with reading(place) as reader:
        return reader.after(0, 10**9, kind=kind)
