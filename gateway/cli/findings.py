"""How findings in files are shown: lines for people, objects for programs.

What comes from a file never reaches the terminal as it is: control signs and marks that turn the writing direction
become visible ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from gateway.scan.found import Mark, Scan
from gateway.scan.view import View, visible

WHOLE_LINE = 160
"""Characters up to which a line is shown whole; of longer ones what stands around a finding."""
AROUND = 40
STYLES = {"ordinary": "black on yellow", "elevated": "black on bright_red", "special": "white on magenta"}
"""By class of data; everything else as special."""


def objects(scan: Scan, view: View) -> Iterator[dict[str, Any]]:
    """One object for each finding, and for what was not read. Values, and addresses that may hold some, on demand."""
    for mark in view.marks(scan):
        one = mark.finding
        shown: dict[str, Any] = {
            "path": scan.path,
            "line": mark.line,
            "column": mark.column,
            "part": mark.sheet + 1,
            "start": mark.start,
            "end": mark.end,
            "entity": one.entity,
            "score": round(one.score, 4),
            "region": one.region,
            "evidence": str(one.evidence),
            "category": one.category,
            "class": view.class_of(mark),
        }
        if view.values:
            shown |= {"value": scan.texts[mark.sheet][mark.start : mark.end], "address": one.address}
        yield shown
    for part in scan.unread:
        yield {"path": scan.path, "not_read": part.reason, "where": part.address.partition(":")[0]}
    if scan.error or scan.left_out:
        yield {"path": scan.path, "error" if scan.error else "left_out": scan.error or scan.left_out}


def paragraphs(scan: Scan, view: View, *, coloured: bool) -> Iterator[Text]:
    """The findings of one file, line by line: where, what, and the line with the value marked."""
    marks = view.marks(scan)
    if marks:
        note = Text(f"  {scan.note}", "dim") if scan.note else Text()
        yield Text(visible(scan.path), "bold") + note
    for _, same_line in groupby(marks, lambda mark: (mark.sheet, mark.line, _line_of(scan, mark))):
        here = list(same_line)
        for mark in here:
            yield _facts(mark, view)
        number = str(here[0].line) if here[0].column else f"part {here[0].sheet + 1}"
        yield from _excerpts(scan, here, view, f"{number:>8} | ", coloured=coloured)


def not_read(scan: Scan) -> Iterator[str]:
    """One line for everything in this file that was not read, or was read otherwise than its name says."""
    path = visible(scan.path)
    if scan.error:
        yield f"not read: {path}: {scan.error}"
    if scan.left_out:
        yield f"left out: {path}: {scan.left_out}"
    for part in scan.unread:
        where = part.address.partition(":")[0]
        yield f"not read: {path}: {part.reason}" + ("" if where == "body" == part.address else f" ({where})")


@dataclass(slots=True)
class Summary:
    """Counts over a whole scan."""

    files: int = 0
    with_findings: int = 0
    unread: int = 0
    errors: int = 0
    entities: Counter[str] = field(default_factory=Counter)

    def add(self, scan: Scan, view: View) -> None:
        """Count one file."""
        marks = view.marks(scan)
        self.files += not (scan.error or scan.left_out)
        self.with_findings += bool(marks)
        self.unread += bool(scan.unread)
        self.errors += bool(scan.error)
        self.entities.update(one.finding.entity for one in marks)

    @property
    def findings(self) -> int:
        """How many there are."""
        return self.entities.total()

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {entity}" for entity, count in self.entities.most_common())
        text = f"{_count(self.findings, 'finding')} in {self.with_findings} of {_count(self.files, 'file')}"
        text += f": {kinds}" if kinds else ""
        if self.unread:
            text += f"; {_count(self.unread, 'file')} not read, or not whole"
        return text + (f"; {_count(self.errors, 'error')}" if self.errors else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _line_of(scan: Scan, mark: Mark) -> int:
    return scan.texts[mark.sheet].rfind("\n", 0, mark.start) + 1


def _facts(mark: Mark, view: View) -> Text:
    one = mark.finding
    where = f"{mark.line}:{mark.column}" if mark.column else f"{mark.line}"
    region = f"{one.region} ({one.evidence})" if one.region else ""
    facts = Text(f"{where:>8}   ", "cyan") + Text(f"{one.entity:<20}", "bold")
    return facts + Text(f" {one.score:.2f}  {one.category} ({view.class_of(mark)})  {region}".rstrip())


def _excerpts(scan: Scan, marks: Sequence[Mark], view: View, head: str, *, coloured: bool) -> Iterator[Text]:
    """The line of these marks, or of a long line what stands around them, and signs under values where no colour is."""
    text = scan.texts[marks[0].sheet]
    line_start = _line_of(scan, marks[0])
    line_end = text.find("\n", marks[0].start)
    line_end = len(text) if line_end == -1 else line_end
    windows: list[tuple[int, int]] = []
    for mark in marks:
        low = line_start if line_end - line_start <= WHOLE_LINE else max(line_start, mark.start - AROUND)
        high = line_end if line_end - line_start <= WHOLE_LINE else min(line_end, mark.end + AROUND)
        if windows and low <= windows[-1][1]:
            windows[-1] = windows[-1][0], max(high, windows[-1][1])
        else:
            windows.append((low, high))
    everything = [one for one in scan.marks if one.sheet == marks[0].sheet]
    for low, high in windows:
        drawn, signs = Text(head, "dim"), " " * (len(head) - 2) + "| "
        drawn.append("…" if low > line_start else "")
        signs += " " * (low > line_start)
        at = low
        for mark in everything:
            start, end = max(mark.start, at), min(mark.end, high)
            if start >= end:
                continue
            asked = mark in marks
            between, value = visible(text[at:start]), view.shown(mark, text[start:end])
            drawn.append(between)
            drawn.append(value, STYLES.get(view.class_of(mark), STYLES["special"]) if asked else "")
            signs += " " * cell_len(between) + ("^" if asked else " ") * cell_len(value)
            at = end
        rest = text[at:high].rstrip("\r")
        drawn.append(visible(rest) + ("…" if high < line_end else ""))
        yield drawn
        if not coloured:
            yield Text(signs.rstrip(), "dim")
