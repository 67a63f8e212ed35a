"""What a scan is asked, and what it learns about a file: findings, where they stand, and what was not read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.core.detection import DetectionRules
from gateway.core.model import Finding, Unread
from gateway.keys import Key


@dataclass(frozen=True, slots=True)
class Work:
    """All that a process needs to scan."""

    rules: DetectionRules
    model: Path
    max_bytes: int
    charset: str | None = None
    """Of texts that do not say it themselves; UTF-8 if None."""
    key: Key | None = None
    """For the fingerprints on the allow list; without it they allow nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding and where it stands, for people: lines and columns count from 1, columns in characters."""

    finding: Finding
    sheet: int
    """Which of the file's texts."""
    start: int
    end: int
    """Characters of that text, as written there."""
    line: int
    column: int
    """In the file; for a text that is encoded in it, the line is where its encoded form begins and the column 0."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What was learnt about one file."""

    path: str
    size_bytes: int = 0
    texts: tuple[str, ...] = ()
    """Its readable texts, see `decode.Sheet`."""
    lines: tuple[int, ...] = ()
    """Line of the file at which each text begins, from 1; 0 where the text stands encoded in the file."""
    marks: tuple[Mark, ...] = ()
    unread: tuple[Unread, ...] = ()
    note: str = ""
    left_out: str = ""
    error: str = ""


def line_starts(text: str) -> list[int]:
    """Where each line of a text begins."""
    starts, at = [0], text.find("\n")
    while at != -1:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts
