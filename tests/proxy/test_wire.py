"""What the front hands over, and what reaches the agent: byte for byte, and nothing meant for the gateway."""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess

import httpx
import pytest

from gateway.core.model import Message, Replace, Transfer, Verdict
from tests.origin import LARGE_BYTES, Origin
from tests.proxy.gateway import Proxy, block


def curl(proxy: Proxy, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes]:
    """Status and body of a request made by curl through the proxy."""
    result = subprocess.run(
        [
            "curl", "--silent", "--show-error", "--max-time", "10", "--proxy", proxy.url,
            "--cacert", str(proxy.authority), "--write-out", "\n%{http_code}", *arguments,
        ],
        input=stdin, capture_output=True, check=False,
    )  # fmt: skip
    body, _, status = result.stdout.rpartition(b"\n")
    return int(status or b"0"), body


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_a_released_request_reaches_the_agent_byte_for_byte(
    proxy: Proxy, origin: Origin, version: str
) -> None:
    body = os.urandom(100_000)
    status, _ = curl(
        proxy, f"--http{version}", "--data-binary", "@-", "-H", "X-Odd: ä%00",
        f"https://localhost:{origin.port}/a%2Fb/../c?q=%41&r=1+2", "--path-as-is", stdin=body,
    )  # fmt: skip
    assert status == 200
    (received,) = origin.received
    assert received.protocol == version
    assert received.target == b"/a%2Fb/../c?q=%41&r=1+2"
    assert received.sha256 == hashlib.sha256(body).hexdigest()
    (transfer,) = proxy.examiner.transfers
    assert (transfer.host, transfer.port, transfer.scheme) == ("localhost", origin.port, "https")
    assert transfer.message.target == received.target
    assert transfer.message.body == body
    inspected = [pair for pair in transfer.message.headers if not pair[0].startswith(b":")]
    sent = [(name.lower(), value) for name, value in received.headers if not name.startswith(b":")]
    assert sorted(inspected) == sorted(sent)


def test_header_names_keep_their_case_and_order_in_http1(proxy: Proxy, plain: Origin) -> None:
    curl(proxy, "-H", "X-ZeTa: 1", "-H", "x-alpha: 2", "-H", "X-ZeTa: 3", f"http://localhost:{plain.port}/")
    names = [name for name, _ in plain.received[0].headers if name.lower().startswith(b"x-")]
    assert names == [b"X-ZeTa", b"x-alpha", b"X-ZeTa"]


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_a_replacement_goes_out_instead_and_nothing_of_the_original(
    proxy: Proxy, origin: Origin, version: str
) -> None:
    def replace(transfer: Transfer) -> Verdict:
        old = transfer.message
        headers = tuple((n, b"[removed]" if n == b"x-name" else v) for n, v in old.headers)
        return Replace(
            transfer.id, Message(old.method, b"/p?name=[removed]", headers, b"[removed], longer than before")
        )

    proxy.examiner.decide = replace
    status, _ = curl(
        proxy, f"--http{version}", "-H", "X-Name: Ola Nordmann", "--data-binary", "Ola Nordmann",
        f"https://localhost:{origin.port}/p?name=Ola",
    )  # fmt: skip
    assert status == 200
    (received,) = origin.received
    assert received.body == b"[removed], longer than before"
    assert received.target == b"/p?name=[removed]"
    assert received.header(b"content-length") == [b"29"]
    assert received.header(b"x-name") == [b"[removed]"]


def test_a_replacement_with_other_headers_than_inspected_does_not_go_out(
    proxy: Proxy, origin: Origin
) -> None:
    proxy.examiner.decide = lambda transfer: Replace(
        transfer.id, Message("POST", b"/", ((b"x-new", b"1"),), b"")
    )
    status, _ = curl(proxy, "--data-binary", "x", f"https://localhost:{origin.port}/")
    assert status == 503
    assert origin.octets == 0


def test_a_refusal_is_a_problem_document_and_nothing_is_dialled(proxy: Proxy, origin: Origin) -> None:
    proxy.examiner.decide = block
    with httpx.Client(proxy=proxy.url, verify=_trusting(proxy)) as client:
        answer = client.post(f"https://localhost:{origin.port}/", json={"name": "Ola Nordmann"})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["decision_id"] == proxy.examiner.transfers[0].id
    assert "Nordmann" not in answer.text
    assert origin.connections == 0


def test_hop_by_hop_headers_stay_at_the_gateway(proxy: Proxy, plain: Origin) -> None:
    curl(
        proxy, "-H", "Connection: keep-alive, X-Private", "-H", "X-Private: 1", "-H", "Keep-Alive: 5", "-H", "TE: gzip",
        "-H", "Proxy-Authorization: Basic YTpi", "-H", "X-Kept: 1", f"http://localhost:{plain.port}/",
    )  # fmt: skip
    (received,) = plain.received
    names = {name.lower() for name, _ in received.headers}
    assert b"x-kept" in names
    assert not names & {
        b"connection", b"x-private", b"keep-alive", b"te", b"proxy-authorization", b"proxy-connection",
    }  # fmt: skip


def test_http2_trailers_are_inspected_as_headers(proxy: Proxy, origin: Origin) -> None:
    import h2.config
    import h2.connection

    from tests.proxy.raw import tunnel

    with tunnel(proxy, "localhost", origin.port, alpn=["h2"]) as sock:
        conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        conn.initiate_connection()
        head = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", f"localhost:{origin.port}"),
            (":path", "/"),
        ]
        conn.send_headers(1, [*head, ("te", "trailers")])
        conn.send_data(1, b"body")
        conn.send_headers(1, [("x-checksum", "Ola Nordmann")], end_stream=True)
        sock.sendall(conn.data_to_send())
        while not origin.received:
            conn.receive_data(sock.recv(65536))
            sock.sendall(conn.data_to_send())
    assert (b"x-checksum", b"Ola Nordmann") in proxy.examiner.transfers[0].message.headers
    assert origin.received[0].header(b"x-checksum") == [b"Ola Nordmann"]


def test_responses_pass_whatever_their_size_but_without_alt_svc(proxy: Proxy, plain: Origin) -> None:
    with httpx.Client(proxy=proxy.url) as client:
        answer = client.get(f"http://localhost:{plain.port}/large")
    assert len(answer.content) == LARGE_BYTES
    assert answer.headers["x-kept"] == "yes"
    assert "alt-svc" not in answer.headers


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "unannounced"])
def test_too_large_a_body_is_refused_on_record(
    proxy: Proxy, origin: Origin, version: str, announced: bool
) -> None:
    chunked = (
        ()
        if announced
        else ("-H", "Transfer-Encoding: chunked")
        if version == "1.1"
        else ("-H", "Content-Length:")
    )
    status, body = curl(
        proxy, f"--http{version}", "--data-binary", "@-", *chunked, f"https://localhost:{origin.port}/",
        stdin=bytes(2 * 2**20),
    )  # fmt: skip
    assert status == 413
    assert b"urn:onward:problem:too-large" in body
    assert proxy.examiner.reasons == ["too-large"]
    assert not proxy.examiner.transfers
    assert origin.octets == 0


def _trusting(proxy: Proxy) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(proxy.authority))
