"""Content codings: gzip, deflate, Brotli, Zstandard, and the bombs made of them."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest

from gateway.core.errors import SpliceError
from gateway.core.model import Edit
from gateway.decode import Limits
from tests.decode.builders import a_message, decoded, read, reasons

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BODY = b'{"name": "Kari Nordmann"}'
MIB = 1 << 20


def raw_deflate(content: bytes) -> bytes:
    return zlib.compress(content, wbits=-zlib.MAX_WBITS)


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstd.compress),
]
EVERY_CODING = pytest.mark.parametrize(("coding", "compress"), CODINGS)


@EVERY_CODING
def test_the_content_is_read_and_an_edit_is_packed_the_same_way(
    coding: str, compress: Callable[[bytes], bytes]
) -> None:
    result = decoded(a_message(compress(BODY), "application/json", coding=coding))
    changed = result.splice({"body.json:/name": [Edit(0, 4, "<N>")]})

    assert read(changed.body, "application/json", coding)["body.json:/name"] == "<N> Nordmann"


@EVERY_CODING
def test_a_content_that_ends_early_is_unread(coding: str, compress: Callable[[bytes], bytes]) -> None:
    assert reasons(compress(BODY)[:-3], "application/json", coding) == ["truncated"]


@EVERY_CODING
def test_bytes_after_the_content_are_refused(coding: str, compress: Callable[[bytes], bytes]) -> None:
    assert reasons(compress(BODY) + b"Kari", "application/json", coding) in (
        ["trailing-bytes"],
        ["bad-encoding"],
    )


@EVERY_CODING
def test_a_coding_that_is_declared_and_not_there_is_refused(
    coding: str, compress: Callable[[bytes], bytes]
) -> None:
    assert reasons(BODY, "application/json", coding) in (["bad-encoding"], ["truncated"])


@pytest.mark.parametrize("coding", ["compress", "aws-chunked", "gzip, mystery"])
def test_an_unknown_coding_is_refused(coding: str) -> None:
    assert reasons(BODY, "application/json", coding) == ["bad-encoding"]


def test_every_member_of_gzip_and_every_frame_of_zstd_is_read() -> None:
    for coding, compress in (("gzip", gzip.compress), ("zstd", zstd.compress)):
        assert read(compress(b"Kari ") + compress(b"Ola"), "text/plain", coding) == {"body.text:": "Kari Ola"}


def test_a_zstd_frame_that_decompressors_skip_is_refused() -> None:
    hidden = b"\x50\x2a\x4d\x18\x04\x00\x00\x00Kari"

    assert reasons(zstd.compress(BODY) + hidden, "application/json", "zstd") == ["trailing-bytes"]
    assert reasons(hidden + zstd.compress(BODY), "application/json", "zstd") == ["bad-encoding"]


def test_the_file_name_in_a_gzip_header_is_a_segment_that_cannot_be_edited() -> None:
    packed = gzip.compress(b"text")
    named = packed[:3] + b"\x08" + packed[4:10] + b"Kari.txt\0" + packed[10:]
    result = decoded(a_message(named, "text/plain", coding="gzip"))

    assert [one.text for one in result.segments] == ["Kari.txt\0", "text"]
    with pytest.raises(SpliceError, match="cannot be written"):
        result.splice({"body.gzip:header": [Edit(0, 4, "x")]})


def test_stacked_codings_are_undone_last_first_up_to_the_limit() -> None:
    packed = zstd.compress(brotli.compress(gzip.compress(BODY)))

    assert read(packed, "application/json", "gzip, br, zstd")["body.json:/name"] == "Kari Nordmann"
    assert reasons(packed, "application/json", "gzip, br, zstd, gzip, gzip") == ["too-deep"]


@EVERY_CODING
def test_a_bomb_is_refused_before_it_takes_memory(coding: str, compress: Callable[[bytes], bytes]) -> None:
    bomb = compress(bytes(64 * MIB))
    message = a_message(bomb, "text/plain", coding=coding)
    tracemalloc.start()
    try:
        result = decoded(message)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [one.reason for one in result.unread] == ["expands-too-much"]
    assert peak < 24 * MIB


def test_a_bomb_inside_a_bomb_is_refused() -> None:
    bomb = gzip.compress(gzip.compress(bytes(64 * MIB)))

    assert reasons(bomb, "text/plain", "gzip, gzip") == ["expands-too-much"]


def test_a_great_many_empty_members_are_refused() -> None:
    assert reasons(gzip.compress(b"") * 2_000, "text/plain", "gzip") == ["too-many-parts"]


def test_expansion_within_ratio_and_total_is_read() -> None:
    text = b"Kari Nordmann, " * 1_000

    assert read(gzip.compress(text), "text/plain", "gzip") == {"body.text:": text.decode()}
    assert [
        one.reason
        for one in decoded(
            a_message(gzip.compress(text), "text/plain", coding="gzip"), Limits(max_expanded_bytes=10_000)
        ).unread
    ] == ["expands-too-much"]


def test_a_body_over_the_limit_is_not_read_at_all() -> None:
    result = decoded(a_message(b"Kari" * 10, "text/plain"), Limits(max_body_bytes=39))

    assert (result.segments, [one.reason for one in result.unread]) == ((), ["too-large"])
