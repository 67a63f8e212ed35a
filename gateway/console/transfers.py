"""Decisions of the ledger: found by filters, paged by number, and each in plain words with its proof."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from gateway.console import downloads
from gateway.console.figures import Filter
from gateway.console.overview import choices
from gateway.console.service import Console, now
from gateway.console.visit import Visit
from gateway.core.errors import LedgerError
from gateway.core.merkle import includes, leaf_hash
from gateway.core.review import NotAllowed
from gateway.ledger.heads import SignedHead
from gateway.reports.model import Table

PAGE = 50
MOST_OF_FILE = 10_000


def transfers(visit: Visit) -> Response:
    """One page of decisions, newest first; or the one whose id was typed."""
    console = visit.console
    asked = visit.asked("id")
    if asked:
        found = console.reader.get(asked)
        if found is not None and found.get("kind") == "decision":
            return visit.go(f"/transfers/{found['id']}")
    wanted = Filter.of(visit.request.query_params, now().date())
    records = [] if asked else _found(console, wanted, _before(visit), PAGE + 1)
    return visit.page(
        "transfers.html",
        wanted=wanted,
        records=records[:PAGE],
        older=records[PAGE - 1]["seq"] if len(records) > PAGE else None,
        paged=bool(visit.asked("before")),
        asked=asked,
        choices=choices(console),
    )


def transfers_csv(visit: Visit) -> Response:
    """The decisions that filters find, for spreadsheets; the newest where there are too many for one file."""
    wanted = Filter.of(visit.request.query_params, now().date())
    names = ("seq", "at", "id", "agent", "host", "action", "status", "reason", "rule", "bytes")
    heads = (*((one, one) for one in names), ("clauses", "clauses"), ("found", "found"))
    records = _found(visit.console, wanted, None, MOST_OF_FILE)
    rows = tuple(
        (*(record[one] for one in names), " ".join(record["clauses"]), found_in(record)) for record in records
    )
    return downloads.table_file("transfers", Table(heads, rows), visit)


def transfer(visit: Visit) -> Response:
    """One decision: why, by which clauses, what followed, and the proof that it stands in the ledger."""
    console, record = visit.console, _one(visit)
    clauses = [(one, console.rules.clauses.get(one)) for one in record["clauses"]]
    followed = console.reader.about(record["id"])
    if record["review"] and record["review"] != record["id"]:
        followed += console.reader.about(record["review"])
    return visit.page(
        "transfer.html",
        record=record,
        clauses=clauses,
        followed=sorted(followed, key=lambda one: int(one["seq"])),
        proof=_proof(console, record),
        said_in=console.rules.texts.default,
        same_rules=record["rules"] == console.rules.digest,
    )


def receipt(visit: Visit) -> Response:
    """What proves a decision to a third party."""
    record = _one(visit)
    content = json.dumps(visit.console.reader.receipt(record["id"]), indent=1).encode()
    return downloads.file(content, f"receipt-{record['seq']}", "json")


def found_in(record: dict[str, Any]) -> str:
    """Kinds and numbers of what was found, in a line."""
    return ", ".join(f"{one['count']} {one['entity']}" for one in record["findings"]) or ", ".join(
        record["unread"]
    )


def _one(visit: Visit) -> dict[str, Any]:
    record = visit.console.reader.get(visit.request.path_params["id"])
    if record is None or record.get("kind", "decision") != "decision":
        raise NotAllowed("no decision has this id")
    # Records of older formats lack what was added since.
    return {"would": None, "purpose": None, "review": ""} | record


def _before(visit: Visit) -> int | None:
    text = visit.asked("before")
    return int(text) if text.isdigit() and len(text) < 19 else None


def _found(console: Console, wanted: Filter, before: int | None, count: int) -> list[dict[str, Any]]:
    shapes = [number for number, shape in console.tallies.shapes().items() if wanted.fits(shape)]
    first, last = wanted.first.isoformat(), wanted.last.isoformat()
    found: list[dict[str, Any]] = []
    while len(found) < count:
        seqs = console.tallies.newest(shapes, first, last, before, count)
        if not seqs:
            break
        # Numbers and days run in step but for clocks that jumped, so that the day is looked at again.
        for start in range(0, len(seqs), 500):
            some = console.reader.these(seqs[start : start + 500])
            found += [one for one in some if first <= one["at"][:10] <= last]
        before = seqs[-1]
    return found[:count]


def _proof(console: Console, record: dict[str, Any]) -> dict[str, Any]:
    """The receipt, checked as a third party would; `fault` says what is missing."""
    try:
        receipt = console.reader.receipt(record["id"])
    except LedgerError as error:
        return {"fault": str(error)}
    assert receipt is not None
    head = SignedHead(**receipt["head"])
    path = [bytes.fromhex(step) for step in receipt["path"]]
    leaf = leaf_hash(bytes.fromhex(record["hash"]))
    holds = includes(leaf, record["seq"] - 1, head.size, path, bytes.fromhex(head.root)) and head.is_signed()
    return {"fault": "" if holds else "the proof does not hold", "head": head, "steps": len(path)}
