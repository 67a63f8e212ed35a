"""Which reader reads a body: by its declared media type, and by its look where the type says little."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from gateway.decode.html import read_html
from gateway.decode.markup import read_xml
from gateway.decode.media import MediaType, charset_of, decode_charset
from gateway.decode.multipart import read_multipart
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.structured import are_json_lines, is_json, read_json, read_json_lines
from gateway.decode.tabular import read_csv
from gateway.decode.tree import Nested, Node, Writing
from gateway.decode.urls import read_form

TextReader = Callable[[Node[str], MediaType, Place], None]

TEXT = Writing()
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_XML_ENCODING = re.compile(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_HTML_CHARSET = re.compile(rb"""<meta[^>]*?\scharset\s*=\s*["']?([A-Za-z0-9._:-]+)""", re.IGNORECASE)
_LOOKS_LIKE_XML = re.compile(r"\ufeff?\s*<\?xml\s")
_LOOKS_LIKE_HTML = re.compile(r"\ufeff?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_CHARSET_WITHIN_BYTES = 1024
_PERCENT_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


def read_text(node: Node[str], media: MediaType, place: Place) -> None:
    """Read plain text as one segment."""
    start = 1 if node.content.startswith("\ufeff") else 0
    address = "body.text:" if place.base == "body" else place.base
    place.leaf(node, (start, len(node.content)), TEXT, address, place.label)


def _read_undeclared(node: Node[str], media: MediaType, place: Place) -> None:
    text = node.content
    if is_json(text, place.reading.limits.max_depth):
        read_json(node, media, place)
    elif are_json_lines(text, place.reading.limits.max_depth):
        read_json_lines(node, media, place)
    elif _LOOKS_LIKE_XML.match(text):
        read_xml(node, media, place)
    elif _LOOKS_LIKE_HTML.match(text):
        read_html(node, media, place)
    else:
        read_text(node, media, place)


def _read_form_or_json(node: Node[str], media: MediaType, place: Place) -> None:
    """A form, unless it is JSON under the type that command-line clients set by default."""
    text = node.content
    json_instead = is_json(text, place.reading.limits.max_depth) and not _PERCENT_ESCAPE.search(text)
    (read_json if json_instead else read_form)(node, media, place)


_TEXT_READERS: dict[str, TextReader] = {
    "application/json": read_json,
    "text/json": read_json,
    "+json": read_json,
    "application/x-ndjson": read_json_lines,
    "application/ndjson": read_json_lines,
    "application/jsonl": read_json_lines,
    "application/x-jsonlines": read_json_lines,
    "application/jsonlines": read_json_lines,
    "application/x-www-form-urlencoded": _read_form_or_json,
    "application/xml": read_xml,
    "text/xml": read_xml,
    "+xml": read_xml,
    "text/html": read_html,
    "text/csv": read_csv,
    "application/csv": read_csv,
    "text/tab-separated-values": read_csv,
    "text/": _read_undeclared,
}
"""Readers by full type, else by suffix, else by first part."""


def _reader_for(name: str) -> TextReader | None:
    kind, _, rest = name.partition("/")
    suffix = "+" + rest.rpartition("+")[2] if "+" in rest else ""
    return _TEXT_READERS.get(name) or _TEXT_READERS.get(suffix) or _TEXT_READERS.get(f"{kind}/")


def read_body(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read a body, or a part of one, whose content codings are already undone.

    A type without a reader is read as text where it clearly is text, since many a client declares nothing or
    `application/octet-stream`.
    """
    if not node.content:
        return
    if media.name.startswith("multipart/"):
        read_multipart(node, media, place)
        return
    reader = _reader_for(media.name)
    charset = charset_of(
        node.content, _declared_charset(media, reader), _charset_within(node.content, reader)
    )
    text = None if charset is None else decode_charset(node.content, charset)
    if reader is None and (text is None or _CONTROL.search(text)):
        raise UnreadableError("unknown-media-type")
    if text is None or charset is None:
        raise UnreadableError("bad-charset")
    inner = Node(text)
    node.parts.append(Nested(0, len(node.content), inner, partial(_encode_charset, charset)))
    (reader or _read_undeclared)(inner, media, place)


def _declared_charset(media: MediaType, reader: TextReader | None) -> str | None:
    # JSON has no charset parameter (RFC 8259, section 11): receivers read UTF-8 whatever a sender declares.
    return None if reader in (read_json, read_json_lines) else media.charset


def _charset_within(content: bytes, reader: TextReader | None) -> str | None:
    if reader not in (read_xml, read_html):
        return None
    pattern = _XML_ENCODING if reader is read_xml else _HTML_CHARSET
    match = pattern.search(content[:_CHARSET_WITHIN_BYTES])
    if match is None:
        return None
    label = match[1].decode("latin-1")
    # What could be read as ASCII is not UTF-16, whatever it says.
    return "utf-8" if label.lower().startswith(("utf-16", "utf-32")) else label


def _encode_charset(charset: str, text: str) -> bytes:
    return text.encode(charset)
