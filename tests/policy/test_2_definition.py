"""Section 2 of the policy: what personal information is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.choice import Choices
from gateway.core.decide import Facts, Matter, decide_matters, in_words
from gateway.core.model import Action, DataClass, Finding, Origin
from tests.policy.builders import (
    RULES,
    TODAY,
    a_name,
    an_agent,
    an_identifier,
    assurance,
    decided,
    health_data,
    says,
)


def test_DEF_1_a_transfer_without_any_person_in_it_passes_even_to_an_unregistered_host():
    decision = decided(None)

    assert (decision.action, decision.reason) == (Action.PASS, "no-personal-data")


def test_DEF_1_a_persons_name_alone_is_personal_information():
    assert decided(None, a_name()).action is Action.BLOCK


def test_DEF_1_a_finding_of_a_category_nobody_defined_is_weighed_as_the_worst():
    stranger = Finding("body.text:", 0, 4, "NEW_ENTITY", 0.9, "category-nobody-defined")

    assert decided(an_agent(), stranger).action is Action.BLOCK


def test_DEF_3_pseudonymous_data_does_not_get_the_exclusion_for_anonymous_data():
    def asked(data_class: DataClass) -> Action:
        return decide_matters(Facts(an_agent(), TODAY), [Matter(data_class, Origin.EU)], RULES).action

    assert asked(DataClass.ANONYMOUS) is Action.PASS
    assert asked(DataClass.PSEUDONYMOUS) is Action.BLOCK


def test_DEF_4_aggregate_data_is_out_and_what_singles_people_out_is_not_aggregate():
    def asked(data_class: DataClass) -> Action:
        return decide_matters(Facts(an_agent(), TODAY), [Matter(data_class, Origin.EU)], RULES).action

    assert asked(DataClass.AGGREGATE) is Action.PASS
    assert asked(DataClass.ELEVATED) is Action.BLOCK


PERSON = replace(an_identifier("DE"), fingerprint="hmac-1")
CONSENTED = Choices(consented=frozenset({"hmac-1"}))


def test_DEF_5_a_persons_consent_lets_that_persons_data_pass():
    assert decided(an_agent(), PERSON).action is Action.BLOCK

    decision = decided(an_agent(), PERSON, choices=CONSENTED)

    assert (decision.action, decision.rule) == (Action.PASS, "consent")
    assert "DEF-5" in decision.clauses


def test_DEF_5_a_consent_is_for_one_person_and_no_other():
    somebody_else = replace(an_identifier("DE"), address="body.json:/other", fingerprint="hmac-2")

    assert decided(an_agent(), PERSON, somebody_else, choices=CONSENTED).action is Action.BLOCK


def test_DEF_5_consent_is_no_ground_for_special_data_here():
    data = replace(health_data(), fingerprint="hmac-1")

    assert decided(an_agent(), data, choices=CONSENTED).action is Action.BLOCK


@pytest.mark.parametrize("agent", [None, an_agent(assurance("eu-us-dpf"), suspended_since="2026-01-01")])
def test_DEF_5_no_consent_helps_an_unknown_or_suspended_agent(agent):
    assert decided(agent, PERSON, choices=CONSENTED).action is Action.BLOCK


def test_DEF_5_who_opted_out_after_consenting_is_left_out():
    both = replace(CONSENTED, opted_out=frozenset({"hmac-1"}))

    assert decided(an_agent(), PERSON, choices=both).action is Action.BLOCK


def test_DEF_2_an_explanation_names_what_is_told_of_a_person_and_the_article():
    decision = decided(an_agent(), health_data())

    assert says(decision, "It tells this of somebody: health (GDPR Arts. 4(15), 9(1); C-184/20).")
    assert "sagt dies über jemanden aus: Gesundheit (" in in_words(decision, RULES, "de")
