"""The decision: agent, date, findings and what could not be read, weighed against the policy. Total, and pure.

Rules kept here and nowhere else:
 * Each finding is weighed under every jurisdiction its person may belong to; the most severe cell of all decides.
 * What could not be read is weighed as the class `unread` under both jurisdictions.
 * A transfer in which nothing personal was found counts as anonymous.
 * A wrong purpose, an opt-out or a category outside the agent's profile make an outcome more severe, whatever the
   assurance; a consent makes its own person's findings pass, a granted exemption what it names. None of these helps
   an agent that is suspended or unknown.
 * There is no outcome but the four actions: whatever has no rule is blocked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time

from gateway.core.agent import Agent
from gateway.core.assurance import Exporter, Standing, standing_on
from gateway.core.choice import NOBODY_CHOSE, Choice, Choices
from gateway.core.exemption import Grant
from gateway.core.law import Jurisdiction, Status
from gateway.core.model import GRAVE, Action, DataClass, Finding, Inspection, Origin, severity
from gateway.core.origin import BOTH, jurisdictions, origin_of
from gateway.core.ruleset import RuleSet
from gateway.core.source import Source
from gateway.core.texts import CATEGORY, Reason, because

UNREGISTERED = "unregistered"
"""Agent id that every destination outside the register shares."""
HOPELESS: frozenset[Status] = frozenset({"suspended", "unknown_agent"})
"""Statuses that neither a consent nor an exemption helps."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision rests on, looked up once; from here on nothing reads a clock or a store."""

    agent: Agent | None
    day: date
    purpose: str | None = None
    declared: frozenset[Jurisdiction] = BOTH
    """What is known of the sender's data beforehand; narrows unknown origins only. Empty: it lies outside."""
    source: Source | None = None
    choices: Choices = NOBODY_CHOSE
    grants: tuple[Grant, ...] = ()
    """Exemptions on record for the agent."""
    at: datetime | None = None
    """Time of the transfer, for exemptions that end by the hour; None means the end of the day."""

    @property
    def moment(self) -> datetime:
        """The time by which exemptions are judged."""
        return self.at or datetime.combine(self.day, time.max, UTC)


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to be weighed: data of one class and origin."""

    data_class: DataClass
    origin: Origin
    hr: bool = False
    category: str = ""
    """Id of a category of `law/categories.yaml`; empty where none is known."""
    choice: Choice = Choice.NONE


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
    because: tuple[Reason, ...] = ()
    """`why`, before it was put into words."""
    grant: str = ""
    """Id of the exemption that opened it, to be used up before anything leaves."""
    would: Action | None = None
    """What would have happened without shadow mode."""


REASONS = (
    "approved",
    "no-personal-data",
    "out-of-scope",
    "assured",
    "not-assured",
    "condition-missing",
    "uninspectable",
    "uneditable",
    "uninspected",
    "purpose-mismatch",
    "outside-profile",
    "opted-out",
    "consent",
    "exemption",
    "suspended",
    "unregistered",
)


@dataclass(frozen=True, slots=True)
class _Outcome:
    action: Action
    matter: Matter
    standing: Standing
    jurisdiction: Jurisdiction
    personal: bool
    """False for what is anonymous, aggregate, or of a person outside the scope."""
    rule: str
    reason: str = ""
    """Empty where the table alone decided."""
    clauses: tuple[str, ...] = ()
    said: tuple[Reason, ...] = ()


@dataclass(slots=True)
class _Weighing:
    """One transfer on the scales: what does not depend on the single finding is worked out once."""

    facts: Facts
    rules: RuleSet
    purpose_fault: Reason | None = None
    _standings: dict[tuple[Jurisdiction, bool], Standing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.purpose_fault = _purpose_fault(self.facts, self.rules)

    def standing(self, origin: Jurisdiction, *, hr: bool) -> Standing:
        known = self._standings.get((origin, hr))
        if known is None:
            facts = self.facts
            exporter = facts.source.role if facts.source else self.rules.decision.company_role
            known = _standing(facts.agent, origin, facts.day, self.rules, hr, exporter)
            self._standings[origin, hr] = known
        return known

    def worst(self, matter: Matter) -> _Outcome:
        """The most severe outcome of one matter over the jurisdictions it falls under."""
        under = sorted(jurisdictions(matter.origin, self.facts.declared))
        if not under:
            return self._outcome(DataClass.ANONYMOUS, matter, "EU")
        outcomes = [self._outcome(matter.data_class, matter, one) for one in under]
        return outcomes[0] if len(outcomes) == 1 else max(outcomes, key=_severity)

    def _outcome(self, weighed: DataClass, matter: Matter, under: Jurisdiction) -> _Outcome:
        standing = self.standing(under, hr=matter.hr)
        personal = weighed not in (DataClass.ANONYMOUS, DataClass.AGGREGATE)
        rule = f"table/{standing.status}/{weighed}"
        action = _act(self.facts, weighed, standing, self.rules)
        outcome = self._by_client(_Outcome(action, matter, standing, under, personal, rule))
        # Whoever has opted out is left out wherever they live; all else concerns people in scope only.
        if matter.choice is not Choice.NONE:
            outcome = max(outcome, self._by_choice(outcome), key=_severity)
        if not personal or standing.status in HOPELESS:
            return outcome
        if matter.choice is Choice.CONSENTED and matter.data_class in self.rules.decision.consent_classes:
            said = (because("consent", agent=_name(self.facts)),)
            outcome = replace(
                outcome,
                action=Action.PASS,
                rule="consent",
                reason="consent",
                clauses=("DEF-5",),
                said=said,
            )
        for more_severe in (self._by_purpose, self._by_profile):
            other = more_severe(outcome)
            if severity(other.action) > severity(outcome.action):
                outcome = other
        return outcome

    def _by_purpose(self, outcome: _Outcome) -> _Outcome:
        if self.purpose_fault is None:
            return outcome
        return replace(
            outcome,
            action=Action.BLOCK,
            rule="purpose-mismatch",
            reason="purpose-mismatch",
            clauses=("PURPOSE-2",),
            said=(self.purpose_fault,),
        )

    def _by_client(self, outcome: _Outcome) -> _Outcome:
        """A client's data is not edited on the company's own account: the client is asked, or it stays (COLLECT-2)."""
        source, becomes = self.facts.source, self.rules.status_rules[outcome.standing.status].client_owned
        if source is None or source.role != "processor" or becomes is None:
            return outcome
        if outcome.action is not Action.ANONYMIZE:
            return outcome
        return replace(
            outcome,
            action=becomes,
            rule="client-owned",
            clauses=("COLLECT-2",),
            said=(because("client-owned", source=source.name),),
        )

    def _by_choice(self, outcome: _Outcome) -> _Outcome:
        match outcome.matter.choice:
            case Choice.OPTED_OUT:
                clause, said = "CHOICE-1", because("opted-out", agent=_name(self.facts))
            case Choice.OBJECTED:
                clause, said = "CHOICE-2", because("objected", purpose=self.facts.purpose or "-")
            case _:
                return outcome
        return replace(
            outcome,
            action=self.rules.decision.opted_out,
            rule=str(outcome.matter.choice),
            reason="opted-out",
            clauses=(clause,),
            said=(said,),
        )

    def _by_profile(self, outcome: _Outcome) -> _Outcome:
        """A category the agent or the source has not declared is removed or stopped (INTEG-1, COLLECT-3)."""
        category, facts = outcome.matter.category, self.facts
        if not category:
            return outcome
        if facts.agent is not None and category not in facts.agent.categories:
            said = because("outside-profile", agent=facts.agent.name, category=category)
        elif facts.source is not None and facts.source.categories and category not in facts.source.categories:
            said = because("outside-source", source=facts.source.name, category=category)
        else:
            return outcome
        return replace(
            outcome,
            action=self.rules.decision.outside_profile,
            rule="outside-profile",
            reason="outside-profile",
            clauses=("INTEG-1",),
            said=(said,),
        )


def _severity(outcome: _Outcome) -> int:
    return severity(outcome.action)


MEMORIES = 100_000
"""Most standings and decisions remembered; beyond it all are forgotten and worked out anew."""


def _standing(
    agent: Agent | None, origin: Jurisdiction, day: date, rules: RuleSet, hr: bool, exporter: Exporter
) -> Standing:
    """`standing_on`, worked out once for each agent, day and question."""
    key = (id(agent), origin, day, hr, exporter)
    known = rules.memory.get(key)
    if known is None:
        known = agent, standing_on(agent, origin, day, rules, hr=hr, exporter=exporter)
        _remember(rules, key, known)
    standing: Standing = known[1]
    return standing


def _remember(rules: RuleSet, key: tuple[object, ...], known: tuple[object, ...]) -> None:
    """Keep what was worked out, with the agent beside it: its id is its own for as long as it lives."""
    if len(rules.memory) >= MEMORIES:
        rules.memory.clear()
    rules.memory[key] = known


def decide(facts: Facts, inspection: Inspection, rules: RuleSet) -> Decision:
    """Weigh one inspected transfer. Every input has an outcome.

    Source: privacy policy, onward transfer (ONWARD-1 to ONWARD-7, EXC-1 to EXC-3), definition (DEF-1 to DEF-5), scope
    (SCOPE-1, SCOPE-3), choice (CHOICE-1, CHOICE-2), integrity (INTEG-1).
    """
    choices = facts.choices.spread(inspection.findings)
    matters = [matter_of(finding, rules, choices.of(finding)) for finding in inspection.findings]
    hr = any(matter.hr for matter in matters)
    weighed = [_also_as_hr(matter, hr=hr) for matter in matters]
    everything = {matter for several in weighed for matter in several}
    if inspection.unread:
        everything.update(_also_as_hr(Matter(DataClass.UNREAD, Origin.UNKNOWN), hr=hr))
    decision = decide_matters(facts, everything, rules)
    if decision.action is not Action.ANONYMIZE:
        return decision
    scales = _Weighing(facts, rules)
    kept = {matter: scales.worst(matter).action is Action.PASS for matter in everything}
    remove = tuple(
        finding
        for finding, several in zip(inspection.findings, weighed, strict=True)
        if not all(kept[one] for one in several)
    )
    return replace(decision, remove=remove)


def _also_as_hr(matter: Matter, *, hr: bool) -> tuple[Matter, ...]:
    """In a transfer with data of employees, everything is weighed as such too, and as what it is by itself."""
    return (matter, replace(matter, hr=True)) if hr and not matter.hr else (matter,)


def decide_matters(facts: Facts, matters: Iterable[Matter], rules: RuleSet) -> Decision:
    """Weigh matters without any traffic: what `onward explain` and simulations ask."""
    asked = frozenset(matters)
    if facts.grants:
        return _weigh(facts, asked, rules)
    # Traffic repeats itself: the same kinds of data to the same agent, thousands of times a day.
    key = (id(facts.agent), facts.day, facts.purpose, facts.declared, id(facts.source), asked)
    known = rules.memory.get(key)
    if known is None:
        known = facts.agent, facts.source, _weigh(facts, asked, rules)
        _remember(rules, key, known)
    decision: Decision = known[2]
    return decision


def _weigh(facts: Facts, matters: frozenset[Matter], rules: RuleSet) -> Decision:
    # A transfer that holds nothing personal is judged as anonymous: only a suspended agent is refused it.
    known = sorted(matters, key=_order) or [Matter(DataClass.ANONYMOUS, Origin.UNKNOWN)]
    scales = _Weighing(facts, rules)
    outcomes = [scales.worst(matter) for matter in known]
    worst = max(outcomes, key=_severity)
    if worst.action is not Action.PASS:
        for grant in facts.grants:
            if _opens(grant, facts, outcomes, rules):
                return _opened(grant, _decision(facts, worst, outcomes, rules), rules)
    return _decision(facts, worst, outcomes, rules)


def _order(matter: Matter) -> tuple[str, ...]:
    return matter.data_class, matter.origin, str(matter.hr), matter.category, matter.choice


def without_editing(decision: Decision, rules: RuleSet) -> Decision:
    """What a decision to anonymize becomes where the message's format cannot be edited safely."""
    return replace(
        decision,
        action=Action(rules.decision.uneditable_becomes),
        rule="uneditable",
        reason="uneditable",
        clauses=tuple(dict.fromkeys((*decision.clauses, *rules.decision.uneditable_clauses))),
        why=f"{decision.why} It cannot be taken out of a message of this form, e.g. of a signed or binary file.",
        remove=(),
    )


