"""Cases for archives, and for files that are not looked into."""

from __future__ import annotations

import base64
import io
import json
import struct
import tarfile
import zipfile

from tests.carriers.case import Case, Sample
from tests.carriers.files import as_json, as_zip, file, nobody, zipped
from tests.carriers.formats import json_wire
from tests.carriers.interfaces import email_only
from tests.decode import files


def member_comment(s: Sample) -> bytes:
    """A comment on a member, and an extra field that nobody knows."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("a.txt", (2024, 5, 6, 7, 8, 10))
        info.comment = s.email.encode()
        info.extra = struct.pack("<HH", 0xCAFE, len(s.email)) + s.email.encode()
        archive.writestr(info, b"a")
    return out.getvalue()


def old_name(s: Sample) -> bytes:
    """A member with a name in the charset of old consoles."""
    archive = as_zip({f"Vertrag {s.name.translate(_PLACEHOLDER)}.txt": b"a"})
    return archive.replace(s.name.translate(_PLACEHOLDER).encode(), s.name.encode("cp437"))


_PLACEHOLDER = {ord("ö"): "x", ord("ü"): "x"}


class _Pipe(io.RawIOBase):
    """Takes bytes and cannot go back, as standard output."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.taken += bytes(data)  # type: ignore[call-overload]
        return len(bytes(data))  # type: ignore[call-overload]


def streamed(s: Sample) -> bytes:
    """An archive written into a pipe: sizes stand behind the members."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        archive.writestr(zipfile.ZipInfo("a.json", (2024, 5, 6, 7, 8, 10)), as_json(s))
    return bytes(pipe.taken)


def long_name(s: Sample, form: int) -> bytes:
    """An archive with a name over a hundred bytes."""
    return files.a_tar({"d" * 100 + f"/{s.email}.txt": b"a"}, form=form)


ARCHIVES = (
    Case(
        "ZIP comment and extra field of a member",
        ("ZIP",),
        zipped(member_comment),
        plants=email_only,
        adversarial=True,
        refused=True,
    ),
    Case("ZIP out of a pipe", ("ZIP",), zipped(streamed)),
    Case(
        "ZIP in ZIP in ZIP",
        ("ZIP",),
        zipped(lambda s: as_zip({"a.zip": as_zip({"b.zip": as_zip({"c.json": as_json(s)})})})),
        adversarial=True,
    ),
    Case(
        "name in a ZIP in the charset of old",
        ("ZIP",),
        zipped(old_name),
        plants=lambda s: (s.last[-4:],),
        benign=zipped(lambda s: as_zip({"grxne Lampe.txt": b"a"}).replace(b"grxne", b"gr\x81ne")),
    ),
    Case(
        "long name in a TAR of GNU",
        ("TAR",),
        file(lambda s: long_name(s, tarfile.GNU_FORMAT)),
        plants=email_only,
        adversarial=True,
        refused=True,
    ),
    Case(
        "long name in a TAR of POSIX",
        ("TAR",),
        file(lambda s: long_name(s, tarfile.PAX_FORMAT)),
        plants=email_only,
        adversarial=True,
        refused=True,
    ),
    Case(
        "TAR in a ZIP in Base64 in JSON in Base64",
        ("TAR", "ZIP", "Base64 and Base64url in a value"),
        lambda s: json_wire(
            {
                "d": base64.b64encode(
                    json.dumps(
                        {
                            "f": base64.b64encode(
                                as_zip({"a.tar": files.a_tar({"n.json": as_json(s)})})
                            ).decode()
                        }
                    ).encode()
                ).decode()
            }
        ),
        adversarial=True,
    ),
)


def unknown(name: str, head: bytes) -> Case:
    """A format that is not looked into."""
    return Case(
        name,
        ("Other known files",),
        file(lambda s: head + s.email.encode() + bytes(64)),
        plants=email_only,
        refused=True,
        benign=nobody,
    )


UNKNOWN = (
    unknown("LZ4", b"\x04\x22\x4d\x18\x60\x70\x73\x40\x00\x00\x80"),
    unknown("Snappy", b"\xff\x06\x00\x00sNaPpY\x01\x40\x00\x00"),
    unknown("Avro", b"Obj\x01\x04\x14avro.codec\x08null\x00"),
    unknown("ORC", b"ORC\x0a\x00\x00"),
    unknown("Arrow", b"ARROW1\x00\x00"),
    unknown("MP3 with a title", b"ID3\x04\x00\x00\x00\x00\x00\x7fTIT2\x00\x00\x00\x20\x00\x00\x03"),
    unknown("winmail.dat", b"\x78\x9f\x3e\x22\x01\x00\x01\x06\x90\x08\x00"),
    unknown("BSON", b"\x5c\x00\x00\x00\x02mail\x00\x40\x00\x00\x00"),
    Case(
        "ZIP with a password",
        ("ZIP",),
        zipped(
            lambda s: (
                as_zip({"a.txt": s.email.encode()}, zipfile.ZIP_STORED)
                .replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01")
                .replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
            )
        ),
        plants=email_only,
        refused=True,
        benign=nobody,
    ),
)


CASES = (*ARCHIVES, *UNKNOWN)
