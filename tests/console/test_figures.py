"""What the overview counts is what the ledger says, whatever the filters; and a number leads to exactly its rows."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import asdict, fields
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.console.figures import STOPPED_BY, Filter, count
from gateway.console.follower import Follower
from gateway.core.chain import Head
from gateway.ledger import Place, Record
from gateway.reports.traffic import Period, Traffic
from gateway.store.tallies import Tallies
from tests.console.records import DAY, decision, few, numbered
from tests.ledgers import a_ledger, a_record, an_outcome

filters = st.builds(
    lambda first, days, **more: Filter(
        DAY + timedelta(days=first), DAY + timedelta(days=first + days), **more
    ),
    st.integers(0, 5),
    st.integers(0, 5),
    agent=st.sampled_from(("", *few["agent"])),
    action=st.sampled_from(("", "stopped", *few["action"])),
    reason=st.sampled_from(("", *few["reason"])),
    clause=st.sampled_from(("", "ONWARD-3")),
    origin=st.sampled_from(("", "CH")),
    category=st.sampled_from(("", "health")),
    unread=st.sampled_from(("", "yes")),
    failed=st.sampled_from(("", "yes")),
)


def fits(record: Record, wanted: Filter) -> bool:
    """Written apart from the filter of the pages, and of the records themselves."""
    categories = {one.category for one in record.findings}
    return all(
        (
            wanted.first.isoformat() <= record.at[:10] <= wanted.last.isoformat(),
            wanted.agent in ("", record.agent),
            wanted.action in ("", record.action)
            or (wanted.action == "stopped" and record.action in ("hold", "block")),
            wanted.reason in ("", record.reason),
            not wanted.clause or wanted.clause in record.clauses,
            not wanted.origin or wanted.origin in record.origins,
            not wanted.category or wanted.category in categories,
            not wanted.unread or record.unread,
            not wanted.failed or record.rule == "failure",
        )
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(decision(), min_size=1, max_size=25),
    st.integers(1, 7),
    st.lists(filters, min_size=4, max_size=4),
)
def test_figures_equal_those_recomputed_from_the_records(
    tmp_path_factory, records: list[Record], step: int, wanted: list[Filter]
):
    records = numbered(records)
    file = tmp_path_factory.mktemp("tallies") / "tallies.db"
    bodies = [(seq, json.loads(json.dumps(asdict(one)))) for seq, one in enumerate(records, 1)]
    with closing(Tallies(file)) as tallies:
        for start in range(0, len(bodies), step):
            part = bodies[start : start + step]
            tallies.add("ledger", part, Head(part[-1][0], "hash"))
        for one in wanted:
            figures = count(tallies, one)
            again = Traffic(Period(one.first, one.last))
            meant = [
                (seq, record) for (seq, record), made in zip(bodies, records, strict=True) if fits(made, one)
            ]
            for _, record in meant:
                again.add(record)
            assert figures.total == again.transfers
            assert figures.actions == again.actions
            assert (figures.unread, figures.failed) == (again.uninspectable, again.failed_closed)
            for what in ("reason", "agent", "clause"):
                assert figures.stopped[what] == again.stopped_by[what]
            stopped = [record for _, record in meant if record["action"] in ("hold", "block")]
            assert figures.stopped["origin"] == Counter(o for r in stopped for o in set(r["origins"]))
            assert figures.stopped["category"] == Counter(
                c for r in stopped for c in {f["category"] for f in r["findings"]}
            )
            by_day = Counter((record["at"][:10], record["action"]) for _, record in meant)
            assert {(d, a): n for d, its in figures.daily.items() for a, n in its.items()} == by_day
            # The rows behind a number, page by page.
            fitting = [number for number, shape in tallies.shapes().items() if one.fits(shape)]
            found: list[int] = []
            while page := tallies.newest(
                fitting, "2031-05-04", "2031-05-09", found[-1] if found else None, 3
            ):
                found += page
            days = (one.first.isoformat(), one.last.isoformat())
            found = [seq for seq in found if days[0] <= bodies[seq - 1][1]["at"][:10] <= days[1]]
            assert found == [seq for seq, _ in reversed(meant)]


def followed(folder: Path, place: Place) -> tuple[Follower, Tallies]:
    tallies = Tallies(folder / "tallies.db")
    return Follower(place, tallies, lambda: False), tallies


def an_entry(number: int, action: str = "block") -> Record:
    return a_record(f"{number:012x}-0123456789abcdef", action=action)


async def test_each_record_is_counted_once_also_by_a_console_that_starts_again(place: Place, tmp_path: Path):
    with a_ledger(place) as ledger:
        for number in range(3):
            await ledger.append(an_entry(number))
        follower, tallies = followed(tmp_path, place)
        follower.step()
        follower.step()
        await ledger.append(an_entry(3, "pass"))
        ledger.note(an_outcome(an_entry(3).id))
    follower.step()
    follower.close()
    tallies.close()
    follower, tallies = followed(tmp_path, place)
    follower.step()
    assert sum(number for _, number in tallies.summed("2000-01-01", "2099-01-01")) == 4
    assert tallies.counted()[1].seq == follower.newest == follower.signed == 5
    assert follower.fault == ""
    follower.close()
    tallies.close()


async def test_another_ledger_is_counted_from_its_first_record(tmp_path: Path):
    first, second = (Place.of(tmp_path / one / "ledger.db", tmp_path / one) for one in ("a", "b"))
    for place, many in ((first, 3), (second, 2)):
        with a_ledger(place) as ledger:
            for number in range(many):
                await ledger.append(an_entry(number))
    for place, many in ((first, 3), (second, 2)):
        follower, tallies = followed(tmp_path, place)
        follower.step()
        assert sum(number for _, number in tallies.summed("2000-01-01", "2099-01-01")) == many
        follower.close()
        tallies.close()


async def test_a_changed_record_and_a_cut_ledger_show_as_faults(tmp_path: Path):
    place = Place.of(tmp_path / "ledger.db", tmp_path)
    with a_ledger(place) as ledger:
        for number in range(4):
            await ledger.append(an_entry(number))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.executescript("DROP TRIGGER record_never_changes; DROP TRIGGER record_never_goes;")
        db.execute("UPDATE record SET body = replace(body, 'block', 'pass') WHERE seq = 3")
        db.commit()
    follower, tallies = followed(tmp_path, place)
    follower.step()
    assert follower.fault == "record 3 is missing or was changed"
    follower.close()
    tallies.forget()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.execute("DELETE FROM record WHERE seq >= 3")
        db.execute("UPDATE tree SET size = 2")
        db.commit()
    follower = Follower(place, tallies, lambda: False)
    follower.step()
    assert "are missing" in follower.fault
    follower.close()
    tallies.close()


def test_a_filter_survives_the_way_through_an_address():
    wanted = Filter(DAY, DAY, agent="a&b=c", clause="ONWARD-3")
    assert Filter.of(dict(parse_qsl(wanted.query())), DAY) == wanted
    assert {one.name for one in fields(Filter)} >= set(STOPPED_BY)
