"""Texts and bytes inside binary formats, made parts of a tree: how every such format adds what it finds."""

from __future__ import annotations

from collections.abc import Callable

from gateway.core.model import Unread
from gateway.decode.media import MediaType
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import Nested, Node, Writing

LARGEST_KEY_BYTES = 2048
"""More bytes than this, which are no known format, are no key, hash or signature: they may hold anything."""
PLAIN = Writing()


def add_text(
    node: Node[bytes],
    span: tuple[int, int],
    text: str,
    place: Place,
    named: tuple[str, str],
    encode: Callable[[str], bytes],
    writing: Writing = PLAIN,
) -> None:
    """Make what is written at `span` a segment. `named` is its address and label; `encode` writes a text there."""
    inner = Node(text)
    node.parts.append(Nested(*span, inner, encode))
    place.leaf(inner, (0, len(text)), writing, *named)


def add_bytes(
    node: Node[bytes],
    span: tuple[int, int],
    data: bytes,
    place: Place,
    encode: Callable[[bytes], bytes],
    read: Callable[[Node[bytes], MediaType, Place], None] | None = None,
) -> None:
    """Look into bytes: by `read`, or by their look. A few that are nothing known are a key or a hash."""
    inner = Node(data)
    node.parts.append(Nested(*span, inner, encode))
    try:
        place.charge(len(data))
        (read or place.reading.read_body)(inner, MediaType(), place)
    except UnreadableError as error:
        if error.reason != "unknown-media-type" or len(data) > LARGEST_KEY_BYTES:
            place.reading.unread.append(Unread(place.base, error.reason))
