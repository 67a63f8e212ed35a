"""What went where of a person's data, when, and on what basis: from the ledger, by fingerprint, without any content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

from gateway.core.rights import Mark
from gateway.ledger import LedgerReader, Place
from gateway.ledger.mentions import Mentions, mentioning

Received = Literal["yes", "perhaps", "no"]
NOT_SENT = "not-released"
"""Outcome of a release that was refused after all."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """One transfer in which the person was found."""

    seq: int
    id: str
    at: str
    agent: str
    action: str
    outcome: str
    received: Received
    """Whether the agent got the person's data; `perhaps` where the record does not say who was removed."""
    categories: tuple[str, ...]
    """Of the identifiers by which the person was found."""
    beside: tuple[str, ...]
    """Of everything else in the same transfer: the person's or somebody else's."""
    basis: str
    status: str
    clauses: tuple[str, ...]
    purpose: str
    source: str
    namesake: bool
    """Found only by what several people share, so perhaps somebody else."""


def search(place: Place, marks: Sequence[Mark], namesakes: Iterable[str]) -> list[Transferred]:
    """Every transfer in which one of the marks was found, oldest first. Raises LedgerError."""
    with closing(Mentions(place)) as index:
        index.bring_up()
    shared = frozenset(namesakes)
    entity_of = {one.fingerprint: one.entity for one in marks}
    with closing(LedgerReader(place)) as reader, reader.connection() as connection:
        return [_transferred(one, entity_of, shared) for one in mentioning(connection, entity_of)]


def recipients(found: Iterable[Transferred]) -> tuple[str, ...]:
    """Agents that received the person's data, or may have."""
    return tuple(sorted({one.agent for one in found if one.received != "no"}))


def _transferred(
    record: Mapping[str, Any], entity_of: Mapping[str, str], namesakes: frozenset[str]
) -> Transferred:
    own: set[str] = set()
    beside: set[str] = set()
    hit: set[str] = set()
    for one in record["findings"]:
        met = [known for known in one["fingerprints"] if known in entity_of]
        (own if met else beside).add(one["category"])
        if len(one["fingerprints"]) > len(met):
            beside.add(one["category"])
        hit.update(met)
    return Transferred(
        seq=record["seq"],
        id=record["id"],
        at=record["at"],
        agent=record["agent"],
        action=record["action"],
        outcome=record["outcome"],
        received=_received(record, hit),
        categories=tuple(sorted(own)),
        beside=tuple(sorted(beside - own)),
        basis=record["why"],
        status=record["status"],
        clauses=tuple(record["clauses"]),
        purpose=record.get("purpose") or "",
        source=_source_of(record),
        namesake=all(entity_of[known] in namesakes for known in hit),
    )


def _received(record: Mapping[str, Any], hit: set[str]) -> Received:
    if record["action"] not in ("pass", "anonymize") or record["outcome"] == NOT_SENT:
        return "no"
    if record["action"] == "pass":
        return "yes"
    if "left" not in record:
        return "perhaps"
    return "yes" if hit & set(record["left"]) else "no"


def _source_of(record: Mapping[str, Any]) -> str:
    """The catalogued source, where the record names one."""
    told = [one.removeprefix("source ") for one in record.get("known", ()) if one.startswith("source ")]
    return told[0] if told else ""
