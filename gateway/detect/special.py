"""Special categories, offences, and what else tells of a person: found where a person is there to whom it belongs.

Rules kept here and nowhere else:
 * A word alone is never a finding: it must be somebody's, by a person in the same sentence or record, or by an author
   who speaks of themselves.
 * A term that describes people needs nothing more, unless a word right beside it says that the sentence is about the
   topic. A term that names a topic also needs a word that ties it, or a name right beside it.
 * A telling field (`diagnosis`) in a person's record tells, whatever its value.
 * All languages are tried on every text, but a term is tied by words of its own language only.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate

from ahocorasick_rs import AhoCorasick

from gateway.core.detection import DetectionRules
from gateway.core.model import Finding, Segment
from gateway.core.special import Language
from gateway.detect.patterns import searching
from gateway.detect.records import Combinations, People, Statistics, Suffixes, identifying, record_of
from gateway.detect.text import folded

SIGHT = 300
"""Most characters of a sentence before and after a term."""
NEAR = 25
"""Characters around a term in which a word of `about` says that it is a topic, although it describes people."""
BESIDE = 40
"""Characters between a name and a topic that stand beside each other."""
TIED = 80
"""Characters between a word of `having` and its topic."""
EARLIER = 600
"""Characters before a sentence in which somebody may be named of whom it speaks as `she`."""
SHORT_NOTE = 120
"""Most characters of a note in a person's record that need not say again of whom it speaks."""
_LINE_LENGTH = 45
"""A line shorter than this ends its sentence."""
_END = re.compile(r"(?:[!?…;]|(?<!\b\w)(?<!\b[A-Z]\w)(?<!\b[A-Z]\w\w)\.)(?=[\s\"')\]]|\Z)|\n")
_SPACES = r"[\s\-\u00a0]+"
_FIELD_VALUE = r"(?:^|[\n;,|{(\[])[ \t]*[\"']?(?:%s)[\"']?[ \t]*[:=][ \t]*[\"']?([^\n;|\"'}\]]{1,120})"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Term:
    """A term, ready to be looked for."""

    entity: str
    language: int
    kind: str
    """`state`, `topic` or `field`."""
    term: str
    whole_start: bool
    """Whether a word must begin where the literal part begins."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when a text first has its literal part: most never are."""
        return _as_field(self.term) if self.kind == "field" else _compiled((self.term,))


class _Words:
    """The words of a language that tie terms to people."""

    def __init__(self, language: Language) -> None:
        self._language = language

    @cached_property
    def author(self) -> re.Pattern[str]:
        return _compiled(self._language.author)

    @cached_property
    def person(self) -> re.Pattern[str]:
        return _compiled(self._language.person)

    @cached_property
    def having(self) -> re.Pattern[str]:
        return _compiled(self._language.having)

    @cached_property
    def suffering(self) -> re.Pattern[str]:
        return _compiled(self._language.suffering)

    @cached_property
    def about(self) -> re.Pattern[str]:
        return _compiled(self._language.about)

    @cached_property
    def all(self) -> re.Pattern[str]:
        one = self._language
        return _compiled((*one.author, *one.person, *one.having, *one.suffering, *one.about))


