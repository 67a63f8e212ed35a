"""An agent's standing over time, as spans of days and as a picture of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.core.agent import Agent
from gateway.core.assurance import standing_on
from gateway.core.law import Jurisdiction
from gateway.core.ruleset import RuleSet

BEFORE_DAYS, AFTER_DAYS = 365, 365
WIDTH, ROW, GAP, LEFT, TOP = 900, 22, 12, 40, 8
QUARTERS = (1, 4, 7, 10)
"""Months that begin one."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both included, on which a standing holds as far as is on file."""

    first: date
    last: date
    status: str


@dataclass(frozen=True, slots=True)
class Box:
    """A span as it is drawn."""

    x: float
    y: int
    width: float
    span: Span


@dataclass(frozen=True, slots=True)
class Picture:
    """What a template draws; lengths in the units of its view box."""

    width: int
    height: int
    row: int
    boxes: tuple[Box, ...]
    names: tuple[tuple[int, str], ...]
    months: tuple[tuple[float, str], ...]
    today: float


def spans(agent: Agent, origin: Jurisdiction, today: date, rules: RuleSet) -> list[Span]:
    """A year back and a year ahead, earliest first."""
    day = max(today - timedelta(days=BEFORE_DAYS), rules.law_begins)
    found: list[Span] = []
    while day <= today + timedelta(days=AFTER_DAYS):
        status = standing_on(agent, origin, day, rules).status
        if found and found[-1].status == status:
            found[-1] = Span(found[-1].first, day, status)
        else:
            found.append(Span(day, day, status))
        day += timedelta(days=1)
    return found


def picture(rows: Sequence[tuple[str, Sequence[Span]]], today: date) -> Picture:
    """Rows of spans, each under its name, above an axis of months."""
    first = min(span.first for _, its in rows for span in its)
    last = max(span.last for _, its in rows for span in its)
    scale = (WIDTH - LEFT) / ((last - first).days + 1)

    def at(day: date) -> float:
        return round(LEFT + (day - first).days * scale, 1)

    boxes, names = [], []
    for place, (name, its) in enumerate(rows):
        y = TOP + place * (ROW + GAP)
        names.append((y + 16, name))
        boxes += [
            Box(at(span.first), y, round(at(span.last + timedelta(days=1)) - at(span.first), 1), span)
            for span in its
        ]
    years = range(first.year, last.year + 1)
    starts = [first.replace(year=year, month=month, day=1) for year in years for month in QUARTERS]
    months = tuple((at(one), f"{one:%Y-%m}") for one in starts if first <= one <= last - timedelta(days=40))
    height = TOP + len(rows) * (ROW + GAP) + 22
    return Picture(WIDTH, height, ROW, tuple(boxes), tuple(names), months, at(today))
