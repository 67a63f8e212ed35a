"""Text as it is read by people: without signs that nobody sees, accents on their letters, one script a word.

Detection works on that; findings are told in the places of the text as it was. Most texts are themselves.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gateway.core.carrier import Carrier, Editing

_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff"
)
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5")
"""Letters that show nothing."""
_FIRST_TAG = 0xE0000
_TAGS = frozenset(chr(_FIRST_TAG + code) for code in range(0x20, 0x7F))
_MARKED = re.compile(rf"[^\W_][\u0300-\u036f]+|[{_UNSEEN}]+")
_MIXED = re.compile(r"[^\W\d_]*(?:[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z])[^\W\d_]*")
_LOOKS_LIKE = str.maketrans(
    "аеорсухіјѕԁһӏԛԝАВЕКМНОРСТУХІЈЅαοννρυχιΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhlqwABEKMHOPCTYXIJSaovvpuxiABEZHIKMNOPTYX",
)

SPELLINGS = (
    Carrier(
        name="Charsets",
        found="declared ones, UTF-16 and UTF-32 with and without a mark; by their look where a declaration is "
        "missing or untrue",
        edited=Editing.IN_PLACE,
        otherwise="what is declared as UTF-7, UTF-16 or UTF-32 and is not, EBCDIC and charsets with state: unread",
    ),
    Carrier(
        name="Signs that nobody sees",
        found="what stands around them: zero width, soft hyphens, direction marks; what letters of tags say",
        edited=Editing.IN_PLACE,
    ),
    Carrier(
        name="Letters of another script in a word",
        found="words of mostly Latin letters, as Latin",
        edited=Editing.IN_PLACE,
    ),
    Carrier(
        name="Accents and digits in other forms",
        found="composed, decomposed, full width, digits of all scripts",
        edited=Editing.IN_PLACE,
    ),
)
"""Ways in which people write text that make no difference to what is found, for the coverage table."""


@dataclass(frozen=True, slots=True)
class Normal:
    """A text to be looked at, and where its characters stood."""

    text: str
    places: tuple[int, ...] | None
    """Of each character, and of the end; None where nothing moved."""

    @property
    def moved(self) -> bool:
        """Whether places in the text are not those of the original."""
        return self.places is not None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the text stands in the original; accents and unseen signs after a letter go with it."""
        return (start, end) if self.places is None else (self.places[start], self.places[end])


def normal(text: str) -> Normal:
    """The text as people read it."""
    if text.isascii():
        return Normal(text, None)
    straight = _MIXED.sub(_in_one_script, text)
    if not _MARKED.search(straight):
        return Normal(straight, None)
    pieces: list[str] = []
    places: list[int] = []
    at = 0
    for match in _MARKED.finditer(straight):
        start, end = match.span()
        pieces.append(straight[at:start])
        places.extend(range(at, start))
        if match[0][0].isalnum() and match[0][0] not in _FILLERS:
            # What no letter with that accent stands for, such as an underlined digit, is the letter alone.
            pieces.append(unicodedata.normalize("NFC", match[0])[0])
            places.append(start)
        elif tags := [place for place in range(start, end) if straight[place] in _TAGS]:
            # Letters that no font shows, and programs read all the same.
            pieces.append(" " + "".join(chr(ord(straight[place]) - _FIRST_TAG) for place in tags))
            places += (tags[0], *tags)
        at = end
    pieces.append(straight[at:])
    places.extend(range(at, len(straight) + 1))
    return Normal("".join(pieces), tuple(places))


def _in_one_script(match: re.Match[str]) -> str:
    """A word of mostly Latin letters in Latin letters: "Аnnа" with two Cyrillic ones reads as "Anna"."""
    word = match[0]
    latin = sum(sign < "\u0370" for sign in word)
    straight = word.translate(_LOOKS_LIKE)
    return straight if 2 * latin >= len(word) or all(sign < "\u0370" for sign in straight) else word
