"""Cases for what programs send each other: calls of models and tools, queries, records, settings, logs."""

from __future__ import annotations

import base64
import json
import zlib
from urllib.parse import quote, urlencode

from tests.carriers.case import Case, Sample, Wire
from tests.carriers.formats import json_wire

JSON, XML, INSIDE = "JSON", "XML", "JSON, XML, HTML or a form in a value"
BASE64, PERCENT = "Base64 and Base64url in a value", "Percent signs and escapes in a value"
TEXT, YAML, SPLIT = "Text", "YAML", "Values split over fields"


def email_only(s: Sample) -> tuple[str, ...]:
    """The address alone."""
    return (s.email,)


def name_only(s: Sample) -> tuple[str, ...]:
    """The name alone."""
    return (s.name,)


def both_names(s: Sample) -> tuple[str, ...]:
    """The name's parts, wherever they stand."""
    return s.first, s.last


def text(content: str, media_type: str = "text/plain; charset=utf-8") -> Wire:
    """A text of a type."""
    return Wire(content.encode(), media_type)


def tool_call(arguments: object) -> Wire:
    """A call of a model's tool, in the messages of a chat."""
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "crm", "arguments": json.dumps(arguments)},
    }
    return json_wire(
        {
            "model": "large",
            "messages": [
                {"role": "system", "content": "You help."},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": json.dumps({"ok": arguments})},
            ],
        }
    )


def tool_result(s: Sample) -> Wire:
    """The result of a tool over JSON-RPC, with text that is JSON, and a resource in Base64."""
    rows = json.dumps([{"note": s.text}], ensure_ascii=False)
    blob = base64.b64encode(s.text.encode()).decode()
    content = [
        {"type": "text", "text": f"Result:\n```json\n{rows}\n```"},
        {"type": "resource", "resource": {"uri": f"crm://people/{quote(s.email)}", "blob": blob}},
    ]
    return json_wire({"jsonrpc": "2.0", "id": 7, "result": {"content": content, "isError": False}})


def deltas(pieces: list[str]) -> Wire:
    """A stream of a model's answer, some letters an event."""
    lines = [
        f"data: {json.dumps({'id': 'c1', 'choices': [{'index': 0, 'delta': {'content': one}}]})}\n\n"
        for one in pieces
    ]
    return Wire("".join([*lines, "data: [DONE]\n\n"]).encode(), "text/event-stream")


def in_fours(value: str) -> list[str]:
    """Four letters each, as models write words in pieces."""
    return [value[at : at + 4] for at in range(0, len(value), 4)]


def partial_json(s: Sample) -> Wire:
    """The arguments of a tool, in fragments of JSON."""
    whole = json.dumps({"mail": s.email, "n": 1})
    lines = [
        "event: content_block_delta\ndata: "
        + json.dumps(
            {
                "type": "content_block_delta",
                "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": one},
            }
        )
        + "\n\n"
        for one in (whole[:14], whole[14:21], whole[21:])
    ]
    return Wire("".join(lines).encode(), "text/event-stream")


def patient(s: Sample, person: bool = True) -> dict[str, object]:
    """A resource of FHIR."""
    names: object = [{"use": "official", "family": s.last, "given": [s.first]}]
    return {
        "resourceType": "Patient" if person else "Device",
        ("name" if person else "deviceName"): names if person else [{"name": s.name, "type": "model-name"}],
        "telecom": [{"system": "email", "value": s.email}],
        "birthDate" if person else "manufactureDate": "1984-03-14",
    }


def hl7(s: Sample, person: bool = True) -> str:
    """A message of HL7 version 2."""
    who = f"PID|1||4711^^^LAB^MR||{s.last}^{s.first}||19840314|F" if person else f"DEV|1||{s.last}^{s.first}"
    return "\r".join(
        ["MSH|^~\\&|LAB|KH|ARCHIV|KH|202611240900||ADT^A01|M1|P|2.5", who, f"NTE|1||{s.email}", ""]
    )


