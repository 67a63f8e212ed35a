"""The agent register: which agent a connection belongs to. The most specific match wins.

Specificity, first to last: exact host, longest wildcard, longest network; then a named port before any port; then the
longest path prefix. A path that could be read in two ways (dot segments, encoded slashes) matches no path rule but `/`.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from gateway.core.agent import Agent, Match

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Register:
    """Agents by host, compiled once; `find` costs a few dictionary look-ups however many agents there are."""

    def __init__(self, agents: Iterable[Agent]) -> None:
        self._hosts: dict[str, list[tuple[Match, Agent]]] = defaultdict(list)
        self._networks: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, Match, Agent]] = []
        for agent in agents:
            for match in agent.match:
                if match.cidr is not None:
                    self._networks.append((ipaddress.ip_network(match.cidr), match, agent))
                elif match.host is not None:
                    self._hosts[canonical_host(match.host)].append((match, agent))
        for matches in self._hosts.values():
            matches.sort(key=lambda one: (one[0].port is not None, len(one[0].path)), reverse=True)
        self._networks.sort(
            key=lambda one: (one[0].prefixlen, one[1].port is not None, len(one[1].path)), reverse=True
        )

    def find(self, host: str, port: int, path: str) -> Agent | None:
        """The agent that `host:port` and `path` (without the query) belong to; None where nobody registered it."""
        segments = plain_segments(path)
        for candidates in self._candidates(canonical_host(host)):
            for match, agent in candidates:
                if match.port in (None, port) and _covers(match.path, segments):
                    return agent
        return None

    def owner(self, host: str, port: int) -> Agent | None:
        """The agent that all of `host:port` belongs to, whatever the path; None where several share it, or none."""
        agent = self.find(host, port, "/")
        for candidates in self._candidates(canonical_host(host)):
            owners = {one.id for match, one in candidates if match.port in (None, port)}
            if owners:
                return agent if agent is not None and owners == {agent.id} else None
        return None

    def _candidates(self, host: str) -> Iterator[list[tuple[Match, Agent]]]:
        if host in self._hosts:
            yield self._hosts[host]
        address = _address(host)
        if address is not None:
            yield [(match, agent) for network, match, agent in self._networks if address in network]
            return
        labels = host.split(".")
        for start in range(1, len(labels)):
            wildcard = "*." + ".".join(labels[start:])
            if wildcard in self._hosts:
                yield self._hosts[wildcard]


@lru_cache(maxsize=4096)
def canonical_host(host: str) -> str:
    """One spelling for each host: lower case, no trailing dot, A-labels (RFC 5891), IP addresses compressed."""
    host = host.rstrip(".").lower().removeprefix("[").removesuffix("]")
    address = _address(host)
    if address is not None:
        return str(address)
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def plain_segments(path: str) -> tuple[str, ...] | None:
    """Decoded segments of a path, or None where servers may disagree on what the path means."""
    raw = path.split("/")[1:]
    decoded = tuple(unquote(segment) for segment in raw)
    doubtful = any(s in (".", "..") or "/" in s or "\\" in s or "%" in s or "\x00" in s for s in decoded)
    return None if doubtful or "" in raw[:-1] else decoded


def _covers(prefix: str, segments: tuple[str, ...] | None) -> bool:
    if prefix == "/":
        return True
    wanted = tuple(prefix.strip("/").split("/"))
    return segments is not None and segments[: len(wanted)] == wanted


def _address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address
