"""Weaker assurance, one more finding or one fact less never makes an outcome milder.

`make monotone` tries tens of thousands of cases; the suite a smaller number of the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.agent import Agent, Assurance, Condition, Entity, SubProcessor
from gateway.core.choice import Choices
from gateway.core.decide import Facts, decide
from gateway.core.model import Action, Evidence, Finding, Inspection, Unread, severity
from tests.policy.builders import NOON, RULES, TODAY, a_grant, a_source, an_agent, assurance, day, tia

CATEGORIES = sorted(RULES.categories)
REGIONS = [None, "DE", "PL", "CH", "NO", "US"]
PRINTS = ["", "hmac-1", "hmac-2", "hmac-3"]

findings = st.builds(
    Finding,
    address=st.sampled_from(["body.json:/a/x", "body.json:/a/y", "body.json:/b/x"]),
    start=st.integers(0, 3),
    end=st.integers(51, 54),
    entity=st.sampled_from(["PERSON", "IBAN_CODE", "EMAIL_ADDRESS"]),
    score=st.just(0.9),
    category=st.sampled_from(CATEGORIES),
    region=st.sampled_from(REGIONS),
    evidence=st.sampled_from(Evidence),
    fingerprint=st.sampled_from(PRINTS),
)


@st.composite
def entries(draw: st.DrawFn) -> Assurance:
    instrument = draw(st.sampled_from(sorted(RULES.instruments)))
    items = [item.key for item in RULES.instruments[instrument].must_show]
    return assurance(
        instrument,
        draw(st.sampled_from(["2001-01-01", "2022-01-01", "2026-01-01", "2027-01-01"])),
        draw(st.sampled_from([None, "2026-11-23", "2026-11-24", "2030-01-01"])),
        without=tuple(draw(st.sets(st.sampled_from(items), max_size=1))) if items else (),
        tia=draw(st.sampled_from([None, tia(), tia(assessed_on="2020-01-01")])),
        covers=draw(st.sampled_from([("non_hr",), ("hr",), ("hr", "non_hr")])),
    )


conditions = st.sampled_from(["special", "criminal"]).map(
    lambda data_class: Condition(
        data_class=data_class,
        condition="law",
        valid_from=day("2026-01-01"),
        valid_until=day("2026-12-31"),
        approver="dpo",
        reference="C-1",
    )
)
agents = st.builds(
    lambda entries, country, due, categories, conditions: an_agent(
        *entries,
        country=country,
        review_due=due,
        categories=tuple(sorted(categories)),
        conditions=tuple(conditions),
        group_member=True,
    ),
    st.lists(entries(), max_size=3),
    st.sampled_from(["US", "DE", "CH", "GB", "IN", "CA"]),
    st.sampled_from(["2026-01-01", "2030-01-01", "2030-01-01"]),
    st.just(set(CATEGORIES)) | st.sets(st.sampled_from(CATEGORIES), min_size=10),
    st.lists(conditions, max_size=2),
)
inspections = st.builds(
    Inspection,
    findings=st.lists(findings, max_size=4, unique=True).map(tuple),
    unread=st.sampled_from([(), (), (Unread("body:", "bad-syntax"),)]),
    segments=st.just(1),
    characters=st.just(90),
)
prints = st.frozensets(st.sampled_from(PRINTS[1:]), max_size=2)
choices = st.builds(Choices, opted_out=prints, objected=prints, consented=prints)
grants = st.lists(
    st.builds(
        lambda exemption, categories, origins: a_grant(exemption, categories=categories, origins=origins),
        st.sampled_from(["EXC-LEGAL-PROCESS", "EXC-PUBLIC", "ART49-B"]),
        st.sets(st.sampled_from(CATEGORIES), min_size=1).map(sorted).map(tuple),
        st.sampled_from([("EU",), ("CH",), ("EU", "CH")]),
    ),
    max_size=2,
).map(tuple)
sources = st.sampled_from(
    [
        None,
        a_source(),
        a_source(purposes=("orders",)),
        a_source(categories=("identity", "contact")),
        a_source(role="processor", client="A Client"),
    ]
)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    return Facts(
        draw(agents),
        TODAY,
        purpose=draw(st.sampled_from(["support", "support", "marketing"])),
        declared=draw(st.sampled_from([{"EU"}, {"CH"}, {"EU", "CH"}, set()]).map(frozenset)),
        source=draw(sources),
        choices=draw(choices),
        grants=draw(grants),
        at=NOON + timedelta(minutes=1),
    )


def rank(facts: Facts, inspection: Inspection) -> int:
    return severity(decide(facts, inspection, RULES).action)


@given(facts(), inspections, findings)
def test_one_more_finding_is_never_milder(facts: Facts, inspection: Inspection, extra: Finding):
    more = replace(inspection, findings=(*inspection.findings, extra))

    assert rank(facts, more) >= rank(facts, inspection)


@given(facts(), inspections)
def test_one_part_more_that_cannot_be_read_is_never_milder(facts: Facts, inspection: Inspection):
    more = replace(inspection, unread=(*inspection.unread, Unread("body:", "too-deep")))

    assert rank(facts, more) >= rank(facts, inspection)


UNASSURED = SubProcessor(entity=Entity(name="Sub", country="IN"), processing_countries=("IN",))
Weaken = Callable[[Agent, Assurance], Agent]


def _entry(**changes: object) -> Weaken:
    def weaken(agent: Agent, entry: Assurance) -> Agent:
        changed = replace(entry, **changes)  # type: ignore[arg-type]
        return replace(agent, assurances=tuple(changed if e is entry else e for e in agent.assurances))

    return weaken


WEAKER: dict[str, Weaken] = {
    "an assurance is lost": lambda agent, entry: replace(
        agent, assurances=tuple(one for one in agent.assurances if one is not entry)
    ),
    "its evidence is lost": _entry(evidence=None),
    "nothing is shown any more": _entry(shown=()),
    "the impact assessment is lost": _entry(tia=None),
    "the impact assessment fails": _entry(tia=tia("measures_insufficient")),
    "it ended yesterday": _entry(valid_until=day("2026-11-23")),
    "it was taken off the list": _entry(list_status="INACTIVE-LAPSE"),
    "it is another entity's": _entry(entity="Another, Inc."),
    "it covers nothing": _entry(covers=()),
    "its module is unknown": _entry(module=None),
    "a doubt is noted": _entry(doubts=("a doubt",)),
    "the review is overdue": lambda agent, entry: replace(agent, review_due=day("2026-01-01")),
    "the profile is overdue": lambda agent, entry: replace(agent, profile_due=day("2026-01-01")),
    "it is suspended": lambda agent, entry: an_agent(*agent.assurances, suspended_since="2026-11-24"),
    "a sub-processor joins": lambda agent, entry: replace(agent, sub_processors=(UNASSURED,)),
    "it leaves the group": lambda agent, entry: replace(agent, group_member=False),
    "it processes in one country more": lambda agent, entry: replace(
        agent, processing_countries=(*agent.processing_countries, "IN")
    ),
    "it declares fewer categories": lambda agent, entry: replace(agent, categories=agent.categories[:1]),
    "it has other purposes": lambda agent, entry: replace(agent, purposes=("interests",)),
    "its conditions are lost": lambda agent, entry: replace(agent, conditions=()),
}
NO_ENTRY = assurance("adequate-law")


@given(facts(), inspections, st.sampled_from(sorted(WEAKER)), st.integers(0, 2))
def test_ONWARD_3_whatever_weakens_an_agent_is_never_milder(
    facts: Facts, inspection: Inspection, how: str, place: int
):
    assert facts.agent is not None
    entries = facts.agent.assurances
    weaker = WEAKER[how](facts.agent, entries[place % len(entries)] if entries else NO_ENTRY)

    assert rank(replace(facts, agent=weaker), inspection) >= rank(facts, inspection)


LOSSES: dict[str, Callable[[Facts], Facts]] = {
    "the declared origin": lambda facts: replace(facts, declared=frozenset({"EU", "CH"})),
    "the consents": lambda facts: replace(facts, choices=replace(facts.choices, consented=frozenset())),
    "the exemptions": lambda facts: replace(facts, grants=()),
    "the agent": lambda facts: replace(facts, agent=None),
}


@given(facts(), inspections, st.sampled_from(sorted(LOSSES)))
def test_ONWARD_4_losing_a_fact_is_never_milder(facts: Facts, inspection: Inspection, what: str):
    if what == "the agent" and facts.choices.opted_out | facts.choices.objected:
        facts = replace(facts, choices=replace(facts.choices, opted_out=frozenset(), objected=frozenset()))
    before, after = rank(facts, inspection), rank(LOSSES[what](facts), inspection)

    assert after >= before


@given(facts(), inspections, prints, st.sampled_from(["opted_out", "objected"]))
def test_CHOICE_1_CHOICE_2_one_more_refusal_is_never_milder(
    facts: Facts, inspection: Inspection, more: frozenset[str], register: str
):
    chosen = replace(facts.choices, **{register: getattr(facts.choices, register) | more})

    assert rank(replace(facts, choices=chosen), inspection) >= rank(facts, inspection)


@given(facts(), inspections)
def test_a_suspended_agent_receives_nothing(facts: Facts, inspection: Inspection):
    assert facts.agent is not None
    suspended = an_agent(*facts.agent.assurances, suspended_since="2026-11-24")

    assert rank(replace(facts, agent=suspended), inspection) == severity(Action.BLOCK)


@given(facts(), inspections)
def test_what_is_to_be_anonymized_names_what_must_go(facts: Facts, inspection: Inspection):
    decision = decide(facts, inspection, RULES)

    assert bool(decision.remove) == (decision.action is Action.ANONYMIZE)
