"""Rules have tests of their own, written as data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.core.casebook import cells_of, try_cases
from gateway.core.errors import RulesError
from gateway.rulefiles import load_cases, load_rules
from gateway.settings import shipped
from tests.rules.test_rulefiles import change

CASES = "tests/policy.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped("rules"), tmp_path / "rules"))


def test_the_shipped_cases_hold_and_reach_every_cell_of_the_decision_table(folder: Path):
    rules, files = load_cases(folder)
    results = [one for file in files.values() for one in try_cases(file, rules)]

    assert [one.faults for one in results if one.faults] == []
    assert cells_of(rules).difference(*(one.cells for one in results)) == frozenset()


def test_a_case_that_does_not_hold_says_what_came_out_and_by_which_rule(folder: Path):
    change(folder, CASES, "unread: hold}}", "unread: pass}}")
    rules, files = load_cases(folder)

    faults = [fault for one in try_cases(files[str(folder / CASES)], rules) for fault in one.faults]

    assert faults == ["unread: expected pass, but it is hold by table/intra_eea/unread"]


def test_a_cell_that_no_case_reaches_is_named(folder: Path):
    text = (folder / CASES).read_text()
    start = text.index("  - name: A suspended agent receives nothing at all")
    end = text.index("  - name:", start + 1)
    (folder / CASES).write_text(text[:start] + text[end:])
    rules, files = load_cases(folder)

    results = [one for file in files.values() for one in try_cases(file, rules)]

    assert {status for status, _ in cells_of(rules).difference(*(one.cells for one in results))} == {
        "suspended"
    }


def test_a_case_about_an_agent_nobody_knows_fails(folder: Path):
    change(folder, CASES, "given: {agent: in-eea,", "given: {agent: in-eeaa,")
    rules, files = load_cases(folder)

    faults = [fault for file in files.values() for one in try_cases(file, rules) for fault in one.faults]

    assert faults == ["names agent 'in-eeaa', which does not exist"]


def test_a_misspelt_case_is_refused_with_its_place(folder: Path):
    line = change(folder, CASES, "status: intra_eea", "statsu: intra_eea")

    with pytest.raises(RulesError) as caught:
        load_rules(folder)

    (problem,) = caught.value.problems
    assert (problem.line, problem.field) == (line, "cases.0.expect.statsu")


def test_a_case_more_leaves_the_rules_what_they_are(folder: Path):
    before = load_rules(folder).digest
    change(folder, CASES, "name: An agent in the EEA", "name: One agent in the EEA")

    assert load_rules(folder).digest == before


def test_a_case_on_a_day_that_no_law_data_reaches_is_refused_with_its_place(folder: Path):
    line = change(folder, CASES, ", on: 2026", ", on: 1995")

    with pytest.raises(RulesError) as caught:
        load_cases(folder)

    (problem,) = caught.value.problems
    assert (problem.line, problem.field.partition(".")[0]) == (line, "cases")
    assert "no law data before 1998-10-25" in problem.what
