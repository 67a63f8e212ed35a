"""What overview and transfers show, and that numbers lead to their rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest

from gateway.console.access import Role
from gateway.ledger import FindingSummary, Record
from tests.console.site import TODAY, Site, Visitor, a_site
from tests.ledgers import a_record

SCRIPT = "<script>alert('x')</script>\"onload=alert(1) '{{7*7}}"
"""What a client or a rules file might hope to run in somebody's browser."""


def records() -> Iterator[Record]:
    actions = ["block"] * 3 + ["hold"] * 2 + ["pass"] * 60
    for number, action in enumerate(actions):
        made = a_record(
            f"{number:012x}-0123456789abcdef",
            agent="example-llm" if number % 2 else "unregistered",
            action=action,
            at=f"{TODAY}T00:00:{number % 60:02}.000+00:00",
        )
        yield (
            replace(made, clauses=("ONWARD-3",), unread=())
            if number
            else replace(
                made,
                why=SCRIPT,
                host=SCRIPT,
                findings=(FindingSummary("PERSON", "identity", None, f"body.{SCRIPT}", 1, ()),),
            )
        )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("filled"), records()) as made:
        made.console.follower.step()
        yield made


@pytest.fixture(scope="module")
def reader(filled: Site) -> Visitor:
    return filled.signed_in("reader-1", Role.VIEWER)


def test_the_overview_of_a_new_gateway_says_what_to_do_next(site: Site):
    site.console.follower.step()
    page = site.signed_in("reader-2", Role.VIEWER).get("/").text
    assert "Point a client at the gateway" in page
    assert "verified" in page


def test_every_number_of_the_overview_leads_to_so_many_rows(reader: Visitor):
    page = reader.get("/").text
    links = re.findall(r'<a (?:class="number" )?href="(/transfers\?[^"]+)">(?:<b[^>]*>)?([0-9]+)<', page)
    assert len(links) >= 10
    for address, number in links:
        rows, path = 0, unescape(address)
        while path:
            found = reader.get(path).text
            rows += found.count('<td class="nowrap"><a href="/transfers/')
            older = re.search(r'rel="next" href="([^"]+)"', found)
            path = unescape(older[1]) if older else ""
        assert rows == int(number), address


@pytest.mark.parametrize(
    "table", ["agent", "reason", "clause", "origin", "category", "days", "statuses", "ends"]
)
def test_every_table_can_be_had_as_csv(reader: Visitor, table: str):
    answer = reader.get(f"/overview.csv?table={table}")
    assert answer.headers["content-disposition"] == f'attachment; filename="overview-{table}.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1


def test_transfers_as_csv_hold_each_row_once(reader: Visitor):
    rows = list(csv.DictReader(io.StringIO(reader.get("/transfers.csv").content.decode("utf-8-sig"))))
    assert len({row["id"] for row in rows}) == len(rows) == 65


def test_a_decision_is_told_with_clauses_sources_and_proof(reader: Visitor, filled: Site):
    record = filled.console.reader.tail(1)[0]
    page = reader.get(f"/transfers/{record['id']}").text
    clause = filled.console.rules.clauses["ONWARD-3"]
    for said in (clause.commitment, clause.source, record["hash"], "stands in the tree of 65 records"):
        assert said in unescape(page)
    receipt = reader.get(f"/transfers/{record['id']}/receipt")
    assert receipt.json()["seq"] == record["seq"]
    assert receipt.headers["content-disposition"].startswith("attachment")


def test_a_decision_is_found_by_the_id_of_a_refusal(reader: Visitor):
    answer = reader.get("/transfers?id=000000000003-0123456789abcdef")
    assert answer.headers["location"] == "/transfers/000000000003-0123456789abcdef"
    assert "No decision has this id" in reader.get("/transfers?id=nothing").text


def test_what_others_wrote_is_shown_as_text_and_never_runs(reader: Visitor):
    for path in (
        "/transfers",
        "/transfers/000000000000-0123456789abcdef",
        f"/transfers?agent={SCRIPT}",
        f"/?agent={SCRIPT}",
    ):
        page = reader.get(path).text
        assert "<script>alert" not in page
        assert '"onload=' not in page
        assert "49" not in re.findall(r"\{\{.*?\}\}", page)
    assert "&lt;script&gt;alert" in reader.get("/transfers/000000000000-0123456789abcdef").text


def test_days_that_are_none_are_told_and_not_guessed(reader: Visitor):
    assert reader.get("/?first=yesterday").status_code == 409
    assert reader.get("/?first=2031-01-02&last=2031-01-01").status_code == 409
