"""Invented personal numbers and passports of the EEA and Switzerland, in sentences, JSON and CSV, among noise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from bench.detection.samples import Sample, Span, around, table
from gateway.detect.checks import check_named

TRIES = 200_000
EACH = 4
"""Samples of each kind, form and wrapping."""


def identifiers(seed: int) -> Iterator[Sample]:
    """Numbers with a check digit rule, and some of states that have none."""
    yield from _samples("identifiers", "identifiers.yaml", "NATIONAL_ID", seed)


def documents(seed: int) -> Iterator[Sample]:
    """Passport numbers."""
    yield from _samples("passports", "documents.yaml", "PASSPORT", seed)


def noise_only(seed: int, count: int = 600) -> Iterator[Sample]:
    """Sentences in all languages with numbers that are nobody's: no cue, or a cue for something else."""
    random, sentences = Random(seed), table("sentences.yaml")
    words = ["ref", "order", "SKU", "no.", "batch", "ISBN", "ID", "trace", "invoice", "#"]
    for place in range(count):
        lang = random.choice(sorted(sentences))
        template = random.choice(sentences[lang])
        others = {"cue": random.choice(words), "noise": noise(random)}
        text, _, _ = around(template, noise(random), others)
        yield Sample(f"noise-{place}", "noise", text, (), lang, "noise", "sentence")


def _samples(group: str, name: str, kind: str, seed: int) -> Iterator[Sample]:
    sentences = table("sentences.yaml")
    for row in table(name):
        # One generator for each row, so that a new row changes no other.
        random = Random(f"{seed}:{row['country']}:{row['entity']}:{row['lang']}")
        for shape in row["shapes"]:
            forms = {"written": shape} | ({"bare": re.sub(r"[ ./-]", "", shape)} if row.get("bare") else {})
            for form, one_shape in forms.items():
                for wrapping in ("sentence", "json", "csv"):
                    for place in range(EACH):
                        value = invented(random, one_shape, row.get("check"))
                        text, start, end = _wrapped(
                            random, wrapping, row, value, sentences[row["lang"]], place
                        )
                        number = f"{row['country']}-{row['entity']}-{row['lang']}-{shape}-{form}-{wrapping}-{place}"
                        yield Sample(
                            number,
                            group,
                            text,
                            (Span(start, end, kind, row["entity"]),),
                            row["lang"],
                            row["country"],
                            f"{wrapping}, {form}",
                        )


def _wrapped(
    random: Random, wrapping: str, row: dict[str, Any], value: str, sentences: list[str], place: int
) -> tuple[str, int, int]:
    if wrapping == "sentence":
        cue = row["cues"][place % len(row["cues"])]
        template = sentences[(place // len(row["cues"]) + place) % len(sentences)]
        return around(template, value, {"cue": cue, "noise": noise(random)})
    if wrapping == "json":
        template = '{"orderId": "{noise}", "{key}": "{value}", "createdAt": {stamp}, "total": "{price}"}'
    else:
        template = "order;{key};total\n{noise};{value};{price}\n"
    others = {
        "noise": noise(random),
        "key": row["key"],
        "stamp": str(random.randrange(1_500_000_000, 1_900_000_000)),
        "price": f"{random.randrange(1, 5000)}.{random.randrange(100):02d}",
    }
    return around(template, value, others)


def invented(random: Random, shape: str, check: str | None) -> str:
    """A value of that shape for which the check holds."""
    holds = _check(check)
    for _ in range(TRIES):
        value = _filled(random, shape)
        if holds(value):
            return value
    raise ValueError(f"no value of shape {shape!r} found for which {check} holds")


def _filled(random: Random, shape: str) -> str:
    parts = {
        "{yy}": f"{random.randrange(40, 99):02d}",
        "{mm}": f"{random.randrange(1, 13):02d}",
        "{dd}": f"{random.randrange(1, 29):02d}",
    }
    for name, part in parts.items():
        shape = shape.replace(name, part)
    signs = {"#": "0123456789", "@": "ABCDEFGHJKLMNPQRSTVWXYZ"}
    return "".join(random.choice(signs[sign]) if sign in signs else sign for sign in shape)


def _check(name: str | None) -> Callable[[str], bool]:
    if name is None:
        return lambda value: True
    check = check_named(name)
    return lambda value: check(value) is not None


def noise(random: Random) -> str:
    """Something that looks like data and is nobody's."""
    digits = random.choice([6, 7, 8, 9, 10, 11, 12, 13, 14])
    return random.choice(
        [
            "".join(random.choice("0123456789") for _ in range(digits)),
            f"{random.choice('ABCDEFX')}-{random.randrange(10**6):06d}",
            f"2026-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}T12:{random.randrange(60):02d}:00Z",
            f"{random.getrandbits(160):040x}",
            f"{random.getrandbits(48):012x}",
            f"{random.randrange(1, 9999)}.{random.randrange(100):02d}",
            f"INV-{random.randrange(2020, 2027)}-{random.randrange(10**5):05d}",
            f"{random.randrange(1, 30)}.{random.randrange(20)}.{random.randrange(99)}",
            f"978-3-{random.randrange(10**2):02d}-{random.randrange(10**6):06d}-{random.randrange(10)}",
        ]
    )
