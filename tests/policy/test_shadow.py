"""Shadow mode lets refused data pass, and tells so; never for who is suspended or unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.model import Action
from gateway.core.shadow import Shadow, shadowed
from gateway.rulefacts import alarms
from tests.policy.builders import RULES, TODAY, an_agent, an_identifier, day, decided

BY_AGENT = Shadow(agent="agent", approver="ben", reason="trial", valid_until=TODAY)
BY_RULE = Shadow(rule="table/none/elevated", approver="ben", reason="trial", valid_until=TODAY)


def carried_out(shadow: Shadow, agent=None, on=TODAY):
    rules = replace(RULES, shadows=(shadow,), memory={})
    return shadowed(decided(agent, an_identifier("DE"), rules=rules), on, rules)


@pytest.mark.parametrize("shadow", [BY_AGENT, BY_RULE])
def test_what_would_be_blocked_passes_and_says_what_it_would_have_been(shadow: Shadow):
    decision = carried_out(shadow, an_agent())

    assert (decision.action, decision.would) == (Action.PASS, Action.BLOCK)
    assert "unsafe" in decision.why


def test_it_ends_with_its_last_day():
    assert carried_out(BY_AGENT, an_agent(), on=day("2026-11-25")).action is Action.BLOCK


@pytest.mark.parametrize("agent", [None, an_agent(suspended_since="2026-01-01")])
def test_it_never_helps_an_unknown_or_suspended_agent(agent):
    for shadow in (BY_AGENT, replace(BY_RULE, rule="table/unknown_agent/elevated")):
        assert carried_out(shadow, agent).action is Action.BLOCK


def test_it_raises_an_alarm_while_it_lasts():
    rules = replace(RULES, shadows=(BY_AGENT,))

    assert any("UNSAFE" in one for one in alarms(rules, TODAY))
    assert not any("UNSAFE" in one for one in alarms(rules, day("2026-11-25")))


@pytest.mark.parametrize("change", [{"approver": " "}, {"rule": "table/none/elevated"}, {"agent": None}])
def test_it_needs_an_approver_and_exactly_one_agent_or_rule(change: dict[str, object]):
    with pytest.raises(ValueError, match=r"approver|exactly one"):
        replace(BY_AGENT, **change)  # type: ignore[arg-type]
