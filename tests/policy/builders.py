"""Builders whose defaults are innocent, so that a test shows only what matters."""

from __future__ import annotations

from datetime import date

from gateway.core.agent import (
    Agent,
    Assurance,
    Condition,
    Entity,
    EvidenceOnFile,
    Match,
    Suspension,
    TiaOnFile,
)
from gateway.core.decide import Decision, Facts, decide
from gateway.core.model import Evidence, Finding, Inspection, Unread
from gateway.core.ruleset import RuleSet
from gateway.rulefiles import load_rules
from gateway.settings import shipped

TODAY = date(2026, 11, 24)
RULES: RuleSet = load_rules(shipped("rules"))


def day(text: str) -> date:
    return date.fromisoformat(text)


def evidence(checked_on: str = "2000-01-01") -> EvidenceOnFile:
    return EvidenceOnFile(reference="DOC-1", checked_on=day(checked_on), checked_by="compliance")


def all_items_of(instrument: str) -> tuple[str, ...]:
    return tuple(item.key for item in RULES.instruments[instrument].must_show)


def assurance(
    instrument: str,
    since: str = "2000-01-01",
    until: str | None = None,
    *,
    without: tuple[str, ...] = (),
    **changes: object,
) -> Assurance:
    """A checked entry with every item its instrument asks for, but those named in `without`."""
    values: dict[str, object] = {
        "instrument": instrument,
        "valid_from": day(since),
        "valid_until": day(until) if until else None,
        "evidence": evidence(),
        "shown": tuple(key for key in all_items_of(instrument) if key not in without),
        "module": 2 if RULES.instruments[instrument].modules else None,
    }
    return Assurance(**(values | changes))  # type: ignore[arg-type]


def tia(outcome: str = "measures_effective", assessed_on: str = "2026-06-01") -> TiaOnFile:
    return TiaOnFile(outcome=outcome, assessed_on=day(assessed_on), reference="TIA-1")  # type: ignore[arg-type]


def an_agent(
    *assurances: Assurance,
    country: str = "US",
    role: str = "processor",
    processing: tuple[str, ...] | None = None,
    review_due: str = "2099-12-31",
    suspended_since: str | None = None,
    conditions: tuple[Condition, ...] = (),
) -> Agent:
    return Agent(
        id="agent",
        name="Agent",
        match=(Match(host="agent.example.org"),),
        entity=Entity(name="Agent, Inc.", country=country),
        role=role,  # type: ignore[arg-type]
        purposes=("support",),
        categories=("identity", "contact"),
        processing_countries=processing if processing is not None else (country,),
        review_due=day(review_due),
        assurances=assurances,
        suspended=Suspension(since=day(suspended_since), reason="stopped") if suspended_since else None,
        conditions=conditions,
    )


def a_name() -> Finding:
    """A person's name: no region, so of unknown origin."""
    return Finding("body.json:/name", 0, 12, "PERSON", 0.9, "identity")


def an_identifier(region: str = "PL", entity: str = "PL_PESEL") -> Finding:
    """A national number with a check digit: proof of its region."""
    return Finding("body.json:/id", 0, 11, entity, 0.95, "identifier_national", region, Evidence.PROOF)


def a_phone(region: str = "DE") -> Finding:
    return Finding("body.json:/phone", 0, 13, "PHONE_NUMBER", 0.8, "contact", region, Evidence.HINT)


def health_data(region: str = "DE") -> Finding:
    return Finding("body.json:/note", 0, 10, "MEDICAL_HISTORY", 0.8, "health", region, Evidence.PROOF)


def staff_data(region: str = "DE") -> Finding:
    return Finding("body.json:/employee", 0, 10, "EMPLOYEE_ID", 0.8, "employment", region, Evidence.PROOF)


def inspected(*findings: Finding, unread: tuple[Unread, ...] = ()) -> Inspection:
    return Inspection(findings, unread, segments=1, characters=100)


def decided(
    agent: Agent | None,
    *findings: Finding,
    on: date = TODAY,
    unread: tuple[Unread, ...] = (),
    purpose: str | None = None,
    rules: RuleSet = RULES,
) -> Decision:
    return decide(Facts(agent, on, purpose), inspected(*findings, unread=unread), rules)
