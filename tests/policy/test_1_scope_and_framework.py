"""Section 1 of the policy: what it applies to, and the frameworks it measures protection by."""

from __future__ import annotations

from gateway.core.model import Action, Evidence, Finding, Origin, Unread
from gateway.core.origin import jurisdictions, nexus_of, origin_of
from tests.policy.builders import (
    RULES,
    a_name,
    a_phone,
    an_agent,
    an_identifier,
    assurance,
    day,
    decided,
)

LLM_WITH_EU_CERTIFICATE = an_agent(assurance("eu-us-dpf", "2024-01-01", "2027-01-01"))


def test_SCOPE_1_a_german_phone_number_is_in_scope():
    assert origin_of(a_phone("DE"), RULES) is Origin.EU
    assert decided(None, a_phone("DE")).action is Action.BLOCK


def test_SCOPE_1_a_person_with_no_signal_counts_as_eu_and_swiss_at_once():
    assert origin_of(a_name(), RULES) is Origin.UNKNOWN
    assert jurisdictions(Origin.UNKNOWN) == {"EU", "CH"}
    assert decided(None, a_name()).action is Action.BLOCK


def test_SCOPE_1_a_person_positively_bound_to_the_us_is_out_of_scope():
    number = Finding("body.text:", 0, 11, "US_SSN", 0.9, "identity", "US", Evidence.PROOF)

    assert origin_of(number, RULES) is Origin.OUTSIDE
    assert decided(None, number).action is Action.PASS


def test_SCOPE_1_a_mere_hint_at_the_us_does_not_take_a_person_out_of_scope():
    assert origin_of(a_phone("US"), RULES) is Origin.UNKNOWN
    assert decided(None, a_phone("US")).action is Action.BLOCK


def test_SCOPE_1_iceland_liechtenstein_and_norway_count_as_eu():
    for region in ("IS", "LI", "NO"):
        assert origin_of(an_identifier(region), RULES) is Origin.EU


def test_SCOPE_1_the_nexus_names_its_evidence_and_no_value():
    nexus = nexus_of([an_identifier("PL"), a_name(), a_phone("CH")], RULES)

    assert nexus.origins == (Origin.CH, Origin.EU, Origin.UNKNOWN)
    assert nexus.evidence == ("PERSON: no region", "PHONE_NUMBER: CH (hint)", "PL_PESEL: PL (proof)")


def test_SCOPE_4_what_could_not_be_read_never_passes_to_anyone_uninspected():
    picture = Unread("body:", "unknown-media-type")

    for agent in (None, an_agent(), LLM_WITH_EU_CERTIFICATE):
        assert decided(agent, unread=(picture,)).action in (Action.HOLD, Action.BLOCK)


def test_FRAME_1_a_safe_harbor_agent_is_judged_differently_the_day_after_the_court_ruled():
    agent = an_agent(assurance("us-eu-safe-harbor", "2015-01-01", "2015-12-31"))

    before = decided(agent, an_identifier("DE"), on=day("2015-10-05"))
    after = decided(agent, an_identifier("DE"), on=day("2015-10-06"))

    assert (before.status, before.action) == ("certified", Action.PASS)
    assert (after.status, after.action) == ("invalid_framework", Action.BLOCK)
    assert "FRAME-1" in after.clauses


def test_FRAME_2_swiss_data_is_judged_by_swiss_instruments_only():
    assert decided(LLM_WITH_EU_CERTIFICATE, an_identifier("DE")).action is Action.PASS

    swiss = decided(LLM_WITH_EU_CERTIFICATE, an_identifier("CH", "CH_AHV"))

    assert (swiss.status, swiss.action) == ("out_of_scope", Action.ANONYMIZE)
    assert "FRAME-2" in swiss.clauses


def test_FRAME_2_one_swiss_person_makes_a_mixed_transfer_swiss_too():
    mixed = decided(LLM_WITH_EU_CERTIFICATE, an_identifier("DE"), an_identifier("CH", "CH_AHV"))

    assert mixed.action is Action.ANONYMIZE
    assert [finding.region for finding in mixed.remove] == ["CH"]
