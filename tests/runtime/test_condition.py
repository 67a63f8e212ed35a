"""What is watched of a ledger while its gateway runs, on both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest
from sqlalchemy import text

from gateway.condition import Condition, look
from gateway.core.errors import LedgerError
from gateway.core.review import Review, State
from gateway.ledger import Place
from gateway.metrics import Metrics
from gateway.review import rows
from gateway.store.database import open_database
from tests.ledgers import a_ledger, a_record, an_outcome

AT = datetime(2031, 5, 4, 10, tzinfo=UTC)


def a_review(name: str, created: datetime, state: State) -> Review:
    return Review(name, "example-llm", state, created, created.replace(month=6), eyes=1)


async def test_a_release_is_open_until_its_outcome_is_on_record(place: Place):
    with a_ledger(place) as ledger:
        await ledger.append(a_record("one", at="2031-05-04T10:00:00.000+00:00"))
        await ledger.append(a_record("two", at="2031-05-04T11:00:00.000+00:00"))
        await ledger.append(a_record("three", action="block"))
        found = look(place, "gateway-1")
        assert (found.fault, found.open_releases, found.oldest_release) == ("", 2, AT)
        ledger.note(an_outcome("one"))
        await ledger.append(a_record("four", action="block"))
        ledger.note(an_outcome("two"))
    found = look(place, "gateway-1")
    assert (found.fault, found.open_releases, found.oldest_release) == ("", 0, None)
    assert look(place, "gateway-2").open_releases == 0


async def test_held_transfers_wait_until_they_are_decided_and_the_oldest_is_known(place: Place):
    with a_ledger(place) as ledger:
        for number, state in enumerate((State.APPROVED, State.SECONDED, State.OPEN)):
            review = a_review(f"r{number}", AT.replace(hour=number), state)

            def hold(connection, review=review):
                rows.hold(connection, review, f"identity-{review.id}", None)

            await ledger.append(a_record(f"held-{number}", action="hold"), hold)
    found = look(place, "gateway-1")
    assert (found.waiting_reviews, found.oldest_review) == (2, AT.replace(hour=1))


async def test_an_end_that_was_changed_is_told_while_the_gateway_runs(tmp_path):
    place = Place.of(tmp_path / "ledger.db", tmp_path)
    with a_ledger(place) as ledger:
        for name in ("one", "two"):
            await ledger.append(a_record(name, action="block"))
        database = open_database(place.where)
        with database.begin() as connection:
            for (trigger,) in connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                connection.execute(text(f"DROP TRIGGER {trigger}"))
            connection.execute(text("UPDATE record SET body = replace(body, 'block', 'pass') WHERE seq = 1"))
        database.dispose()
        assert re.search("record 1 does not follow", look(place, "gateway-1").fault)


async def test_records_that_a_place_for_heads_does_not_have_are_unsigned(tmp_path):
    place = Place.of(tmp_path / "ledger.db", tmp_path, tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    with a_ledger(place) as ledger:
        for name in ("one", "two"):
            await ledger.append(a_record(name, action="block"))
    assert look(place, "gateway-1", written=2).unsigned == 0
    (tmp_path / "elsewhere" / "gateway-1.head").unlink()
    assert look(place, "gateway-1", written=2).unsigned == 2


def test_a_ledger_that_cannot_be_read_has_no_condition(tmp_path):
    with pytest.raises(LedgerError):
        look(Place.of(tmp_path / "ledger.db", tmp_path), "gateway-1")


def test_the_condition_is_shown_as_metrics():
    metrics = Metrics()
    metrics.condition(Condition("record 7 was changed", 5, 3, AT, 2, None), AT.replace(hour=12))
    lines = generate_latest(metrics.registry).decode().splitlines()
    said = {
        name: float(value)
        for name, value in (line.split() for line in lines if "{" not in line and line[0] != "#")
    }
    assert said["onward_ledger_end_intact"] == 0
    assert said["onward_ledger_end_checked_timestamp_seconds"] == AT.replace(hour=12).timestamp()
    assert said["onward_ledger_unsigned_records"] == 5
    assert said["onward_ledger_open_releases"] == 3
    assert said["onward_ledger_oldest_open_release_timestamp_seconds"] == AT.timestamp()
    assert said["onward_reviews_waiting"] == 2
    assert said["onward_reviews_oldest_timestamp_seconds"] == 0
