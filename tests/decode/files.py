"""Files of formats that are read by libraries, made by hand or by other libraries."""

from __future__ import annotations

import io
import sqlite3
import struct
import tarfile
import zlib
from contextlib import closing

import arro3.core as arrow
import arro3.io
import py7zr
import pypdf
from PIL import Image, ImageDraw
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)


def a_tar(members: dict[str, bytes], owner: str = "root", form: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.uname = len(content), owner
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def a_7z(members: dict[str, bytes], password: str | None = None) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password) as archive:
        for name, content in members.items():
            archive.writef(io.BytesIO(content), name)
    return out.getvalue()


def a_pdf(
    text: str, *, author: str = "", note: str = "", attachment: bytes = b"", password: str = ""
) -> bytes:
    """One page of text in a standard font."""
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(300, 300)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
            NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
        }
    )
    fonts = DictionaryObject({NameObject("/F1"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    content = StreamObject()
    content.set_data(b"BT /F1 12 Tf 20 200 Td (" + text.encode("cp1252") + b") Tj ET")
    page[NameObject("/Contents")] = writer._add_object(content)
    if author:
        writer.add_metadata({"/Author": author})
    if note:
        annotation = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Annot"),
                NameObject("/Subtype"): NameObject("/Text"),
                NameObject("/Rect"): ArrayObject([NumberObject(n) for n in (0, 0, 9, 9)]),
                NameObject("/Contents"): TextStringObject(note),
            }
        )
        page[NameObject("/Annots")] = ArrayObject([writer._add_object(annotation)])
    if attachment:
        writer.add_attachment("a.csv", attachment)
    if password:
        writer.encrypt(password)
    return written(writer)


def written(writer: pypdf.PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def revised(pdf: bytes, text: str) -> bytes:
    """The file with a newer revision behind it, in which the page says something else."""
    writer = pypdf.PdfWriter(io.BytesIO(pdf), incremental=True)
    content = StreamObject()
    content.set_data(b"BT /F1 12 Tf 20 200 Td (" + text.encode() + b") Tj ET")
    writer.pages[0][NameObject("/Contents")] = writer._add_object(content)
    return written(writer)


def a_picture(
    form: str = "PNG", *, text: str = "", size: tuple[int, int] = (64, 64), **saved: object
) -> bytes:
    """A white picture, with a text in it."""
    picture = Image.new("RGB", size, "white")
    if text:
        ImageDraw.Draw(picture).text((20, 20), text, fill="black", font_size=40)
    out = io.BytesIO()
    picture.save(out, form, **saved)
    return out.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def a_database(rows: list[tuple[object, ...]], *, column: str = "full_name", deleted: str = "") -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA secure_delete=OFF")
        database.execute(f"CREATE TABLE people ({column}, email)")
        if deleted:
            database.execute("INSERT INTO people VALUES (?, ?)", (deleted * 2000, ""))
            database.execute("DELETE FROM people")
        database.executemany("INSERT INTO people VALUES (?, ?)", rows)
        database.commit()
        return database.serialize()


def a_parquet(columns: dict[str, list[str]]) -> bytes:
    table = arrow.Table.from_pydict(
        {name: arrow.Array(values, arrow.DataType.string()) for name, values in columns.items()}
    )
    out = io.BytesIO()
    arro3.io.write_parquet(table, out)
    return out.getvalue()


def an_rtf(inner: str) -> bytes:
    return (r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}" + inner + "}").encode("ascii")
