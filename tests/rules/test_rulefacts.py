"""What differs between two sets of rules, what ends soon, and what rests on facts nobody has verified."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.rulefacts import alarms, differences, endings, facts_of, resting_on_unverified, unverified
from gateway.rulefiles import load_rules
from gateway.settings import shipped
from tests.policy.builders import RULES, an_agent, assurance, day, tia
from tests.rules.test_rulefiles import AGENTS, change, problems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped("rules"), tmp_path / "rules"))


def test_every_entry_has_an_id_of_its_own():
    ids = [(fact.kind, fact.id) for fact in facts_of(RULES)]

    assert len(ids) == len(set(ids))


def test_the_same_rules_do_not_differ():
    assert list(differences(RULES, RULES)) == []


def test_a_changed_cell_and_a_changed_date_are_told_with_both_values(folder: Path):
    change(folder, "policy/decision.yaml", "criminal: hold, unread: hold", "criminal: block, unread: hold")
    change(folder, AGENTS, "review_due: 2027-06-30", "review_due: 2027-06-29")

    told = {
        (one.kind, one.id, one.field): (str(one.old), str(one.new))
        for one in differences(RULES, load_rules(folder))
    }

    assert told == {
        ("cell", "contract_complete/criminal", "value"): ("hold", "block"),
        ("agent", "example-llm", "review_due"): ("2027-06-30", "2027-06-29"),
    }


def test_an_agent_added_or_removed_is_told_as_a_whole(folder: Path):
    (folder / AGENTS).write_text("schema: 1\nagents: []\n")

    gone = list(differences(RULES, load_rules(folder)))

    assert {(one.id, one.field, one.new) for one in gone} == {(one.id, "", None) for one in RULES.agents}


def test_what_ends_soon_is_listed_soonest_first_with_both_ends_counted():
    agent = an_agent(assurance("eu-us-dpf", until="2027-01-01"), review_due="2026-12-31")
    rules = replace(RULES, agents=(agent,), memory={})

    ends = [one for one in endings(rules, day("2026-12-01"), 30) if one.kind == "agent"]

    assert [(str(one.last_day), one.id) for one in ends] == [("2026-12-31", "agent")]
    assert [one for one in endings(rules, day("2026-12-01"), 29) if one.kind == "agent"] == []


def test_an_agent_that_rests_on_an_unverified_instrument_is_named():
    agent = an_agent(assurance("bcr", "2022-01-01", tia=tia()), country="IN", group_member=True)
    rules = replace(RULES, agents=(agent,), memory={})

    assert list(resting_on_unverified(rules, day("2026-11-24"))) == [("agent", "EU", "bcr")]
    assert "bcr" in {fact.id for fact in unverified(rules)}


def test_CERT_1_an_expired_certification_of_the_company_raises_an_alarm():
    assert list(alarms(RULES, day("2027-02-01"))) == []
    assert any("CERT-1" in one for one in alarms(RULES, day("2027-03-02")))


def test_law_data_older_than_ninety_days_raises_an_alarm():
    assert not any("law data" in one for one in alarms(RULES, day("2027-02-21")))
    assert any("law data" in one for one in alarms(RULES, day("2027-02-22")))


def test_a_table_in_which_a_worse_status_is_milder_is_refused_with_the_place_of_the_cell(folder: Path):
    text = (folder / "policy" / "decision.yaml").read_text()
    row = next(line for line in text.splitlines() if "elevated: block" in line)
    line = change(folder, "policy/decision.yaml", row, row.replace("elevated: block", "elevated: pass"))

    found = problems(folder)

    assert {p.field for p in found} == {"statuses.7.cells.elevated"}
    assert all(p.line == line and "milder" in p.what for p in found)


def test_a_graver_class_that_is_milder_is_refused(folder: Path):
    change(folder, "policy/decision.yaml", "criminal: pass_if_condition_else_hold", "criminal: pass")

    assert any("lesser class special" in p.what for p in problems(folder))


def test_overlapping_adequacy_findings_for_one_country_are_refused(folder: Path):
    text = (folder / "law" / "adequacy.yaml").read_text()
    start = text.index('  - country: "AD"')
    end = text.index('  - country: "AR"')
    (folder / "law" / "adequacy.yaml").write_text(text[:end] + text[start:end] + text[end:])

    (problem,) = problems(folder)

    assert problem.field == "adequacy.1.valid_from"
    assert "overlaps" in problem.what


def test_a_text_that_one_language_lacks_is_refused(folder: Path):
    change(folder, "policy/texts.yaml", "    opted-out: ", "    opted-owt: ")

    found = {p.what for p in problems(folder)}

    assert found == {"has no text `opted-out`", "is no text this version says; remove it"}


def test_a_text_with_another_value_in_braces_is_refused(folder: Path):
    line = change(folder, "policy/texts.yaml", '"Suspended since {day}."', '"Suspended since {date}."')

    (problem,) = problems(folder)

    assert (problem.line, problem.field) == (line, "languages.en.suspended")


def test_ASSUR_5_a_type_of_ones_own_without_an_end_is_rejected(folder: Path):
    (folder / "policy" / "assurance_types.yaml").write_text(
        "schema: 1\ntypes:\n"
        "  - {id: own, name: Own, reasoning: r, approver: a, approved_on: 2026-01-01, origins: [EU]}\n"
    )

    (problem,) = problems(folder)

    assert (problem.line, problem.field, problem.what) == (3, "types.0.valid_until", "is missing; write it")


def test_evidence_checked_after_its_entry_ended_is_refused(folder: Path):
    line = change(folder, AGENTS, "checked_on: 2024-10-02", "checked_on: 2025-10-02")

    (problem,) = problems(folder)

    assert (problem.line, problem.field) == (line, "agents.3.assurances.0.evidence.checked_on")


def test_two_sources_that_claim_one_network_are_refused(folder: Path):
    change(folder, "sources/examples.yaml", "192.0.2.128/25", "192.0.2.0/25")

    assert "belongs to source 'shop' already" in problems(folder)[0].what


def test_a_folder_that_lacks_a_file_half_way_is_refused(folder: Path):
    text = (folder / "law" / "adequacy.yaml").read_bytes()
    (folder / "law" / "adequacy.yaml").write_bytes(text[: len(text) // 2])

    assert problems(folder)
