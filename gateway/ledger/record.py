"""What stands in the ledger: decisions, their outcomes, and acts of people. No value of a transfer, in no form.

A decision that releases a transfer is an intent: it is durable before the first byte leaves, and its outcome follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from gateway.core.chain import canonical

RELEASES = ("pass", "anonymize")
"""Actions after which something leaves, so that an outcome has to follow."""
NOT_SENT = "not-released"
"""Outcome of a release that was refused after all."""


class _Crossing:
    """Pickles as its values alone, in a tenth of the time: every decision crosses to the process that records it."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        kind = type(self)
        return kind, _VALUES[kind](self)


@dataclass(frozen=True, slots=True)
class FindingSummary(_Crossing):
    """Findings of one kind in one carrier: how many, and the keyed fingerprints of their values."""

    entity: str
    category: str
    region: str | None
    place: str
    """Carrier and shape of the address, e.g. `body.json`; never a key or value of the sender's."""
    count: int
    fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record(_Crossing):
    """What is kept of one decision. No value of the transfer, in no form but keyed fingerprints."""

    id: str
    at: str
    """ISO 8601, UTC."""
    gateway: str
    agent: str
    host: str
    port: int
    method: str
    action: str
    status: str
    reason: str
    rule: str
    why: str
    clauses: tuple[str, ...]
    origins: tuple[str, ...]
    classes: tuple[str, ...]
    evidence: tuple[str, ...]
    rules: str
    """Digest of the rules that decided."""
    source: str
    bytes: int
    body: str
    """Keyed digest of the body."""
    findings: tuple[FindingSummary, ...] = ()
    unread: tuple[str, ...] = ()
    purpose: str | None = None
    """Purpose of the catalogue that was declared, if any."""
    declared: tuple[str, ...] = ("CH", "EU")
    """Laws that data of unknown origin was judged under."""
    known: tuple[str, ...] = ()
    """How the source, its origin and the purpose were known."""
    exemption: str = ""
    """Id of the exemption that opened it."""
    would: str | None = None
    """What would have happened without shadow mode, which is unsafe."""
    review: str = ""
    """Id of the review that this transfer waits for, or by whose approval it passed."""
    left: tuple[str, ...] = ()
    """Fingerprints of what stayed in an anonymized message, since it may go to the agent."""
    kind: str = "decision"


@dataclass(frozen=True, slots=True)
class Outcome(_Crossing):
    """What became of a release."""

    about: str
    """Id of the decision."""
    at: str
    gateway: str
    rules: str
    """Digest of the rules in force."""
    action: str
    """`answered-2xx` and the like, `sent` (no answer is due), `failed`, `aborted`, `not-released`, or `unknown`."""
    agent: str = ""
    kind: str = "outcome"

    @property
    def id(self) -> str:
        """One outcome for each decision."""
        return f"{self.about}.outcome"


@dataclass(frozen=True, slots=True)
class Act(_Crossing):
    """What a person, or the gateway about itself, did."""

    id: str
    at: str
    gateway: str
    rules: str
    action: str
    """Which act, e.g. `approved`."""
    by: str
    """Id of a reviewer in `rules/policy/review.yaml` or of other staff, as the command was told, or `gateway`."""
    about: str | None = None
    """Id of the decision or review it concerns."""
    agent: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    uid: int | None = None
    """Number of the system's user whose process it was: what `by` is worth where a command was told it."""
    kind: str = "act"


Entry = Record | Outcome | Act


_NAMES = {kind: tuple(one.name for one in fields(kind)) for kind in (FindingSummary, Record, Outcome, Act)}
_VALUES: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    kind: attrgetter(*names) for kind, names in _NAMES.items()
}


def body_of(entry: Entry) -> str:
    """The entry as it is hashed and kept."""
    body = {name: getattr(entry, name) for name in _NAMES[type(entry)]}
    if isinstance(entry, Record):
        names = _NAMES[FindingSummary]
        body["findings"] = [{name: getattr(one, name) for name in names} for one in entry.findings]
    body["id"] = entry.id
    return canonical(body)


def columns_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a kept entry that stand in columns of their own, too. Raises LookupError where one is missing."""
    return {
        "id": body["id"],
        # Records of the first format say no kind; all of them are decisions.
        "kind": body.get("kind", "decision"),
        "about": body.get("about"),
        "at": body["at"],
        "gateway": body["gateway"],
        "agent": body["agent"],
        "action": body["action"],
    }


def owes_outcome(body: Mapping[str, Any]) -> bool:
    """Whether the entry is a release that an outcome has to follow."""
    return body.get("kind") == "decision" and body["action"] in RELEASES