class Telling:
    """Finds what is told of people, once it is known where in a message there are people."""

    def __init__(self, rules: DetectionRules) -> None:
        """Raises ValueError where a pattern is broken."""
        special = rules.special
        records = special.records
        self._category_of, self._score = rules.category_of, records.score
        self._identifying = frozenset(records.identifying)
        self._empty = frozenset(folded(value) for value in records.empty)
        self._things = Suffixes(dict.fromkeys(records.things, True))
        self._words = [_Words(language) for language in special.languages]
        said = {re.escape(_fold(word)) for language in special.languages for word in language.author}
        self._authors = searching(rf"(?:^|[^\pL])(?:{'|'.join(sorted(said))})(?:[^\pL]|$)")
        fields: dict[str, str] = {}
        terms: dict[str, list[_Term]] = defaultdict(list)
        for number, language in enumerate(special.languages):
            for one in language.vocabulary:
                fields |= dict.fromkeys(one.fields, one.entity)
                for kind, several in (("state", one.states), ("topic", one.topics), ("field", one.fields)):
                    for term in several:
                        literal, starts = _literal(term)
                        terms[literal].append(_Term(one.entity, number, kind, term, starts))
        self._literals = sorted(terms)
        self._terms = [tuple(terms[literal]) for literal in self._literals]
        self._only_starts = [all(term.whole_start for term in several) for several in self._terms]
        self._search = AhoCorasick(self._literals)
        self._fields = Suffixes(fields)
        self._combinations = Combinations(records)
        self._statistics = Statistics(records, self._fields.of)

    def findings(
        self,
        segments: Sequence[Segment],
        found: Mapping[int, Sequence[Finding]],
        is_placeholder: Callable[[str, int, int], bool],
    ) -> list[tuple[int, Finding]]:
        """What is told of people, by segment; `found` is what identifies them."""
        labels = {segment.label for segment in segments}
        telling = any(self._fields.of(label) for label in labels)
        hits = self._hits(segments)
        told = [
            (place, self._whole(segments[place], entity))
            for place, entity in self._combinations.findings(segments, labels)
        ]
        if not (telling or hits or told or self._statistics.possible(labels)):
            return told
        addresses = [*identifying(segments, found, self._identifying), *(one.address for _, one in told)]
        people = People(addresses)
        if self._statistics.possible(labels):
            told += [
                (place, self._whole(segments[place], entity))
                for place, entity in self._statistics.findings(segments, people)
            ]
        if telling and people:
            for place, segment in enumerate(segments):
                if entity := self._told_by_field(segment, people):
                    told += (
                        (place, one)
                        for one in self._value(segment, entity, found.get(place, ()))
                        if not is_placeholder(segment.text, one.start, one.end)
                    )
        for place, its in hits.items():
            segment = segments[place]
            told += (
                (place, one)
                for one in self._in_text(segment, found.get(place, ()), its, own=people.own(segment.address))
                if not is_placeholder(segment.text, one.start, one.end)
            )
        return told

    def _hits(self, segments: Sequence[Segment]) -> dict[int, list[tuple[int, int]]]:
        """Terms that may be there, by segment, with their places: all texts are looked through at once."""
        starts = list(accumulate((len(one.text) + 1 for one in segments), initial=0))
        low = _fold("\0".join(one.text for one in segments))
        hits: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for index, at, _ in self._search.find_matches_as_indexes(low, overlapping=True):
            starting = at == 0 or not low[at - 1].isalnum()
            if starting or not self._only_starts[index]:
                place = bisect_right(starts, at) - 1
                hits[place].append((index, at - starts[place]))
        return hits

    def _told_by_field(self, segment: Segment, people: People) -> str | None:
        """The entity of a telling field in a person's record."""
        if not segment.label or segment.address.endswith(("@key", "@name", "@element", "@attribute")):
            return None
        if folded(segment.text.strip()) in self._empty:
            return None
        entity = self._fields.of(segment.label)
        if entity is not None:
            return entity if people.own(segment.address, telling=True) else None
        # What stands in a list of diagnoses is one, whatever its own field is called.
        around = record_of(segment.address).rpartition(":")[2].split("/")
        for name in reversed([name for name in around[-4:] if name and not name.isdigit()]):
            entity = self._fields.of(name)
            if entity is not None and people.own(segment.address, telling=True):
                return entity
        return None

    def _whole(self, segment: Segment, entity: str) -> Finding:
        return self._finding(segment, 0, len(segment.text), entity)

    def _value(self, segment: Segment, entity: str, found: Iterable[Finding]) -> Iterator[Finding]:
        """All of a value but what was found in it already."""
        at = 0
        for start, end in [*sorted((one.start, one.end) for one in found), (len(segment.text),) * 2]:
            if any(map(str.isalnum, segment.text[at:start])):
                yield self._finding(segment, at, start, entity)
            at = max(at, end)

    def _finding(self, segment: Segment, start: int, end: int, entity: str) -> Finding:
        return Finding(segment.address, start, end, entity, self._score, self._category_of[entity])

    def _in_text(
        self, segment: Segment, found: Sequence[Finding], hits: Iterable[tuple[int, int]], *, own: bool
    ) -> Iterator[Finding]:
        low = _fold(segment.text)
        people = sorted((one.start, one.end) for one in found if one.category in self._identifying)
        if not (people or own or self._authors.search(low.encode(errors="replace"))):
            return
        of_things = bool(segment.label) and self._things.of(segment.label) is True
        note = own and not of_things and len(low) <= SHORT_NOTE and "?" not in low
        seen: set[tuple[int, int]] = set()
        readings: dict[tuple[Span, Span], list[_Term]] = defaultdict(list)
        for index, at in hits:
            starts = at == 0 or not low[at - 1].isalnum()
            sentence: Span | None = None
            for term in self._terms[index]:
                if term.whole_start and not starts:
                    continue
                if sentence is None:
                    sentence = _sentence(segment.text, at)
                mark = (id(term), sentence[0])
                if mark in seen:
                    continue
                seen.add(mark)
                if term.kind == "field":
                    yield from self._named_value(segment, low, term, at, people)
                    continue
                for match in term.pattern.finditer(low, *sentence):
                    readings[sentence, match.span()].append(term)
        for (sentence, span), terms in readings.items():
            for term in self._in_language(low, sentence, terms):
                if self._is_told(low, sentence, span, term, people, note=note):
                    yield self._finding(segment, *span, term.entity)
                    break

    def _in_language(self, low: str, sentence: Span, terms: list[_Term]) -> list[_Term]:
        """The terms of languages that the sentence may be in, by how many of its words each language knows."""
        known = [len(words.all.findall(low, *sentence)) for words in self._words]
        own = max(known[term.language] for term in terms)
        return [term for term in terms if known[term.language] == own and 2 * own >= max(known)]

    def _named_value(
        self, segment: Segment, low: str, term: _Term, at: int, people: Sequence[Span]
    ) -> Iterator[Finding]:
        """The value after a telling name in running text, where somebody is named around."""
        match = term.pattern.search(low, max(at - 4, 0), at + SIGHT)
        if match is None or low[match.start(1) : match.end(1)].strip() in self._empty:
            return
        start, end = match.span(1)
        if any(one[0] < end + EARLIER and one[1] > start - EARLIER for one in people):
            yield self._finding(segment, start, start + len(low[start:end].rstrip()), term.entity)

    def _is_told(
        self, low: str, sentence: Span, span: Span, term: _Term, people: Sequence[Span], *, note: bool
    ) -> bool:
        words = self._words[term.language]
        start, end = span
        first, last = sentence
        inside = [one for one in people if first <= one[0] < last and not (one[0] < end and start < one[1])]
        if any(one[0] < end and start < one[1] and one[1] - one[0] > end - start for one in people):
            return False  # Part of a name: Krebs, Christian.
        author = words.author.search(low, first, last) is not None
        named_before = note or any(
            one[0] < last for one in people[bisect_left(people, (first - EARLIER, 0)) :]
        )
        spoken_of = named_before and words.person.search(low, first, last) is not None
        # Whoever comes after a comma is somebody else: "the server is sick, Alex looks into it".
        inside = [one for one in inside if one[0] < start or "," not in low[end : one[0]]]
        if not (inside or author or spoken_of or note):
            return False
        if _outside(words.suffering, low, first, last, span):
            return True
        if term.kind == "state":
            return not _outside(words.about, low, max(first, start - NEAR), min(last, end + NEAR), span)
        if _outside(words.about, low, first, last, span):
            return False
        if note or any(abs(one[0] - end) <= BESIDE or abs(start - one[1]) <= BESIDE for one in inside):
            return True
        return _outside(words.having, low, max(first, start - TIED), min(last, end + TIED), span)


