"""Refusals that are no judgement on the agent: the message, the protocol or the gateway itself is at fault.

A closed set: the names are metric labels and stand in the ledger. Each says what the client can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a transfer is refused without a decision on its content."""

    why: str
    clauses: tuple[str, ...] = ("SEC-2",)
    internal: bool = False
    """The gateway is at fault, not the message: trying again later may help."""


REFUSALS: Mapping[str, Refusal] = {
    # The message or the protocol.
    "identity-mismatch": Refusal(
        "The names of the destination disagree (CONNECT target, TLS server name, Host or authority), so nobody can say "
        "which agent would receive the data.",
        ("ONWARD-1", "SEC-2"),
    ),
    "port-not-allowed": Refusal(
        "The gateway does not let connections to this port out.", ("ONWARD-1", "SEC-2")
    ),
    "internal-target": Refusal(
        "The destination lies inside the company's own or a reserved network; it is no agent.", ("SEC-4",)
    ),
    "too-large": Refusal("The body is larger than the gateway inspects.", ("SCOPE-3",)),
    "too-slow": Refusal("The request did not arrive in time.", ("SCOPE-3",)),
    "head-too-large": Refusal("The head of the request is longer than the gateway reads.", ("SCOPE-3",)),
    "sent-ahead": Refusal("Too much was sent ahead of the answer to the last request.", ("SCOPE-3",)),
    "too-many-resets": Refusal("The client took back too many of its requests."),
    "too-many-frames": Refusal("The client sent too many frames that carry nothing."),
    "not-taken": Refusal("The client did not take the answer of an agent in time."),
    "answer-too-large": Refusal("The agent sent a message that is larger than the gateway holds."),
    "body-missing": Refusal("The body could not be held for inspection.", ("SCOPE-3",)),
    "malformed-request": Refusal(
        "The request is not framed in a way that all servers read alike.", ("SCOPE-3",)
    ),
    "trailers": Refusal("Trailers after a chunked body cannot be inspected.", ("SCOPE-3",)),
    "upgrade": Refusal(
        "The gateway cannot inspect the protocol that the request wants to change to.", ("SCOPE-3",)
    ),
    "credentials-missing": Refusal(
        "The gateway asks for credentials of its own, and got none that it knows."
    ),
    "websocket-refused": Refusal("WebSocket connections are switched off at this gateway.", ("SCOPE-3",)),
    "protocol": Refusal("The gateway cannot inspect this protocol.", ("SCOPE-3",)),
    "tls-not-opened": Refusal(
        "The client did not let the gateway open its TLS connection, so nothing of it could be inspected.",
        ("SCOPE-3",),
    ),
    "still-personal": Refusal(
        "After removal the message still held personal data, so it does not count as anonymized.", ("DEF-3",)
    ),
    "exemption-used": Refusal(
        "The exemption that would have opened the transfer has been used already.", ("ONWARD-1",)
    ),
    # The gateway.
    "time-limit": Refusal("The inspection did not finish in time.", internal=True),
    "overloaded": Refusal("Too much is held or waiting for inspection.", internal=True),
    "out-of-memory": Refusal("The inspection needed more memory than it may use.", internal=True),
    "worker-lost": Refusal("The inspection process ended before it answered.", internal=True),
    "inspection-error": Refusal("The inspection failed.", internal=True),
    "decision-error": Refusal("The decision failed.", internal=True),
    "ledger-unavailable": Refusal(
        "The decision could not be recorded, and nothing leaves without a record.", internal=True
    ),
    "front-error": Refusal("The gateway failed while it handled the request.", internal=True),
    "shutting-down": Refusal("The gateway is shutting down.", internal=True),
}
"""Refusals by reason."""


def refusal(reason: str) -> Refusal:
    """The refusal of that name; an unknown name is the gateway's own fault."""
    return REFUSALS.get(reason, REFUSALS["front-error"])
