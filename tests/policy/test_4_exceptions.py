"""The exceptions of the policy's onward transfer, and its limit: on record, by two people, for an end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.choice import Choices
from gateway.core.decide import Decision
from gateway.core.exemption import Grant
from gateway.core.model import Action, Finding, Unread
from tests.policy.builders import (
    NOON,
    RULES,
    a_grant,
    a_name,
    a_phone,
    an_agent,
    an_identifier,
    decided,
    health_data,
)

LEGAL_PROCESS = a_grant("EXC-LEGAL-PROCESS")
HARM = a_grant("EXC-IMMINENT-HARM")
PUBLIC = a_grant("EXC-PUBLIC")
PUBLIC_INTEREST = a_grant("EXC-PUBLIC-INTEREST")


def asked(grant: Grant, *findings: Finding, minutes: float = 1, **facts: object) -> Decision:
    """A transfer to an agent without any assurance, so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    return decided(an_agent(), *(findings or (an_identifier("DE"),)), grants=(grant,), at=at, **facts)  # type: ignore[arg-type]


def faults(grant: Grant) -> list[str]:
    return list(grant.problems(RULES.exemptions))


def without(grant: Grant, key: str) -> Grant:
    return replace(grant, record={name: told for name, told in grant.record.items() if name != key})


@pytest.mark.parametrize("grant", [LEGAL_PROCESS, HARM, PUBLIC, PUBLIC_INTEREST])
def test_EXC_1_EXC_2_EXC_3_LIMIT_1_a_whole_record_opens_what_it_names(grant: Grant):
    assert faults(grant) == []

    decision = asked(grant)

    assert (decision.action, decision.rule) == (Action.PASS, f"exemption/{grant.exemption}")
    assert RULES.exemptions[grant.exemption].clause in decision.clauses
    assert decision.grant == "G-1"


@pytest.mark.parametrize("key", ["authority", "document", "served_on", "scope", "counsel", "agreement"])
def test_EXC_1_legal_process_never_passes_without_a_recorded_reference(key: str):
    (fault,) = faults(without(LEGAL_PROCESS, key))

    assert key in fault


def test_EXC_1_a_foreign_order_needs_an_agreement_for_eu_data_only():
    assert faults(without(replace(LEGAL_PROCESS, origins=("CH",)), "agreement")) == []


def test_EXC_1_legal_process_is_used_once():
    assert asked(replace(LEGAL_PROCESS, used_at=NOON)).action is Action.BLOCK


def test_EXC_1_without_a_second_persons_approval_the_outcome_stays():
    assert asked(replace(LEGAL_PROCESS, approved_at=None, approver=None)).action is Action.BLOCK


def test_EXC_1_nobody_approves_their_own_request():
    assert "somebody else" in faults(replace(LEGAL_PROCESS, approver="Anna"))[0]


@pytest.mark.parametrize(
    "change",
    [
        {"agent": "another"},
        {"categories": ("contact",)},
        {"origins": ("CH",)},
        {"purpose": "billing"},
    ],
)
def test_EXC_1_it_covers_only_the_agent_categories_origin_and_purpose_it_names(change: dict[str, object]):
    decision = asked(replace(LEGAL_PROCESS, **change), purpose="support")  # type: ignore[arg-type]

    assert decision.action is Action.BLOCK


def test_EXC_1_what_could_not_be_read_is_never_opened():
    assert asked(LEGAL_PROCESS, unread=(Unread("body:", "bad-syntax"),)).action is Action.BLOCK


@pytest.mark.parametrize("agent", [None, an_agent(suspended_since="2026-01-01")])
def test_EXC_1_no_exemption_helps_an_unknown_or_suspended_agent(agent):
    decision = decided(agent, an_identifier("DE"), grants=(LEGAL_PROCESS,), at=NOON)

    assert decision.action is Action.BLOCK


def test_EXC_2_imminent_harm_expires_after_four_hours():
    longest = replace(HARM, expires_at=NOON + timedelta(hours=4))

    assert faults(longest) == []
    assert asked(longest, minutes=239).action is Action.PASS
    assert asked(longest, minutes=240).action is Action.BLOCK
    assert "longer" in faults(replace(HARM, expires_at=NOON + timedelta(hours=4, seconds=1)))[0]


def test_EXC_2_it_may_be_used_before_the_second_person_approves():
    assert asked(replace(HARM, approved_at=None, approver=None)).action is Action.PASS


def test_EXC_2_a_missing_second_approval_is_an_incident_after_a_day():
    used = replace(HARM, approved_at=None, approver=None, used_at=NOON)
    rule = RULES.exemptions["EXC-IMMINENT-HARM"]

    assert not used.is_incident(rule, NOON + timedelta(hours=23))
    assert used.is_incident(rule, NOON + timedelta(hours=24))
    assert not replace(used, approved_at=NOON + timedelta(hours=5)).is_incident(
        rule, NOON + timedelta(hours=30)
    )


def test_EXC_3_a_public_record_mixed_with_a_private_field_is_decided_as_private():
    assert asked(PUBLIC, a_name()).action is Action.PASS
    assert asked(PUBLIC, a_name(), a_phone()).action is not Action.PASS


def test_EXC_3_proof_of_publicity_is_asked_for_and_that_nothing_private_is_combined():
    assert "where" in faults(without(PUBLIC, "where"))[0]
    combined = replace(PUBLIC, record={**PUBLIC.record, "not_combined": "no"})
    assert "not_combined" in faults(combined)[0]


def test_EXC_3_public_or_not_special_data_does_not_pass_by_it():
    grant = replace(PUBLIC, categories=("health",))

    assert asked(grant, health_data()).action is Action.BLOCK


def test_EXC_3_an_opt_out_beats_a_public_source_and_not_a_court():
    person = replace(an_identifier("DE"), fingerprint="hmac-1")
    opted_out = Choices(opted_out=frozenset({"hmac-1"}))

    assert asked(PUBLIC, person, choices=opted_out).action is Action.BLOCK
    assert asked(LEGAL_PROCESS, person, choices=opted_out).action is Action.PASS


def test_LIMIT_1_use_beyond_the_recorded_categories_is_blocked():
    assert asked(PUBLIC_INTEREST, an_identifier("DE"), a_phone()).action is Action.BLOCK
    assert asked(replace(PUBLIC_INTEREST, used_at=NOON)).action is Action.BLOCK


@pytest.mark.parametrize("key", ["obligation", "provision", "extent", "authority", "counsel", "ground"])
def test_LIMIT_1_extent_and_counsel_are_on_record(key: str):
    assert key in faults(without(PUBLIC_INTEREST, key))[0]


def test_USE_1_an_investigation_never_opens_a_transfer_to_a_third_party():
    assert asked(a_grant("EXC-INVESTIGATE")).action is Action.BLOCK


@pytest.mark.parametrize("exemption", ["EXC-NOTICE-INQUIRY", "EXC-NOTICE-LAW", "EXC-NOTICE-INTERESTS"])
def test_NOTICE_4_NOTICE_5_NOTICE_6_a_waiver_of_notice_opens_no_transfer(exemption: str):
    assert asked(a_grant(exemption)).action is Action.BLOCK


def test_NOTICE_6_one_limb_alone_is_refused():
    assert "interference" in faults(without(a_grant("EXC-NOTICE-INTERESTS"), "interference"))[0]


def test_NOTICE_4_a_waiver_runs_ninety_days_at_most():
    grant = a_grant("EXC-NOTICE-INQUIRY", expires_at=NOON + timedelta(days=91))

    assert "longer" in faults(grant)[0]
