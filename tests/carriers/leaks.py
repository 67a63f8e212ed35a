"""Whether a value is still in a message, in any spelling and under any packing that undoes itself."""

from __future__ import annotations

import base64
import binascii
import bz2
import contextlib
import gzip
import io
import lzma
import quopri
import re
import struct
import sys
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from functools import cache
from html import escape, unescape
from urllib.parse import quote, unquote_to_bytes

import brotli
import inflate64

from gateway.core.model import Message

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_DEEPEST = 6
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}){8,}")
_NO_LETTER = re.compile(r"[\W_]+")
_SHORTEST_SQUEEZED = 8


class UnjudgedError(Exception):
    """Something in the message cannot be read here, so that nobody may say that nothing leaks."""


def leaked(message: Message, values: Collection[str]) -> list[str]:
    """Those of the values that a receiver of the message could read out of it.

    Raises:
        UnjudgedError: not all were found, and a part could not be looked into.
    """
    head = b"\n".join([message.target, *(name + b": " + value for name, value in message.headers)])
    closed: list[str] = []
    left = list(values)
    for layer in {*_layers(head, closed), *_layers(message.body, closed)}:
        left = [value for value in left if not _within(value, layer)]
        texts = [_squeezed(text) for text in _texts(layer)] if left else []
        left = [value for value in left if not _squeezed_within(value, texts)]
    found = [value for value in values if value not in left]
    if closed and left:
        raise UnjudgedError(closed[0])
    return found


def _within(value: str, layer: bytes) -> bool:
    return any(spelling in layer for spelling in _spellings(value))


def _squeezed_within(value: str, texts: list[str]) -> bool:
    squeezed = _squeezed(value)
    return len(squeezed) >= _SHORTEST_SQUEEZED and any(squeezed in text for text in texts)


def _texts(layer: bytes) -> Iterator[str]:
    for charset in ("utf-8", "utf-16-le", "utf-16-be"):
        text = layer.decode(charset, "ignore")
        yield text
        if "&" in text:
            yield unescape(text)


def _squeezed(text: str) -> str:
    """Letters and digits alone, without accents and case: however a value is spaced, dotted or wrapped."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKD", text).casefold())


@cache
def _spellings(value: str) -> frozenset[bytes]:
    return frozenset(_spelled(value))


def _spelled(value: str) -> Iterator[bytes]:
    for form in {value, unicodedata.normalize("NFD", value), unicodedata.normalize("NFC", value)}:
        for charset in ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-7"):
            try:
                raw = form.encode(charset)
            except UnicodeEncodeError:
                continue
            yield raw
            yield raw.hex().encode()
            yield raw.hex().upper().encode()
            yield quopri.encodestring(raw).strip()
            yield quote(raw, safe="").encode()
            yield quote(raw, safe="").lower().encode()
            # In Base64 a value looks different by where it begins; what depends on its neighbors is cut off.
            for skip in range(3):
                coded = base64.b64encode(bytes(skip) + raw).rstrip(b"=")
                yield coded[(skip * 8 + 5) // 6 : len(coded) - (1 if (skip + len(raw)) % 3 else 0)]
        yield form.encode("unicode_escape")
        yield escape(form).encode()


def _layers(content: bytes, closed: list[str], depth: int = 0) -> Iterator[bytes]:
    """The content, and what it holds packed, coded or escaped; `closed` takes what cannot be looked into."""
    yield content
    if depth == _DEEPEST or not content:
        return
    for unpacked in (_inflated(content), _archived(content, closed), _decoded(content)):
        for inner in unpacked:
            if inner and inner != content:
                yield from _layers(inner, closed, depth + 1)


def _inflated(content: bytes) -> Iterator[bytes]:
    # A gzip member may lie anywhere, as in a frame.
    for match in re.finditer(rb"\x1f\x8b\x08", content):
        try:
            yield zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(content[match.start() :])
        except zlib.error:
            continue
    for undo in (
        *(gzip.decompress, zlib.decompress),
        *(bz2.decompress, lzma.decompress, zstd.decompress, brotli.decompress, _inflated64),
    ):
        try:
            yield undo(content)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, brotli.error, ValueError):
            continue


def _inflated64(content: bytes) -> bytes:
    unpacker = inflate64.Inflater()
    plain = bytes(unpacker.inflate(content))
    if not unpacker.eof:
        raise ValueError("cut short")
    return plain


def _archived(content: bytes, closed: list[str]) -> Iterator[bytes]:
    if b"PK\x05\x06" in content[-(1 << 16) :]:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for info in archive.infolist():
                    yield info.filename.encode() + b"\n" + info.comment
                    try:
                        yield archive.read(info)
                    except (RuntimeError, NotImplementedError):
                        # Where `zipfile` does not know the method, what is packed may still undo itself.
                        if info.flag_bits & 1 or not any(_inflated(raw := _packed(content, info))):
                            closed.append(f"a member is encrypted, or packed by method {info.compress_type}")
                        else:
                            yield raw
        except (zipfile.BadZipFile, zlib.error, ValueError):
            return
    elif content[257:262] == b"ustar":
        # What only begins like an archive, or holds one behind something else, is none.
        with contextlib.suppress(tarfile.TarError), tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar.getmembers():
                yield member.name.encode()
                if (file := tar.extractfile(member)) is not None:
                    yield file.read()


def _packed(content: bytes, info: zipfile.ZipInfo) -> bytes:
    names = sum(struct.unpack_from("<HH", content, info.header_offset + 26))
    start = info.header_offset + 30 + names
    return content[start : start + info.compress_size]


def _decoded(content: bytes) -> Iterator[bytes]:
    if b"%" in content:
        yield unquote_to_bytes(content)
    if b"\\u" in content or b"\\n" in content:
        yield re.sub(
            rb"\\u([0-9a-fA-F]{4})",
            lambda match: chr(int(match[1], 16)).encode("utf-8", "replace"),
            content,
        )
    if b"&" in content:
        yield unescape(content.decode("utf-8", "replace")).encode("utf-8", "replace")
    if b"=" in content:
        yield quopri.decodestring(content)
    if b"</" in content:
        # What is broken into runs of different looks is one text to who reads it.
        yield re.sub(rb"<[^>]*>", b"", content)
    unfolded = re.sub(rb"\r?\n[ \t]", b"", content)
    yield unfolded
    yield from _runs(_RUN, _unbase64, re.sub(rb"\r?\n", b"", unfolded))
    yield from _runs(_HEX, binascii.unhexlify, content)


def _unbase64(run: bytes) -> bytes:
    return base64.b64decode(run.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(run) % 4))


def _runs(pattern: re.Pattern[bytes], undo: Callable[[bytes], bytes], content: bytes) -> Iterator[bytes]:
    for match in pattern.finditer(content):
        try:
            yield undo(match[0])
        except (ValueError, binascii.Error):
            continue
