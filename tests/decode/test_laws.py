"""What holds for every message, whatever its format: nothing raises, nothing is lost, nothing else changes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

import brotli
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gateway.core.errors import SpliceError
from gateway.core.model import Edit, Message
from gateway.decode import REASONS, Decoded, Limits
from gateway.decode.bodies import read_body
from gateway.decode.embedded import read_inside
from gateway.decode.media import decode_charset
from gateway.decode.reading import Inside, Place, Reading
from tests.decode.builders import a_message, decoded

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])

MEDIA_TYPES = st.sampled_from(
    [
        None,
        "application/json",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "application/xml",
        "text/html",
        "text/csv",
        "text/tab-separated-values",
        "text/plain; charset=iso-8859-1",
        "text/plain; charset=utf-16",
        "multipart/form-data; boundary=b",
        "multipart/mixed",
        "application/octet-stream",
        "application/vnd.example+json; charset=hex",
    ]
)
VISIBLE = r"""
    \ " \u00 \ud83d { } [ ] : , 1 - e9 null -- --b < > <a </a> <!-- --> <![CDATA[ ]]> <?x ?> &amp; &#x & = ' <title>
    <script> </script> % %41 %C3 %B8 + ; / ? # a ø Kari Content-Disposition:form-data;name= Content-Type:text/html
