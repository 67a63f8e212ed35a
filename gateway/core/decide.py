"""The decision: agent, date, findings and what could not be read, weighed against the policy. Total, and pure.

Rules kept here and nowhere else:
 * Each finding is weighed under every jurisdiction its person may belong to; the most severe cell of all decides.
 * What could not be read is weighed as the class `unread` under both jurisdictions.
 * A transfer in which nothing personal was found counts as anonymous.
 * A purpose the agent is not registered for turns a pass into a block.
 * There is no outcome but the four actions: whatever has no rule is blocked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from gateway.core.agent import Agent
from gateway.core.assurance import Standing, standing_on
from gateway.core.law import Jurisdiction, Status
from gateway.core.model import Action, DataClass, Finding, Inspection, Origin, severity
from gateway.core.origin import BOTH, jurisdictions, origin_of
from gateway.core.ruleset import RuleSet, parse_cell

UNREGISTERED = "unregistered"
"""Agent id that every destination outside the register shares."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision rests on, looked up once; from here on nothing reads a clock or a store."""

    agent: Agent | None
    day: date
    purpose: str | None = None
    declared: frozenset[Jurisdiction] = BOTH
    """What is known of the sender's data beforehand; narrows unknown origins only."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to be weighed: data of one class and origin."""

    data_class: DataClass
    origin: Origin
    hr: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a transfer, with the rule and clauses that led there."""

    action: Action
    status: Status
    rule: str
    """`table/STATUS/CLASS` for a cell of the decision table, else the name of the rule that overrode it."""
    reason: str
    """One of a closed set, see `REASONS`; a metric label."""
    clauses: tuple[str, ...]
    why: str
    agent: str
    origins: tuple[Origin, ...]
    classes: tuple[DataClass, ...]
    remove: tuple[Finding, ...] = ()
    """The findings an anonymized message must no longer hold."""


REASONS = (
    "no-personal-data",
    "assured",
    "not-assured",
    "condition-missing",
    "uninspectable",
    "purpose-mismatch",
    "suspended",
    "unregistered",
)


@dataclass(frozen=True, slots=True)
class _Outcome:
    action: Action
    matter: Matter
    standing: Standing
    jurisdiction: Jurisdiction


def decide(facts: Facts, inspection: Inspection, rules: RuleSet) -> Decision:
    """Weigh one inspected transfer. Every input has an outcome.

    Source: privacy policy, onward transfer (ONWARD-1 to ONWARD-4), definition (DEF-1), scope (SCOPE-1, SCOPE-3).
    """
    matters = {finding: matter_of(finding, rules) for finding in inspection.findings}
    hr = any(matter.hr for matter in matters.values())
    weighed = {finding: _also_as_hr(matter, hr=hr) for finding, matter in matters.items()}
    everything = [matter for several in weighed.values() for matter in several]
    if inspection.unread:
        everything += _also_as_hr(Matter(DataClass.UNREAD, Origin.UNKNOWN), hr=hr)
    decision = decide_matters(facts, everything, rules)
    if decision.action is not Action.ANONYMIZE:
        return decision
    standings = {flag: _standings(facts, rules, hr=flag) for flag in (False, True)}
    remove = tuple(
        finding
        for finding, several in weighed.items()
        if any(_worst(facts, one, standings[one.hr], rules).action is not Action.PASS for one in several)
    )
    return replace(decision, remove=remove)


def _also_as_hr(matter: Matter, *, hr: bool) -> tuple[Matter, ...]:
    """In a transfer with data of employees, everything is weighed as such too, and as what it is by itself."""
    return (matter, replace(matter, hr=True)) if hr and not matter.hr else (matter,)


def decide_matters(facts: Facts, matters: Iterable[Matter], rules: RuleSet) -> Decision:
    """Weigh matters without any traffic: what `onward explain` and simulations ask."""
    # A transfer that holds nothing personal is judged as anonymous: only a suspended agent is refused it.
    known = sorted(set(matters), key=lambda m: (m.data_class, m.origin)) or [
        Matter(DataClass.ANONYMOUS, Origin.UNKNOWN)
    ]
    standings = {hr: _standings(facts, rules, hr=hr) for hr in {matter.hr for matter in known}}
    outcomes = [_worst(facts, matter, standings[matter.hr], rules) for matter in known]
    worst = max(outcomes, key=lambda one: severity(one.action))
    return _decision(facts, worst, known, rules)


def matter_of(finding: Finding, rules: RuleSet) -> Matter:
    """Class, origin and HR mark of one finding. A category nobody defined is weighed as criminal data."""
    category = rules.categories.get(finding.category)
    if category is None:
        return Matter(DataClass.CRIMINAL, Origin.UNKNOWN)
    return Matter(category.data_class, origin_of(finding, rules), category.hr)


def _standings(facts: Facts, rules: RuleSet, *, hr: bool) -> Mapping[Jurisdiction, Standing]:
    return {origin: standing_on(facts.agent, origin, facts.day, rules, hr=hr) for origin in ("EU", "CH")}


def _worst(
    facts: Facts, matter: Matter, standings: Mapping[Jurisdiction, Standing], rules: RuleSet
) -> _Outcome:
    """The most severe outcome of one matter over the jurisdictions it falls under."""
    under = sorted(jurisdictions(matter.origin, facts.declared)) or ["EU"]
    data_class = matter.data_class if matter.origin is not Origin.OUTSIDE else DataClass.ANONYMOUS
    outcomes = [
        _Outcome(_act(facts, data_class, standings[one], rules), matter, standings[one], one) for one in under
    ]
    return max(outcomes, key=lambda one: severity(one.action))


def _act(facts: Facts, data_class: DataClass, standing: Standing, rules: RuleSet) -> Action:
    with_condition, without = parse_cell(rules.status_rules[standing.status].cells[data_class])
    if with_condition is without or _condition_met(facts, data_class):
        return with_condition
    return without


def _condition_met(facts: Facts, data_class: DataClass) -> bool:
    if facts.agent is None:
        return False
    return any(
        one.data_class == data_class and one.valid_from <= facts.day <= one.valid_until
        for one in facts.agent.conditions
    )


def _decision(facts: Facts, worst: _Outcome, matters: list[Matter], rules: RuleSet) -> Decision:
    matter, standing = worst.matter, worst.standing
    action, rule = worst.action, f"table/{standing.status}/{matter.data_class}"
    personal = [m for m in matters if m.data_class not in (DataClass.ANONYMOUS, DataClass.AGGREGATE)]
    clauses = [
        *rules.status_rules[standing.status].clauses,
        *rules.decision.class_clauses.get(matter.data_class, ()),
    ]
    if personal:
        # The table is keyed by origin as written there; unknown has clauses of its own beside those of the law applied.
        clauses += rules.decision.origin_clauses.get(worst.jurisdiction, ())
        if matter.origin is Origin.UNKNOWN:
            clauses += rules.decision.origin_clauses.get(Origin.UNKNOWN, ())
    reason = _reason(worst, personal=bool(personal))
    why = _why(facts, worst, personal=bool(personal), rules=rules)
    mismatch = personal and facts.agent is not None and facts.purpose not in (None, *facts.agent.purposes)
    if mismatch and action is Action.PASS:
        action, rule, reason = Action.BLOCK, "purpose-mismatch", "purpose-mismatch"
        clauses.append("PURPOSE-2")
        why = f"{_name(facts)} is not registered for the purpose `{facts.purpose}`."
    return Decision(
        action=action,
        status=standing.status,
        rule=rule,
        reason=reason,
        clauses=tuple(dict.fromkeys(clauses)),
        why=why,
        agent=facts.agent.id if facts.agent else UNREGISTERED,
        origins=tuple(sorted({m.origin for m in personal})),
        classes=tuple(sorted({m.data_class for m in personal})),
    )


def _reason(worst: _Outcome, *, personal: bool) -> str:
    match worst:
        case _Outcome(standing=Standing(status="suspended")):
            return "suspended"
        case _Outcome(action=Action.PASS):
            return "assured" if personal else "no-personal-data"
        case _Outcome(matter=Matter(data_class=DataClass.UNREAD)):
            return "uninspectable"
        case _Outcome(standing=Standing(status="unknown_agent")):
            return "unregistered"
        case _Outcome(standing=standing) if standing.complete:
            return "condition-missing"
    return "not-assured"


def _name(facts: Facts) -> str:
    return facts.agent.name if facts.agent else "The destination"


def _why(facts: Facts, worst: _Outcome, *, personal: bool, rules: RuleSet) -> str:
    """Plain language: what the agent is worth today, why, and what the transfer holds. No values, ever."""
    standing = worst.standing
    judged = ""
    if personal and worst.matter.origin is Origin.UNKNOWN:
        judged = " (judged for EU and Swiss data, the origin being unknown)"
    elif personal:
        judged = f" (judged for {worst.jurisdiction} data)"
    said = [f"{_name(facts)} {rules.status_rules[standing.status].meaning}{judged}."]
    if facts.agent is not None:
        said += standing.reasons
    if worst.matter.data_class is DataClass.UNREAD:
        said.append("Part of the transfer could not be inspected.")
    elif worst.matter.data_class is DataClass.AGGREGATE:
        said.append("The transfer holds aggregate data from which nobody can be identified.")
    elif not personal:
        said.append("The transfer holds no personal data.")
    elif worst.action is not Action.PASS:
        said.append(f"The transfer holds personal data of class {worst.matter.data_class}.")
    return " ".join(said)
