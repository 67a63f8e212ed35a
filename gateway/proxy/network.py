"""Targets inside the company: refused unless named, judged on the very addresses a connection is made to.

The event loop's resolver is wrapped, so that a name is resolved once, checked, and connected to by that same answer: a
name that changes its address between check and connection (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

from gateway.core.errors import SettingsError
from gateway.core.register import canonical_host

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


_EMBEDDING = (
    # NAT64 (RFC 6052) and IPv4-compatible addresses (RFC 4291): the last 32 bits are an IPv4 address.
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("::/96"),
)
_INTERNAL_ALL_THE_SAME = (
    # Azure's metadata and wire server stands in public space; NAT64 for local use (RFC 8215) leads anywhere.
    ipaddress.ip_network("168.63.129.16/32"),
    ipaddress.ip_network("64:ff9b:1::/48"),
)


class ForbiddenTargetError(OSError):
    """A name resolves to an address inside the company, and nobody named it."""


class Targets:
    """Which targets may be connected to."""

    def __init__(self, allow_internal: Iterable[str]) -> None:
        """`allow_internal` holds `host:port` entries and networks. Raises SettingsError for what is neither."""
        self._places: set[tuple[str, int]] = set()
        self._networks: list[Network] = []
        for entry in allow_internal:
            host, colon, port = entry.rpartition(":")
            if colon and port.isdigit() and (host.startswith("[") or ":" not in host):
                self._places.add((canonical_host(host), int(port)))
                continue
            try:
                self._networks.append(ipaddress.ip_network(entry))
            except ValueError as error:
                raise SettingsError(
                    f"allow_internal: {entry!r} is neither host:port nor a network: {error}"
                ) from error

    def allows(self, host: str, port: int, address: str) -> bool:
        """Whether `address`, which `host` stands for, may be connected to on `port`."""
        if (canonical_host(host), port) in self._places:
            return True
        parsed = _parse(address)
        return parsed is not None and (
            _is_public(parsed) or any(parsed in network for network in self._networks)
        )

    def allows_literal(self, host: str, port: int) -> bool:
        """Like `allows`, for what the client asked for: names are left to the resolver, other spellings refused."""
        host = host.rstrip(".")
        if _parse(host) is not None:
            return self.allows(host, port, host)
        if (canonical_host(host), port) in self._places:
            return True
        # Resolvers and upstream proxies know what these names mean without asking anybody (RFC 6761).
        if f".{canonical_host(host)}".endswith(".localhost"):
            return False
        # inet_aton reads 0x7f.1, 017700000001 and 2130706433 as addresses, and so may a resolver.
        try:
            socket.inet_aton(host)
        except OSError:
            return True
        return False

    async def allows_name(self, host: str, port: int) -> bool:
        """Whether every address that `host` has now may be connected to; True where it has none to connect to."""
        if (canonical_host(host), port) in self._places:
            return True
        try:
            answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except ForbiddenTargetError:
            return False
        except (OSError, UnicodeError):
            return True
        return all(self.allows(host, port, str(place[0])) for *_, place in answers)

    def guard(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on `loop` resolves no name to a forbidden address. Every address of a name must be allowed."""
        resolve = loop.getaddrinfo

        async def getaddrinfo(host: Any, port: Any, **options: Any) -> list[Any]:
            answers = await resolve(host, port, **options)
            if options.get("flags", 0) & socket.AI_PASSIVE:
                return answers  # An address to listen on.
            name = host.decode() if isinstance(host, bytes) else str(host)
            for *_, place in answers:
                if not self.allows(name, int(port or 0), str(place[0])):
                    raise ForbiddenTargetError(f"{name}: resolves to an address inside the company")
            return answers

        loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0].removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    return address


def _is_public(address: Address) -> bool:
    """Global unicast, also where an IPv4 address hides inside an IPv6 one (RFC 4291, 3056, 6052)."""
    if isinstance(address, ipaddress.IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour
        if hidden is None and any(address in network for network in _EMBEDDING):
            hidden = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if hidden is not None:
            return _is_public(hidden)
        if address.teredo is not None or address.is_site_local:
            return False
    if any(address in network for network in _INTERNAL_ALL_THE_SAME):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
