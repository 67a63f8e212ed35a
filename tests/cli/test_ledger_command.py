"""`onward ledger`: what was decided, and proof that nobody changed it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from gateway.ledger import FindingSummary, Record
from tests.ledgers import AwaitedLedger, a_signer


def a_record(number: int) -> Record:
    return Record(
        id=f"id-{number}",
        at=f"2026-11-24T10:00:{number:02d}.000+00:00",
        gateway="gateway-1",
        agent="example-llm",
        host="api.llm.example.org",
        port=443,
        method="POST",
        action="block",
        status="lapsed",
        reason="not-assured",
        rule="table/lapsed/elevated",
        why="Example LLM API had an assurance that has run out.",
        clauses=("ASSUR-2",),
        origins=("EU",),
        classes=("elevated",),
        evidence=("PL_PESEL: PL (proof)",),
        rules="0" * 64,
        source="192.0.2.0/24",
        bytes=120,
        body="1:00",
        findings=(FindingSummary("PL_PESEL", "identifier_national", "PL", "body.json", 1, ("1:ab",)),),
    )


@pytest.fixture
def ledger(place) -> Path:
    async def fill() -> None:
        for number in range(5):
            await writer.append(a_record(number))

    place.state.mkdir()
    writer = AwaitedLedger(place.state / "ledger.db", a_signer())
    asyncio.run(fill())
    writer.close()
    return place.state / "ledger.db"


def test_tail_shows_the_newest_records_oldest_first(onward, ledger: Path):
    records = onward("ledger", "tail", "-n", "2", "--json").json

    assert [(record["seq"], record["id"]) for record in records] == [(4, "id-3"), (5, "id-4")]
    assert onward("ledger", "tail").out.count("block") == 5


def test_one_record_is_shown_by_its_decision_id(onward, ledger: Path):
    assert '"PL_PESEL"' in onward("ledger", "show", "id-2").out
    assert onward("ledger", "show", "id-99").code == 1


def test_an_untouched_ledger_verifies(onward, ledger: Path):
    said = onward("ledger", "verify")

    assert said.code == 0
    assert "5 records" in said.out


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE record SET body = replace(body, 'block', 'pass'), action = 'pass' WHERE seq = 3",
        "DELETE FROM record WHERE seq = 3",
        "DELETE FROM record WHERE seq > 3",
    ],
)
def test_SEC_2_a_changed_or_missing_record_is_named(onward, ledger: Path, change: str):
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute(change)
        db.commit()

    said = onward("ledger", "verify", "--json")

    assert said.code == 1
    assert not said.json["ok"]
    assert said.json["seq"] in (3, 4)


def test_without_a_ledger_it_says_so_and_ends_with_3(onward):
    said = onward("ledger", "tail")

    assert said.code == 3
    assert "no ledger yet" in said.err
