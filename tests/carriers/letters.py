"""Cases for what mail, cards and calendars can do to a text."""

from __future__ import annotations

import base64
from dataclasses import replace
from email.header import Header

from tests.carriers.case import THING, Case, Sample, Wire
from tests.carriers.documents import mail_with_parts
from tests.carriers.interfaces import email_only

MAIL, CARD = "Mail", "vCard and iCalendar"


def raw_mail(head: str, body: str, media_type: str = "text/plain; charset=utf-8") -> Wire:
    """A mail with these lines."""
    lines = f"From: info@example.org\r\n{head}MIME-Version: 1.0\r\nContent-Type: {media_type}\r\n\r\n{body}"
    return Wire(lines.encode(), "message/rfc822")


def flowed(s: Sample) -> Wire:
    """A mail whose lines end softly in the middle of the name."""
    return raw_mail(
        "Subject: Frage\r\n",
        f"Guten Tag, mein Name ist {s.first} \r\n{s.last}, danke.\r\n",
        "text/plain; charset=utf-8; format=flowed",
    )


def soft_breaks(s: Sample) -> Wire:
    """A mail in quoted-printable whose lines end in the middle of a number."""
    number = "=\r\n".join(s.iban.replace(" ", "")[at : at + 6] for at in range(0, 22, 6))
    return raw_mail(
        "Subject: Konto\r\nContent-Transfer-Encoding: quoted-printable\r\n",
        f"IBAN {number} bitte =C3=BCberweisen.\r\n",
    )


def signed_mail(s: Sample) -> Wire:
    """A mail that its sender's server has signed."""
    seal = (
        "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=key; h=from:subject;\r\n"
        " bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=;\r\n b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFO\r\n"
    )
    return raw_mail(f"{seal}Subject: Frage\r\n", s.text + "\r\n")


def words_in_pieces(s: Sample) -> Wire:
    """Encoded words in Base64, one of which ends in the middle of a character."""
    raw = s.name.encode()
    at = next(n for n, byte in enumerate(raw) if byte > 0x7F) + 1
    words = " ".join(f"=?utf-8?B?{base64.b64encode(one).decode()}?=" for one in (raw[:at], raw[at:]))
    return raw_mail(f"To: {words} <{s.email}>\r\nSubject: Frage\r\n", "Hallo.\r\n")


def forwarded(s: Sample) -> Wire:
    """A mail in a part of a part of a mail, in Base64."""
    inner = base64.encodebytes(mail_with_parts(s).as_bytes()).decode().replace("\n", "\r\n")
    part = f"--i\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n{inner}--i--\r\n"
    outer = f"--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n{part}--o--\r\n"
    return raw_mail("Subject: Weiterleitung\r\n", outer, "multipart/mixed; boundary=o")


def quoted_latin(s: Sample, prop: str) -> Wire:
    """A card of a telephone in Latin-1."""
    name = "".join(f"={byte:02X}" for byte in s.name.encode("latin-1"))
    return Wire(
        f"BEGIN:VCARD\r\nVERSION:2.1\r\n{prop};ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:{name}\r\nEND:VCARD\r\n".encode(),
        "text/x-vcard",
    )


def folded_bytes(s: Sample) -> Wire:
    """A calendar that is folded by bytes, in the middle of a character."""
    raw = f"DESCRIPTION:{s.text} {s.email}".encode()
    at = next(n for n, byte in enumerate(raw) if byte > 0x7F) + 1
    head = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:7@example.org\r\n"
    return Wire(
        head + raw[:at] + b"\r\n " + raw[at:] + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", "text/calendar"
    )


CASES = (
    Case("mail with soft line ends", (MAIL,), flowed, plants=lambda s: (s.first, s.last)),
    Case(
        "mail with an account number over soft breaks",
        (MAIL,),
        soft_breaks,
        plants=lambda s: ("=\r\n".join(s.iban.replace(" ", "")[at : at + 6] for at in range(0, 22, 6)),),
    ),
    Case("signed mail", (MAIL,), signed_mail, refused=True),
    Case(
        "mail with a character in two encoded words",
        (MAIL,),
        words_in_pieces,
        plants=email_only,
        benign=lambda s: raw_mail(f"Subject: {s.name}\r\n", "Hallo.\r\n"),
    ),
    Case("mail in a part of a part", (MAIL, "Multipart"), forwarded),
    Case(
        "mail with a long encoded subject",
        (MAIL,),
        lambda s: raw_mail(
            f"Subject: {Header('Re: Anfrage von ' + s.name + ' wegen Lieferung', 'utf-8').encode()}\r\n",
            "Hallo.\r\n",
        ),
        plants=lambda s: (Header("Re: Anfrage von " + s.name + " wegen Lieferung", "utf-8").encode()[20:60],),
    ),
    Case(
        "card of a telephone in Latin-1",
        (CARD,),
        lambda s: quoted_latin(s, "FN"),
        plants=lambda s: ("".join(f"={byte:02X}" for byte in s.name.encode("latin-1")),),
        benign=lambda s: quoted_latin(s, "ORG"),
    ),
    Case(
        "calendar folded by bytes",
        (CARD,),
        folded_bytes,
        plants=email_only,
        twin=replace(THING, text="Preis: 5 €,"),
    ),
)
