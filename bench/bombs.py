"""Bodies that are small and become large, or deep, once they are read: each through a running gateway.

    python -m bench.bombs [NAME ...]

Prints for each its size, what the gateway answered, after how long, and how much more memory its processes had at their
peak (Linux only). Exits with 1 where one took longer than a second or more than 64 MiB, or was let through although it
was not read to its end.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import bz2
import contextlib
import gzip
import io
import json
import lzma
import struct
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli

from bench.bodies import letters
from bench.load import Target, _connect
from bench.processes import gateway, memory_peak, origin
from gateway.decode.packing import zstd
from gateway.demo.agents import make_certificate

MIB = 2**20
LARGE = 64 * MIB
DEEP = 100_000
MOST_S, MOST_BYTES = 1.0, 64 * MIB
READ_WHOLE = (
    "HTML, 100,000 deep",
    "JSON in JSON in JSON …",
    "Base64 of Base64 of …",
    "YAML, aliases",
    "YAML, 100,000 deep",
)
"""What is no larger than it looks, so that all of it is read, and it may pass."""

Bomb = tuple[str, str, bytes]
"""Content type, content coding, body."""


def coded(coding: str, compress: Callable[[bytes], bytes]) -> Callable[[], Bomb]:
    """A JSON string of 64 MiB under a content coding."""
    return lambda: ("application/json", coding, compress(b'"' + b" " * LARGE + b'"'))


def file(kind: str, compress: Callable[[bytes], bytes]) -> Callable[[], Bomb]:
    """A text of 64 MiB as a compressed file."""
    return lambda: (kind, "", compress(b"a " * (LARGE // 2)))


def text(kind: str, content: str) -> Callable[[], Bomb]:
    """A body that is text as it is."""
    return lambda: (kind, "", content.encode())


def archive(method: int) -> Bomb:
    """A ZIP archive with a member of 64 MiB."""
    return "application/zip", "", zipped({"a.txt": b"a " * (LARGE // 2)}, method)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return out.getvalue()


def nested_archives() -> Bomb:
    """Sixteen archives in each of sixteen archives, with members of a megabyte: 256 MiB in all."""
    inner = zipped({f"{n}.txt": b"a " * (MIB // 2) for n in range(16)})
    return "application/zip", "", zipped({f"{n}.zip": inner for n in range(16)})


def overlapping() -> Bomb:
    """An archive whose directory names one member a thousand times."""
    packed = zipped({"a.txt": b"a " * (MIB // 2)})
    end = packed.rindex(b"PK\5\6")
    start = struct.unpack_from("<I", packed, end + 16)[0]
    entry = packed[start:end]
    many = 1000
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, many, many, many * len(entry), start, 0)
    return "application/zip", "", packed[:start] + entry * many + tail


def workbook() -> Bomb:
    """A workbook with a sheet of 64 MiB."""
    sheet = (
        b"<worksheet><sheetData>"
        + b"<row><c><v>1</v></c></row>" * (LARGE // 26)
        + b"</sheetData></worksheet>"
    )
    types = (
        b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName='
        b'"/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        b"</Types>"
    )
    members = {
        "[Content_Types].xml": types,
        "xl/workbook.xml": b"<workbook/>",
        "xl/worksheets/sheet1.xml": sheet,
    }
    return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "", zipped(members)


def layers(count: int, content: bytes) -> bytes:
    """Gzip in gzip."""
    for _ in range(count):
        content = gzip.compress(content)
    return content


def picture() -> Bomb:
    """A PNG image of 40,000 pixels on each side, with a compressed text of 64 MiB."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 40_000, 40_000, 1, 0, 0, 0, 0))
    said = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a " * (LARGE // 2), 9))
    rows = chunk(b"IDAT", zlib.compress(bytes(5001 * 40_000), 9))
    return "image/png", "", b"\x89PNG\r\n\x1a\n" + head + said + rows + chunk(b"IEND", b"")


def paper() -> Bomb:
    """A PDF whose page is a stream of 64 MiB."""
    stream = zlib.compress(b"(a) Tj " * (LARGE // 7), 9)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        "application/pdf",
        "",
        out
        + (
            b"xref\n0 5\n0000000000 65535 f \n%strailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
            % (table, len(out))
        ),
    )


def entities(count: int, times: int) -> str:
    """XML whose entities stand for each other, ten times each (billion laughs)."""
    lines = [f'<!ENTITY a{n + 1} "{f"&a{n};" * times}">' for n in range(count)]
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a0 "lol">{"".join(lines)}]><r>&a{count};</r>'


def quadratic() -> str:
    """XML with one long entity, used again and again."""
    return f'<!DOCTYPE r [<!ENTITY a "{"a" * 100_000}">]><r>{"&a;" * 10_000}</r>'


def aliases(count: int) -> str:
    """YAML whose aliases stand for each other, ten times each."""
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(count)]
    return "\n".join(lines)


def json_in_json(depth: int) -> str:
    """JSON in a string in JSON; each layer doubles the escapes, so that it is shortened to what fits."""
    content = '{"a": 1}'
    for _ in range(depth):
        longer = json.dumps({"a": content})
        if len(longer) > 64 * 1024:
            break
        content = longer
    return content


def encoded(times: int) -> bytes:
    """Base64 of Base64."""
    content = b'{"a": 1}' * 50
    for _ in range(times):
        longer = base64.b64encode(content)
        if len(longer) > 64 * 1024:
            break
        content = longer
    return b'{"a": "' + content + b'"}'


