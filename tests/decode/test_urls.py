"""Request targets, forms, cookies and header values."""

from __future__ import annotations

import pytest

from gateway.core.errors import SpliceError
from gateway.core.model import Edit, Message
from gateway.decode import Limits, decode
from tests.decode.builders import a_message, decoded, read, replaced, whole

FORM = "application/x-www-form-urlencoded"


def of_target(target: bytes) -> dict[str, str]:
    result = decoded(a_message(target=target))
    assert result.unread == ()
    return {segment.address: segment.text for segment in result.segments}


def test_path_and_query_are_decoded() -> None:
    assert of_target(b"/v1/J%C3%B8rgen%20%C3%85s/?email=kari%40example.org&q=a+b&flag") == {
        "path:1": "v1",
        "path:2": "Jørgen Ås",
        "query:email@name": "email",
        "query:email": "kari@example.org",
        "query:q@name": "q",
        "query:q": "a b",
        "query:flag@name": "flag",
    }


def test_the_absolute_form_yields_what_follows_the_host_and_who_is_named_before_it() -> None:
    assert of_target(b"https://kari@example.org:443/a?b=c#d") == {
        "target:userinfo": "kari",
        "path:1": "a",
        "query:b@name": "b",
        "query:b": "c",
        "target:fragment": "d",
    }


def test_repeated_names_are_numbered() -> None:
    texts = of_target(b"/?to=a&to=b&to=c")

    assert [texts["query:to"], texts["query:to#2"], texts["query:to#3"]] == ["a", "b", "c"]


def test_invalid_escapes_stand_for_themselves_and_foreign_ones_read_as_latin_1() -> None:
    texts = of_target(b"/?a=100%&b=%zz&c=J%F8rgen")

    assert [texts["query:a"], texts["query:b"], texts["query:c"]] == ["100%", "%zz", "Jørgen"]


def test_an_edit_of_a_target_is_percent_encoded_and_touches_nothing_else() -> None:
    result = decoded(a_message(target=b"/a%2fb/J%c3%b8rgen?x=%7E&n=Kari+Nes"))

    changed = result.splice({"path:2": [Edit(1, 2, "/ø")], "query:n": [Edit(0, 4, "<&>")]})

    assert changed.target == b"/a%2fb/J%2F%C3%B8rgen?x=%7E&n=%3C%26%3E+Nes"


def test_a_replacement_that_would_complete_an_escape_is_refused() -> None:
    result = decoded(a_message(target=b"/?a=%4Kari"))

    with pytest.raises(SpliceError, match="read as something else"):
        result.splice({"query:a": [Edit(2, 6, "1")]})


def test_a_target_that_is_not_utf_8_is_unread() -> None:
    assert [unread.address for unread in decoded(a_message(target=b"/\xff")).unread] == ["target"]


def test_a_connect_target_is_a_destination_and_no_data() -> None:
    message = Message("CONNECT", b"example.org:443", (), b"")

    assert decode(message, Limits(), frozenset()).segments == ()


def test_names_and_values_of_a_form_are_segments() -> None:
    body = b"name=Kari+Nordmann&e%2Dmail=kari%40example.org&x"

    assert read(body, FORM) == {
        "form:name@name": "name",
        "form:name": "Kari Nordmann",
        "form:e-mail@name": "e-mail",
        "form:e-mail": "kari@example.org",
        "form:x@name": "x",
    }
    assert (
        replaced(body, FORM, "form:name", "Kari", "A&B")
        == b"name=A%26B+Nordmann&e%2Dmail=kari%40example.org&x"
    )


def test_a_form_value_has_its_name_for_label() -> None:
    segments = decoded(a_message(b"name=Kari", FORM)).segments

    assert [(one.text, one.label) for one in segments] == [("name", ""), ("Kari", "name")]


def test_braces_with_percent_escapes_are_a_form_whose_name_is_json() -> None:
    assert read(b'{"a":"%4Aan"}', FORM) == {
        'form:{"a":"Jan"}@name.json:/a@key': "a",
        'form:{"a":"Jan"}@name.json:/a': "Jan",
    }


def test_header_values_are_segments_but_for_those_named_as_transport() -> None:
    message = a_message(x_user="Kari Nordmann", host="example.org")

    assert [(one.address, one.text, one.label) for one in decoded(message).segments] == [
        ("header:x-user", "Kari Nordmann", "x-user")
    ]


def test_cookies_are_taken_apart() -> None:
    result = decoded(a_message(cookie="id=7; user=kari%40example.org"))

    assert {one.address: one.text for one in result.segments} == {
        "cookie:id@name": "id",
        "cookie:id": "7",
        "cookie:user@name": "user",
        "cookie:user": "kari@example.org",
    }
    changed = result.splice({"cookie:user": [Edit(0, 4, ";")]})
    assert changed.headers == ((b"cookie", b"id=7; user=%3B%40example.org"),)


def test_addresses_in_headers_are_decoded() -> None:
    result = decoded(a_message(referer="https://example.org/?u=kari%40example.net"))

    assert result.segments[0].text.endswith("kari@example.net")


def test_headers_that_are_not_utf_8_read_as_latin_1_and_stay_so() -> None:
    message = Message("POST", b"", ((b"x-user", "Jørgen Ås".encode("latin-1")),), b"")
    result = decode(message, Limits(), frozenset())

    assert result.segments[0].text == "Jørgen Ås"
    assert result.splice({"header:x-user": [Edit(0, 6, "Å")]}).headers == ((b"x-user", b"\xc5 \xc5s"),)
    with pytest.raises(SpliceError, match="charset"):
        result.splice({"header:x-user": [Edit(0, 6, "Ł")]})


def test_a_replacement_cannot_begin_a_new_header() -> None:
    result = decoded(a_message(x_user="Kari"))

    with pytest.raises(SpliceError, match="cannot be written"):
        result.splice({"header:x-user": whole("Kari", "a\r\nx-evil: b")})


@pytest.mark.parametrize("header", ["content_md5", "digest", "content_digest"])
def test_a_changed_body_under_a_digest_is_refused_and_a_changed_header_is_not(header: str) -> None:
    result = decoded(a_message(b"Kari", "text/plain", x_user="Ola", **{header: "abc"}))

    with pytest.raises(SpliceError, match="signed"):
        result.splice({"body.text:": [Edit(0, 4, "x")]})
    assert (b"x-user", b"x") in result.splice({"header:x-user": [Edit(0, 3, "x")]}).headers


@pytest.mark.parametrize(
    ("header", "value"), [("signature", "sig1=:abc:"), ("authorization", "AWS4-HMAC-SHA256 Credential=x")]
)
def test_any_change_under_a_signature_is_refused(header: str, value: str) -> None:
    result = decoded(a_message(b"", target=b"/Kari", **{header: value}))

    with pytest.raises(SpliceError, match="signed"):
        result.splice({"path:1": [Edit(0, 4, "x")]})
