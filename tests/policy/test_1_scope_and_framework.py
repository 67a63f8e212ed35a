"""Section 1 of the policy: what it applies to, and the frameworks it measures protection by."""

from __future__ import annotations

from gateway.core.company import OwnCertification, PolicyVersion
from gateway.core.decide import Facts, Matter, decide_matters
from gateway.core.model import Action, DataClass, Declared, Evidence, Finding, Origin, Unread
from gateway.core.origin import jurisdictions, nexus_of, origin_of
from gateway.core.source import SourceMatch, Sources
from tests.policy.builders import (
    RULES,
    TODAY,
    a_name,
    a_phone,
    a_source,
    an_agent,
    an_identifier,
    assurance,
    day,
    decided,
    with_company,
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


def test_CERT_1_the_companys_own_certification_may_be_claimed_only_while_it_lasts():
    own = OwnCertification(
        instrument="eu-us-dpf", valid_from=day("2026-03-01"), valid_until=day("2027-03-01"), reference="R"
    )
    company = with_company(certifications=(own,)).company

    assert company.claimable_on(day("2027-03-01"), RULES.instruments) == (own,)
    assert company.claimable_on(day("2027-03-02"), RULES.instruments) == ()


def test_CERT_1_a_certification_under_a_framework_that_fell_may_not_be_claimed_either():
    own = OwnCertification(
        instrument="us-eu-safe-harbor",
        valid_from=day("2015-01-01"),
        valid_until=day("2015-12-31"),
        reference="R",
    )
    company = with_company(certifications=(own,)).company

    assert company.claimable_on(day("2015-10-05"), RULES.instruments) == (own,)
    assert company.claimable_on(day("2015-10-06"), RULES.instruments) == ()


def test_SCOPE_2_a_subsidiarys_network_is_decided_alike_and_attributed_to_it():
    sources = Sources([a_source(id="berlin", entity="europe", match=SourceMatch(networks=("192.0.2.0/24",)))])

    known = sources.attribute("192.0.2.7", "", Declared(), TODAY)

    assert known.source is not None
    assert (known.source.entity, known.told) == ("europe", ("source berlin",))
    assert decided(None, a_name(), source=known.source).action is Action.BLOCK


def test_SCOPE_2_traffic_of_an_unlisted_source_is_inspected_all_the_same():
    known = Sources([a_source()]).attribute("198.51.100.7", "", Declared(), TODAY)

    assert known.source is None
    assert decided(None, a_name(), declared=known.declared).action is Action.BLOCK


def test_SCOPE_3_an_offline_transfer_is_decided_by_the_same_rules():
    lapsed = an_agent(assurance("eu-us-dpf", "2024-01-01", "2025-01-01"))
    matter = Matter(DataClass.ELEVATED, Origin.EU, category="financial")

    decision = decide_matters(Facts(lapsed, TODAY), [matter], RULES)

    assert (decision.status, decision.action) == ("lapsed", Action.BLOCK)


def test_FRAME_3_all_seven_principles_are_carried_out_by_commitments():
    principles = {one.id: one.clauses for one in RULES.company.principles}

    assert len(principles) == 7
    assert all(clauses and set(clauses) <= RULES.clauses.keys() for clauses in principles.values())


def test_DOC_1_each_day_has_its_version_of_the_policy():
    company = with_company(
        policy=(
            PolicyVersion(version="1", title="First", effective_from=day("2011-07-29")),
            PolicyVersion(version="2", title="Second", effective_from=day("2026-01-01")),
        )
    ).company

    def version(text: str) -> str | None:
        found = company.policy_on(day(text))
        return found.version if found else None

    assert [version(one) for one in ("2011-07-28", "2011-07-29", "2025-12-31", "2026-01-01")] == [
        None,
        "1",
        "1",
        "2",
    ]
