"""What the gateway itself answers: a problem document (RFC 9457), or a small page for browsers.

It holds what the client needs to act, and nothing of what it sent.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

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
    "credentials-missing": 407,
}
"""Statuses of refusals for what was sent and not for whom."""
_ON_PAGE = {"agent": "Receiving agent", "clauses": "Clauses", "review_id": "Review"}
"""What a page shows of the facts, and how it calls them."""
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


@dataclass(frozen=True, slots=True)
class _Problem:
    status: int
    title: str
    why: str
    reason: str
    decision_id: str
    facts: Mapping[str, str | bool | list[str]] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()


def answer_to(refusal: Refuse, contact: Contact, accept: str = "", status: int | None = None) -> Answer:
    """The answer to a refused request; a page where `accept` prefers HTML. `status` is for protocols that set it."""
    status = status or status_of(refusal)
    facts: dict[str, str | bool | list[str]] = {
        "action": refusal.action,
        "clauses": list(refusal.clauses),
        "agent": refusal.agent,
        "recorded": refusal.recorded,
        **({"review_id": refusal.review} if refusal.review else {}),
    }
    problem = _Problem(
        status,
        TITLES[refusal.action] if status == 403 else "Transfer refused",
        refusal.why,
        refusal.reason,
        refusal.decision_id,
        facts,
        (("retry-after", str(RETRY_AFTER_S)),) if refusal.action is Action.HOLD else (),
    )
    return _answer(problem, contact, accept)


def answer_for_agent(decision_id: str, contact: Contact, accept: str = "") -> Answer:
    """The answer to a request that was let go, and that its agent did not answer; what of it arrived is unknown."""
    problem = _Problem(
        502,
        "No answer of the agent",
        "The agent could not be reached, or its answer could not be read.",
        "agent-failed",
        decision_id,
    )
    return _answer(problem, contact, accept)


def _answer(problem: _Problem, contact: Contact, accept: str) -> Answer:
    headers = (("cache-control", "no-store"), *problem.headers)
    if _prefers_html(accept):
        security = ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        page = _page(problem, contact).encode()
        return Answer(
            problem.status, (("content-type", "text/html; charset=utf-8"), security, *headers), page
        )
    document = {
        "type": f"urn:onward:problem:{problem.reason}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.why,
        "instance": f"urn:onward:decision:{problem.decision_id}",
        "decision_id": problem.decision_id,
        "reason": problem.reason,
        **problem.facts,
        "contact": {
            "company": contact.company,
            "attention": contact.attention,
            "address": contact.address,
            "email": contact.email,
            "phone": contact.phone,
        },
    }
    body = json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
    return Answer(problem.status, (("content-type", "application/problem+json"), *headers), body)


def _as_text(fact: str | bool | list[str]) -> str:
    return ", ".join(fact) if isinstance(fact, list) else str(fact)


def _prefers_html(accept: str) -> bool:
    types = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    wanted = [one for one in types if one in ("text/html", "application/problem+json", "application/json")]
    return bool(wanted) and wanted[0] == "text/html"


def _page(problem: _Problem, contact: Contact) -> str:
    def safe(text: str) -> str:
        return html.escape(text, quote=True)

    told = problem.facts
    facts = (
        ("Reason", problem.reason),
        *((name, _as_text(told[key])) for key, name in _ON_PAGE.items() if key in told),
        ("Decision", problem.decision_id),
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
<title>{safe(problem.title)}</title>
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
<h1>{safe(problem.title)}</h1>
<p>{safe(problem.why)}</p>
<dl>
{rows}
</dl>
</main>
</body>
</html>
"""
