"""The demonstration's quarter goes through the real pipeline, and its console shows it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.console.service import Console
from gateway.demo.quarter import prepare, seed, staff
from gateway.ledger import LedgerReader
from gateway.runtime import ledger_place


def test_a_quarter_is_decided_day_by_day_and_what_lapsed_meanwhile_shows(tmp_path: Path):
    settings = prepare(tmp_path)
    counts = asyncio.run(seed(settings, 24))
    staff(settings)
    assert sum(counts.values()) == 24
    assert {"pass", "anonymize", "block"} <= set(counts)
    with closing(LedgerReader(ledger_place(settings))) as reader:
        assert reader.verify().ok
        records = reader.after(0)
    assert datetime.fromisoformat(records[0]["at"]) < datetime.now(UTC) - timedelta(days=60)
    assert {one["status"] for one in records if one["agent"] == "clients"} >= {"certified", "lapsed"}
    console = Console(settings)
    console.follower.step()
    assert console.first_token is None
    assert sum(number for _, number in console.tallies.summed("0000", "9999")) == 24
    assert console.follower.fault == ""
    console.close()
