"""Cases for the places in a message where names and values stand besides its body, and for names of fields."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, urlencode

from tests.carriers.case import Case, Wire
from tests.carriers.formats import json_wire, multipart
from tests.carriers.interfaces import BASE64, JSON, PERCENT, email_only, name_only

CASES = (
    Case(
        "percent signs two times in a path",
        ("Request target", PERCENT),
        lambda s: Wire(b"{}", target=f"/u/{quote(quote(s.email))}/x".encode()),
        plants=lambda s: (quote(quote(s.email)),),
    ),
    Case(
        "address as a parameter of a path",
        ("Request target",),
        lambda s: Wire(b"{}", target=f"/orders;mail={s.email};v=1/7".encode()),
        plants=email_only,
    ),
    Case(
        "URL in a query",
        ("Request target", PERCENT),
        lambda s: Wire(
            target=b"/login?"
            + urlencode({"next": "https://shop.example.org/a?" + urlencode({"mail": s.email})}).encode()
        ),
        plants=lambda s: (quote(quote(s.email, safe=""), safe=""),),
    ),
    Case(
        "user part of a URL in JSON",
        (JSON,),
        lambda s: json_wire({"url": f"ftp://{quote(s.email, safe='')}@files.example.org/a"}),
        plants=lambda s: (quote(s.email, safe=""),),
    ),
    Case(
        "link to write a mail",
        (JSON,),
        lambda s: json_wire({"href": f"mailto:{s.email}?subject={quote('Hallo')}"}),
        plants=email_only,
    ),
    Case(
        "referring page in a header",
        ("Header",),
        lambda s: Wire(b"{}", headers=(("referer", f"https://shop.example.org/?mail={quote(s.email)}"),)),
        plants=email_only,
    ),
    Case(
        "extended value in a header",
        ("Header", PERCENT),
        lambda s: Wire(
            b"{}",
            headers=(
                ("content-disposition", f"attachment; filename*=UTF-8''{quote(f'Brief an {s.name}.pdf')}"),
            ),
        ),
        plants=lambda s: (quote(s.name),),
    ),
    Case(
        "JSON in Base64 in a header",
        ("Header", BASE64),
        lambda s: Wire(
            b"{}",
            headers=(("x-context", base64.b64encode(json.dumps({"mail": s.email}).encode()).decode()),),
        ),
        plants=email_only,
    ),
    Case(
        "JSON with percent signs in a cookie",
        ("Cookie", PERCENT),
        lambda s: Wire(
            b"{}", headers=(("cookie", f"theme=dark; user={quote(json.dumps({'mail': s.email, 'n': 1}))}"),)
        ),
        plants=email_only,
    ),
    Case(
        "name of a form's field",
        ("Multipart",),
        lambda s: multipart(f'name="answers[{s.email}]"', "ja"),
        plants=email_only,
    ),
    Case(
        "name in a file name",
        ("Multipart",),
        lambda s: multipart(f'name="f"; filename="Lebenslauf {s.name}.txt"', "leer"),
        plants=name_only,
        benign=lambda s: multipart(f'name="f"; filename="Datenblatt {s.name}.txt"', "leer"),
    ),
    Case(
        "extended file name",
        ("Multipart",),
        lambda s: multipart(f'name="f"; filename="x.txt"; filename*=UTF-8\'\'{quote(s.email)}.txt', "leer"),
        plants=email_only,
    ),
    Case(
        "names as keys",
        (JSON,),
        lambda s: json_wire({"customers" if s.last == "Köhler" else "products": {s.name: {"orders": 3}}}),
        plants=name_only,
    ),
)
