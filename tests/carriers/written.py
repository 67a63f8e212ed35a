"""Cases for how text is written: charsets, digits, spacing, splitting over fields."""

from __future__ import annotations

import codecs
import json
from urllib.parse import urlencode

from tests.carriers.case import Case, Sample, Wire
from tests.carriers.formats import json_wire

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
)
