"""Cases for mail, cards, calendars, streams of events, YAML and GraphQL."""

from __future__ import annotations

import base64
import json
import quopri
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP

from tests.carriers.case import Case, Sample, Wire
from tests.carriers.formats import json_wire

MAIL = "Mail"
CARD = "vCard and iCalendar"
EVENTS = "Server-sent events"


def mail(s: Sample, encoding: str = "quoted-printable", charset: str = "utf-8") -> EmailMessage:
    """A mail as the standard library writes it."""
    message = EmailMessage(policy=SMTP)
    message["From"] = "Shop <info@example.org>"
    message["To"] = "info@example.org"
    message["Subject"] = f"Anfrage: {s.name}"
    message.set_content(
        f"{s.text}\n\nMit freundlichen Grüßen aus der Küche\n" * 2, cte=encoding, charset=charset
    )
    return message


def mail_with_parts(s: Sample) -> EmailMessage:
    """A mail with an alternative in HTML and two attachments."""
    message = mail(s, "8bit")
    message.add_alternative(f"<p>Hallo, <b>{s.text}</b></p>", subtype="html", cte="quoted-printable")
    message.add_attachment(
        f"{s.field},mail\r\n{s.name},{s.email}\r\n".encode(), maintype="text", subtype="csv", filename="a.csv"
    )
    message.add_attachment(s.text, filename=f"für {s.name}.txt")
    return message


def encoded_words(s: Sample) -> bytes:
    """Encoded words one after another, each in a charset of its own."""
    first = Header(f"{s.first} ", "utf-8").encode()
    last = "=?iso-8859-1?q?" + quopri.encodestring(s.last.encode("latin-1"), header=True).decode() + "?="
    head = f"From: {first}\r\n {last} <{s.email}>\r\nSubject: Frage\r\n"
    return f"{head}Content-Type: text/plain; charset=us-ascii\r\n\r\nHallo.\r\n".encode()


def extended_name(s: Sample) -> bytes:
    """A file name in pieces, as RFC 2231 has it."""
    name = s.email.replace("@", "%40")
    half = len(name) // 2
    return (
        "Subject: Unterlagen\r\nContent-Type: application/json\r\nContent-Disposition: attachment;\r\n"
        f" filename*0*=utf-8''Akte%20{name[:half]};\r\n filename*1*={name[half:]};\r\n filename*2=.json\r\n\r\n"
        '{"ok": true}\r\n'
    ).encode()


def vcard(s: Sample, name: str) -> bytes:
    """A card as address books write them."""
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\n{name}\r\nEMAIL;TYPE=work:{s.email[:9]}\r\n {s.email[9:]}\r\n"
        f"NOTE:Bitte anrufen\\, danke\\nBis bald\r\nEND:VCARD\r\n"
    ).encode()


def quoted_card(s: Sample, prop: str = "FN") -> bytes:
    """A card of version 2.1, as telephones write them."""
    name = "".join(f"={byte:02X}" for byte in s.name.encode())
    return (
        f"BEGIN:VCARD\r\nVERSION:2.1\r\n{prop};CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:{name[:18]}=\r\n{name[18:]}\r\n"
        "END:VCARD\r\n"
    ).encode()


def calendar(s: Sample, param: str = "CN") -> bytes:
    """An invitation."""
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:7@example.org\r\nDTSTART:20261124T090000Z\r\n"
        f'SUMMARY:Termin\r\nATTENDEE;{param}="{s.name[:7]}\r\n {s.name[7:]}";ROLE=REQ-PARTICIPANT:mailto:{s.email}\r\n'
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def events(s: Sample) -> bytes:
    """Events with JSON over several lines, and a comment."""
    data = json.dumps({"note": s.text, "n": 1}, indent=1)
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return (
        f"event: message\nid: 1\n{lines}\n: still here\n\ndata: {json.dumps({'mail': s.email})}\n\n".encode()
    )


def text_events(s: Sample) -> bytes:
    """A text whose lines are lines of data."""
    return f"data: Guten Tag, mein Name ist {s.first}\ndata: {s.last}, danke.\n\n".encode()


def yaml(s: Sample) -> bytes:
    """Scalars in every style."""
    return (
        f"# Liste\nkunden:\n  - &erster\n    {s.field}: {s.name}\n    mail: '{s.email}'\n"
        f'    note: "{s.text.encode("unicode_escape").decode()}"\n  - text: >\n      Guten Tag, es\n'
        f"      geht um {s.first}\n      {s.last}, danke.\n  - brief: |\n      {s.text}\n"
        "  - *erster\n"
    ).encode()


