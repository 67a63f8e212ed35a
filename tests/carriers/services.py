"""Cases for what online services take: batches, uploads, events, records with types of their own, headers."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote, urlencode

from tests.carriers.case import PERSON, Case, Sample, Wire
from tests.carriers.files import a_docx
from tests.carriers.formats import json_wire
from tests.carriers.interfaces import BASE64, JSON, PERCENT, email_only, text
from tests.carriers.values import b64, b64url, token
from tests.decode import files

HEADER, TARGET, FORM, XML = "Header", "Request target", "Form", "XML"
MULTIPART, LINES, TEXT = "Multipart", "JSON Lines", "Text"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def row(s: Sample) -> dict[str, str]:
    """A record with name and address."""
    return {s.field: s.name, "email": s.email}


def quoted(s: Sample) -> tuple[str, ...]:
    """The address as it stands in a URL."""
    return (quote(s.email), quote(s.email, safe=""))


def form(fields: dict[str, str]) -> Wire:
    """A form."""
    return Wire(urlencode(fields).encode(), "application/x-www-form-urlencoded")


def parts(kind: str, *contents: str, end: str = "\r\n--b--\r\n") -> Wire:
    """A multipart body of these parts, each with its headers."""
    body = "".join(f"--b\r\n{one}\r\n" for one in contents).removesuffix("\r\n") + end
    return Wire(body.encode(), f"multipart/{kind}; boundary=b")


def header(name: str, value: str, method: str = "POST") -> Wire:
    """A request with a header."""
    return Wire(b"{}", headers=((name, value),), method=method)


def query(value: Callable[[Sample], str]) -> Callable[[Sample], Wire]:
    """A request without a body, for a target."""
    return lambda s: Wire(target=value(s).encode(), method="GET")


def changeset(s: Sample) -> Wire:
    """A batch of OData: requests in parts of a part."""
    request = (
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
        f"POST /odata/Customers HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{json.dumps(row(s))}"
    )
    return parts("mixed", f"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n{request}\r\n--c--")


def field(length: int, content: bytes) -> bytes:
    """A field of Protocol Buffers that holds bytes; `length` is its number."""
    return bytes([length << 3 | 2, len(content)]) + content


def span(s: Sample) -> bytes:
    """A span of OpenTelemetry with the user as an attribute."""
    attribute = field(1, b"enduser.id") + field(2, field(1, s.email.encode()))
    one = (
        field(1, bytes(range(16))) + field(2, bytes(range(8))) + field(5, b"GET /users") + field(9, attribute)
    )
    return field(1, field(2, field(2, one)))


def upload(s: Sample) -> Wire:
    """Variables, a map and a file, as GraphQL uploads have it."""
    operations = {"query": "mutation ($c: In!) { add(c: $c) { id } }", "variables": {"c": row(s), "f": None}}
    return parts(
        "form-data",
        f'Content-Disposition: form-data; name="operations"\r\n\r\n{json.dumps(operations)}',
        'Content-Disposition: form-data; name="map"\r\n\r\n{"0": ["variables.f"]}',
        'Content-Disposition: form-data; name="0"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
        f"{s.field},email\r\n{s.name},{s.email}",
    )


def call(s: Sample) -> str:
    """A call over XML-RPC."""
    members = "".join(
        f"<member><name>{name}</name><value><string>{value}</string></value></member>"
        for name, value in row(s).items()
    )
    return (
        "<?xml version='1.0'?><methodCall><methodName>crm.add</methodName><params><param><value>"
        f"<struct>{members}</struct></value></param></params></methodCall>"
    )


CASES = (
    Case(
        "document in the message of a chat",
        (JSON, "PDF", BASE64),
        lambda s: json_wire(
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "Fasse das zusammen."},
                            {"type": "document", "source": {"data": b64(files.a_pdf(s.text))}},
                        ],
                    }
                ]
            }
        ),
        refused=True,
    ),
    Case(
        "DOCX in a data URL in the message of a chat",
        (JSON, "data: URL", "DOCX, XLSX, PPTX"),
        lambda s: json_wire({"input": [{"file_data": f"data:{DOCX};base64,{b64(a_docx(s))}"}]}),
    ),
    Case("batch of requests in parts", (MULTIPART, JSON), changeset),
    Case(
        "address in the target of a request in a part",
        (MULTIPART, PERCENT),
        lambda s: parts(
            "mixed",
            "Content-Type: application/http\r\n\r\n"
            f"GET /Customers?$filter=Email%20eq%20'{quote(s.email)}' HTTP/1.1\r\n\r\n",
        ),
        plants=quoted,
    ),
    Case(
        "address in the target of a request in JSON",
        (JSON, PERCENT),
        lambda s: json_wire({"requests": [{"method": "GET", "url": f"/users/{quote(s.email)}/messages"}]}),
        plants=quoted,
    ),
    Case("upload over GraphQL", (MULTIPART, JSON, "CSV and TSV"), upload),
    Case(
        "block of text in GraphQL",
        ("GraphQL",),
        lambda s: json_wire({"query": f'mutation {{ note(text: """\n  {s.text}\n  """) {{ id }} }}'}),
    ),
    Case(
        "report of a browser",
        (JSON, PERCENT),
        lambda s: Wire(
            json.dumps(
                {"csp-report": {"document-uri": f"https://shop.example.org/konto?mail={quote(s.email)}"}}
            ).encode(),
            "application/csp-report",
        ),
        plants=quoted,
    ),
    Case(
        "OpenTelemetry",
        ("Protocol Buffers",),
        lambda s: Wire(span(s), "application/x-protobuf"),
        plants=email_only,
    ),
    Case(
        "OpenTelemetry in JSON",
        (JSON,),
        lambda s: json_wire(
            {"spans": [{"attributes": [{"key": "enduser.id", "value": {"stringValue": s.email}}]}]}
        ),
        plants=email_only,
    ),
    Case(
        "event in Base64 in a query",
        (TARGET, BASE64),
        query(
            lambda s: (
                "/v1/pixel?data=" + quote(b64(json.dumps({"writeKey": "k", "traits": {"email": s.email}})))
            )
        ),
        plants=email_only,
    ),
    Case(
        "form with brackets",
        (FORM,),
        lambda s: form({"customer[email]": s.email, f"customer[{s.field}]": s.name, "items[0][price]": "p1"}),
        plants=quoted,
    ),
    Case(
        "form with members by number",
        (FORM,),
        lambda s: form(
            {"Action": "SendEmail", "Destination.ToAddresses.member.1": s.email, "Message.Body.Data": s.text}
        ),
        plants=quoted,
    ),
    Case("call over XML-RPC", (XML,), lambda s: Wire(call(s).encode(), "text/xml")),
    Case(
        "property over WebDAV",
        (XML,),
        lambda s: Wire(
            f'<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><owner>{s.email}</owner>'
            "</D:prop></D:set></D:propertyupdate>".encode(),
            "application/xml",
            method="PROPPATCH",
        ),
        plants=email_only,
    ),
    Case(
        "card in JSON",
        (JSON,),
        lambda s: json_wire(
            [
                "vcard",
                [
                    ["version", {}, "text", "4.0"],
                    ["fn" if s is PERSON else "note", {}, "text", s.name],
                    ["email", {}, "text", s.email],
                ],
            ]
        ),
    ),
    Case(
        "bulk of documents",
        (LINES,),
        lambda s: Wire(
            f"{json.dumps({'index': {'_index': 'c', '_id': '1'}})}\n{json.dumps(row(s))}\n".encode(),
            "application/x-ndjson",
        ),
    ),
    Case(
        "records behind separators",
        (LINES,),
        lambda s: Wire(
            f"\x1e{json.dumps(row(s))}\n\x1e{json.dumps({'note': s.text}, indent=1)}\n".encode(),
            "application/json-seq",
        ),
    ),
    Case(
        "line of measurements",
        (TEXT,),
        lambda s: text(f'login,host=web1,user={s.email} ok=1i,note="{s.text}" 1700000000000000000\n'),
    ),
    Case(
        "line of syslog",
        (TEXT,),
        lambda s: text(
            f'<34>1 2026-10-11T22:14:15.003Z web1 sshd - ID47 [user@32473 mail="{s.email}"] login'
        ),
        plants=email_only,
    ),
    Case(
        "envelope of an error",
        (LINES,),
        lambda s: Wire(
            "\n".join(
                json.dumps(one)
                for one in (
                    {"event_id": "9ec79c33ec9942ab8353589fcb2e04dc"},
                    {"type": "event"},
                    {"message": s.text},
                )
            ).encode(),
            "application/x-sentry-envelope",
        ),
    ),
    Case(
        "link in the markup of a chat",
        (JSON,),
        lambda s: json_wire({"text": f"*Neu:* <mailto:{s.email}|Kontakt> aus Bonn"}),
        plants=email_only,
    ),
    Case(
        "values under names of their types",
        (JSON,),
        lambda s: json_wire({"Item": {name: {"S": value} for name, value in row(s).items()}}),
    ),
    Case(
        "columns and rows in JSON",
        (JSON,),
        lambda s: json_wire({"columns": ["id", s.field, "email"], "rows": [[1, s.name, s.email]]}),
    ),
    Case(
        "records of a queue",
        (JSON, BASE64),
        lambda s: json_wire({"records": [{"key": b64("k1"), "value": b64(json.dumps(row(s)))}]}),
    ),
    Case(
        "archive of requests",
        (JSON, FORM),
        lambda s: json_wire({"log": {"entries": [{"postData": {"text": urlencode({"mail": s.email})}}]}}),
        plants=quoted,
    ),
    Case(
        "file with its description",
        (MULTIPART, JSON),
        lambda s: parts(
            "related",
            f"Content-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps({'owner': s.email})}",
            f"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{b64(s.text)}",
        ),
    ),
    Case(
        "files in a part of a form",
        (MULTIPART,),
        lambda s: parts(
            "form-data",
            'Content-Disposition: form-data; name="files"\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n'
            '--i\r\nContent-Disposition: file; filename="a.txt"\r\nContent-Type: text/plain; charset=utf-8\r\n'
            f"\r\n{s.text}\r\n--i--",
        ),
    ),
    Case(
        "form in parts with bare line ends",
        (MULTIPART,),
        lambda s: Wire(
            f'--o\nContent-Disposition: form-data; name="note"\n\n{s.text}\n--o--\n'.encode(),
            "multipart/form-data; boundary=o",
        ),
    ),
    Case(
        "boundary with blanks",
        (MULTIPART,),
        lambda s: Wire(
            f"--a b c  \r\nContent-Disposition: form-data; name=note\r\n\r\n{s.text}\r\n--a b c--".encode(),
            'multipart/form-data; boundary="a b c"',
        ),
    ),
    Case(
        "notice of a failed delivery",
        (MULTIPART, "Mail"),
        lambda s: parts(
            "report",
            "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
            f"Final-Recipient: rfc822; {s.email}\r\nAction: failed\r\n",
            f"Content-Type: text/rfc822-headers\r\n\r\nTo: {s.email}\r\n",
        ),
        plants=email_only,
    ),
    Case(
        "description of an upload in a header",
        (HEADER, BASE64),
        lambda s: header("upload-metadata", f"filename {b64(s.email + '.txt')},type {b64('text/plain')}"),
        plants=email_only,
    ),
    Case(
        "encoded word in a header",
        (HEADER,),
        lambda s: header("x-amz-meta-owner", f"=?UTF-8?Q?{s.email.replace('@', '=40')}?="),
        plants=lambda s: (s.email.replace("@", "=40"),),
    ),
    Case(
        "encoded words in Base64 in a header",
        (HEADER, BASE64),
        lambda s: header(
            "x-amz-meta-owner", f"=?UTF-8?B?{b64(s.text[:40])}?= =?UTF-8?B?{b64(s.text[40:])}?="
        ),
        plants=email_only,
        benign=lambda s: header("x-amz-meta-owner", f"=?UTF-8?B?{b64(s.text)}?="),
    ),
    Case(
        "encoded words in JSON",
        (JSON, "Mail"),
        lambda s: json_wire(
            {"headers": [{"name": "To", "value": f"=?utf-8?q?{s.email.replace('@', '=40')}?="}]}
        ),
        plants=lambda s: (s.email.replace("@", "=40"),),
    ),
    Case(
        "baggage of a trace",
        (HEADER, PERCENT),
        lambda s: header("baggage", f"contact={quote(s.email)},tier=2"),
        plants=quoted,
    ),
    Case(
        "link in a header",
        (HEADER,),
        lambda s: header("link", f"<mailto:{s.email}>; rel=author"),
        plants=email_only,
    ),
    Case(
        "new name over WebDAV",
        (HEADER, PERCENT),
        lambda s: header("destination", f"https://dav.example.org/home/{quote(s.email)}/b", "MOVE"),
        plants=quoted,
    ),
    Case(
        "signed token in a cookie",
        ("Cookie", "Signed token (JWT)"),
        lambda s: header("cookie", f"sid={token({'email': s.email})}"),
        plants=email_only,
        benign=lambda s: header("cookie", f"sid=none; mail={s.email}"),
    ),
    Case(
        "Base64url in a path",
        (TARGET, BASE64),
        lambda s: Wire(b"{}", target=f"/u/{b64url(s.email)}/x".encode()),
        plants=email_only,
    ),
    Case(
        "JSON in a query",
        (TARGET, JSON),
        query(lambda s: "/q?filter=" + quote(json.dumps({"email": {"$eq": s.email}}))),
        plants=email_only,
    ),
    Case(
        "parameters of an event in a query",
        (TARGET,),
        query(lambda s: f"/g/collect?v=2&en=form&ep.email={quote(s.email)}&up.plan=pro"),
        plants=quoted,
    ),
)
