"""`onward agents` and `onward rules`: the register and the law, checked before they count."""

from __future__ import annotations

import pytest


def test_the_list_shows_each_agents_status_for_both_origins(onward):
    listed = onward("agents", "list", "--on", "2026-11-24", "--json").json

    by_id = {agent["id"]: agent for agent in listed}
    assert by_id["example-llm"]["EU"]["status"] == "certified"
    assert by_id["example-analytics"]["EU"]["status"] == "lapsed"
    assert by_id["example-llm"]["EU"]["last_day"] == "2027-02-01"
    assert "example-llm" in onward("agents", "list").out


def test_one_agent_is_shown_with_the_reasons(onward):
    said = onward("agents", "show", "example-analytics", "--on", "2026-11-24")

    assert said.code == 0
    assert "ran out on 2025-10-01" in said.out
    assert onward("agents", "show", "nobody").code == 2


def test_apply_puts_a_good_file_into_force_under_its_own_name(onward, place):
    draft = place.folder / "more.yaml"
    text = place.agents.read_text().replace("example-", "other-").replace(".example.", ".other.example.")
    draft.write_text(text)

    assert onward("agents", "check", str(draft)).code == 0
    assert not (place.rules / "agents" / "more.yaml").exists()
    assert onward("agents", "apply", str(draft)).code == 0
    assert (place.rules / "agents" / "more.yaml").read_text() == text
    assert len(onward("agents", "list", "--json").json) == 8


@pytest.mark.parametrize("command", ["check", "apply"])
def test_a_broken_file_is_refused_with_file_line_and_field_and_nothing_changes(onward, place, command: str):
    draft = place.folder / "broken.yaml"
    draft.write_text(
        place.agents.read_text().replace("example-", "other-").replace("role: processor", "role: boss", 1)
    )
    line = draft.read_text().splitlines().index("    role: boss") + 1

    said = onward("agents", command, str(draft))

    assert said.code == 1
    assert f"{draft}:{line}: agents.0.role:" in said.err.replace("\n", "")
    assert not (place.rules / "agents" / "broken.yaml").exists()
    assert len(onward("agents", "list", "--json").json) == 4


def test_rules_check_says_ok_with_a_digest_or_names_every_fault(onward, place):
    good = onward("rules", "check", "--json")
    assert good.code == 0
    assert good.json["ok"]
    assert len(good.json["digest"]) == 64

    place.agents.write_text(
        place.agents.read_text().replace("instrument: eu-us-dpf", "instrument: eu-us-dfp")
    )
    bad = onward("rules", "check", "--json")
    assert bad.code == 1
    assert [problem["field"] for problem in bad.json["problems"]] == [
        "agents.0.assurances.0.instrument",
        "agents.3.assurances.0.instrument",
    ]
    assert all(problem["line"] for problem in bad.json["problems"])
    assert "did you mean" in onward("rules", "check").err


def test_a_setting_nobody_knows_is_named_with_its_file_and_ends_with_2(onward, place):
    (place.folder / "onward.toml").write_text("listen_prot = 8080\n")

    said = onward("rules", "check")

    assert said.code == 2
    assert "onward.toml: listen_prot" in said.err.replace("\n", "")
