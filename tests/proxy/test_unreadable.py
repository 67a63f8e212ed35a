"""Requests that servers could read differently: refused with a decision, on record, and nothing repeated."""

from __future__ import annotations

import json
import re

import h2.config
import h2.connection
import h2.events
import pytest

from tests.origin import Origin
from tests.proxy.gateway import Proxy
from tests.proxy.raw import answer_on, connected, exchange, tunnel, until_closed
from tests.proxy.test_ways_round import reason_of, status_of, wait_for

HOST = "Host: {host}\r\n"
CHUNKED = HOST + "Transfer-Encoding: chunked\r\n\r\n"
BODY = HOST + "Content-Length: 3\r\n\r\nola"

SMUGGLING = {
    "length and chunked": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 3\r\nContent-Length: 30\r\n\r\nola",
    "two equal lengths": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nola",
    "a list of lengths": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 3, 3\r\n\r\nola",
    "a signed length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: +3\r\n\r\nola",
    "a length that is none": f"POST / HTTP/1.1\r\n{HOST}Content-Length: nordmann\r\n\r\nola",
    "an unknown transfer coding": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: nordmann\r\n\r\n3\r\nola\r\n0\r\n\r\n",
    "chunked and more": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "two transfer codings": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: identity\r\n{CHUNKED[14:]}0\r\n\r\n",
    "chunked in HTTP/1.0": f"POST / HTTP/1.0\r\n{CHUNKED}3\r\nola\r\n0\r\n\r\n",
    "a space before the colon": f"POST / HTTP/1.1\r\nX-Nordmann : 1\r\n{BODY}",
    "a folded line": f"POST / HTTP/1.1\r\nX-Long: ola\r\n nordmann\r\n{BODY}",
    "a line that is no header": f"POST / HTTP/1.1\r\nola nordmann\r\n{BODY}",
    "a header without a name": f"POST / HTTP/1.1\r\n: nordmann\r\n{BODY}",
    "a zero byte": f"POST / HTTP/1.1\r\nX-Name: ola\0nordmann\r\n{BODY}",
    "a return alone": f"POST / HTTP/1.1\r\nX-Name: ola\rX-Other: nordmann\r\n{BODY}",
    "two hosts": f"POST / HTTP/1.1\r\nHost: nordmann.example.org\r\n{BODY}",
    "a method that is a name": f"NORDMANN / HTTP/1.1\r\n{BODY}",
    "an address as method": f"ola@nordmann.example / HTTP/1.1\r\n{BODY}",
    "an unknown version": f"POST / HTTP/7.3\r\n{BODY}",
    "HTTP/2 in HTTP/1": f"POST / HTTP/2.0\r\n{BODY}",
    "no version": "POST /nordmann\r\n\r\n",
    "one word": "nordmann\r\n\r\n",
    "too many words": f"POST /ola nordmann HTTP/1.1\r\n{BODY}",
    "a chunk size that is none": f"POST / HTTP/1.1\r\n{CHUNKED}nordmann\r\nola\r\n0\r\n\r\n",
    "a chunk size with a prefix": f"POST / HTTP/1.1\r\n{CHUNKED}0x3\r\nola\r\n0\r\n\r\n",
    "a signed chunk size": f"POST / HTTP/1.1\r\n{CHUNKED}+3\r\nola\r\n0\r\n\r\n",
    "a chunk longer than its size": f"POST / HTTP/1.1\r\n{CHUNKED}3\r\nolanordmann\r\n0\r\n\r\n",
    "an endless chunk size": f"POST / HTTP/1.1\r\n{CHUNKED}{'f' * 40}\r\nola",
    "a trailer": f"POST / HTTP/1.1\r\n{CHUNKED}3\r\nola\r\n0\r\nX-Name: nordmann\r\n\r\n",
    "an announced trailer": f"POST / HTTP/1.1\r\nTrailer: nordmann\r\n{CHUNKED}3\r\nola\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("form", SMUGGLING)
def test_a_request_of_two_meanings_is_refused_in_words_and_on_record(
    proxy: Proxy, plain: Origin, form: str
) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(SMUGGLING[form].format(host=f"localhost:{plain.port}").encode())
        answer = answer_on(sock)
        more = until_closed(sock)
    assert status_of(answer) == 400
    assert reason_of(answer) in ("malformed-request", "trailers", "identity-mismatch")
    assert b"nordmann" not in (answer + more).lower()
    assert [transfer.id for transfer, _ in proxy.examiner.refused] == [decision_of(answer)]
    assert proxy.examiner.refused[0][0].host == "localhost"
    assert not proxy.examiner.refused[0][0].message.method.lower().count("nordmann")
    assert plain.connections == 0


def decision_of(answer: bytes) -> str:
    return str(json.loads(answer[answer.index(b"{") :])["decision_id"])


@pytest.mark.parametrize(
    "request_", ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: ola nordmann\r\n\r\n"]
)
def test_a_request_to_nowhere_is_refused_on_record(proxy: Proxy, request_: str) -> None:
    answer = exchange(proxy, request_.encode())
    assert (status_of(answer), reason_of(answer)) == (400, "malformed-request")
    assert b"nordmann" not in answer
    assert proxy.examiner.reasons == ["malformed-request"]


@pytest.mark.parametrize("extension", [";name=ola", ';name="Ola Nordmann"', ";ola"])
def test_what_stands_beside_a_chunk_size_stays_at_the_gateway(
    proxy: Proxy, plain: Origin, extension: str
) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        head = CHUNKED.format(host=f"localhost:{plain.port}")
        sock.sendall(f"POST / HTTP/1.1\r\n{head}3{extension}\r\nabc\r\n0\r\n\r\n".encode())
        assert status_of(answer_on(sock)) in (200, 400)
    assert b"ola" not in b"".join(one.body for one in plain.received).lower()
    assert [one.body for one in plain.received] in ([], [b"abc"])


def test_lines_that_end_without_a_return_are_sent_on_with_one(proxy: Proxy, plain: Origin) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(f"POST / HTTP/1.1\nHost: localhost:{plain.port}\nContent-Length: 3\n\nola".encode())
        assert status_of(answer_on(sock)) == 200
    assert [one.message.body for one in proxy.examiner.transfers] == [b"ola"]
    assert [one.body for one in plain.received] == [b"ola"]


def test_what_follows_a_refused_request_on_its_connection_is_not_a_request(
    proxy: Proxy, plain: Origin
) -> None:
    host = f"localhost:{plain.port}"
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(
            f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            f"POST /second HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n\r\nola".encode()
        )
        answer = until_closed(sock)
    assert len(re.findall(rb"HTTP/1\.1 \d{3}", answer)) == 1
    assert not proxy.examiner.transfers
    assert plain.connections == 0


def test_a_broken_http2_connection_ends_on_record_and_repeats_nothing(proxy: Proxy, origin: Origin) -> None:
    with tunnel(proxy, "localhost", origin.port, alpn=["h2"]) as sock:
        config = h2.config.H2Configuration(normalize_outbound_headers=False, validate_outbound_headers=False)
        conn = h2.connection.H2Connection(config)
        conn.initiate_connection()
        conn.send_headers(1, [(":method", "POST"), (":path", "/"), ("X-Ola-Nordmann", "upper case")])
        sock.sendall(conn.data_to_send())
        received = until_closed(sock)
        ended = [
            one for one in conn.receive_data(received) if isinstance(one, h2.events.ConnectionTerminated)
        ]
    assert b"nordmann" not in received.lower()
    wait_for(lambda: proxy.examiner.reasons == ["malformed-request"])
    assert ended[-1].additional_data == proxy.examiner.refused[0][0].id.encode()
    assert origin.connections == 0


def test_a_client_that_does_not_trust_the_gateway_is_on_record(proxy: Proxy, origin: Origin) -> None:
    import ssl

    with (
        connected(proxy, "localhost", origin.port) as sock,
        pytest.raises(ssl.SSLCertVerificationError),
        ssl.create_default_context().wrap_socket(sock, server_hostname="localhost"),
    ):
        pass
    wait_for(lambda: proxy.examiner.reasons == ["tls-not-opened"])
    assert origin.connections == 0
