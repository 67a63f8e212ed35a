"""The typed form of `rules/policy/`, and the RuleSet: everything under `rules/`, compiled and immutable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Literal

from gateway.core.agent import Agent
from gateway.core.assessment import AssessmentFile
from gateway.core.company import CompanyFile
from gateway.core.complaint import ComplaintsFile, ComplaintsLaw
from gateway.core.detection import DetectionRules
from gateway.core.exemption import Exemption
from gateway.core.law import (
    STRICT,
    Adequacy,
    Category,
    Clock,
    Country,
    Instrument,
    Rest,
    Sourced,
    Status,
    Territory,
    Tia,
)
from gateway.core.model import Action, DataClass, severity
from gateway.core.notice import NoticeFile
from gateway.core.review import ReviewFile
from gateway.core.rights import RightsFile, RightsLaw
from gateway.core.shadow import Shadow
from gateway.core.source import PurposesFile, Source
from gateway.core.texts import TextsFile


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRule:
    """One row of the decision table: what a status means and what follows for each class of data."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    status: Status
    clauses: tuple[str, ...]
    cells: Mapping[DataClass, str]
    """`pass`, `anonymize`, `hold`, `block`, or `pass_if_condition_else_ACTION`."""
    client_owned: Literal[Action.HOLD, Action.BLOCK] | None = None
    """What becomes of *anonymize* where the data is a client's, which decides what is left out of it (COLLECT-2)."""

    def __post_init__(self) -> None:
        for data_class in DataClass:
            if data_class not in self.cells:
                raise ValueError(f"no cell for class {data_class}; write one, `block` if in doubt")
        for data_class, cell in self.cells.items():
            try:
                parse_cell(cell)
            except ValueError:
                known = ", ".join(Action)
                raise ValueError(
                    f"cell {cell!r} of class {data_class} is none of {known}, pass_if_condition_else_ACTION"
                ) from None

    def client_cell(self, data_class: DataClass) -> str:
        """The cell for data that is a client's."""
        cell = self.cells[data_class]
        if self.client_owned is None:
            return cell
        return cell.replace(Action.ANONYMIZE, self.client_owned)


