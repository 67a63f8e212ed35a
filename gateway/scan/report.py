"""The report of a scan as one HTML page, to be read in a browser, printed and handed on.

Rules kept here and nowhere else:
 * The page needs nothing but itself and runs nothing: its own policy forbids scripts, connections and other sources.
 * Everything that comes from a file, its name among them, is escaped, and signs that steer are made visible.
 * A page stays readable: of a large file the lines with findings are shown, and what is left out is said.
"""

from __future__ import annotations

import base64
import hashlib
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from importlib import resources
from pathlib import Path

from gateway.scan.found import Mark, Scan, line_starts
from gateway.scan.view import View, visible

WHOLE_TEXT = 40_000
"""Characters up to which a text is shown whole."""
AROUND_LINES = 2
"""Lines shown before and after a finding in longer ones."""
LONGEST_LINE = 2_000
"""Characters up to which a line is shown whole; of longer ones what stands around findings."""
AROUND_CHARACTERS = 120
MOST_LINES = 1_000
"""Lines shown of one text."""
MOST_BARS = 15
MOST_NAMES = 2_000
"""Files without findings that are named."""
OPEN_FILES = 8
"""Up to so many files their texts are unfolded at once."""

CARE = "This page shows the values that were found. Keep it as the files themselves are kept."
CARE_REDACTED = "Values that were found are masked. What was not found is not: read before you hand it on."


