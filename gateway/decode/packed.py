"""MessagePack and CBOR: every text, number and key is a segment, and byte strings are looked into.

Both are walked by an own reader, since no parser tells where its values lie. Neither has lengths around containers, so
an edit touches the value's own head alone. A number becomes a text once it is edited, as in JSON.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

from gateway.decode.media import MediaType
from gateway.decode.opaque import add_bytes, add_text
from gateway.decode.reading import Place, UnreadableError, below, shortened
from gateway.decode.tree import Node

_ITEMS_A_SEGMENT = 5
"""Items that are walked for each segment allowed: what makes no segment takes time all the same."""

Encode = Callable[[bytes], bytes]


def read_msgpack(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read one MessagePack value, or several in a row."""
    _Msgpack(node, place, place.kind("msgpack")).read()


def read_cbor(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read one CBOR item (RFC 8949), or several in a row (RFC 8742)."""
    _Cbor(node, place, place.kind("cbor")).read()


def looks_like_msgpack(content: bytes) -> bool:
    """Whether the content is one filled map whose first key is a text, or an array of such."""
    first = content[0]
    at = 0
    if 0x91 <= first <= 0x9F or first in (0xDC, 0xDD):
        at = {0xDC: 3, 0xDD: 5}.get(first, 1)
    kind = content[at] if at < len(content) else 0
    is_map = 0x81 <= kind <= 0x8F or kind in (0xDE, 0xDF)
    key = at + {0xDE: 3, 0xDF: 5}.get(kind, 1)
    if not is_map or key >= len(content) or not (0xA1 <= content[key] <= 0xBF or content[key] == 0xD9):
        return False
    return _is_one(_Msgpack, content)


def looks_like_cbor(content: bytes) -> bool:
    """Whether the content is one filled map whose first key is a text, or an array of such."""
    at = 1 if 0x81 <= content[0] <= 0x97 or content[0] == 0x9F else 0
    kind, key = content[at : at + 1], content[at + 1 : at + 2]
    is_map = b"\xa1" <= kind <= b"\xb7" or kind == b"\xbf"
    return is_map and b"\x61" <= key <= b"\x78" and _is_one(_Cbor, content)


def _is_one(walker: type[_Walker], content: bytes) -> bool:
    try:
        return walker(Node(content), None, "").item("", "", 0) == len(content)
    except UnreadableError:
        return False


class _Walker(ABC):
    """Walks items, and without a place only sees whether they are well formed."""

    def __init__(self, node: Node[bytes], place: Place | None, prefix: str) -> None:
        self.node, self.place, self.prefix = node, place, prefix
        self.content = node.content
        self.at = 0
        limits = place.reading.limits if place else None
        self.left = _ITEMS_A_SEGMENT * limits.max_segments if limits else 10_000
        self.depth = limits.max_depth if limits else 64

    def read(self) -> None:
        """Read items to the end of the content."""
        number = 0
        while self.at < len(self.content):
            # A single value is not counted.
            self.item(self.prefix if number == 0 else below(self.prefix, str(number)), "", 0)
            number += 1

    @abstractmethod
    def item(self, address: str, label: str, depth: int) -> int:
        """Read the item that begins here; where it ends."""

    @abstractmethod
    def text_head(self, length: int) -> bytes:
        """What stands before a text of so many bytes."""

    def entered(self, depth: int) -> None:
        """Count an item. Raises UnreadableError for one too many or too deep."""
        self.left -= 1
        if self.left < 0:
            raise UnreadableError("too-many-parts")
        if depth > self.depth:
            raise UnreadableError("too-deep")

    def take(self, count: int) -> bytes:
        """The next bytes."""
        data = self.content[self.at : self.at + count]
        if len(data) < count:
            raise UnreadableError("truncated")
        self.at += count
        return data

    def number(self, count: int) -> int:
        """The next bytes as an unsigned number."""
        return int.from_bytes(self.take(count))

    def pairs(
        self, count: int | None, address: str, label: str, depth: int, is_end: Callable[[], bool]
    ) -> None:
        """Read a map of so many pairs, or up to its end."""
        done = 0
        while not is_end() if count is None else done < count:
            start = self.at
            name = self.name()
            step = shortened(name).replace("~", "~0").replace("/", "~1") if name else str(done)
            here = below(address, step)
            self.at = start
            self.item(here + "@key", label, depth + 1)
            self.item(here, shortened(name) or label, depth + 1)
            done += 1

    def items(
        self, count: int | None, address: str, label: str, depth: int, is_end: Callable[[], bool]
    ) -> None:
        """Read an array of so many items, or up to its end."""
        done = 0
        while not is_end() if count is None else done < count:
            self.item(below(address, str(done)), label, depth + 1)
            done += 1

    @abstractmethod
    def name(self) -> str:
        """The text that begins here, for a name; empty if there is another item."""

    def add_text(self, start: int, raw: bytes, address: str, label: str, encode: Encode) -> None:
        """Make a text that is written from `start` to here a segment; bytes that are no text are looked into."""
        if self.place is None:
            return
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            self.add_bytes(start, raw, address, label, encode)
            return
        add_text(self.node, (start, self.at), text, self.place, (address, label), self.encode_text)

    def add_number(self, start: int, value: float, address: str, label: str) -> None:
        """Make a number a segment."""
        if self.place is not None:
            text = str(int(value) if value == value and abs(value) < 1e18 and value == int(value) else value)
            add_text(self.node, (start, self.at), text, self.place, (address, label), self.encode_text)

    def add_bytes(self, start: int, raw: bytes, address: str, label: str, encode: Encode) -> None:
        """Look into a byte string."""
        if self.place is not None and raw:
            add_bytes(self.node, (start, self.at), raw, self.place.within(address, label), encode)

    def encode_text(self, text: str) -> bytes:
        """A text with its head."""
        raw = text.encode()
        return self.text_head(len(raw)) + raw


_SIZES = {
    **dict.fromkeys((0xC4, 0xC7, 0xD9), 1),
    **dict.fromkeys((0xC5, 0xC8, 0xDA, 0xDC, 0xDE), 2),
    **dict.fromkeys((0xC6, 0xC9, 0xDB, 0xDD, 0xDF), 4),
}
"""Bytes of a length in MessagePack, by the first byte of what has it."""


class _Msgpack(_Walker):
    """Source: the MessagePack specification."""

    def item(self, address: str, label: str, depth: int) -> int:
        self.entered(depth)
        start = self.at
        kind = self.take(1)[0]
        if kind <= 0x7F or kind >= 0xE0:
            self.add_number(start, kind if kind <= 0x7F else kind - 256, address, label)
        elif kind <= 0x8F:
            self.pairs(kind & 0x0F, address, label, depth, bool)
        elif kind <= 0x9F:
            self.items(kind & 0x0F, address, label, depth, bool)
        elif kind <= 0xBF:
            self.add_text(start, self.take(kind & 0x1F), address, label, self._string)
        elif kind in (0xC0, 0xC2, 0xC3):
            pass
        elif kind == 0xC1:
            raise UnreadableError("bad-syntax")
        elif kind in (0xCA, 0xCB):
            size = 4 if kind == 0xCA else 8
            (value,) = struct.unpack(">f" if size == 4 else ">d", self.take(size))
            self.add_number(start, value, address, label)
        elif 0xCC <= kind <= 0xCF:
            self.add_number(start, self.number(1 << (kind - 0xCC)), address, label)
        elif 0xD0 <= kind <= 0xD3:
            value = int.from_bytes(self.take(1 << (kind - 0xD0)), signed=True)
            self.add_number(start, value, address, label)
        elif 0xD4 <= kind <= 0xD8:
            self._extension(start, 1 << (kind - 0xD4), address, label)
        else:
            self._sized(start, kind, self.number(_SIZES[kind]), address, label, depth)
        return self.at

    def _sized(self, start: int, kind: int, size: int, address: str, label: str, depth: int) -> None:
        if kind <= 0xC6:
            self.add_bytes(start, self.take(size), address, label, _msgpack_bytes)
        elif kind <= 0xC9:
            self._extension(start, size, address, label)
        elif kind <= 0xDB:
            self.add_text(start, self.take(size), address, label, self._string)
        elif kind <= 0xDD:
            self.items(size, address, label, depth, bool)
        else:
            self.pairs(size, address, label, depth, bool)

    def _extension(self, start: int, size: int, address: str, label: str) -> None:
        kind = self.take(1)
        encode = partial(_msgpack_extension, kind)
        self.add_bytes(start, self.take(size), address, label, encode)

    def _string(self, raw: bytes) -> bytes:
        return self.text_head(len(raw)) + raw

    def name(self) -> str:
        kind = self.content[self.at] if self.at < len(self.content) else 0
        if 0xA0 <= kind <= 0xBF:
            self.at += 1
            raw = self.take(kind & 0x1F)
        elif kind == 0xD9:
            self.at += 1
            raw = self.take(self.number(1))
        else:
            return ""
        return raw.decode(errors="replace")

    def text_head(self, length: int) -> bytes:
        return bytes([0xA0 | length]) if length < 32 else _msgpack_head(0xD9, length)


def _msgpack_head(kind: int, length: int) -> bytes:
    """The first of three kinds that follow each other whose length field has room."""
    size = 1 if length < 1 << 8 else 2 if length < 1 << 16 else 4
    return bytes([kind + size // 2]) + length.to_bytes(size)


def _msgpack_bytes(raw: bytes) -> bytes:
    return _msgpack_head(0xC4, len(raw)) + raw


def _msgpack_extension(kind: bytes, raw: bytes) -> bytes:
    return _msgpack_head(0xC7, len(raw)) + kind + raw


_BREAK = 0xFF
_EMBEDDED = 24
"""Tag of a byte string that holds CBOR (RFC 8949, section 3.4.5.1)."""
_BIG_NUMBERS = (2, 3)


class _Cbor(_Walker):
    """Source: RFC 8949."""

    def item(self, address: str, label: str, depth: int, tag: int = 0) -> int:
        self.entered(depth)
        start = self.at
        head = self.take(1)[0]
        major, extra = head >> 5, head & 0x1F
        if major == 7:
            self._simple(start, extra, address, label)
            return self.at
        value = self._argument(extra, endless=2 <= major <= 5)
        if major == 0 or major == 1:
            assert value is not None
            self.add_number(start, value if major == 0 else -1 - value, address, label)
        elif major == 2 or major == 3:
            raw = self._chunks(major) if value is None else self.take(value)
            if major == 3:
                self.add_text(start, raw, address, label, partial(_cbor, 3))
            elif tag in _BIG_NUMBERS and len(raw) <= 16:
                self.add_number(start, int.from_bytes(raw), address, label)
            elif tag == _EMBEDDED and self.place is not None:
                inner = Node(raw)
                self._embedded(start, inner, address, label)
            else:
                self.add_bytes(start, raw, address, label, partial(_cbor, 2))
        elif major == 4:
            self.items(value, address, label, depth, self._ends)
        elif major == 5:
            self.pairs(value, address, label, depth, self._ends)
        else:
            assert value is not None
            self.item(address, label, depth + 1, tag=value)
        return self.at

    def _embedded(self, start: int, inner: Node[bytes], address: str, label: str) -> None:
        assert self.place is not None
        place = self.place.within(address, label)
        add_bytes(self.node, (start, self.at), inner.content, place, partial(_cbor, 2), read_cbor)

    def _argument(self, extra: int, *, endless: bool) -> int | None:
        """The number in an item's head; None for a length that is not told beforehand."""
        if extra < 24:
            return extra
        if extra < 28:
            return self.number(1 << (extra - 24))
        if extra == 31 and endless:
            return None
        raise UnreadableError("bad-syntax")

    def _chunks(self, major: int) -> bytes:
        pieces = []
        while not self._ends():
            head = self.take(1)[0]
            size = self._argument(head & 0x1F, endless=False)
            if head >> 5 != major or size is None:
                raise UnreadableError("bad-syntax")
            pieces.append(self.take(size))
        return b"".join(pieces)

    def _ends(self) -> bool:
        if self.at >= len(self.content):
            raise UnreadableError("truncated")
        if self.content[self.at] != _BREAK:
            return False
        self.at += 1
        return True

    def _simple(self, start: int, extra: int, address: str, label: str) -> None:
        if extra in (25, 26, 27):
            code, size = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}[extra]
            (value,) = struct.unpack(code, self.take(size))
            self.add_number(start, value, address, label)
        elif extra == 24:
            self.take(1)
        elif extra > 24:
            raise UnreadableError("bad-syntax")

    def name(self) -> str:
        head = self.content[self.at] if self.at < len(self.content) else 0
        if head >> 5 != 3 or head & 0x1F > 25:
            return ""
        self.at += 1
        size = self._argument(head & 0x1F, endless=False)
        assert size is not None
        return self.take(size).decode(errors="replace")

    def text_head(self, length: int) -> bytes:
        return _cbor_head(3, length)


def _cbor_head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    power = next(power for power in range(4) if value < 1 << (8 << power))
    return bytes([major << 5 | (24 + power)]) + value.to_bytes(1 << power)


def _cbor(major: int, raw: bytes) -> bytes:
    return _cbor_head(major, len(raw)) + raw
