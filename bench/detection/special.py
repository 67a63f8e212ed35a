"""How well special categories and offences are told from talk about the same things, in seven languages.

    python -m bench.detection.special [--missed]

The messages are invented; most say the same in each language. Every second one is held apart: words were added for what
the others showed to be missing; but one rule, and perhaps a word, was changed with these in view. `free/` was written
after the words, without looking at them; words were added for what it first showed to be missing. One author wrote all
of it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gateway
from bench.detection.samples import DATA, table
from bench.detection.scoring import wilson
from gateway.core.model import DataClass, Message, Segment
from gateway.core.ruleset import RuleSet
from gateway.decode import Limits, decode
from gateway.detect import Detector
from gateway.rulefiles import load_rules
from gateway.settings import shipped

NOBODY = "nobody"
GRAVE = frozenset({DataClass.SPECIAL, DataClass.CRIMINAL})
HALVES = TUNED, HELD_OUT, FREE = ("tuned", "held out", "free")


@dataclass(frozen=True, slots=True)
class Told:
    """A message, and the category that it tells of a person; none for one that speaks of nobody."""

    language: str
    half: str
    category: str | None
    text: str


@dataclass(slots=True)
class Counts:
    """How messages came out."""

    told: int = 0
    nobodys: int = 0
    found: int = 0
    right: int = 0
    """Found under the category that it is."""
    false: int = 0


def messages() -> Iterator[Told]:
    """All messages."""
    for place in ("special", "special/free"):
        for file in sorted((DATA / place).glob("*.yaml")):
            number = 0
            for category, texts in table(f"{place}/{file.name}").items():
                for text in texts:
                    number += 1
                    half = FREE if place.endswith("free") else TUNED if number % 2 else HELD_OUT
                    yield Told(file.stem, half, None if category == NOBODY else category, text)


def segments(text: str) -> Sequence[Segment]:
    """The message as a gateway reads it: JSON, a table, or plain text."""
    lines = text.strip().split("\n")
    kind = "text/plain; charset=utf-8"
    if text.startswith(("{", "[")):
        kind = "application/json"
    elif len(lines) > 1 and any(
        all(line.count(sign) == lines[0].count(sign) > 0 for line in lines) for sign in ";,"
    ):
        kind = "text/csv; charset=utf-8"
    message = Message("POST", b"/", ((b"content-type", kind.encode()),), text.encode())
    return decode(message, Limits(), frozenset()).segments


def categories(text: str, detector: Detector, rules: RuleSet) -> frozenset[str]:
    """Special and criminal categories found in a message."""
    found = {one.category for one in detector.detect(segments(text))}
    return frozenset(one for one in found if rules.categories[one].data_class in GRAVE)


def tally(
    detector: Detector, rules: RuleSet, missed: list[str] | None = None, halves: Container[str] = HALVES
) -> dict[tuple[str, str], Counts]:
    """Counts by language and half."""
    counts: dict[tuple[str, str], Counts] = defaultdict(Counts)
    for one in messages():
        if one.half not in halves:
            continue
        found = categories(one.text, detector, rules)
        count = counts[one.language, one.half]
        if one.category is None:
            count.nobodys += 1
            count.false += bool(found)
        else:
            count.told += 1
            count.found += bool(found)
            count.right += one.category in found
        if missed is not None and (one.category not in found if one.category else found):
            missed.append(f"{one.language} {one.half}: {one.category or NOBODY} {sorted(found)} {one.text!r}")
    return counts


def summed(counts: Sequence[Counts]) -> Counts:
    """All of them together."""
    names = ("told", "nobodys", "found", "right", "false")
    return Counts(*(sum(getattr(one, name) for one in counts) for name in names))


def row(name: str, half: str, one: Counts) -> str:
    """A line of the table."""

    def share(part: int, whole: int) -> str:
        low, high = wilson(part, whole)
        return f"{part / whole:.2f} ({low:.2f}-{high:.2f})" if whole else "-"

    return (
        f"| {name} | {half} | {one.told} | {one.nobodys} | {share(one.found, one.found + one.false)} "
        f"| {share(one.found, one.told)} | {share(one.right, one.told)} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--missed", action="store_true", help="also print what came out wrong")
    asked = parser.parse_args()
    rules = load_rules(shipped("rules"))
    detector = Detector(rules.detection, Path(gateway.__file__).parent / "models" / "names-xx")
    missed: list[str] = []
    counts = tally(detector, rules, missed)
    print(
        "| language | half | told | nobody's | precision | recall | right category |\n|---|---|---|---|---|---|---|"
    )
    for half in HALVES:
        for language, which in sorted(counts):
            if which == half and half != TUNED:
                print(row(language, half, counts[language, half]))
        print(row("all", half, summed([one for (_, which), one in counts.items() if which == half])))
    if asked.missed:
        print("\n".join(missed))


if __name__ == "__main__":
    main()
