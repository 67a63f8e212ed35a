"""TAR, 7z, PDF, RTF, SQLite, Parquet, images, compressed files: found in every corner, edited or never."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from gateway.core.errors import SpliceError
from gateway.core.model import Edit
from gateway.decode import images
from tests.decode import files
from tests.decode.builders import a_message, decoded, read, reasons
from tests.decode.test_codings import zstd

NAME = "Kari Nordmann"
JSON = b'{"name": "Kari Nordmann"}'


def says(content: bytes, text: str = NAME) -> bool:
    return any(text in one.text for one in decoded(a_message(content)).segments)


def edited(content: bytes, text: str = NAME, new: str = "[PERSON]") -> bytes:
    """The content after `text` is replaced wherever it is read."""
    result = decoded(a_message(content))
    edits = {
        one.address: [Edit(at, at + len(text), new)]
        for one in result.segments
        if (at := one.text.find(text)) >= 0
    }
    assert edits
    return result.splice(edits).body


# --- Compressed files ---


@pytest.mark.parametrize(
    ("pack", "unpack"),
    [
        (gzip.compress, gzip.decompress),
        (bz2.compress, bz2.decompress),
        (lzma.compress, lzma.decompress),
        (zstd.compress, zstd.decompress),
    ],
)
def test_a_compressed_file_is_read_to_its_last_stream_and_edited(
    pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes]
) -> None:
    content = pack(b'{"a": 1, ') + pack(JSON[1:])

    assert unpack(edited(content)) == b'{"a": 1, "name": "[PERSON]"}'
    assert reasons(pack(JSON) + b"Kari") in (["trailing-bytes"], ["bad-encoding"])
    assert reasons(pack(JSON)[:-3]) in (["truncated"], ["bad-encoding"])
    assert reasons(pack(bytes(64 << 20))) == ["expands-too-much"]


def test_bombs_in_bombs_are_refused() -> None:
    bomb = gzip.compress(gzip.compress(gzip.compress(bytes(200 << 20))))
    assert reasons(bomb) == ["expands-too-much"]


# --- TAR ---


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_is_edited_and_opens(form: int) -> None:
    content = files.a_tar({"a.json": JSON, "b.txt": b"text " * 200, "c": b""}, form=form)

    changed = edited(content, new="somebody whose name is longer than before" * 20)

    with tarfile.open(fileobj=io.BytesIO(changed)) as archive:
        assert archive.getnames() == ["a.json", "b.txt", "c"]
        read_back = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    assert b"Kari" not in read_back["a.json"]
    assert read_back["b.txt"] == b"text " * 200


def test_names_and_owners_in_a_tar_are_read_and_edited() -> None:
    content = files.a_tar({f"{NAME}.txt": b"a"}, owner=NAME)
    changed = edited(content)
    with tarfile.open(fileobj=io.BytesIO(changed)) as archive:
        assert [(one.name, one.uname) for one in archive] == [("[PERSON].txt", "[PERSON]")]


def test_long_names_in_a_tar_are_read_and_never_edited() -> None:
    content = files.a_tar({f"{'x' * 120}/{NAME}": b"a"}, form=tarfile.PAX_FORMAT)
    with pytest.raises(SpliceError):
        edited(content)


def test_what_stands_behind_a_tar_is_refused() -> None:
    assert reasons(files.a_tar({"a": b"text"}) + NAME.encode()) == ["trailing-bytes"]


def test_a_tar_that_is_compressed_is_edited() -> None:
    changed = edited(gzip.compress(files.a_tar({"a.json": JSON})))
    with tarfile.open(fileobj=io.BytesIO(changed), mode="r:gz") as archive:
        assert archive.extractfile("a.json").read() == b'{"name": "[PERSON]"}'  # type: ignore[union-attr]


# --- What is never edited ---


def said(*, packed: bool) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("Author", NAME, zip=packed)
    return info


READ_ONLY: dict[str, bytes] = {
    "7z": files.a_7z({"a.json": JSON}),
    "7z name": files.a_7z({f"{NAME}.txt": b"a"}),
    "PDF page": files.a_pdf(f"Name: {NAME}"),
    "PDF author": files.a_pdf("text", author=NAME),
    "PDF annotation": files.a_pdf("text", note=NAME),
    "PDF attachment": files.a_pdf("text", attachment=f"name,b\r\n{NAME},1\r\n".encode()),
    "PDF older revision": files.revised(files.a_pdf(NAME), "text"),
    "PDF, bytes behind": files.a_pdf("text") + NAME.encode(),
    "SQLite": files.a_database([(NAME, "x")]),
    "SQLite deleted": files.a_database([("x", "y")], deleted=NAME),
    "Parquet": files.a_parquet({"name": [NAME, "x"]}),
    "PNG text": files.a_picture(pnginfo=said(packed=False)),
    "PNG packed text": files.a_picture(pnginfo=said(packed=True)),
    "PNG, bytes behind": files.a_picture() + NAME.encode(),
    "PNG, unknown chunk": files.a_picture()[:33]
    + files.png_chunk(b"prVt", NAME.encode())
    + files.a_picture()[33:],
    "JPEG comment": files.a_picture("JPEG", comment=NAME.encode()),
    "JPEG, bytes behind": files.a_picture("JPEG") + NAME.encode(),
    "GIF comment": files.a_picture("GIF", comment=NAME.encode()),
    "GIF, bytes behind": files.a_picture("GIF") + NAME.encode() + b";",
    "WebP, XMP": files.a_picture("WEBP", xmp=f"<x:xmpmeta xmlns:x='a'><a>{NAME}</a></x:xmpmeta>".encode()),
}


@pytest.mark.parametrize("name", READ_ONLY)
def test_it_is_found_and_never_edited(name: str) -> None:
    assert says(READ_ONLY[name])
    with pytest.raises(SpliceError):
        edited(READ_ONLY[name])


def exif(tags: dict[int, object], position: bool = False) -> bytes:
    made = Image.Exif()
    for tag, value in tags.items():
        made[tag] = value
    if position:
        made.get_ifd(0x8825).update({1: "N", 2: (59.0, 54.0, 36.0), 3: "E", 4: (10.0, 44.0, 24.0)})
    return made.tobytes()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_who_took_a_picture_and_where_is_found(form: str) -> None:
    content = files.a_picture(form, exif=exif({0x013B: NAME}, position=True))
    texts = read(content)

    assert NAME in texts.values()
    assert "59.910000, 10.740000" in texts.values()


def test_a_blank_picture_is_read_and_one_of_something_is_not_without_text_recognition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "_recognizer", lambda: None)
    assert reasons(files.a_picture()) == []
    assert reasons(files.a_picture(text=NAME, size=(400, 100))) == ["pixels"]


def test_what_a_picture_says_is_read_where_text_recognition_is_installed_and_else_unread() -> None:
    picture = files.a_picture(text=NAME, size=(500, 120))
    if shutil.which("tesseract"):
        assert says(picture)
    else:
        assert reasons(picture) == ["pixels"]


@pytest.mark.parametrize("program", ["exec sleep 60", "exit 3", "kill -9 $$"])
def test_a_picture_is_unread_where_text_recognition_fails_or_takes_too_long(
    program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recognizer = tmp_path / "recognizer"
    recognizer.write_text(f"#!/bin/sh\nexec 1>&- 2>&-\n{program}\n")
    recognizer.chmod(0o700)
    monkeypatch.setattr(images, "_recognizer", lambda: str(recognizer))
    monkeypatch.setattr(images, "_OCR_TIME_LIMIT_S", 0.2)

    assert reasons(files.a_picture(text=NAME, size=(400, 100))) == ["pixels"]


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked() -> None:
    content = files.a_picture()
    head = b"\0\1\0\0\0\1\0\0" + content[24:29]
    huge = content[:8] + files.png_chunk(b"IHDR", head) + content[33:]
    assert reasons(huge) == ["too-large"]


def test_encrypted_files_are_unread() -> None:
    assert reasons(files.a_pdf(NAME, password="secret")) == ["encrypted"]
    assert reasons(files.a_7z({"a": JSON}, password="secret")) == ["encrypted"]


def test_a_7z_bomb_is_refused() -> None:
    assert reasons(files.a_7z({"zeros": bytes(64 << 20)})) == ["expands-too-much"]


# --- RTF ---


def test_rtf_is_read_through_its_looks_and_escapes_and_edited_in_place(tmp_path: Path) -> None:
    content = files.an_rtf(
        r"{\info{\author Kari Nordmann}}Hei, {\b Ka}ri \i Nord\i0 mann fra K\'f8benhavn \u352?.\par"
    )
    texts = [one.text for one in decoded(a_message(content)).segments]
    assert "Hei, Kari Nordmann fra København Š." in texts

    changed = edited(content)

    assert changed == files.an_rtf(
        r"{\info{\author [PERSON]}}Hei, {\b [PERSON]}\i \i0  fra K\'f8benhavn \u352?.\par"
    )
    (tmp_path / "a.rtf").write_bytes(changed)
    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"),
            *("--convert-to", "txt:Text (encoded):UTF8", "--outdir", str(tmp_path), str(tmp_path / "a.rtf")),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert "Hei, [PERSON] fra København Š." in (tmp_path / "a.txt").read_text()


def test_pictures_in_rtf_are_unread() -> None:
    assert reasons(files.an_rtf(r"text{\pict " + "0f" * 200 + "}")) == ["pixels"]


# --- Any of them, damaged ---

EVERY = [*READ_ONLY.values(), files.a_tar({"a.json": JSON}), files.an_rtf(r"{\b Kari} \'f8")]


@settings(max_examples=200)
@given(st.sampled_from(EVERY), st.data())
def test_a_damaged_file_raises_nothing(content: bytes, data: st.DataObject) -> None:
    broken = bytearray(content[: data.draw(st.integers(1, len(content)))])
    for _ in range(data.draw(st.integers(0, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    result = decoded(a_message(bytes(broken)))
    assert result.splice({}).body == bytes(broken)
