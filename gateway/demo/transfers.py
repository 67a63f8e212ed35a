"""What the demonstration sends: invented people, published example numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass

CHAT = {
    "model": "assistant-large",
    "temperature": 0.20,
    "messages": [
        {"role": "system", "content": "Du bist ein hilfreicher Assistent im Kundendienst."},
        {
            "role": "user",
            "content": "Guten Tag, mein Name ist Sabine Köhler. Bitte erstatten Sie die Rechnung auf mein Konto "
            "DE89 3704 0044 0532 0130 00. Mit freundlichen Grüßen, Sabine Köhler",
        },
    ],
}
CRM = '{"customer": {"imię": "Agnieszka Wiśniewska", "pesel": 44051401359, "score": 1.50}}'
UPLOAD = (
    "name;email;city\r\n"
    "Lars Nygaard;lars.nygaard@example.no;Bergen\r\n"
    "Chiara Lombardi;chiara.lombardi@example.it;Torino\r\n"
)
TELEMETRY = '{"event": "page_load", "duration_ms": 182, "ok": true, "build": "2026.11.3"}'
BOUNDARY = "demonstration-boundary"


@dataclass(frozen=True, slots=True)
class Sending:
    """One request of the demonstration."""

    title: str
    agent: str
    content_type: str
    body: bytes


def _multipart(csv: str) -> bytes:
    lines = [
        f"--{BOUNDARY}",
        'Content-Disposition: form-data; name="file"; filename="subscribers.csv"',
        "Content-Type: text/csv; charset=utf-8",
        "",
        csv + f"\r\n--{BOUNDARY}--",
        "",
    ]
    return "\r\n".join(lines).encode()


_CHAT_BODY = json.dumps(CHAT, ensure_ascii=False, indent=1).replace("0.2,", "0.20,").encode()
_MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"

SENDINGS = (
    Sending("German chat with a name and an IBAN", "assured", "application/json", _CHAT_BODY),
    Sending("The same chat", "lapsed", "application/json", _CHAT_BODY),
    Sending("Subscribers as CSV upload", "lapsed", _MULTIPART, _multipart(UPLOAD)),
    Sending("CRM record with a Polish PESEL", "unregistered", "application/json", CRM.encode()),
    Sending("Telemetry without anybody in it", "unregistered", "application/json", TELEMETRY.encode()),
)
