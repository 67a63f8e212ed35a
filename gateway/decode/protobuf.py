"""Protocol Buffers without a schema, and the frames of gRPC and gRPC-web around them.

The wire format tells lengths and kinds, not meanings: a stretch of bytes may be a text, a message or mere bytes. What
is clean text and a message at once is read as text and cannot be edited, since only a schema could say which lengths an
edit must correct. Numbers are segments, too; one that must go becomes 0, which is what every field is by default.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from gateway.decode.codings import undo_codings
from gateway.decode.media import MediaType
from gateway.decode.opaque import PLAIN, add_bytes, add_text
from gateway.decode.reading import Place, UnreadableError, below
from gateway.decode.tree import READ_ONLY, Nested, Node

_VARINT, _FIXED_64, _LENGTH, _START_GROUP, _END_GROUP, _FIXED_32 = range(6)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_HIGHEST_FIELD = 1 << 29
_LIKELY_FIELD = 1 << 14
"""Fields of a guessed message have lower numbers."""
_FRAME_HEAD = 5
_COMPRESSED, _TRAILERS = 1, 0x80


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    kind: int
    start: int
    """Where its value begins: that of `_LENGTH` with the length before it."""
    end: int
    value: int
    """The number; of `_LENGTH` the place of its first byte."""


def read_protobuf(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read one message."""
    _read_message(node, place, place.kind("protobuf"))


def looks_like_protobuf(content: bytes) -> bool:
    """Whether the content is a message of which most bytes are text or messages, as chance bytes never are."""
    fields = _guessed(content)
    if not fields:
        return False
    told = sum(
        one.end - one.start
        for one in fields
        if one.kind == _LENGTH
        and (_text_of(content[one.value : one.end]) is not None or _guessed(content[one.value : one.end]))
    )
    return 2 * told > len(content)


def read_grpc(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read the length-prefixed messages of gRPC, and the trailers that gRPC-web sends as a frame."""
    content, at, number, prefix = node.content, 0, 0, place.kind("grpc")
    while at < len(content):
        if len(content) - at < _FRAME_HEAD:
            raise UnreadableError("truncated")
        flags, size = content[at], int.from_bytes(content[at + 1 : at + _FRAME_HEAD])
        end = at + _FRAME_HEAD + size
        if end > len(content):
            raise UnreadableError("truncated")
        number += 1
        if number > place.reading.limits.max_parts:
            raise UnreadableError("too-many-parts")
        inner = Node(content[at + _FRAME_HEAD : end])
        node.parts.append(Nested(at, end, inner, partial(_framed, flags)))
        within = place.within(f"{prefix}{number}")
        place.charge(size)
        if flags & _TRAILERS:
            place.reading.read_body(inner, MediaType("text/plain"), within)
        elif flags > _COMPRESSED:
            raise UnreadableError("bad-syntax")
        elif size:
            _read_frame(inner, media, within, compressed=bool(flags))
        at = end


def _read_frame(node: Node[bytes], media: MediaType, place: Place, *, compressed: bool) -> None:
    if compressed:
        # How is told in a header that proxies seldom see in time; gzip is what is used.
        node = undo_codings(node, ["gzip"], place)
    if media.name.endswith("+json"):
        place.reading.read_body(node, MediaType("application/json"), place)
    else:
        read_protobuf(node, media, place)


def read_grpc_web_text(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read the frames of gRPC-web, which stand in Base64, in one piece or several that are padded each."""
    try:
        data = b"".join(
            base64.b64decode(piece, validate=True) for piece in re.findall(rb"[^=]+={0,2}|=+", node.content)
        )
    except binascii.Error:
        raise UnreadableError("bad-encoding") from None
    inner = Node(data)
    place.charge(len(data))
    node.parts.append(Nested(0, len(node.content), inner, base64.b64encode))
    read_grpc(inner, media, place)


def _framed(flags: int, message: bytes) -> bytes:
    return bytes([flags]) + len(message).to_bytes(4) + message


def _read_message(node: Node[bytes], place: Place, address: str) -> None:
    content = node.content
    left = place.reading.limits.max_segments
    for one in _fields(content):
        left -= 1
        if left < 0:
            raise UnreadableError("too-many-parts")
        here = below(address, str(one.number))
        if one.kind == _LENGTH:
            _read_stretch(node, one, place, here)
        elif one.kind in (_VARINT, _FIXED_32, _FIXED_64):
            encode = partial(_no_number, one.end - one.start if one.kind != _VARINT else 1)
            add_text(node, (one.start, one.end), str(one.value), place, (here, ""), encode)


def _read_stretch(node: Node[bytes], one: _Field, place: Place, address: str) -> None:
    data = node.content[one.value : one.end]
    if not data:
        return
    span, text, fields = (one.start, one.end), _text_of(data), _guessed(data)
    if text is not None:
        is_unclear = any(field.kind == _LENGTH and field.end > field.value for field in fields)
        add_text(node, span, text, place, (address, ""), _stretch_of_text, READ_ONLY if is_unclear else PLAIN)
    elif fields:
        within = place.within(address)
        place.charge(len(data))
        inner = Node(data)
        node.parts.append(Nested(*span, inner, _stretch))
        _read_message(inner, within, address)
    else:
        add_bytes(node, span, data, place.within(address), _stretch)


def _text_of(data: bytes) -> str | None:
    """The text that the bytes are, if they are clean text that does not begin as messages do."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if _CONTROL.search(text):
        return None
    # A tag of the first field is a line break or tab, and such a text would begin with one.
    return None if data and data[0] in b"\t\n\r" and _guessed(data) else text


def _guessed(data: bytes) -> list[_Field]:
    """The fields of what may be a message; none where it is none."""
    try:
        fields = list(_fields(data))
    except UnreadableError:
        return []
    return fields if all(one.number < _LIKELY_FIELD for one in fields) else []


def _fields(content: bytes) -> Iterator[_Field]:
    """The fields in order, groups opened up. Raises UnreadableError for what is no message."""
    at, groups = 0, list[int]()
    while at < len(content):
        tag, at = _varint(content, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < _HIGHEST_FIELD:
            raise UnreadableError("bad-syntax")
        start = at
        if kind == _VARINT:
            value, at = _varint(content, at)
        elif kind in (_FIXED_32, _FIXED_64):
            at += 4 if kind == _FIXED_32 else 8
            value = int.from_bytes(content[start:at], "little")
        elif kind == _LENGTH:
            size, value = _varint(content, at)
            at = value + size
        elif kind == _START_GROUP:
            groups.append(number)
            continue
        elif kind == _END_GROUP and groups and groups.pop() == number:
            continue
        else:
            raise UnreadableError("bad-syntax")
        if at > len(content):
            raise UnreadableError("truncated")
        yield _Field(number, kind, start, at, value)
    if groups:
        raise UnreadableError("truncated")


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(content) or shift > 63:
            raise UnreadableError("bad-syntax")
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _as_varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _stretch(data: bytes) -> bytes:
    return _as_varint(len(data)) + data


def _stretch_of_text(text: str) -> bytes:
    return _stretch(text.encode())


def _no_number(size: int, text: str) -> bytes:
    return bytes(size)
