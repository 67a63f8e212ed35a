"""Cases for how text is written: charsets, digits, spacing, splitting over fields."""

from __future__ import annotations

import codecs
import json
from urllib.parse import urlencode

from tests.carriers.case import Case, Sample, Wire
from tests.carriers.formats import BOUNDARY, json_wire

CHARSETS = "Charsets"
DIGITS = "Accents and digits in other forms"
APART = "Values written apart"
SPLIT = "Values split over fields"

WIDE = {ord(sign): ord(sign) + 0xFEE0 for sign in map(chr, range(0x21, 0x7F))}
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")


def compact(s: Sample) -> str:
    """The account number without spaces."""
    return s.iban.replace(" ", "")


def text_in(charset: str, declared: str | None = None, mark: bytes = b"") -> Case:
    """A text in a charset, declared or not."""
    media_type = "text/plain" if declared is None else f"text/plain; charset={declared}"
    return Case(
        f"text in {charset}, declared as {declared or 'nothing'}{', with a mark' if mark else ''}",
        (CHARSETS,),
        lambda s: Wire(mark + s.text.encode(charset), media_type),
    )


def json_in(charset: str, mark: bytes = b"") -> Case:
    """JSON in a charset of its own."""
    return Case(
        f"JSON in {charset}{', with a mark' if mark else ''}",
        (CHARSETS, "JSON"),
        lambda s: Wire(
            mark + json.dumps({"note": s.text}, ensure_ascii=False).encode(charset), "application/json"
        ),
    )


def pieces(s: Sample) -> tuple[str, ...]:
    """The account number as four inputs."""
    number = compact(s)
    return number[:4], number[4:12], number[12:18], number[18:]


def parts(fields: dict[str, str]) -> Wire:
    """A form of several parts."""
    body = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return Wire(f"{body}--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}")


def hard(
    name: str,
    carrier: str,
    build: object,
    plants: object = lambda s: (s.email,),
    missed: str = "",
    benign: object = None,
) -> Case:
    """An adversarial case."""
    return Case(
        name,
        (carrier,),
        build,  # type: ignore[arg-type]
        plants=plants,  # type: ignore[arg-type]
        adversarial=True,
        missed=missed,
        benign=benign,  # type: ignore[arg-type]
    )


def iban_only(s: Sample) -> tuple[str, ...]:
    return (s.iban,)


