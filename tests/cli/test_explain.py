"""`onward explain`: a decision without any traffic."""

from __future__ import annotations

import pytest

KEYS = {"action", "status", "rule", "clauses", "why"}


def test_it_names_action_status_rule_clauses_and_why(onward):
    said = onward(
        *("explain", "--agent", "api.llm.example.org", "--on", "2026-11-24"),
        *("--origin", "EU", "--class", "ordinary", "--json"),
    )

    assert said.code == 0
    assert said.json.keys() >= KEYS
    assert (said.json["action"], said.json["status"]) == ("pass", "certified")
    assert said.json["rule"] == "table/certified/ordinary"
    assert {"ASSUR-2", "FRAME-1"} <= set(said.json["clauses"])


@pytest.mark.parametrize(
    ("data_class", "action"),
    [
        ("ordinary", "block"),
        ("elevated", "block"),
        ("special", "block"),
        ("criminal", "block"),
        ("pseudonymous", "block"),
        ("aggregate", "pass"),
    ],
)
@pytest.mark.parametrize("origin", ["EU", "CH", "unknown"])
def test_a_host_outside_the_register_receives_aggregates_only(
    onward, data_class: str, action: str, origin: str
):
    said = onward(
        "explain", "--agent", "nowhere.example", "--origin", origin, "--class", data_class, "--json"
    )

    assert (said.json["action"], said.json["status"]) == (action, "unknown_agent")


@pytest.mark.parametrize(("day", "status"), [("2027-02-01", "certified"), ("2027-02-02", "lapsed")])
def test_the_day_decides(onward, day: str, status: str):
    said = onward(
        "explain", "--agent", "example-llm", "--on", day, "--origin", "CH", "--class", "elevated", "--json"
    )

    assert said.json["status"] == status


def test_an_agent_is_found_by_id_host_port_or_url(onward):
    for agent in ("example-crm", "crm.example.com/v2", "https://crm.example.com/v2/contacts"):
        assert onward("explain", "--agent", agent, "--json").json["agent"] == "example-crm"
    assert onward("explain", "--agent", "crm.example.com/v1", "--json").json["agent"] == "unregistered"


def test_a_purpose_the_agent_is_not_registered_for_blocks(onward):
    said = onward("explain", "--agent", "example-mail", "--origin", "EU", "--purpose", "marketing", "--json")

    assert (said.json["action"], said.json["rule"]) == ("block", "purpose-mismatch")


def test_people_get_the_clauses_in_words(onward):
    said = onward("explain", "--agent", "nowhere.example", "--class", "special")

    assert said.code == 0
    assert "block" in said.out
    assert "ONWARD-1" in said.out
    assert "not in the agent register" in said.out


@pytest.mark.parametrize(
    "wrong",
    [("--on", "24.11.2026"), ("--origin", "Mars"), ("--class", "secret"), ("--agent", "https://[broken")],
)
def test_a_wrong_argument_is_named_and_ends_with_2(onward, wrong: tuple[str, str]):
    said = onward("explain", "--agent", "nowhere.example", *wrong)

    assert said.code == 2
    assert wrong[1] in said.err or wrong[0] in said.err


def test_a_day_that_no_law_data_reaches_is_refused(onward):
    said = onward("explain", "--agent", "nowhere.example", "--on", "1995-10-24")

    assert said.code != 0
    assert "there is no law data before 1998-10-25" in said.err
