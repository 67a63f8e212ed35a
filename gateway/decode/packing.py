"""Compression undone in metered pieces, and redone: what content codings, compressed files and archives share.

Output is taken in small pieces and metered as it comes, so that a compression bomb is refused before it takes memory.
"""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.decode.reading import Place, UnreadableError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = [
    "FAULTS",
    "PIECE_BYTES",
    "Meter",
    "Stream",
    "inflate",
    "unbzip2",
    "unlzma",
    "unxz",
    "unzstd",
    "zstd",
]

PIECE_BYTES = 1 << 16
_LZMA_MEMORY_BYTES = 64 << 20
ZSTD_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MiB, the largest window that RFC 9659 allows in web content."""
FAULTS = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError)
"""What decompressors raise at data that is none of theirs."""


class Meter:
    """Takes the output of one layer, and refuses it once it is out of proportion to the input."""

    def __init__(self, place: Place, input_bytes: int) -> None:
        limits = place.reading.limits
        self.pieces: list[bytes] = []
        self._place = place
        self._left = max(limits.max_ratio * input_bytes, limits.ratio_floor_bytes)

    def take(self, piece: bytes) -> None:
        """Keep a piece. Raises UnreadableError once there are too many."""
        self._left -= len(piece)
        if self._left < 0:
            raise UnreadableError("expands-too-much")
        self._place.charge(len(piece))
        self.pieces.append(piece)


@dataclass(frozen=True, slots=True)
class Stream:
    """What the streaming decompressors of several libraries have in common."""

    step: Callable[[bytes], bytes]
    """Feed input, which may be empty, and take at most a piece of output."""
    hungry: Callable[[], bool]
    done: Callable[[], bool]

    def read(self, content: bytes, at: int, meter: Meter) -> int:
        """Decompress what begins at `at` to its end; the position up to which input was taken."""
        while not self.done():
            data = content[at : at + PIECE_BYTES] if self.hungry() else b""
            at += len(data)
            piece = self.step(data)
            if not (data or piece or self.done()):
                raise UnreadableError("truncated")
            meter.take(piece)
        return at


def inflate(content: bytes, start: int, window_bits: int, meter: Meter) -> int:
    """Read one DEFLATE stream; where it ends."""
    zip_ = zlib.decompressobj(window_bits)
    stream = Stream(
        lambda data: zip_.decompress(zip_.unconsumed_tail + data, PIECE_BYTES),
        lambda: not zip_.unconsumed_tail,
        lambda: zip_.eof,
    )
    return stream.read(content, start, meter) - len(zip_.unused_data)


class _Decompressor(Protocol):
    """The interface of bz2, lzma and zstd."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def pull(unpacker: _Decompressor, content: bytes, at: int, meter: Meter) -> int:
    """Decompress the one stream that begins at `at`; where it ends."""
    stream = Stream(
        lambda data: unpacker.decompress(data, PIECE_BYTES),
        lambda: unpacker.needs_input,
        lambda: unpacker.eof,
    )
    return stream.read(content, at, meter) - len(unpacker.unused_data)


def unbzip2(content: bytes, at: int, meter: Meter) -> int:
    """Decompress one bzip2 stream; where it ends."""
    return pull(bz2.BZ2Decompressor(), content, at, meter)


def unxz(content: bytes, at: int, meter: Meter) -> int:
    """Decompress one xz stream; where it ends."""
    return pull(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY_BYTES), content, at, meter)


def unlzma(content: bytes, at: int, meter: Meter) -> int:
    """Decompress one stream of the older LZMA format; where it ends."""
    return pull(lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY_BYTES), content, at, meter)


def unzstd(content: bytes, at: int, meter: Meter) -> int:
    """Decompress one Zstandard frame; where it ends."""
    return pull(zstd.ZstdDecompressor(options=ZSTD_WINDOW), content, at, meter)
