"""Cases for formats and spellings that few programs use, and that a receiver reads all the same."""

from __future__ import annotations

import base64
import bz2
import io
import json
import lzma
import pickle
import plistlib
import struct
import sys
import tarfile
import zlib
from collections.abc import Callable
from urllib.parse import quote

import inflate64

from tests.carriers.case import Case, Sample, Wire
from tests.carriers.files import as_zip, file
from tests.carriers.formats import json_wire
from tests.carriers.interfaces import BASE64, JSON, PERCENT, TEXT, XML, YAML, email_only, text
from tests.carriers.values import b64
from tests.decode import files

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DIGITS, UNSEEN, APART = (
    "Digits and other alphabets in a value",
    "Signs that nobody sees",
    "Values written apart",
)
METHODS: dict[int, Callable[[bytes], bytes]] = {
    9: lambda data: (packer := inflate64.Deflater()).deflate(data) + packer.flush(),
    12: bz2.compress,
    93: zstd.compress,
    95: lzma.compress,
}
"""How members of a ZIP archive may be compressed, by number."""


def escapes(form: str) -> Callable[[Sample], str]:
    """The address, with each character in a form."""
    return lambda s: "".join(form.format(ord(sign)) for sign in s.email)


def packed_by(method: int) -> Callable[[Sample], Wire]:
    """A ZIP archive of a text."""

    def build(s: Sample) -> Wire:
        data, name = s.text.encode(), b"a.txt"
        packed = METHODS[method](data)
        sizes = (zlib.crc32(data), len(packed), len(data), len(name), 0)
        member = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 63, 0, method, 0, 33, *sizes) + name + packed
        entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 63, 63, 0, method, 0, 33, *sizes, 0, 0, 0, 0, 0)
        entry += name
        end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(member), 0)
        return Wire(member + entry + end, "application/zip")

    return build


def in_pieces(s: Sample, element: str) -> str:
    """The text in elements of five letters each."""
    name = element.split(maxsplit=1)[0]
    return "".join(f"<{element}>{s.text[at : at + 5]}</{name}>" for at in range(0, len(s.text), 5))


def word_in_one_file(s: Sample) -> Wire:
    """A document of Word as a single file of XML, with text in runs."""
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    runs = (
        in_pieces(s, 'w:t xml:space="preserve"')
        .replace("<w:t", "<w:r><w:t")
        .replace("</w:t>", "</w:t></w:r>")
    )
    return Wire(
        '<?xml version="1.0" standalone="yes"?><?mso-application progid="Word.Document"?>'
        '<pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">'
        f'<pkg:part pkg:name="/word/document.xml"><pkg:xmlData><w:document xmlns:w="{w}"><w:body><w:p>{runs}</w:p>'
        "</w:body></w:document></pkg:xmlData></pkg:part></pkg:package>".encode(),
        "application/xml",
    )


def text_in_one_file(s: Sample) -> Wire:
    """A document of LibreOffice as a single file of XML, with text in spans."""
    names = "urn:oasis:names:tc:opendocument:xmlns"
    return Wire(
        f'<?xml version="1.0"?><office:document xmlns:office="{names}:office:1.0" xmlns:text="{names}:text:1.0">'
        f"<office:body><office:text><text:p>{in_pieces(s, 'text:span')}</text:p></office:text></office:body>"
        "</office:document>".encode(),
        "application/vnd.oasis.opendocument.text-flat-xml",
    )


