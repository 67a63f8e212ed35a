"""What the ledger holds of a period, counted once for all reports: one pass, in memory that does not grow with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from gateway.core.decide import UNREGISTERED
from gateway.ledger import LedgerReader, Place

STEP = 2000
STOPPED = ("hold", "block")


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included, in UTC."""

    first: date
    last: date

    @property
    def words(self) -> str:
        """As people read it."""
        return f"{self.first} – {self.last}"


@dataclass(slots=True)
class Received:
    """What one agent received of personal data."""

    transfers: int = 0
    categories: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    purposes: Counter[str] = field(default_factory=Counter)
    """Declared ones; without a declaration the agent's own count."""
    sources: Counter[str] = field(default_factory=Counter)
    exemptions: Counter[str] = field(default_factory=Counter)
    first: str = ""
    last: str = ""


@dataclass(slots=True)
class Traffic:
    """Everything counted."""

    period: Period
    transfers: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    received: dict[str, Received] = field(default_factory=dict)
    daily: Counter[tuple[str, str, str, str, str, str]] = field(default_factory=Counter)
    """Day, agent, action, status, reason, purpose."""
    stopped_by: dict[str, Counter[str]] = field(
        default_factory=lambda: {"reason": Counter(), "agent": Counter(), "clause": Counter()}
    )
    stopped_daily: Counter[str] = field(default_factory=Counter)
    unregistered: Counter[str] = field(default_factory=Counter)
    """`host:port` to which personal data was headed without an agent in the register."""
    uninspectable: int = 0
    failed_closed: int = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one decision."""
        day, action, agent = record["at"][:10], record["action"], record["agent"]
        self.transfers += 1
        self.actions[action] += 1
        purpose = record.get("purpose") or ""
        self.daily[day, agent, action, record["status"], record["reason"], purpose] += 1
        self.uninspectable += bool(record["unread"])
        self.failed_closed += record["rule"] == "failure"
        if agent == UNREGISTERED and record["findings"]:
            self.unregistered[f"{record['host']}:{record['port']}"] += 1
        if action in STOPPED:
            self.stopped_daily[day] += 1
            self.stopped_by["reason"][record["reason"]] += 1
            self.stopped_by["agent"][agent] += 1
            self.stopped_by["clause"].update(record["clauses"])
        elif flowed(record):
            self._receive(record, purpose)

    def _receive(self, record: Mapping[str, Any], purpose: str) -> None:
        one = self.received.setdefault(record["agent"], Received())
        one.transfers += 1
        left = set(record.get("left", ())) if record["action"] == "anonymize" else None
        one.categories.update(
            {
                found["category"]
                for found in record["findings"]
                if left is None or not left.isdisjoint(found["fingerprints"])
            }
        )
        one.classes.update(record["classes"])
        one.origins.update(record["origins"])
        one.purposes.update([purpose] if purpose else [])
        one.sources.update(_source_of(record))
        one.exemptions.update([record["exemption"]] if record.get("exemption") else [])
        one.first, one.last = one.first or record["at"][:10], record["at"][:10]


def flowed(record: Mapping[str, Any]) -> bool:
    """Whether the agent got personal data, or something that nobody could look into."""
    if record["action"] == "pass":
        return bool(record["findings"] or record["unread"])
    return record["action"] == "anonymize" and bool(record.get("left", True))


def traffic_in(place: Place, period: Period) -> Traffic:
    """Count the decisions of a period. Raises LedgerError."""
    traffic = Traffic(period)
    for record in _decisions(place, period):
        traffic.add(record)
    return traffic


def _decisions(place: Place, period: Period) -> Iterator[Mapping[str, Any]]:
    since, until = period.first.isoformat(), (period.last + timedelta(days=1)).isoformat()
    with closing(LedgerReader(place)) as reader:
        seq = 0
        while found := reader.after(seq, STEP, since=since, until=until):
            yield from found
            seq = found[-1]["seq"]


def _source_of(record: Mapping[str, Any]) -> Iterable[str]:
    return [one.removeprefix("source ") for one in record.get("known", ()) if one.startswith("source ")]
