"""What the front answers by itself, as mitmproxy sends it."""

from __future__ import annotations

from functools import lru_cache

from mitmproxy import http

from gateway.core.decide import UNREGISTERED
from gateway.core.model import Action, Refuse
from gateway.core.refusals import refusal
from gateway.core.ruleset import Contact
from gateway.problem import Answer, answer_to


def unrecorded(decision_id: str, reason: str) -> Refuse:
    """A refusal that stands although nobody could put it on record."""
    fault = refusal(reason)
    return Refuse(decision_id, Action.BLOCK, reason, fault.why, fault.clauses, UNREGISTERED, recorded=False)


@lru_cache(maxsize=4)
def last_resort(contact: Contact) -> Answer:
    """The answer that stands until something better is known."""
    return answer_to(unrecorded("", "front-error"), contact)


def response_of(answer: Answer, *, closing: bool = False) -> http.Response:
    """The answer, which ends the connection if it is `closing`."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in answer.headers]
    if closing:
        headers.append((b"connection", b"close"))
    return http.Response.make(answer.status, answer.body, http.Headers(headers))
