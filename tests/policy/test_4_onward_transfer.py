"""Section 4 of the policy: to whom data may go on, and what a reasonable assurance is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.agent import Approval, Assurance, Condition, Entity, SubProcessor
from gateway.core.assurance import standing_on
from gateway.core.decide import without_editing
from gateway.core.law import AssuranceType
from gateway.core.model import Action, Unread
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
    evidence,
    health_data,
    staff_data,
    tia,
)

IN_THE_EEA = an_agent(assurance("established-in-eea"), country="DE")


def test_ONWARD_1_an_unregistered_destination_gets_no_personal_data():
    decision = decided(None, an_identifier("DE"))

    assert (decision.action, decision.status, decision.reason) == (
        Action.BLOCK,
        "unknown_agent",
        "unregistered",
    )
    assert "ONWARD-1" in decision.clauses


def test_ONWARD_1_an_unregistered_destination_gets_nothing_that_could_not_be_read():
    assert decided(None, unread=(Unread("body:", "bad-syntax"),)).action is Action.BLOCK


def test_ONWARD_1_employee_and_client_data_are_protected_alike():
    assert decided(None, staff_data()).action is decided(None, a_name()).action is Action.BLOCK


def test_ONWARD_2_purpose_mismatch_turns_a_pass_into_a_block():
    assert decided(IN_THE_EEA, a_name(), purpose="support").action is Action.PASS

    decision = decided(IN_THE_EEA, a_name(), purpose="marketing")

    assert (decision.action, decision.rule) == (Action.BLOCK, "purpose-mismatch")


@pytest.mark.parametrize(
    ("today", "status"), [("2026-06-30", "intra_eea"), ("2026-07-01", "contract_incomplete")]
)
def test_ONWARD_3_an_overdue_review_degrades_the_agent_by_itself_on_the_day(today: str, status: str):
    agent = an_agent(assurance("established-in-eea"), country="DE", review_due="2026-06-30")

    assert standing_on(agent, "EU", day(today), RULES).status == status


def test_ONWARD_3_a_suspension_beats_every_assurance_from_its_first_day():
    agent = an_agent(assurance("established-in-eea"), country="DE", suspended_since="2026-11-24")

    assert decided(agent, a_name(), on=day("2026-11-23")).action is Action.PASS
    assert decided(agent, a_name(), on=day("2026-11-24")).action is Action.BLOCK
    assert decided(agent, on=day("2026-11-24")).action is Action.BLOCK


def test_ONWARD_4_a_claim_nobody_checked_never_passes():
    agent = an_agent(assurance("eu-us-dpf", until="2027-01-01", evidence=None))

    decision = decided(agent, an_identifier("DE"))

    assert (decision.status, decision.action) == ("claimed", Action.ANONYMIZE)
    assert "ONWARD-4" in decision.clauses


def test_ONWARD_4_an_agent_without_any_assurance_gets_no_identifier():
    assert decided(an_agent(), an_identifier("DE")).action is Action.BLOCK


def test_ASSUR_1_a_complete_contract_passes_ordinary_data():
    agent = an_agent(assurance("scc-2021", "2022-01-01", tia=tia()), country="IN")

    assert decided(agent, an_identifier("DE")).status == "contract_complete"
    assert decided(agent, an_identifier("DE")).action is Action.PASS


def test_ASSUR_1_clauses_without_an_impact_assessment_are_incomplete():
    agent = an_agent(assurance("scc-2021", "2022-01-01"), country="IN")

    assert decided(agent, an_identifier("DE")).status == "contract_incomplete"


@pytest.mark.parametrize("item", ["signed_parties", "annex_1", "annex_2", "annex_3", "clauses_17_18"])
def test_ASSUR_1_clauses_with_any_item_missing_are_incomplete(item: str):
    agent = an_agent(assurance("scc-2021", "2022-01-01", tia=tia(), without=(item,)), country="IN")

    assert decided(agent, an_identifier("DE")).status == "contract_incomplete"


def test_ASSUR_1_an_impact_assessment_counts_a_year_and_no_day_longer():
    agent = an_agent(assurance("scc-2021", "2022-01-01", tia=tia(assessed_on="2025-06-01")), country="IN")

    assert standing_on(agent, "EU", day("2026-06-01"), RULES).status == "contract_complete"
    assert standing_on(agent, "EU", day("2026-06-02"), RULES).status == "contract_incomplete"


def test_ASSUR_1_a_failed_impact_assessment_suspends_the_agent():
    agent = an_agent(assurance("scc-2021", "2022-01-01", tia=tia("measures_insufficient")), country="IN")

    assert decided(agent, a_name()).status == "suspended"


def test_ASSUR_1_the_module_must_match_the_roles():
    agent = an_agent(assurance("scc-2021", "2022-01-01", tia=tia(), module=1), country="IN")

    assert decided(agent, an_identifier("DE")).status == "contract_incomplete"


def test_ASSUR_1_the_clauses_of_2010_cannot_be_relied_on_any_more():
    agent = an_agent(assurance("scc-2010", "2015-01-01"), country="IN")

    assert standing_on(agent, "EU", day("2022-12-27"), RULES).status == "contract_complete"
    assert standing_on(agent, "EU", day("2022-12-28"), RULES).status == "invalid_framework"


def test_ASSUR_1_a_bespoke_contract_was_enough_in_its_time_and_is_not_today():
    agent = an_agent(assurance("equivalent-contract", "2011-07-29"))

    assert standing_on(agent, "EU", day("2011-07-29"), RULES).status == "contract_complete"
    assert standing_on(agent, "EU", TODAY, RULES).status == "contract_incomplete"


def test_ASSUR_1_clauses_for_use_inside_the_eea_are_no_ground_for_a_transfer():
    assert decided(an_agent(assurance("art28-clauses", "2022-01-01")), a_name()).status == "none"


def test_ASSUR_2_a_certification_lapses_the_day_after_its_renewal_date():
    agent = an_agent(assurance("eu-us-dpf", "2025-11-24", "2026-11-23"))

    assert decided(agent, an_identifier("DE"), on=day("2026-11-23")).action is Action.PASS
    lapsed = decided(agent, an_identifier("DE"), on=day("2026-11-24"))
    assert (lapsed.status, lapsed.action) == ("lapsed", Action.BLOCK)


def test_ASSUR_2_a_certification_without_a_renewal_date_lasts_one_renewal_period():
    agent = an_agent(assurance("eu-us-dpf", "2025-11-23"))

    assert standing_on(agent, "EU", day("2026-11-23"), RULES).status == "certified"
    assert standing_on(agent, "EU", day("2026-11-24"), RULES).status == "lapsed"


def test_ASSUR_2_what_lapsed_for_swiss_data_is_no_better_for_eu_data_than_lapsed():
    agent = an_agent(
        assurance("eu-us-dpf", "2024-11-23", "2025-11-23"),
        assurance("swiss-us-dpf", "2024-11-23", "2025-11-23"),
    )

    assert decided(agent, an_identifier("DE")).status == "lapsed"
    assert decided(agent, an_identifier("CH", "CH_AHV")).status == "lapsed"


def test_ASSUR_2_an_entry_taken_off_the_list_is_lapsed_at_once():
    agent = an_agent(assurance("eu-us-dpf", until="2027-01-01", list_status="INACTIVE-LAPSE"))

    assert decided(agent, an_identifier("DE")).status == "lapsed"


def test_ASSUR_2_data_of_employees_needs_a_certification_that_names_it():
    general = an_agent(assurance("eu-us-dpf", until="2027-01-01"))
    named = an_agent(assurance("eu-us-dpf", until="2027-01-01", covers=("hr", "non_hr")))

    assert decided(general, staff_data("DE")).status == "out_of_scope"
    assert decided(named, staff_data("DE")).status == "certified"


def test_ASSUR_2_data_of_an_employee_does_not_make_other_data_fit_a_certification_for_employees_only():
    agent = an_agent(assurance("eu-us-dpf", until="2027-01-01", covers=("hr",)))

    assert decided(agent, staff_data("DE")).action is Action.PASS
    assert decided(agent, an_identifier("DE")).action is Action.ANONYMIZE
    assert decided(agent, an_identifier("DE"), staff_data("DE")).action is Action.ANONYMIZE


def test_ASSUR_2_another_legal_entitys_certification_does_not_count():
    agent = an_agent(assurance("eu-us-dpf", until="2027-01-01", entity="Another Company, Inc."))

    assert decided(agent, an_identifier("DE")).status == "out_of_scope"


def test_ASSUR_3_an_agent_established_in_the_eea_receives_eu_data_without_a_transfer():
    assert decided(IN_THE_EEA, an_identifier("DE")).status == "intra_eea"


def test_ASSUR_3_subject_to_the_directive_is_read_as_subject_to_the_gdpr_since_2018():
    agent = an_agent(assurance("directive-95-46"), country="DE")

    assert standing_on(agent, "EU", day("2011-07-29"), RULES).status == "intra_eea"
    assert standing_on(agent, "EU", day("2018-05-24"), RULES).instrument == "directive-95-46"
    assert standing_on(agent, "EU", day("2018-05-25"), RULES).instrument == "established-in-eea"


def test_ASSUR_3_being_caught_by_article_3_2_from_the_us_does_not_replace_a_transfer_tool():
    assert decided(an_agent(assurance("art-3-2-importer", "2018-05-25")), a_name()).status != "intra_eea"
    agent = an_agent(assurance("art-3-2-importer", "2018-05-25"))
    assert standing_on(agent, "EU", TODAY, RULES).status == "contract_incomplete"


def test_ASSUR_3_one_place_of_processing_outside_the_eea_breaks_it():
    agent = an_agent(assurance("established-in-eea"), country="DE", processing=("DE", "IN"))

    assert decided(agent, an_identifier("DE")).status == "out_of_scope"


def test_ASSUR_4_a_uk_agent_fails_the_day_after_the_adequacy_decision_ends():
    agent = an_agent(assurance("adequate-law"), country="GB")

    assert standing_on(agent, "EU", day("2031-12-27"), RULES).status == "adequate"
    assert standing_on(agent, "EU", day("2031-12-28"), RULES).status == "out_of_scope"


def test_ASSUR_4_a_canadian_body_counts_only_where_it_is_shown_to_be_commercial():
    public_body = an_agent(assurance("adequate-law"), country="CA")
    company = an_agent(assurance("adequate-law", shown=("subject_to_pipeda",)), country="CA")

    assert standing_on(public_body, "EU", TODAY, RULES).status == "out_of_scope"
    assert standing_on(company, "EU", TODAY, RULES).status == "adequate"


def test_ASSUR_4_japan_is_adequate_for_eu_data_and_not_for_swiss_data():
    agent = an_agent(assurance("adequate-law", shown=("subject_to_appi",)), country="JP")

    assert standing_on(agent, "EU", TODAY, RULES).status == "adequate"
    assert standing_on(agent, "CH", TODAY, RULES).status == "out_of_scope"


def test_ASSUR_4_the_united_states_as_such_are_not_adequate():
    assert decided(an_agent(assurance("adequate-law")), an_identifier("DE")).status == "out_of_scope"


def test_special_data_passes_only_with_its_legal_condition_on_file():
    condition = Condition(
        data_class="special",
        condition="explicit consent",
        valid_from=day("2026-01-01"),
        valid_until=day("2026-12-31"),
        approver="dpo",
        reference="ART9-1",
    )
    with_condition = an_agent(assurance("established-in-eea"), country="DE", conditions=(condition,))

    assert decided(IN_THE_EEA, health_data()).action is Action.HOLD
    assert decided(with_condition, health_data()).action is Action.PASS
    assert decided(with_condition, health_data(), on=day("2027-01-01")).action is Action.HOLD


def test_only_the_findings_the_agent_may_not_have_are_removed():
    agent = an_agent(
        assurance("scc-2021", "2022-01-01", tia=tia()), country="IN", categories=("identifier_national",)
    )

    decision = decided(agent, an_identifier("DE"), a_phone("DE"))

    assert decision.action is Action.ANONYMIZE
    assert [finding.category for finding in decision.remove] == ["contact"]


def test_the_best_of_several_assurances_counts():
    lapsed = assurance("eu-us-dpf", "2020-01-01", "2025-01-01")
    contract = assurance("scc-2021", "2022-01-01", tia=tia())

    assert standing_on(an_agent(lapsed, contract), "EU", TODAY, RULES).status == "contract_complete"


def test_the_last_day_of_a_standing_is_the_earliest_of_all_that_end_it():
    agent = an_agent(assurance("eu-us-dpf", until="2027-05-01"), review_due="2027-02-01")

    assert standing_on(agent, "EU", TODAY, RULES).last_day == day("2027-02-01")


def test_the_reason_given_is_that_of_the_instrument_meant_for_the_origin():
    agent = an_agent(
        assurance("eu-us-dpf", "2024-11-23", "2025-11-23"),
        assurance("swiss-us-dpf", "2024-11-23", "2025-11-22"),
    )

    assert standing_on(agent, "EU", TODAY, RULES).instrument == "eu-us-dpf"
    assert standing_on(agent, "CH", TODAY, RULES).instrument == "swiss-us-dpf"


CERTIFIED = assurance("eu-us-dpf", until="2027-01-01")


def test_ONWARD_2_a_purpose_that_is_never_allowed_stops_the_agent_in_the_engine_too():
    agent = an_agent(assurance("established-in-eea"), country="DE", purposes=("support", "sale"))

    assert decided(agent, an_identifier("DE")).status == "suspended"


def test_ONWARD_2_a_family_member_abroad_still_needs_a_transfer_tool():
    bcr = assurance("bcr", "2022-01-01", tia=tia())

    assert decided(an_agent(group_member=True), a_name()).action is not Action.PASS
    assert decided(an_agent(bcr, group_member=True), an_identifier("DE")).action is Action.PASS


def test_ONWARD_2_group_rules_cover_nobody_outside_the_group():
    assert decided(an_agent(assurance("bcr", "2022-01-01", tia=tia())), a_name()).status == "out_of_scope"


def test_ONWARD_2_a_purpose_mismatch_is_a_block_however_weak_the_assurance():
    claimed = an_agent(assurance("eu-us-dpf", until="2027-01-01", evidence=None))

    assert decided(claimed, an_identifier("DE"), purpose="marketing").action is Action.BLOCK


def test_ONWARD_5_an_agent_with_purposes_of_its_own_does_not_fit_the_clauses_for_processors():
    def status(module: int) -> str:
        entry = assurance("scc-2021", "2022-01-01", tia=tia(), module=module)
        return decided(an_agent(entry, country="IN", role="third_party"), an_identifier("DE")).status

    assert (status(2), status(1)) == ("contract_incomplete", "contract_complete")


@pytest.mark.parametrize("column", ["assures_policy", "assures_principles"])
def test_ONWARD_6_a_contract_assures_both_the_policy_and_the_principles(column: str):
    agent = an_agent(assurance("scc-2021", "2022-01-01", tia=tia(), without=(column,)), country="IN")

    assert decided(agent, an_identifier("DE")).status == "contract_incomplete"


def a_link(*assurances: Assurance, country: str = "US", **changes: object) -> SubProcessor:
    values: dict[str, object] = {
        "entity": Entity(name="Sub, Inc.", country=country),
        "processing_countries": (country,),
        "assurances": assurances,
        "approval": Approval(approver="ben", approved_on=day("2026-01-01"), reference="A-1"),
    }
    return SubProcessor(**(values | changes))  # type: ignore[arg-type]


def test_ONWARD_7_an_unassured_sub_processor_lowers_the_agent():
    assert decided(an_agent(CERTIFIED), an_identifier("DE")).status == "certified"

    decision = decided(an_agent(CERTIFIED, sub_processors=(a_link(),)), an_identifier("DE"))

    assert (decision.status, decision.action) == ("none", Action.BLOCK)
    assert "Sub, Inc." in decision.why


def test_ONWARD_7_the_weakest_of_the_whole_chain_decides():
    lapsed = a_link(assurance("eu-us-dpf", "2024-01-01", "2025-01-01"))
    middle = a_link(CERTIFIED, sub_processors=(lapsed,))

    assert decided(an_agent(CERTIFIED, sub_processors=(middle,)), an_identifier("DE")).status == "lapsed"
    assert (
        decided(an_agent(CERTIFIED, sub_processors=(a_link(CERTIFIED),)), an_identifier("DE")).status
        == "certified"
    )


def test_ONWARD_7_a_change_of_the_chain_needs_approval():
    unasked = a_link(CERTIFIED, approval=None)

    assert decided(an_agent(CERTIFIED, sub_processors=(unasked,)), an_identifier("DE")).status == "none"


def test_ONWARD_7_clauses_with_a_sub_processor_are_those_between_processors():
    def status(module: int) -> str:
        link = a_link(assurance("scc-2021", "2022-01-01", tia=tia(), module=module), country="IN")
        return decided(an_agent(CERTIFIED, sub_processors=(link,)), an_identifier("DE")).status

    assert (status(3), status(2)) == ("contract_complete", "contract_incomplete")


def test_ONWARD_7_the_standing_lasts_as_long_as_the_shortest_link():
    link = a_link(assurance("eu-us-dpf", until="2026-12-31"))

    assert standing_on(an_agent(CERTIFIED, sub_processors=(link,)), "EU", TODAY, RULES).last_day == day(
        "2026-12-31"
    )


def test_ASSUR_1_a_doubt_compliance_has_noted_leaves_the_clauses_incomplete():
    entry = assurance("scc-2021", "2022-01-01", tia=tia(), doubts=("the importer is itself subject",))

    assert decided(an_agent(entry, country="IN"), an_identifier("DE")).status == "contract_incomplete"


def test_ASSUR_1_client_owned_data_needs_the_clauses_between_processors():
    agent = an_agent(assurance("scc-2021", "2022-01-01", tia=tia(), module=2), country="IN")
    clients = a_source(role="processor", client="A Client")

    assert decided(agent, an_identifier("DE"), source=a_source()).action is Action.PASS
    assert decided(agent, an_identifier("DE"), source=clients).status == "contract_incomplete"


def test_ASSUR_2_the_uk_extension_counts_only_beside_the_framework_it_extends():
    extension = assurance("uk-extension-dpf", until="2027-01-01")

    assert standing_on(an_agent(extension), "UK", TODAY, RULES).status == "contract_incomplete"
    assert standing_on(an_agent(extension, CERTIFIED), "UK", TODAY, RULES).status == "certified"


def test_ASSUR_5_a_certificate_runs_three_years_and_no_day_longer():
    agent = an_agent(assurance("gdpr-certification", "2023-11-25", "2030-01-01", tia=tia()), country="IN")

    assert standing_on(agent, "EU", day("2026-11-24"), RULES).status == "contract_complete"
    assert standing_on(agent, "EU", day("2026-11-25"), RULES).status == "lapsed"


@pytest.mark.parametrize("instrument", ["bcr", "code-of-conduct", "gdpr-certification", "adhoc-clauses"])
def test_ASSUR_5_group_rules_codes_and_certificates_count_with_everything_on_file(instrument: str):
    def status(**changes: object) -> str:
        entry = assurance(instrument, "2025-01-01", **({"tia": tia()} | changes))  # type: ignore[arg-type]
        return decided(an_agent(entry, country="IN", group_member=True), an_identifier("DE")).status

    assert status() == "contract_complete"
    assert status(tia=None) == "contract_incomplete"
    assert status(shown=()) == "contract_incomplete"


OWN_TYPE = AssuranceType(
    id="own-clauses",
    name="Clauses of our own",
    reasoning="equal in substance to the standard clauses",
    approver="dpo",
    approved_on=day("2026-01-01"),
    valid_until=day("2026-12-31"),
    origins=("EU",),
)


def test_ASSUR_5_a_type_of_ones_own_counts_from_its_approval_to_its_end():
    rules = replace(RULES, instruments={**RULES.instruments, OWN_TYPE.id: OWN_TYPE.instrument()}, memory={})
    entry = Assurance(instrument=OWN_TYPE.id, valid_from=day("2026-01-01"), evidence=evidence(), tia=tia())

    def status(on: str) -> str:
        return standing_on(an_agent(entry), "EU", day(on), rules).status

    assert [status(on) for on in ("2025-12-31", "2026-06-02", "2026-12-31", "2027-01-01")] == [
        "none",
        "contract_complete",
        "contract_complete",
        "invalid_framework",
    ]


@pytest.mark.parametrize("field", ["reasoning", "approver"])
def test_ASSUR_5_a_type_of_ones_own_needs_reasoning_and_an_approver(field: str):
    with pytest.raises(ValueError, match=field):
        replace(OWN_TYPE, **{field: " "})


def test_INTEG_2_a_profile_past_its_date_degrades_the_agent():
    agent = an_agent(CERTIFIED, profile_due=day("2026-11-23"))

    assert standing_on(agent, "EU", day("2026-11-23"), RULES).status == "certified"
    assert standing_on(agent, "EU", day("2026-11-24"), RULES).status == "contract_incomplete"


@pytest.mark.parametrize(
    "weaker",
    [
        {"valid_until": day("2026-11-23")},
        {"valid_until": day("2026-11-23"), "evidence": None},
        {"evidence": None},
        {"shown": ()},
        {"entity": "Another, Inc."},
    ],
)
def test_ONWARD_4_an_entry_that_loses_something_is_never_worth_more(weaker: dict[str, object]):
    less = {**weaker, "evidence": None}
    rank = RULES.status_rank

    def status(changes: dict[str, object]) -> str:
        return standing_on(an_agent(replace(CERTIFIED, **changes)), "EU", TODAY, RULES).status

    assert rank[status(less)] >= rank[status(weaker)]


@pytest.mark.parametrize("becomes", ["hold", "block"])
def test_INTEG_1_what_cannot_be_edited_safely_is_held_or_blocked_as_the_rules_say(becomes: str):
    rules = replace(RULES, decision=replace(RULES.decision, uneditable_becomes=becomes))
    agent = an_agent(assurance("eu-us-dpf", until="2027-01-01", evidence=None))
    decision = decided(agent, an_identifier("DE"))
    assert decision.action is Action.ANONYMIZE

    refused = without_editing(decision, rules)

    assert (refused.action, refused.rule, refused.reason) == (Action(becomes), "uneditable", "uneditable")
    assert refused.remove == ()
    assert "INTEG-1" in refused.clauses
    assert set(decision.clauses) <= set(refused.clauses)
