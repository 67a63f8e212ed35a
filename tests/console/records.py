"""Decisions of all kinds, as hypothesis makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st

from gateway.ledger import FindingSummary, Record
from tests.ledgers import a_record

DAY = date(2031, 5, 4)
few = {
    "agent": ("example-llm", "example-mail", "unregistered"),
    "action": ("pass", "anonymize", "hold", "block"),
    "reason": ("assured", "not-assured", "uninspectable"),
}


def subset(*words: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(words), unique=True).map(tuple)


@st.composite
def decision(draw: st.DrawFn) -> Record:
    """One decision; its id is given when it is put on the ledger."""
    told = {name: draw(st.sampled_from(words)) for name, words in few.items()}
    categories = draw(subset("identity", "contact", "health"))
    return replace(
        a_record("", agent=told["agent"], action=told["action"]),
        at=f"{DAY + timedelta(days=draw(st.integers(0, 5)))}T10:00:00.000+00:00",
        reason=told["reason"],
        rule=draw(st.sampled_from(("table/certified/ordinary", "failure"))),
        clauses=draw(subset("ONWARD-1", "ONWARD-3", "ASSUR-2")),
        origins=draw(subset("EU", "CH", "unknown")),
        unread=draw(st.sampled_from(((), ("body: too deep",)))),
        findings=tuple(FindingSummary("PERSON", one, None, "body.json", 1, ()) for one in categories),
    )


def numbered(records: Sequence[Record], start: int = 0) -> list[Record]:
    return [replace(one, id=f"{start + n:012x}-0123456789abcdef") for n, one in enumerate(records)]
