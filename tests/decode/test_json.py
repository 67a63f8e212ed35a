"""JSON: which places are segments, and how an edit is written there."""

from __future__ import annotations

import json

import pytest

from gateway.core.errors import SpliceError
from gateway.core.model import Edit
from tests.decode.builders import a_message, decoded, read, reasons, replaced

JSON = "application/json"


def test_strings_numbers_and_keys_are_segments_and_keywords_are_not() -> None:
    body = b'{"messages": [{"role": "user", "id": 44051401359, "draft": true}, null]}'

    assert read(body, JSON) == {
        "body.json:/messages@key": "messages",
        "body.json:/messages/0/role@key": "role",
        "body.json:/messages/0/role": "user",
        "body.json:/messages/0/id@key": "id",
        "body.json:/messages/0/id": "44051401359",
        "body.json:/messages/0/draft@key": "draft",
    }


def test_the_label_of_a_value_is_its_nearest_key() -> None:
    result = decoded(a_message(b'{"people": [["Kari"], {"age": 7}], "x": 1}', JSON))

    labels = {segment.text: segment.label for segment in result.segments if "@key" not in segment.address}
    assert labels == {"Kari": "people", "7": "age", "1": "x"}


def test_escapes_are_undone_in_values_and_keys() -> None:
    texts = read(rb'{"na\u006de": "J\u00f8rgen \ud83d\ude00 \"x\"\n"}', JSON)

    assert texts == {"body.json:/name@key": "name", "body.json:/name": 'Jørgen 😀 "x"\n'}


def test_a_lone_surrogate_reads_as_the_replacement_character() -> None:
    assert read(rb'["a\ud83db"]', JSON) == {"body.json:/0": "a\ufffdb"}


def test_pointers_escape_slash_and_tilde_and_repeated_keys_are_numbered() -> None:
    texts = read(b'{"a/b~": 1, "a": 2, "a": 3}', JSON)

    assert texts["body.json:/a~1b~0"] == "1"
    assert (texts["body.json:/a"], texts["body.json:/a#2"]) == ("2", "3")


def test_a_key_that_looks_like_a_numbered_address_takes_no_other_place() -> None:
    result = decoded(a_message(b'{"a#2": 1, "a": 2, "a": 3}', JSON))

    addresses = [segment.address for segment in result.segments]
    assert len(set(addresses)) == len(addresses) == 6


def test_an_edit_is_escaped_and_leaves_the_other_bytes_alone() -> None:
    body = rb'{ "name" : "J\u00f8rgen \u00c5s" , "other":"\u00c5s"}'

    assert replaced(body, JSON, "body.json:/name", "Jørgen", '"<N>"') == (
        rb'{ "name" : "\"<N>\" \u00c5s" , "other":"\u00c5s"}'
    )


def test_an_edited_number_becomes_a_string() -> None:
    assert (
        replaced(b'{"id": 44051401359 }', JSON, "body.json:/id", "44051401359", "<ID>") == b'{"id": "<ID>" }'
    )


def test_an_edited_key_stays_a_key() -> None:
    body = replaced(
        b'{"kari@example.org": {"age": 7}}', JSON, "body.json:/kari@example.org@key", "kari", 'a"b'
    )

    assert json.loads(body) == {'a"b@example.org': {"age": 7}}


def test_several_edits_of_one_text_are_made_at_once() -> None:
    result = decoded(a_message(rb'["\u00e5 Kari \u00e5 Ola"]', JSON))

    changed = result.splice({"body.json:/0": [Edit(9, 12, "B"), Edit(2, 6, "A")]})

    assert changed.body == rb'["\u00e5 A \u00e5 B"]'


def test_content_length_follows_the_body() -> None:
    result = decoded(a_message(b'["Kari"]', JSON, content_length="8"))

    assert (b"content-length", b"11") in result.splice({"body.json:/0": [Edit(0, 4, "<PERSON")]}).headers


