"""Every clause of the policy has a test that bears its id, as the yearly self-assessment asks."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.rulefiles import load_rules
from gateway.settings import shipped
from tests.conftest import CLAUSE

TESTS = Path(__file__).parents[1]


def clauses_named() -> set[str]:
    """Clauses in the names of tests."""
    texts = (file.read_text("utf-8") for file in TESTS.rglob("test_*.py"))
    return {
        f"{family}-{number}"
        for text in texts
        for name in re.findall(r"def (test_\w+)", text)
        for family, number in CLAUSE.findall(name)
    }


def test_every_clause_has_a_test_named_after_it():
    clauses = set(load_rules(shipped("rules")).clauses)

    assert len(clauses) >= 60
    assert clauses - clauses_named() == set()
