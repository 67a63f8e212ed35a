"""Section 5 of the policy, where it decides transfers: what is never handed on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.core.errors import RulesError
from gateway.core.model import Action, Finding
from gateway.rulefiles import check_with
from gateway.settings import shipped
from tests.policy.builders import RULES, an_agent, assurance, decided, says

PASSWORD = Finding("body.json:/password", 0, 12, "PASSWORD", 0.9, "credentials")
EXAMPLES = shipped("rules") / "agents" / "examples.yaml"


def test_ACCESS_3_a_password_in_a_body_is_taken_out_even_for_an_assured_agent():
    categories = tuple(one for one in RULES.categories if one not in RULES.decision.never_categories)
    certified = (assurance("eu-us-dpf", "2026-06-01"), assurance("swiss-us-dpf", "2026-06-01"))
    decision = decided(an_agent(*certified, categories=categories), PASSWORD)

    assert (decision.action, decision.rule) == (Action.ANONYMIZE, "outside-profile")
    assert decision.remove == (PASSWORD,)
    assert says(decision, "credentials")


def test_ACCESS_3_no_agent_can_be_registered_for_passwords(tmp_path: Path):
    rules = tmp_path / "rules"
    shutil.copytree(shipped("rules"), rules)
    file = tmp_path / "examples.yaml"
    file.write_text(EXAMPLES.read_text().replace("categories: [", "categories: [credentials, ", 1))

    with pytest.raises(RulesError, match=r"no agent may receive the category 'credentials' \(ACCESS-3\)"):
        check_with(rules, file)
