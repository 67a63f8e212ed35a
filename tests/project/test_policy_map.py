"""Every clause of the policy that the gateway itself decides by has a test that bears its id."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.rulefiles import load_rules
from gateway.settings import shipped

TESTS = Path(__file__).parents[1]
DECIDED = ("CERT", "SCOPE", "FRAME", "DOC", "DEF", "ONWARD", "ASSUR", "EXC", "LIMIT")
"""Scope and framework, definition and exclusions, onward transfer, exceptions and limits."""


def clauses_named() -> set[str]:
    """Clauses at the beginning of a test's name."""
    texts = (file.read_text("utf-8") for file in TESTS.rglob("test_*.py"))
    return {
        f"{family}-{number}"
        for text in texts
        for family, number in re.findall(r"def test_([A-Z]+)_(\d+)_[a-z]", text)
    }


def test_every_clause_that_decides_has_a_test_named_after_it():
    decided = {one for one in load_rules(shipped("rules")).clauses if one.rpartition("-")[0] in DECIDED}

    assert len(decided) >= 30
    assert decided - clauses_named() == set()
