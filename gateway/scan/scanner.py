"""One file at a time: its bytes decoded by kind, inspected as a transfer's body would be, and every finding placed.

A file that is not what its name says is read as plain text, since something may stand in it all the same; the result
says so. What cannot be read at all is listed with its reason.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from gateway.core.model import Finding, Message, Segment, Unread
from gateway.decode import Limits, Sheet, decode
from gateway.detect import Detector
from gateway.inspector import fingerprints_of
from gateway.scan.files import Entry
from gateway.scan.found import Mark, Scan, Work, line_starts

KINDS: dict[str, str] = {
    ".json": "application/json",
    ".geojson": "application/json",
    ".ipynb": "application/json",
    ".har": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".xml": "application/xml",
    ".svg": "application/xml",
    ".rss": "application/xml",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".md": "text/plain",
    ".eml": "message/rfc822",
    ".mht": "message/rfc822",
    ".mhtml": "message/rfc822",
}
"""Media type of a file by the end of its name; what is not here is judged by its look."""
CODINGS: dict[str, str] = {".gz": "gzip", ".br": "br", ".zst": "zstd"}
"""Content coding by the end of a name; the kind is that of the name before it."""
_NOT_AS_NAMED = frozenset({"bad-syntax", "forbidden-dtd", "ambiguous", "too-deep"})
"""Reasons for which a text is no text of its kind, and still a text."""
_UNTOUCHED = frozenset({"content-type", "content-encoding"})
"""Headers that say what a file is and hold nothing of it."""


def kind_of(name: str) -> tuple[str, str]:
    """Media type and content coding of a file by its name; each empty where the name does not say."""
    path = Path(name.lower())
    coding = CODINGS.get(path.suffix, "")
    return KINDS.get(Path(path.stem).suffix if coding else path.suffix, ""), coding


class Scanner:
    """Reads and inspects files. Loads the language model at construction, which takes a second or two."""

    def __init__(self, work: Work) -> None:
        """Raises ValueError for a broken recognizer, OSError where there is no model."""
        fingerprint = partial(fingerprints_of, work.key) if work.key else None
        self._detector = Detector(work.rules, work.model, fingerprint=fingerprint)
        self._charset = work.charset
        self._max_bytes = max_bytes = work.max_bytes
        # What a gateway refuses, because a client waits, is worth reading here: tables of many cells above all.
        self._limits = Limits(
            max_body_bytes=max_bytes, max_expanded_bytes=4 * max_bytes, max_segments=4_000_000
        )

    def scan(self, entry: Entry) -> Scan:
        """Read and inspect a file. Never raises for what the file is or holds."""
        # A name need not be text: bytes that are none are shown as such.
        path = os.fsencode(entry.path).decode(errors="replace")
        if entry.left_out or entry.error:
            return Scan(path, left_out=entry.left_out, error=entry.error)
        try:
            size = entry.path.stat().st_size
            if size > self._max_bytes:
                return Scan(path, size, unread=(Unread("body", "too-large"),))
            data = entry.path.read_bytes()
        except OSError as error:
            return Scan(path, error=error.strerror or "cannot be read")
        return self.scan_bytes(path, data)

    def scan_bytes(self, path: str, data: bytes) -> Scan:
        """Inspect what stands in a file of this name."""
        kind, coding = kind_of(path)
        shift = 0
        if kind == "message/rfc822":
            kind, data, shift = _as_one_part(data)
        if self._charset and (not kind or kind.startswith("text/")):
            kind = f"{kind or 'text/plain'}; charset={self._charset}"
        headers = ((b"content-type", kind.encode()), (b"content-encoding", coding.encode()))
        message = Message("POST", b"", tuple(one for one in headers if one[1]), data)
        decoded = decode(message, self._limits, _UNTOUCHED)
        sheets, segments, unread, note = tuple(decoded.sheets()), decoded.segments, decoded.unread, ""
        spoilt = next((one.reason for one in unread if one.address == "body"), "")
        if spoilt in _NOT_AS_NAMED and len(sheets) == 1:
            note = f"read as plain text ({spoilt})"
            segments = (Segment("body.text:", sheets[0].text),)
            unread = tuple(one for one in unread if one.address != "body")
        first_lines = tuple(_line(data, sheet, shift) for sheet in sheets)
        marks = _marks(self._detector.detect(segments), sheets, first_lines, data, shift)
        texts = tuple(sheet.text for sheet in sheets)
        lines = tuple(line if sheet.exact else 0 for line, sheet in zip(first_lines, sheets, strict=True))
        return Scan(path, len(data), texts, lines, marks, unread, note)


def _as_one_part(data: bytes) -> tuple[str, bytes, int]:
    """A mail, as the only part of a multipart body, and how many lines that adds before it.

    So its headers, its transfer encoding and its own parts are read as those of any other part.
    """
    boundary = b"mail"
    while boundary in data:
        boundary += b"-"
    kind = f'multipart/mixed; boundary="{boundary.decode()}"'
    return kind, b"--" + boundary + b"\n" + data + b"\n--" + boundary + b"--\n", 1


def _line(data: bytes, sheet: Sheet, shift: int) -> int:
    return data.count(b"\n", 0, sheet.offset) + 1 - shift


def _marks(
    findings: Iterable[Finding], sheets: Sequence[Sheet], lines: Sequence[int], data: bytes, shift: int
) -> tuple[Mark, ...]:
    homes = {address: place for place, sheet in enumerate(sheets) for address in sheet.addresses}
    starts: dict[int, list[int]] = {}
    marks = []
    for one in findings:
        # Text that was read as a whole instead of by its kind has an address of its own.
        home = homes.get(one.address, 0)
        sheet = sheets[home]
        start, end = one.start, one.end
        if one.address in homes:
            start, end = sheet.span(one.address, start, end)
        if not sheet.exact:
            marks.append(Mark(one, home, start, end, lines[home], 0))
            continue
        if home not in starts:
            starts[home] = line_starts(sheet.text)
        within = bisect_right(starts[home], start) - 1
        column = start - starts[home][within] + 1
        if within == 0:
            column += _before_on_line(data, sheet)
        marks.append(Mark(one, home, start, end, lines[home] + within, column))
    return tuple(sorted(marks, key=lambda mark: (mark.sheet, mark.start, mark.end)))


def _before_on_line(data: bytes, sheet: Sheet) -> int:
    """Characters of the file before the text on its first line, but for the byte order mark, which nobody sees."""
    before = data[data.rfind(b"\n", 0, sheet.offset) + 1 : sheet.offset].decode(errors="replace")
    return len(before) - sheet.text.startswith("\ufeff")
