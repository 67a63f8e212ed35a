"""Builders whose defaults are innocent, so that a test shows only what matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

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
from gateway.core.exemption import Grant
from gateway.core.model import Evidence, Finding, Inspection, Unread
from gateway.core.ruleset import RuleSet
from gateway.core.source import Source, SourceMatch
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
    **changes: object,
) -> Agent:
    values: dict[str, object] = {
        "id": "agent",
        "name": "Agent",
        "match": (Match(host="agent.example.org"),),
        "entity": Entity(name="Agent, Inc.", country=country),
        "role": role,
        "purposes": ("support",),
        "categories": tuple(RULES.categories),
        "processing_countries": processing if processing is not None else (country,),
        "review_due": day(review_due),
        "assurances": assurances,
        "suspended": Suspension(since=day(suspended_since), reason="stopped") if suspended_since else None,
        "conditions": conditions,
    }
    return Agent(**(values | changes))  # type: ignore[arg-type]


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
    **facts: object,
) -> Decision:
    known = Facts(agent, on, purpose, **facts)  # type: ignore[arg-type]
    return decide(known, inspected(*findings, unread=unread), rules)


def says(decision: Decision, words: str) -> bool:
    """Whether the explanation holds these words."""
    return words in decision.why


def with_company(rules: RuleSet = RULES, **changes: object) -> RuleSet:
    """The rules with another company file."""
    return replace(rules, company=replace(rules.company, **changes))  # type: ignore[arg-type]


def a_source(**changes: object) -> Source:
    values: dict[str, object] = {
        "id": "shop",
        "name": "Shop",
        "entity": "parent",
        "match": SourceMatch(networks=("192.0.2.0/24",)),
    }
    return Source(**(values | changes))  # type: ignore[arg-type]


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def a_grant(exemption: str, **changes: object) -> Grant:
    """A grant with everything the exemption asks for, approved by a second person."""
    rule = RULES.exemptions[exemption]
    values: dict[str, object] = {
        "id": "G-1",
        "exemption": exemption,
        "requester": "anna",
        "agent": "agent",
        "categories": ("identifier_national", "identity"),
        "origins": ("EU", "CH"),
        "people": "1",
        "purpose": "support",
        "necessity": "asked for by the court",
        "evidence": "FILE-1",
        "record": {item.key: (item.only_if or ("told",))[0] for item in rule.record},
        "granted_at": NOON,
        "expires_at": NOON + timedelta(hours=2),
        "approver": "ben",
        "approved_at": NOON,
    }
    return Grant(**(values | changes))  # type: ignore[arg-type]
