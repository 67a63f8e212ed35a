"""Cues: words near a value, or in its field name, that say what the value is.

All cues of all recognizers are looked for in one pass. A cue counts from the start of a word, or of one written
together (`numeroPasaporte`, `Kundensteuernummer`); one of up to three letters must be the whole word, or be capitals
with an ending (`OIBu`), or go with a word for "number" (`bsnnummer`); longer ones may be stems (`pesel` in `PESELu`).
A cue announces one value or several in a row: what comes after them under another word is not its own, nor is what
stands under another field name.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ahocorasick_rs import AhoCorasick

from gateway.detect.text import folded, words_of

WHOLE_WORD = 3
"""Cues of so many letters or fewer must be whole words."""
COMPOUND = 7
"""Cues of so many letters or more may end a word that another begins."""
ACRONYM = 7
"""Cues of one word with so many letters or fewer are found with dots between these, too: `P.E.S.E.L.`."""
LONGEST = 64
"""No cue has more letters."""

SEPARATORS = ";\t|,"
"""Between the columns of a table."""
LONGEST_HEAD = 2000
"""Characters of a line that may be a table's head."""
ROW_SIGHT = 400
"""Characters in which a row is expected to end."""

_VALUE_THEN_WORD = re.compile(r"\d(?:[ ./\-]?\d){4,}[^\n]*?[^\W\d_]{5,}")
"""A number of at least five digits, and then a word: the cue before it was that number's."""
_VALUE_NEXT = re.compile(r"\w*[^\w\n]{0,6}(?:\w{1,4}[^\w\n]{1,3})?\+?[^\W\d_]{0,3}\d(?:[ ./()\-]{0,2}\d){3,}")
"""What follows a cue that announces the next number rather than the one before it."""
_SAYING_NOTHING = (
    "value",
    "val",
    "number",
    "num",
    "nr",
    "no",
    "text",
    "answer",
    "content",
    "data",
    "wert",
    "valeur",
)
"""Field names that say nothing, so that a cue before them still counts: `{"type": "bsn", "value": "111222333"}`."""
_OTHER_FIELD = re.compile(
    r"""[,;{}<>&"'\n][\s"']*(?P<name>[^\W\d][\w.\-]*)["']?\s*[=:]\s*["'({]?\Z"""
    r"""|\s(?P<assigned>[^\W\d][\w.\-]*)=["']?\Z|<(?P<element>[^\W\d][\w.:\-]*)[^<>]*>\Z"""
)
"""The end of what stands between a cue and a value that has a field name of its own."""
_OWN_FIELD = re.compile(
    r"""["'](?P<name>[^\W\d][\w.\-]*)["']\s*:\s*["']?\Z"""
    r"""|(?:^|[\s&?])(?P<assigned>[^\W\d][\w.\-]*)=["']?\Z|<(?P<element>[^\W\d][\w.:\-]*)[^<>]*>\Z"""
)
_NUMBER = re.compile(r"\d{4}")
"""What no head of a table holds."""
_NEXT_CELL = re.compile(r"[;\t|,\n]")
_NUMBER_AHEAD = re.compile(r"\d(?:[ ./\-]?\d){5}")