GRAPHQL = "mutation { addUser(input: {note: %s, mail: %s, tags: [1, true]}) { id } }"

CASES = (
    Case("mail in quoted-printable", (MAIL,), lambda s: Wire(mail(s).as_bytes(), "message/rfc822")),
    Case("mail in Base64", (MAIL,), lambda s: Wire(mail(s, "base64").as_bytes(), "message/rfc822")),
    Case(
        "mail in Latin-1",
        (MAIL,),
        lambda s: Wire(mail(s, "quoted-printable", "iso-8859-1").as_bytes(), "message/rfc822"),
    ),
    Case(
        "mail with parts",
        (MAIL, "Multipart"),
        lambda s: Wire(mail_with_parts(s).as_bytes(), "message/rfc822"),
    ),
    Case("mail, undeclared", (MAIL,), lambda s: Wire(mail(s).as_bytes(), "application/octet-stream")),
    Case("mail with encoded words", (MAIL,), lambda s: Wire(encoded_words(s), "message/rfc822")),
    Case(
        "mail with a file name in pieces",
        (MAIL,),
        lambda s: Wire(extended_name(s), "message/rfc822"),
        plants=lambda s: (s.email[:8],),
        refused=True,
    ),
    Case(
        "mail in JSON, as an API takes it",
        (MAIL, "Base64 and Base64url in a value"),
        lambda s: json_wire({"raw": base64.urlsafe_b64encode(mail(s).as_bytes()).decode()}),
    ),
    Case(
        "mail in a mail",
        (MAIL,),
        lambda s: Wire(
            b"Subject: Weiterleitung\r\nContent-Type: message/rfc822\r\n\r\n" + mail(s).as_bytes(),
            "message/rfc822",
        ),
    ),
    Case(
        "quoted-printable in a form",
        (MAIL, "Multipart"),
        lambda s: Wire(
            b'--b\r\nContent-Disposition: form-data; name="q"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
            + quopri.encodestring(s.text.encode()).replace(b"\n", b"\r\n")
            + b"\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
        ),
    ),
    Case(
        "card",
        (CARD,),
        lambda s: Wire(vcard(s, f"FN:{s.name[:8]}\r\n {s.name[8:]}"), "text/vcard"),
        benign=lambda s: Wire(vcard(s, f"ORG:{s.name[:8]}\r\n {s.name[8:]}"), "text/vcard"),
    ),
    Case(
        "card with structured name",
        (CARD,),
        lambda s: Wire(vcard(s, f"N:{s.last};{s.first};;;\r\nFN:{s.name}"), "text/vcard"),
        plants=lambda s: (s.name, s.email, f"{s.last};{s.first}"),
        benign=lambda s: Wire(vcard(s, "N:;;;;\r\nORG:Lampen GmbH"), "text/vcard"),
    ),
    Case(
        "card of a telephone",
        (CARD,),
        lambda s: Wire(quoted_card(s), "text/x-vcard"),
        benign=lambda s: Wire(quoted_card(s, "ORG"), "text/x-vcard"),
    ),
    Case(
        "calendar",
        (CARD,),
        lambda s: Wire(calendar(s), "text/calendar"),
        benign=lambda s: Wire(calendar(s, "X-ROOM"), "text/calendar"),
    ),
    Case("events with JSON", (EVENTS,), lambda s: Wire(events(s), "text/event-stream")),
    Case(
        "events with a text over lines",
        (EVENTS,),
        lambda s: Wire(text_events(s), "text/event-stream"),
        plants=lambda s: (s.first, s.last),
    ),
    Case("YAML", ("YAML",), lambda s: Wire(yaml(s), "application/yaml"), plants=lambda s: (s.last, s.email)),
    Case("YAML, undeclared", ("YAML",), lambda s: Wire(yaml(s)), plants=lambda s: (s.last, s.email)),
    Case(
        "GraphQL",
        ("GraphQL",),
        lambda s: Wire((GRAPHQL % (json.dumps(s.text), json.dumps(s.email))).encode(), "application/graphql"),
    ),
    Case(
        "GraphQL in JSON",
        ("JSON", "GraphQL"),
        lambda s: json_wire(
            {
                "query": GRAPHQL % (json.dumps(s.text), f'"""\n  {s.email}\n"""'),
                "variables": {s.field: s.name},
            }
        ),
    ),
)