def matter_of(finding: Finding, rules: RuleSet, choice: Choice = Choice.NONE) -> Matter:
    """Class, origin and HR mark of one finding. A category nobody defined is weighed as criminal data."""
    category = rules.categories.get(finding.category)
    if category is None:
        return Matter(DataClass.CRIMINAL, Origin.UNKNOWN, choice=choice)
    return Matter(category.data_class, origin_of(finding, rules), category.hr, category.id, choice)


def _act(facts: Facts, data_class: DataClass, standing: Standing, rules: RuleSet) -> Action:
    with_condition, without = rules.cells[standing.status, data_class]
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


def _purpose_fault(facts: Facts, rules: RuleSet) -> Reason | None:
    """Why what the data is sent for does not fit the agent, or what it was collected for (PURPOSE-2)."""
    agent, source = facts.agent, facts.source
    if agent is None:
        return None
    if facts.purpose is not None and facts.purpose not in agent.purposes:
        return because("purpose-mismatch", agent=agent.name, purpose=facts.purpose)
    if source is None or not source.purposes:
        return None
    used_for = agent.purposes if facts.purpose is None else (facts.purpose,)
    if any(rules.is_compatible(one, other) for one in source.purposes for other in used_for):
        return None
    collected = ", ".join(source.purposes)
    return because("source-purpose", agent=agent.name, source=source.name, purposes=collected)


