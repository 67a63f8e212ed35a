"""What stands around a name: sentences, a record or a table, or what machines and programmers write.

The model sees a sentence; whether a doubtful name in it counts is told by its surroundings. A record that holds a
price and an article's number is about a thing, whatever its `name` looks like; one that holds an address is about
somebody. In manuals and code, words with a capital are products and parts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum

from gateway.core.model import Segment
from gateway.detect.cues import SEPARATORS
from gateway.detect.text import words_of

SIGHT = 100
"""Characters before and after a name by which its text is judged."""
FAR_SIGHT = 300
"""Characters before and after a value in which other fields of its record are looked for."""
REMEMBERED = 4096
"""Field names of which is remembered whether they are bare."""
THING_LABEL, PERSON_LABEL = "name of thing", "full name"
"""What a bare field of a record is called once it is known what the record is about."""
FEWEST = 15
"""Words and signs around a name from which their kinds tell something."""
LONGEST_TABLE = 4000
"""Characters before a cell in which the head of its table is looked for."""

_OF_SENTENCES = re.compile(r"[^\W\d_]|[ .,'’\n-]")
_TECHNICAL = re.compile(
    r"(?<!\w)\w*(?:[a-z][A-Z]|[A-Za-z]\d|\d[A-Za-z]|_)\w*|\b[A-Z]{2,}s?\b|\b\w+[/.:]{1,2}(?=\w)[\w./:-]*|[<>`={}\[\]\\|#$%~^]+|--?\w+|\(\)|::|^\s*[*\-]\s"
    r"|\.{3}|\b\d+(?:\.\d+)+\b",
    re.MULTILINE,
)
"""Identifiers, abbreviations, paths, versions, options and signs that sentences about people seldom hold."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_KEY = re.compile(
    r"""(?:^|[\n,{(;&?])[\s\-*]*["']?([^\W\d][\w.\-]{0,40}(?: [\w.\-]{1,20}){0,2})["']?\s*[:=](?!\S*//)"""
)
_KEY_BEFORE = re.compile(
    r"""(?:^|[\n,{(;&?])[ \t\-*]*["']?([^\W\d][\w.\-]{0,40}(?: [\w.\-]{1,20}){0,2})["']?\s*[:=]\s*["']?\Z"""
    r"""|<([^\W\d][\w.:\-]{0,40})[^<>]{0,80}>\s*\Z"""
    r"""|(?:^|\n)[ \t]*([^\W\d][\w.\-]{0,40})(?:\[\d+\])?[ \t]+["']\Z"""
)
"""The field that a value begins: `name: `, `<name>`, or `name "` on a line of its own, as in catalogues of messages."""
_COLUMNS = re.compile(r"\s*INSERT\s+INTO\b[^(]*\(([^)]*)\)\s*VALUES\s*", re.IGNORECASE)
"""The head of a table in SQL."""


class About(StrEnum):
    """What a record is about."""

    THING = "thing"
    PERSON = "person"
    UNKNOWN = "unknown"


def prose_share(text: str, start: int, end: int) -> float:
    """Share of letters and of the signs that sentences have among the characters around a span; 1 in a short text."""
    around = text[max(0, start - SIGHT) : end + SIGHT]
    return 1.0 if len(around) < SIGHT // 2 else len(_OF_SENTENCES.findall(around)) / len(around)


def technical_share(text: str, start: int, end: int) -> float:
    """Share of words and signs around a span, itself left out, that are a programmer's; 0 in a short text."""
    around = f"{text[max(0, start - SIGHT) : start]} {text[end : end + SIGHT]}"
    tokens = sum(1 for _ in _TOKEN.finditer(around))
    return sum(1 for _ in _TECHNICAL.finditer(around)) / tokens if tokens >= FEWEST else 0.0