CASES = (
    text_in("utf-16", "utf-16"),
    text_in("utf-16-le", "utf-16le"),
    text_in("utf-16-le", None, codecs.BOM_UTF16_LE),
    text_in("utf-16-be"),
    text_in("utf-32-le", None, codecs.BOM_UTF32_LE),
    text_in("utf-32-be"),
    text_in("latin-1"),
    text_in("latin-1", "utf-8"),
    text_in("cp1252", "us-ascii"),
    text_in("utf-8", "iso-8859-1"),
    text_in("utf-16-le", "utf-8"),
    text_in("utf-7", "utf-7"),
    text_in("cp1252", "x-unknown"),
    json_in("utf-16-le"),
    json_in("utf-16-be", codecs.BOM_UTF16_BE),
    json_in("utf-32-le"),
    json_in("latin-1"),
    Case(
        "form in Latin-1",
        (CHARSETS, "Form"),
        lambda s: Wire(
            urlencode({"note": s.text}, encoding="latin-1").encode(), "application/x-www-form-urlencoded"
        ),
    ),
    Case(
        "XML in Latin-1 that says so",
        (CHARSETS, "XML"),
        lambda s: Wire(
            f'<?xml version="1.0" encoding="ISO-8859-1"?><a>{s.text}</a>'.encode("latin-1"), "application/xml"
        ),
    ),
    Case(
        "HTML entities in JSON",
        ("JSON, XML, HTML or a form in a value",),
        lambda s: json_wire({"note": s.text.replace("ö", "&ouml;").replace("@", "&#64;")}),
        plants=lambda s: (s.last.replace("ö", "&ouml;"), s.email.replace("@", "&#64;")),
    ),
    hard(
        "full width",
        DIGITS,
        lambda s: json_wire({"note": s.email.translate(WIDE)}),
        lambda s: (s.email.translate(WIDE),),
    ),
    hard(
        "account number in Arabic digits",
        DIGITS,
        lambda s: json_wire({"iban": s.iban.translate(ARABIC)}),
        lambda s: (s.iban.translate(ARABIC),),
    ),
    hard(
        "account number in Devanagari digits",
        DIGITS,
        lambda s: json_wire({"note": f"IBAN {s.iban.translate(DEVANAGARI)}"}),
        lambda s: (s.iban.translate(DEVANAGARI),),
    ),
    hard(
        "account number in single digits",
        APART,
        lambda s: json_wire({"note": " ".join(compact(s))}),
        iban_only,
    ),
    hard("account number with dots", APART, lambda s: json_wire({"note": ".".join(compact(s))}), iban_only),
    hard(
        "account number with hyphens",
        APART,
        lambda s: json_wire({"note": s.iban.replace(" ", "-")}),
        iban_only,
    ),
    hard(
        "account number over two lines",
        APART,
        lambda s: Wire(s.iban.replace(" ", "\r\n", 3).encode(), "text/plain"),
        iban_only,
    ),
    hard("address in single letters", APART, lambda s: json_wire({"note": " ".join(s.email)})),
    hard(
        "address in words",
        APART,
        lambda s: json_wire({"note": s.email.replace("@", " (at) ").replace(".", " (dot) ")}),
        lambda s: (s.email.replace("@", " (at) ").replace(".", " (dot) "),),
    ),
    hard(
        "address in brackets",
        APART,
        lambda s: json_wire({"note": s.email.replace("@", " [at] ")}),
        lambda s: (s.email.replace("@", " [at] "),),
    ),
    hard(
        "address with spaces around its signs",
        APART,
        lambda s: json_wire({"note": s.email.replace("@", " @ ").replace(".", " . ")}),
    ),
    hard(
        "name in spaced letters",
        APART,
        lambda s: json_wire({s.field: " ".join(s.name)}),
        lambda s: (s.name,),
    ),
    hard("soft hyphens", "Signs that nobody sees", lambda s: json_wire({"note": "\u00ad".join(s.email)})),
    Case(
        "first and last name",
        (SPLIT,),
        lambda s: json_wire({"first_name": s.first, "last_name": s.last}),
        plants=lambda s: (s.first, s.last),
        benign=lambda s: json_wire({"color": s.first, "product": s.last}),
    ),
    Case(
        "date of birth in three fields",
        (SPLIT,),
        lambda s: json_wire({"birth_day": 14, "birth_month": "03", "birth_year": 1984, "note": s.text}),
        plants=lambda s: ("1984",),
        benign=lambda s: json_wire({"day": 14, "month": "03", "year": 1984, "note": s.text}),
    ),
    Case(
        "account number in four inputs",
        (SPLIT,),
        lambda s: Wire(
            urlencode({f"iban{n}": piece for n, piece in enumerate(pieces(s), 1)}).encode(),
            "application/x-www-form-urlencoded",
        ),
        plants=pieces,
    ),
    Case(
        "card number in four inputs",
        (SPLIT,),
        lambda s: json_wire({"card1": "4111", "card2": "1111", "card3": "1111", "card4": "1111"}),
        plants=lambda s: ("4111",),
        benign=lambda s: json_wire({"card1": "4111", "card2": "1111", "card3": "1111", "card4": "1112"}),
    ),
    Case(
        "address as two fields",
        (SPLIT,),
        lambda s: json_wire(
            {"mail_local": s.email.partition("@")[0], "mail_domain": s.email.partition("@")[2]}
        ),
        plants=lambda s: (s.email.partition("@")[0],),
    ),
    hard(
        "account number as an array of pieces",
        SPLIT,
        lambda s: json_wire({"parts": list(pieces(s))}),
        lambda s: pieces(s)[1:3],
    ),
    hard(
        "address as an array of characters",
        SPLIT,
        lambda s: json_wire({"c": list(s.email)}),
    ),
    hard(
        "account number as an array of digits",
        SPLIT,
        lambda s: json_wire({"d": [int(one) if one.isdigit() else one for one in compact(s)]}),
        iban_only,
    ),
    hard(
        "account number over parts",
        SPLIT,
        lambda s: parts({f"p{n}": piece for n, piece in enumerate(pieces(s))}),
        lambda s: pieces(s)[1:3],
    ),
    hard(
        "address over the halves of a query",
        SPLIT,
        lambda s: Wire(target=b"/in?" + urlencode({"a": s.email[:12], "b": s.email[12:]}).encode()),
        lambda s: (s.email[12:],),
    ),
    hard(
        "address over two columns",
        SPLIT,
        lambda s: Wire(f"a,b\r\n{s.email.replace('@', ',@')}\r\n".encode(), "text/csv"),
        lambda s: (s.email.partition("@")[0],),
    ),
    hard(
        "account number over events",
        SPLIT,
        lambda s: Wire("".join(f"data: {piece}\n\n" for piece in pieces(s)).encode(), "text/event-stream"),
        lambda s: pieces(s)[1:3],
    ),
    hard(
        "address backwards",
        APART,
        lambda s: json_wire({"note": s.email[::-1]}),
        lambda s: (s.email[::-1],),
    ),
    hard(
        "name in ROT13",
        APART,
        lambda s: json_wire({"note": codecs.encode(f"Guten Tag, mein Name ist {s.name}.", "rot13")}),
        lambda s: (codecs.encode(s.name, "rot13"),),
    ),
)
