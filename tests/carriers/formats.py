"""Cases for formats of text, content codings, and the places in a message."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import brotli

from tests.carriers.case import Case, Sample, Wire

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BOUNDARY = "boundary-of-the-test"


def json_wire(value: object) -> Wire:
    """The value as JSON in ASCII."""
    return Wire(json.dumps(value).encode(), "application/json")


def multipart(disposition: str, content: str, content_type: str = "text/plain; charset=utf-8") -> Wire:
    """A form with one part."""
    lines = [
        f"--{BOUNDARY}",
        f"Content-Disposition: form-data; {disposition}",
        f"Content-Type: {content_type}",
    ]
    body = "\r\n".join([*lines, "", content, f"--{BOUNDARY}--", ""])
    return Wire(body.encode(), f"multipart/form-data; boundary={BOUNDARY}")


def as_csv(rows: list[list[str]], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    """Rows as spreadsheets write them."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue().encode()


def soap(inner: str) -> str:
    """A SOAP 1.1 call."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<soapenv:Header/><soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>"
    )


def coded(coding: str, encode: Callable[[bytes], bytes]) -> Callable[[Sample], Wire]:
    """JSON under a content coding."""

    def build(s: Sample) -> Wire:
        body = encode(json.dumps({"note": s.text}).encode())
        return Wire(body, "application/json", headers=(("content-encoding", coding),))

    return build


def twice(body: bytes) -> bytes:
    """Compressed two times."""
    return gzip.compress(gzip.compress(body))


CASES = (
    Case("path", ("Request target",), lambda s: Wire(b"{}", target=f"/u/{quote(s.email)}/x".encode())),
    Case("query", ("Request target",), lambda s: Wire(target=b"/in?" + urlencode({"q": s.text}).encode())),
    Case("header", ("Header",), lambda s: Wire(b"{}", headers=(("x-user", s.email),))),
    Case("cookie", ("Cookie",), lambda s: Wire(b"{}", headers=(("cookie", f"a=b; user={s.email}"),))),
    Case("JSON value", ("JSON",), lambda s: json_wire({"note": s.text})),
    Case("JSON key", ("JSON",), lambda s: json_wire({"users": {s.email: {"active": True}}})),
    Case(
        "JSON in UTF-8 with a byte order mark",
        ("JSON",),
        lambda s: Wire(
            b"\xef\xbb\xbf" + json.dumps({"note": s.text}, ensure_ascii=False).encode(), "application/json"
        ),
    ),
    Case(
        "JSON-RPC tool call",
        ("JSON", "JSON, XML, HTML or a form in a value"),
        lambda s: json_wire(
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "crm_update", "arguments": json.dumps({"note": s.text})},
            }
        ),
    ),
    Case(
        "JSON Lines",
        ("JSON Lines",),
        lambda s: Wire(b'{"ok":1}\n' + json.dumps({"note": s.text}).encode() + b"\n", "application/x-ndjson"),
    ),
    Case(
        "form",
        ("Form",),
        lambda s: Wire(urlencode({"comment": s.text}).encode(), "application/x-www-form-urlencoded"),
    ),
    Case(
        "XML with entities",
        ("XML",),
        lambda s: Wire(
            "<order><note>{}</note></order>".format(
                "".join(f"&#{ord(one)};" if ord(one) > 126 else escape(one) for one in s.text)
            ).encode(),
            "application/xml",
        ),
    ),
    Case(
        "XML with CDATA",
        ("XML",),
        lambda s: Wire(f"<order><note><![CDATA[{s.text}]]></note></order>".encode(), "application/xml"),
    ),
    Case(
        "SOAP",
        ("XML",),
        lambda s: Wire(
            soap(f"<note>{escape(s.text)}</note><mail at='{s.email}'/>").encode(), "text/xml; charset=utf-8"
        ),
    ),
    Case(
        "HTML",
        ("HTML",),
        lambda s: Wire(f"<p title='x'>Mein Name ist <b>{s.text}</b></p>".encode(), "text/html"),
    ),
    Case(
        "CSV",
        ("CSV and TSV",),
        lambda s: Wire(as_csv([[s.field, "email"], [s.name, s.email]]), "text/csv"),
    ),
    Case(
        "CSV with semicolons, quoted line ends and a byte order mark",
        ("CSV and TSV",),
        lambda s: Wire(
            b"\xef\xbb\xbf" + as_csv([["id", "note"], ["1", f"{s.text}\r\nbis bald"]], ";", csv.QUOTE_ALL),
            "text/csv",
        ),
    ),
    Case(
        "TSV",
        ("CSV and TSV",),
        lambda s: Wire(as_csv([[s.field, "email"], [s.name, s.email]], "\t"), "text/tab-separated-values"),
    ),
    Case("text", ("Text",), lambda s: Wire(s.text.encode(), "text/plain; charset=utf-8")),
    Case(
        "text in Latin-1",
        ("Text",),
        lambda s: Wire(s.text.encode("latin-1"), "text/plain; charset=iso-8859-1"),
    ),
    Case(
        "Markdown",
        ("Text",),
        lambda s: Wire(f"# Notiz\n\n* **{s.text}** [mail](mailto:{s.email})\n".encode(), "text/markdown"),
    ),
    Case("multipart text", ("Multipart",), lambda s: multipart('name="comment"', s.text)),
    Case(
        "multipart CSV",
        ("Multipart", "CSV and TSV"),
        lambda s: multipart(
            'name="f"; filename="a.csv"', as_csv([[s.field, "email"], [s.name, s.email]]).decode(), "text/csv"
        ),
    ),
    Case(
        "multipart file name",
        ("Multipart",),
        lambda s: multipart(f'name="f"; filename="{s.email}.txt"', "leer"),
    ),
    Case("gzip", ("gzip",), coded("gzip", gzip.compress)),
    Case("gzip twice", ("gzip",), coded("gzip, gzip", twice)),
    Case("deflate", ("deflate",), coded("deflate", zlib.compress)),
    Case("Zstandard", ("Zstandard",), coded("zstd", zstd.compress)),
    Case("Brotli", ("Brotli",), coded("br", brotli.compress)),
)
