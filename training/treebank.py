"""Treebanks of Universal Dependencies as labelled text: by what they say of words, or of the same text elsewhere.

Most treebanks mark which words are proper nouns and not whose. Three things can be had from them all the same:
sentences without any name; those of a treebank that says whether a name is a person's; and, of the parallel treebanks
(PUD, the same thousand sentences in many languages), names that people have labelled in another language.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from training.corpus import Name

_PARTICLES = frozenset(
    ["de", "da", "di", "del", "della", "van", "von", "der", "den", "la", "le", "al", "bin", "af", "y", "e"]
)
_KINDS = {"Giv": "PERSON", "Sur": "PERSON", "Geo": "LOCATION", "Com": "ORGANIZATION", "Pro": ""}
_ALIKE = 0.6
"""Share of the longer word that two forms of one name begin with, at least."""

Sentence = tuple[str, tuple[Name, ...]]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence as it is written, and whether it is a name."""

    start: int
    end: int
    form: str
    proper: bool
    kinds: tuple[str, ...] = ()


def _sentences(text: str) -> Iterator[tuple[str, list[Word]]]:
    for block in text.split("\n\n"):
        lines = block.splitlines()
        written = next((one.removeprefix("# text = ") for one in lines if one.startswith("# text = ")), None)
        if written is None:
            continue
        words: list[Word] = []
        at = inside = 0
        for cells in (line.split("\t") for line in lines if line and not line.startswith("#")):
            if "." in cells[0]:
                continue
            if "-" not in cells[0] and int(cells[0]) <= inside:
                # A part of what is written as one word ("del"): that is a name if a part is.
                words[-1] = replace(words[-1], proper=words[-1].proper or cells[3] == "PROPN")
                continue
            if "-" in cells[0]:
                inside = int(cells[0].split("-")[1])
            start = written.find(cells[1], at)
            if start < 0:
                break
            at = start + len(cells[1])
            kinds = tuple(
                one for kind in re.findall(r"NameType=([\w,]+)", cells[5]) for one in kind.split(",")
            )
            words.append(Word(start, at, cells[1], cells[3] == "PROPN", kinds))
        else:
            yield written, words


def nameless(text: str, _: str) -> Iterator[Sentence]:
    """Sentences without a proper noun."""
    for written, words in _sentences(text):
        if len(words) > 3 and not any(one.proper for one in words):
            yield written, ()


def said_whose(text: str, _: str) -> Iterator[Sentence]:
    """Sentences of which every proper noun is said to be a person's, a place's, or an organization's."""
    for written, words in _sentences(text):
        if all(one.kinds for one in words if one.proper):
            yield (
                written,
                _names(words, [_KINDS.get(one.kinds[0], "") if one.kinds else "" for one in words], set()),
            )


def parallel(text: str, labelled: str) -> Iterator[Sentence]:
    """Sentences whose proper nouns are all known from the same sentence in languages in which names are labelled.

    `labelled` holds the files of those languages, one after the other with a form feed between.
    """
    known = [list(_labelled(one)) for one in labelled.split("\f")]
    for (written, words), *others in zip_longest(_sentences(text), *known):
        votes: dict[str, Counter[str]] = {}
        for forms in others:
            for form, label in forms:
                votes.setdefault(form, Counter())[label] += 1
        labels = [
            _label(one, votes)
            if one.form[0].isupper() and (one.proper or one.form.casefold() in votes)
            else ""
            for one in words
        ]
        found = {
            one.form[:3].casefold() for one, label in zip(words, labels, strict=True) if label == "PERSON"
        }
        people = [
            form for form, label in others[0] if label == "PERSON" and form[:1].isalpha() and len(form) > 2
        ]
        if all(label for one, label in zip(words, labels, strict=True) if one.proper) and all(
            form[:3].casefold() in found for form in people if form not in _PARTICLES
        ):
            particles = {form for form in votes if form in _PARTICLES}
            yield written, _names(words, labels, particles)


def _labelled(text: str) -> Iterator[list[tuple[str, str]]]:
    """The words of each sentence's names, in small letters, and their labels."""
    kinds = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
    for block in text.split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line and not line.startswith("#")]
        if rows:
            named = [row for row in rows if row[2] != "O" and row[1][0].isalpha()]
            yield [(row[1].casefold(), kinds.get(row[2][2:], "")) for row in named]


def _label(word: Word, votes: dict[str, Counter[str]]) -> str:
    form = word.form.casefold()
    best: Counter[str] = Counter()
    for other, its in votes.items():
        common = next(
            (at for at, (a, b) in enumerate(zip(form, other, strict=False)) if a != b),
            min(len(form), len(other)),
        )
        if form == other or (common >= 3 and common >= _ALIKE * max(len(form), len(other))):
            best.update(its)
    return best.most_common(1)[0][0] if best else ""


def _names(words: list[Word], labels: list[str], particles: set[str]) -> tuple[Name, ...]:
    """Names from words with labels, neighbors with the same label being one name, with particles between them."""
    names: list[Name] = []
    last = -9
    for at, (word, label) in enumerate(zip(words, labels, strict=True)):
        if not label:
            continue
        between = [one.form.casefold() for one in words[last + 1 : at]]
        joined = names and names[-1].label == label and all(one in particles for one in between)
        if joined and last >= at - 3 and word.start - words[at - 1].end <= 1:
            names[-1] = Name(names[-1].start, word.end, label)
        else:
            names.append(Name(word.start, word.end, label))
        last = at
    return tuple(names)
