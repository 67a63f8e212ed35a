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


def test_a_receipt_and_the_heads_are_for_third_parties(onward, ledger: Path, tmp_path: Path):
    receipt = onward("ledger", "prove", "id-2")
    assert (receipt.code, receipt.json["seq"], receipt.json["format"]) == (0, 3, "onward-receipt-1")
    assert onward("ledger", "prove", "id-99").code == 1
    head = onward("ledger", "head")
    assert (head.code, head.json["size"]) == (0, 5)
    old = tmp_path / "old.head"
    old.write_text(head.out)
    grown = onward("ledger", "head", "--since", str(old))
    assert (grown.code, grown.json["format"]) == (0, "onward-consistency-1")
    missing = onward("ledger", "head", "--since", str(tmp_path / "missing"))
    assert (missing.code, "missing" in missing.err) == (2, True)


def test_what_stands_on_the_ledger_is_decided_anew_under_todays_rules(onward, ledger: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    said = onward("simulate", "--against", "ledger", "--html", str(page), "--json")
    assert (said.code, said.json["transfers"]) == (0, 5)
    assert page.read_text().startswith("<!doctype html>")
    missing = onward("simulate", "--against", str(tmp_path / "missing.har"))
    assert (missing.code, "missing.har" in "".join(missing.err.split())) == (3, True)
