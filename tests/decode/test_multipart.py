"""Multipart bodies."""

from __future__ import annotations

import base64

import pytest

from gateway.core.errors import SpliceError
from gateway.core.model import Edit
from gateway.decode import Limits
from tests.decode.builders import a_message, decoded, read, reasons, replaced

FORM_DATA = "multipart/form-data; boundary=b"


def part(content: bytes, disposition: str = 'form-data; name="note"', **headers: str) -> bytes:
    lines = [f"Content-Disposition: {disposition}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return b"--b\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"


def test_parts_are_read_by_name_and_type() -> None:
    body = (
        part(b"Kari")
        + part(
            b'{"a": "Ola"}',
            'form-data; name="upload"; filename="J\u00f8rgen.json"',
            content_type="application/json",
        )
        + part(b"name\nPer\n", 'form-data; name="list"', content_type="text/csv")
        + b"--b--\r\n"
    )

    texts = read(body, FORM_DATA)

    assert texts["multipart:note"] == "Kari"
    assert texts["multipart:note@name"] == "note"
    assert texts["multipart:upload@filename"] == "Jørgen json"
    assert texts["multipart:upload.json:/a"] == "Ola"
    assert texts["multipart:list.csv:/2/name"] == "Per"


def test_a_part_has_its_field_name_for_label_and_repeats_are_numbered() -> None:
    result = decoded(a_message(part(b"Kari") + part(b"Ola") + b"--b--", FORM_DATA))

    found = {one.address: (one.text, one.label) for one in result.segments}
    assert found["multipart:note"] == ("Kari", "note")
    assert found["multipart:note#2"] == ("Ola", "note")


def test_what_stands_before_and_after_the_parts_is_read() -> None:
    texts = read(b"Kari\r\n" + part(b"x") + b"--b--\r\nOla", FORM_DATA)

    assert (texts["multipart:@preamble"], texts["multipart:@epilogue"].strip()) == ("Kari", "Ola")


def test_headers_of_a_part_are_read_and_so_are_lines_that_are_none() -> None:
    body = b"--b\r\nX-Kari: Ola\r\nPer\r\nContent-Disposition: x; y=z\r\n\r\ntext\r\n--b--"

    texts = " ".join(read(body, FORM_DATA).values())

    assert all(word in texts for word in ("X-Kari", "Ola", "Per", "x; y=z", "text"))


def test_a_part_without_headers_is_read() -> None:
    assert read(b"--b\r\n\r\nKari\r\n--b--", FORM_DATA) == {"multipart:1": "Kari"}


def test_extended_file_names_are_decoded() -> None:
    body = part(b"x", "form-data; name=note; filename*=UTF-8''J%C3%B8rgen.txt") + b"--b--"

    assert read(body, FORM_DATA)["multipart:note@filename*"] == "Jørgen txt"


def test_an_edit_touches_its_part_only() -> None:
    body = b"pre\r\n" + part(b"Kari") + part(b"\x00\xff", content_type="image/png") + b"--b--\r\n"
    result = decoded(a_message(body, FORM_DATA))

    assert result.splice({"multipart:note": [Edit(0, 4, "<N>")]}).body == body.replace(b"Kari", b"<N>")


def test_an_edited_file_name_is_escaped() -> None:
    body = part(b"x", 'form-data; name="note"; filename="Kari.txt"') + b"--b--"

    assert b'filename="\\"K\\".txt"' in replaced(body, FORM_DATA, "multipart:note@filename", "Kari", '"K"')
    with pytest.raises(SpliceError, match="cannot be written"):
        replaced(body, FORM_DATA, "multipart:note@filename", "Kari", "a\r\nb")


def test_a_replacement_cannot_end_a_part() -> None:
    with pytest.raises(SpliceError, match="delimiter"):
        replaced(part(b"Kari") + b"--b--", FORM_DATA, "multipart:note", "Kari", "x\r\n--b--\r\n")


def test_transfer_encodings_are_undone_and_redone() -> None:
    packed = base64.b64encode("Jørgen".encode())
    body = part(packed, content_transfer_encoding="base64") + b"--b--"

    assert read(body, FORM_DATA)["multipart:note"] == "Jørgen"
    assert base64.b64encode(b"J") in replaced(body, FORM_DATA, "multipart:note", "ørgen", "")

    quoted = part(b"J=C3=B8r=\r\ngen", content_transfer_encoding="quoted-printable") + b"--b--"
    assert read(quoted, FORM_DATA)["multipart:note"] == "Jørgen"
    assert b"J=C3=B8N" in replaced(quoted, FORM_DATA, "multipart:note", "rgen", "N")


def test_nested_multipart_is_read() -> None:
    inner = b'--c\r\nContent-Disposition: form-data; name="deep"\r\n\r\nKari\r\n--c--'
    body = part(inner, content_type="multipart/mixed; boundary=c") + b"--b--"

    assert read(body, FORM_DATA)["multipart:note.multipart:deep"] == "Kari"


def test_a_part_that_cannot_be_read_leaves_the_others_readable() -> None:
    body = (
        part(b"\x89PNG\0\xff", 'form-data; name="photo"', content_type="image/png") + part(b"Kari") + b"--b--"
    )
    result = decoded(a_message(body, FORM_DATA))

    assert [(one.address, one.reason) for one in result.unread] == [("multipart:photo", "bad-syntax")]
    assert "Kari" in [one.text for one in result.segments]


def test_a_body_without_its_closing_delimiter_is_truncated_and_read_all_the_same() -> None:
    result = decoded(a_message(part(b"Kari") + b"--b\r\nX-A: b", FORM_DATA))

    assert [one.reason for one in result.unread] == ["truncated"]
    assert "Kari" in [one.text for one in result.segments]


@pytest.mark.parametrize("media_type", ["multipart/form-data", "multipart/form-data; boundary=other"])
def test_without_the_boundary_nothing_is_read(media_type: str) -> None:
    assert reasons(part(b"Kari") + b"--b--", media_type) == ["bad-syntax"]


@pytest.mark.parametrize("encoding", ["base64", "x-uuencode"])
def test_a_transfer_encoding_that_does_not_hold_is_unread(encoding: str) -> None:
    assert reasons(part(b"Kari!", content_transfer_encoding=encoding) + b"--b--", FORM_DATA) == [
        "bad-encoding"
    ]


def test_more_parts_than_the_limit_are_refused() -> None:
    result = decoded(a_message(part(b"x") * 5 + b"--b--", FORM_DATA), Limits(max_parts=4))

    assert [one.reason for one in result.unread] == ["too-many-parts"]


def test_nesting_cannot_multiply_memory() -> None:
    body = b"x" * 100_000
    for level in range(20):
        boundary = b"n%d" % level
        body = b"--%s\r\nContent-Type: multipart/mixed; boundary=n%d\r\n\r\n%s\r\n--%s--" % (
            boundary,
            level - 1,
            body,
            boundary,
        )
    message = a_message(body, "multipart/mixed; boundary=n19")

    result = decoded(message, Limits(max_expanded_bytes=500_000))

    assert [one.reason for one in result.unread] == ["expands-too-much"]
