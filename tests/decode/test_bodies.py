"""Which reader reads a body, and in what charset."""

from __future__ import annotations

import pytest

from gateway.core.model import Edit, Message
from gateway.decode import Limits, decode
from tests.decode.builders import a_message, decoded, read, reasons, replaced


def test_plain_text_is_one_segment() -> None:
    assert read(b"Kari Nordmann", "text/plain") == {"body.text:": "Kari Nordmann"}


def test_an_empty_or_blank_body_holds_nothing() -> None:
    assert read(b"", "application/json") == {}
    assert read(b" \r\n", "text/plain") == {}


def test_a_body_under_get_is_read() -> None:
    message = Message("GET", b"/", ((b"content-type", b"text/plain"),), b"Kari")

    assert [one.text for one in decode(message, Limits(), frozenset({"content-type"})).segments] == ["Kari"]


@pytest.mark.parametrize("media_type", [None, "application/octet-stream", "application/graphql", "nonsense"])
def test_clean_text_of_an_unknown_type_is_read_as_text(media_type: str | None) -> None:
    assert read("Jørgen".encode(), media_type) == {"body.text:": "Jørgen"}


@pytest.mark.parametrize("body", [b"Kari\0", b"\xff\xfe\xfd", b"Rar!\x1a\x07\xe2\xe3"])
def test_binary_of_an_unknown_type_is_unread(body: bytes) -> None:
    assert reasons(body, "application/octet-stream") == ["unknown-media-type"]


@pytest.mark.parametrize(
    "charset", ["iso-8859-1", "windows-1252", "utf-16", "UTF-8", '"utf-16le"', "utf-16be"]
)
def test_the_declared_charset_is_used_and_kept(charset: str) -> None:
    media_type = f"text/plain; charset={charset}"
    body = "Jørgen Ås".encode(charset.strip('"'))

    assert read(body, media_type) == {"body.text:": "Jørgen Ås"}
    assert replaced(body, media_type, "body.text:", "Jørgen", "Å").decode(charset.strip('"')) == "Å Ås"


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"4b617269", "text/plain; charset=hex"),
        (b"Kari", "text/plain; charset=cp037"),
        (b"+AEs-ari", "text/plain; charset=utf-7"),
        (b"\xd8\x00", "text/plain; charset=utf-16be"),
    ],
)
def test_charsets_that_are_not_accepted_and_bytes_that_are_not_of_theirs_are_unread(
    body: bytes, media_type: str
) -> None:
    assert reasons(body, media_type) == ["bad-charset"]


@pytest.mark.parametrize(
    ("text", "charset", "media_type"),
    [
        ("Jørgen Ås", "iso-8859-1", "text/plain"),
        ("Jørgen Ås", "iso-8859-1", "text/plain; charset=utf-8"),
        ("Jørgen Ås", "utf-8", "text/plain; charset=us-ascii"),
        ("Jørgen Ås", "utf-8", "text/plain; charset=iso-8859-1"),
        ("Jørgen Ås", "utf-16-le", "text/plain; charset=utf-8"),
        ("Jørgen Ås", "utf-8", "text/plain; charset=no-such"),
        ("Pan Łukasz Wiśniewski, Żary", "cp1250", "text/plain"),
        ("Pan Łukasz Wiśniewski, Żary", "iso-8859-2", "text/plain"),
        ("Госпожа Мария Иванова", "cp1251", "text/plain"),
        ("Госпожа Мария Иванова", "koi8-r", "text/plain"),
        ("Κυρία Μαρία Παπαδοπούλου", "cp1253", "text/plain"),
        ("Jørgen Ås wohnt in Oslo", "cp1252", None),
        ("Jørgen Ås wohnt in Oslo", "utf-16-be", "application/octet-stream"),
    ],
)
def test_text_is_read_by_its_look_where_its_declaration_is_missing_or_untrue(
    text: str, charset: str, media_type: str | None
) -> None:
    body = text.encode(charset)

    assert read(body, media_type) == {"body.text:": text}
    changed = decoded(a_message(body, media_type)).splice({"body.text:": [Edit(0, 3, "X")]})
    assert changed.body == ("X" + text[3:]).encode(charset)


def test_a_byte_order_mark_beats_the_declared_charset() -> None:
    assert read("\ufeffJørgen".encode(), "text/plain; charset=iso-8859-1") == {"body.text:": "Jørgen"}


def test_json_is_utf_8_whatever_is_declared() -> None:
    assert read('["Jørgen"]'.encode(), "application/json; charset=iso-8859-1") == {"body.json:/0": "Jørgen"}


def test_two_content_types_that_differ_make_the_body_unread() -> None:
    headers = ((b"content-type", b"text/plain"), (b"content-type", b"application/json"))
    result = decode(Message("POST", b"", headers, b'["Kari"]'), Limits(), frozenset({"content-type"}))

    assert [one.reason for one in result.unread] == ["ambiguous"]


@pytest.mark.parametrize(
    ("media_type", "address"),
    [
        ("application/vnd.example.v1+json", "body.json:/0"),
        ("Application/JSON; charset=utf-8", "body.json:/0"),
        ("text/json", "body.json:/0"),
    ],
)
def test_media_types_are_known_by_name_and_suffix(media_type: str, address: str) -> None:
    assert read(b'["Kari"]', media_type) == {address: "Kari"}


def test_without_edits_the_very_same_message_comes_back() -> None:
    message = a_message(b'{"a": 1}', "application/json")

    assert decoded(message).splice({}) is message
    assert decoded(message).splice({"body.json:/a": []}) is message