class Records:
    """Tells what a record is about by the names of its fields."""

    def __init__(
        self,
        things: Iterable[str],
        bare: Iterable[str],
        names: Iterable[str],
        of_things: Iterable[str],
        of_people: Iterable[str],
    ) -> None:
        """`things` are fields of things' names, `bare` those of anything's, `names` those among them for names.

        The others tell what a record is about.
        """
        self._things, self._bare = _words(things), _words(bare)
        self._of_things, self._of_people = _words(of_things), _words(of_people)
        self._names = _words(names)
        self._known: dict[str, bool] = {}

    def is_thing(self, label: str) -> bool:
        """Whether the values of a field, given as words, are names of things."""
        return label.startswith(THING_LABEL) or self.is_said_of_a_thing(label)

    def is_said_of_a_thing(self, label: str) -> bool:
        """Whether the field itself says so; a service's full name is no more somebody's than its name."""
        return _ends_in(label.replace("full name", "name"), self._things)

    def about(self, label: str, siblings: Iterable[str]) -> About:
        """What the value of a field is the name of, by the fields beside it."""
        if self.is_thing(label):
            return About.THING
        if not _ends_in(label, self._bare):
            return About.UNKNOWN
        people = things = 0
        for one in siblings:
            people += _ends_in(one, self._of_people)
            things += _ends_in(one, self._of_things)
        if people:
            return About.PERSON
        return About.THING if things else About.UNKNOWN

    def told(self, segments: Sequence[Segment]) -> list[Segment]:
        """The segments, those under a bare field name labeled by what their record is about, if the record tells."""
        labels = {label for label in {one.label for one in segments} if self._is_bare(label)}
        if not labels:
            return list(segments)
        bare = [place for place, one in enumerate(segments) if one.label in labels]
        beside: dict[str, set[str]] = defaultdict(set)
        for one in segments:
            if not one.address.endswith("@key"):
                beside[_parent(one.address)].add(one.label)
        told = list(segments)
        for place in bare:
            one = segments[place]
            label = words_of(one.label)
            about = self.about(label, map(words_of, beside[_parent(one.address)] - {one.label}))
            if about is About.THING:
                told[place] = replace(one, label=f"{THING_LABEL} {label}")
            elif about is About.PERSON and label in self._names:
                told[place] = replace(one, label=PERSON_LABEL)
        return told

    def _is_bare(self, label: str) -> bool:
        known = self._known.get(label)
        if known is None:
            known = _ends_in(words_of(label), self._bare)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[label] = known
        return known

    def around(self, text: str, start: int, end: int) -> About:
        """What a name in a text is that of, where it stands in a record or a table."""
        before = text[max(0, start - FAR_SIGHT) : start]
        key = _KEY_BEFORE.search(before)
        if key is not None:
            words = words_of(key[1] or key[2] or key[3])
            left = before[before.rfind("{") + 1 : key.start()] if "{" in before else before[: key.start()]
            right = text[end : end + FAR_SIGHT].partition("}")[0]
            others = (words_of(one[1]) for part in (left, right) for one in _KEY.finditer(part))
            return self.about(words, others)
        head = _head_of(text, start)
        if head is None:
            return About.UNKNOWN
        column, cells = head
        return self.about(cells[column], cells)


def _head_of(text: str, place: int) -> tuple[int, list[str]] | None:
    """The number of a cell's column and the head of its table, as words."""
    line = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    # Rows of values in SQL end with a sign more than the head does.
    row = text[line : end if end >= 0 else len(text)].rstrip(" \r,;")
    for sign in SEPARATORS:
        count = row.count(sign)
        if count < 2:
            continue
        head = None
        for above in _lines_above(text, line):
            if above.rstrip(" \r,;").count(sign) != count:
                break
            head = above
        if head is not None and not re.search(r"\d{4}", head):
            cells = _COLUMNS.sub(r"\1", head).split(sign)
            return row[: place - line].count(sign), [words_of(cell) for cell in cells]
    return None


def _lines_above(text: str, line: int) -> Iterator[str]:
    least = max(0, line - LONGEST_TABLE)
    while line > least:
        above = text.rfind("\n", 0, line - 1) + 1
        yield text[above : line - 1]
        line = above


def _parent(address: str) -> str:
    return address[: max(address.rfind("/"), address.rfind(":")) + 1]


def _words(fields: Iterable[str]) -> frozenset[str]:
    return frozenset(words_of(one) for one in fields)


def _ends_in(label: str, known: frozenset[str]) -> bool:
    words = label.rsplit(" ", 2)
    return words[-1] in known or " ".join(words[-2:]) in known
