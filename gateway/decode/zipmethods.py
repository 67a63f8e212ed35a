"""How members of ZIP archives are compressed, by the number of the method (APPNOTE.TXT, section 4.4.5)."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable

from gateway.decode.packing import Meter, inflate, unbzip2, unlzma, unxz, unzstd, zstd

AES, LZMA = 99, 14


def _stored(content: bytes, at: int, meter: Meter) -> int:
    meter.take(content)
    return len(content)


def _lzma_packed(content: bytes) -> bytes:
    raw = lzma.compress(content, lzma.FORMAT_ALONE)
    return b"\x09\x04\x05\x00" + raw[:5] + raw[13:]


METHODS: dict[int, tuple[Callable[[bytes, int, Meter], int], Callable[[bytes], bytes]]] = {
    0: (_stored, bytes),
    8: (
        lambda content, at, meter: inflate(content, at, -zlib.MAX_WBITS, meter),
        lambda content: zlib.compress(content, wbits=-zlib.MAX_WBITS),
    ),
    12: (unbzip2, bz2.compress),
    LZMA: (unlzma, _lzma_packed),
    93: (unzstd, zstd.compress),
    95: (unxz, lzma.compress),
}
"""Compression methods: undone, with where the data ended; and redone."""
