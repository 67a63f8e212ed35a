"""Values in texts by another hand (`data/hand.yaml`): how far what was found of one author's texts holds for others."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from bench.detection.identifiers import invented
from bench.detection.samples import HELD_OUT, TUNED, Sample, Span, table

SENTENCES = ["Adresse: {}", "I live at {} now", "{}", "tel. 0, adres {}"]
EACH = 3
"""Values of each text with a national number."""


def by_hand(seed: int) -> Iterator[Sample]:
    """Samples of four groups; the form says whether recognizers were mended by them."""
    shapes = {row["entity"]: row for row in reversed(table("wild_identifiers.yaml"))}
    for part, half in (("seen", TUNED), ("unseen", HELD_OUT)):
        texts = table("hand.yaml")[part]
        for entity, *frames in texts["numbers"]:
            row, random = shapes[entity], Random(f"{seed}:{entity}:{part}")
            for at, frame in enumerate(frames):
                for place in range(EACH):
                    value = invented(random, row["shapes"][place % len(row["shapes"])], row.get("check"))
                    text = f"Order 4711882390, {frame.replace('{}', value)}, ref 8812"
                    start = text.index(value)
                    span = Span(start, start + len(value), "NATIONAL_ID", entity)
                    number = f"hand-{part}-{entity}-{at}-{place}"
                    yield Sample(number, "numbers by hand", text, (span,), "", row["country"], half)
        for place, text in enumerate(texts["births"]):
            span = Span(*_date(text), "BIRTH_DATE", "birth dates")
            yield Sample(f"hand-{part}-birth-{place}", "births by hand", text, (span,), "", "", half)
        for place, street in enumerate(texts["streets"]):
            for sentence in SENTENCES:
                text = sentence.replace("{}", street)
                # What says the floor, the flat and the town may be missing from what is found.
                span = Span(text.index(street), text.index(street) + len(street), "ADDRESS", "street")
                number = f"hand-{part}-street-{place}-{sentence}"
                yield Sample(number, "streets by hand", text, (span,), "", "", half)
        for at, row in enumerate(texts["others"]):
            for place, text in enumerate(row["texts"]):
                # The words before a value belong to no value: any finding of its class will do.
                span = Span(0, len(text), row["kind"], row["kind"])
                number = f"hand-{part}-{at}-{place}"
                yield Sample(number, "others by hand", text, (span,), "", row["kind"], half)


def _date(text: str) -> tuple[int, int]:
    """From the first to the last digit."""
    digits = [place for place, sign in enumerate(text) if sign.isdigit()]
    return digits[0], digits[-1] + 1
