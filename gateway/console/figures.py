"""Figures of the overview from counted shapes, under the filters of its address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from urllib.parse import urlencode

from gateway.core.review import NotAllowed
from gateway.reports.traffic import STOPPED
from gateway.store.tallies import Shape, Tallies

ACTIONS = ("pass", "anonymize", "hold", "block")
STOPPED_BY = ("agent", "reason", "clause", "origin", "category")
PERIOD_DAYS = 30
LONGEST_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Filter:
    """Which decisions are meant. Empty values stand for all; `stopped` as action stands for hold and block."""

    first: date
    last: date
    agent: str = ""
    action: str = ""
    reason: str = ""
    clause: str = ""
    origin: str = ""
    category: str = ""
    unread: str = ""
    failed: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str], today: date) -> Filter:
        """The filter of an address. Raises NotAllowed for days that are none."""
        try:
            last = date.fromisoformat(given["last"]) if given.get("last") else today
            first = (
                date.fromisoformat(given["first"])
                if given.get("first")
                else last - timedelta(days=PERIOD_DAYS - 1)
            )
        except ValueError:
            raise NotAllowed("write days as e.g. 2026-11-24") from None
        if first > last:
            raise NotAllowed(f"the first day, {first}, lies after the last, {last}")
        if (last - first).days > LONGEST_DAYS:
            raise NotAllowed(f"choose a period of at most {LONGEST_DAYS} days")
        words = {one.name: given.get(one.name, "")[:200] for one in fields(cls)[2:]}
        return cls(first, last, **words)

    def query(self, **more: str) -> str:
        """The same as part of an address, with more or other filters."""
        facts = {name: str(getattr(self, name)) for name in self.__slots__} | more
        return urlencode({name: value for name, value in facts.items() if value})

    def fits(self, shape: Shape) -> bool:
        """Whether decisions of this shape are meant, as far as their day is."""
        return (
            self.agent in ("", shape.agent)
            and (self.action in ("", shape.action) or (self.action == "stopped" and shape.action in STOPPED))
            and self.reason in ("", shape.reason)
            and (not self.clause or self.clause in shape.clauses)
            and (not self.origin or self.origin in shape.origins)
            and (not self.category or self.category in shape.categories)
            and (not self.unread or shape.unread)
            and (not self.failed or shape.failed)
        )


@dataclass(slots=True)
class Figures:
    """What was counted."""

    total: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    daily: dict[str, Counter[str]] = field(default_factory=dict)
    """Decisions by day and action; every day of the period is there."""
    stopped: dict[str, Counter[str]] = field(default_factory=lambda: {one: Counter() for one in STOPPED_BY})
    unread: int = 0
    failed: int = 0

    @property
    def unread_share(self) -> float:
        """Share of decisions in which a part could not be inspected."""
        return self.unread / self.total if self.total else 0.0


def count(tallies: Tallies, wanted: Filter) -> Figures:
    """Figures of what was counted, as far as they are wanted."""
    figures = Figures()
    days = (wanted.last - wanted.first).days + 1
    figures.daily = {(wanted.first + timedelta(days=n)).isoformat(): Counter() for n in range(days)}
    shapes = tallies.shapes()
    fitting = {number: shape for number, shape in shapes.items() if wanted.fits(shape)}
    some = fitting if len(fitting) < len(shapes) else None
    first, last = wanted.first.isoformat(), wanted.last.isoformat()
    for day, action, times in tallies.daily(first, last, some):
        figures.daily[day][action] += times
    for number, times in tallies.summed(first, last):
        if number in fitting:
            _add(figures, fitting[number], times)
    return figures


def _add(figures: Figures, shape: Shape, times: int) -> None:
    figures.total += times
    figures.actions[shape.action] += times
    figures.unread += times * shape.unread
    figures.failed += times * shape.failed
    if shape.action not in STOPPED:
        return
    told: Mapping[str, Sequence[str]] = {
        "agent": (shape.agent,),
        "reason": (shape.reason,),
        "clause": shape.clauses,
        "origin": shape.origins,
        "category": shape.categories,
    }
    for what, values in told.items():
        for value in values:
            figures.stopped[what][value] += times
