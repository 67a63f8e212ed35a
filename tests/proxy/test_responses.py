"""Answers pass as they come: to the byte, as soon as they come, whatever their status."""

from __future__ import annotations

import dataclasses
import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.proxy.gateway import Proxy, block
from tests.proxy.raw import connected, until_closed
from tests.proxy.test_ways_round import reason_of, status_of

Answering = Callable[[socket.socket], None]


@contextmanager
def agent(port: int, answer: Answering) -> Iterator[list[bytes]]:
    """A server that reads one request head and then says exactly what it is told to; what it read."""
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)

        def serve() -> None:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += peer.recv(65536)
                heads.append(data)
                answer(peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield heads
        finally:
            server.close()
            thread.join()


@pytest.fixture
def port(proxy: Proxy) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    settings, places = proxy.front.settings, proxy.front.settings.targets._places
    proxy.front.settings = dataclasses.replace(settings, allowed_ports=settings.allowed_ports | {free})
    places.add(("localhost", free))
    yield free
    proxy.front.settings = settings
    places.discard(("localhost", free))


def ask(proxy: Proxy, port: int, method: str = "GET", more: str = "", version: str = "1.1") -> bytes:
    with connected(proxy, "localhost", port) as sock:
        head = f"{method} / HTTP/{version}\r\nHost: localhost:{port}\r\nConnection: close\r\n{more}\r\n"
        sock.sendall(head.encode())
        return until_closed(sock)


def raw(*pieces: bytes) -> Answering:
    def answer(peer: socket.socket) -> None:
        for piece in pieces:
            peer.sendall(piece)

    return answer


ZIPPED = gzip.compress(b"Ola Nordmann" * 100)
HEAD = b"HTTP/1.1 200 OK\r\nX-Odd:  two  spaces\r\nx-CASE: kept\r\n"
ANSWERS = {
    "with a length": HEAD + b"Content-Length: 3\r\n\r\n\x00\xff\n",
    "compressed": HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(ZIPPED), ZIPPED),
    "a lying coding": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    "until the connection ends": HEAD + b"\r\nas long as it takes",
    "no content": b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "not modified": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 999\r\n\r\n',
    "an error of the agent": b"HTTP/1.1 500 Oh no\r\nContent-Length: 2\r\n\r\nno",
    "a status of its own": b"HTTP/1.1 799 Own\r\nContent-Length: 0\r\n\r\n",
    "a redirect": b"HTTP/1.1 307 T\r\nLocation: https://other.example.org/?a=ola\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_passes_to_the_byte(proxy: Proxy, port: int, kind: str) -> None:
    with agent(port, raw(ANSWERS[kind])):
        answer = ask(proxy, port)
    head, _, body = answer.partition(b"\r\n\r\n")
    expected_head, _, expected_body = ANSWERS[kind].partition(b"\r\n\r\n")
    assert body == expected_body
    assert [line.replace(b" ", b"") for line in head.split(b"\r\n")] == [
        line.replace(b" ", b"") for line in expected_head.split(b"\r\n")
    ]


def test_the_answer_to_head_has_no_body(proxy: Proxy, port: int) -> None:
    with agent(port, raw(HEAD + b"Content-Length: 999\r\n\r\n")):
        answer = ask(proxy, port, "HEAD")
    assert b"Content-Length: 999" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_chunks_pass_one_by_one_and_no_event_waits_for_the_next(proxy: Proxy, port: int) -> None:
    told = threading.Event()

    def answer(peer: socket.socket) -> None:
        peer.sendall(HEAD + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.sendall(b"9\r\ndata: 1\n\n\r\n")
        assert told.wait(10), "the first event was kept back"
        peer.sendall(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    with agent(port, answer), connected(proxy, "localhost", port) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while b"data: 1" not in received:
            received += sock.recv(65536)
        told.set()
        received += until_closed(sock)
    assert b"data: 2" in received


def test_an_expectation_is_met_by_the_gateway_and_stays_there(proxy: Proxy, port: int) -> None:
    with (
        agent(port, raw(HEAD + b"Content-Length: 2\r\n\r\nok")) as heads,
        connected(proxy, "localhost", port) as sock,
    ):
        sock.sendall(
            f"POST / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Length: 3\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        assert sock.recv(65536).startswith(b"HTTP/1.1 100")
        sock.sendall(b"ola")
        assert until_closed(sock).endswith(b"ok")
    assert b"expect" not in heads[0].lower()
    assert [one.message.body for one in proxy.examiner.transfers] == [b"ola"]


def test_who_is_refused_for_the_head_is_not_told_to_send_the_body(proxy: Proxy, port: int) -> None:
    with connected(proxy, "localhost", port) as sock:
        sock.sendall(
            f"POST / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Length: 999999999\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        answer = sock.recv(65536)
        while not answer.rstrip().endswith(b"}"):
            answer += sock.recv(65536)
    assert (status_of(answer), reason_of(answer)) == (413, "too-large")


@pytest.mark.parametrize(
    "early", [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_what_an_agent_says_beforehand_does_not_stand_in_for_its_answer(
    proxy: Proxy, port: int, early: bytes
) -> None:
    with agent(port, raw(early, HEAD + b"Content-Length: 2\r\n\r\nok")):
        answer = ask(proxy, port)
    assert answer.endswith(b"\r\n\r\nok")
    assert b"HTTP/1.1 200" in answer


def test_an_agent_that_switches_protocols_unasked_is_cut_off(proxy: Proxy, port: int) -> None:
    got: list[bytes] = []

    def answer(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n")
        peer.settimeout(5)
        got.append(peer.recv(65536))

    with agent(port, answer), connected(proxy, "localhost", port) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        sock.recv(65536)
        with suppress(OSError):
            sock.sendall(b"Ola Nordmann")
        until_closed(sock)
    assert got == [b""]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_both_versions_of_http_1_pass_and_are_inspected(proxy: Proxy, port: int, version: str) -> None:
    with agent(port, raw(b"HTTP/1.0 200 OK\r\n\r\nold")) as heads:
        answer = ask(proxy, port, version=version)
    assert answer.endswith(b"\r\n\r\nold")
    assert heads[0].startswith(f"GET / HTTP/{version}".encode())
    assert len(proxy.examiner.transfers) == 1


UNREADABLE = {
    "not HTTP": b"Ola Nordmann says no\r\n\r\n",
    "nothing": b"",
    "half a head": HEAD + b"x: Ola Nordmann",
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nNordmann",
    "a header with a space": HEAD + b"x-Nordmann : 1\r\nContent-Length: 0\r\n\r\n",
    "length and chunked": HEAD
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\nx: Nordmann\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("answer", UNREADABLE)
def test_an_agent_that_cannot_be_read_is_a_502_with_the_decision_and_without_its_words(
    answer: str, proxy: Proxy, port: int
) -> None:
    with agent(port, raw(UNREADABLE[answer])):
        told = ask(proxy, port)
    assert (status_of(told), reason_of(told)) == (502, "agent-failed")
    assert proxy.examiner.transfers[0].id.encode() in told
    assert proxy.examiner.outcomes == ["failed"]
    assert b"Nordmann" not in told


def test_a_redirect_is_not_followed_by_the_gateway_and_the_next_request_is_a_transfer_of_its_own(
    proxy: Proxy, port: int
) -> None:
    redirect = b"HTTP/1.1 308 P\r\nLocation: http://localhost:%d/second\r\nContent-Length: 0\r\n\r\n" % port
    with agent(port, raw(redirect)):
        assert status_of(ask(proxy, port)) == 308
    assert [one.message.target for one in proxy.examiner.transfers] == [b"/"]

    proxy.examiner.decide = block
    with agent(port, raw(redirect)) as heads:
        assert status_of(ask(proxy, port)) == 403
    assert heads == []
