"""Cases for files: archives, compressed files, documents, images."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image, PngImagePlugin

from tests.carriers.case import THING, Case, Sample, Wire
from tests.carriers.formats import json_wire, zstd
from tests.decode import documents, files


def as_zip(
    members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"", before: bytes = b""
) -> bytes:
    """An archive as the standard library writes it, in the year 2024."""
    out = io.BytesIO()
    out.write(before)
    with zipfile.ZipFile(out, "a" if before else "w", method) as archive:
        archive.comment = comment
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10)), content, method)
    return out.getvalue()


def as_json(s: Sample) -> bytes:
    """The sentence in JSON."""
    return json.dumps({"note": s.text}).encode()


def zipped(build: Callable[[Sample], bytes]) -> Callable[[Sample], Wire]:
    """As an upload of a ZIP archive."""
    return lambda s: Wire(build(s), "application/zip")


def file(
    build: Callable[[Sample], bytes], media_type: str = "application/octet-stream"
) -> Callable[[Sample], Wire]:
    """As an upload of a file that nothing more is said about."""
    return lambda s: Wire(build(s), media_type)


def upload(name: str, build: Callable[[Sample], bytes]) -> Callable[[Sample], Wire]:
    """As browsers upload a file."""

    def wire(s: Sample) -> Wire:
        head = f'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        head += "Content-Type: application/octet-stream\r\n\r\n"
        return Wire(
            head.encode() + build(s) + b"\r\n--b0undary--\r\n", "multipart/form-data; boundary=b0undary"
        )

    return wire


def attached(build: Callable[[Sample], bytes]) -> Callable[[Sample], Wire]:
    """In Base64 in JSON, as interfaces for mail and models take files."""
    return lambda s: json_wire({"attachment": {"content": base64.b64encode(build(s)).decode()}})


def data_url(media_type: str, build: Callable[[Sample], bytes]) -> Callable[[Sample], Wire]:
    """In a data URL in JSON."""
    return lambda s: json_wire(
        {"image_url": f"data:{media_type};base64,{base64.b64encode(build(s)).decode()}"}
    )


def as_table(s: Sample) -> bytes:
    """Name and address in CSV."""
    return f"{s.field},email\r\n{s.name},{s.email}\r\n".encode()


def behind_a_script(s: Sample) -> bytes:
    """A self-extracting archive."""
    return as_zip({"a.txt": b"a"}, before=f"#!/bin/sh\n# {s.text}\n".encode())


def note(s: Sample) -> dict[str, bytes]:
    """One member with the sentence."""
    return {"readme.txt": b"order of items\n", "note.json": as_json(s)}


MSG = Path(__file__).with_name("letter.msg").read_bytes()
"""A message as extract-msg writes it, with a run of one letter wherever something may stand."""


def outlook(body: str = "", *, name: str = "", email: str = "", attached: str = "") -> bytes:
    """An Outlook message that says this; what is shorter than its place has blanks behind it."""
    filled = MSG
    for place, content in (("B" * 400, body), ("N" * 60, name), ("E" * 60, email), ("S" * 120, "")):
        assert place.encode("utf-16-le") in filled
        filled = filled.replace(place.encode("utf-16-le"), content.ljust(len(place)).encode("utf-16-le"))
    return filled.replace(b"A" * 200, attached.encode().ljust(200))


def nobody(s: Sample) -> Wire:
    """A twin for what cannot be innocent."""
    return json_wire({"note": s.text})


ARCHIVES = (
    Case("ZIP of JSON", ("ZIP",), zipped(lambda s: as_zip(note(s)))),
    Case("ZIP, stored", ("ZIP",), zipped(lambda s: as_zip(note(s), zipfile.ZIP_STORED))),
    Case("ZIP, LZMA", ("ZIP",), zipped(lambda s: as_zip(note(s), zipfile.ZIP_LZMA))),
    Case("ZIP of CSV", ("ZIP",), upload("x.zip", lambda s: as_zip({"a.csv": as_table(s)}))),
    Case("ZIP in ZIP", ("ZIP",), file(lambda s: as_zip({"inner.zip": as_zip(note(s))}))),
    Case("ZIP in Base64", ("ZIP",), attached(lambda s: as_zip(note(s)))),
    Case("ZIP in a data URL", ("ZIP",), data_url("application/zip", lambda s: as_zip(note(s)))),
    Case("ZIP declared as text", ("ZIP",), file(lambda s: as_zip(note(s)), "text/plain"), adversarial=True),
    Case(
        "ZIP comment",
        ("ZIP",),
        zipped(lambda s: as_zip({"a.txt": b"a"}, comment=s.text.encode())),
        adversarial=True,
    ),
    Case("ZIP behind a script", ("ZIP",), file(behind_a_script), adversarial=True, refused=True),
    Case(
        "name in a ZIP",
        ("ZIP",),
        zipped(lambda s: as_zip({f"{s.email}.txt": b"a"})),
        plants=lambda s: (s.email,),
    ),
    Case("gzip file", ("Compressed file (gzip)",), file(lambda s: gzip.compress(as_json(s), mtime=0))),
    Case(
        "gzip in Base64", ("Compressed file (gzip)",), attached(lambda s: gzip.compress(as_json(s), mtime=0))
    ),
    Case(
        "second gzip member",
        ("Compressed file (gzip)",),
        file(lambda s: gzip.compress(b"items\n", mtime=0) + gzip.compress(s.text.encode(), mtime=0)),
        adversarial=True,
    ),
    Case("bzip2 file", ("Compressed file (bzip2)",), file(lambda s: bz2.compress(as_json(s)))),
    Case("xz file", ("Compressed file (xz)",), file(lambda s: lzma.compress(as_json(s)))),
    Case("Zstandard file", ("Compressed file (Zstandard)",), file(lambda s: zstd.compress(as_json(s)))),
    Case(
        "gzip in xz in ZIP",
        ("ZIP", "Compressed file (xz)"),
        zipped(lambda s: as_zip({"a.xz": lzma.compress(gzip.compress(as_json(s)))})),
    ),
)

OOXML, ODF = ("ZIP", "DOCX, XLSX, PPTX"), ("ZIP", "ODT, ODS, ODP")


def a_docx(s: Sample, author: str = "", hidden: str = "") -> bytes:
    """A document as a library writes it, without the picture of its first page."""
    return without(documents.a_docx(s.text, author, hidden), "docProps/thumbnail.jpeg")


def a_pptx(text: str, note: str = "") -> bytes:
    """A show, without the picture of its first slide."""
    return without(documents.a_pptx(text, note), "docProps/thumbnail.jpeg")


def without(package: bytes, name: str) -> bytes:
    """The package without one part."""
    return as_zip({one: part for one, part in documents.members(package).items() if one != name})


def alternative_text(s: Sample) -> bytes:
    """A drawing that is described for those who cannot see it."""
    drawing = f'<w:p><w:r><w:drawing><wp:docPr id="1" descr="{s.text}"/></w:drawing></w:r></w:p><w:sectPr'
    return documents.with_member(
        a_docx(s), "word/document.xml", lambda part: part.replace(b"<w:sectPr", drawing.encode(), 1)
    )


def custom_property(s: Sample) -> bytes:
    """A value in a part for other programs."""
    part = f"<data><customer>{s.name}</customer><mail>{s.email}</mail></data>".encode()
    return as_zip(documents.members(documents.an_xlsx([["a"]])) | {"customXml/item1.xml": part})


OFFICE = (
    Case("DOCX in runs", OOXML, upload("letter.docx", a_docx)),
    Case("DOCX in Base64", OOXML, attached(a_docx)),
    Case("DOCX author and deletion", OOXML, file(lambda s: a_docx(THING, s.name, s.text)), adversarial=True),
    Case("DOCX alternative text", OOXML, file(alternative_text), adversarial=True),
    Case("DOCX in ZIP", OOXML, zipped(lambda s: as_zip({"a/letter.docx": a_docx(s)}))),
    Case(
        "XLSX table",
        OOXML,
        upload("a.xlsx", lambda s: documents.an_xlsx([[s.field, "email"], [s.name, s.email]])),
    ),
    Case(
        "XLSX hidden sheet and comment",
        OOXML,
        file(lambda s: documents.an_xlsx([["a"]], s.text)),
        adversarial=True,
    ),
    Case("XLSX custom part", OOXML, file(custom_property), adversarial=True),
    Case("PPTX slide", OOXML, file(lambda s: a_pptx(s.text))),
    Case("PPTX notes", OOXML, file(lambda s: a_pptx("items", s.text))),
    Case("ODT in spans", ODF, upload("a.odt", lambda s: documents.an_odt(s.text))),
    Case("ODT annotation", ODF, file(lambda s: documents.an_odt("items", s.text))),
)


def a_form(s: Sample) -> bytes:
    """A row of a database or table."""
    return files.a_database([(s.name, s.email)], column=s.field)


def an_rtf(s: Sample) -> bytes:
    """A letter in which every other word is bold."""
    words = [f"{{\\b {word}}}" if at % 2 else word for at, word in enumerate(s.text.split())]
    escaped = "".join(sign if sign < "\x80" else f"\\'{ord(sign):02x}" for sign in " ".join(words))
    return files.an_rtf(escaped + r"\par")


def png(author: str) -> bytes:
    """A picture that says who made it."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", author)
    return files.a_picture(pnginfo=info)


