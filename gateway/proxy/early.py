"""Refusals for which there is no request: heads that cannot be read, connections that break the rules of HTTP.

mitmproxy answers these by itself, without asking anybody, and repeats what it could not read. Here they become a hook
of their own, so that the front puts them on record and words the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mitmproxy.proxy import commands
from mitmproxy.proxy.context import Context


@dataclass
class Early:
    """A connection that is refused, and what its client is told."""

    context: Context
    reason: str
    """One of `core.refusals.REFUSALS`."""
    answer: bytes = b""
    """An HTTP/1 response; empty while nobody has worded one."""
    decision_id: str = ""


@dataclass
class EarlyRefusalHook(commands.StartHook):
    """A client is refused before it made a request. The front records it and fills in the answer."""

    early: Early = field()
    name = "early_refusal"
