"""Carriers inside values: whatever a value holds is found, and an edit changes nothing but what was found."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import SpliceError
from gateway.core.model import Edit, Message
from gateway.decode import Limits
from tests.decode.builders import a_message, decoded, reasons

NAME = "Jürgen Köhler"
SENTENCE = f"Kunde {NAME} wartet auf Antwort."

Wrap = Callable[[str], str]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def b64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def wrapped_lines(text: str) -> str:
    return base64.encodebytes((text * 5).encode()).decode().strip()


WRAPS: dict[str, tuple[Wrap, Callable[[str], str]]] = {
    "JSON": (lambda text: json.dumps({"note": text}), lambda text: json.loads(text)["note"]),
    "JSON list": (lambda text: json.dumps([1, text], ensure_ascii=False), lambda text: json.loads(text)[1]),
    "base64": (b64, lambda text: base64.b64decode(text).decode()),
    "base64url": (b64url, lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()),
    "hexadecimal": (lambda text: text.encode().hex(), lambda text: bytes.fromhex(text).decode()),
    "HEXADECIMAL": (lambda text: text.encode().hex().upper(), lambda text: bytes.fromhex(text).decode()),
    "percent": (
        lambda text: quote(text, safe=""),
        unquote,
    ),
    "HTML": (lambda text: f"<p>{escape(text)}</p>", lambda text: unescape(text[3:-4])),
    "entities": (
        lambda text: "".join(f"&#{ord(one)};" if ord(one) > 127 else escape(one) for one in text),
        unescape,
    ),
    "XML": (lambda text: f"<a>{escape(text)}</a>", lambda text: unescape(text[3:-4])),
}


def all_texts(message: Message) -> list[str]:
    result = decoded(message)
    assert result.unread == ()
    return [one.text for one in result.segments]


def taken_out(message: Message, name: str) -> Message:
    """The message without the name, wherever a segment holds it."""
    result = decoded(message)
    edits = {}
    for one in result.segments:
        start = one.text.find(name)
        if start >= 0:
            edits[one.address] = [Edit(start, start + len(name), "[PERSON]")]
    assert edits
    return result.splice(edits)


@pytest.mark.parametrize("outer", WRAPS)
@pytest.mark.parametrize("inner", WRAPS)
def test_a_value_inside_a_value_is_found_and_taken_out(outer: str, inner: str):
    wrap_in, unwrap_in = WRAPS[inner]
    wrap_out, unwrap_out = WRAPS[outer]
    message = a_message(
        json.dumps({"a": "x", "data": wrap_out(wrap_in(SENTENCE))}).encode(), "application/json"
    )

    changed = taken_out(message, NAME)

    value = json.loads(changed.body)["data"]
    assert unwrap_in(unwrap_out(value)) == SENTENCE.replace(NAME, "[PERSON]")


@pytest.mark.parametrize("kind", WRAPS)
@pytest.mark.parametrize(
    ("message", "value"),
    [
        (
            lambda value: a_message(urlencode({"q": value}).encode(), "application/x-www-form-urlencoded"),
            None,
        ),
        (lambda value: a_message(target=f"/x?q={quote(value, safe='')}".encode()), None),
        (lambda value: a_message(x_data=value), None),
        (lambda value: a_message(value.encode(), "text/plain"), None),
        (lambda value: a_message(f"<a>{escape(value)}</a>".encode(), "application/xml"), None),
        (
            lambda value: a_message(
                f'id,data\r\n1,"{value.replace(chr(34), chr(34) * 2)}"\r\n'.encode(), "text/csv"
            ),
            None,
        ),
    ],
    ids=["form", "query", "header", "text", "XML", "CSV"],
)
def test_every_place_for_a_value_is_looked_into(kind: str, message: Callable[[str], Message], value: None):
    made = message(WRAPS[kind][0](SENTENCE))

    assert any(NAME in text for text in all_texts(made))
    assert not any(NAME in text for text in all_texts(taken_out(made, NAME)))


def test_a_run_in_the_middle_of_a_text_is_found_and_the_text_around_it_stays():
    body = f"see {b64(SENTENCE)}, please".encode()

    changed = taken_out(a_message(body, "text/plain"), NAME)

    expected = b64(SENTENCE.replace(NAME, "[PERSON]"))
    assert changed.body == f"see {expected}, please".encode()


def test_base64_in_lines_stays_in_lines_as_wide():
    lines = wrapped_lines(SENTENCE)
    result = decoded(a_message(json.dumps({"content": lines}).encode(), "application/json"))
    (inner,) = [one for one in result.segments if NAME in one.text]

    changed = result.splice({inner.address: [Edit(0, 5, "Kundin")]})

    new = json.loads(changed.body)["content"]
    assert {len(line) for line in new.split("\n")[:-1]} == {76}
    assert base64.b64decode(new).decode() == (SENTENCE * 5).replace("Kunde", "Kundin", 1)


def test_a_data_url_says_what_it_holds():
    csv = b64("name,email\r\nJan Kowalski,jan@example.org\r\n")
    body = json.dumps({"file": f"data:text/csv;base64,{csv}"}).encode()

    texts = {one.address: one.text for one in decoded(a_message(body, "application/json")).segments}

    assert texts["body.json:/file.base64.csv:/2/name"] == "Jan Kowalski"
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(90)).decode()
    image = json.dumps({"url": f"data:image/png;base64,{png}"}).encode()
    assert reasons(image, "application/json") == ["bad-syntax"]


def test_compressed_text_in_base64_is_read():
    packed = base64.b64encode(gzip.compress(SENTENCE.encode())).decode()
    body = json.dumps({"data": packed}).encode()

    changed = taken_out(a_message(body, "application/json"), NAME)

    data = base64.b64decode(json.loads(changed.body)["data"])
    assert gzip.decompress(data).decode() == SENTENCE.replace(NAME, "[PERSON]")


def test_what_a_signed_token_says_is_found_and_cannot_be_taken_out():
    parts = [
        b64url('{"alg":"HS256","typ":"JWT"}'),
        b64url(json.dumps({"name": NAME})),
        "c2lnbmF0dXJlLWJ5dGVz",
    ]
    message = a_message(json.dumps({"token": ".".join(parts)}).encode(), "application/json")

    assert NAME in all_texts(message)
    with pytest.raises(SpliceError, match="signed"):
        taken_out(message, NAME)


@pytest.mark.parametrize(
    "content",
    [b"\x00asm\x01\xff\xfe" + bytes(3000), bytes(range(256)) * 10],
)
def test_content_in_base64_that_nobody_can_read_is_unread(content: bytes):
    body = json.dumps({"attachment": base64.b64encode(content).decode()}).encode()

    assert reasons(body, "application/json") == ["unknown-media-type"]


@pytest.mark.parametrize(
    "value",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "AKIAIOSFODNN7EXAMPLEabcdefgh",
        "internationalization",
        "Donaudampfschifffahrtsgesellschaft",
        "SomeVeryLongCamelCaseIdentifierName",
        "/api/v2/organizations/42/subscriptions",
        "1764000000000",
        "100 % of it, 5 < 6 && b > c",
        "Anna <anna@example.org>",
        "List<String> names = new ArrayList<>();",
        "AT&T; R&D",
        "[PERSON]",
        "{not json}",
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0",
    ],
)
def test_an_ordinary_value_is_only_itself(value: str):
    assert all_texts(a_message(json.dumps([value]).encode(), "application/json")) == [value]


def test_an_edit_of_the_text_and_one_of_what_it_holds_go_together():
    body = json.dumps({"note": f"{NAME}: {b64(SENTENCE)}"}).encode()

    value = json.loads(taken_out(a_message(body, "application/json"), NAME).body)["note"]

    assert value == f"[PERSON]: {b64(SENTENCE.replace(NAME, '[PERSON]'))}"


def test_nesting_is_bounded():
    value = SENTENCE
    for _ in range(12):
        value = json.dumps([value])
    message = a_message(value.encode(), "application/json")

    assert reasons(message.body, "application/json") == []
    shallow = decoded(message, Limits(max_depth=5))
    assert [one.reason for one in shallow.unread] == ["too-deep"]


def test_expansion_is_bounded():
    inside = json.dumps({"a": json.dumps({"b": "x" * 3000})})
    result = decoded(a_message(inside.encode(), "application/json"), Limits(max_expanded_bytes=2000))

    assert [one.reason for one in result.unread] == ["expands-too-much"]


@given(st.text(min_size=1, max_size=40), st.lists(st.sampled_from(sorted(WRAPS)), max_size=4))
def test_what_is_not_edited_stays_to_the_byte(text: str, wraps: list[str]):
    value = text.encode("utf-8", "replace").decode()
    for wrap in wraps:
        value = WRAPS[wrap][0](value)
    message = a_message(json.dumps({"v": value}).encode(), "application/json")

    assert decoded(message).splice({}) == message
