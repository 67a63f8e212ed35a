"""Which reader reads a body: by its mark, its declared media type, and by its look where these say little."""

from __future__ import annotations

import re
from functools import partial

from gateway.decode.formats import (
    BinaryFormat,
    TextFormat,
    declared_format,
    likely_format,
    marked_format,
    read_undeclared,
)
from gateway.decode.media import MediaType, charset_of, decode_charset
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import Nested, Node

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CHARSET_WITHIN_BYTES = 1024


def read_body(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read a body, or a part of one, whose content codings are already undone.

    A type without a reader is read as text where it clearly is text, since many a client declares nothing or
    `application/octet-stream`.
    """
    content = node.content
    if not content:
        return
    declared = declared_format(media.name)
    known = marked_format(content) or declared
    if isinstance(known, BinaryFormat):
        known.read(node, media, place)
        return
    charset = charset_of(content, _declared_charset(media, known), _charset_within(content, known))
    text = None if charset is None else decode_charset(content, charset)
    if known is None and (text is None or _CONTROL.search(text)):
        likely = likely_format(content)
        if likely is None:
            raise UnreadableError("unknown-media-type")
        likely.read(node, media, place)
        return
    if text is None or charset is None:
        raise UnreadableError("bad-charset")
    inner = Node(text)
    node.parts.append(Nested(0, len(content), inner, partial(_encode_charset, charset)))
    (known.read if known else read_undeclared)(inner, media, place)


def _declared_charset(media: MediaType, known: TextFormat | None) -> str | None:
    # JSON has no charset parameter (RFC 8259, section 11): receivers read UTF-8 whatever a sender declares.
    return media.charset if known is None or known.charset_declared else None


def _charset_within(content: bytes, known: TextFormat | None) -> str | None:
    match = None
    if known is not None and known.charset_within is not None:
        match = known.charset_within.search(content[:_CHARSET_WITHIN_BYTES])
    if match is None:
        return None
    label = match[1].decode("latin-1")
    # What could be read as ASCII is not UTF-16, whatever it says.
    return "utf-8" if label.lower().startswith(("utf-16", "utf-32")) else label


def _encode_charset(charset: str, text: str) -> bytes:
    return text.encode(charset)
