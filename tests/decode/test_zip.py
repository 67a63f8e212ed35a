"""ZIP archives: every byte is read or on record as unread, and an edit leaves all other members as they were."""

from __future__ import annotations

import io
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import SpliceError
from gateway.core.model import Edit
from gateway.decode import Limits
from tests.decode.builders import a_message, decoded, read, reasons

PERSON = b'{"name": "Kari Nordmann"}'
ADDRESS = "body.zip:people.json.json:/name"
Members = dict[str, bytes]


def packed(members: Members, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.comment = comment
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10)), content, method)
    return out.getvalue()


def unpacked(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {one.filename: archive.read(one) for one in archive.infolist()}


def edited(content: bytes, address: str, old: str, new: str) -> bytes:
    result = decoded(a_message(content, "application/zip"))
    text = next(one.text for one in result.segments if one.address == address)
    start = text.index(old)
    return result.splice({address: [Edit(start, start + len(old), new)]}).body


BOTH: Members = {"readme.txt": b"nothing here\n" * 20, "people.json": PERSON, "logo.svg": b"<svg/>"}


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_an_edit_changes_its_member_and_no_other(method: int) -> None:
    content = packed(BOTH, method)

    changed = edited(content, ADDRESS, "Kari Nordmann", "<PERSON>")

    assert unpacked(changed) == BOTH | {"people.json": b'{"name": "<PERSON>"}'}
    before, after = (zipfile.ZipFile(io.BytesIO(one)).infolist() for one in (content, changed))
    for one, other in zip(before, after, strict=True):
        assert (one.filename, one.date_time, one.compress_type) == (
            other.filename,
            other.date_time,
            other.compress_type,
        )
    second = content.index(b"PK\x03\x04", 4)
    assert changed[:second] == content[:second]


def test_zip_tools_accept_the_changed_archive(tmp_path: Path) -> None:
    changed = edited(packed(BOTH, comment=b"a comment"), ADDRESS, "Kari", "somebody of a much longer name")
    file = tmp_path / "changed.zip"
    file.write_bytes(changed)

    subprocess.run(["unzip", "-tqq", str(file)], check=True)


def test_names_and_comments_are_read_and_can_be_edited() -> None:
    content = packed({"CV of Kari Nordmann.txt": b"empty"}, comment=b"for Kari Nordmann")
    texts = read(content)
    assert texts["body.zip:CV of Kari Nordmann.txt@filename"] == "CV of Kari Nordmann txt"

    content = edited(content, "body.zip:CV of Kari Nordmann.txt@filename", "Kari Nordmann", "<NAME>")
    content = edited(content, "body.zip:@comment", "Kari Nordmann", "somebody")

    assert unpacked(content) == {"CV of <NAME>.txt": b"empty"}
    assert zipfile.ZipFile(io.BytesIO(content)).comment == b"for somebody"
    assert b"Nordmann" not in content


def test_the_comment_of_one_member_is_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        member = zipfile.ZipInfo("a.txt")
        member.comment = b"from Kari Nordmann"
        archive.writestr(member, b"text")

    assert read(out.getvalue())["body.zip:a.txt@comment"] == "from Kari Nordmann"
    changed = edited(out.getvalue(), "body.zip:a.txt@comment", "Kari Nordmann", "X")
    assert zipfile.ZipFile(io.BytesIO(changed)).infolist()[0].comment == b"from X"


def test_archives_in_archives_are_read_and_edited() -> None:
    inner = packed({"people.json": PERSON})
    content = packed({"a/inner.zip": inner, "b.txt": b"text"}, zipfile.ZIP_STORED)
    address = "body.zip:a/inner.zip.zip:people.json.json:/name"
    assert read(content)[address] == "Kari Nordmann"

    changed = unpacked(edited(content, address, "Kari Nordmann", "X"))

    assert unpacked(changed["a/inner.zip"]) == {"people.json": b'{"name": "X"}'}


def test_a_stream_of_unknown_length_is_read_and_edited() -> None:
    """Writers that cannot go back put the sums behind the data."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.made = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.made += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("people.json", PERSON)
        archive.writestr("b.txt", b"text")

    changed = edited(pipe.made, ADDRESS, "Kari Nordmann", "X")

    assert unpacked(changed) == {"people.json": b'{"name": "X"}', "b.txt": b"text"}


def test_large_numbers_in_extra_fields_follow_an_edit() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("people.json", "w", force_zip64=True) as member:
            member.write(PERSON)
        archive.writestr("b.txt", b"text")

    assert unpacked(edited(out.getvalue(), ADDRESS, "Kari", "X"))["people.json"] == b'{"name": "X Nordmann"}'


def test_what_stands_before_the_archive_is_read() -> None:
    content = b"#!/bin/sh\n# written by Kari Nordmann\n" + packed({"a.txt": b"text"})

    assert "Kari Nordmann" in read(content)["body.zip:@between0"]
    assert "Kari Nordmann" in read(content, "text/plain; charset=iso-8859-1")["body.zip:@between0"]
    assert reasons(b"\x7fELF\x00\x01" + content) == ["unknown-media-type"]


def test_what_stands_behind_the_archive_is_refused() -> None:
    assert reasons(packed({"a.txt": b"text"}) + b"Kari Nordmann") == ["trailing-bytes"]


def test_an_encrypted_member_is_unread_and_the_others_are_read() -> None:
    content = bytearray(packed(BOTH))
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(sign) + at] |= 1
    result = decoded(a_message(bytes(content)))

    assert [one.reason for one in result.unread] == ["encrypted"]
    assert any(one.text == "Kari Nordmann" for one in result.segments)


def test_headers_that_disagree_are_refused() -> None:
    """One program would unpack the directory's name, another that of the local header."""
    content = packed(BOTH)
    at = content.index(b"people.json")
    assert reasons(content[:at] + b"PEOPLE.json" + content[at + 11 :]) == ["ambiguous"]


def test_a_member_that_the_directory_leaves_out_is_not_overlooked() -> None:
    two = packed({"a.txt": b"Kari Nordmann", "b.txt": b"text"}, zipfile.ZIP_STORED)
    one = packed({"b.txt": b"text"}, zipfile.ZIP_STORED)
    hidden = two[: two.index(b"PK\x03\x04", 1)]
    directory = one.index(b"PK\x01\x02")

    assert reasons(hidden + one[:directory] + one[directory:]) == ["truncated"]


def test_two_directories_are_refused() -> None:
    decoy = packed({"a.txt": b"text"})
    comment = decoy[decoy.index(b"PK\x05\x06") :]
    assert reasons(packed(BOTH, comment=comment)) == ["ambiguous"]


def test_entries_that_share_their_data_are_refused() -> None:
    content = bytearray(packed({"a.txt": b"x" * 500, "b.txt": b"x" * 500}, zipfile.ZIP_STORED))
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", content, second + 42, 0)
    assert reasons(bytes(content)) == ["ambiguous"]


def test_a_wrong_sum_or_size_is_refused() -> None:
    content = bytearray(packed({"a.txt": b"texttext"}, zipfile.ZIP_STORED))
    content[content.index(b"texttext")] ^= 1
    assert reasons(bytes(content)) == ["bad-syntax"]


def test_both_members_of_one_name_are_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", b"text")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.txt", b"Kari Nordmann")

    assert "Kari Nordmann" in read(out.getvalue()).values()


