"""docs/protocols.md says what the code does: no reason, setting or test in it is made up, and no reason is left out."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from gateway.core.refusals import REFUSALS
from gateway.settings import Settings

ROOT = Path(__file__).parents[2]
OF_CONTENT = {"still-personal", "exemption-used"}
"""Refusals for what a message says, and not for how it comes."""


def rows() -> list[list[set[str]]]:
    """The words in backquotes of each cell."""
    lines = (ROOT / "docs" / "protocols.md").read_text("utf-8").splitlines()
    table = [line.strip("|").split("|") for line in lines if line.startswith("| ")][1:]
    return [[set(re.findall(r"`([^`]+)`", cell)) for cell in row] for row in table]


def test_reasons_are_those_of_the_code_and_each_is_shown_by_a_test_named_beside_it():
    for _, _, reasons, _, tests in rows():
        text = "".join((ROOT / "tests" / f"{test}.py").read_text("utf-8") for test in tests)
        assert reasons <= REFUSALS.keys()
        assert [reason for reason in reasons if f'"{reason}"' not in text] == []


def test_every_reason_that_lies_in_the_protocol_is_named():
    named = {reason for row in rows() for reason in row[2]}
    assert {name for name, why in REFUSALS.items() if not why.internal} - OF_CONTENT - named == set()


def test_settings_are_those_of_the_gateway():
    assert {setting for row in rows() for setting in row[3]} <= {one.name for one in fields(Settings)}


def test_every_row_is_shown_by_a_test_with_real_sockets():
    assert all(row[4] for row in rows())
