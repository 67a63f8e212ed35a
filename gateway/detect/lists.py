"""The operator's lists: values that are always personal data, and values that never are.

Rules kept here and nowhere else:
 * What is denied is certain, and no allow list takes it away.
 * A denied value is looked for widely (case, accents and kinds of space make no difference), an allowed one narrowly:
   the whole value, and nothing but its case may differ.
 * What is allowed is put aside before overlaps are settled, so that it never hides another finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import re2
from ahocorasick_rs import AhoCorasick, MatchKind

from gateway.core.detection import CERTAIN, Allow, Deny
from gateway.detect.patterns import Hit, searching
from gateway.detect.text import folded, plain

Fingerprint = Callable[[str, str], Sequence[str]]
"""Keyed fingerprints of a value of an entity, one for each version of the key."""

_SPACES = {ord(sign): " " for sign in "\t\n\r\v\f"}


class Denied:
    """Values that are always found."""

    def __init__(self, entries: Iterable[Deny]) -> None:
        entity_of = {_wide(value): entry.entity for entry in entries for value in entry.values}
        self._entities = list(entity_of.values())
        self._search = (
            AhoCorasick(list(entity_of), matchkind=MatchKind.LeftmostLongest) if entity_of else None
        )

    def hits(self, text: str) -> Iterator[Hit]:
        """Where denied values stand in a text."""
        if self._search is None:
            return
        for index, start, end in self._search.find_matches_as_indexes(_folded(text)):
            if not (start and text[start - 1].isalnum()) and not text[end : end + 1].isalnum():
                yield Hit(start, end, self._entities[index], CERTAIN)


class Allowed:
    """Values that are never found."""

    def __init__(self, entries: Sequence[Allow], fingerprint: Fingerprint | None) -> None:
        """Without `fingerprint`, entries that hold fingerprints allow nothing.

        Raises:
            ValueError: a pattern is broken, or allows everything; the message names it.
        """
        self._fingerprint = fingerprint
        self._values: dict[str, list[Allow]] = defaultdict(list)
        self._prints: dict[str, list[Allow]] = defaultdict(list)
        self._patterns = [(allowing(pattern), entry) for entry in entries for pattern in entry.patterns]
        for entry in entries:
            for value in entry.values:
                self._values[_narrow(value)].append(entry)
            for known in entry.fingerprints:
                self._prints[known].append(entry)

    def __bool__(self) -> bool:
        return bool(self._values or self._patterns or self._prints)

    def entry_for(self, entity: str, value: str, agent: str) -> Allow | None:
        """The first entry that allows this value of an entity on the way to an agent."""
        entries = list(self._values.get(_narrow(value), ()))
        encoded = value.encode(errors="replace")
        entries += [entry for pattern, entry in self._patterns if pattern.fullmatch(encoded)]
        if self._prints and self._fingerprint is not None:
            for known in self._fingerprint(entity, value):
                entries += self._prints.get(known, ())
        for entry in entries:
            if (not entry.entities or entity in entry.entities) and (
                not entry.agents or agent in entry.agents
            ):
                return entry
        return None


def allowing(pattern: str) -> re2._Regexp[bytes]:
    """A pattern of the allow list, compiled. Raises ValueError where it is broken, or allows everything."""
    search = searching(pattern)
    if search.fullmatch(b"") or all(search.fullmatch(probe) for probe in _PROBES):
        raise ValueError(f"pattern {pattern!r} allows everything; write only what is to be allowed")
    return search


_PROBES = (b"Anna Lindqvist", b"44051401359", b"anna@example.org")
"""Values with nothing in common; who allows them all allows everything."""


def _folded(text: str) -> str:
    return folded(plain(text)).translate(_SPACES)


def _wide(value: str) -> str:
    return " ".join(_folded(value).split())


def _narrow(value: str) -> str:
    return " ".join(value.split()).casefold()
