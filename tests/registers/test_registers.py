"""Choices and exemptions on record: found by fingerprint, in force at once, and nothing kept in clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.choicefiles import read_consents, read_refusals
from gateway.core.choice import NOBODY_CHOSE, Choices
from gateway.core.errors import RegisterError, RulesError
from gateway.detect import normalize
from gateway.keys import Key, fingerprint
from gateway.store.registers import Consent, Refusal, Registers
from tests.policy.builders import NOON, RULES, TODAY, a_grant, an_agent, day

KEY = Key(1, bytes(32))
RULES_HERE = replace(RULES, agents=(an_agent(),), memory={})
AGENT = an_agent()


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    registers = Registers(tmp_path / "registers.db")
    yield registers
    registers.close()


def chosen(
    registers: Registers, *prints: str, agent=AGENT, purpose: str | None = "support", on=TODAY
) -> Choices:
    return registers.choices(prints or ("1:a",), agent, purpose, on)


def consent(**changes: object) -> Consent:
    values: dict[str, object] = {
        "fingerprint": "1:a",
        "agent": "agent",
        "country": "US",
        "purpose": "support",
        "wording": "v1",
        "given_on": day("2026-01-01"),
        "expires_on": day("2027-12-31"),
    }
    return Consent(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("scope", "counts"), [("*", True), ("agent", True), ("another", False)])
def test_CHOICE_1_an_opt_out_counts_for_its_agent_or_for_all(registers: Registers, scope: str, counts: bool):
    registers.refuse([Refusal("1:a", "opt-out", scope, TODAY)])

    assert chosen(registers).opted_out == (frozenset({"1:a"}) if counts else frozenset())
    assert chosen(registers, on=TODAY - timedelta(days=1)).opted_out == frozenset()


@pytest.mark.parametrize("by_another", [True, False])
def test_CHOICE_1_the_first_choice_of_all_counts_at_once(
    registers: Registers, tmp_path: Path, by_another: bool
):
    assert chosen(registers) == NOBODY_CHOSE
    writer = Registers(tmp_path / "registers.db") if by_another else registers
    writer.refuse([Refusal("1:a", "opt-out", "*", TODAY)])
    assert chosen(registers).opted_out == frozenset({"1:a"})
    if by_another:
        writer.close()


def test_CHOICE_2_an_objection_to_one_purpose_leaves_the_others(registers: Registers):
    registers.refuse([Refusal("1:a", "objection", "marketing", TODAY)])

    assert chosen(registers, purpose="marketing").objected == frozenset({"1:a"})
    assert chosen(registers, purpose="support").objected == frozenset()


def test_CHOICE_2_without_a_declared_purpose_an_objection_to_any_of_the_agents_counts(registers: Registers):
    registers.refuse([Refusal("1:a", "objection", "support", TODAY)])

    assert chosen(registers, purpose=None).objected == frozenset({"1:a"})


def test_DEF_5_consent_for_one_agent_and_country_is_none_for_another(registers: Registers):
    registers.consent([consent()])

    assert chosen(registers).consented == frozenset({"1:a"})
    assert chosen(registers, agent=an_agent(id="other")).consented == frozenset()
    assert chosen(registers, agent=an_agent(country="IN")).consented == frozenset()
    assert chosen(registers, agent=an_agent(processing=("US", "IN"))).consented == frozenset()
    assert chosen(registers, purpose="marketing").consented == frozenset()


def test_DEF_5_withdrawal_bites_on_the_next_transfer(registers: Registers):
    registers.consent([consent()])
    registers.consent([consent(withdrawn_on=TODAY)])

    assert chosen(registers).consented == frozenset()


def test_DEF_5_a_consent_ends(registers: Registers):
    registers.consent([consent(expires_on=day("2026-11-23"))])

    assert chosen(registers).consented == frozenset()


def test_more_fingerprints_than_one_statement_takes_are_all_looked_up(registers: Registers):
    registers.refuse([Refusal(f"1:{n}", "opt-out", "*", TODAY) for n in (0, 499, 500, 1200)])

    found = chosen(registers, *(f"1:{n}" for n in range(1500))).opted_out

    assert found == {"1:0", "1:499", "1:500", "1:1200"}


def test_CHOICE_1_a_file_is_kept_as_fingerprints_and_the_register_holds_no_clear_data(
    registers: Registers, tmp_path: Path
):
    file = tmp_path / "opt-outs.csv"
    file.write_text("entity,value,agent\nEMAIL_ADDRESS,Lena.Vogt@example.org,\nPERSON,Lena Vogt,agent\n")

    registers.refuse(read_refusals(file, "opt-out", RULES_HERE, KEY, TODAY))

    mail = fingerprint(KEY, "EMAIL_ADDRESS", normalize("EMAIL_ADDRESS", "lena.vogt@EXAMPLE.org"))
    assert chosen(registers, mail).opted_out == {mail}
    registers.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("registers.db*"))
    assert b"vogt" not in kept.lower()


def test_faults_of_a_file_are_told_by_line_and_column_and_never_with_the_value(tmp_path: Path):
    file = tmp_path / "consents.csv"
    file.write_text(
        "entity,value,agent,country,purpose,wording,given_on\n"
        "EMAIL_ADDRES,lena.vogt@example.org,agent,US,support,v1,2026-01-01\n"
        "EMAIL_ADDRESS,,nobody,US,support,v1,2026-13-01\n"
    )

    with pytest.raises(RulesError) as caught:
        read_consents(file, RULES_HERE, KEY, TODAY)

    places = {(one.line, one.field) for one in caught.value.problems}
    assert places == {(2, "entity"), (3, "value"), (3, "agent"), (3, "given_on")}
    assert "vogt" not in str(caught.value)


def test_a_file_with_a_wrong_head_is_refused(tmp_path: Path):
    file = tmp_path / "opt-outs.csv"
    file.write_text("entity,mail\nEMAIL_ADDRESS,lena.vogt@example.org\n")

    with pytest.raises(RulesError) as caught:
        read_refusals(file, "opt-out", RULES_HERE, KEY, TODAY)

    assert {one.field for one in caught.value.problems} == {"value", ""}


def test_EXC_1_an_exemption_is_asked_for_approved_by_another_and_used_once(registers: Registers):
    asked = a_grant("EXC-LEGAL-PROCESS", approver=None, approved_at=None)
    rule = RULES.exemptions[asked.exemption]
    registers.request(asked)

    with pytest.raises(RegisterError, match="somebody else"):
        registers.approve("G-1", "Anna", NOON)
    registers.approve("G-1", "ben", NOON)

    (grant,) = registers.grants("agent", NOON)
    assert grant.covers(rule, NOON)
    assert registers.use(grant, rule, "t-1", NOON)
    assert not registers.use(grant, rule, "t-2", NOON)
    (grant,) = registers.grants("agent", NOON)
    assert not grant.covers(rule, NOON)


def test_an_exemption_that_is_over_is_not_looked_at_and_still_on_record(registers: Registers):
    registers.request(a_grant("EXC-PUBLIC"))

    assert registers.grants("agent", NOON + timedelta(hours=3)) == ()
    assert len(registers.grants()) == 1


def test_an_id_is_taken_once(registers: Registers):
    registers.request(a_grant("EXC-PUBLIC"))

    with pytest.raises(RegisterError, match="already"):
        registers.request(a_grant("EXC-PUBLIC"))


def test_a_register_that_cannot_be_read_is_an_error_and_no_free_pass(registers: Registers):
    registers.close()

    with pytest.raises(RegisterError):
        chosen(registers)
