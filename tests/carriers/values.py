"""Cases for what a value holds, and for how people write it."""

from __future__ import annotations

import base64
import gzip
import json
import unicodedata
from html import escape
from urllib.parse import quote, urlencode

from tests.carriers.case import Case, Wire
from tests.carriers.formats import json_wire


def b64(text: str | bytes) -> str:
    """Base64 of a text."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def b64url(text: str | bytes) -> str:
    """Base64url of a text, without padding."""
    return b64(text).translate(str.maketrans("+/", "-_")).rstrip("=")


def token(claims: dict[str, str]) -> str:
    """A signed token with these claims."""
    parts = [b64url('{"alg":"HS256","typ":"JWT"}'), b64url(json.dumps(claims)), b64url(b"\xfe" * 32)]
    return ".".join(parts)


def hidden(text: str) -> str:
    """A sign that nobody sees between all letters."""
    return "\u200b".join(text)


CASES = (
    Case(
        "JSON in a string in JSON",
        ("JSON, XML, HTML or a form in a value",),
        lambda s: json_wire({"event": json.dumps({"data": json.dumps({"note": s.text})})}),
    ),
    Case(
        "form in JSON",
        ("JSON, XML, HTML or a form in a value",),
        lambda s: json_wire({"body": urlencode({"note": s.text, "id": "7"})}),
    ),
    Case(
        "HTML in JSON",
        ("JSON, XML, HTML or a form in a value",),
        lambda s: json_wire({"html": f"<p>{escape(s.text)}</p>"}),
    ),
    Case(
        "percent signs two times",
        ("Percent signs and escapes in a value",),
        lambda s: Wire(target=f"/in?next={quote(quote(s.text))}".encode()),
    ),
    Case(
        "Base64",
        ("Base64 and Base64url in a value",),
        lambda s: json_wire({"data": b64(s.text)}),
    ),
    Case(
        "Base64url of JSON of Base64",
        ("Base64 and Base64url in a value",),
        lambda s: json_wire({"data": b64url(json.dumps({"d": b64(s.text)}))}),
        adversarial=True,
    ),
    Case(
        "Base64 of gzip",
        ("Base64 and Base64url in a value",),
        lambda s: json_wire({"data": b64(gzip.compress(s.text.encode(), mtime=0))}),
    ),
    Case(
        "hexadecimal digits",
        ("Digits and other alphabets in a value",),
        lambda s: json_wire({"data": s.text.encode().hex()}),
        adversarial=True,
    ),
    Case(
        "data URL",
        ("data: URL",),
        lambda s: json_wire({"file": f"data:text/plain;charset=utf-8;base64,{b64(s.text)}"}),
    ),
    Case(
        "signed token",
        ("Signed token (JWT)",),
        lambda s: json_wire({"token": token({s.field: s.name, "mail": s.email})}),
        benign=lambda s: json_wire({"token": "none", "product": s.name, "mail": s.email}),
    ),
    Case(
        "zero width signs",
        ("Signs that nobody sees",),
        lambda s: json_wire({"note": hidden(s.email)}),
        plants=lambda s: (s.email,),
        adversarial=True,
    ),
    Case(
        "Cyrillic letters",
        ("Letters of another script in a word",),
        lambda s: json_wire({"mail": s.email.replace("a", "а", 1)}),
        plants=lambda s: (s.email.replace("a", "а", 1),),
        adversarial=True,
    ),
    Case(
        "accents as signs of their own",
        ("Accents and digits in other forms",),
        lambda s: json_wire({"note": unicodedata.normalize("NFD", s.text)}),
    ),
)
