"""Compressed files: gzip, zlib, bzip2, xz and Zstandard, every member and frame of them."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from functools import partial

from gateway.decode.codings import undo_codings
from gateway.decode.media import MediaType
from gateway.decode.packing import FAULTS, Meter, unbzip2, unxz
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import Nested, Node

_LOOKED_AT = 4096
_BZIP2, _XZ = b"BZh", b"\xfd7zXZ\x00"


def _read_coded(coding: str, node: Node[bytes], media: MediaType, place: Place) -> None:
    inner = place.within(f"{place.base}.{coding}", place.label)
    with inner.unread_on_error():
        place.reading.read_body(undo_codings(node, [coding], inner), MediaType(), inner)


read_gzip = partial(_read_coded, "gzip")
read_zlib = partial(_read_coded, "deflate")
read_zstd_file = partial(_read_coded, "zstd")


def _read_streams(
    name: str,
    sign: bytes,
    unpack: Callable[[bytes, int, Meter], int],
    pack: Callable[[bytes], bytes],
    node: Node[bytes],
    media: MediaType,
    place: Place,
) -> None:
    """Read streams that follow each other and hold one content together."""
    place = place.within(f"{place.base}.{name}", place.label)
    content, at, streams = node.content, 0, 0
    meter = Meter(place, len(content))
    with place.unread_on_error():
        while at < len(content):
            if not content.startswith(sign, at):
                raise UnreadableError("trailing-bytes")
            streams += 1
            if streams > place.reading.limits.max_parts:
                raise UnreadableError("too-many-parts")
            try:
                at = unpack(content, at, meter)
            except FAULTS:
                raise UnreadableError("bad-encoding") from None
        inner = Node(b"".join(meter.pieces))
        node.parts.append(Nested(0, len(content), inner, pack))
        place.reading.read_body(inner, MediaType(), place)


def looks_like_zlib(content: bytes) -> bool:
    """Whether a content has the head of zlib, and its beginning can be undone."""
    if len(content) < 8 or content[0] & 0x0F != 8 or int.from_bytes(content[:2]) % 31:
        return False
    try:
        return bool(zlib.decompressobj().decompress(content[:_LOOKED_AT], _LOOKED_AT))
    except zlib.error:
        return False


read_bzip2 = partial(_read_streams, "bz2", _BZIP2, unbzip2, bz2.compress)
read_xz = partial(_read_streams, "xz", _XZ, unxz, lzma.compress)
