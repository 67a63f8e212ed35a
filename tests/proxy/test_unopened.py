"""Connections that nobody can look into: refused, or by rule relayed as they are, on record."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

import pytest

from gateway.core.model import Transfer
from gateway.proxy import unopened
from tests.origin import Origin
from tests.proxy.gateway import Proxy
from tests.proxy.raw import answer_on, connected, tunnel, until_closed
from tests.proxy.test_ways_round import status_of, wait_for


def pinned(proxy: Proxy, origin: Origin, **names: str) -> bytes:
    """The answer to a client that trusts the agent's own authority and no other."""
    with connected(proxy, "localhost", origin.port) as sock:
        context = ssl.create_default_context(cafile=str(origin.authority))
        context.check_hostname = False
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # The test's authority is a plain one.
        with context.wrap_socket(sock, server_hostname=names.get("server_name", "localhost")) as secure:
            secure.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{origin.port}\r\n\r\n".encode())
            return answer_on(secure)


def test_a_client_that_pins_is_refused_without_a_rule(proxy: Proxy, origin: Origin) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        pinned(proxy, origin)
    wait_for(lambda: proxy.examiner.reasons == ["tls-not-opened"])
    assert origin.connections == 0


def test_with_a_rule_the_tls_connection_stays_closed_and_is_on_record(proxy: Proxy, origin: Origin) -> None:
    proxy.examiner.unopened = {("localhost", origin.port, "tls")}
    assert status_of(pinned(proxy, origin)) == 200
    assert [(one.host, one.port) for one in proxy.examiner.passed_unopened] == [("localhost", origin.port)]
    assert not proxy.examiner.transfers
    assert len(origin.received) == 1


def test_a_rule_for_another_agent_or_protocol_changes_nothing(proxy: Proxy, origin: Origin) -> None:
    proxy.examiner.unopened = {("localhost", origin.port, "tcp"), ("agent.example.org", origin.port, "tls")}
    with pytest.raises(ssl.SSLCertVerificationError):
        pinned(proxy, origin)
    assert origin.connections == 0


def test_a_server_name_that_is_not_the_targets_gets_no_exception(proxy: Proxy, origin: Origin) -> None:
    proxy.examiner.unopened = {("localhost", origin.port, "tls")}
    with pytest.raises(ssl.SSLCertVerificationError):
        pinned(proxy, origin, server_name="agent.example.org")
    assert origin.connections == 0


def test_what_can_be_inspected_is_inspected_all_the_same(proxy: Proxy, plain: Origin) -> None:
    proxy.examiner.unopened = {("localhost", plain.port, one) for one in ("tls", "tcp")}
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(f"GET /seen HTTP/1.1\r\nHost: localhost:{plain.port}\r\n\r\n".encode())
        assert status_of(answer_on(sock)) == 200
    assert [one.message.target for one in proxy.examiner.transfers] == [b"/seen"]
    assert not proxy.examiner.passed_unopened


def test_with_a_rule_other_bytes_are_relayed_as_they_are(proxy: Proxy, plain: Origin) -> None:
    proxy.examiner.unopened = {("localhost", plain.port, "tcp")}
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(b"\x00\x01\x02 not HTTP")
        sock.shutdown(1)
        until_closed(sock)
    until = time.monotonic() + 10
    while plain.octets < len(b"\x00\x01\x02 not HTTP") and time.monotonic() < until:
        time.sleep(0.02)  # The client's side may close before the origin has read.
    assert plain.octets == len(b"\x00\x01\x02 not HTTP")
    assert len(proxy.examiner.passed_unopened) == 1


def test_a_target_inside_is_refused_with_a_rule_too(proxy: Proxy) -> None:
    proxy.examiner.unopened = {("10.0.0.1", 443, "tcp")}
    with pytest.raises(ConnectionRefusedError, match="403"), connected(proxy, "10.0.0.1", 443):
        pass


def test_without_a_record_nothing_is_relayed(proxy: Proxy, plain: Origin) -> None:
    def fail(transfer: Transfer) -> None:
        raise OSError("disk full")

    proxy.examiner.unopened = {("localhost", plain.port, "tcp")}
    proxy.examiner.record = fail
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(b"\x00\x01\x02 not HTTP")
        assert until_closed(sock) == b""
    assert plain.connections == 0


@pytest.mark.parametrize("end", [lambda proxy: proxy.examiner.unopened.clear()])
def test_a_relayed_connection_ends_with_its_rule(
    proxy: Proxy, plain: Origin, monkeypatch: pytest.MonkeyPatch, end: Callable[[Proxy], None]
) -> None:
    monkeypatch.setattr(unopened, "LOOK_AGAIN_S", 0.2)
    proxy.examiner.unopened = {("localhost", plain.port, "tcp")}
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(b"\x00\x01\x02")
        wait_for(lambda: plain.octets == 3)
        end(proxy)
        assert until_closed(sock) == b""


def test_encrypted_client_hello_does_not_keep_the_gateway_out(proxy: Proxy, origin: Origin) -> None:
    # A handshake with the extension of RFC 9849, as browsers send it; the gateway answers it like any server that has
    # no key for it, and its certificate is for the target of the tunnel.
    with connected(proxy, "localhost", origin.port) as sock:
        sock.sendall(hello_with_ech(b"localhost"))
        assert sock.recv(3)[:2] == b"\x16\x03"
    assert origin.connections == 0


def hello_with_ech(name: bytes) -> bytes:
    """A ClientHello with an encrypted_client_hello extension of random look."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name.decode())
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    record = outgoing.read()
    ech = b"\x00\x00\x01\x00\x01\x07" + (32).to_bytes(2) + bytes(32) + (64).to_bytes(2) + bytes(64)
    extension = b"\xfe\x0d" + len(ech).to_bytes(2) + ech
    body = record[9:]
    at = 34 + 1 + body[34]
    at += 2 + int.from_bytes(body[at : at + 2])
    at += 1 + body[at]
    extensions = body[at + 2 :] + extension
    body = body[:at] + len(extensions).to_bytes(2) + extensions
    handshake = b"\x01" + len(body).to_bytes(3) + body
    return record[:3] + len(handshake).to_bytes(2) + handshake


def test_a_certificate_of_the_client_is_not_asked_for(proxy: Proxy, origin: Origin) -> None:
    with tunnel(proxy, "localhost", origin.port) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{origin.port}\r\n\r\n".encode())
        assert status_of(answer_on(sock)) == 200
