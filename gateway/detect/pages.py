"""Long texts cut into pages, since analyzers slow down faster than a text grows.

Each page owns a stretch of text that no other page owns, and shows a margin around it: what begins in the stretch is
found there whole and in context, what begins in the margin is left to its owner. So nothing on a seam is lost, and
nothing is doubled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STRETCH = 4000
"""Most characters a page owns."""
MARGIN = 300
"""Characters shown before and after."""


@dataclass(frozen=True, slots=True)
class Window:
    """Where a page lies in its text: `shown_from <= owns_from < owns_to <= shown_to`."""

    shown_from: int
    owns_from: int
    owns_to: int
    shown_to: int


def windows_of(text: str) -> Iterator[Window]:
    """Windows in order; each character is owned by exactly one."""
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= STRETCH else _cut(text, start)
        shown_from = _space_before(text, start) if start else 0
        yield Window(shown_from, start, end, min(end + MARGIN, len(text)))
        start = end


def _cut(text: str, start: int) -> int:
    """The end of a line or sentence is the best place, a space the next best."""
    last = start + STRETCH
    for stop in ("\n", ". ", " "):
        found = text.rfind(stop, start + STRETCH // 2, last)
        if found != -1:
            return found + len(stop)
    return last


def _space_before(text: str, place: int) -> int:
    found = text.find(" ", place - MARGIN, place)
    return found + 1 if found != -1 else place - MARGIN
