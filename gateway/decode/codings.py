"""Content codings undone and redone: gzip, deflate, Brotli and Zstandard, on top of each other.

All of the input must belong to the content: every member or frame is read, and a byte that is left over, or that
a decompressor would skip, makes the body unread. Output is taken in small pieces and metered as it comes, so that a
compression bomb is refused before it takes memory.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli

from gateway.core.carrier import UNREAD, Carrier, Editing
from gateway.decode.packing import PIECE_BYTES, Meter, Stream, inflate, unzstd, zstd
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import READ_ONLY, Nested, Node

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_HEADER_BYTES = 10
_GZIP_OPTIONAL_FIELDS = 0x1E
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BROTLI_QUALITY = 5

Encode = Callable[[bytes], bytes]


def undo_codings(node: Node[bytes], codings: list[str], place: Place) -> Node[bytes]:
    """The node of plain content below `node`; `codings` as in Content-Encoding, the last one outermost."""
    names = [name for name in codings if name not in ("", "identity")]
    if len(names) > place.reading.limits.max_layers:
        raise UnreadableError("too-deep")
    for name in reversed(names):
        undo = _BY_NAME.get(name)
        if undo is None:
            raise UnreadableError("bad-encoding")
        meter = Meter(place, len(node.content))
        try:
            encode = undo(node, place, meter)
        except (zlib.error, brotli.error, zstd.ZstdError):
            raise UnreadableError("bad-encoding") from None
        inner = Node(b"".join(meter.pieces))
        node.parts.append(Nested(0, len(node.content), inner, encode))
        node = inner
    return node


def _undo_gzip(node: Node[bytes], place: Place, meter: Meter) -> Encode:
    content, at, members = node.content, 0, 0
    while at < len(content) or not members:
        if members and not content.startswith(_GZIP_MAGIC, at):
            raise UnreadableError("trailing-bytes")
        members += 1
        if members > place.reading.limits.max_parts:
            raise UnreadableError("too-many-parts")
        _read_gzip_header(node, at, place)
        at = inflate(content, at, 16 + zlib.MAX_WBITS, meter)
    return lambda plain: gzip.compress(plain, mtime=0)


def _read_gzip_header(node: Node[bytes], start: int, place: Place) -> None:
    """File name, comment and extra field of a member are data like any other, though they cannot be edited."""
    content = node.content
    flags = content[start + 3] if len(content) > start + 3 else 0
    if not flags & _GZIP_OPTIONAL_FIELDS:
        return
    at = start + _GZIP_HEADER_BYTES
    if flags & 0x04:
        at += 2 + int.from_bytes(content[at : at + 2], "little")
    for flag in (0x08, 0x10):
        if flags & flag:
            end = content.find(b"\0", at)
            if end < 0:
                raise UnreadableError("truncated")
            at = end + 1
    header = Node(content[start + _GZIP_HEADER_BYTES : at].decode("latin-1"))
    place.leaf(header, (0, len(header.content)), READ_ONLY, f"{place.base}.gzip:header")
    node.parts.append(Nested(start, start, header, lambda text: text.encode("latin-1")))


def _undo_deflate(node: Node[bytes], place: Place, meter: Meter) -> Encode:
    """Undo zlib as RFC 9110 says, or a bare stream as some senders understand "deflate"."""
    content = node.content
    wrapped = content[:1] and content[0] & 0x0F == 8 and int.from_bytes(content[:2]) % 31 == 0
    window_bits = zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
    if inflate(content, 0, window_bits, meter) != len(content):
        raise UnreadableError("trailing-bytes")
    return lambda plain: zlib.compress(plain, wbits=window_bits)


def _undo_brotli(node: Node[bytes], place: Place, meter: Meter) -> Encode:
    reader = brotli.Decompressor()
    stream = Stream(
        lambda data: reader.process(data, output_buffer_limit=PIECE_BYTES),
        reader.can_accept_more_data,
        reader.is_finished,
    )
    if stream.read(node.content, 0, meter) != len(node.content):
        raise UnreadableError("trailing-bytes")
    return lambda plain: brotli.compress(plain, quality=_BROTLI_QUALITY)


def _undo_zstd(node: Node[bytes], place: Place, meter: Meter) -> Encode:
    content, at, frames = node.content, 0, 0
    while at < len(content) or not frames:
        # A skippable frame is accepted by decompressors and thrown away: a place to hide.
        if not content.startswith(_ZSTD_MAGIC, at):
            raise UnreadableError("trailing-bytes" if frames else "bad-encoding")
        frames += 1
        if frames > place.reading.limits.max_parts:
            raise UnreadableError("too-many-parts")
        at = unzstd(content, at, meter)
    return zstd.compress


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding(Carrier):
    """A content coding."""

    names: tuple[str, ...]
    """As in Content-Encoding."""
    undo: Callable[[Node[bytes], Place, Meter], Encode]


_ALL = "all of it: every member or frame, to the last byte"
_OTHERWISE = f"broken, cut short, left-over bytes, out of proportion: {UNREAD}"

CODINGS = (
    Coding(
        name="gzip",
        names=("gzip", "x-gzip"),
        undo=_undo_gzip,
        found=f"{_ALL}; file name and comment",
        edited=Editing.REBUILT,
        otherwise=_OTHERWISE,
    ),
    Coding(
        name="deflate",
        names=("deflate",),
        undo=_undo_deflate,
        found=f"{_ALL}, with and without its zlib wrapping",
        edited=Editing.REBUILT,
        otherwise=_OTHERWISE,
    ),
    Coding(
        name="Brotli",
        names=("br",),
        undo=_undo_brotli,
        found=_ALL,
        edited=Editing.REBUILT,
        otherwise=_OTHERWISE,
    ),
    Coding(
        name="Zstandard",
        names=("zstd",),
        undo=_undo_zstd,
        found=_ALL,
        edited=Editing.REBUILT,
        otherwise=_OTHERWISE,
    ),
)

_BY_NAME = {name: one.undo for one in CODINGS for name in one.names}
