"""The typed form of `rules/law/exemptions.yaml`, and when a granted exemption covers a transfer.

An exemption never works on somebody's word: it takes a record of what the law asks, a requester, an approver who is
somebody else, and an end. `Grant` is that record; it is checked here and kept by the shell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from gateway.core.law import STRICT, Sourced
from gateway.core.model import DataClass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordItem:
    """One thing that must be written down before an exemption takes effect."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    key: str
    text: str
    only_for_origins: tuple[Literal["EU", "CH"], ...] = ()
    """Asked only for data of these origins; empty means of all."""
    only_if: tuple[str, ...] = ()
    """Accepted answers; empty means any that is not blank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption(Sourced):
    """An exception the policy or the law knows, and what has to be on record for it."""

    id: str
    clause: str | None = None
    covers: str
    grants: Literal["transfer", "use_only", "notice"]
    """What it opens: a transfer, use inside the company alone, or a processing without notice."""
    record: tuple[RecordItem, ...] = ()
    single_use: bool = False
    max_hours: int | None = None
    max_days: int | None = None
    until_withdrawn: bool = False
    approve_within_hours: int | None = None
    """May be used before the second person has approved, for so long; None means never."""
    never_for: tuple[DataClass, ...] = ()
    overrides_choice: bool = False
    """Whether it also counts against a person's opt-out (an order of a court does, a public source does not)."""
    maps_to: tuple[str, ...] = ()
    notice_to_person: str | None = None
    repetitive: str | None = None
    must_notify: tuple[Literal["authority", "person"], ...] = ()
    trap: str | None = None

    def longest(self) -> timedelta | None:
        """How long a grant may run; None where nothing limits it."""
        if self.max_hours is not None:
            return timedelta(hours=self.max_hours)
        return timedelta(days=self.max_days) if self.max_days is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExemptionsFile:
    """`rules/law/exemptions.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    common_rules: tuple[str, ...]
    exemptions: tuple[Exemption, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One exemption as asked for: for whom, what, why, until when, and who said yes."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    exemption: str
    """Id of an exemption of `law/exemptions.yaml`."""
    requester: str
    agent: str
    categories: tuple[str, ...]
    origins: tuple[Literal["EU", "CH"], ...]
    people: str
    """About how many people it concerns."""
    purpose: str
    necessity: str
    evidence: str
    record: Mapping[str, str]
    """Answers to what the exemption asks for, by key."""
    granted_at: datetime
    expires_at: datetime
    approver: str | None = None
    approved_at: datetime | None = None
    used_at: datetime | None = None

    def problems(self, rules: Mapping[str, Exemption]) -> Iterator[str]:
        """Everything that keeps it from being put on record, one sentence each."""
        rule = rules.get(self.exemption)
        if rule is None:
            yield f"exemption {self.exemption!r} does not exist; known are: {', '.join(sorted(rules))}"
            return
        if self.approver is not None and self.approver.casefold() == self.requester.casefold():
            yield "the approver must be somebody else than the requester"
        for name in ("requester", "agent", "people", "purpose", "necessity", "evidence"):
            if not str(getattr(self, name)).strip():
                yield f"`{name}` is empty; write it"
        for name in ("categories", "origins"):
            if not getattr(self, name):
                yield f"`{name}` is empty; an exemption covers only what it names"
        longest = rule.longest()
        if self.expires_at <= self.granted_at:
            yield "`expires_at` does not lie after `granted_at`"
        elif longest is not None and self.expires_at - self.granted_at > longest:
            yield f"runs longer than {rule.id} may ({longest})"
        yield from _unanswered(self, rule)

    def covers(self, rule: Exemption, at: datetime) -> bool:
        """Whether it opens a transfer at `at`: approved (or still within the time for it), not over, not used up."""
        if rule.grants != "transfer" or not self.granted_at <= at < self.expires_at:
            return False
        if rule.single_use and self.used_at is not None:
            return False
        if self.approved_at is not None and self.approved_at <= at:
            return True
        return rule.approve_within_hours is not None and at < self.granted_at + timedelta(
            hours=rule.approve_within_hours
        )

    def is_incident(self, rule: Exemption, at: datetime) -> bool:
        """Whether it was used and nobody approved it in time: a possible breach."""
        if self.used_at is None or rule.approve_within_hours is None:
            return False
        last = self.granted_at + timedelta(hours=rule.approve_within_hours)
        return at >= last and (self.approved_at is None or self.approved_at > last)


def _unanswered(grant: Grant, rule: Exemption) -> Iterator[str]:
    asked = [
        item
        for item in rule.record
        if not item.only_for_origins or set(item.only_for_origins) & set(grant.origins)
    ]
    for item in asked:
        answer = grant.record.get(item.key, "").strip()
        if not answer:
            yield f"record `{item.key}` is missing: {item.text}"
        elif item.only_if and answer not in item.only_if:
            yield f"record `{item.key}` must be one of {', '.join(item.only_if)}: {item.text}"
    for key in grant.record.keys() - {item.key for item in rule.record}:
        yield f"record `{key}` is not asked for by {rule.id}; remove it or mend its spelling"
