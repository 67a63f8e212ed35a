"""Section 2 of the policy: what personal information is."""

from __future__ import annotations

from gateway.core.decide import Facts, Matter, decide_matters
from gateway.core.model import Action, DataClass, Finding, Origin
from tests.policy.builders import RULES, TODAY, a_name, an_agent, decided


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
