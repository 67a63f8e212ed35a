"""Opt-outs, objections and consents from CSV files. The values in them become keyed fingerprints and are kept nowhere.

Every row names an entity as detection does (`EMAIL_ADDRESS`) and a value; faults are told by line and column, never
with what stands there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from gateway.core.errors import Problem, RulesError
from gateway.core.ruleset import RuleSet
from gateway.keys import Key, fingerprint
from gateway.store.registers import EVERY, Consent, Refusal

CONSENT = "EXC-CONSENT"
"""The exemption whose limits a consent has."""


class _Row:
    """One row, checked field by field; a fault makes it worthless and is noted."""

    def __init__(
        self, file: str, line: int, cells: Mapping[str, str | None], problems: list[Problem]
    ) -> None:
        self._file, self._line, self._cells, self._problems = file, line, cells, problems
        self.sound = True

    def fault(self, column: str, what: str) -> None:
        self._problems.append(Problem(self._file, self._line, column, what))
        self.sound = False

    def text(self, column: str, default: str | None = None) -> str:
        value = (self._cells.get(column) or "").strip()
        if not value and default is None:
            self.fault(column, "is empty; write it")
        return value or default or ""

    def among(self, column: str, known: Collection[str], default: str | None = None) -> str:
        value = self.text(column, default)
        if value and value != default and value not in known:
            self.fault(column, f"is none of {', '.join(sorted(known)[:12])}{' …' if len(known) > 12 else ''}")
        return value

    def day(self, column: str, default: date | None = None) -> date:
        value = self.text(column, default.isoformat() if default else None)
        try:
            return date.fromisoformat(value)
        except ValueError:
            if value:
                self.fault(column, "is no date; write e.g. 2026-11-24")
            return default or date.min


def read_refusals(
    file: Path, kind: Literal["opt-out", "objection"], rules: RuleSet, key: Key, today: date
) -> list[Refusal]:
    """Rows with `entity`, `value`, `since`, and `agent` (opt-out) or `purpose` (objection), `*` or empty for all.

    Raises:
        RulesError: with one Problem for each cell that is wrong; nothing may be kept then.
    """
    if kind == "opt-out":
        column, known = "agent", {agent.id for agent in rules.agents}
    else:
        column, known = "purpose", set(rules.purpose_ids)

    def made(row: _Row, mark: str) -> Refusal:
        return Refusal(mark, kind, row.among(column, known, EVERY), row.day("since", today))

    return _read(file, {"entity", "value"}, {"since", column}, rules, key, made)


def read_consents(file: Path, rules: RuleSet, key: Key, today: date) -> list[Consent]:
    """Rows with `entity`, `value`, `agent`, `country`, `purpose`, `wording`, `given_on`, and perhaps `withdrawn_on`.

    Raises:
        RulesError: with one Problem for each cell that is wrong; nothing may be kept then.
    """
    agents = {agent.id for agent in rules.agents}
    days = rules.exemptions[CONSENT].max_days or 0

    def made(row: _Row, mark: str) -> Consent:
        given = row.day("given_on")
        if row.sound and given > today:
            row.fault("given_on", "lies in the future")
        withdrawn = row.day("withdrawn_on", date.max)
        return Consent(
            mark,
            row.among("agent", agents),
            row.text("country"),
            row.among("purpose", rules.purpose_ids),
            row.text("wording"),
            given,
            given + timedelta(days=days) if given != date.min else given,
            None if withdrawn == date.max else withdrawn,
        )

    needed = {"entity", "value", "agent", "country", "purpose", "wording", "given_on"}
    return _read(file, needed, {"withdrawn_on"}, rules, key, made)


def _read[T](
    file: Path,
    needed: set[str],
    allowed: set[str],
    rules: RuleSet,
    key: Key,
    made: Callable[[_Row, str], T],
) -> list[T]:
    # Here and not above: the detector's libraries take seconds to import.
    from gateway.detect import normalize

    problems: list[Problem] = []
    entries: list[T] = []
    for row in _rows(file, needed, allowed, problems):
        entity = row.among("entity", rules.detection.category_of)
        value = row.text("value")
        entry = made(row, fingerprint(key, entity, normalize(entity, value)))
        if row.sound:
            entries.append(entry)
    if problems:
        raise RulesError(problems)
    return entries


def _rows(file: Path, needed: set[str], allowed: set[str], problems: list[Problem]) -> Iterator[_Row]:
    name = str(file)
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, strict=True)
            heads = set(reader.fieldnames or ())
            problems += [
                Problem(name, 1, head, "is no column of the file; add it") for head in sorted(needed - heads)
            ]
            problems += [
                Problem(name, 1, "", f"column {place} is not known; remove it")
                for place, head in enumerate(reader.fieldnames or (), start=1)
                if head not in needed | allowed
            ]
            if problems:
                return
            for cells in reader:
                if None in cells:
                    problems.append(Problem(name, reader.line_num, "", "has more cells than the head"))
                    continue
                yield _Row(name, reader.line_num, cells, problems)
    except OSError as error:
        problems.append(Problem(name, 0, "", f"cannot be read: {error.strerror}"))
    except (UnicodeError, csv.Error) as error:
        problems.append(Problem(name, 0, "", f"is no CSV in UTF-8: {type(error).__name__}"))
