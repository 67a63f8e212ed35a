"""No client, and not all of them together, take more of the gateway than they may."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from gateway.proxy.bounds import MAX_AHEAD_BYTES, Held
from tests.origin import Origin
from tests.proxy.gateway import BOUNDS, MAX_BODY_BYTES, Proxy
from tests.proxy.raw import answer_on, connected, exchange, until_closed
from tests.proxy.test_ways_round import reason_of, status_of, wait_for
from tests.proxy.test_wire import curl

HEAD = b"POST / HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: %d\r\n\r\n"


def test_a_head_that_does_not_come_in_time_is_given_up(proxy: Proxy, plain: Origin) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert status_of(until_closed(sock)) == 408
    assert plain.connections == 0


def test_the_time_for_a_head_begins_with_its_first_byte(proxy: Proxy, plain: Origin) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        for _ in range(2):
            time.sleep(1.5 * BOUNDS.head_s)
            sock.sendall(b"POST / HTTP/1.1\r\n")
            time.sleep(0.2 * BOUNDS.head_s)
            sock.sendall(HEAD.partition(b"\r\n")[2] % (plain.port, 4) + b"body")
            assert status_of(answer_on(sock)) == 200


def test_a_body_that_does_not_come_in_time_is_refused_on_record(proxy: Proxy, plain: Origin) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(HEAD % (plain.port, 1000))
        answer = b""
        sock.settimeout(0.05)
        for _ in range(100):
            with contextlib.suppress(TimeoutError, BrokenPipeError):
                sock.sendall(b"x")
                answer += sock.recv(65536)
            if answer:
                break
        sock.settimeout(10)
        while not answer.rstrip().endswith(b"}"):
            answer += sock.recv(65536)
    assert (status_of(answer), reason_of(answer)) == (408, "too-slow")
    assert proxy.examiner.reasons == ["too-slow"]
    assert plain.connections == 0


def test_bodies_of_all_clients_together_are_bounded(proxy: Proxy, plain: Origin) -> None:
    count = BOUNDS.max_held_bytes // MAX_BODY_BYTES
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(proxy, "localhost", plain.port)) for _ in range(count + 1)]
        for sock in clients[:-1]:
            sock.sendall(HEAD % (plain.port, MAX_BODY_BYTES) + bytes(MAX_BODY_BYTES - 1))
        wait_for(lambda: proxy.front._held._sum >= count * (MAX_BODY_BYTES - 1))
        clients[-1].sendall(HEAD % (plain.port, MAX_BODY_BYTES) + bytes(MAX_BODY_BYTES - 1))
        answer = answer_on(clients[-1])
        assert (status_of(answer), reason_of(answer)) == (503, "overloaded")
    wait_for(lambda: proxy.front._held._sum == 0)
    assert plain.connections == 0


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_nothing_is_held_of_a_request_that_is_answered(proxy: Proxy, origin: Origin, version: str) -> None:
    status, _ = curl(
        proxy, f"--http{version}", "--data-binary", "@-", f"https://localhost:{origin.port}/",
        stdin=bytes(MAX_BODY_BYTES),
    )  # fmt: skip
    assert status == 200
    wait_for(lambda: proxy.front._held._sum == 0)


def test_what_is_sent_ahead_of_an_answer_is_bounded(proxy: Proxy, plain: Origin) -> None:
    async def never(transfer: object) -> object:
        await asyncio.sleep(60)
        raise AssertionError("not reached")

    proxy.examiner.decide = never  # type: ignore[assignment]
    with connected(proxy, "localhost", plain.port) as sock:
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(HEAD % (plain.port, 4) + b"body")
            for _ in range(100):
                sock.sendall(bytes(MAX_AHEAD_BYTES))
                sent += MAX_AHEAD_BYTES
        assert sent < 50 * MAX_AHEAD_BYTES
    wait_for(lambda: "sent-ahead" in proxy.examiner.reasons)


def test_a_request_that_breaks_off_is_on_record(proxy: Proxy, plain: Origin) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(HEAD % (plain.port, 1000) + b"Ola")
    wait_for(lambda: proxy.examiner.reasons == ["body-missing"])
    assert plain.connections == 0


def test_a_gateway_that_ends_takes_no_more(
    proxy: Proxy, plain: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy.front, "draining", True)
    place = b"localhost:%d" % plain.port
    answer = exchange(
        proxy, b"GET http://%s/ HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (place, place)
    )
    assert (status_of(answer), reason_of(answer)) == (503, "shutting-down")
    assert plain.connections == 0


def test_held_bytes_are_counted_by_flow() -> None:
    held = Held(10)
    assert held.hold("a", 6)
    assert held.hold("a", 7)
    assert not held.hold("b", 4)
    held.release("a")
    assert held.hold("b", 10)
    held.release("never held")
    assert not held.hold("c", 1)
