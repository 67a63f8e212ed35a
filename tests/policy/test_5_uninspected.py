"""SCOPE-3, uninspected transfer: only by rule, for an agent whose assurance is complete, until a last day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.agent import Agent, Match
from gateway.core.decide import Facts
from gateway.core.model import Action
from gateway.core.register import Register
from gateway.core.ruleset import RuleSet, Uninspected
from gateway.core.uninspected import decide_uninspected
from tests.policy.builders import RULES, TODAY, an_agent, assurance, day

COMPLETE = tuple(assurance(name, until="2099-12-31") for name in ("eu-us-dpf", "swiss-us-dpf"))


def rules(since: str = "2026-01-01", until: str = "2026-12-31", agent: str = "agent") -> RuleSet:
    entry = Uninspected(
        agent=agent,
        protocols=("tls",),
        reason="The client pins.",
        approver="DPO",
        reference="D-1",
        valid_from=day(since),
        valid_until=day(until),
    )
    return replace(RULES, uninspected=(entry,))


def test_SCOPE_3_without_a_rule_nothing_passes_uninspected():
    assert decide_uninspected(Facts(an_agent(*COMPLETE), TODAY), "tls", RULES) is None


def test_SCOPE_3_a_rule_lets_a_connection_to_an_assured_agent_pass_and_says_who_approved_it():
    decision = decide_uninspected(Facts(an_agent(*COMPLETE), TODAY), "tls", rules())

    assert decision is not None
    assert (decision.action, decision.reason, decision.rule) == (
        Action.PASS,
        "uninspected",
        "uninspected/tls",
    )
    assert "SCOPE-3" in decision.clauses
    assert "DPO" in decision.why
    assert "2026-12-31" in decision.why


@pytest.mark.parametrize("on", ["2025-12-31", "2027-01-01"])
def test_SCOPE_3_the_rule_counts_from_its_first_day_to_its_last(on: str):
    facts = Facts(an_agent(*COMPLETE), day(on))

    assert decide_uninspected(facts, "tls", rules()) is None
    assert decide_uninspected(facts, "tls", rules(since=on, until=on)) is not None


def test_SCOPE_3_the_rule_is_for_one_agent_and_protocol():
    facts = Facts(an_agent(*COMPLETE), TODAY)

    assert decide_uninspected(facts, "tcp", rules()) is None
    assert decide_uninspected(facts, "tls", rules(agent="other")) is None


@pytest.mark.parametrize(
    "agent",
    [
        None,
        an_agent(),
        an_agent(assurance("eu-us-dpf", until="2026-11-23"), assurance("swiss-us-dpf", until="2026-11-23")),
        an_agent(*COMPLETE, suspended_since="2026-11-01"),
    ],
    ids=["unregistered", "unassured", "lapsed", "suspended"],
)
def test_SCOPE_3_no_rule_lets_anything_pass_to_an_agent_without_complete_assurance(agent: Agent | None):
    assert decide_uninspected(Facts(agent, TODAY), "tls", rules()) is None


def test_SCOPE_3_a_host_that_several_agents_share_by_path_belongs_to_none_of_them_as_a_whole():
    whole, part = (
        an_agent(),
        replace(an_agent(), id="part", match=(Match(host="agent.example.org", path="/part"),)),
    )

    assert Register([whole]).owner("agent.example.org", 443) == whole
    assert Register([whole, part]).owner("agent.example.org", 443) is None
    assert Register([part]).owner("agent.example.org", 443) is None
    assert Register([]).owner("agent.example.org", 443) is None
