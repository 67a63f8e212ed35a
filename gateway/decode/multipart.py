"""Multipart bodies: each part read by its own type, with its headers, what precedes the parts and what follows."""

from __future__ import annotations

import re
from collections import Counter

from gateway.core.errors import SpliceError
from gateway.decode.media import MediaType
from gateway.decode.mime import read_content, read_entity
from gateway.decode.reading import Place, UnreadableError, shortened
from gateway.decode.tree import Node

_LINE_END = re.compile(rb"\r?\n")


def read_multipart(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read all parts; one that ends without its closing delimiter is unread, and read all the same."""
    boundary = media.parameters.get("boundary")
    if not boundary:
        raise UnreadableError("bad-syntax")
    signed = media.name == "multipart/signed"
    _Multipart(node, boundary.encode("latin-1", "replace"), place, signed=signed).read()


class _Multipart:
    def __init__(self, node: Node[bytes], boundary: bytes, place: Place, *, signed: bool) -> None:
        self._node, self._place, self._prefix = node, place, place.kind("multipart")
        self._delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*+(?=\r?\n|\Z)")
        self._names: Counter[str] = Counter()
        self._signed = signed

    def read(self) -> None:
        content, at = self._node.content, None
        for count, match in enumerate(self._delimiter.finditer(content)):
            if count > self._place.reading.limits.max_parts:
                raise UnreadableError("too-many-parts")
            if at is None:
                self._read_outside(0, match.start(), "@preamble")
            else:
                self._read_part(at, match.start())
            at = match.end()
            if match[1]:
                # The line break belongs to the delimiter: an edit must not take it away.
                line_end = _LINE_END.match(content, at)
                return self._read_outside(line_end.end() if line_end else at, len(content), "@epilogue")
        if at is None:
            raise UnreadableError("bad-syntax")
        self._read_part(at, len(content))
        raise UnreadableError("truncated")

    def _read_outside(self, start: int, end: int, name: str) -> None:
        if self._node.content[start:end].strip():
            place = self._place.within(f"{self._prefix}{name}")
            read_content(self._node, (start, end), MediaType(), "", place, self._framed)

    def _read_part(self, start: int, end: int) -> None:
        """Read the part whose delimiter ends at `start`: rest of that line, headers, blank line, content."""
        line_end = _LINE_END.match(self._node.content, start, end)
        start = line_end.end() if line_end else start
        read_entity(self._node, (start, end), self._place_of, self._framed)

    def _place_of(self, name: str | None) -> Place:
        base = f"{self._prefix}{shortened(name) if name else self._names.total() + 1}"
        self._names[base] += 1
        count = self._names[base]
        return self._place.within(base if count == 1 else f"{base}#{count}", shortened(name or ""))

    def _framed(self, content: bytes) -> bytes:
        if self._signed:
            raise SpliceError(f"{self._place.base}: signed: a signature covers what the edits would change")
        if self._delimiter.search(b"\n" + content):
            raise SpliceError(f"{self._place.base}: a replacement holds the delimiter of the parts")
        return content
