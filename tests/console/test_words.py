"""Catalogues of messages: every language says everything, with the same values, and pages ask for nothing else."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from gateway.console.access import Role
from gateway.console.service import FOLDER
from gateway.console.words import DEFAULT, load_catalogues, preferred

CATALOGUES = load_catalogues()


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", sorted(set(CATALOGUES) - {DEFAULT}))
def test_every_language_says_the_same_things_with_the_same_values(language: str):
    texts, others = CATALOGUES[DEFAULT], CATALOGUES[language]
    assert set(texts) == set(others)
    assert {key: values_of(text) for key, text in texts.items()} == {
        key: values_of(text) for key, text in others.items()
    }
    assert all(text.strip() for text in others.values())


def test_pages_ask_only_for_texts_that_there_are():
    asked = {
        (file.name, key)
        for file in (FOLDER / "templates").glob("*.html")
        for key in re.findall(r"""\bt\(["']([a-z0-9.-]+)["'][,)]""", file.read_text())
    }
    assert len(asked) > 20
    assert [(file, key) for file, key in sorted(asked) if key not in CATALOGUES[DEFAULT]] == []


def test_every_role_has_a_name():
    assert all(f"role.{role}" in CATALOGUES[DEFAULT] for role in Role)


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr", "en"),
        ("", "en"),
        ("en;q=0.1, de;q=0.9", "de"),
        ("de;q=x", "en"),
    ],
)
def test_the_browsers_preference_counts(accept: str, language: str):
    assert preferred(accept, CATALOGUES) == language
