"""Values split over neighboring fields, and the texts they make when they are put together.

Siblings are read as one text where something says that they belong together: telling names, a number at the end of
their names, a sign at their seam, the beginning of an account number, or being single letters. Nothing else is: what
follows each other by chance makes numbers that pass a check digit by chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.core.carrier import Carrier, Editing
from gateway.core.model import Finding, Segment
from gateway.detect.apart import SHORTEST, together
from gateway.detect.normal import SPELLINGS, Normal
from gateway.detect.text import words_of

LONGEST_PIECE = 40
MOST_PIECES = 12
MOST_LETTERS = 400
_FEWEST_LETTERS = 6
EMAIL, IBAN, CARD, PERSON = "EMAIL_ADDRESS", "IBAN_CODE", "CREDIT_CARD", "PERSON"
_IBAN_BEGINS = re.compile(r"[A-Za-z]{2}[0-9]{2}[0-9A-Za-z ]{0,12}")
_BEGINS = re.compile(r"[A-Za-z]{2}[0-9]{2}|[0-9]{4}\Z")
"""How account numbers begin, and what card numbers are made of."""
_LONGEST_BEGINNING = 17
_NAMES = ("@key", "@name")
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_LOCAL_PART = re.compile(r"[\w.+-]+")
_WHOLE_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w")
_COUNTED = re.compile(r"(?<=[/:])[0-9]+(?![^/:.#])|\[[0-9]+\]|#[0-9]+|/[0-9]+\Z")
"""Numbers in an address that count things of one kind."""
_PIECES = frozenset(
    {"content", "text", "delta", "partial json", "arguments", "token", "chunk", "piece", "t", "data"}
)
"""Fields that hold pieces of a text, one after another."""
MOST_OF_A_STREAM = 20_000
NEAR = 4
"""Texts within which two names belong to each other."""
_NUMBERED = re.compile(r"(.*?)[ ]?[0-9]{1,2}")
_ROLES = {
    "day": ("day", "dd", "tag", "jour", "dia", "día", "giorno", "dag", "dzien", "dzień", "den", "nap", "zi"),
    "month": (
        "month",
        "mm",
        "monat",
        "mois",
        "mes",
        "mês",
        "mese",
        "maand",
        "måned",
        "månad",
        "miesiąc",
        "měsíc",
    ),
    "year": ("year", "yyyy", "yy", "jahr", "année", "annee", "año", "ano", "anno", "jaar", "år", "rok"),
    "first": (
        "first",
        "given",
        "fname",
        "firstname",
        "vorname",
        "prénom",
        "prenom",
        "nombre",
        "nome",
        "forename",
    ),
    "last": (
        "last",
        "family",
        "lname",
        "lastname",
        "nachname",
        "surname",
        "nom",
        "apellido",
        "cognome",
        "familienname",
    ),
    "local": (
        "local",
        "local part",
        "localpart",
        "mailbox",
        "mail user",
        "email user",
        "mail name",
        "email name",
    ),
    "domain": ("domain", "host", "mail host", "provider"),
}
WRITINGS = (
    Carrier(
        name="Values written apart",
        found="letters and digits with a space or the same sign between all of them; addresses with words or spaces "
        "around their signs; identifiers broken over lines",
        edited=Editing.IN_PLACE,
        otherwise="words in a cipher such as ROT13 are not found, nor is most of what is written backwards",
    ),
    Carrier(
        name="Values split over fields",
        found="names, dates of birth, numbers and addresses over neighboring fields, parts, columns, events or the "
        "members of an array",
        edited=Editing.IN_PLACE,
        otherwise="pieces far from each other, or of fields without telling names, are not put together",
    ),
    *SPELLINGS,
)
"""Ways in which people write text that make no difference to what is found, for the coverage table."""
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words}


@dataclass(frozen=True, slots=True)
class Joined:
    """A text made of others."""

    text: str
    label: str
    pieces: tuple[tuple[int, int, int], ...]
    """Of each piece: which text it is, where it begins here, and how long it is."""
    entities: frozenset[str] | None = None
    """What may be found in it; None for anything."""
    whole: Normal | None = None
    """How the one text that this was made of was put together."""
    written: str = ""
    """That text."""

    def parts(self, one: Finding) -> Iterator[tuple[int, int, int]]:
        """The texts in which a finding lies, and where; none where it lies in one of them as it is written there."""
        if self.entities is not None and one.entity not in self.entities:
            return
        if self.whole is not None:
            start, end = self.whole.span(one.start, one.end)
            if self.written[start:end] != self.text[one.start : one.end]:
                yield self.pieces[0][0], start, end
            return
        touched = [piece for piece in self.pieces if piece[1] < one.end and one.start < piece[1] + piece[2]]
        if len(touched) > 1 or len(self.pieces) == 1:
            for place, at, length in touched:
                yield place, max(one.start - at, 0), min(one.end - at, length)


def joined(segments: Sequence[Segment]) -> Iterator[Joined]:
    """All texts that are worth reading besides the segments themselves."""
    run: list[int] = []
    parent = ""
    worth = False
    labels = {one.label for one in segments}
    telling = {label for label in labels if _role(label)[0]}
    whole: dict[str, Normal | None] = {}
    for place, segment in enumerate(segments):
        text, address = segment.text, segment.address
        length = len(text)
        if length >= SHORTEST:
            if text not in whole:
                whole[text] = together(text)
            if (put := whole[text]) is not None:
                yield Joined(put.text, segment.label, ((place, 0, length),), None, put, text)
        if length >= LONGEST_PIECE or not text or address.endswith(_NAMES):
            continue
        if not parent or not address.startswith(parent) or address.find("/", len(parent)) >= 0:
            if worth and len(run) > 1:
                yield from _of_siblings(segments, run)
            parent, run, worth = _parent(address), [], False
        run.append(place)
        worth = (
            worth
            or length == 1
            or segment.label in telling
            or text[0] == "@"
            or text[-1] == "@"
            or (length < _LONGEST_BEGINNING and _BEGINS.match(text) is not None)
        )
    if worth and len(run) > 1:
        yield from _of_siblings(segments, run)
    yield from _of_streams(segments, {label for label in labels if words_of(label) in _PIECES})
    yield from _of_names(segments, {label for label in telling if _role(label)[0] in ("first", "last")})


def _of_streams(segments: Sequence[Segment], labels: Collection[str]) -> Iterator[Joined]:
    """Texts that stand in the same place of one thing after another, as the pieces of a model's answer do."""
    if not labels:
        return
    streams: dict[tuple[str, str], list[int]] = {}
    for place, segment in enumerate(segments):
        if segment.label in labels and 0 < len(segment.text) < LONGEST_PIECE:
            streams.setdefault((segment.label, _COUNTED.sub("*", segment.address)), []).append(place)
    for (label, _), places in streams.items():
        whole = [_WHOLE_ADDRESS.search(segments[place].text) for place in places]
        ends = [match.start() for match in whole if match is not None]
        # Addresses that follow each other whole are no pieces of one.
        if 1 < len(places) <= MOST_OF_A_STREAM and ends in ([], [0]):
            yield _put(segments, places, "", label)


