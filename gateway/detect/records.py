"""Records: which fields stand together, which of them are a person's, and which tables are statistics.

Rules kept here and nowhere else:
 * A record is what stands side by side: the fields of one object, row, element or form. What is nested in a person's
   record is that person's too; what stands in a list inside it only where a field name on the way says so.
 * Fields that together single somebody out (birth date, postcode, sex) make a record a person's without any name.
 * A row that counts people, in a table of such rows, is nobody's while each count is large enough, no total betrays a
   small rest, and no cell is told twice with a small difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import re2

from gateway.core.model import Finding, Segment
from gateway.core.special import RecordsFile
from gateway.detect.patterns import searching
from gateway.detect.text import folded, words_of

_FLAT = ("form", "query", "cookie", "multipart")
"""Carriers whose fields all stand in one record."""
_COUNT_LENGTH = 12
MOST_LEVELS = 8
"""How far up a record is looked for."""

Told = Callable[[str], str | None]
"""Which entity a field name, as words, tells of."""
Place = tuple[int, str]
"""A segment, by its number, and an entity that all of it belongs to."""


def record_of(address: str) -> str:
    """What holds a field: `body.json:/users/3/` of `body.json:/users/3/email`; empty where nothing does."""
    end = max(address.rfind("/"), address.rfind(":")) + 1
    if address[end - 1 : end] == ":" and not address.startswith(_FLAT):
        return ""
    return address[:end]


class Suffixes[T]:
    """Things by field name; the longest name that ends a label counts."""

    def __init__(self, things: Mapping[str, T]) -> None:
        self._things = {words_of(name): thing for name, thing in things.items()}
        self._longest = max((name.count(" ") + 1 for name in self._things), default=0)
        self.of = lru_cache(maxsize=8192)(self._of)

    def _of(self, label: str) -> T | None:
        words = words_of(label).split()
        for count in range(min(self._longest, len(words)), 0, -1):
            thing = self._things.get(" ".join(words[-count:]))
            if thing is not None:
                return thing
        return None


class People:
    """Which records of a message are a person's."""

    def __init__(self, addresses: Iterable[str]) -> None:
        """`addresses` are those of values that identify somebody."""
        self._records: set[str] = set()
        self._above: set[str] = set()
        for address in addresses:
            record = record_of(address)
            if record and record not in self._records:
                self._records.add(record)
                # The object around a person's own record is about that person, up to the next list.
                while (outer := _outer(record)) and not _is_place(record):
                    self._above.add(outer)
                    record = outer

    def __bool__(self) -> bool:
        return bool(self._records)

    def own(self, address: str, *, telling: bool = False) -> bool:
        """Whether what stands there is said of a person.

        `telling`: a field name says so, which reaches through lists and to objects beside the person's own.
        """
        record = record_of(address)
        if record in self._above:
            return True
        for _ in range(MOST_LEVELS):
            if not record:
                return False
            if record in self._records or (telling and record in self._above):
                return True
            if _is_place(record) and not telling:
                return False
            record = _outer(record)
        return False


def _outer(record: str) -> str:
    """The record around a record."""
    at = record.rfind("/", 0, len(record) - 1)
    return record[: at + 1]


def _is_place(record: str) -> bool:
    """Whether a record is the nth of a list."""
    return record[record.rfind("/", 0, len(record) - 1) + 1 : -1].isdigit()


class Combinations:
    """Fields that single people out together."""

    def __init__(self, rules: RecordsFile) -> None:
        """Raises ValueError where a pattern is broken."""
        self._wanted = [len(one.parts) for one in rules.combinations]
        parts: dict[str, list[tuple[int, int, str, re2._Regexp[bytes]]]] = defaultdict(list)
        for number, combination in enumerate(rules.combinations):
            for place, part in enumerate(combination.parts):
                compiled = searching(rf"\A(?:{part.pattern})\z")
                for name in part.fields:
                    parts[name].append((number, place, part.entity, compiled))
        self._parts = Suffixes(parts)

    def findings(self, segments: Sequence[Segment], labels: Iterable[str]) -> Iterator[Place]:
        """The values of all records that have every part of a combination; `labels` are those of the segments."""
        if sum(self._parts.of(label) is not None for label in labels) < min(self._wanted, default=0):
            return
        records: dict[tuple[str, int], dict[int, list[Place]]] = defaultdict(lambda: defaultdict(list))
        for number, segment in enumerate(segments):
            known = self._parts.of(segment.label) if segment.label else None
            if known is None or not (record := record_of(segment.address)):
                continue
            value = segment.text.strip().encode(errors="replace")
            for combination, place, entity, pattern in known:
                if pattern.search(value):
                    records[record, combination][place].append((number, entity))
        for (_, combination), found in records.items():
            if len(found) == self._wanted[combination]:
                yield from (place for places in found.values() for place in places)


