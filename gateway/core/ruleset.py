"""The typed form of `rules/policy/`, and the RuleSet: everything under `rules/`, compiled and immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, ClassVar, Literal

from gateway.core.agent import Agent
from gateway.core.detection import DetectionRules
from gateway.core.law import STRICT, Adequacy, Category, Country, Instrument, Sourced, Status, Territory, Tia
from gateway.core.model import Action, DataClass


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRule:
    """One row of the decision table: what a status means and what follows for each class of data."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    status: Status
    meaning: str
    clauses: tuple[str, ...]
    cells: Mapping[DataClass, str]
    """`pass`, `anonymize`, `hold`, `block`, or `pass_if_condition_else_ACTION`."""

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
    expiring_within_days: int
    never_purposes: tuple[str, ...]
    """Purposes no agent may be registered with (ONWARD-2)."""
    company_role: Literal["controller", "processor"]
    class_clauses: Mapping[DataClass, tuple[str, ...]]
    origin_clauses: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        listed = [rule.status for rule in self.statuses]
        for status in Status.__args__:  # type: ignore[attr-defined]
            if listed.count(status) != 1:
                raise ValueError(f"status {status} must have exactly one row, it has {listed.count(status)}")


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
    detection: DetectionRules
    agents: tuple[Agent, ...] = field(default=())

    @cached_property
    def status_rules(self) -> Mapping[str, StatusRule]:
        """Rows of the decision table by status."""
        return {rule.status: rule for rule in self.decision.statuses}

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
