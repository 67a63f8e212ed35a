"""Targets inside the company, in every spelling and by way of names: nothing is connected to that nobody named."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.proxy.network import Targets
from tests.proxy.gateway import Proxy
from tests.proxy.raw import connected, exchange
from tests.proxy.test_ways_round import status_of, wait_for

LOOPBACK = (
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "127.0.0.01", "0177.0.0.1", "0177.0.0.01",
    "0x7f.1", "0x7f.0.0.1", "0X7F000001", "0x7f000001", "2130706433", "017700000001", "0", "0.0.0.0", "0x0", "00.0.0.0",
    "localhost", "LOCALHOST", "localhost.", "any.localhost", "[::1]", "[0:0:0:0:0:0:0:1]",
    "[0000::0001]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
    "127。0。0。1", "127．0．0．1", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "ⓛocalhost", "user@127.0.0.1", "user:x@localhost",
)  # fmt: skip
"""Ways to say this machine; what a listener here would receive."""
INSIDE = (
    "169.254.169.254", "169.254.170.2", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]", "168.63.129.16", "100.100.100.200", "192.0.0.192", "10.0.0.1", "172.16.0.1", "192.168.0.1",
    "100.64.0.1", "198.18.0.1", "192.0.2.1", "203.0.113.1", "240.0.0.1", "224.0.0.1", "255.255.255.255",
    "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[fd00::1]", "[ff02::1]", "[100::1]", "[2001:db8::1]",
)  # fmt: skip
"""Cloud metadata, private, link-local, shared and reserved addresses."""


def test_there_are_many_spellings() -> None:
    assert len(set(LOOPBACK + INSIDE)) >= 60


@dataclass
class Listener:
    """Counts the connections that arrive at this machine."""

    port: int
    connections: int = 0


@pytest.fixture
def listener(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """A port that clients may ask for, on every address of this machine; nobody named it as a target."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        found = Listener(server.getsockname()[1])
        server.settimeout(0.02)
        over = threading.Event()

        def count() -> None:
            while not over.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue
                found.connections += 1

        thread = threading.Thread(target=count)
        thread.start()
        allowed = proxy.front.settings.allowed_ports | {found.port}
        monkeypatch.setattr(proxy.front, "settings", _with_ports(proxy, allowed))
        yield found
        over.set()
        thread.join()


def _with_ports(proxy: Proxy, ports: frozenset[int]) -> object:
    import dataclasses

    return dataclasses.replace(proxy.front.settings, allowed_ports=ports)


def try_both_ways(proxy: Proxy, host: str, port: int) -> list[int]:
    """Statuses of CONNECT, and of a request without a tunnel."""
    place = f"{host}:{port}"
    request = f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n"
    statuses = [status_of(exchange(proxy, request.encode()))]
    try:
        with connected(proxy, host, port):
            statuses.append(200)
    except ConnectionRefusedError as refused:
        statuses.append(int(str(refused).split()[1]))
    return statuses


def test_the_listener_would_be_reached_if_it_were_named(proxy: Proxy, listener: Listener) -> None:
    targets = proxy.front.settings.targets
    targets._places.add(("localhost", listener.port))
    try:
        try_both_ways(proxy, "localhost", listener.port)
    finally:
        targets._places.discard(("localhost", listener.port))
    wait_for(lambda: listener.connections > 0)
    assert listener.connections == 1  # CONNECT alone dials nothing.


@pytest.mark.parametrize("host", LOOPBACK + INSIDE)
def test_a_target_inside_is_refused_on_record_and_never_connected_to(
    proxy: Proxy, listener: Listener, host: str
) -> None:
    assert set(try_both_ways(proxy, host, listener.port)) <= {400, 403}
    assert set(proxy.examiner.reasons) <= {"internal-target", "malformed-request", "identity-mismatch"}
    assert len(proxy.examiner.reasons) == 2
    assert not proxy.examiner.transfers
    assert listener.connections == 0


# Names that stand for addresses inside.


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Iterator[list[str]]]:
    """What names resolve to, one answer after the other."""
    answers: dict[str, Iterator[list[str]]] = {}
    resolve = socket.getaddrinfo

    def getaddrinfo(host: object, port: object, *more: object, **named: object) -> object:
        if host not in answers:
            return resolve(host, port, *more, **named)  # type: ignore[arg-type]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in next(answers[str(host)])
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


PUBLIC = "198.51.0.1"


def test_a_name_for_an_inner_address_is_refused(
    proxy: Proxy, listener: Listener, names: dict[str, Iterator[list[str]]]
) -> None:
    names["inner.example.org"] = itertools.repeat(["127.0.0.1"])
    assert try_both_ways(proxy, "inner.example.org", listener.port) == [403, 403]
    assert proxy.examiner.reasons == ["internal-target"] * 2
    assert listener.connections == 0


def test_one_inner_address_among_several_is_enough_to_refuse(
    proxy: Proxy, listener: Listener, names: dict[str, Iterator[list[str]]]
) -> None:
    names["mixed.example.org"] = itertools.repeat([PUBLIC, "127.0.0.1"])
    assert try_both_ways(proxy, "mixed.example.org", listener.port) == [403, 403]
    assert listener.connections == 0


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(
    proxy: Proxy, listener: Listener, names: dict[str, Iterator[list[str]]]
) -> None:
    names["rebind.example.org"] = itertools.chain([[PUBLIC]], itertools.repeat(["127.0.0.1"]))
    place = f"rebind.example.org:{listener.port}"
    request = f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n"
    assert status_of(exchange(proxy, request.encode())) == 502
    assert listener.connections == 0


def test_names_of_this_machine_need_no_resolver_to_be_refused() -> None:
    # An upstream proxy resolves for itself; what is this machine to it is not this one, but inside all the same.
    targets = Targets(())
    assert not any(targets.allows_literal(host, 443) for host in ("localhost", "a.localhost.", "LocalHost"))
    assert Targets(("localhost:443",)).allows_literal("localhost", 443)