def _opens(grant: Grant, facts: Facts, outcomes: Iterable[_Outcome], rules: RuleSet) -> bool:
    """Whether a granted exemption covers all that would not pass by itself, to the extent it names and no more."""
    rule = rules.exemptions.get(grant.exemption)
    if rule is None or facts.agent is None or grant.agent != facts.agent.id:
        return False
    if facts.purpose not in (None, grant.purpose) or not grant.covers(rule, facts.moment):
        return False
    for outcome in outcomes:
        matter = outcome.matter
        if outcome.action is Action.PASS:
            continue
        if outcome.standing.status in HOPELESS or matter.data_class is DataClass.UNREAD:
            return False
        if matter.category not in grant.categories or matter.data_class in rule.never_for:
            return False
        if not jurisdictions(matter.origin, facts.declared) <= set(grant.origins):
            return False
        if matter.choice in (Choice.OPTED_OUT, Choice.OBJECTED) and not rule.overrides_choice:
            return False
    return True


def _opened(grant: Grant, decision: Decision, rules: RuleSet) -> Decision:
    rule = rules.exemptions[grant.exemption]
    said = (because("exemption", exemption=rule.id, grant=grant.id), *decision.because)
    return replace(
        decision,
        action=Action.PASS,
        rule=f"exemption/{rule.id}",
        reason="exemption",
        clauses=tuple(dict.fromkeys((*((rule.clause,) if rule.clause else ()), *decision.clauses))),
        because=said,
        why=_in_words(said, rules),
        grant=grant.id,
    )