def _of_names(segments: Sequence[Segment], labels: Collection[str]) -> Iterator[Joined]:
    """A first and a last name that stand near each other, and not side by side."""
    if not labels:
        return
    known: list[tuple[int, str]] = []
    for place, segment in enumerate(segments):
        if segment.label not in labels or not 0 < len(segment.text) < LONGEST_PIECE:
            continue
        if segment.address.endswith(_NAMES):
            continue
        role = _role(segment.label)[0]
        above = _above(segment)
        for other, others in known[-2:]:
            near = place - other <= NEAR
            if (
                near
                and role != others
                and _above(segments[other]) == above
                and not _siblings(segments, other, place)
            ):
                yield _put(segments, [other, place], " ", "full name", {PERSON})
        known.append((place, role))


def _above(segment: Segment) -> str:
    return _COUNTED.sub("", segment.address).rpartition("/")[0]


def _siblings(segments: Sequence[Segment], one: int, other: int) -> bool:
    """Whether two texts stand side by side, and are put together as such."""
    return other == one + 1 and _parent(segments[one].address) == _parent(segments[other].address)


def _parent(address: str) -> str:
    return address[: max(address.rfind("/"), address.rfind(":")) + 1]


def _of_siblings(segments: Sequence[Segment], run: list[int]) -> Iterator[Joined]:
    at = 0
    texts = [segments[place].text for place in run]
    while at < len(run):
        text = texts[at]
        if len(text) == 1:
            to = at
            while to < len(run) and len(texts[to]) == 1:
                to += 1
            if to - at >= _FEWEST_LETTERS and not all(one.isdigit() for one in texts[at:to]):
                yield _put(segments, run[at : min(to, at + MOST_LETTERS)], "", segments[run[at]].label)
            # Letters at the beginning of something else are tried with it below.
            at = to if to - at >= _FEWEST_LETTERS else at + 1
            continue
        if _IBAN_BEGINS.fullmatch(text):
            yield from _while(segments, run, at, lambda one: one.isalnum() and len(one) < 18, {IBAN})
        if len(text) == 4 and text.isdigit() and _are_four(texts, at):
            yield _put(segments, run[at : at + 4], " ", segments[run[at]].label, {CARD})
        if at + 1 < len(run):
            yield from _of_two(segments, run[at], run[at + 1])
        yield from _by_names(segments, run, at)
        at += 1


