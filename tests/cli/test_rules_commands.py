"""The commands a compliance officer changes rules with."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tests.cli.conftest import Place, Said
from tests.rules.test_rulefiles import change

Onward = Callable[..., Said]


def test_rules_test_tells_the_coverage_and_fails_with_a_case_that_does_not_hold(onward: Onward, place: Place):
    assert "96 of 96 cells" in onward("rules", "test").out

    change(
        place.rules, "tests/policy.yaml", "{special: pass, criminal: pass}", "{special: hold, criminal: pass}"
    )
    said = onward("rules", "test", "--json")

    assert said.code == 1
    assert [one["case"] for one in said.json["failed"]] == [
        "With its legal conditions it receives special and criminal data, too"
    ]


def test_rules_diff_and_show_and_status(onward: Onward, place: Place):
    old = place.folder / "old"
    shutil.copytree(place.rules, old)
    change(place.rules, "policy/decision.yaml", "opted_out: block", "opted_out: anonymize")

    said = onward("rules", "diff", str(old), str(place.rules), "--json")
    assert said.code == 1
    assert said.json == [
        {"kind": "policy", "id": "opted_out", "field": "value", "old": "block", "new": "anonymize"}
    ]
    assert onward("rules", "diff", str(old), str(old)).code == 0

    shown = onward("rules", "show", "eu-us-dpf", "--json").json
    assert any(one["source"].startswith("Decision (EU) 2023/1795") for one in shown)

    status = onward("rules", "status", "--on", "2027-02-01", "--json").json
    assert {"last_day": "2027-02-01", "kind": "agent", "id": "example-llm", "what": "EU data: certified"} in (
        status["ending"]
    )
    assert "instrument/bcr" in status["unverified"]
    assert len(status["principles"]) == 7


def test_an_explanation_is_there_in_german_with_clauses_and_sources(onward: Onward):
    said = onward(
        "explain",
        "--agent",
        "example-analytics",
        "--origin",
        "EU",
        "--on",
        "2026-11-24",
        "-l",
        "de",
        "--json",
    )

    assert "hatte eine Zusicherung, die abgelaufen ist" in said.json["why"]
    assert set(said.json["sources"]) == set(said.json["clauses"])


def test_an_exemption_is_asked_for_approved_by_another_and_listed(onward: Onward, place: Place):
    onward("choices", "count")
    file = place.folder / "request.yaml"
    file.write_text(
        "id: G-1\nexemption: EXC-PUBLIC\nrequester: anna\nagent: example-crm\ncategories: [identity]\n"
        "origins: [EU]\npeople: '1'\npurpose: support\nnecessity: n\nevidence: e\n"
        "record: {where: register, seen_on: 2026-11-20, not_combined: 'yes', restrictions: none}\n"
        "granted_at: 2026-11-24T12:00:00Z\nexpires_at: 2027-11-20T12:00:00Z\n"
    )

    assert onward("exemptions", "request", str(file)).code == 1  # A date is no text: said with its line.
    file.write_text(file.read_text().replace("2026-11-20,", "'2026-11-20',"))
    assert onward("exemptions", "request", str(file)).code == 0
    assert onward("exemptions", "approve", "G-1", "--approver", "anna").code == 3
    assert onward("exemptions", "approve", "G-1", "--approver", "ben").code == 0

    (listed,) = onward("exemptions", "list", "--json").json
    assert (listed["approver"], listed["incident"]) == ("ben", False)