class Statistics:
    """Tables that count people."""

    def __init__(self, rules: RecordsFile, told: Told) -> None:
        one = rules.aggregates
        self._least, self._entity, self._told = one.smallest_group, one.entity, told
        self._counts = Suffixes(dict.fromkeys(one.counts, True))
        self._dimensions = Suffixes(dict.fromkeys(one.dimensions, True))
        self._totals = frozenset(folded(total) for total in one.totals)

    def possible(self, labels: Iterable[str]) -> bool:
        """Whether any field of these names may count people."""
        return any(self._counts.of(label) for label in labels)

    def findings(self, segments: Sequence[Segment], people: People) -> Iterator[Place]:
        """Counts that single people out, and what is told of these."""
        rows = self._rows(segments, people)
        tables: dict[tuple[str, tuple[str, ...]], list[_Row]] = defaultdict(list)
        cells: dict[tuple[tuple[str, str], ...], list[_Row]] = defaultdict(list)
        for record, row in rows.items():
            tables[_outer(record), tuple(name for name, _ in row.cell)].append(row)
            cells[row.cell].append(row)
        small: dict[int, _Row] = {}
        for table in tables.values():
            if len(table) > 1:
                small.update((row.place, row) for row in table if 0 < row.count < self._least)
                small.update((row.place, row) for row in self._betraying(table))
        for same in cells.values():
            for one, other in pairwise(same):
                if 0 < abs(one.count - other.count) < self._least:
                    small[other.place] = other
        for place, row in sorted(small.items()):
            yield place, self._entity
            yield from row.special

    def _rows(self, segments: Sequence[Segment], people: People) -> dict[str, _Row]:
        counts: dict[str, tuple[int, int]] = {}
        for place, segment in enumerate(segments):
            if segment.label and self._counts.of(segment.label) and len(segment.text) <= _COUNT_LENGTH:
                digits = segment.text.strip().replace(",", "").replace(".", "").replace(" ", "")
                record = record_of(segment.address)
                if digits.isascii() and digits.isdigit() and record and not people.own(segment.address):
                    counts[record] = place, int(digits)
        if not counts:
            return {}
        cells: dict[str, list[tuple[str, str]]] = defaultdict(list)
        special: dict[str, list[Place]] = defaultdict(list)
        for place, segment in enumerate(segments):
            record = record_of(segment.address)
            if record not in counts or not segment.label or counts[record][0] == place:
                continue
            entity = self._told(segment.label)
            if entity is not None or self._dimensions.of(segment.label):
                cells[record].append((words_of(segment.label), folded(segment.text.strip())))
                if entity is not None and folded(segment.text.strip()) not in self._totals:
                    special[record].append((place, entity))
        return {
            record: _Row(*counts[record], tuple(sorted(cell)), tuple(special[record]))
            for record, cell in cells.items()
        }

    def _betraying(self, table: Sequence[_Row]) -> Iterator[_Row]:
        """Totals that leave too little for a group that is not shown."""
        for row in table:
            total_of = [name for name, value in row.cell if value in self._totals]
            if len(total_of) != 1:
                continue
            fixed = [pair for pair in row.cell if pair[0] != total_of[0]]
            parts = [
                one.count
                for one in table
                if one is not row
                and [pair for pair in one.cell if pair[0] != total_of[0]] == fixed
                and dict(one.cell)[total_of[0]] not in self._totals
            ]
            if parts and 0 < row.count - sum(parts) < self._least:
                yield row


class _Row:
    """A count of people: where it stands, what it counts, and what is told of these people."""

    __slots__ = ("cell", "count", "place", "special")

    def __init__(
        self, place: int, count: int, cell: tuple[tuple[str, str], ...], special: tuple[Place, ...]
    ) -> None:
        self.place, self.count, self.cell, self.special = place, count, cell, special


def identifying(
    segments: Sequence[Segment], found: Mapping[int, Sequence[Finding]], categories: frozenset[str]
) -> Iterator[str]:
    """Addresses of values that identify somebody."""
    for place, findings in found.items():
        if any(one.category in categories for one in findings):
            yield segments[place].address
