"""A second set of invented personal numbers, written apart from the recognizers: as people and programs write them.

Half of the words that announce a value, and half of the sentences, are held out: recognizers are mended by what the
tuned half shows to be missing, and by nothing that the held-out half shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from bench.detection.identifiers import invented, noise
from bench.detection.samples import HELD_OUT, TUNED, Sample, Span, around, half_of, table

EACH = 3
"""Samples of each cue and of each field name."""
OWNERS = ["customer", "user", "applicant", "client", "patient", "employee", "insured_person", "contact"]
WRAPPINGS: Mapping[str, Sequence[str]] = {
    "json": [
        '{"{noise_key}": "{noise}", "{key}": "{value}", "{other_key}": {stamp}}',
        '{"id": {stamp}, "data": {"{key}":"{value}","{noise_key}":"{noise}"}}',
        '[{\n  "{key}": "{value}",\n  "{noise_key}": "{noise}",\n  "{other_key}": "{other}"\n}]',
    ],
    "json number": ['{"{noise_key}": {stamp}, "{key}": {value}, "{other_key}": {amount}}'],
    "csv": [
        "{noise_key};{key};{other_key}\n{noise};{value};{amount}\n",
        "{key},{noise_key},{other_key}\n{value},{noise},{stamp}\n",
        "{other_key}\t{noise_key}\t{key}\n{stamp}\t{noise}\t{value}\n",
    ],
    "xml": [
        "<row><{noise_key}>{noise}</{noise_key}><{key}>{value}</{key}></row>",
        '<person {key}="{value}" {noise_key}="{stamp}"/>',
    ],
    "line": [
        "{key}={value} {noise_key}={noise} {other_key}={stamp}",
        "{noise_key}: {noise}\n{key}: {value}\n{other_key}: {amount}\n",
        "UPDATE t SET {key} = '{value}' WHERE {noise_key} = {stamp}",
    ],
}
Row = dict[str, Any]


def national(seed: int) -> Iterator[Sample]:
    """National numbers, with and without a check digit."""
    for row in table("wild_identifiers.yaml"):
        yield from _samples("numbers in the wild", row, row["country"], row["cues"], row["shapes"], seed)


def papers(seed: int) -> Iterator[Sample]:
    """Passports, driving licences, permits, plates, patients and students."""
    states = _languages_of_states()
    for row in table("wild_documents.yaml"):
        for country, shapes in row["shapes"].items():
            langs = states.get(country, list(row["cues"]))
            cues = {lang: row["cues"][lang] for lang in [*langs, "en"] if lang in row["cues"]}
            yield from _samples("papers in the wild", row, country, cues, shapes, seed)


def nobodys(seed: int, count: int = 1500) -> Iterator[Sample]:
    """Sentences and records with numbers that are nobody's, announced as what they are."""
    random, frames, words = Random(f"{seed}:nobody"), table("wild_frames.yaml"), table("wild_noise.yaml")
    for place in range(count):
        lang = random.choice(sorted(words["labels"]))
        if place % 3:
            template = random.choice(frames[lang])
            others = _others(random, words) | {"cue": random.choice(words["labels"][lang])}
        else:
            template = random.choice(WRAPPINGS[random.choice(sorted(WRAPPINGS))])
            others = _others(random, words) | {"key": cased(random, random.choice(words["keys"]))}
        text, _, _ = around(template, noise(random), others)
        yield Sample(f"nobody-{place}", "noise", text, (), lang, "noise, in the wild", "sentence")


def _samples(
    group: str,
    row: Row,
    country: str,
    cues: Mapping[str, Sequence[str]],
    shapes: Sequence[str],
    seed: int,
) -> Iterator[Sample]:
    frames, words = table("wild_frames.yaml"), table("wild_noise.yaml")
    random = Random(f"{seed}:{country}:{row['entity']}")
    said = [(lang, cue, "") for lang in cues for cue in cues[lang]] + [("", "", key) for key in row["keys"]]
    for lang, cue, key in said:
        half = half_of(cue or key)
        for place in range(EACH):
            shape = shapes[(place + len(cue + key)) % len(shapes)]
            value = invented(random, shape, row.get("check"))
            others = _others(random, words)
            if cue:
                how = "sentence"
                # Every other sentence is for the held-out half alone.
                own = frames.get(lang, frames["en"])
                template = random.choice(own[::2] if half == TUNED else own)
                others["cue"] = cue
            else:
                template, how = wrapping(random, value, digits=bool(row.get("digits")))
                others["key"] = cased(random, key)
            text, start, end = around(template, value, others)
            number = f"{group}-{country}-{row['entity']}-{lang}-{cue or key}-{place}"
            span = Span(start, end, row.get("kind", "NATIONAL_ID"), row["entity"])
            yield Sample(number, group, text, (span,), lang, country, f"{half}, {how}")


def filled_around(random: Random, template: str, value: str, key: str) -> tuple[str, int, int]:
    """A record with the value under the key, among others that are nobody's."""
    return around(template, value, _others(random, table("wild_noise.yaml")) | {"key": key})


def wrapping(random: Random, value: str, *, digits: bool) -> tuple[str, str]:
    """A record to put a value into, and of what kind it is."""
    if digits and value.isdigit() and value[0] != "0" and random.random() < 0.3:
        return WRAPPINGS["json number"][0], "json number"
    how = random.choice(["json", "json", "csv", "xml", "line"])
    return random.choice(WRAPPINGS[how]), how


def cased(random: Random, key: str) -> str:
    """A field name in one of the ways programs write them, sometimes with whose it is before it."""
    if "_" not in key and not key.islower():
        return key
    words = key.split("_")
    if random.random() < 0.25:
        words = [random.choice(OWNERS), *words]
    capitalized = [word.capitalize() for word in words]
    return random.choice(
        [
            "_".join(words),
            words[0] + "".join(capitalized[1:]),
            "".join(capitalized),
            "-".join(words),
            "_".join(words).upper(),
            "_".join(words),
        ]
    )


def _others(random: Random, words: Mapping[str, Any]) -> dict[str, str]:
    noise_key, other_key = random.sample(words["keys"], 2)
    return {
        "noise_key": noise_key,
        "other_key": other_key,
        "noise": noise(random),
        "other": noise(random),
        "stamp": str(random.randrange(1_500_000_000, 1_900_000_000)),
        "amount": f"{random.randrange(1, 5000)}.{random.randrange(100):02d}",
    }


def _languages_of_states() -> dict[str, list[str]]:
    states: dict[str, list[str]] = {}
    for lang, row in table("contact.yaml").items():
        for country in row["regions"]:
            states.setdefault(country, []).append(lang)
    return states


if __name__ == "__main__":
    # What would be measured on, for reading.
    for sample in [*national(1), *papers(1), *nobodys(1)]:
        if HELD_OUT not in sample.form:
            value = sample.text[sample.spans[0].start : sample.spans[0].end] if sample.spans else ""
            print(json.dumps([sample.id, sample.form, value, sample.text], ensure_ascii=False))
