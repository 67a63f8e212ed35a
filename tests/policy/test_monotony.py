"""Weaker assurance, one more finding or one fact less never makes an outcome milder."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.agent import Agent, Assurance
from gateway.core.decide import Facts, decide
from gateway.core.model import Action, Evidence, Finding, Inspection, Unread, severity
from tests.policy.builders import RULES, TODAY, an_agent, assurance, tia

CATEGORIES = sorted(RULES.categories)
REGIONS = [None, "DE", "PL", "CH", "NO", "US"]

findings = st.builds(
    Finding,
    address=st.just("body.text:"),
    start=st.integers(0, 50),
    end=st.integers(51, 90),
    entity=st.sampled_from(["PERSON", "IBAN_CODE", "EMAIL_ADDRESS"]),
    score=st.just(0.9),
    category=st.sampled_from(CATEGORIES),
    region=st.sampled_from(REGIONS),
    evidence=st.sampled_from(Evidence),
)


@st.composite
def entries(draw: st.DrawFn) -> Assurance:
    instrument = draw(st.sampled_from(sorted(RULES.instruments)))
    items = [item.key for item in RULES.instruments[instrument].must_show]
    return assurance(
        instrument,
        draw(st.sampled_from(["2001-01-01", "2022-01-01", "2026-01-01", "2027-01-01"])),
        draw(st.sampled_from([None, "2026-11-23", "2026-11-24", "2030-01-01"])),
        without=tuple(draw(st.sets(st.sampled_from(items)))) if items else (),
        tia=draw(st.sampled_from([None, tia(), tia(assessed_on="2020-01-01"), tia("measures_insufficient")])),
        covers=draw(st.sampled_from([("non_hr",), ("hr",), ("hr", "non_hr")])),
    )


agents = st.builds(
    lambda entries, country, due: an_agent(*entries, country=country, review_due=due),
    st.lists(entries(), max_size=3),
    st.sampled_from(["US", "DE", "CH", "GB", "IN", "CA"]),
    st.sampled_from(["2026-01-01", "2030-01-01"]),
)
inspections = st.builds(
    Inspection,
    findings=st.lists(findings, max_size=4).map(tuple),
    unread=st.sampled_from([(), (Unread("body:", "bad-syntax"),)]),
    segments=st.just(1),
    characters=st.just(90),
)


def rank(agent: Agent | None, inspection: Inspection) -> int:
    return severity(decide(Facts(agent, TODAY), inspection, RULES).action)


@given(agents, inspections, findings)
def test_one_more_finding_is_never_milder(agent: Agent, inspection: Inspection, extra: Finding):
    more = replace(inspection, findings=(*inspection.findings, extra))

    assert rank(agent, more) >= rank(agent, inspection)


@given(agents, inspections)
def test_one_part_more_that_cannot_be_read_is_never_milder(agent: Agent, inspection: Inspection):
    more = replace(inspection, unread=(*inspection.unread, Unread("body:", "too-deep")))

    assert rank(agent, more) >= rank(agent, inspection)


@given(agents, inspections, st.data())
def test_losing_an_assurance_is_never_milder(agent: Agent, inspection: Inspection, data: st.DataObject):
    usable = [
        entry
        for entry in agent.assurances
        if entry.tia is None or entry.tia.outcome != "measures_insufficient"
    ]
    agent = replace(agent, assurances=tuple(usable))
    if not usable:
        return
    lost = data.draw(st.sampled_from(usable))
    weaker = replace(agent, assurances=tuple(entry for entry in usable if entry is not lost))

    assert rank(weaker, inspection) >= rank(agent, inspection)


@given(agents, inspections)
def test_taking_an_agent_out_of_the_register_is_never_milder(agent: Agent, inspection: Inspection):
    assert rank(None, inspection) >= rank(agent, inspection) or rank(agent, inspection) == severity(
        Action.BLOCK
    )


@given(agents, inspections)
def test_a_suspended_agent_receives_nothing(agent: Agent, inspection: Inspection):
    suspended = an_agent(*agent.assurances, country=agent.entity.country, suspended_since="2026-11-24")

    assert rank(suspended, inspection) == severity(Action.BLOCK)


@given(agents, inspections)
def test_what_is_to_be_anonymized_names_what_must_go(agent: Agent, inspection: Inspection):
    decision = decide(Facts(agent, TODAY), inspection, RULES)

    assert bool(decision.remove) == (decision.action is Action.ANONYMIZE)
