"""Texts to time: machines' records and people's letters, each new, up to the most that every tool takes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench.bodies import letters, records
from bench.detection.samples import Sample

FORMS = ("JSON records", "letters")
SIZES = {"2 KB": (2_000, 40), "64 KB": (64_000, 4), "950 KB": (950_000, 1)}
"""Characters of a text, and how many of them."""


def lengths() -> Iterator[Sample]:
    """Samples of the group `speed`; nothing in them is counted as found or false."""
    for form in FORMS:
        for name, (size, count) in SIZES.items():
            for place in range(count):
                text = _records(size) if form == "JSON records" else _letters(size, place)
                yield Sample(f"speed-{form}-{name}-{place}", "speed", text, (), source=name, form=form)


def _records(size: int) -> str:
    rows: list[object] = []
    left = size
    for body in records():
        batch = json.loads(body)
        rows.append(batch)
        left -= len(body)
        if left <= 0:
            return json.dumps(rows)
    raise AssertionError("records never end")


def _letters(size: int, skip: int) -> str:
    text = ""
    for number, body in enumerate(letters()):
        if number >= skip:
            text += json.loads(body)["messages"][0]["content"] + "\n\n"
        if len(text) >= size:
            return text[:size]
    raise AssertionError("letters never end")
