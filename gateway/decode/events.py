"""Server-sent events: what the lines of an event say together, as receivers join them (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import re

from gateway.decode.media import MediaType
from gateway.decode.reading import Place, UnreadableError, below
from gateway.decode.tree import Node, Writing

_EVENT = re.compile(r"(?:[^\r\n]++(?:\r\n|\r|\n|\Z))+")
_LINE = re.compile(r"([^\r\n:]*+)(?::\x20?([^\r\n]*+))?(?:\r\n|\r|\n|\Z)")
_DATA_LINE_END = re.compile(r"(?:\r\n|\r|\n)data(?::\x20?|(?=[\r\n]|\Z))")
DATA = Writing(
    _DATA_LINE_END,
    lambda _: "\n",
    lambda text: re.sub(r"\r\n|\r|\n", "\ndata: ", text),
    re.compile(r"(?:[^\r\n]|(?:\r\n|\r|\n)data(?::|(?=[\r\n]|\Z)))*"),
    "data",
)
"""Lines of data that follow each other; their ends stand for one line end each."""
LINE = Writing(allowed=re.compile(r"[^\r\n]*"))
_LOOKS_LIKE_EVENTS = re.compile(
    r"\ufeff?(?::[^\r\n]*\r?\n)?(?:(?:event|id|retry):[^\r\n]*\r?\n)*data:", re.ASCII
)


def looks_like_events(text: str, place: Place) -> bool:
    """Whether an undeclared text begins as a stream of events does."""
    return _LOOKS_LIKE_EVENTS.match(text) is not None


def read_events(node: Node[str], media: MediaType, place: Place) -> None:
    """Read a stream of events. Comments and unknown fields, which receivers ignore, are read as well."""
    text, prefix = node.content, place.kind("events")
    start = 1 if text.startswith("\ufeff") else 0
    for number, event in enumerate(_EVENT.finditer(text, start)):
        if number > place.reading.limits.max_segments:
            raise UnreadableError("too-many-parts")
        address, at = below(prefix, str(number)), event.start()
        while at < event.end():
            line = _LINE.match(text, at, event.end())
            assert line is not None
            field = line[1].lower()
            if line[2] is None:
                place.leaf(node, line.span(1), LINE, f"{address}@name")
                at = line.end()
                continue
            end = line.end(2)
            while field == "data" and (more := _DATA_LINE_END.match(text, end, event.end())):
                end = _to_line_end(text, more.end(), event.end())
            if field == "data":
                place.leaf(node, (line.start(2), end), DATA, address, "data")
                at = max(end, line.end()) if end == line.end(2) else _past_line_end(text, end)
            else:
                if field not in ("", "event", "id", "retry"):
                    place.leaf(node, line.span(1), LINE, f"{address}@name")
                place.leaf(node, line.span(2), LINE, f"{address}@{field or 'comment'}")
                at = line.end()


def _to_line_end(text: str, at: int, end: int) -> int:
    while at < end and text[at] not in "\r\n":
        at += 1
    return at


def _past_line_end(text: str, at: int) -> int:
    return at + 2 if text.startswith("\r\n", at) else at + 1
