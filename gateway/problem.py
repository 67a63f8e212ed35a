"""A refusal as the client sees it: a problem document (RFC 9457), or a small page for browsers.

It holds what the client needs to act, and nothing of what it sent.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass

from gateway.core.model import Action, Refuse
from gateway.core.refusals import REFUSALS
from gateway.core.ruleset import Contact

TITLES = {
    Action.HOLD: "Transfer held for review",
    Action.BLOCK: "Transfer blocked",
}
STATUSES = {
    "too-large": 413,
    "too-slow": 408,
    "head-too-large": 431,
    "malformed-request": 400,
    "body-missing": 400,
    "sent-ahead": 400,
    "trailers": 400,
}
"""Statuses of refusals for what was sent and not for whom."""
RETRY_AFTER_S = 3600
"""How long a client should wait before it asks again whether a held transfer was approved."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whatever front sends it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def status_of(refusal: Refuse) -> int:
    """403 for a decision on the transfer, others for its size, time and framing, 503 for our own faults."""
    if refusal.reason in STATUSES:
        return STATUSES[refusal.reason]
    fault = REFUSALS.get(refusal.reason)
    return 503 if fault is not None and fault.internal else 403


def answer_to(refusal: Refuse, contact: Contact, accept: str = "") -> Answer:
    """The answer to a refused request; a page where `accept` prefers HTML."""
    status = status_of(refusal)
    title = TITLES[refusal.action] if status == 403 else "Transfer refused"
    headers = [("cache-control", "no-store")]
    if refusal.action is Action.HOLD:
        headers.append(("retry-after", str(RETRY_AFTER_S)))
    if _prefers_html(accept):
        page = _page(refusal, contact, title)
        security = ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        return Answer(
            status, (("content-type", "text/html; charset=utf-8"), security, *headers), page.encode()
        )
    document = {
        "type": f"urn:onward:problem:{refusal.reason}",
        "title": title,
        "status": status,
        "detail": refusal.why,
        "instance": f"urn:onward:decision:{refusal.decision_id}",
        "decision_id": refusal.decision_id,
        "action": refusal.action,
        "reason": refusal.reason,
        "clauses": list(refusal.clauses),
        "agent": refusal.agent,
        "recorded": refusal.recorded,
        **({"review_id": refusal.review} if refusal.review else {}),
        "contact": {
            "company": contact.company,
            "attention": contact.attention,
            "address": contact.address,
            "email": contact.email,
            "phone": contact.phone,
        },
    }
    body = json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
    return Answer(status, (("content-type", "application/problem+json"), *headers), body)


def _prefers_html(accept: str) -> bool:
    types = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    wanted = [one for one in types if one in ("text/html", "application/problem+json", "application/json")]
    return bool(wanted) and wanted[0] == "text/html"


def _page(refusal: Refuse, contact: Contact, title: str) -> str:
    def safe(text: str) -> str:
        return html.escape(text, quote=True)

    facts = (
        ("Reason", refusal.reason),
        ("Receiving agent", refusal.agent),
        ("Clauses", ", ".join(refusal.clauses)),
        ("Decision", refusal.decision_id),
        *((("Review", refusal.review),) if refusal.review else ()),
        ("Contact", f"{contact.attention}, {contact.company}, {contact.address}"),
        ("E-mail", contact.email),
        ("Telephone", contact.phone),
    )
    rows = "\n".join(f"<dt>{safe(name)}</dt><dd>{safe(value)}</dd>" for name, value in facts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{safe(title)}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
main {{ max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }}
dt {{ font-weight: 600; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
@media (max-width: 30rem) {{ dl {{ grid-template-columns: 1fr; }} }}
</style>
</head>
<body>
<main>
<h1>{safe(title)}</h1>
<p>{safe(refusal.why)}</p>
<dl>
{rows}
</dl>
</main>
</body>
</html>
"""
