"""What is measured on: texts with the personal data that is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DATA = Path(__file__).parent / "data"
TUNED, HELD_OUT = "tuned", "held out"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text, in characters, the end not included, and its class (`data/entities.yaml`)."""

    start: int
    end: int
    kind: str
    entity: str = ""
    """What exactly: the identifier, or the tool's own name for it."""
    score: float = 1.0
    """How sure the tool is, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One text. `spans` is all the personal data in it, or all of one class where only that is labelled."""

    id: str
    group: str
    text: str
    spans: tuple[Span, ...]
    lang: str = ""
    source: str = ""
    """Where it is from: a country, a corpus, a kind of clean text."""
    form: str = ""
    """How the value is written or wrapped."""


@cache
def table(name: str) -> Any:
    """A YAML file of `data/`; nobody changes what is read."""
    return YAML(typ="safe").load((DATA / name).read_text("utf-8"))


def around(template: str, value: str, others: Mapping[str, str]) -> tuple[str, int, int]:
    """The template filled in, and where the value stands in it."""
    before, _, after = template.partition("{value}")
    for name, other in others.items():
        before, after = before.replace(f"{{{name}}}", other), after.replace(f"{{{name}}}", other)
    return before + value + after, len(before), len(before) + len(value)


def half_of(word: str) -> str:
    """Whether a cue, a field name or an origin is for tuning or held out; always the same."""
    return HELD_OUT if sha256(word.lower().encode()).digest()[0] % 2 else TUNED
