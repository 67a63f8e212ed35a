"""The typed form of `rules/law/`: instruments, adequacy, countries and categories, each fact with its source.

Each `*File` class is one kind of file; the loader fills it from YAML and reports what does not fit. Dates are inclusive
on both ends: `valid_until` is the last day of validity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar, Literal

from gateway.core.model import DataClass

STRICT: dict[str, Any] = {"extra": "forbid"}
"""Read by the loader's validator: a key nobody knows is a mistake and never ignored."""

Status = Literal[
    "intra_eea",
    "adequate",
    "certified",
    "contract_complete",
    "contract_incomplete",
    "claimed",
    "out_of_scope",
    "lapsed",
    "invalid_framework",
    "suspended",
    "none",
    "unknown_agent",
]
"""What an agent's assurance amounts to for one origin on one day; meanings and order are in `policy/decision.yaml`."""

InstrumentKind = Literal["framework", "contract", "group_rules", "certification", "public", "law", "custom"]
Jurisdiction = Literal["EU", "CH", "UK"]
Role = Literal["controller", "joint_controller", "processor", "sub_processor", "third_party"]
TiaOutcome = Literal[
    "no_problematic_law",
    "problematic_law_not_applied_documented",
    "measures_effective",
    "measures_insufficient",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """What every fact carries: where it is written and whether somebody compared it with the original."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    source: str
    verified: bool
    verified_note: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MustShow:
    """One item an agent's evidence must contain before the instrument counts."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    key: str
    text: str
    only_for_roles: tuple[Role, ...] = ()
    """Asked only of agents in these roles; empty means of all."""
    only_for_modules: tuple[int, ...] = ()
    """Asked only under these modules of the clauses; empty means under all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module of the standard contractual clauses and the roles it is written for."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    number: int
    name: str
    exporter: Literal["controller", "processor"]
    importer: Literal["controller", "processor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent(Sourced):
    """Something that may end an instrument; shown to people, never decided on."""

    day: date
    event: str
    effect: Literal["remains_valid", "pending", "raised_risk_only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument(Sourced):
    """A legal ground an assurance can rest on: framework, contract, group rules, certification or law."""

    id: str
    name: str
    kind: InstrumentKind
    origins: tuple[Jurisdiction, ...]
    instrument: str
    destinations: tuple[str, ...] = ()
    """ISO 3166 alpha-2 codes the instrument is limited to; empty means any."""
    legal_basis: str | None = None
    valid_from: date
    valid_until: date | None = None
    invalid_from: date | None = None
    new_contracts_until: date | None = None
    """Contracts signed after this day do not count."""
    alone_until: date | None = None
    """Last day it counted without an instrument of `only_with`."""
    only_with: tuple[str, ...] = ()
    ended_by: str | None = None
    superseded_by: str | None = None
    """Read as this instrument once its own validity is over (e.g. GDPR Art. 94(2))."""
    grants: Status
    """Status of an agent whose entry under this instrument is complete."""
    is_transfer_tool: bool = True
    needs_listing: bool = False
    """Counts only with an active entry on the framework's public list, until the entry's renewal date."""
    hr_must_be_named: bool = False
    needs_tia: bool = False
    needs_adequacy: bool = False
    """Counts only where the destination is found adequate for the origin (`law/adequacy.yaml`)."""
    needs_eea_location: bool = False
    members_only: bool = False
    """Covers companies of the group only."""
    longest_days: int | None = None
    """However long an entry says it runs, it ends after so many days."""
    renewal_days: int | None = None
    renewal_note: str | None = None
    review_days: int | None = None
    review_days_is: str | None = None
    must_show: tuple[MustShow, ...] = ()
    not_enough: tuple[str, ...] = ()
    modules: tuple[Module, ...] = ()
    inactive_statuses: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    """Instruments the agent must also be complete under."""
    scope_limit: str | None = None
    hr_data_rule: str | None = None
    law_and_forum: str | None = None
    status_note: str | None = None
    dates_unverified: tuple[str, ...] = ()
    fallback_expected: str | None = None
    watch: tuple[WatchEvent, ...] = ()

    def __post_init__(self) -> None:
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError(f"valid_until {self.valid_until} lies before valid_from {self.valid_from}")
        if self.invalid_from is not None and (
            self.valid_until is None or self.invalid_from != self.valid_until + timedelta(days=1)
        ):
            raise ValueError("invalid_from must be the day after valid_until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tia(Sourced):
    """What a transfer impact assessment must say before contracts that need one count."""

    review_days: int
    review_days_is: str
    accepted_outcomes: tuple[TiaOutcome, ...]
    failed_outcomes: tuple[TiaOutcome, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentsFile:
    """`rules/law/instruments/*.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    as_of: date
    newest_source_seen: date
    instruments: tuple[Instrument, ...]
    tia: Tia | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssuranceType:
    """A ground of the company's own (ASSUR-5): the list is open, but somebody must answer for it, and it ends."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    reasoning: str
    """Why it protects as well as the others do, in law."""
    approver: str
    approved_on: date
    valid_until: date
    """Last day; by then it has to be argued again."""
    origins: tuple[Jurisdiction, ...]
    destinations: tuple[str, ...] = ()
    must_show: tuple[MustShow, ...] = ()
    needs_tia: bool = True

    def __post_init__(self) -> None:
        for name in ("reasoning", "approver"):
            if not getattr(self, name).strip():
                raise ValueError(f"`{name}` is empty; an assurance of one's own needs it (ASSUR-5)")
        if self.valid_until < self.approved_on:
            raise ValueError(f"valid_until {self.valid_until} lies before approved_on {self.approved_on}")

    def instrument(self) -> Instrument:
        """The same as an instrument that entries can name."""
        return Instrument(
            id=self.id,
            name=self.name,
            kind="custom",
            origins=self.origins,
            instrument=self.reasoning,
            destinations=self.destinations,
            valid_from=self.approved_on,
            valid_until=self.valid_until,
            grants="contract_complete",
            needs_tia=self.needs_tia,
            must_show=self.must_show,
            source=f"{self.reasoning} (approved by {self.approver})",
            verified=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AssuranceTypesFile:
    """`rules/policy/assurance_types.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    types: tuple[AssuranceType, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastExclusion(Sourced):
    """A purpose an adequacy decision did not cover for a time; shown to people, not decided on."""

    what: str
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Adequacy(Sourced):
    """A finding that a destination protects personal data adequately, for data of one jurisdiction."""

    country: str
    """ISO 3166 alpha-2, or a code of ours for an international organisation (`EPO`)."""
    name: str
    origins: tuple[Jurisdiction, ...]
    instrument: str
    adopted: date | None = None
    published: date | None = None
    valid_from: date
    valid_until: date | None = None
    scope: str
    scope_test: str
    """`none` where the whole country is covered, else what the agent's entry must have shown."""
    excluded: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    review: str | None = None
    history: tuple[str, ...] = ()
    past_exclusions: tuple[PastExclusion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAdequate(Sourced):
    """A destination often taken for adequate that is not."""

    country: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdequacyFile:
    """`rules/law/adequacy.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    as_of: date
    newest_source_seen: date
    boundary_rule: str
    notes: tuple[str, ...] = ()
    adequacy: tuple[Adequacy, ...]
    not_adequate_often_assumed: tuple[NotAdequate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Iban:
    """How an IBAN of one country looks."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    prefix: str
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Postcode:
    """How a postcode of one country looks; a bare one is never evidence by itself."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    pattern: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Country(Sourced):
    """An EEA state or Switzerland, with the signals that point to it."""

    iso2: str
    iso3: str
    name: str
    bloc: Literal["EU", "EFTA-EEA", "CH"]
    in_eea: bool
    origin: Literal["EU", "CH"]
    languages: tuple[str, ...]
    phone: str
    iban: Iban
    tlds: tuple[str, ...]
    postcode: Postcode
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Territory(Sourced):
    """A territory whose status differs from that of the state it belongs to."""

    names: tuple[str, ...]
    iso2: tuple[str, ...]
    of: str | None
    status: str
    gdpr: bool
    treat_as: Literal["EU", "CH", "outside"]
    phone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CountriesFile:
    """`rules/law/countries.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    as_of: date
    signal_rules: tuple[str, ...]
    countries: tuple[Country, ...]
    territories: tuple[Territory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Sourced):
    """A time the law sets for something. Exactly one of `hours`, `days` and `months`."""

    id: str
    event: str
    begins: str
    """What it runs from."""
    hours: int | None = None
    days: int | None = None
    months: int | None = None
    extension_months: int | None = None
    moves: bool = False
    """Whether an end on a day of rest moves to the next working day."""

    def __post_init__(self) -> None:
        if [self.hours, self.days, self.months].count(None) != 2:
            raise ValueError("write exactly one of `hours`, `days` and `months`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Days on which nothing ends that moves to the next working day."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    weekdays: tuple[int, ...] = ()
    """ISO numbers: 1 is Monday."""
    holidays: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClocksFile:
    """`rules/law/clocks.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    as_of: date
    clocks: tuple[Clock, ...]
    rest: Rest = field(default_factory=Rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRank(Sourced):
    """Rank of a data class: the higher, the more harm a leak does."""

    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(Sourced):
    """A category of personal data, its class and the detector entities that belong to it."""

    id: str
    name: str
    data_class: DataClass
    entities: tuple[str, ...]
    planned_entities: tuple[str, ...] = ()
    """Belong here too, but no recognizer reports them yet."""
    hr: bool = False
    """Human-resources data: a certification covers it only where it names it."""
    origins: tuple[Jurisdiction, ...] = ()
    """Counts only for data of these origins; empty means of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPersonal(Sourced):
    """What looks like personal data and is not."""

    id: str
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoriesFile:
    """`rules/law/categories.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    as_of: date
    classes: Mapping[DataClass, ClassRank]
    categories: tuple[Category, ...]
    not_personal: tuple[NotPersonal, ...]
