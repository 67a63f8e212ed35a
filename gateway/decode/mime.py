"""Headers and content of one MIME entity: a part of a multipart body, or a mail (RFC 5322, 2045, 2047 and 2231)."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Callable
from email.errors import HeaderParseError
from email.header import Header, decode_header

from gateway.core.errors import SpliceError
from gateway.decode.dispositions import EXTENDED, read_disposition
from gateway.decode.headers import encode_latin_1, encode_utf8, writing_of
from gateway.decode.media import MediaType, decode_charset, known_charset, parse_media_type
from gateway.decode.reading import Place, UnreadableError, shortened
from gateway.decode.tree import READ_ONLY, Nested, Node, Writing
from gateway.decode.urls import PERCENT

_LINE_END = re.compile(rb"\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_HEADER = re.compile(r"^([^:\r\n]*+):[ \t]*+((?:[^\r\n]|\r?\n[ \t])*+)", re.MULTILINE)
_KNOWN_HEADERS = frozenset(
    {
        f"content-{what}"
        for what in ("disposition", "type", "id", "description", "length", "location", "encoding")
    }
    | {"mime-version"}
)
_LIKE_MAIL = re.compile(
    rb"(?:[A-Za-z][A-Za-z0-9-]{1,60}:[^\r\n]*+\r?\n(?:[ \t][^\r\n]*+\r?\n)*+){2,}+\r?\n", re.DOTALL
)
_MAIL_HEADER = re.compile(
    rb"^(?:from|subject|mime-version|content-type|message-id):", re.IGNORECASE | re.MULTILINE
)
_FOLD = re.compile(r"\r?\n(?=[ \t])")
FOLDED = Writing(_FOLD, lambda _: "", sign="\n", allowed=re.compile(r"(?:[^\r\n\0]|\r?\n[ \t])*"))
"""A header's value over one line or several."""
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bqBQ]\?[^?]*\?=")
_NEEDS_CODING = re.compile(r"[^\s\x21-\x7e]|=\?")
_CONTINUED = re.compile(
    r"""[;\s]([\w-]+)\*([0-9]+)(\*?)=(?:"((?:[^"\\]|\\.)*+)"|([^";\s]*+))""", re.IGNORECASE
)

_DKIM = re.compile(rb"^dkim-signature:", re.IGNORECASE | re.MULTILINE)
"""What a sender's server writes over headers and content (RFC 6376)."""
_Framed = Callable[[bytes], bytes]


