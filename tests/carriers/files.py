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

from tests.carriers.case import Case, Sample, Wire
from tests.carriers.formats import json_wire, zstd


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

UNKNOWN = (
    Case(
        "RAR",
        ("Other known files",),
        file(lambda s: b"Rar!\x1a\x07\1\0\xff" + s.text.encode()),
        refused=True,
        benign=nobody,
    ),
)

CASES: tuple[Case, ...] = (*ARCHIVES, *UNKNOWN)
