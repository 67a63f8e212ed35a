"""Which agent a connection belongs to: the most specific match wins, and doubt never widens trust."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.agent import Match
from gateway.core.register import Register, canonical_host
from tests.policy.builders import an_agent


def register(**matches: Match) -> Register:
    return Register(
        replace(an_agent(), id=name.replace("_", "-"), match=(match,)) for name, match in matches.items()
    )


def found(book: Register, host: str, port: int = 443, path: str = "/") -> str | None:
    agent = book.find(host, port, path)
    return agent.id if agent else None


def test_an_exact_host_beats_a_wildcard_and_a_longer_wildcard_a_shorter_one():
    book = register(
        short=Match(host="*.example.org"),
        long=Match(host="*.eu.example.org"),
        exact=Match(host="a.eu.example.org"),
    )

    assert found(book, "a.eu.example.org") == "exact"
    assert found(book, "b.eu.example.org") == "long"
    assert found(book, "b.us.example.org") == "short"


def test_a_wildcard_does_not_cover_the_name_itself_nor_a_lookalike():
    book = register(wild=Match(host="*.example.org"))

    assert found(book, "example.org") is None
    assert found(book, "evilexample.org") is None
    assert found(book, "example.org.evil.test") is None


def test_a_named_port_beats_any_port():
    book = register(anyport=Match(host="a.example.org"), tls=Match(host="a.example.org", port=8443))

    assert found(book, "a.example.org", 8443) == "tls"
    assert found(book, "a.example.org", 443) == "anyport"


def test_the_longest_path_prefix_wins_by_whole_segments():
    book = register(root=Match(host="a.example.org"), v2=Match(host="a.example.org", path="/v2"))

    assert found(book, "a.example.org", path="/v2/chat") == "v2"
    assert found(book, "a.example.org", path="/v20/chat") == "root"


@pytest.mark.parametrize(
    "path",
    ["/v2/../v1", "/v2/%2e%2e/v1", "/v2/%2fx", "/v2/..%5cv1", "/v2//x", "/v2/%252e%252e/v1", "/v2/./x"],
)
def test_a_path_that_servers_may_read_differently_matches_no_path_rule(path: str):
    book = register(v2=Match(host="a.example.org", path="/v2"))

    assert found(book, "a.example.org", path=path) is None


def test_ip_literals_are_found_by_network_in_every_spelling():
    book = register(
        wide=Match(cidr="198.51.100.0/24"),
        narrow=Match(cidr="198.51.100.128/25"),
        v6=Match(cidr="2001:db8::/32"),
    )

    assert found(book, "198.51.100.1") == "wide"
    assert found(book, "198.51.100.200") == "narrow"
    assert found(book, "::ffff:198.51.100.1") == "wide"
    assert found(book, "[2001:DB8::1]") == "v6"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("API.Example.ORG.", "api.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("[2001:0db8::0001]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_host_has_one_spelling(written: str, canonical: str):
    assert canonical_host(written) == canonical