def read_mail(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read a mail: its headers, and its content by the type and transfer encoding they name."""
    base = place.kind("mail").rstrip(":")
    blank = _BLANK_LINE.search(node.content)
    if _DKIM.search(node.content, 0, blank.start() if blank else len(node.content)):
        node.rebuild = _refuse_sealed
    read_entity(node, (0, len(node.content)), lambda _: place.within(base), bytes)


def _refuse_sealed(_: object) -> bytes:
    raise SpliceError("signed: a mail's signature covers what the edits would change")


def looks_like_mail(content: bytes) -> bool:
    """Whether the content begins with at least two headers and a blank line, one of them a mail's."""
    match = _LIKE_MAIL.match(content)
    return match is not None and _MAIL_HEADER.search(content, 0, match.end()) is not None


def read_entity(
    node: Node[bytes], span: tuple[int, int], place_of: Callable[[str | None], Place], framed: _Framed
) -> None:
    """Read headers, blank line and content. `place_of` gives the place of an entity of that name, if it has one."""
    content = node.content
    start, end = span
    blank = _BLANK_LINE.search(content, start, end)
    headers_end, content_start = blank.span() if blank else (end, end)
    if leading := _LINE_END.match(content, start, end):
        headers_end, content_start = start, leading.end()  # No headers at all.
    raw = content[start:headers_end]
    try:
        header, encode = Node(raw.decode()), encode_utf8
    except UnicodeDecodeError:
        header, encode = Node(raw.decode("latin-1")), encode_latin_1
    fields = [(match[1].strip().lower(), match) for match in _HEADER.finditer(header.content)]
    values = {name: _FOLD.sub("", match[2]) for name, match in reversed(fields)}
    place = place_of(parse_media_type(values.get("content-disposition", "")).parameters.get("name"))
    node.parts.append(Nested(start, headers_end, header, encode))
    _read_headers(header, fields, place)
    with place.unread_on_error():
        if values.get("content-encoding"):
            raise UnreadableError("bad-encoding")
        media = parse_media_type(values.get("content-type", ""))
        transfer = values.get("content-transfer-encoding", "").strip().lower()
        read_content(node, (content_start, end), media, transfer, place, framed)


def read_content(
    node: Node[bytes], span: tuple[int, int], media: MediaType, transfer: str, place: Place, framed: _Framed
) -> None:
    """Read what an entity holds, under the transfer encoding of that name."""
    with place.unread_on_error():
        if transfer not in _TRANSFERS:
            raise UnreadableError("bad-encoding")
        decode, encode = _TRANSFERS[transfer]
        inner = Node(decode(node.content[slice(*span)]))
        if place.depth > 1:
            # Each level of nesting holds a copy of the levels below it.
            place.charge(len(inner.content))
        node.parts.append(Nested(*span, inner, lambda new: framed(encode(new))))
        place.reading.read_body(inner, media, place)


def _read_headers(header: Node[str], fields: list[tuple[str, re.Match[str]]], place: Place) -> None:
    at = 0
    for name, match in fields:
        _read_line_outside(header, at, match.start(), place)
        if name == "content-disposition" and read_disposition(header, match.span(2), place, f"{place.base}@"):
            pass
        elif name != "content-transfer-encoding":
            if name not in _KNOWN_HEADERS:
                place.leaf(header, match.span(1), READ_ONLY, f"{place.base}@{shortened(name)}@name")
            _read_value(header, name, match.span(2), place)
        at = match.end()
    _read_line_outside(header, at, len(header.content), place)


def _read_value(header: Node[str], name: str, span: tuple[int, int], place: Place) -> None:
    address, label, text = f"{place.base}@{shortened(name)}", shortened(name), header.content[slice(*span)]
    if "=?" in text and (told := told_by_words(_FOLD.sub("", text))) is not None:
        inner = Node(told)
        header.parts.append(Nested(*span, inner, as_encoded_words))
        place.leaf(inner, (0, len(told)), Writing(), address, label)
        return
    if "*" in text and (joined := _joined(text)):
        # Pieces of one parameter: seen as the one text that they are, and not edited.
        inner = Node(joined)
        header.parts.append(Nested(span[0], span[0], inner, str))
        place.leaf(inner, (0, len(joined)), READ_ONLY, address, label)
    # A disposition of no known form names the part all the same, and is not to be edited as a whole.
    editable = writing_of(name) is not READ_ONLY and name != "content-disposition"
    place.leaf(header, span, FOLDED if editable else READ_ONLY, address, label)


def told_by_words(text: str) -> str | None:
    """What a value with encoded words says; None where one is of an unknown charset or broken."""
    try:
        pieces = decode_header(text)
    except (HeaderParseError, ValueError):
        return None
    told = []
    for piece, charset in pieces:
        if isinstance(piece, str):
            told.append(piece)
            continue
        known = known_charset(charset) if charset else "latin-1"
        piece_text = decode_charset(piece, known) if known else None
        if piece_text is None:
            return None
        told.append(piece_text)
    return "".join(told)


def as_encoded_words(text: str) -> str:
    """A value written anew: words that need it as encoded words, the others as they are."""
    words = re.split(r"(\s+)", text.replace("\r", " ").replace("\n", " "))
    written, at = list[str](), 0
    while at < len(words):
        to = at
        while to < len(words) and (_NEEDS_CODING.search(words[to]) or (to > at and words[to].isspace())):
            to += 1
        while to > at and words[to - 1].isspace():
            to -= 1
        if to == at:
            written.append(words[at])
            at += 1
        else:
            written.append(Header("".join(words[at:to]), "utf-8", maxlinelen=75).encode())
            at = to
    return "".join(written)


def _joined(text: str) -> str:
    """The values of parameters that are given in numbered pieces (RFC 2231, section 3), in order."""
    pieces: dict[str, list[tuple[int, str]]] = {}
    for match in _CONTINUED.finditer(text):
        value = match[5] if match[4] is None else re.sub(r"\\(.)", r"\1", match[4], flags=re.DOTALL)
        if match[2] == "0" and match[3] and (extended := EXTENDED.match(value)):
            value = value[extended.end() :]
        pieces.setdefault(match[1].lower(), []).append((int(match[2]), value))
    return " ".join(PERCENT.decoded("".join(value for _, value in sorted(some))) for some in pieces.values())


def _read_line_outside(header: Node[str], start: int, end: int, place: Place) -> None:
    """Lines that are no header are nobody's syntax; read them as they are."""
    place.leaf(header, (start, end), READ_ONLY, f"{place.base}@headers")


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
