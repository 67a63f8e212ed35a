"""The typed form of `rules/sources/` and `rules/policy/purposes.yaml`: where data comes from, and for what.

Rules kept here and nowhere else:
 * What a client says about its data counts only where its source is trusted to say so; nothing else is lost by it.
 * A dataset label names a source of its own and beats the log-in name, which beats the longest matching network.
 * A source nobody listed is unattributed: its transfers are decided as of unknown origin and purpose (COLLECT-1).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal

from gateway.core.law import STRICT, Jurisdiction, Sourced
from gateway.core.model import Declared

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMatch:
    """Whose transfers these are: any of the networks, log-in names or dataset labels."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    networks: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    """Labels a trusted source may put on what it sends."""

    def __post_init__(self) -> None:
        if not (self.networks or self.users or self.datasets):
            raise ValueError("write at least one of `networks`, `users` and `datasets`")
        for network in self.networks:
            ipaddress.ip_network(network)


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginDeclaration:
    """What somebody vouches for: whose data a source holds. Narrows what is unknown, never what a finding shows."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    origins: tuple[Literal["EU", "CH", "outside"], ...]
    approver: str
    reference: str
    valid_until: date
    """Last day; from the next day on the origin is unknown again."""

    def __post_init__(self) -> None:
        if not self.origins:
            raise ValueError("write at least one of EU, CH and outside; leave the declaration out if unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A system data comes from, whose it is, and for what it was collected."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    entity: str
    """Id of a company of the family (`policy/company.yaml`), which answers for the data (SCOPE-2)."""
    match: SourceMatch
    origin: OriginDeclaration | None = None
    purposes: tuple[str, ...] = ()
    """What the data was collected for; empty means unknown, and nothing is compared then."""
    categories: tuple[str, ...] = ()
    """What the source may send; other categories are stopped. Empty means all."""
    role: Literal["controller", "processor"] = "controller"
    """Processor where the data is a client's (COLLECT-2)."""
    client: str | None = None
    trusted: bool = False
    """Whether headers of its transfers (`onward-origin`, `onward-purpose`, `onward-dataset`) are believed."""

    def __post_init__(self) -> None:
        if not self.id or self.id.strip("abcdefghijklmnopqrstuvwxyz0123456789-"):
            raise ValueError("a source id holds lower-case letters, digits and hyphens only")
        if self.role == "processor" and not self.client:
            raise ValueError("data processed for a client needs `client`, so that it can be told whose it is")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesFile:
    """`rules/sources/*.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose(Sourced):
    """One purpose of the catalogue (PURPOSE-1). One that is not the policy's own names who added it, and when."""

    id: str
    name: str
    added_on: date | None = None
    approver: str | None = None

    def __post_init__(self) -> None:
        if (self.added_on is None) != (self.approver is None):
            raise ValueError("a purpose that was added needs both `added_on` and `approver`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatible(Sourced):
    """That data collected for one purpose may be used for another, and how that was found (GDPR Art. 6(4))."""

    collected_for: str
    used_for: str
    factors: str
    approver: str
    decided_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposesFile:
    """`rules/policy/purposes.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    purposes: tuple[Purpose, ...]
    compatible: tuple[Compatible, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribution:
    """What is known of a transfer beforehand: its source, whose data it holds, and for what it is sent."""

    source: Source | None = None
    declared: frozenset[Jurisdiction] = frozenset({"EU", "CH"})
    """Laws that data of unknown origin is judged under; empty where the source vouches that it lies outside."""
    purpose: str | None = None
    told: tuple[str, ...] = ()
    """How that is known, one entry each, for the record; holds ids of ours only."""


UNATTRIBUTED = Attribution()
UNLISTED = "unlisted"
"""Stands for a purpose that is not in the catalogue."""


class Sources:
    """Sources by network, log-in name and dataset, compiled once."""

    def __init__(self, sources: Iterable[Source], purposes: Iterable[str] = ()) -> None:
        self._purposes = frozenset(purposes)
        self._users: dict[str, Source] = {}
        self._datasets: dict[str, Source] = {}
        networks: list[tuple[Network, Source]] = []
        for source in sources:
            self._users |= dict.fromkeys(source.match.users, source)
            self._datasets |= dict.fromkeys(source.match.datasets, source)
            networks += [(ipaddress.ip_network(one), source) for one in source.match.networks]
        self._networks = sorted(networks, key=lambda one: -one[0].prefixlen)

    def attribute(self, client: str, user: str, said: Declared, day: date) -> Attribution:
        """What is known of a transfer from `client` (an IP address, or empty), logged in as `user`, or empty."""
        source = self._users.get(user) or self._in_network(client)
        if source is None:
            return UNATTRIBUTED
        told = [f"source {source.id}"]
        if not source.trusted:
            said = Declared()
        labelled = self._datasets.get(said.dataset)
        if labelled is not None:
            source = labelled
            told.append(f"dataset {source.id}")
        vouched, said_origins = _vouched_for(source, day, told), _origins_in(said.origins)
        if said_origins:
            told.append("origin by header")
        purpose = source.purposes[0] if len(source.purposes) == 1 else None
        if said.purpose:
            # What no catalogue lists fits no agent, and its words are kept nowhere.
            purpose = said.purpose if said.purpose in self._purposes else UNLISTED
        if said.purpose:
            told.append("purpose by header")
        return Attribution(source, _laws(vouched, said_origins), purpose, tuple(told))

    def _in_network(self, client: str) -> Source | None:
        if not client or not self._networks:
            return None
        address = ipaddress.ip_address(client)
        address = getattr(address, "ipv4_mapped", None) or address
        return next((source for network, source in self._networks if address in network), None)


def vouched_for(source: Source, day: date) -> frozenset[Jurisdiction]:
    """The laws that data of unknown origin from this source is judged under."""
    return _laws(_vouched_for(source, day, []), frozenset())


def _vouched_for(source: Source, day: date, told: list[str]) -> frozenset[str]:
    declaration = source.origin
    if declaration is None or day > declaration.valid_until:
        return frozenset()
    told.append(f"origin {'+'.join(declaration.origins)} by {source.id}")
    return frozenset(declaration.origins)


def _origins_in(said: str) -> frozenset[str]:
    """The origins a header names; none where a word in it is no origin, since then it says nothing."""
    words = {word.strip().lower() for word in said.split(",") if word.strip()}
    known = {"eu": "EU", "ch": "CH", "outside": "outside"}
    return frozenset(known[word] for word in words) if words <= known.keys() else frozenset()


def _laws(vouched: frozenset[str], said: frozenset[str]) -> frozenset[Jurisdiction]:
    """The laws both statements leave; where they contradict each other, nothing is known."""
    both = vouched & said if vouched and said else vouched | said
    if not both:
        return UNATTRIBUTED.declared
    return frozenset(one for one in UNATTRIBUTED.declared if one in both)