"""
PIECES = st.sampled_from([*VISIBLE.encode().split(), b" ", b"\n", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf"])
NOISE = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map(b"".join))


@settings(max_examples=400)
@given(NOISE, MEDIA_TYPES, NOISE, NOISE, st.sampled_from([None, "gzip", "br", "zstd", "deflate", "compress"]))
def test_any_bytes_decode_without_error_and_splice_back_to_themselves(
    body: bytes, media_type: str | None, target: bytes, header: bytes, coding: str | None
) -> None:
    message = a_message(body, media_type, target, coding)
    message = Message("POST", target, (*message.headers, (b"x-note", header), (b"cookie", header)), body)

    result = decoded(message)

    assert result.splice({}) is message
    assert {unread.reason for unread in result.unread} <= REASONS
    addresses = [segment.address for segment in result.segments]
    assert len(set(addresses)) == len(addresses)
    assert all(segment.text for segment in result.segments)


@settings(max_examples=300)
@given(NOISE, MEDIA_TYPES, NOISE, st.data())
def test_replacing_a_text_by_itself_leaves_its_meaning_and_the_other_texts_as_they_were(
    body: bytes, media_type: str | None, target: bytes, data: st.DataObject
) -> None:
    result = decoded(a_message(body, media_type, target))
    assume(result.segments and not result.unread)
    chosen = data.draw(st.sampled_from(result.segments))
    # In a form of another charset the edit is written in escapes, and the charset may be guessed anew from the rest.
    assume(media_type != "application/x-www-form-urlencoded" or decode_charset(body, "utf-8") is not None)
    # What made a text a form may be the very escape that the edit writes plainly.
    assume(".form:" not in chosen.address)
    # An entity has a semicolon, of which a table's own delimiter may be guessed.
    assume(media_type != "text/csv" or ".html:" not in chosen.address)
    start = data.draw(st.integers(0, len(chosen.text) - 1))
    edit = Edit(start, start + 1, chosen.text[start])
    try:
        again = decoded(result.splice({chosen.address: [edit]}))
    except SpliceError:
        return

    assert not again.unread
    assert [one.text for one in again.segments] == [one.text for one in result.segments]


# --- Documents, made by the standard library's own writers wherever it has one ---

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=12)
WORDS = st.text("abcdefghij", min_size=1, max_size=6)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
ROWS = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(TEXTS, min_size=width, max_size=width), min_size=1, max_size=5)
)
PAIRS = st.lists(st.tuples(WORDS, TEXTS), min_size=1, max_size=6)


def as_csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([[f"column {number}" for number in range(len(rows[0]))], *rows])
    return out.getvalue().encode()


def as_xml(pairs: list[tuple[str, str]]) -> bytes:
    inner = "".join(
        f"<{name} a={quoteattr(text)}>{escape(text)}<!-- {name} --></{name}>" for name, text in pairs
    )
    return f'<?xml version="1.0"?>\n<all>{inner}</all>'.encode()


def as_html(pairs: list[tuple[str, str]]) -> bytes:
    inner = "".join(f"<p title={quoteattr(text)}>{escape(text)}<br></p>" for _, text in pairs)
    return f"<!DOCTYPE html><body>{inner}</body>".encode()


def as_multipart(pairs: list[tuple[str, str]]) -> bytes:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in pairs
    ]
    return ("".join(parts) + "--b--\r\n").encode()


def ascii_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def plain_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-16")


def as_form(pairs: list[tuple[str, str]]) -> bytes:
    return urlencode(pairs).encode()


DOCUMENTS = st.one_of(
    st.tuples(st.just("application/json"), JSON_VALUES.map(ascii_json)),
    st.tuples(st.just("application/json"), JSON_VALUES.map(plain_json)),
    st.tuples(st.just("application/x-www-form-urlencoded"), PAIRS.map(as_form)),
    st.tuples(st.just("text/csv"), ROWS.map(as_csv)),
    st.tuples(st.just("application/xml"), PAIRS.map(as_xml)),
    st.tuples(st.just("text/html"), PAIRS.map(as_html)),
    st.tuples(st.just("multipart/form-data; boundary=b"), PAIRS.map(as_multipart)),
)


def editable(result: Decoded) -> list[str]:
    return [one.address for one in result.segments if not one.address.endswith(("@element", "@attribute"))]


def holds_nothing(text: str) -> bool:
    """Whether a text is only itself."""
    return read_inside(text, Place(Reading(Limits(), read_body, read_inside), "x"), "x", "") == Inside()


@FEW
@given(DOCUMENTS, TEXTS, st.data())
def test_edited_texts_change_and_no_other_text_does(
    document: tuple[str, bytes], replacement: str, data: st.DataObject
) -> None:
    media_type, body = document
    result = decoded(a_message(body, media_type))
    assume(not result.unread and editable(result))
    chosen = data.draw(st.sets(st.sampled_from(editable(result)), min_size=1, max_size=3))
    edits, expected = {}, []
    for segment in result.segments:
        text = segment.text
        if segment.address in chosen:
            start = data.draw(st.integers(0, len(text)))
            end = data.draw(st.integers(start, len(text)))
            edits[segment.address] = [Edit(start, end, replacement)]
            text = text[:start] + replacement + text[end:]
        expected.append(text)
    # What reads as a carrier once the edit is made, as "%41" does, is read as one.
    assume(all(holds_nothing(text) for text in expected))
    try:
        changed = result.splice(edits)
    except SpliceError:
        # A comment holds no "--", and a quoted file name no line break; everything else can be written.
        assert any("!comment" in address or media_type.startswith("multipart") for address in chosen)
        return

    again = decoded(changed)

    assert not again.unread
    assert [one.text for one in again.segments] == [text for text in expected if text and not text.isspace()]


@FEW
@given(DOCUMENTS, st.data())
def test_bytes_before_and_after_an_edited_text_stay_as_they_were(
    document: tuple[str, bytes], data: st.DataObject
) -> None:
    media_type, body = document
    result = decoded(a_message(body, media_type))
    assume(not result.unread and editable(result))
    chosen = data.draw(st.sampled_from(editable(result)))
    text = next(one.text for one in result.segments if one.address == chosen)

    first = result.splice({chosen: [Edit(0, len(text), "XXXX")]}).body
    second = result.splice({chosen: [Edit(0, len(text), "YYYY")]}).body

    differing = [at for at, (one, other) in enumerate(zip(first, second, strict=True)) if one != other]
    before, after = first[: differing[0]], first[differing[-1] + 1 :]
    # Quotes may have been added around an edited number.
    assert body.startswith(before.rstrip(b'"\0'))
    assert body.endswith(after.lstrip(b'"\0'))
    assert len(before) + len(after) <= len(body) + 4


PARSERS: dict[str, Callable[[bytes], Any]] = {
    "application/json": json.loads,
    "application/x-www-form-urlencoded": lambda body: parse_qsl(body.decode(), keep_blank_values=True),
    "text/csv": lambda body: list(csv.reader(io.StringIO(body.decode(), newline=""))),
    "application/xml": lambda body: [(one.tag, one.text, one.attrib) for one in ET.fromstring(body).iter()],
    "multipart/form-data; boundary=b": lambda body: [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
        for part in BytesParser()
        .parsebytes(b"Content-Type: multipart/form-data; boundary=b\r\n\r\n" + body)
        .get_payload()
    ],
}


@FEW
@given(DOCUMENTS.filter(lambda document: document[0] in PARSERS), st.data())
def test_other_parsers_read_the_edited_document_as_the_original_with_that_text_replaced(
    document: tuple[str, bytes], data: st.DataObject
) -> None:
    media_type, body = document
    planted = "Qwertz"
    result = decoded(a_message(body, media_type))
    values = [one for one in result.segments if one.address in editable(result) and "@" not in one.address]
    assume(not result.unread and values)
    chosen = data.draw(st.sampled_from(values))
    assume("!comment" not in chosen.address)
    edit = {chosen.address: [Edit(0, len(chosen.text), planted)]}

    before = PARSERS[media_type](body)
    after = PARSERS[media_type](result.splice(edit).body)

    assert leaves(after).count(planted) == leaves(before).count(planted) + 1
    assert len(leaves(after)) == len(leaves(before))
    assert sum(one != other for one, other in zip(leaves(before), leaves(after), strict=True)) == 1


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in (key, *leaves(inner))]
    if isinstance(value, list | tuple):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [value.decode() if isinstance(value, bytes) else value]


@FEW
@given(DOCUMENTS, st.integers(0, 10_000))
def test_a_word_planted_anywhere_is_in_a_segment_or_makes_the_message_unread(
    document: tuple[str, bytes], place: int
) -> None:
    media_type, body = document
    assume(not body.startswith((b"\xff\xfe", b"\xfe\xff")))
    at = place % (len(body) + 1)
    planted = body[:at] + b"Zwxvy" + body[at:]

    result = decoded(a_message(planted, media_type))

    assert (
        result.unread or any("zwxvy" in one.text.lower() for one in result.segments) or escaped(planted, at)
    )


def escaped(planted: bytes, at: int) -> bool:
    """Whether the word landed inside an escape, tag or declaration that it may complete or destroy."""
    around = planted[max(0, at - 12) : at + 12]
    return bool(re.search(rb"&[#a-z0-9]*Zwxvy|\\u?[0-9a-f]*Zwxvy|%[0-9A-F]?Zwxvy", around))


@FEW
@given(DOCUMENTS, st.lists(st.sampled_from(["gzip", "deflate", "br"]), min_size=1, max_size=3))
@example(("application/json", b'{"a": "b"}'), ["gzip"])
def test_content_codings_change_nothing_about_what_is_read(
    document: tuple[str, bytes], codings: list[str]
) -> None:
    media_type, body = document
    compress = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}
    packed = body
    for coding in codings:
        packed = compress[coding](packed)

    plain = decoded(a_message(body, media_type))
    result = decoded(a_message(packed, media_type, coding=", ".join(codings)))

    assert result.segments == plain.segments
    assert result.unread == plain.unread
    for address in editable(plain)[:1]:
        text = next(one.text for one in plain.segments if one.address == address)
        edit = {address: [Edit(0, len(text), "QQ")]}
        again = decoded(result.splice(edit))
        assert again.segments == decoded(plain.splice(edit)).segments


@pytest.mark.parametrize("edit", [Edit(0, 99, ""), Edit(-1, 1, ""), Edit(3, 2, "")])
def test_an_edit_outside_the_text_is_refused(edit: Edit) -> None:
    with pytest.raises(SpliceError, match="outside"):
        decoded(a_message(b"Kari", "text/plain")).splice({"body.text:": [edit]})


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(SpliceError, match="overlap"):
        decoded(a_message(b"Kari", "text/plain")).splice({"body.text:": [Edit(0, 3, ""), Edit(2, 4, "")]})


def test_an_unknown_address_is_refused() -> None:
    with pytest.raises(SpliceError, match="not in this message"):
        decoded(a_message(b"Kari", "text/plain")).splice({"body.json:/a": [Edit(0, 1, "")]})