@dataclass(frozen=True, slots=True)
class Cued:
    """Which subjects the cues around a segment's values point to."""

    everywhere: frozenset[str] = frozenset()
    """Subjects that the field name points to: the whole text is cued."""
    places: Mapping[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Where the text's own cues stand, by subject, rising."""
    text: str = ""
    """The text, folded."""

    def near(self, subject: str, start: int, end: int, window: int) -> bool:
        """Whether a cue of the span's own ends within `window` characters before it, or starts within half after it."""
        return subject in self.everywhere or any(self.own(subject, start, end, window))

    def own(self, subject: str, start: int, end: int, window: int) -> Iterator[tuple[int, int]]:
        """Places of the text's cues that count for a span."""
        places = self.places.get(subject, [])
        if not places:
            return
        first = bisect_left(places, (start - window - LONGEST, 0))
        named: bool | None = None
        for place in places[first : bisect_right(places, (end + window // 2, len(self.text)))]:
            cue_start, cue_end = place
            if cue_start == cue_end and _NEXT_CELL.search(self.text, cue_end, start):
                continue
            if start - window <= cue_end <= start:
                others = _VALUE_THEN_WORD.search(self.text, cue_end, start)
                if (
                    not others
                    and not _named(_OTHER_FIELD, self.text, cue_end, start)
                    and _in_column(self.text, cue_start, start)
                ):
                    yield place
            elif cue_start == start and cue_end < end and self.text[cue_end] == " ":
                yield place  # The first word of what it announces, as in "Μένει Ερμού 12".
            elif (
                end <= cue_start
                and "\n" not in self.text[end:cue_start]
                and not _VALUE_NEXT.match(self.text, cue_end)
            ):
                if named is None:
                    field = field_before(self.text, start)
                    named = bool(field) and not field.startswith(_SAYING_NOTHING)
                if not named:
                    yield place

    @property
    def subjects(self) -> frozenset[str]:
        """All that some cue points to."""
        return self.everywhere.union(self.places)


class Cues:
    """All cues, ready to be looked for."""

    def __init__(self, cues_of: Mapping[str, Iterable[str]], number_words: Iterable[str] = ()) -> None:
        """`cues_of` names for each subject its cues; `number_words` may be joined to short ones."""
        subjects: dict[str, list[str]] = defaultdict(list)
        self._number_words = frozenset(folded(word) for word in number_words)
        for subject in sorted(cues_of):
            for cue in cues_of[subject]:
                words = words_of(cue)
                # As people write it, and as programs do: `driver_license`, `driver-license`, `driverLicense`.
                spellings = {folded(cue), *(words.replace(" ", sign) for sign in (" ", "_", "-", ""))}
                if words.isalpha() and len(words) <= ACRONYM:
                    spellings.add(".".join(words))
                for spelling in spellings:
                    subjects[spelling].append(subject)
        self._cues = sorted(subjects)
        self._subjects = [tuple(subjects[cue]) for cue in self._cues]
        self._search = AhoCorasick(self._cues)

    def in_label(self, label: str) -> frozenset[str]:
        """Subjects that a field name, as words, points to."""
        return frozenset(subject for subject, _, _ in self._hits(label, label))

    def around(self, text: str, everywhere: frozenset[str]) -> Cued:
        """Cues in a text; `everywhere` are those of its field name."""
        low = folded(text)
        places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for subject, start, end in self._hits(low, text):
            places[subject].append((start, end))
        if "\n" in text:
            for found in places.values():
                found += {cell for cue in found for cell in _cells_below(text, *cue)}
        for found in places.values():
            found.sort()
        return Cued(everywhere, dict(places), low)

    def _hits(self, text: str, written: str) -> Iterable[tuple[str, int, int]]:
        for index, start, end in self._search.find_matches_as_indexes(text, overlapping=True):
            if start and text[start - 1].isalnum() and not _begins_inside(text, written, start, end):
                continue
            if (
                end - start <= WHOLE_WORD
                and end < len(text)
                and not self._ends_inside(text, written, start, end)
            ):
                continue
            for subject in self._subjects[index]:
                yield subject, start, end

    def _ends_inside(self, text: str, written: str, start: int, end: int) -> bool:
        """Whether a short cue counts although its word may go on: `bsnNumber`, `OIBu`, `bsnnummer`, `BSN111222333`."""
        if not text[end].isalnum():
            return True
        if text[end].isdigit():
            return _NUMBER_AHEAD.match(text, end) is not None
        if written[end - 1].islower() and written[end].isupper():
            return True
        if end - start > 1 and written[start:end].isupper() and written[end].islower():
            return True
        rest = _LETTERS.match(text, end)
        return rest is not None and rest[0] in self._number_words


_LETTERS = re.compile(r"[^\W\d_]+")


def field_before(text: str, value: int) -> str:
    """The field name right before a value, as in `"ts": 1811211255643`; empty where there is none."""
    match = _OWN_FIELD.search(text, max(value - LONGEST, 0), value)
    return "" if match is None else match[match.lastgroup or 0] or ""


def _named(field: re.Pattern[str], text: str, start: int, end: int) -> bool:
    """Whether what ends there is a field name that says what follows."""
    match = field.search(text, start, end)
    return match is not None and not (match[match.lastgroup or 0] or "").startswith(_SAYING_NOTHING)


def _begins_inside(text: str, written: str, start: int, end: int) -> bool:
    """Whether a word begins there although another stands before it: `numeroPasaporte`, `Kundensteuernummer`."""
    if written[start].isupper() and written[start - 1].islower():
        return True
    return (
        end - start >= COMPOUND
        and text[start - 1].isalpha()
        and not text[end : end + 1].isalpha()
        and _LETTERS.fullmatch(text, start, end) is not None
    )


def _cells_below(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the cells begin whose column is headed by the cue, as cues without length."""
    line = text.rfind("\n", 0, start) + 1
    head_end = text.find("\n", end)
    if head_end < 0 or head_end - line > LONGEST_HEAD or _NUMBER.search(text, line, head_end):
        return
    second_end = text.find("\n", head_end + 1)
    second_end = len(text) if second_end < 0 else second_end
    for sign in SEPARATORS:
        count = text.count(sign, line, head_end)
        if not count or text.count(sign, head_end, second_end) != count:
            continue
        column, row, blank = text.count(sign, line, start), head_end + 1, False
        while row < len(text) and not blank:
            row_end = text.find("\n", row)
            row_end = len(text) if row_end < 0 else row_end
            if text.count(sign, row, row_end) == count:
                cell = row
                for _ in range(column):
                    cell = text.index(sign, cell) + 1
                yield cell, cell
            blank, row = row_end - row < 2, row_end + 1
        return


def _in_column(text: str, cue: int, value: int) -> bool:
    """Whether a value may be the cue's: always, but in rows of a table only one in the cue's column."""
    line = text.rfind("\n", 0, cue) + 1
    head_end = text.find("\n", cue, value)
    if head_end < 0:
        return True
    row = text.rfind("\n", 0, value) + 1
    row_end = text.find("\n", value, value + ROW_SIGHT)
    row_text = text[row : row_end if row_end >= 0 else value + ROW_SIGHT]
    for sign in SEPARATORS:
        if text.count(sign, line, head_end) == row_text.count(sign) > 0:
            return text.count(sign, line, cue) == text.count(sign, row, value)
    return True
