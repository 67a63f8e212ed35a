"""Cases of values written so that a program does not know them: in codings, in pieces, in signs of other scripts."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import lzma
import zlib
from urllib.parse import urlencode

import brotli
import cbor2
import msgpack

from tests.carriers.binary import frame, protobuf
from tests.carriers.case import Case, Sample, Wire
from tests.carriers.formats import json_wire
from tests.carriers.interfaces import email_only, text
from tests.carriers.written import APART, CHARSETS, DIGITS, SPLIT, compact, hard, iban_only, pieces

BASE64, INSIDE = "Base64 and Base64url in a value", "JSON, XML, HTML or a form in a value"
ESCAPES, HEX = "Percent signs and escapes in a value", "Digits and other alphabets in a value"
UNSEEN, SCRIPTS = "Signs that nobody sees", "Letters of another script in a word"

SENTENCE = "Guten Tag, bitte antworten an {}, danke sehr und bis bald."


def said(s: Sample) -> str:
    """A sentence in ASCII with the address."""
    return SENTENCE.format(s.email)


def deflated(content: bytes, bits: int) -> bytes:
    """Compressed with or without a head."""
    packer = zlib.compressobj(wbits=bits)
    return packer.compress(content) + packer.flush()


def uuencoded(content: bytes) -> str:
    """As mail of old carries files."""
    lines = [binascii.b2a_uu(content[at : at + 45]).decode() for at in range(0, len(content), 45)]
    return "begin 644 a.txt\n" + "".join(lines) + "`\nend\n"


def in_chunks(s: Sample) -> bytes:
    """A text of CBOR in chunks of no length known before."""
    first, second = s.email[:9].encode(), s.email[9:].encode()
    return b"\xbf\x64mail\x7f" + cbor2.dumps(first.decode()) + cbor2.dumps(second.decode()) + b"\xff\xff"


def number_case(
    name: str, carrier: str, person: str, thing: str, adversarial: bool = False, missed: str = ""
) -> Case:
    """A number of a person in a text, and one that looks the same and is none."""
    return Case(
        name,
        (carrier,),
        lambda s: json_wire({"note": person}),
        plants=lambda s: (person,),
        benign=lambda s: json_wire({"note": thing}),
        adversarial=adversarial,
        missed=missed,
    )


CODINGS = (
    hard(
        "Base32",
        BASE64,
        lambda s: json_wire({"data": base64.b32encode(said(s).encode()).decode()}),
        lambda s: (base64.b32encode(said(s).encode()).decode(),),
    ),
    hard(
        "Ascii85",
        BASE64,
        lambda s: json_wire({"data": base64.a85encode(said(s).encode(), adobe=True).decode()}),
        lambda s: (base64.a85encode(said(s).encode()).decode(),),
    ),
    hard(
        "Base85",
        BASE64,
        lambda s: json_wire({"data": base64.b85encode(said(s).encode()).decode()}),
        lambda s: (base64.b85encode(said(s).encode()).decode(),),
    ),
    hard(
        "uuencode",
        BASE64,
        lambda s: text(uuencoded(said(s).encode())),
        lambda s: (uuencoded(said(s).encode()).split("\n")[1],),
    ),
    hard(
        "Base64 two times",
        BASE64,
        lambda s: json_wire({"d": base64.b64encode(base64.b64encode(said(s).encode())).decode()}),
    ),
    hard(
        "Base64 in lines with spaces before them",
        BASE64,
        lambda s: text(
            "key: |\n  " + base64.encodebytes(said(s).encode() * 2).decode().replace("\n", "\n  ")
        ),
    ),
    hard(
        "Base64 in an array of lines",
        BASE64,
        lambda s: json_wire({"lines": base64.encodebytes(said(s).encode() * 2).decode().split()}),
    ),
    hard(
        "Base64 of zlib",
        BASE64,
        lambda s: json_wire({"data": base64.b64encode(zlib.compress(said(s).encode())).decode()}),
        lambda s: (base64.b64encode(zlib.compress(said(s).encode())).decode(),),
    ),
    hard(
        "Base64 of deflate without a head",
        BASE64,
        lambda s: json_wire({"data": base64.b64encode(deflated(said(s).encode(), -15)).decode()}),
        lambda s: (base64.b64encode(deflated(said(s).encode(), -15)).decode(),),
    ),
    hard(
        "Base64 of Brotli",
        BASE64,
        lambda s: json_wire({"data": base64.b64encode(brotli.compress(said(s).encode() * 2)).decode()}),
        lambda s: (base64.b64encode(brotli.compress(said(s).encode() * 2)).decode(),),
    ),
    hard(
        "Base64 of UTF-16",
        BASE64,
        lambda s: json_wire({"data": base64.b64encode(said(s).encode("utf-16-le")).decode()}),
    ),
    hard(
        "Base64 of xz of JSON in a data URL in HTML",
        BASE64,
        lambda s: text(
            "<html><a href='data:application/json;base64,"
            + base64.b64encode(lzma.compress(json.dumps({"a": said(s)}).encode())).decode()
            + "'>file</a></html>",
            "text/html",
        ),
        lambda s: (base64.b64encode(lzma.compress(json.dumps({"a": said(s)}).encode())).decode(),),
    ),
    hard(
        "hexadecimal digits with spaces",
        HEX,
        lambda s: json_wire({"d": said(s).encode().hex(" ")}),
        lambda s: (s.email.encode().hex(" "),),
    ),
    hard(
        "hexadecimal digits with colons",
        HEX,
        lambda s: json_wire({"d": said(s).encode().hex(":")}),
        lambda s: (s.email.encode().hex(":"),),
    ),
    hard(
        "hexadecimal escapes",
        ESCAPES,
        lambda s: text("d = '" + "".join(f"\\x{one:02x}" for one in s.email.encode()) + "'"),
        lambda s: ("".join(f"\\x{one:02x}" for one in s.email.encode()),),
    ),
    hard(
        "hexadecimal literals",
        HEX,
        lambda s: text("int d[] = {" + ", ".join(f"0x{one:02x}" for one in said(s).encode()) + "};"),
        lambda s: (", ".join(f"0x{one:02x}" for one in s.email.encode()),),
    ),
    hard(
        "escapes with braces",
        ESCAPES,
        lambda s: text("d = '" + "".join(f"\\u{{{ord(one):x}}}" for one in s.email) + "'"),
        lambda s: ("".join(f"\\u{{{ord(one):x}}}" for one in s.email),),
    ),
    hard(
        "octal escapes",
        ESCAPES,
        lambda s: text("d = '" + "".join(f"\\{ord(one):03o}" for one in s.email) + "'"),
        lambda s: ("".join(f"\\{ord(one):03o}" for one in s.email),),
    ),
    hard(
        "numbers of characters",
        APART,
        lambda s: json_wire({"codes": [ord(one) for one in s.email]}),
        lambda s: (", ".join(str(ord(one)) for one in s.email),),
    ),
    hard(
        "percent signs for every character",
        ESCAPES,
        lambda s: json_wire({"d": "".join(f"%{one:02X}" for one in s.email.encode())}),
        lambda s: ("".join(f"%{one:02X}" for one in s.email.encode()),),
    ),
    hard(
        "quoted-printable in a value",
        ESCAPES,
        lambda s: json_wire({"d": said(s).replace("@", "=40").replace(".", "=2E") + "=20=\r\nEnde"}),
        lambda s: (s.email.replace("@", "=40").replace(".", "=2E"),),
    ),
    hard(
        "entities in the middle of a number",
        INSIDE,
        lambda s: json_wire({"html": "<p>IBAN " + s.iban.replace("0", "&#48;") + "</p>"}),
        lambda s: (s.iban.replace("0", "&#48;"),),
    ),
    hard(
        "comments in the middle of an address",
        INSIDE,
        lambda s: json_wire(
            {"html": f"<p>{s.email[:6]}<!-- a -->{s.email[6:12]}<!-- b -->{s.email[12:]}</p>"}
        ),
        lambda s: (f"{s.email[:6]}<!-- a -->",),
    ),
    hard(
        "elements in the middle of an address",
        "HTML",
        lambda s: text(
            f"<html><p>{s.email[:6]}<span>{s.email[6:12]}</span><wbr>{s.email[12:]}</p></html>", "text/html"
        ),
        lambda s: (f"{s.email[:6]}<span>",),
    ),
    hard(
        "CDATA in pieces",
        "XML",
        lambda s: Wire(
            f"<a><![CDATA[{s.email[:6]}]]><![CDATA[{s.email[6:]}]]></a>".encode(), "application/xml"
        ),
        lambda s: (f"{s.email[:6]}]]>",),
    ),
    hard(
        "text of a drawing in letters",
        "XML",
        lambda s: Wire(
            (
                "<svg xmlns='http://www.w3.org/2000/svg'><text>"
                + "".join(f"<tspan x='{n}'>{one}</tspan>" for n, one in enumerate(s.email))
                + "</text></svg>"
            ).encode(),
            "image/svg+xml",
        ),
        lambda s: ("".join(f"<tspan x='{n}'>{one}</tspan>" for n, one in enumerate(s.email))[:60],),
    ),
    hard(
        "style sheet",
        "HTML",
        lambda s: text(
            f'<html><style>a::after{{content:"{s.email.replace("@", chr(92) + "40 ")}"}}</style></html>',
            "text/html",
        ),
        lambda s: (s.email.replace("@", "\\40 "),),
    ),
    hard(
        "script that puts an address together",
        "HTML",
        lambda s: text(
            f"<html><script>var m = '{s.email[:9]}' + '{s.email[9:]}';</script></html>", "text/html"
        ),
        lambda s: (f"{s.email[:9]}' + '",),
    ),
)

BINARY = (
    Case(
        "MessagePack with an extension",
        ("MessagePack",),
        lambda s: Wire(
            msgpack.packb({"e": msgpack.ExtType(7, s.text.encode()), "n": 1}), "application/msgpack"
        ),
    ),
    Case(
        "CBOR with tags",
        ("CBOR",),
        lambda s: Wire(
            cbor2.dumps({"m": cbor2.CBORTag(32, f"mailto:{s.email}"), "x": cbor2.CBORTag(40000, [s.text])}),
            "application/cbor",
        ),
    ),
    hard(
        "CBOR in chunks", "CBOR", lambda s: Wire(in_chunks(s), "application/cbor"), lambda s: (s.email[9:],)
    ),
    hard(
        "gRPC-web in Base64 of several pieces",
        "gRPC-web in Base64",
        lambda s: Wire(
            base64.b64encode(frame(protobuf(s))[:7]) + base64.b64encode(frame(protobuf(s))[7:]),
            "application/grpc-web-text",
        ),
        email_only,
    ),
    hard(
        "gzip in MessagePack",
        "MessagePack",
        lambda s: Wire(msgpack.packb({"z": gzip.compress(s.text.encode(), mtime=0)}), "application/msgpack"),
        email_only,
    ),
    hard(
        "compressed without a head, undeclared",
        "Compressed (zlib)",
        lambda s: Wire(zlib.compress(said(s).encode()), "application/octet-stream"),
        email_only,
    ),
)

NUMBERS = (
    number_case("Dutch number with its name", APART, "BSN: 111 222 333", "Bestelling: 111 222 334"),
    number_case(
        "Dutch number with dots", APART, "Mijn BSN is 111.222.333.", "Mijn order is 111.222.334.", True
    ),
    number_case(
        "Dutch number in single digits", APART, "BSN 1 1 1 2 2 2 3 3 3", "Nr 1 1 1 2 2 2 3 3 4", True
    ),
    number_case(
        "Swiss number over lines", APART, "AHV-Nr. 756.9217.\n0769.85", "Art.-Nr. 756.9217.\n0769.86", True
    ),
    number_case(
        "Norwegian number in Arabic digits",
        DIGITS,
        "fødselsnummer " + "13097248022".translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        "ordrenummer " + "13097248023".translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        True,
    ),
    number_case(
        "Spanish number with words between",
        APART,
        "DNI número 12.345.678, letra Z",
        "Ref. número 12.345.678, lote B",
        True,
        "words between the parts of a number could be any",
    ),
    number_case(
        "Finnish number with zero width signs",
        UNSEEN,
        "henkilötunnus " + "\u200b".join("131052-308T"),
        "tilausnumero " + "\u200b".join("131052-308U"),
        True,
    ),
    number_case(
        "Swedish number in full width",
        DIGITS,
        "personnummer " + "８１１２１８－９８７６",
        "ordernummer " + "８１１２１８－９８７７",
        True,
    ),
)

WRITING = (
    hard(
        "zero width signs in an account number",
        UNSEEN,
        lambda s: json_wire({"note": "IBAN " + "\u200b".join(compact(s))}),
        iban_only,
    ),
    hard(
        "joiners, marks and direction signs in an address",
        UNSEEN,
        lambda s: json_wire(
            {"note": "\u2060".join(s.email[:5]) + "\u202a" + "\ufeff".join(s.email[5:]) + "\u202c"}
        ),
        email_only,
    ),
    hard(
        "letters of tags behind an innocent text",
        UNSEEN,
        lambda s: text("Hallo" + "".join(chr(0xE0000 + ord(one)) for one in s.email)),
        lambda s: ("".join(chr(0xE0000 + ord(one)) for one in s.email),),
    ),
    hard(
        "several letters of other scripts",
        SCRIPTS,
        lambda s: json_wire({"mail": s.email.replace("a", "а").replace("e", "е").replace("o", "о")}),
        lambda s: (s.email.replace("a", "а").replace("e", "е").replace("o", "о"),),
    ),
    hard(
        "name with letters of other scripts",
        SCRIPTS,
        lambda s: json_wire({s.field: s.name.replace("a", "а").replace("e", "е")}),
        lambda s: (s.name.replace("a", "а").replace("e", "е"),),
    ),
    hard(
        "letters of mathematics",
        DIGITS,
        lambda s: text(
            "".join(chr(0x1D41A + ord(one) - 97) if "a" <= one <= "z" else one for one in s.email)
        ),
        lambda s: ("".join(chr(0x1D41A + ord(one) - 97) if "a" <= one <= "z" else one for one in s.email),),
    ),
    hard(
        "letters in circles",
        DIGITS,
        lambda s: json_wire(
            {"note": "".join(chr(0x24D0 + ord(one) - 97) if "a" <= one <= "z" else one for one in s.email)}
        ),
        lambda s: ("".join(chr(0x24D0 + ord(one) - 97) if "a" <= one <= "z" else one for one in s.email),),
    ),
    hard(
        "full width signs of an address",
        DIGITS,
        lambda s: json_wire({"note": s.email.replace("@", "＠").replace(".", "。")}),
        lambda s: (s.email.replace("@", "＠").replace(".", "。"),),
    ),
    hard(
        "account number with words between",
        APART,
        lambda s: json_wire({"note": "IBAN " + " dann ".join(s.iban.split())}),
        lambda s: (" dann ".join(s.iban.split()),),
        missed="words between the parts of a number could be any",
    ),
    hard(
        "account number with slashes and underscores",
        APART,
        lambda s: json_wire({"note": s.iban.replace(" ", "/", 2).replace(" ", "_")}),
        iban_only,
    ),
    hard(
        "account number in small letters and over lines",
        APART,
        lambda s: text("\n".join(s.iban.lower().split()) + "\n"),
        iban_only,
    ),
    hard(
        "address over lines",
        APART,
        lambda s: text(f"Mail: {s.email[:9]}\n{s.email[9:]}\n"),
        lambda s: (f"{s.email[:9]}\n{s.email[9:]}",),
    ),
    hard(
        "address in words of another language",
        APART,
        lambda s: json_wire({"note": s.email.replace("@", " at ").replace(".", " punkt ")}),
        lambda s: (s.email.replace("@", " at ").replace(".", " punkt "),),
    ),
    hard(
        "address with a name of a server in punycode",
        "JSON",
        lambda s: json_wire({"note": f"an {s.email.replace('example', 'xn--bcher-kva')}"}),
        lambda s: (s.email.replace("example", "xn--bcher-kva"),),
    ),
    hard("name backwards", APART, lambda s: json_wire({s.field: s.name[::-1]}), lambda s: (s.name[::-1],)),
    hard(
        "JSON in UTF-16 in a string",
        CHARSETS,
        lambda s: Wire(json.dumps({"note": said(s)}).encode("utf-16-be"), "application/octet-stream"),
        email_only,
    ),
    hard(
        "text in UTF-16, declared as Latin-1",
        CHARSETS,
        lambda s: Wire(s.text.encode("utf-16-le"), "text/plain; charset=iso-8859-1"),
        email_only,
    ),
    hard(
        "account number over parts of a query, out of order of names",
        SPLIT,
        lambda s: Wire(target=b"/in?" + urlencode(dict(zip("zyxw", pieces(s), strict=True))).encode()),
        lambda s: pieces(s)[1:3],
    ),
    hard(
        "address as lines of an array",
        SPLIT,
        lambda s: json_wire({"lines": ["Schreib an", s.email[:9], s.email[9:], "bitte"]}),
        lambda s: (s.email[9:],),
    ),
)

CASES = (*CODINGS, *BINARY, *NUMBERS, *WRITING)
