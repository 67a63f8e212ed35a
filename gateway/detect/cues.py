"""Cues: words near a value, or in its field name, that say what the value is.

All cues of all recognizers are looked for in one pass. A cue counts from the start of a word, or of one written
together (`numeroPasaporte`); one of up to three letters must be the whole word, longer ones may be stems (`pesel` is in
`PESELu`). A cue announces one value or several in a row: what comes after them under another word is not its own.
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
LONGEST = 64
"""No cue has more letters."""

ROW_SIGHT = 400
"""Characters in which a row is expected to end."""

_VALUE_THEN_WORD = re.compile(r"\d(?:[ ./\-]?\d){4,}[^\n]*?[^\W\d_]{5,}")
"""A number of at least five digits, and then a word: the cue before it was that number's."""
_VALUE_NEXT = re.compile(r"\w*[^\w\n]{0,6}(?:\w{1,4}[^\w\n]{1,3})?\+?[^\W\d_]{0,3}\d(?:[ ./()\-]{0,2}\d){3,}")
"""What follows a cue that announces the next number rather than the one before it."""


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
        first = bisect_left(places, (start - window - LONGEST, 0))
        for place in places[first : bisect_right(places, (end + window // 2, len(self.text)))]:
            cue_start, cue_end = place
            if start - window <= cue_end <= start:
                others = _VALUE_THEN_WORD.search(self.text, cue_end, start)
                if not others and _in_column(self.text, cue_start, start):
                    yield place
            elif cue_start == start and cue_end < end:
                yield place  # The first word of what it announces, as in "Μένει Ερμού 12".
            elif end <= cue_start and not _VALUE_NEXT.match(self.text, cue_end):
                yield place

    @property
    def subjects(self) -> frozenset[str]:
        """All that some cue points to."""
        return self.everywhere.union(self.places)


class Cues:
    """All cues, ready to be looked for."""

    def __init__(self, cues_of: Mapping[str, Iterable[str]]) -> None:
        """`cues_of` names for each subject its cues."""
        subjects: dict[str, list[str]] = defaultdict(list)
        for subject in sorted(cues_of):
            for cue in cues_of[subject]:
                words = words_of(cue)
                # As people write it, and as programs do: `driver_license`, `driverLicense`.
                for spelling in {folded(cue), words, words.replace(" ", "_"), words.replace(" ", "")}:
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
        for found in places.values():
            found.sort()
        return Cued(everywhere, dict(places), low)

    def _hits(self, text: str, written: str) -> Iterable[tuple[str, int, int]]:
        for index, start, end in self._search.find_matches_as_indexes(text, overlapping=True):
            if start and text[start - 1].isalnum() and not _begins_inside(written, start):
                continue
            if end - start <= WHOLE_WORD and end < len(text) and text[end].isalnum():
                continue
            for subject in self._subjects[index]:
                yield subject, start, end


def _begins_inside(text: str, start: int) -> bool:
    """Whether a word begins there although another stands before it: `numeroPasaporte`."""
    return text[start].isupper() and text[start - 1].islower()


def _in_column(text: str, cue: int, value: int) -> bool:
    """Whether a value may be the cue's: always, but in rows of a table only one in the cue's column."""
    line = text.rfind("\n", 0, cue) + 1
    head_end = text.find("\n", cue, value)
    if head_end < 0:
        return True
    row = text.rfind("\n", 0, value) + 1
    row_end = text.find("\n", value, value + ROW_SIGHT)
    row_text = text[row : row_end if row_end >= 0 else value + ROW_SIGHT]
    for sign in ";\t|,":
        if text.count(sign, line, head_end) == row_text.count(sign) > 0:
            return text.count(sign, line, cue) == text.count(sign, row, value)
    return True
