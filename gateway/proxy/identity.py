"""Who really receives: every name a client gives for its destination must be the same, or nobody can say.

The destination is where the connection goes. A name that TLS verifies (SNI) may stand for an address the client dialled
directly, since the agent must then prove that name with its certificate.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.register import canonical_host

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Claim:
    """All that a request says about its destination."""

    scheme: str
    address: str
    """Host or IP address the connection is made to."""
    port: int
    sni: str | None
    """Server name of the client's TLS handshake; None without TLS or without a name."""
    authorities: Sequence[str]
    """Host headers, `:authority` and the authority of an absolute-form target, as sent."""
    rewritten: bool = False
    """The gateway chose the destination itself (reverse mode), so the client's names say nothing."""


def receiver_of(claim: Claim) -> str | None:
    """The one host that all parts of the claim agree on, canonical; None where they disagree."""
    address = canonical_host(claim.address)
    if claim.rewritten:
        return address
    names = set()
    for authority in claim.authorities:
        split = _split(authority, claim.scheme)
        if split is None or split[1] != claim.port:
            return None
        names.add(split[0])
    if len(names) != 1 or len(claim.authorities) > 2:
        return None
    (name,) = names
    if claim.scheme == "https" and claim.sni is not None and canonical_host(claim.sni) != name:
        return None
    if name == address:
        return name
    # Dialled by address, named by TLS: the certificate will have to prove the name.
    return name if claim.scheme == "https" and claim.sni is not None and is_address(address) else None


def _split(authority: str, scheme: str) -> tuple[str, int] | None:
    """Host and port of an authority; None where it holds anything else (user information, spaces)."""
    host, port = authority, ""
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return None
        host, port = host + bracket, rest[1:]
    elif ":" in authority:
        host, _, port = authority.rpartition(":")
    if not host or any(sign in host for sign in "@/?# \t\\") or (port and not port.isdigit()):
        return None
    number = int(port) if port else DEFAULT_PORTS.get(scheme, 0)
    return canonical_host(host), number


def is_address(host: str) -> bool:
    """Whether a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
