"""Multipart bodies: each part read by its own type, with its headers, what precedes the parts and what follows."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections import Counter
from collections.abc import Callable

from gateway.core.errors import SpliceError
from gateway.decode.headers import encode_latin_1, encode_utf8, writing_of
from gateway.decode.media import MediaType, parse_media_type
from gateway.decode.reading import Place, UnreadableError, shortened
from gateway.decode.tree import READ_ONLY, Nested, Node, Writing
from gateway.decode.urls import PERCENT

_LINE_END = re.compile(rb"\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_HEADER = re.compile(r"^([^:\r\n]*+):[ \t]*+((?:[^\r\n]|\r?\n[ \t])*+)", re.MULTILINE)
_PARAMETER = re.compile(
    r"\s*+;\s*+(name|filename|filename\*|size|creation-date|modification-date|read-date)="
    r'(?:"((?:[^"\\]|\\.)*+)"|([^";\r\n]*+))',
    re.IGNORECASE | re.DOTALL,
)
_DISPOSITION = re.compile(rf"([^;=\s]++)((?:{_PARAMETER.pattern})*+)[;\s]*+", _PARAMETER.flags)
_EXTENDED = re.compile(r"(?:utf-8|iso-8859-1)'[A-Za-z]{0,3}'", re.IGNORECASE)
_KNOWN_HEADERS = frozenset(
    {
        f"content-{what}"
        for what in ("disposition", "type", "id", "description", "length", "location", "encoding")
    }
    | {"mime-version"}
)
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


def read_multipart(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read all parts; one that ends without its closing delimiter is unread, and read all the same."""
    boundary = media.parameters.get("boundary")
    if not boundary:
        raise UnreadableError("bad-syntax")
    _Multipart(node, boundary.encode("latin-1", "replace"), place).read()


class _Multipart:
    def __init__(self, node: Node[bytes], boundary: bytes, place: Place) -> None:
        self._node, self._place, self._prefix = node, place, place.kind("multipart")
        self._delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*+(?=\r?\n|\Z)")
        self._names: Counter[str] = Counter()

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
            self._read_content(start, end, place, MediaType(), _TRANSFERS[""])

    def _read_part(self, start: int, end: int) -> None:
        """Read the part whose delimiter ends at `start`: rest of that line, headers, blank line, content."""
        content = self._node.content
        blank = _BLANK_LINE.search(content, start, end)
        headers_end, content_start = blank.span() if blank else (end, end)
        line_end = _LINE_END.match(content, start, headers_end)
        start = line_end.end() if line_end else start
        raw = content[start:headers_end]
        try:
            header, encode = Node(raw.decode()), encode_utf8
        except UnicodeDecodeError:
            header, encode = Node(raw.decode("latin-1")), encode_latin_1
        fields = [(match[1].strip().lower(), match) for match in _HEADER.finditer(header.content)]
        values = {name: match[2] for name, match in reversed(fields)}
        place = self._place_of(parse_media_type(values.get("content-disposition", "")).parameters.get("name"))
        self._node.parts.append(Nested(start, headers_end, header, encode))
        _read_headers(header, fields, place)
        with place.unread_on_error():
            transfer = _TRANSFERS.get(values.get("content-transfer-encoding", "").strip().lower())
            if transfer is None or values.get("content-encoding"):
                raise UnreadableError("bad-encoding")
            media = parse_media_type(values.get("content-type", ""))
            self._read_content(content_start, end, place, media, transfer)

    def _place_of(self, name: str | None) -> Place:
        base = f"{self._prefix}{shortened(name) if name else self._names.total() + 1}"
        self._names[base] += 1
        count = self._names[base]
        return self._place.within(base if count == 1 else f"{base}#{count}", shortened(name or ""))

    def _read_content(
        self, start: int, end: int, place: Place, media: MediaType, transfer: _Transfer
    ) -> None:
        decode, encode = transfer
        with place.unread_on_error():
            inner = Node(decode(self._node.content[start:end]))
            if place.depth > 1:
                # Each level of nesting holds a copy of the levels below it.
                place.charge(len(inner.content))
            self._node.parts.append(Nested(start, end, inner, lambda new: self._framed(encode(new))))
            place.reading.read_body(inner, media, place)

    def _framed(self, content: bytes) -> bytes:
        if self._delimiter.search(b"\n" + content):
            raise SpliceError(f"{self._place.base}: a replacement holds the delimiter of the parts")
        return content


def _read_headers(header: Node[str], fields: list[tuple[str, re.Match[str]]], place: Place) -> None:
    at = 0
    for name, match in fields:
        _read_line_outside(header, at, match.start(), place)
        if name == "content-disposition" and _DISPOSITION.fullmatch(match[2]):
            _read_disposition(header, match.start(2), match.end(2), place)
        elif name != "content-transfer-encoding":
            if name not in _KNOWN_HEADERS:
                place.leaf(header, match.span(1), READ_ONLY, f"{place.base}@{shortened(name)}@name")
            # A disposition of no known form names the part all the same, and is not to be edited as a whole.
            writing = READ_ONLY if name == "content-disposition" else writing_of(name)
            place.leaf(header, match.span(2), writing, f"{place.base}@{shortened(name)}", shortened(name))
        at = match.end()
    _read_line_outside(header, at, len(header.content), place)


def _read_line_outside(header: Node[str], start: int, end: int, place: Place) -> None:
    """Lines that are no header are nobody's syntax; read them as they are."""
    place.leaf(header, (start, end), READ_ONLY, f"{place.base}@headers")


def _read_disposition(header: Node[str], start: int, end: int, place: Place) -> None:
    kind_end = end if (semicolon := header.content.find(";", start, end)) < 0 else semicolon
    if header.content[start:kind_end].strip().lower() not in _KNOWN_DISPOSITIONS:
        place.leaf(header, (start, kind_end), READ_ONLY, f"{place.base}@disposition")
    for match in _PARAMETER.finditer(header.content, start, end):
        name = match[1].lower()
        address = f"{place.base}@{shortened(name)}"
        if match[2] is not None:
            place.leaf(header, match.span(2), QUOTED, address, shortened(name))
            continue
        at, to = match.span(3)
        if name.endswith("*"):
            extended = _EXTENDED.match(header.content, at, to)
            place.leaf(header, (extended.end() if extended else at, to), PERCENT, address, shortened(name))
        else:
            place.leaf(header, (at, to), BARE, address, shortened(name))


def _decode_base64(content: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error:
        raise UnreadableError("bad-encoding") from None


def _encode_base64(content: bytes) -> bytes:
    return base64.encodebytes(content).rstrip(b"\n").replace(b"\n", b"\r\n")


def _decode_quoted_printable(content: bytes) -> bytes:
    return quopri.decodestring(content)


_Transfer = tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]
_TRANSFERS: dict[str, _Transfer] = {
    "": (bytes, bytes),
    "7bit": (bytes, bytes),
    "8bit": (bytes, bytes),
    "binary": (bytes, bytes),
    "base64": (_decode_base64, _encode_base64),
    "quoted-printable": (_decode_quoted_printable, quopri.encodestring),
}
"""Content-Transfer-Encodings, undone and redone."""