def _decision(facts: Facts, worst: _Outcome, outcomes: Sequence[_Outcome], rules: RuleSet) -> Decision:
    matter, standing = worst.matter, worst.standing
    personal = [
        one.matter
        for one in outcomes
        if one.matter.data_class not in (DataClass.ANONYMOUS, DataClass.AGGREGATE)
    ]
    clauses = [
        *worst.clauses,
        *rules.status_rules[standing.status].clauses,
        *rules.decision.class_clauses.get(matter.data_class, ()),
    ]
    if personal:
        # The table is keyed by origin as written there; unknown has clauses of its own beside those of the law applied.
        clauses += rules.decision.origin_clauses.get(worst.jurisdiction, ())
        if matter.origin is Origin.UNKNOWN:
            clauses += rules.decision.origin_clauses.get(Origin.UNKNOWN, ())
    said = _said(facts, worst, rules, personal=bool(personal))
    return Decision(
        action=worst.action,
        status=standing.status,
        rule=worst.rule,
        reason=worst.reason
        or _reason(worst, personal=bool(personal), in_scope=any(o.personal for o in outcomes)),
        clauses=tuple(dict.fromkeys(clauses)),
        why=_in_words(said, rules),
        agent=facts.agent.id if facts.agent else UNREGISTERED,
        origins=tuple(sorted({m.origin for m in personal})),
        classes=tuple(sorted({m.data_class for m in personal})),
        because=said,
    )


