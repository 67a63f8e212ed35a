"""What a report is, whatever it is about: titled, dated, made of sections with texts, tables and bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

Cell = str | int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads. A head is the name that programs read and the words that people do."""

    heads: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "–"
    """Said where there are no rows."""

    def records(self) -> list[Mapping[str, Cell]]:
        """The rows by the names of their heads."""
        names = [name for name, _ in self.heads]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart."""

    label: str
    value: int
    tone: str = "plain"
    """`good`, `bad`, `care` or `plain`."""


@dataclass(frozen=True, slots=True)
class Section:
    """Part of a report. `id` names it for programs."""

    id: str
    heading: str
    said: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One report."""

    kind: str
    title: str
    made_at: datetime
    about: tuple[tuple[str, str, str], ...]
    """What it rests on: name, words and value of each."""
    sections: tuple[Section, ...]
    language: str = "en"
    facts: Mapping[str, object] = field(default_factory=dict)
    """What only programs read."""

    lead: str = ""
    """Id of the section whose table the CSV form holds; the first one where none is named."""

    @property
    def main(self) -> Table | None:
        """The table that the CSV form holds."""
        fitting = (one.table for one in self.sections if self.lead in ("", one.id))
        return next((table for table in fitting if table is not None), None)