def payment(s: Sample) -> str:
    """A payment of ISO 20022."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">'
        f"<CstmrCdtTrfInitn><PmtInf><Cdtr><Nm>{s.name}</Nm></Cdtr><CdtrAcct><Id><IBAN>{s.iban.replace(' ', '')}"
        f"</IBAN></Id></CdtrAcct><RmtInf><Ustrd>{s.email}</Ustrd></RmtInf></PmtInf></CstmrCdtTrfInitn></Document>"
    )


def ldif(s: Sample, attribute: str) -> str:
    """An entry of a directory, with Base64 and a folded line."""
    coded = base64.b64encode(s.name.encode()).decode()
    return (
        f"version: 1\ndn: uid=7,dc=example,dc=org\nobjectClass: top\n{attribute}:: {coded}\n"
        f"mail: {s.email[:9]}\n {s.email[9:]}\n"
    )


def deflated(s: Sample) -> str:
    """What SAML puts into a query: compressed without a head, then Base64."""
    packer = zlib.compressobj(wbits=-15)
    xml = (
        '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1"><saml:Subject '
        f'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:NameID>{s.email}</saml:NameID></saml:Subject>'
        "</samlp:AuthnRequest>"
    )
    return base64.b64encode(packer.compress(xml.encode()) + packer.flush()).decode()


def saml_response(s: Sample) -> str:
    """An assertion in Base64, as browsers post it."""
    xml = (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"><a:Attribute xmlns:a="urn:a" '
        f'Name="mail"><a:AttributeValue>{s.email}</a:AttributeValue></a:Attribute></samlp:Response>'
    )
    return base64.b64encode(xml.encode()).decode()


CALLS = (
    Case(
        "arguments of a model's tool",
        (JSON, INSIDE),
        lambda s: tool_call({"note": s.text, "items": [{"by": json.dumps({"mail": s.email})}]}),
    ),
    Case("result of a tool over JSON-RPC", (JSON, BASE64), tool_result),
    Case(
        "JSON of a form in Base64 in a form",
        ("Form", BASE64, INSIDE),
        lambda s: Wire(
            urlencode(
                {
                    "payload": base64.b64encode(
                        urlencode({"event": json.dumps({"note": s.text})}).encode()
                    ).decode()
                }
            ).encode(),
            "application/x-www-form-urlencoded",
        ),
    ),
    Case(
        "GraphQL in a query",
        ("GraphQL", "Request target"),
        lambda s: Wire(
            target=b"/graphql?" + urlencode({"query": f'{{ user(mail: "{s.email}") {{ id }} }}'}).encode(),
            method="GET",
        ),
        plants=email_only,
    ),
    Case(
        "several calls of GraphQL at once",
        ("GraphQL", JSON),
        lambda s: json_wire(
            [
                {"query": "{ a }"},
                {
                    "query": f'mutation {{ put(in: {{n: "{s.text}"}}) {{ id }} }}',
                    "variables": {"m": [s.email]},
                },
            ]
        ),
    ),
    Case(
        "answer of a model in events of some letters",
        ("Server-sent events", SPLIT),
        lambda s: deltas(in_fours(f"Schreib an {s.email} bitte")),
        plants=lambda s: tuple(in_fours(f"Schreib an {s.email} bitte")[3:8]),
        adversarial=True,
    ),
    Case(
        "account number in events of some letters",
        ("Server-sent events", SPLIT),
        lambda s: deltas(["Die IBAN ist ", *s.iban.split(), " heute"]),
        plants=lambda s: tuple(s.iban.split()[1:4]),
        adversarial=True,
    ),
    Case(
        "arguments of a tool in fragments",
        ("Server-sent events", SPLIT),
        partial_json,
        plants=lambda s: (s.email[4:11],),
        adversarial=True,
    ),
    Case(
        "address over the lines of JSON Lines",
        ("JSON Lines", SPLIT),
        lambda s: Wire(
            "".join(json.dumps({"t": one}) + "\n" for one in (s.email[:9], s.email[9:])).encode(),
            "application/x-ndjson",
        ),
        plants=lambda s: (s.email[9:],),
        adversarial=True,
    ),
    Case(
        "name over the messages of a chat",
        (JSON, SPLIT),
        lambda s: json_wire(
            {
                "messages": [
                    {"role": "user", "content": f"Mein Vorname ist {s.first}"},
                    {"role": "user", "content": f"und mein Nachname ist {s.last}."},
                ]
            }
        ),
        plants=both_names,
        adversarial=True,
        benign=lambda s: json_wire(
            {
                "messages": [
                    {"role": "user", "content": f"Die {s.name}"},
                    {"role": "user", "content": "ist angekommen."},
                ]
            }
        ),
    ),
    Case(
        "SAML in a query",
        ("Request target", BASE64, XML),
        lambda s: Wire(target=b"/sso?" + urlencode({"SAMLRequest": deflated(s)}).encode(), method="GET"),
        plants=lambda s: (quote(deflated(s), safe=""),),
    ),
    Case(
        "SAML in a form",
        ("Form", BASE64, XML),
        lambda s: Wire(
            urlencode({"SAMLResponse": saml_response(s), "RelayState": "7"}).encode(),
            "application/x-www-form-urlencoded",
        ),
        plants=email_only,
    ),
)

RECORDS = (
    Case(
        "patient in FHIR",
        (JSON, SPLIT),
        lambda s: Wire(json.dumps(patient(s)).encode(), "application/fhir+json"),
        plants=lambda s: (s.first, s.last, s.email),
        benign=lambda s: Wire(json.dumps(patient(s, person=False)).encode(), "application/fhir+json"),
    ),
    Case(
        "patient in HL7",
        ("HL7 version 2",),
        lambda s: Wire(hl7(s).encode(), "application/hl7-v2"),
        plants=lambda s: (s.last, s.email),
        benign=lambda s: Wire(hl7(s, person=False).encode(), "application/hl7-v2"),
    ),
    Case(
        "patient in DICOM",
        (JSON,),
        lambda s: Wire(
            json.dumps(
                [
                    {
                        "00100010": {"vr": "PN", "Value": [{"Alphabetic": f"{s.last}^{s.first}"}]},
                        "00104000": {"vr": "LT", "Value": [s.email]},
                    }
                ]
            ).encode(),
            "application/dicom+json",
        ),
        plants=lambda s: (f"{s.last}^{s.first}", s.email),
        benign=lambda s: Wire(
            json.dumps([{"00081090": {"vr": "LO", "Value": [s.name]}}]).encode(), "application/dicom+json"
        ),
    ),
    Case(
        "payment",
        (XML,),
        lambda s: Wire(payment(s).encode(), "application/xml"),
        plants=lambda s: (s.name, s.email, s.iban),
    ),
    Case(
        "entry of a directory",
        (TEXT, BASE64),
        lambda s: text(ldif(s, "cn"), "text/x-ldif"),
        plants=lambda s: (s.name, s.email),
        benign=lambda s: text(ldif(s, "description"), "text/x-ldif"),
    ),
    Case(
        "rows for a database",
        (TEXT,),
        lambda s: text(
            f"INSERT INTO orders (id, {s.field}, email) VALUES\n(7, '{s.name}', '{s.email}'),\n(8, NULL, NULL);\n",
            "application/sql",
        ),
    ),
    Case(
        "object of Python",
        (TEXT,),
        lambda s: text(repr({s.field: s.name, "tags": ("a", None), "mail": s.email})),
    ),
    Case(
        "object of JavaScript",
        (TEXT, PERCENT),
        lambda s: text(
            f"export const row = {{ {s.field}: '{s.name}', mail: '{s.email.replace('@', chr(92) + 'u0040')}', n: 1 }};",
            "text/javascript",
        ),
        plants=lambda s: (s.name, s.email.replace("@", "\\u0040")),
    ),
    Case(
        "JSON with comments",
        (TEXT,),
        lambda s: Wire(
            f"// people\n{{\n  {s.field}: '{s.name}', /* yes */\n  mail: \"{s.email}\",\n}}\n".encode(),
            "application/json5",
        ),
    ),
    Case(
        "settings with sections",
        (TEXT,),
        lambda s: text(f"; made by hand\n[row 1]\n{s.field} = {s.name}\nmail={s.email}\n"),
    ),
    Case(
        "settings in TOML",
        (TEXT,),
        lambda s: Wire(
            f'[[rows]]\n{s.field} = "{s.name}"\nmail = "{s.email.replace("@", chr(92) + "u0040")}"\nn = 1\n'.encode(),
            "application/toml",
        ),
        plants=lambda s: (s.name, s.email.replace("@", "\\u0040")),
    ),
    Case(
        "variables of an environment",
        (TEXT,),
        lambda s: text(f"export MAIL_TO={s.email}\n{s.field.upper()}='{s.name}'\nPORT=8080\n"),
    ),
    Case(
        "settings of Java",
        (TEXT, PERCENT),
        lambda s: text(
            f"# {s.field}\n{s.field}={s.name.replace('ö', chr(92) + 'u00f6').replace('ü', chr(92) + 'u00fc')}\n"
            f"mail = {s.email[:9]}\\\n    {s.email[9:]}\n",
            "text/x-java-properties",
        ),
        plants=lambda s: (
            s.name.replace("ö", "\\u00f6").replace("ü", "\\u00fc"),
            s.email[:9] + "\\\n    " + s.email[9:],
        ),
    ),
    Case(
        "lines of a log",
        (TEXT,),
        lambda s: text(
            f'192.0.2.7 - - [24/Nov/2026:09:00:00 +0000] "GET /a?mail={quote(s.email)} HTTP/1.1" 200 17\n'
            f'level=info msg="{s.text}" n=1\n'
        ),
    ),
    Case(
        "quoted text in YAML",
        (YAML,),
        lambda s: text(
            f'a: &x\n  {s.field}: "{s.name[:5]}\\\n    {s.name[5:]}"\n'
            f'  mail: "{s.email.replace("@", chr(92) + "x40")}"\n'
            "b: *x\n",
            "application/yaml",
        ),
        plants=lambda s: (s.last[-4:], s.email.replace("@", "\\x40")),
    ),
    Case(
        "plain text over lines in YAML",
        (YAML,),
        lambda s: text(
            f"--- # first\n{s.field}: {s.first}\n  {s.last}\n...\n---\nmail: >-\n  {s.email}\n",
            "application/yaml",
        ),
        plants=lambda s: (s.first, s.last, s.email),
    ),
    Case(
        "Base64 in YAML",
        (YAML, BASE64),
        lambda s: text(
            "file: !!binary |\n"
            + "".join(f"  {line}\n" for line in base64.encodebytes(s.text.encode() * 2).decode().split()),
            "application/yaml",
        ),
    ),
    Case(
        "names in elements with something between",
        (XML, SPLIT),
        lambda s: Wire(
            f"<k><Vorname>{s.first}</Vorname><Nr>7</Nr><Nachname>{s.last}</Nachname></k>".encode(), "text/xml"
        ),
        plants=both_names,
        benign=lambda s: Wire(
            f"<k><Farbe>{s.first}</Farbe><Nr>7</Nr><Artikel>{s.last}</Artikel></k>".encode(), "text/xml"
        ),
    ),
    Case(
        "names in a table",
        ("HTML", SPLIT),
        lambda s: Wire(
            "<html><table><tr><th>Vorname</th><th>Nachname</th></tr>"
            f"<tr><td>{s.first}</td><td>{s.last}</td></tr></table></html>".encode(),
            "text/html; charset=utf-8",
        ),
        plants=both_names,
        benign=lambda s: Wire(
            "<html><table><tr><th>Farbe</th><th>Artikel</th></tr>"
            f"<tr><td>{s.first}</td><td>{s.last}</td></tr></table></html>".encode(),
            "text/html; charset=utf-8",
        ),
    ),
)

CASES = (*CALLS, *RECORDS)