def _reason(worst: _Outcome, *, personal: bool, in_scope: bool) -> str:
    match worst:
        case _Outcome(standing=Standing(status="suspended")):
            return "suspended"
        case _Outcome(action=Action.PASS) if personal and not in_scope:
            return "out-of-scope"
        case _Outcome(action=Action.PASS):
            return "assured" if personal else "no-personal-data"
        case _Outcome(matter=Matter(data_class=DataClass.UNREAD)):
            return "uninspectable"
        case _Outcome(standing=Standing(status="unknown_agent")):
            return "unregistered"
        case _Outcome(standing=standing) if standing.complete:
            return "condition-missing"
    return "not-assured"


def _name(facts: Facts) -> str | Reason:
    return facts.agent.name if facts.agent else because("the-destination")


def _said(facts: Facts, worst: _Outcome, rules: RuleSet, *, personal: bool) -> tuple[Reason, ...]:
    """What the agent is worth today, why, and what the transfer holds. No values of the transfer, ever."""
    standing = worst.standing
    judged: str | Reason = ""
    if personal and worst.matter.origin is Origin.UNKNOWN and len(facts.declared) != 1:
        judged = because("judged/unknown")
    elif personal:
        judged = because(f"judged/{worst.jurisdiction}")
    said = [*worst.said, because(f"status/{standing.status}", agent=_name(facts), judged=judged)]
    if facts.agent is not None:
        said += standing.reasons
    if worst.matter.data_class is DataClass.UNREAD:
        said.append(because("part-unread"))
    elif worst.matter.data_class is DataClass.AGGREGATE:
        said.append(because("aggregate"))
    elif not personal:
        said.append(because("nothing-personal"))
    elif not worst.personal and worst.action is Action.PASS:
        said.append(because("out-of-scope"))
    elif worst.action is not Action.PASS:
        said.append(because("personal", **{"class": worst.matter.data_class}))
        category = rules.categories.get(worst.matter.category)
        if category is not None and category.data_class in GRAVE:
            said.append(because("told", what=because(f"{CATEGORY}{category.id}"), source=category.source))
    return tuple(said)


def _in_words(said: Iterable[Reason], rules: RuleSet, language: str | None = None) -> str:
    return " ".join(rules.texts.say(one, language) for one in said)


def in_words(decision: Decision, rules: RuleSet, language: str | None = None) -> str:
    """The explanation in another language than the default one."""
    return _in_words(decision.because, rules, language)