@dataclass(slots=True)
class Report:
    """Takes one scan after the other, and writes the page at the end."""

    view: View
    asked: Sequence[str]
    """What the scan was asked for, in words."""
    at: datetime
    _files: list[tuple[str, str, Counter[str]]] = field(default_factory=list)
    """Name, text as HTML and findings by class, of each file with findings."""
    _clean: list[str] = field(default_factory=list)
    _not_read: list[tuple[str, str, str]] = field(default_factory=list)
    _entities: Counter[tuple[str, str]] = field(default_factory=Counter)
    _categories: Counter[tuple[str, str]] = field(default_factory=Counter)
    _regions: Counter[str] = field(default_factory=Counter)
    _classes: Counter[str] = field(default_factory=Counter)
    _read: int = 0

    def add(self, scan: Scan) -> None:
        """Take the scan of one file."""
        name = visible(scan.path)
        reasons = [(part.reason, part.address.partition(":")[0]) for part in scan.unread]
        self._not_read += [(name, reason, "" if where == "body" else where) for reason, where in reasons]
        if scan.error or scan.left_out:
            self._not_read.append((name, scan.error or scan.left_out, "" if scan.error else "left out"))
            return
        self._read += 1
        marks = self.view.marks(scan)
        if not marks:
            self._clean += [] if scan.unread else [name]
            return
        classes = Counter(self.view.class_of(one) for one in marks)
        self._files.append((name, "".join(_file(scan, marks, self.view)), classes))
        self._classes += classes
        for one in marks:
            found = one.finding
            self._entities[found.entity, self.view.class_of(one)] += 1
            self._categories[found.category, self.view.class_of(one)] += 1
            self._regions[f"{found.region} ({found.evidence})" if found.region else "no country"] += 1

    def write(self, file: Path) -> None:
        """Write the page, for its owner's eyes only, since it may show all that was found. Raises OSError."""
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.writelines(self._page())

    def _page(self) -> Iterator[str]:
        style = resources.files("gateway.scan").joinpath("report.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        yield (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            f"style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">\n"
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n'
            f"<title>Personal data in files</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        )
        yield from self._head()
        yield from self._charts()
        yield from self._texts()
        yield from self._rest()
        yield "</main>\n</body>\n</html>\n"

    def _head(self) -> Iterator[str]:
        found = self._classes.total()
        yield "<h1>Personal data in files</h1>\n"
        said = [f"{self.at:%Y-%m-%d %H:%M %Z}", *self.asked, f"rules {self.view.rules.digest[:12]}"]
        yield f'<p class="about">{" · ".join(escape(visible(one)) for one in said)}</p>\n'
        yield f'<p class="care">{CARE_REDACTED if self.view.redact else CARE}</p>\n'
        yield '<div class="tiles">'
        partly = len({name for name, _, where in self._not_read if where != "left out"})
        for number, what in (
            (found, "finding" if found == 1 else "findings"),
            (len(self._files), "files with findings"),
            (self._read, "files read"),
            (partly, "files not read, or not whole"),
        ):
            yield f'<div class="tile"><b>{number:,}</b><span>{what}</span></div>'
        yield "</div>\n"

    def _charts(self) -> Iterator[str]:
        if not self._classes:
            return
        yield '<div class="card classes"><h3>By class of data</h3>'
        yield _stacked(self._classes)
        yield '<div class="legend" role="group" aria-label="Classes marked in the texts">'
        for name, count in self._classes.most_common():
            yield (
                f'<label><input type="checkbox" id="of-{escape(name)}" checked>'
                f'<span class="swatch {escape(name)}"></span>{escape(name)} {count:,}</label>'
            )
        yield '<label><input type="checkbox" id="names">name each finding in the texts</label></div></div>\n'
        yield '<div class="charts">'
        yield _bars(
            "By entity", [(name, kind, count) for (name, kind), count in self._entities.most_common()]
        )
        yield _bars(
            "By category", [(name, kind, count) for (name, kind), count in self._categories.most_common()]
        )
        yield _bars("By country", [(name, "neutral", count) for name, count in self._regions.most_common()])
        files = sorted(
            ((name, classes.total(), place) for place, (name, _, classes) in enumerate(self._files)),
            key=lambda one: (-one[1], one[2]),
        )
        yield _bars(
            "By file",
            [(name, "neutral", count) for name, count, _ in files],
            links=[f"file-{place}" for _, _, place in files],
        )
        yield "</div>\n"

    def _texts(self) -> Iterator[str]:
        if self._files:
            yield "<h2>Findings</h2>\n"
        unfolded = " open" if len(self._files) <= OPEN_FILES else ""
        for place, (name, text, classes) in enumerate(self._files):
            counts = ", ".join(f"{count:,} {kind}" for kind, count in classes.most_common())
            yield (
                f'<details{unfolded}><summary><span class="name"><bdi>{escape(name)}</bdi></span> '
                f'<span class="count">{counts}</span></summary>'
                f'<div class="inside" id="file-{place}">{text}</div></details>\n'
            )

    def _rest(self) -> Iterator[str]:
        if self._not_read:
            yield '<h2>Not read</h2>\n<div class="card"><table class="list"><thead><tr>'
            yield '<th scope="col">File</th><th scope="col">Why</th><th scope="col">Part</th></tr></thead><tbody>'
            for name, reason, where in self._not_read:
                yield (
                    f"<tr><td><bdi>{escape(name)}</bdi></td><td>{escape(reason)}</td><td>{escape(where)}</td></tr>\n"
                )
            yield "</tbody></table></div>\n"
        if self._clean:
            yield f"<h2>Nothing found</h2>\n<details><summary>{len(self._clean):,} files</summary>"
            yield '<div class="inside"><ul>'
            yield from (f"<li><bdi>{escape(name)}</bdi></li>\n" for name in self._clean[:MOST_NAMES])
            yield "</ul>"
            if len(self._clean) > MOST_NAMES:
                yield f'<p class="note">and {len(self._clean) - MOST_NAMES:,} more</p>'
            yield "</div></details>\n"


def _stacked(classes: Counter[str]) -> str:
    """All findings as one bar, cut by class."""
    total, at, parts = classes.total(), 0.0, []
    for name, count in classes.most_common():
        width = 100 * count / total
        parts.append(f'<rect class="{escape(name)}" x="{at:.3f}" y="0" width="{width:.3f}" height="4"/>')
        at += width
    label = ", ".join(f"{name} {count:,}" for name, count in classes.most_common())
    return (
        f'<svg viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _bars(title: str, rows: Sequence[tuple[str, str, int]], links: Sequence[str] = ()) -> str:
    """A table whose rows have a name, a bar of its class and a number, so that nobody needs to see the drawing."""
    most = max(count for _, _, count in rows)
    drawn = []
    for place, (name, kind, count) in enumerate(rows[:MOST_BARS]):
        shown = f"<bdi>{escape(name)}</bdi>"
        if links:
            shown = f'<a href="#{links[place]}">{shown}</a>'
        width = max(100 * count / most, 1)
        drawn.append(
            f'<tr><th scope="row">{shown}</th><td><svg viewBox="0 0 100 6" preserveAspectRatio="none" '
            f'aria-hidden="true"><rect class="{escape(kind)}" width="{width:.2f}" height="6" rx="1"/></svg></td>'
            f"<td>{count:,}</td></tr>"
        )
    rest = rows[MOST_BARS:]
    more = f'<p class="note">and {len(rest):,} more with {sum(one[2] for one in rest):,}</p>' if rest else ""
    return (
        f'<div class="card{" wide" if links else ""}"><h3>{title}</h3>'
        f'<table class="chart"><tbody>{"".join(drawn)}</tbody></table>{more}</div>'
    )


def _file(scan: Scan, marks: Sequence[Mark], view: View) -> Iterator[str]:
    if scan.note:
        yield f'<p class="note">{escape(scan.note)}</p>'
    asked = {id(one) for one in marks}
    for sheet, text in enumerate(scan.texts):
        here = [one for one in scan.marks if one.sheet == sheet]
        if any(id(one) in asked for one in here):
            if len(scan.texts) > 1:
                yield f'<p class="note">{_part(scan, sheet, here)}</p>'
            yield "<pre>"
            yield from _lines(text, scan.lines[sheet] or 1, here, asked, view)
            yield "</pre>"


def _part(scan: Scan, sheet: int, marks: Sequence[Mark]) -> str:
    if scan.lines[sheet]:
        return f"part {sheet + 1}"
    return f"part {sheet + 1}, encoded from line {marks[0].line} of the file on; lines count within the part"


def _lines(text: str, first: int, marks: Sequence[Mark], asked: set[int], view: View) -> Iterator[str]:
    """The text, or of a long one the lines with findings and those around them, marked."""
    starts = line_starts(text)
    ends = [*starts[1:], len(text)]
    shown = _shown_lines(text, starts, [one for one in marks if id(one) in asked])
    before = -1
    for number in shown[:MOST_LINES]:
        if number > before + 1:
            yield _gap(number - before - 1)
        before = number
        line = "".join(_line(text, starts[number], ends[number], marks, asked, view))
        yield f'<span class="l" data-n="{first + number}">{line}</span>'
    left_out = len(starts) - 1 - before - (starts[-1] == len(text))
    if left_out > 0:
        yield _gap(left_out)


def _gap(count: int) -> str:
    return f'<span class="gap">… {count:,} line{"" if count == 1 else "s"} left out …</span>'


def _shown_lines(text: str, starts: Sequence[int], marks: Iterable[Mark]) -> list[int]:
    last = len(starts) - 1 - (len(starts) > 1 and starts[-1] == len(text))
    if len(text) <= WHOLE_TEXT:
        return list(range(last + 1))
    shown: set[int] = set()
    for one in marks:
        low = bisect_right(starts, one.start) - 1
        high = bisect_right(starts, one.end - 1) - 1
        shown.update(range(max(low - AROUND_LINES, 0), min(high + AROUND_LINES, last) + 1))
    return sorted(shown)


def _line(
    text: str, start: int, end: int, marks: Sequence[Mark], asked: set[int], view: View
) -> Iterator[str]:
    end = start + len(text[start:end].rstrip("\r\n"))
    first = bisect_right(marks, start, key=lambda one: one.end)
    at, long = start, end - start > LONGEST_LINE
    for mark in marks[first:]:
        low, high = max(mark.start, at), min(mark.end, end)
        if mark.start >= end:
            break
        if low >= high:
            continue
        yield escape(
            _shortened(text[at:low], at > start, before_value=True) if long else visible(text[at:low])
        )
        yield (
            _mark(mark, text[low:high], view)
            if id(mark) in asked
            else escape(view.shown(mark, text[low:high]))
        )
        at = high
    rest = text[at:end]
    yield escape(_shortened(rest, at > start, before_value=False) if long else visible(rest))


def _shortened(text: str, after_value: bool, *, before_value: bool) -> str:
    """What stands between values on a long line: a piece next to each, and a sign for what is left out."""
    if len(text) <= 2 * AROUND_CHARACTERS:
        return visible(text)
    head = text[:AROUND_CHARACTERS] if after_value else ""
    tail = text[-AROUND_CHARACTERS:] if before_value else ""
    return f"{visible(head)} … {len(text) - len(head) - len(tail):,} characters … {visible(tail)}"


def _mark(mark: Mark, written: str, view: View) -> str:
    one, kind = mark.finding, view.class_of(mark)
    origin = f"points to {one.region} ({one.evidence})" if one.region else "points to no country"
    place = f"line {mark.line}" + (f", column {mark.column}" if mark.column else "")
    tip = f"{one.entity}, score {one.score:.2f}\n{one.category} ({kind})\n{origin}\n{place}"
    return (
        f'<mark class="{escape(kind)}" tabindex="0" data-tip="{escape(tip)}">{escape(view.shown(mark, written))}'
        f'<span class="kind">{escape(one.entity)}</span>'
        f'<span class="unseen"> ({escape(tip.replace(chr(10), "; "))})</span></mark>'
    )
