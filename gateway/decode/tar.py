"""TAR archives: members, names, owners, extended headers, and the archive rebuilt around an edit.

A header is a block of fields of fixed width. An edited name or owner must fit into its field; an edited member grows by
whole blocks, and only its size and the sum of its header change besides.

Source: POSIX.1-2017, pax, "ustar Interchange Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from gateway.core.errors import SpliceError
from gateway.decode.media import MediaType
from gateway.decode.members import FILE_NAME, read_member, writing_of_name
from gateway.decode.reading import Found, Place, UnreadableError, shortened
from gateway.decode.tree import READ_ONLY, Change, Nested, Node, Writing, spliced_in

_BLOCK = 512
_SIZE, _SUM = slice(124, 136), slice(148, 156)
_FIELDS = {
    "filename": (0, 100),
    "link": (157, 257),
    "user": (265, 297),
    "group": (297, 329),
    "path": (345, 500),
}
"""Texts of a header: where each stands in it."""
_REGULAR, _WITHOUT_DATA = b"0\0" + b"7", b"12345 6"
_SPECIAL = b"xgLK"
"""Members that say more about the next one: extended headers, and long names."""
_RECORD = re.compile("[0-9]+ ([^=]*)=(.*)")
_FITS = Writing(allowed=re.compile(r"[^\0]*"))


def is_tar(content: bytes) -> bool:
    """Whether a content begins with a header whose sum is right."""
    if len(content) < _BLOCK or not content[0]:
        return False
    return content[257:262] == b"ustar" or _sum(content[:_BLOCK]) == _number(content[_SUM])


def _sum(header: bytes) -> int:
    return sum(header) - sum(header[_SUM]) + 8 * 0x20


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field) & ((1 << 88) - 1)
    digits = field.strip(b" \0")
    return int(digits, 8) if re.fullmatch(rb"[0-7]+", digits) else 0 if not digits else -1


def read_tar(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read an archive to its last byte."""
    content, at, count = node.content, 0, 0
    prefix = place.kind("tar")
    members: list[tuple[int, int, int]] = []
    while at < len(content):
        header = content[at : at + _BLOCK]
        if not header.strip(b"\0"):
            break
        count += 1
        if count > place.reading.limits.max_parts:
            raise UnreadableError("too-many-parts")
        if len(header) < _BLOCK or _sum(header) != _number(header[_SUM]):
            raise UnreadableError("bad-syntax")
        size, kind = _number(header[_SIZE]), header[156:157]
        start = at + _BLOCK
        end = start if kind in _WITHOUT_DATA else start + size
        if size < 0 or end > len(content):
            raise UnreadableError("truncated")
        name = shortened(_text(header[:100])[0]) or str(count)
        inner_place = place.within(f"{prefix}{name}", name)
        _read_header(node, at, inner_place)
        if start < end:
            with inner_place.unread_on_error():
                members.append((at, start, end))
                _read_member(node, start, end, kind, _text(header[:100])[0], inner_place)
        at = end + -end % _BLOCK
        if content[end:at].strip(b"\0"):
            raise UnreadableError("trailing-bytes")
    if content[at:].strip(b"\0"):
        raise UnreadableError("trailing-bytes")
    node.parts.sort(key=lambda part: part.start)
    node.rebuild = partial(_rebuilt, content, members)


def _text(field: bytes) -> tuple[str, str]:
    raw = field.split(b"\0", 1)[0]
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "latin-1"


def _read_header(node: Node[bytes], at: int, place: Place) -> None:
    for label, (first, last) in _FIELDS.items():
        field = node.content[at + first : at + last]
        text, charset = _text(field)
        inner = Node(text)
        is_name = label == "filename"
        writing = writing_of_name(text, _FITS) if is_name else _FITS
        place.leaf(inner, (0, len(text)), writing, f"{place.base}@{label}", FILE_NAME if is_name else label)
        node.parts.append(Nested(at + first, at + last, inner, partial(_padded, charset, last - first)))
        if rest := field[len(text.encode(charset)) :].strip(b"\0"):
            hidden = Node(rest.decode("latin-1"))
            place.leaf(hidden, (0, len(hidden.content)), READ_ONLY, f"{place.base}@{label}")
            node.parts.append(Nested(at + first, at + first, hidden, partial(_padded, charset, 0)))


def _padded(charset: str, width: int, text: str) -> bytes:
    raw = text.encode(charset)
    if len(raw) > width:
        raise SpliceError("a name in the archive would be too long for its header")
    return raw.ljust(width, b"\0")


def _read_member(node: Node[bytes], start: int, end: int, kind: bytes, name: str, place: Place) -> None:
    inner = Node(node.content[start:end])
    place.charge(end - start)
    if kind in _SPECIAL:
        # Records that count their own length, and names that others refer to.
        text = Node(inner.content.decode("utf-8", "replace").rstrip("\0"))
        place.leaves(text, _records(text.content, f"{place.base}@extended"))
        node.parts.append(Nested(start, start, text, str.encode))
        return
    node.parts.append(Nested(start, end, inner, bytes))
    if kind not in _REGULAR:
        raise UnreadableError("unknown-media-type")
    read_member(inner, name, place)


def _records(text: str, address: str) -> Iterator[Found]:
    """The records of POSIX, each a length, a name and a value; a long name of GNU is none."""
    for line in re.finditer(r"[^\n]+", text):
        record = _RECORD.fullmatch(line[0])
        if record is None:
            yield line.span(), READ_ONLY, address, FILE_NAME
            continue
        (name_start, name_end), (start, end) = record.span(1), record.span(2)
        at, name = line.start(), record[1]
        yield (at + name_start, at + name_end), READ_ONLY, f"{address}@name", ""
        yield (
            (at + start, at + end),
            READ_ONLY,
            address,
            FILE_NAME if name.endswith("path") else shortened(name),
        )


def _rebuilt(content: bytes, members: list[tuple[int, int, int]], changes: list[Change]) -> bytes:
    new = {(part.start, part.end): made for part, made in changes}
    patches: list[tuple[int, int, bytes]] = []
    headers: dict[int, bytearray] = {}
    for (start, end), made in new.items():
        if any(start == first and end == last for _, first, last in members):
            continue
        at = start - start % _BLOCK
        header = headers.setdefault(at, bytearray(content[at : at + _BLOCK]))
        header[start - at : end - at] = made
    for at, start, end in members:
        if (member := new.get((start, end))) is not None:
            header = headers.setdefault(at, bytearray(content[at : at + _BLOCK]))
            header[_SIZE] = b"%011o\0" % len(member)
            patches.append((start, end + -end % _BLOCK, member + bytes(-len(member) % _BLOCK)))
    for at, header in headers.items():
        header[_SUM] = b"%06o\0 " % _sum(bytes(header))
        patches.append((at, at + _BLOCK, bytes(header)))
    return spliced_in(content, sorted(patches, key=lambda patch: patch[0]))
