"""Which reader reads a body: by its mark, its declared media type, and by its look where these say little."""

from __future__ import annotations

from functools import partial

from gateway.decode.formats import (
    BinaryFormat,
    TextFormat,
    declared_format,
    likely_format,
    marked_format,
    read_undeclared,
)
from gateway.decode.media import CONTROL, MediaType, charset_of, decode_charset, guessed_charset, is_forbidden
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import Nested, Node

_CHARSET_WITHIN_BYTES = 1024
_NOT_LIKE_ASCII = ("utf-7", "utf-16", "utf-32")
"""Charsets in which plain letters mean something else: what is declared so and is not so may not be read otherwise."""
_LOOKED_AT = 4096
_MOST_HIGH = 0.12
"""Share of bytes beyond ASCII up to which an undeclared content may be text in some charset of old."""


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
    if known is None or known.name == "Text":
        known = likely_format(content, is_text=True) or known
    if isinstance(known, BinaryFormat):
        known.read(node, media, place)
        return
    charset, text = _characters(content, media, known)
    if known is None and (text is None or CONTROL.search(text)):
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


def _characters(content: bytes, media: MediaType, known: TextFormat | None) -> tuple[str | None, str | None]:
    """The charset and text of a content: as declared, unless the bytes contradict, and then as they look."""
    declared = _declared_charset(media, known)
    charset = charset_of(content, declared, _charset_within(content, known))
    if declared is not None and is_forbidden(declared):
        return None, None
    text = None if charset is None else decode_charset(content, charset)
    if text is None and charset is not None and charset.startswith(_NOT_LIKE_ASCII):
        return None, None
    if text is not None and (charset == "utf-7" or not CONTROL.search(text, 0, _LOOKED_AT)):
        # Accents of UTF-8 under another name: what else could be read so is no word in any language.
        as_utf_8 = (
            None if charset in ("utf-8", "utf-7") or text.isascii() else decode_charset(content, "utf-8")
        )
        return (charset, text) if as_utf_8 is None else ("utf-8", as_utf_8)
    if known is None and sum(byte > 0x7F for byte in content[:_LOOKED_AT]) > _MOST_HIGH * min(
        len(content), _LOOKED_AT
    ):
        return charset, text
    guessed = guessed_charset(content)
    guess = None if guessed is None else decode_charset(content, guessed)
    return (charset, text) if guess is None else (guessed, guess)


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
