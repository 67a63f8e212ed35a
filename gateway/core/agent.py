"""The typed form of `rules/agents/`: who receives data, where they are reached, and what their protection rests on."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal

from gateway.core.law import STRICT, Role, TiaOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which connections belong to an agent. Exactly one of `host` and `cidr`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    host: str | None = None
    """Exact host name or IP address, or `*.example.org` for every name below it (not the name itself)."""
    cidr: str | None = None
    """IP-literal targets inside this network."""
    port: int | None = None
    path: str = "/"
    """Prefix of the path, by whole segments."""

    def __post_init__(self) -> None:
        if (self.host is None) == (self.cidr is None):
            raise ValueError("write exactly one of `host` and `cidr`")
        if self.host is not None and self.host != self.host.strip().lower().rstrip("."):
            raise ValueError("write the host in lower case, without a trailing dot or spaces")
        if self.host is not None and "*" in self.host.removeprefix("*."):
            raise ValueError("a wildcard stands for whole labels at the front only: `*.example.org`")
        if self.cidr is not None:
            ipaddress.ip_network(self.cidr)
        if not self.path.startswith("/"):
            raise ValueError("a path prefix starts with `/`")
        if self.port is not None and not 0 < self.port < 65536:
            raise ValueError("a port lies between 1 and 65535")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """The legal entity that receives the data, as its contract or certification names it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    name: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceOnFile:
    """A document somebody checked: without it an entry is a mere claim (ONWARD-4)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    reference: str
    """Where compliance keeps it; never its content."""
    checked_on: date
    checked_by: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TiaOnFile:
    """A transfer impact assessment made for one assurance."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    outcome: TiaOutcome
    assessed_on: date
    reference: str
    review_due: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """One ground on which an agent's protection rests. Its status is computed for a day, never stored."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    instrument: str
    valid_from: date
    """Signature of a contract, first listing of a certification, first day of establishment."""
    valid_until: date | None = None
    """Last day: renewal date of a certification, end of a contract."""
    evidence: EvidenceOnFile | None = None
    entity: str | None = None
    """Entity named on the certification; empty means the agent's own."""
    covers: tuple[Literal["hr", "non_hr"], ...] = ("non_hr",)
    list_status: str = "ACTIVE"
    shown: tuple[str, ...] = ()
    """Keys of the instrument's `must_show` and scope tests that the evidence contains."""
    module: int | None = None
    tia: TiaOnFile | None = None
    doubts: tuple[str, ...] = ()
    """Legal doubts compliance has noted, e.g. that the importer is itself subject to the law the clauses come from;
    while one stands the entry is incomplete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The legal condition under which an agent may receive special or criminal data (GDPR Arts. 9(2), 10)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    data_class: Literal["special", "criminal"]
    condition: str
    valid_from: date
    valid_until: date
    approver: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """Compliance or an authority stopped the agent."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    since: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who allowed something, when, and where that is written."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    approver: str
    approved_on: date
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubProcessor:
    """An agent of the agent (ONWARD-7), judged like the agent itself: the weakest of the chain decides."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    entity: Entity
    processing_countries: tuple[str, ...]
    assurances: tuple[Assurance, ...] = ()
    approval: Approval | None = None
    """Without one the agent has changed its chain unasked, and the link counts as unassured."""
    role: Literal["sub_processor"] = "sub_processor"
    group_member: bool = False
    sub_processors: tuple[SubProcessor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A third party that receives data, with its dated assurances."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    match: tuple[Match, ...]
    entity: Entity
    role: Role
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    processing_countries: tuple[str, ...]
    """ISO codes of every country the data is stored in or can be reached from."""
    review_due: date
    """Last day on which the last review still counts (ONWARD-3)."""
    assurances: tuple[Assurance, ...] = ()
    conditions: tuple[Condition, ...] = ()
    suspended: Suspension | None = None
    sub_processors: tuple[SubProcessor, ...] = ()
    group_member: bool = False
    """Whether the entity belongs to the company's group; abroad it needs a transfer tool all the same (ONWARD-2)."""
    profile_due: date | None = None
    """Last day on which `categories` counts as current (INTEG-2); None: as long as the review."""

    def __post_init__(self) -> None:
        if not self.id or self.id.strip("abcdefghijklmnopqrstuvwxyz0123456789-"):
            raise ValueError("an agent id holds lower-case letters, digits and hyphens only")
        if not self.match:
            raise ValueError("an agent needs at least one match; without one nothing reaches it")
        if not self.purposes:
            raise ValueError("an agent without a purpose cannot be activated (PURPOSE-1)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsFile:
    """`rules/agents/*.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    agents: tuple[Agent, ...]