def exif(artist: str) -> bytes:
    """A picture that says who took it."""
    made = Image.Exif()
    made[0x013B] = artist
    return files.a_picture("JPEG", exif=made.tobytes())


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)

OTHERS = (
    Case("TAR", ("TAR",), file(lambda s: files.a_tar(note(s)))),
    Case(
        "TAR in gzip",
        ("TAR", "Compressed file (gzip)"),
        upload("a.tgz", lambda s: gzip.compress(files.a_tar(note(s)), mtime=0)),
    ),
    Case(
        "owner in a TAR",
        ("TAR",),
        file(lambda s: files.a_tar({"a": b"a"}, s.email)),
        plants=lambda s: (s.email,),
        adversarial=True,
    ),
    Case("7z", ("7z",), file(lambda s: files.a_7z(note(s))), plants=lambda s: ("7z",), refused=True),
    Case("PDF page", ("PDF",), upload("a.pdf", lambda s: files.a_pdf(s.text)), refused=True),
    Case("PDF in Base64", ("PDF",), attached(lambda s: files.a_pdf(s.text)), refused=True),
    Case(
        "PDF author",
        ("PDF",),
        file(lambda s: files.a_pdf("items", author=s.name)),
        plants=lambda s: ("/Author",),
        refused=True,
        adversarial=True,
    ),
    Case(
        "PDF annotation",
        ("PDF",),
        file(lambda s: files.a_pdf("items", note=s.email)),
        plants=lambda s: ("/Annot",),
        refused=True,
        adversarial=True,
    ),
    Case(
        "PDF attachment",
        ("PDF",),
        file(lambda s: files.a_pdf("items", attachment=as_table(s))),
        refused=True,
        adversarial=True,
        twin=replace(THING, name="4711/40"),
    ),
    Case(
        "PDF older revision",
        ("PDF",),
        file(lambda s: files.revised(files.a_pdf(s.text), "items")),
        refused=True,
        adversarial=True,
    ),
    Case("RTF", ("RTF",), upload("a.rtf", an_rtf), plants=lambda s: (s.email,)),
    Case("SQLite", ("SQLite",), file(a_form), refused=True),
    Case(
        "Parquet",
        ("Parquet",),
        file(lambda s: files.a_parquet({s.field: [s.name], "email": [s.email]})),
        refused=True,
    ),
    Case("PNG text", ("Image",), file(lambda s: png(s.email)), plants=lambda s: (s.email,), refused=True),
    Case(
        "bytes behind a PNG",
        ("Image",),
        file(lambda s: files.a_picture() + s.text.encode()),
        refused=True,
        adversarial=True,
    ),
    Case(
        "JPEG comment",
        ("Image",),
        file(lambda s: files.a_picture("JPEG", comment=s.text.encode())),
        refused=True,
        adversarial=True,
    ),
    Case(
        "Exif",
        ("Image",),
        data_url("image/jpeg", lambda s: exif(s.email)),
        plants=lambda s: (s.email,),
        refused=True,
    ),
    Case(
        "MSG",
        ("Outlook message (MSG)",),
        file(lambda s: outlook(s.text)),
        refused=True,
    ),
    Case(
        "MSG, attachment",
        ("Outlook message (MSG)",),
        file(lambda s: outlook(attached=s.text)),
        refused=True,
    ),
    Case(
        "MSG, recipient and sender",
        ("Outlook message (MSG)",),
        file(lambda s: outlook(name=s.name, email=s.email)),
        plants=lambda s: (s.name, s.email),
        refused=True,
        benign=nobody,
    ),
    Case(
        "MSG, broken",
        ("Outlook message (MSG)",),
        file(lambda s: OLE + s.email.encode("utf-16-le")),
        plants=lambda s: (s.email,),
        refused=True,
        benign=nobody,
    ),
)

UNKNOWN = (
    Case(
        "RAR",
        ("Other known files",),
        file(lambda s: b"Rar!\x1a\x07\1\0\xff" + s.text.encode()),
        refused=True,
        benign=nobody,
    ),
)

CASES: tuple[Case, ...] = (*ARCHIVES, *OFFICE, *OTHERS, *UNKNOWN)