def _outside(words: re.Pattern[str], low: str, first: int, last: int, span: Span) -> bool:
    """Whether one of the words stands there, and not inside the term itself."""
    return any(
        match.end() <= span[0] or match.start() >= span[1] for match in words.finditer(low, first, last)
    )


def _sentence(text: str, at: int) -> Span:
    """The sentence around a place."""
    first, last = max(0, at - SIGHT), min(len(text), at + SIGHT)
    for match in _END.finditer(text, first, at):
        if _ends(text, match):
            first = match.end()
    for match in _END.finditer(text, at, last):
        if _ends(text, match):
            return first, match.end()
    return first, last


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether a sentence ends there: a line that is broken because it was long goes on."""
    if match[0] != "\n":
        return True
    line = text.rfind("\n", 0, match.start()) + 1
    return match.start() - line < _LINE_LENGTH or text[match.end() : match.end() + 1] in ("\n", "")


def _fold(text: str) -> str:
    return folded(text).replace("\u2019", "'")


def _pattern(term: str) -> str:
    words = [
        re.escape(_fold(word)).replace(r"\*", r"[\w']+" if word == "*" else r"\w*")
        for word in re.split(r"[ \-]", term)
    ]
    return rf"(?<!\w){_SPACES.join(words)}(?!\w)"


@lru_cache(maxsize=4096)
def _compiled(terms: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_pattern, terms)))


@lru_cache(maxsize=1024)
def _as_field(term: str) -> re.Pattern[str]:
    return re.compile(_FIELD_VALUE % _pattern(term))


def _literal(term: str) -> tuple[str, bool]:
    """The longest run of letters that every writing of a term has, and whether a word begins with it."""
    runs = [run for run in re.split(r"[* \-]+", _fold(term)) if run]
    longest = max(runs, key=len)
    at = _fold(term).index(longest)
    return longest, at == 0 or _fold(term)[at - 1] in " -"