def test_an_unknown_extra_field_is_read_and_not_edited() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        member = zipfile.ZipInfo("a.txt")
        member.extra = struct.pack("<2H", 0x7777, 13) + b"Kari Nordmann"
        archive.writestr(member, b"text")
    result = decoded(a_message(out.getvalue()))
    hidden = next(one for one in result.segments if one.text == "Kari Nordmann")

    with pytest.raises(SpliceError):
        result.splice({hidden.address: [Edit(0, 4, "X")]})


def test_a_name_that_climbs_out_touches_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read(packed({"../../etc/passwd": b"text", "/absolute": b"text"}))
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_is_refused_and_so_is_too_many_members() -> None:
    bomb = packed({"zeros": bytes(64 << 20)})
    assert len(bomb) < 1 << 17
    assert reasons(bomb) == ["expands-too-much"]
    small = packed({str(number): b"A" * (1 << 20) for number in range(64)})
    assert reasons(small) == ["expands-too-much"]
    many = packed({str(number): b"" for number in range(11)})
    assert [one.reason for one in decoded(a_message(many), Limits(max_parts=10)).unread] == ["too-many-parts"]


def test_nesting_without_end_is_refused() -> None:
    content = b"Kari Nordmann"
    for _ in range(70):
        content = packed({"a": content}, zipfile.ZIP_STORED)
    assert reasons(content) == ["too-deep"]


NAMES = st.text("abcxyz-_ ØÅ中", min_size=1, max_size=8).filter(str.strip)
MEMBERS = st.dictionaries(NAMES, st.text("abc \n", max_size=40), min_size=1, max_size=5)


@settings(max_examples=60)
@given(MEMBERS, st.sampled_from([0, 8, 12, 14]), st.binary(max_size=0), st.data())
def test_every_member_can_be_replaced_and_all_others_stay(
    members: dict[str, str], method: int, comment: bytes, data: st.DataObject
) -> None:
    content = packed({name: text.encode() for name, text in members.items()}, method, comment)
    result = decoded(a_message(content))
    assert result.unread == ()
    assert result.splice({}).body is content
    texts = {one.address: one.text for one in result.segments if "@" not in one.address}
    if not texts:
        return
    address = data.draw(st.sampled_from(sorted(texts)))

    changed = unpacked(result.splice({address: [Edit(0, len(texts[address]), "<X>")]}).body)

    differing = {name for name, text in members.items() if changed[name] != text.encode()}
    assert len(differing) == 1
    assert changed[differing.pop()] == b"<X>"


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_archive_raises_nothing(data: st.DataObject) -> None:
    content = bytearray(packed(BOTH, data.draw(st.sampled_from([0, 8])), b"note"))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    result = decoded(a_message(bytes(content)))
    assert result.splice({}).body == bytes(content)
    assert zlib.crc32(content)
