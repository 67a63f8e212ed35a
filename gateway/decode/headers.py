"""Header values: each is a segment, but for those named as transport."""

from __future__ import annotations

import re

from gateway.decode.dispositions import read_disposition
from gateway.decode.reading import Place
from gateway.decode.tree import READ_ONLY, Nested, Node, Writing
from gateway.decode.urls import PERCENT, read_cookies

_FRAMING = frozenset({"content-type", "content-encoding", "content-length", "transfer-encoding"})
VALUE = Writing(allowed=re.compile(r"[^\r\n\0]*"))
"""A header's value as it is."""


def encode_utf8(text: str) -> bytes:
    """Characters as they stand in a header or target that was read as UTF-8."""
    return text.encode()


def encode_latin_1(text: str) -> bytes:
    """Characters as they stand in a header whose bytes are not UTF-8. Raises UnicodeEncodeError."""
    return text.encode("latin-1")


def writing_of(name: str) -> Writing:
    """How the value of a header is written; those that say how to read the body are not to be edited."""
    return READ_ONLY if name in _FRAMING else VALUE


def read_header(name: str, value: bytes, place: Place) -> Node[bytes]:
    """Read one header value of an HTTP message; `name` is in lower case."""
    node = Node(value)
    try:
        inner, encode = Node(value.decode()), encode_utf8
    except UnicodeDecodeError:
        inner, encode = Node(value.decode("latin-1")), encode_latin_1
    node.parts.append(Nested(0, len(value), inner, encode))
    if name == "cookie":
        read_cookies(inner, place)
    elif name != "content-disposition" or not read_disposition(
        inner, (0, len(inner.content)), place, f"header:{name}@"
    ):
        # Referer, Origin and their like hold addresses with escapes of their own.
        escaped = "://" in inner.content and " " not in inner.content
        place.leaf(
            inner, (0, len(inner.content)), PERCENT if escaped else writing_of(name), f"header:{name}", name
        )
    return node
