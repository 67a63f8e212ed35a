"""Rules are data: what is wrong is refused with file, line and field, and nothing is loaded then."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest

from gateway.core.errors import Problem, RulesError
from gateway.rulebook import Rulebook
from gateway.rulefiles import check_with, load_rules
from gateway.settings import shipped

AGENTS = "agents/examples.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped("rules"), tmp_path / "rules"))


def change(folder: Path, name: str, old: str, new: str) -> int:
    """Replace the first `old` in a rules file; the 1-based line where it stood."""
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def problems(folder: Path) -> list[Problem]:
    with pytest.raises(RulesError) as caught:
        load_rules(folder)
    return list(caught.value.problems)


def test_the_shipped_rules_load_and_are_known_by_a_digest(folder: Path):
    assert load_rules(folder).digest == load_rules(shipped("rules")).digest
    change(folder, AGENTS, "review_due: 2027-06-30", "review_due: 2027-06-29")
    assert load_rules(folder).digest != load_rules(shipped("rules")).digest


def test_an_unknown_field_is_refused_with_file_line_and_field(folder: Path):
    line = change(folder, AGENTS, "review_due: 2027-06-30", "reviev_due: 2027-06-30")

    found = {(p.line, p.field): p.what for p in problems(folder)}

    assert "no field of this file" in found[(line, "agents.0.reviev_due")]
    assert any("is missing" in what for (_, name), what in found.items() if name == "agents.0.review_due")
    assert all(p.file.endswith("agents/examples.yaml") for p in problems(folder))


def test_a_date_that_does_not_exist_is_refused_where_it_stands(folder: Path):
    line = change(folder, AGENTS, "review_due: 2027-06-30", 'review_due: "2027-06-31"')

    (problem,) = problems(folder)

    assert (problem.line, problem.field) == (line, "agents.0.review_due")


def test_broken_yaml_is_refused_with_its_line(folder: Path):
    line = change(folder, AGENTS, "    role: processor", "    role: [processor")

    (problem,) = problems(folder)

    assert problem.line >= line
    assert "not valid YAML" in problem.what


def test_a_key_written_twice_is_refused(folder: Path):
    change(folder, AGENTS, "    role: processor\n", "    role: processor\n    role: controller\n")

    assert "role" in problems(folder)[0].what


def test_an_instrument_that_does_not_exist_is_refused_with_the_nearest_name(folder: Path):
    line = change(folder, AGENTS, "instrument: eu-us-dpf", "instrument: eu-us-dfp")

    (problem,) = problems(folder)

    assert (problem.line, problem.field) == (line, "agents.0.assurances.0.instrument")
    assert "did you mean 'eu-us-dpf'" in problem.what


def test_evidence_for_an_item_the_instrument_does_not_ask_for_is_refused(folder: Path):
    change(folder, AGENTS, "shown: [on_list, active_row]", "shown: [on_list, activ_row]")

    assert "did you mean 'active_row'" in problems(folder)[0].what


def test_ONWARD_2_an_agent_with_the_purpose_sale_is_refused_at_registration(folder: Path):
    change(folder, AGENTS, "purposes: [support, improvement]", "purposes: [support, sale]")

    (problem,) = problems(folder)

    assert problem.field == "agents.0.purposes.1"
    assert "ONWARD-2" in problem.what


def test_PURPOSE_1_an_agent_without_a_purpose_cannot_be_activated(folder: Path):
    change(folder, AGENTS, "purposes: [support, improvement]", "purposes: []")

    assert "PURPOSE-1" in problems(folder)[0].what


def test_ONWARD_5_an_agent_that_uses_data_for_its_own_ends_is_no_processor(folder: Path):
    text = (folder / AGENTS).read_text()
    start = text.index("  - id: example-crm")
    (folder / AGENTS).write_text(
        text[:start] + text[start:].replace("role: processor", "role: third_party", 1)
    )

    assert any("ONWARD-5" in p.what for p in problems(folder))


def test_two_agents_that_claim_the_same_place_are_refused(folder: Path):
    change(folder, AGENTS, "smtp-api.mail.example.net", "api.llm.example.org")
    change(folder, AGENTS, '{host: "api.llm.example.org"}', '{host: "api.llm.example.org", port: 443}')

    (problem,) = problems(folder)

    assert "belongs to agent 'example-llm' already" in problem.what


def test_an_agent_id_used_twice_is_refused(folder: Path):
    change(folder, AGENTS, "id: example-crm", "id: example-llm")

    assert "defined already" in problems(folder)[0].what


def test_a_decision_table_with_a_cell_missing_is_refused(folder: Path):
    change(folder, "policy/decision.yaml", ", unread: hold}", "}")

    assert "no cell for class unread" in problems(folder)[0].what


def test_a_clause_that_does_not_exist_is_refused(folder: Path):
    change(folder, "policy/decision.yaml", "[ASSUR-3, ONWARD-3]", "[ASSUR-3, ONWARD-33]")

    assert "did you mean 'ONWARD-3'" in problems(folder)[0].what


def test_a_file_nobody_reads_is_refused(folder: Path):
    (folder / "policy" / "descision.yaml").write_text("schema: 1\n")

    assert "no file this version reads" in problems(folder)[0].what


def test_a_missing_file_is_named(folder: Path):
    (folder / "policy" / "contact.yaml").unlink()

    assert "policy/contact.yaml" in problems(folder)[0].file


def test_norway_is_a_country_and_not_the_answer_no(folder: Path):
    assert "NO" in load_rules(folder).eea
    change(folder, AGENTS, 'processing_countries: ["AT", "IE"]', "processing_countries: [AT, NO]")
    assert load_rules(folder).agents[1].processing_countries == ("AT", "NO")


def test_a_new_file_of_agents_is_checked_beside_those_in_force(folder: Path, tmp_path: Path):
    draft = tmp_path / "more.yaml"
    draft.write_text((folder / AGENTS).read_text().replace("id: example-", "id: other-"))

    with pytest.raises(RulesError) as caught:
        check_with(folder, draft)

    assert {p.file for p in caught.value.problems} == {str(draft)}
    assert all("already" in p.what for p in caught.value.problems)


def test_a_broken_change_leaves_the_rules_in_force_and_says_why(folder: Path):
    book = Rulebook(folder)
    before = book.current.rules.digest
    change(folder, AGENTS, "instrument: eu-us-dpf", "instrument: eu-us-dfp")

    assert book.changed()
    assert book.read() is None
    assert book.error is not None
    assert book.current.rules.digest == before
    assert not book.changed()


def test_every_fact_of_the_law_has_a_source(folder: Path):
    rules = load_rules(folder)
    facts = [*rules.instruments.values(), *rules.adequacy, *rules.countries, *rules.territories]
    facts += [*rules.categories.values(), *rules.clauses.values(), rules.tia]

    assert all(fact.source.strip() for fact in facts)


def test_the_code_holds_no_date_of_the_law():
    package = Path(__file__).parents[2] / "gateway"
    dated = re.compile(r"\b(19|20)\d\d-\d\d-\d\d\b")
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "date":
                raise AssertionError(
                    f"{path}:{node.lineno}: a date is written in code; it belongs into rules/"
                )
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and dated.fullmatch(node.value):
                raise AssertionError(
                    f"{path}:{node.lineno}: a date is written in code; it belongs into rules/"
                )


ENTRY = (
    "{agent: example-analytics, protocols: [tls], reason: Pinned., approver: DPO, reference: D-1, "
    "valid_from: 2026-01-01, valid_until: 2026-12-31}"
)


@pytest.mark.parametrize(
    ("old", "new", "field", "what"),
    [
        ("example-analytics", "example-analitics", "uninspected.0.agent", "example-analytics"),
        ("reason: Pinned., ", "", "uninspected.0.reason", "is missing"),
        ("approver: DPO", "approver: ' '", "uninspected.0", "approver is empty"),
        (", valid_until: 2026-12-31", "", "uninspected.0.valid_until", "is missing"),
        ("2026-12-31", "2025-12-31", "uninspected.0", "before"),
        ("[tls]", "[udp]", "uninspected.0.protocols.0", "udp"),
        ("[tls]", "[]", "uninspected.0", "at least one protocol"),
    ],
)
def test_an_exception_from_inspection_is_checked_like_every_rule(
    folder: Path, old: str, new: str, field: str, what: str
):
    file = folder / "policy" / "uninspected.yaml"
    file.write_text(f"schema: 1\nuninspected:\n  - {ENTRY.replace(old, new)}\n")
    (problem,) = problems(folder)

    assert problem.field == field
    assert what in problem.what


def test_a_folder_without_exceptions_lets_nothing_pass_uninspected(folder: Path):
    (folder / "policy" / "uninspected.yaml").unlink()

    assert load_rules(folder).uninspected == ()