def parse_cell(cell: str) -> tuple[Action, Action]:
    """The action of a cell with its legal condition met, and without. Raises ValueError for an unknown cell."""
    if cell.startswith("pass_if_condition_else_"):
        return Action.PASS, Action(cell.removeprefix("pass_if_condition_else_"))
    return Action(cell), Action(cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFile:
    """`rules/policy/decision.yaml`: the decision table, best status first."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    as_of: date
    source: str
    verified: bool
    statuses: tuple[StatusRule, ...]
    review_overdue_becomes: Status
    """What a complete assurance is worth from the day after the agent's review was due (ONWARD-3)."""
    uneditable_becomes: Literal["hold", "block"]
    """What becomes of *anonymize* where the format cannot be edited safely: signed, binary, older revisions."""
    uneditable_clauses: tuple[str, ...]
    expiring_within_days: int
    opted_out: Literal[Action.ANONYMIZE, Action.BLOCK]
    """What follows for the data of somebody who opted out or objected (CHOICE-1, CHOICE-2)."""
    outside_profile: Literal[Action.ANONYMIZE, Action.HOLD, Action.BLOCK]
    """What follows for data of a category the agent or the source has not declared (INTEG-1)."""
    consent_classes: tuple[DataClass, ...]
    """Classes of data for which a person's consent opens a transfer (DEF-5)."""
    never_purposes: tuple[str, ...]
    """Purposes no agent may be registered with (ONWARD-2)."""
    never_categories: tuple[str, ...] = ()
    """Categories no agent may be registered for, so that they are always outside its profile (ACCESS-3)."""
    company_role: Literal["controller", "processor"]
    class_clauses: Mapping[DataClass, tuple[str, ...]]
    origin_clauses: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        listed = [rule.status for rule in self.statuses]
        for status in Status.__args__:  # type: ignore[attr-defined]
            if listed.count(status) != 1:
                raise ValueError(f"status {status} must have exactly one row, it has {listed.count(status)}")

    def contradictions(self) -> Iterator[tuple[int, DataClass, str]]:
        """Cells that are milder than the same cell of a better status, or than a lesser class of the same row."""
        for place, (better, worse) in enumerate(pairwise(self.statuses), start=1):
            for data_class in DataClass:
                if _milder(worse.cells[data_class], better.cells[data_class]):
                    yield place, data_class, f"is milder than that of the better status {better.status}"
                elif _milder(worse.client_cell(data_class), better.client_cell(data_class)):
                    told = f"for a client's data (`client_owned`) is milder than with the better status {better.status}"
                    yield place, data_class, told
        for place, row in enumerate(self.statuses):
            for lesser, graver in pairwise(RISING):
                if _milder(row.cells[graver], row.cells[lesser]):
                    yield place, graver, f"is milder than that of the lesser class {lesser}"


RISING = (
    DataClass.ANONYMOUS,
    DataClass.ORDINARY,
    DataClass.ELEVATED,
    DataClass.SPECIAL,
    DataClass.CRIMINAL,
)
"""Classes in the order of the harm a leak does."""


def _milder(cell: str, other: str) -> bool:
    """Whether `cell` is milder than `other`, with the legal condition met or without."""
    return any(
        severity(one) < severity(two) for one, two in zip(parse_cell(cell), parse_cell(other), strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause(Sourced):
    """A commitment of the privacy policy, by its id."""

    id: str
    section: str
    commitment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClausesFile:
    """`rules/policy/clauses.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    as_of: date
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """`rules/policy/contact.yaml`: the one contact record, used in every refusal and notice (CONTACT-1)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    company: str
    attention: str
    address: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportFile:
    """`rules/policy/transport.yaml`: what of a message is transport and not data."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    untouched_headers: tuple[str, ...]
    """Lower-case names of headers whose values address or frame the message, or authenticate to the agent."""

    def __post_init__(self) -> None:
        for name in self.untouched_headers:
            if name != name.lower():
                raise ValueError(f"header {name!r} must be written in lower case")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uninspected:
    """One agent that may receive connections nobody can look into; see `core.uninspected`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    agent: str
    protocols: tuple[Literal["tls", "tcp"], ...]
    """`tls`: TLS is not opened (pinned or client certificates). `tcp`: neither TLS nor HTTP."""
    reason: str
    approver: str
    reference: str
    """Where compliance keeps the approval; never its content."""
    valid_from: date
    valid_until: date
    """Last day."""

    def __post_init__(self) -> None:
        if not self.protocols:
            raise ValueError("name at least one protocol: tls, tcp")
        for name in ("reason", "approver", "reference"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty; what leaves uninspected needs one")
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")


@dataclass(frozen=True, slots=True, kw_only=True)
class UninspectedFile:
    """`rules/policy/uninspected.yaml`; a folder without it lets nothing pass uninspected."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    uninspected: tuple[Uninspected, ...]


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """Everything under `rules/`, compiled; known by its digest, swapped as a whole."""

    digest: str
    """SHA-256 over the files, hex; part of every record."""
    as_of: date
    """The oldest `as_of` of the law files: how fresh the law is."""
    instruments: Mapping[str, Instrument]
    tia: Tia
    adequacy: tuple[Adequacy, ...]
    countries: tuple[Country, ...]
    territories: tuple[Territory, ...]
    categories: Mapping[str, Category]
    class_rank: Mapping[DataClass, int]
    decision: DecisionFile
    clauses: Mapping[str, Clause]
    contact: Contact
    transport: TransportFile
    review: ReviewFile
    detection: DetectionRules
    texts: TextsFile
    exemptions: Mapping[str, Exemption]
    company: CompanyFile
    purposes: PurposesFile
    clocks: tuple[Clock, ...]
    rest: Rest
    rights: RightsFile
    complaints: ComplaintsFile
    notice: NoticeFile
    assessment: AssessmentFile
    sources: tuple[Source, ...] = ()
    shadows: tuple[Shadow, ...] = ()
    agents: tuple[Agent, ...] = field(default=())
    uninspected: tuple[Uninspected, ...] = field(default=())
    memory: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out under these rules already, see `core.decide`."""

    @property
    def law_begins(self) -> date:
        """The first day that there is law data for; of days before, the rules know nothing."""
        instruments = min(one.valid_from for one in self.instruments.values())
        return min([instruments, *(one.valid_from for one in self.adequacy)])

    @cached_property
    def status_rules(self) -> Mapping[str, StatusRule]:
        """Rows of the decision table by status."""
        return {rule.status: rule for rule in self.decision.statuses}

    @cached_property
    def cells(self) -> Mapping[tuple[Status, DataClass], tuple[Action, Action]]:
        """Each cell of the decision table: its action with the legal condition met, and without."""
        return {
            (row.status, data_class): parse_cell(cell)
            for row in self.decision.statuses
            for data_class, cell in row.cells.items()
        }

    @cached_property
    def status_rank(self) -> Mapping[Status, int]:
        """Place of each status in the decision table, 0 for the best."""
        return {rule.status: place for place, rule in enumerate(self.decision.statuses)}

    @cached_property
    def adequacy_of(self) -> Mapping[str, tuple[Adequacy, ...]]:
        """Adequacy findings by country."""
        return {
            one.country: tuple(other for other in self.adequacy if other.country == one.country)
            for one in self.adequacy
        }

    @cached_property
    def clock_of(self) -> Mapping[str, Clock]:
        """Clocks by their id."""
        return {one.id: one for one in self.clocks}

    @cached_property
    def rights_law(self) -> RightsLaw:
        """What requests of data subjects run by."""
        return RightsLaw(self.rights, self.clock_of, self.rest)

    @cached_property
    def complaints_law(self) -> ComplaintsLaw:
        """What complaints run by."""
        return ComplaintsLaw(self.complaints, self.clock_of, self.rest)

    @cached_property
    def purpose_ids(self) -> frozenset[str]:
        """Ids of the purposes in the catalogue."""
        return frozenset(one.id for one in self.purposes.purposes)

    @cached_property
    def _compatible(self) -> frozenset[tuple[str, str]]:
        return frozenset((one.collected_for, one.used_for) for one in self.purposes.compatible)

    def is_compatible(self, collected_for: str, used_for: str) -> bool:
        """Whether data collected for one purpose may be used for another (PURPOSE-2)."""
        return collected_for == used_for or (collected_for, used_for) in self._compatible

    @cached_property
    def eea(self) -> frozenset[str]:
        """ISO codes of the EEA states."""
        return frozenset(country.iso2 for country in self.countries if country.in_eea)

    @cached_property
    def origin_of_region(self) -> Mapping[str, Literal["EU", "CH", "outside"]]:
        """Which origin a region counts as; a region that is missing here lies outside."""
        regions: dict[str, Literal["EU", "CH", "outside"]] = {c.iso2: c.origin for c in self.countries}
        for territory in self.territories:
            regions |= dict.fromkeys(territory.iso2, territory.treat_as)
        return regions
