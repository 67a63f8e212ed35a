"""What went where of a person's data, when, and on what basis: from the ledger, by fingerprint, without any content.

A summary comes from the index alone, at once, and says up to which record it looked. The list of all transfers reads
every one of their records, after the index has been brought up to the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.core.rights import Mark
from gateway.ledger import LedgerReader, Place
from gateway.ledger.mentions import (
    Covered,
    Mentions,
    basis_of,
    covered,
    mentioning,
    received_of,
    summed,
)

Told = Callable[[str, int], object]
"""Hears of progress: what is done, and with how many records so far."""


@dataclass(frozen=True, slots=True)
class Basis:
    """On what basis something went, or did not, and what."""

    agent: str
    action: str
    received: Literal["yes", "perhaps", "no"]
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


@dataclass(frozen=True, slots=True)
class Transferred(Basis):
    """One transfer in which the person was found."""

    seq: int
    id: str
    at: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Flow(Basis):
    """Transfers in which the person was found, alike but for their time."""

    count: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Summary:
    """All flows of a person's data, by their first record."""

    flows: tuple[Flow, ...]
    looked: Covered


def summary(place: Place, marks: Sequence[Mark], namesakes: Iterable[str]) -> Summary:
    """What the index says now; it waits for nobody and nothing. Raises LedgerError."""
    shared = frozenset(namesakes)
    entity_of = {one.fingerprint: one.entity for one in marks}
    with closing(LedgerReader(place)) as reader, reader.connection() as connection:
        looked = covered(connection)
        groups = summed(connection, entity_of)
    flows: dict[object, Flow] = {}
    for group in groups:
        said = _said(group.basis, group.entities, shared) | {"received": _WORDS[group.received]}
        alike = tuple(said.values())
        if alike in flows:
            # What else was found may differ, and yet be of the same categories.
            one = flows[alike]
            first, last = min(one.first, group.first), max(one.last, group.last)
            flows[alike] = replace(one, count=one.count + group.count, first=first, last=last)
        else:
            flows[alike] = Flow(**said, count=group.count, first=group.first, last=group.last)
    return Summary(tuple(flows.values()), looked)


def search(
    place: Place, marks: Sequence[Mark], namesakes: Iterable[str], told: Told = lambda *_: None
) -> list[Transferred]:
    """Every transfer in which one of the marks was found, oldest first. Raises LedgerError."""
    bring_up(place, told)
    shared = frozenset(namesakes)
    entity_of = {one.fingerprint: one.entity for one in marks}
    found: list[Transferred] = []
    with closing(LedgerReader(place)) as reader, reader.connection() as connection:
        for one in mentioning(connection, entity_of):
            found.append(_transferred(one, entity_of, shared))
            told("read", len(found))
    return found


def bring_up(place: Place, told: Told = lambda *_: None) -> None:
    """Index what is on the ledger now. Raises LedgerError."""
    with closing(Mentions(place)) as index:
        index.bring_up(told=lambda done: told("indexed", done))


def recipients(found: Iterable[Basis]) -> tuple[str, ...]:
    """Agents that received the person's data, or may have."""
    return tuple(sorted({one.agent for one in found if one.received != "no"}))


def _transferred(
    record: Mapping[str, Any], entity_of: Mapping[str, str], namesakes: frozenset[str]
) -> Transferred:
    hit = {known for one in record["findings"] for known in one["fingerprints"] if known in entity_of}
    return Transferred(
        **_said(basis_of(record), {entity_of[one] for one in hit}, namesakes),
        received=_WORDS[received_of(record, hit, record["outcome"])],
        seq=record["seq"],
        id=record["id"],
        at=record["at"],
        outcome=record["outcome"],
    )


_WORDS: tuple[Literal["no"], Literal["perhaps"], Literal["yes"]] = ("no", "perhaps", "yes")


def _said(basis: Mapping[str, Any], met: Iterable[str], namesakes: frozenset[str]) -> dict[str, Any]:
    """What a record says of a person who was met in it by identifiers of these entities."""
    entities = frozenset(met)
    own = {category for entity, category in basis["found"] if entity in entities}
    return {
        "agent": basis["agent"],
        "action": basis["action"],
        "categories": tuple(sorted(own)),
        "beside": tuple(sorted({category for _, category in basis["found"]} - own)),
        "basis": basis["why"],
        "status": basis["status"],
        "clauses": tuple(basis["clauses"]),
        "purpose": basis["purpose"],
        "source": basis["source"],
        "namesake": entities <= namesakes,
    }
