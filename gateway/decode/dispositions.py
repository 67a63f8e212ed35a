"""Content-Disposition: what a part or message is, and the name of its file (RFC 6266, 2183, 7578)."""

from __future__ import annotations

import re

from gateway.decode.members import FILE_NAME, writing_of_name
from gateway.decode.reading import Place
from gateway.decode.tree import READ_ONLY, Node, Writing
from gateway.decode.urls import PERCENT

_PARAMETER = re.compile(
    r"\s*+;\s*+(name|filename|filename\*|size|creation-date|modification-date|read-date)="
    r'(?:"((?:[^"\\]|\\.)*+)"|([^";\r\n]*+))',
    re.IGNORECASE | re.DOTALL,
)
_DISPOSITION = re.compile(rf"([^;=\s]++)((?:{_PARAMETER.pattern})*+)[;\s]*+", _PARAMETER.flags)
EXTENDED = re.compile(r"(?:utf-8|iso-8859-1)'[A-Za-z]{0,3}'", re.IGNORECASE)
_KNOWN_DISPOSITIONS = frozenset({"form-data", "attachment", "inline", "file"})

_ESCAPED = re.compile(r'\\["\\]|%22|%0[DA]')
_READ = {'\\"': '"', "\\\\": "\\", "%22": '"', "%0D": "\r", "%0A": "\n"}
QUOTED = Writing(
    _ESCAPED,
    _READ.__getitem__,
    lambda text: re.sub(r'(["\\])', r"\\\1", text),
    re.compile(r'(?:[^"\\\r\n\0]|\\[^\r\n\0])*'),
)
"""A quoted parameter, as RFC 9110 escapes it or as browsers do."""
BARE = Writing(allowed=re.compile(r"[^\s\";]*"))


def read_disposition(header: Node[str], span: tuple[int, int], place: Place, base: str) -> bool:
    """Read a Content-Disposition of the known form; whether it has one. `base` begins the addresses."""
    start, end = span
    if not _DISPOSITION.fullmatch(header.content, start, end):
        return False
    kind_end = end if (semicolon := header.content.find(";", start, end)) < 0 else semicolon
    if header.content[start:kind_end].strip().lower() not in _KNOWN_DISPOSITIONS:
        place.leaf(header, (start, kind_end), READ_ONLY, f"{base}disposition")
    for match in _PARAMETER.finditer(header.content, start, end):
        name = match[1].lower()
        group, writing = (2, QUOTED) if match[2] is not None else (3, BARE)
        at, to = match.span(group)
        if name.endswith("*"):
            extended = EXTENDED.match(header.content, at, to)
            at, writing = extended.end() if extended else at, PERCENT
        label = name
        if name.startswith("filename"):
            label, writing = FILE_NAME, writing_of_name(header.content[at:to], writing)
        place.leaf(header, (at, to), writing, f"{base}{name}", label)
    return True
