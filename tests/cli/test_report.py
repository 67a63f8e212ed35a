"""`onward report` and `onward assess`: every report in every form, from a ledger."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.reports.registers import over_time
from tests.ledgers import AwaitedLedger, a_record, a_signer

NOW = datetime.now(UTC)
FORMS = {"html": b"<!doctype html>", "pdf": b"%PDF-", "csv": b"\xef\xbb\xbf", "json": b"{"}


@pytest.fixture
def filled(place) -> Path:
    """A ledger of today: one transfer passed, one blocked."""
    place.state.mkdir()
    at = NOW.isoformat(timespec="milliseconds")

    async def fill() -> None:
        passed = a_record("t-1", agent="example-llm", action="pass", at=at)
        await writer.append(replace(passed, unread=(), purpose="support"))
        await writer.append(a_record("t-2", agent="unregistered", action="block", at=at))

    writer = AwaitedLedger(place.state / "ledger.db", a_signer())
    asyncio.run(fill())
    writer.close()
    return place.folder


@pytest.mark.parametrize("kind", ["notice", "processing", "transfers", "expiry", "blocked"])
def test_every_report_is_written_in_every_form(onward, filled: Path, kind: str):
    for form, begins in FORMS.items():
        out = filled / f"{kind}.{form}"
        said = onward("report", kind, "--format", form, "--out", str(out))
        assert said.code == 0, said.err
        assert out.read_bytes().startswith(begins)


def test_reports_tell_what_happened_in_their_period(onward, filled: Path):
    def rows(kind: str, section: str, *more: str) -> list[dict[str, object]]:
        return onward("report", kind, "--format", "json", *more).json["sections"][section].get("rows", [])

    assert [row["transfers"] for row in rows("processing", "activities")] == [1]
    assert {row["action"] for row in rows("transfers", "register")} == {"pass", "block"}
    assert [row["destination"] for row in rows("blocked", "unregistered")] == ["api.example.org:443"]
    assert rows("transfers", "register", "--to", "2020-01-01") == []
    assert onward("report", "transfers", "--from", "2026-02-01", "--to", "2026-01-01").code == 2


def test_DOC_1_a_report_shows_version_and_rules_and_an_old_decision_still_shows_the_rules_of_its_time(
    onward, filled: Path, place
):
    before = onward("report", "transfers", "--format", "json").json["about"]
    company = place.rules / "policy" / "company.yaml"
    company.write_text(company.read_text().replace("Onward Transfer Policy", "Another Policy"))
    after = onward("report", "transfers", "--format", "json").json["about"]

    assert "Another Policy" in after["policy"]
    assert before["rules"] != after["rules"]
    assert onward("ledger", "show", "t-1").json["rules"] == "d" * 64


def test_NOTICE_1_a_type_that_the_published_notice_lacks_ends_the_report_with_1(onward, filled: Path, place):
    notice = place.rules / "policy" / "notice.yaml"
    published = (
        'published: {version: "2026-1", address: "https://www.example.org/p", sha256: "%s", types: []}'
        % ("0" * 64)
    )
    notice.write_text(notice.read_text().replace("published: null", published))
    said = onward("report", "notice", "--format", "json")

    assert (said.code, "NOTICE-1" in said.err) == (1, True)


def test_VERIFY_1_an_assessment_is_made_signed_and_reported(onward, filled: Path, place):
    assert onward("assess", "due").code == 1
    key = filled / "officer.pem"
    public = onward("assess", "key", str(key)).out.strip()
    assert key.stat().st_mode & 0o077 == 0
    assert onward("assess", "key", str(key)).code == 3  # No key is ever overwritten.
    file = place.rules / "policy" / "assessment.yaml"
    officers = f'officers: [{{id: officer-1, public_key: "{public}"}}]\n#'
    file.write_text(file.read_text().replace("officers: []", officers, 1))
    made = onward("assess", "make", "--as", "staff-1", "--json")
    assert (made.code, made.json["state"]) == (1, "open")  # Nothing was published, and no tests were named.
    assert onward("assess", "sign", made.json["id"], "--as", "staff-1", "--key", str(key)).code == 1
    assert onward("assess", "sign", made.json["id"], "--as", "officer-1", "--key", str(key)).code == 0
    assert onward("assess", "due").code == 0
    for form, begins in FORMS.items():
        out = filled / f"assessment.{form}"
        assert onward("report", "assessment", "--format", form, "--out", str(out)).code == 0
        assert out.read_bytes().startswith(begins)
    report = json.loads((filled / "assessment.json").read_text())
    assert "the signature holds" in report["sections"]["signature"]["said"][0]


def test_a_chart_over_time_shows_days_without_any_and_months_where_days_are_too_many():
    assert over_time({}) == ("day", [])
    assert over_time({"2031-05-30": 2, "2031-06-01": 1}) == (
        "day",
        [("2031-05-30", 2), ("2031-05-31", 0), ("2031-06-01", 1)],
    )
    assert over_time({"2031-05-04": 2, "2031-07-01": 1}) == (
        "month",
        [("2031-05", 2), ("2031-06", 0), ("2031-07", 1)],
    )