def remark_in_a_tar(s: Sample) -> bytes:
    """An archive whose extended header has a comment."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("a.txt")
        member.pax_headers = {"comment": s.email}
        member.size = 2
        tar.addfile(member, io.BytesIO(b"ok"))
    return out.getvalue()


def in_groups(s: Sample) -> str:
    """Base64 of the text in groups of four."""
    coded = b64(s.text)
    return " ".join(coded[at : at + 4] for at in range(0, len(coded), 4))


def spelled(
    name: str, carrier: str, build: Callable[[Sample], str], media_type: str = "", missed: str = ""
) -> Case:
    """A value of JSON, or a text of a type, in which the address or sentence is spelled by somebody with intent."""

    def wire(s: Sample) -> Wire:
        return text(build(s), media_type) if media_type else json_wire({"note": build(s)})

    return Case(name, (carrier,), wire, plants=lambda s: (build(s),), adversarial=True, missed=missed)


CASES = (
    spelled("numbers of characters in HTML without ends", PERCENT, escapes("&#{}")),
    spelled("numbers of characters in HTML with zeros", PERCENT, escapes("&#x{:06x};")),
    spelled("entities of entities", PERCENT, lambda s: f"<p>{escapes('&amp;#{};')(s)}</p>"),
    spelled(
        "named entities for signs",
        PERCENT,
        lambda s: f"<p>{s.email.replace('@', '&commat;').replace('.', '&period;')}</p>",
    ),
    spelled(
        "escapes of style sheets",
        PERCENT,
        lambda s: f'<style>p::after {{ content: "{escapes(chr(92) + "{:06x}")(s)}" }}</style>',
        "text/html",
    ),
    Case(
        "percent signs with four digits",
        ("Request target", PERCENT),
        lambda s: Wire(b"{}", target=f"/q?n={escapes('%u{:04x}')(s)}".encode()),
        plants=lambda s: (escapes("%u{:04x}")(s),),
        adversarial=True,
    ),
    spelled(
        "Base32 in small letters",
        DIGITS,
        lambda s: base64.b32encode(s.text.encode()).decode().lower().rstrip("="),
    ),
    spelled("Base32 in its other alphabet", DIGITS, lambda s: base64.b32hexencode(s.text.encode()).decode()),
    spelled("Base64 in groups", BASE64, in_groups),
    spelled("signs that stand for nothing in Korean", UNSEEN, lambda s: "\u3164".join(s.email)),
    spelled("joiners of accents", UNSEEN, lambda s: "\u034f".join(s.email)),
    spelled("signs of variation", UNSEEN, lambda s: "\ufe0f".join(s.email)),
    spelled(
        "small and full width signs of an address",
        "Accents and digits in other forms",
        lambda s: s.email.replace(".", "。").replace("@", "﹫"),
    ),
    spelled("account number with two blanks", APART, lambda s: s.iban.replace(" ", "  ")),
    spelled("account number with tabs", APART, lambda s: s.iban.replace(" ", "\t")),
    spelled("account number with dashes among blanks", APART, lambda s: s.iban.replace(" ", " - ")),
    spelled(
        "account number in lines with blanks before them", APART, lambda s: s.iban.replace(" ", "\n    ")
    ),
    spelled("account number with narrow blanks", APART, lambda s: s.iban.replace(" ", "\u00a0\u202f")),
    spelled(
        "card number with dashes among blanks",
        APART,
        lambda s: "Karte 4111 - 1111 - 1111 - 1111" if s.iban.startswith("DE") else "Teile 4111 - 11 - 7",
    ),
    spelled(
        "sum of characters in a statement",
        DIGITS,
        lambda s: f"SELECT {'||'.join(f'CHR({ord(sign)})' for sign in s.email)};",
        missed="a program has to run for the text to come out",
    ),
    spelled(
        "Base64 backwards",
        BASE64,
        lambda s: b64(s.text)[::-1],
        missed="any text may be something else backwards",
    ),
    Case(
        "object of Python in Base64",
        (JSON, BASE64),
        lambda s: json_wire({"state": b64(pickle.dumps({"email": s.email}))}),
        plants=email_only,
        refused=True,
    ),
    Case("document of Word in one file", (XML, "DOCX, XLSX, PPTX"), word_in_one_file),
    Case("document of LibreOffice in one file", (XML, "ODT, ODS, ODP"), text_in_one_file),
    Case(
        "list of properties",
        (XML,),
        lambda s: Wire(plistlib.dumps({s.field: s.name, "email": s.email}), "application/x-plist"),
    ),
    Case(
        "values of a PDF form",
        (XML,),
        lambda s: Wire(
            "<?xml version='1.0'?><xfdf xmlns='http://ns.adobe.com/xfdf/'><fields>"
            f"<field name='{s.field}'><value>{s.name}</value></field>"
            f"<field name='email'><value>{s.email}</value></field></fields></xfdf>".encode(),
            "application/vnd.adobe.xfdf",
        ),
    ),
    Case(
        "place on a map",
        (XML,),
        lambda s: Wire(
            "<?xml version='1.0'?><kml xmlns='http://www.opengis.net/kml/2.2'><Placemark>"
            f"<name>{s.email}</name><description><![CDATA[<b>{s.text}</b>]]></description></Placemark></kml>".encode(),
            "application/vnd.google-earth.kml+xml",
        ),
    ),
    Case(
        "drawing that holds a page in Base64",
        (XML, "data: URL", "HTML"),
        lambda s: Wire(
            "<svg xmlns='http://www.w3.org/2000/svg'><foreignObject>"
            f"<iframe src='data:text/html;base64,{b64(f'<p>{s.text}</p>')}'/></foreignObject></svg>".encode(),
            "image/svg+xml",
        ),
    ),
    Case(
        "data URL with percent signs",
        ("data: URL", PERCENT),
        lambda s: json_wire({"u": f"data:text/plain;charset=utf-8,{quote(s.text)}"}),
        plants=lambda s: (quote(s.email), quote(s.name)),
    ),
    Case(
        "notebook with a table",
        (JSON, "HTML"),
        lambda s: json_wire(
            {
                "cells": [
                    {
                        "outputs": [
                            {
                                "data": {
                                    "text/html": [
                                        f"<table><tr><th>{s.field}</th><th>email</th></tr>",
                                        f"<tr><td>{s.name}</td><td>{s.email}</td></tr></table>",
                                    ]
                                }
                            }
                        ]
                    }
                ]
            }
        ),
    ),
    Case("remark in a TAR of POSIX", ("TAR",), file(remark_in_a_tar), plants=email_only, refused=True),
    Case("ZIP, Deflate64", ("ZIP",), packed_by(9), refused=True, benign=packed_by(12)),
    Case("ZIP, bzip2", ("ZIP",), packed_by(12)),
    Case("ZIP, Zstandard", ("ZIP",), packed_by(93)),
    Case("ZIP, xz", ("ZIP",), packed_by(95)),
    Case(
        "7z in ZIP",
        ("ZIP", "7z"),
        lambda s: Wire(as_zip({f"{s.email}.7z": files.a_7z({"a.txt": s.text.encode()})}), "application/zip"),
        plants=email_only,
        refused=True,
    ),
    Case(
        "CSV in UTF-16 with a mark",
        ("CSV and TSV", "Charsets"),
        lambda s: Wire(
            b"\xff\xfe" + f"{s.field}\temail\r\n{s.name}\t{s.email}\r\n".encode("utf-16-le"), "text/csv"
        ),
    ),
    Case(
        "anchors of YAML",
        (YAML,),
        lambda s: text(
            f"base: &b\n  email: {s.email}\n  note: |\n    {s.text}\nuser:\n  <<: *b\n", "application/yaml"
        ),
    ),
    Case(
        "text of TOML over lines",
        (TEXT,),
        lambda s: text(f'[owner]\nmail = "{s.email}"\nnote = """\\\n  {s.text}"""\n', "application/toml"),
    ),
    Case(
        "object of PHP",
        (TEXT,),
        lambda s: text(f'a:1:{{s:4:"note";s:{len(s.text.encode())}:"{s.text}";}}'),
    ),
    Case(
        "calendar in JSON",
        (JSON, "vCard and iCalendar"),
        lambda s: json_wire(
            {
                "ics": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nATTENDEE;CN=x:mailto:"
                f"{s.email[:9]}\r\n {s.email[9:]}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            }
        ),
        plants=lambda s: (s.email[9:],),
    ),
    Case(
        "Base64 between lines of armor",
        (TEXT, BASE64),
        lambda s: text(
            f"-----BEGIN NOTE-----\n{base64.encodebytes(s.text.encode()).decode()}-----END NOTE-----\n"
        ),
    ),
    Case(
        "reference in Markdown",
        (TEXT,),
        lambda s: text(f'Siehe [Kontakt][1].\n\n[1]: mailto:{s.email} "{s.text}"\n', "text/markdown"),
    ),
    Case(
        "JSON in an attribute of HTML",
        ("HTML", JSON),
        lambda s: text(
            f"<div data-user='{json.dumps({'email': s.email}).replace(chr(34), '&quot;')}'></div>",
            "text/html",
        ),
        plants=email_only,
    ),
)