def multiparts(depth: int) -> bytes:
    """Multipart in multipart."""
    content = b"a"
    for n in range(depth):
        kind = b"multipart/mixed; boundary=b%d" % (n - 1) if n else b"text/plain"
        content = b"--b%d\r\nContent-Type: %s\r\n\r\n%s\r\n--b%d--\r\n" % (n, kind, content, n)
    return content


BOMBS: dict[str, Callable[[], Bomb]] = {
    "gzip coding": coded("gzip", lambda data: gzip.compress(data, 9)),
    "deflate coding": coded("deflate", lambda data: zlib.compress(data, 9)),
    "br coding": coded("br", lambda data: brotli.compress(data, quality=5)),
    "zstd coding": coded("zstd", lambda data: zstd.compress(data, 19)),
    "gzip, gzip coding": lambda: ("application/json", "gzip, gzip", layers(2, b'"' + b" " * LARGE + b'"')),
    "gzip file": file("application/gzip", lambda data: gzip.compress(data, 9)),
    "bzip2 file": file("application/x-bzip2", lambda data: bz2.compress(data, 9)),
    "xz file": file("application/x-xz", lzma.compress),
    "zstd file": file("application/zstd", lambda data: zstd.compress(data, 19)),
    "gzip 10 times, 64 MiB": lambda: ("application/gzip", "", layers(10, b"a " * (LARGE // 2))),
    "gzip 1,000 times": lambda: ("application/gzip", "", layers(1000, b"a")),
    "gzip in Base64 in JSON": lambda: (
        "application/json",
        "",
        json.dumps({"file": base64.b64encode(gzip.compress(b"a " * (LARGE // 2), 9)).decode()}).encode(),
    ),
    "zip, deflate": lambda: archive(zipfile.ZIP_DEFLATED),
    "zip, bzip2": lambda: archive(zipfile.ZIP_BZIP2),
    "zip, lzma": lambda: archive(zipfile.ZIP_LZMA),
    "zip of zips, 256 MiB": nested_archives,
    "zip, one member 1,000 times": overlapping,
    "XLSX, sheet of 64 MiB": workbook,
    "PDF, page of 64 MiB": paper,
    "PNG, 1.6 gigapixels and a text of 64 MiB": picture,
    "XML, entities (billion laughs)": text("application/xml", entities(9, 10)),
    "XML, one long entity 10,000 times": text("application/xml", quadratic()),
    "XML, 100,000 deep": text("application/xml", "<a>" * DEEP + "</a>" * DEEP),
    "HTML, 100,000 deep": text("text/html", "<p>" * DEEP),
    "JSON, 100,000 deep": text("application/json", "[" * DEEP + "]" * DEEP),
    "JSON, objects 100,000 deep": text("application/json", '{"a":' * DEEP + "1" + "}" * DEEP),
    "JSON in JSON in JSON …": lambda: ("application/json", "", json_in_json(64).encode()),
    "Base64 of Base64 of …": lambda: ("application/json", "", encoded(40)),
    "YAML, aliases": text("application/yaml", aliases(9)),
    "YAML, 100,000 deep": text("application/yaml", "[" * DEEP + "]" * DEEP),
    "RTF, 100,000 deep": text("application/rtf", "{\\rtf1" + "{" * DEEP + "a" + "}" * (DEEP + 1)),
    "MessagePack, 100,000 deep": lambda: ("application/msgpack", "", b"\x91" * DEEP + b"\x01"),
    "CBOR, 100,000 deep": lambda: ("application/cbor", "", b"\x81" * DEEP + b"\x01"),
    "multipart, 1,000 deep": lambda: (f"multipart/mixed; boundary=b{999}", "", multiparts(1000)),
}


async def throw(bomb: Bomb, target: Target) -> tuple[str, float]:
    """Send it; the status and reason that came back, and the seconds since all of it was sent."""
    kind, coding, body = bomb
    reader, writer = await _connect(target)
    try:
        head = f"POST / HTTP/1.1\r\nHost: localhost:{target.port}\r\nContent-Type: {kind}\r\n"
        head += f"Content-Length: {len(body)}\r\n"
        head += f"Content-Encoding: {coding}\r\n" if coding else ""
        begun = time.perf_counter()
        writer.write(head.encode() + b"\r\n" + body)
        async with asyncio.timeout(60):
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            seconds = time.perf_counter() - begun
            length = int(answer.partition("content-length:")[2].partition("\r\n")[0])
            said = await reader.readexactly(length)
        status = answer.split(" ")[1]
        return (f"{status} {json.loads(said)['reason']}" if status != "200" else status), seconds
    finally:
        writer.close()


def main() -> int:
    """Throw each at one gateway."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BOMBS))
    names = parser.parse_args().names or list(BOMBS)
    failed = False
    print("| bomb | bytes sent | answer | s | more memory, MiB |\n|---|---:|---|---:|---:|")
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        certificate = make_certificate(folder)
        origin_port = stack.enter_context(origin(folder, certificate))
        pid, port, authority = stack.enter_context(gateway(folder, certificate, origin_port, 1))
        target = Target(origin_port, str(authority), port)
        asyncio.run(throw(("application/json", "", next(letters())), target))
        for name in names:
            bomb = BOMBS[name]()
            with memory_peak(pid) as grown:
                answer, seconds = asyncio.run(throw(bomb, target))
            more = grown()
            bad = (answer == "200" and name not in READ_WHOLE) or seconds > MOST_S or (more or 0) > MOST_BYTES
            failed |= bad
            memory = f"{more / MIB:.0f}" if more is not None else "?"
            mark = " **" if bad else ""
            print(f"| {name} | {len(bomb[2]):,} | {answer} | {seconds:.2f} | {memory} |{mark}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