@pytest.mark.parametrize(
    "charset", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-8-sig"]
)
def test_the_unicode_charsets_are_told_apart_and_kept(charset: str) -> None:
    body = '{"name": "Jørgen"}'.encode(charset)

    assert read(body, JSON)["body.json:/name"] == "Jørgen"
    assert replaced(body, JSON, "body.json:/name", "ørgen", "XÅ").decode(charset) == '{"name": "JX\\u00c5"}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1} x',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1,}',
        b"{'a': 1}",
        b'{"a"',
        b']"Kari"',
        b'"Kari',
        b"\\",
    ],
)
def test_what_is_declared_json_and_is_not_is_unread(body: bytes) -> None:
    assert reasons(body, JSON) == ["bad-syntax"]


@pytest.mark.parametrize("depth", [65, 300, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    assert reasons(b"[" * depth + b"]" * depth, JSON) == ["too-deep"]
    assert reasons(b'{"a":' * depth + b"1" + b"}" * depth, JSON) == ["too-deep"]


def test_deep_json_in_an_undeclared_body_is_refused_too() -> None:
    assert reasons(b"[" * 100 + b"]" * 100) == ["too-deep"]


def test_nesting_up_to_the_limit_is_read() -> None:
    assert list(read(b"[" * 64 + b'"Kari"' + b"]" * 64, JSON).values()) == ["Kari"]


def test_more_segments_than_the_limit_are_refused() -> None:
    assert reasons(b"[" + b"1," * 200_000 + b"1]", JSON) == ["too-many-parts"]


def test_a_number_of_thousands_of_digits_is_a_text_like_any_other() -> None:
    assert read(b"1" * 5_000, JSON) == {"body.json:": "1" * 5_000}


def test_escaped_quotes_without_end_take_linear_time() -> None:
    assert reasons(b'"' + b'\\"' * 1_000_000, JSON) == ["bad-syntax"]


def test_long_keys_make_no_long_addresses() -> None:
    body = b'{"%s": ' % (b"k" * 10_000) * 60 + b"1" + b"}" * 60

    result = decoded(a_message(body, JSON))

    assert result.unread == ()
    assert max(len(segment.address) for segment in result.segments) < 400
    assert sum(len(segment.text) == 10_000 for segment in result.segments) == 60


def test_json_lines_are_read_one_by_one() -> None:
    body = b'{"a": "Kari"}\r\n\n[1]\n'

    assert read(body, "application/x-ndjson") == {
        "body.ndjson:/0/a@key": "a",
        "body.ndjson:/0/a": "Kari",
        "body.ndjson:/2/0": "1",
    }
    assert (
        replaced(body, "application/x-ndjson", "body.ndjson:/0/a", "Kari", "a\nb")
        == b'{"a": "a\\nb"}\r\n\n[1]\n'
    )


def test_a_bad_line_is_unread_and_the_lines_before_it_are_read() -> None:
    result = decoded(a_message(b'["Kari"]\n{oops\n', "application/jsonl"))

    assert [segment.text for segment in result.segments] == ["Kari"]
    assert [unread.reason for unread in result.unread] == ["bad-syntax"]


@pytest.mark.parametrize(
    "media_type", [None, "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"]
)
def test_json_under_a_type_that_says_little_is_read_as_json(media_type: str | None) -> None:
    assert read(rb'{"n": "J\u00f8rgen"}', media_type)["body.json:/n"] == "Jørgen"


def test_json_lines_in_an_undeclared_body_are_read_as_such() -> None:
    assert read(b'{"n": "J\\u00f8"}\n{"n": "b"}\n')["body.ndjson:/0/n"] == "Jø"


def test_an_edit_that_would_cut_an_escape_is_refused() -> None:
    body = b"<p>&NotEqualTilde;</p>"  # one reference, two characters
    with pytest.raises(SpliceError, match="cuts an escape"):
        decoded(a_message(body, "text/html")).splice({"body.html:p": [Edit(0, 1, "x")]})