def _are_four(texts: Sequence[str], at: int) -> bool:
    """Whether four groups of four digits stand there, and no fifth before or after."""
    fours = [len(one) == 4 and one.isdigit() for one in texts[max(at - 1, 0) : at + 5]]
    return fours == ([False] if at else []) + [True] * 4 + [False] * (len(fours) - 4 - (1 if at else 0))


def _while(
    segments: Sequence[Segment], run: list[int], at: int, belongs: Callable[[str], bool], entities: set[str]
) -> Iterator[Joined]:
    to = at + 1
    while to < min(len(run), at + MOST_PIECES) and belongs(segments[run[to]].text):
        to += 1
    if to > at + 1:
        yield _put(segments, run[at:to], "", segments[run[at]].label, entities)


def _of_two(segments: Sequence[Segment], first: int, second: int) -> Iterator[Joined]:
    one, other = segments[first].text, segments[second].text
    if (one[-1] == "@" or other[0] == "@") and not _WHOLE_ADDRESS.search(f"{one} {other}"):
        yield _put(segments, [first, second], "", "", {EMAIL})
        return
    roles = _role(segments[first].label), _role(segments[second].label)
    if roles == (("local", roles[0][1]), ("domain", roles[1][1])):
        if _LOCAL_PART.fullmatch(one) and _DOMAIN.fullmatch(other):
            # Whoever shares the domain with the person is nobody's business: only the local part is the person's.
            yield Joined(f"{one}@{other}", "", ((first, 0, len(one)),), frozenset({EMAIL}))
    elif {roles[0][0], roles[1][0]} == {"first", "last"}:
        yield _put(segments, [first, second], " ", "full name", {PERSON})


def _by_names(segments: Sequence[Segment], run: list[int], at: int) -> Iterator[Joined]:
    role, stem = _role(segments[run[at]].label)
    if role == "number":
        to = at + 1
        while to < min(len(run), at + MOST_PIECES) and _role(segments[run[to]].label) == (role, stem):
            to += 1
        if to > at + 1 and (at == 0 or _role(segments[run[at - 1]].label) != (role, stem)):
            yield _put(segments, run[at:to], "", stem)
    elif role in ("day", "month", "year"):
        three = run[at : at + 3]
        roles = {
            _role(segments[place].label)[0]: place
            for place in three
            if _role(segments[place].label)[1] == stem
        }
        if set(roles) == {"day", "month", "year"}:
            # A bare `day` in `/person/birth/day` is told by what it stands in.
            around = stem or words_of(segments[three[0]].address.rpartition("/")[0].rpartition("/")[2])
            yield _put(segments, [roles["day"], roles["month"], roles["year"]], ".", around)


def _put(
    segments: Sequence[Segment],
    places: Sequence[int],
    between: str,
    label: str,
    entities: set[str] | None = None,
) -> Joined:
    pieces, at = [], 0
    for place in places:
        length = len(segments[place].text)
        pieces.append((place, at, length))
        at += length + len(between)
    text = between.join(segments[place].text for place in places)
    return Joined(text, label, tuple(pieces), None if entities is None else frozenset(entities))


@lru_cache(maxsize=4096)
def _role(label: str) -> tuple[str, str]:
    """What a field's name says it is a piece of, and the rest of the name: `birth_day` is the day of a birth."""
    words = words_of(label)
    if role := _ROLE_OF.get(words):
        return role, ""
    if (numbered := _NUMBERED.fullmatch(words)) and numbered[1]:
        return "number", numbered[1]
    for cut in (words.rpartition(" "), words.partition(" ")):
        last, rest = (cut[2], cut[0]) if cut[1] else (words, "")
        if role := _ROLE_OF.get(last):
            return role, rest
        if role := _ROLE_OF.get(rest) if cut[1] else None:
            return role, last
    return "", ""
