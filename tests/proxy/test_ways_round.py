"""Every known way past a mitmproxy addon, tried with real sockets: nothing arrives that was not examined."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import ctx, exceptions
from websockets.exceptions import ConnectionClosed, InvalidProxyStatus, InvalidStatus

from gateway.core.model import Message, Replace, Transfer, Verdict
from gateway.proxy.deflate import BoundedDeflate
from gateway.proxy.network import Targets
from tests.origin import Origin
from tests.proxy.gateway import MAX_BODY_BYTES, Proxy, block, release
from tests.proxy.raw import answer_on, connected, exchange, tunnel, until_closed
from tests.proxy.talk import Talk, talking
from tests.proxy.test_wire import curl

HEAD = "POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n{more}\r\nbody"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def reason_of(answer: bytes) -> str:
    """The reason in the last problem document of an answer."""
    found = json.loads(answer[answer.index(b"{") :])
    assert isinstance(found, dict)
    return str(found["reason"])


def in_tunnel(proxy: Proxy, origin: Origin, request: str, **names: Any) -> bytes:
    """The first part of the answer to a request inside CONNECT and TLS."""
    with tunnel(proxy, "localhost", origin.port, **names) as sock:
        sock.sendall(request.encode())
        return answer_on(sock)


# Protocols that are not HTTP.


@pytest.mark.parametrize("first", [b"\x00\x01\x02\x03Ola Nordmann", b"SSH-2.0-Ola\r\n", b"EHLO nordmann\r\n"])
def test_what_is_not_http_inside_connect_is_not_relayed(proxy: Proxy, plain: Origin, first: bytes) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(first)
        sock.shutdown(1)
        until_closed(sock)
    assert plain.connections == 0


def test_connect_to_the_dns_port_is_no_way_out(proxy: Proxy) -> None:
    query = (
        b"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08nordmann\x07example\x00\x00\x01\x00\x01"
    )
    with connected(proxy, "127.0.0.1", 53) as sock:
        sock.sendall(query)
        assert until_closed(sock) == b""
    assert proxy.examiner.reasons == ["protocol"]


def test_a_port_that_is_not_allowed_is_not_even_dialled(proxy: Proxy) -> None:
    with pytest.raises(ConnectionRefusedError, match="403"), connected(proxy, "localhost", 22):
        pass
    assert proxy.examiner.reasons == ["port-not-allowed"]


def test_no_connection_is_made_before_the_verdict(proxy: Proxy, origin: Origin) -> None:
    counts: list[int] = []

    def decide(transfer: Transfer) -> Verdict:
        counts.append(origin.connections)
        return release(transfer)

    proxy.examiner.decide = decide
    assert curl(proxy, f"https://localhost:{origin.port}/")[0] == 200
    assert counts == [0]


@pytest.mark.parametrize("protocol", ["h2c", "TLS/1.0", "websocket, h2c"])
def test_a_change_to_an_uninspected_protocol_is_refused(proxy: Proxy, plain: Origin, protocol: str) -> None:
    answer = curl(
        proxy, "-H", f"Upgrade: {protocol}", "-H", "Connection: Upgrade, HTTP2-Settings",
        "-H", "HTTP2-Settings: AAMAAABk", f"http://localhost:{plain.port}/",
    )  # fmt: skip
    assert (answer[0], reason_of(answer[1])) == (403, "upgrade")
    assert plain.connections == 0


# Options.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rawtcp", True), ("stream_large_bodies", "1k"), ("ignore_hosts", ["safe"]), ("allow_hosts", ["safe"]),
        ("tcp_hosts", ["."]), ("udp_hosts", ["."]), ("ssl_insecure", True), ("validate_inbound_headers", False),
        ("http3", True), ("connection_strategy", "eager"), ("body_size_limit", "1k"), ("mode", ["reverse:tcp://a:1"]),
        ("mode", ["dns"]), ("mode", ["wireguard"]), ("websocket", False), ("mode", ["upstream:http://a.example.org:1"]),
        ("mode", ["reverse:http3://a.example.org"]), ("mode", ["reverse:quic://a.example.org"]), ("mode", ["local"]),
        ("confdir", "/tmp"), ("ssl_verify_upstream_trusted_ca", "/tmp/ca.pem"), ("proxyauth", "any"),
        ("listen_port", 1), ("tcp_timeout", 1), ("keep_host_header", True),
    ],
)  # fmt: skip
def test_an_unsafe_option_is_refused_while_running(proxy: Proxy, name: str, value: object) -> None:
    async def change() -> tuple[object, object]:
        before = getattr(ctx.options, name)
        with pytest.raises(exceptions.OptionsError):
            ctx.options.update(**{name: value})
        return before, getattr(ctx.options, name)

    before, after = asyncio.run_coroutine_threadsafe(change(), proxy.loop).result(10)
    assert before == after


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("set", ["rawtcp", "true"]), ("set", ["ignore_hosts", "."]), ("set", ["stream_large_bodies", "1"]),
        ("options.reset", []), ("options.reset.one", ["rawtcp"]), ("options.load", ["{file}"]),
    ],
)  # fmt: skip
def test_no_command_of_mitmproxy_changes_an_option(
    proxy: Proxy, tmp_path: Path, command: str, arguments: list[str]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("rawtcp: true\nignore_hosts: ['.']\n")

    async def call() -> tuple[dict[str, object], dict[str, object]]:
        before = {name: getattr(ctx.options, name) for name in sorted(ctx.options.keys())}
        with pytest.raises((exceptions.OptionsError, exceptions.CommandError)):
            ctx.master.commands.call_strings(command, [one.format(file=file) for one in arguments])
        return before, {name: getattr(ctx.options, name) for name in sorted(ctx.options.keys())}

    before, after = asyncio.run_coroutine_threadsafe(call(), proxy.loop).result(10)
    assert before == after


# Identity.


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("/", "other.example.org"),
        ("/", "localhost"),
        ("/", "localhost:{port}\r\nHost: other.example.org"),
        ("/", "localhost:{port}\r\nHost: localhost:{port}"),
        ("/", "user@localhost:{port}"),
        ("http://other.example.org/", "localhost:{port}"),
        ("https://other.example.org/", "localhost:{port}"),
    ],
)
def test_a_request_that_names_two_destinations_is_refused(
    proxy: Proxy, origin: Origin, target: str, host: str
) -> None:
    request = HEAD.format(target=target, host=host.format(port=origin.port), more="")
    answer = in_tunnel(proxy, origin, request)
    assert status_of(answer) in (400, 403)
    assert proxy.examiner.reasons in (["identity-mismatch"], ["malformed-request"])
    assert origin.connections == 0


@pytest.mark.parametrize("host", ["LOCALHOST:{port}", "localhost.:{port}"])
def test_spellings_of_one_name_agree(proxy: Proxy, origin: Origin, host: str) -> None:
    answer = in_tunnel(proxy, origin, HEAD.format(target="/", host=host.format(port=origin.port), more=""))
    assert status_of(answer) == 200
    assert proxy.examiner.transfers[0].host == "localhost"


def test_a_tls_name_other_than_the_tunnels_is_refused(proxy: Proxy, origin: Origin) -> None:
    request = HEAD.format(target="/", host=f"localhost:{origin.port}", more="")
    answer = in_tunnel(proxy, origin, request, server_name="agent.example.org")
    assert (status_of(answer), reason_of(answer)) == (403, "identity-mismatch")
    assert origin.connections == 0


def test_without_a_tunnel_the_absolute_target_and_host_must_agree(proxy: Proxy, plain: Origin) -> None:
    answer = exchange(
        proxy,
        HEAD.format(
            target=f"http://localhost:{plain.port}/", host="other.example.org", more="Connection: close\r\n"
        ).encode(),
    )
    assert (status_of(answer), reason_of(answer)) == (403, "identity-mismatch")
    assert plain.connections == 0


def test_an_agent_without_a_name_is_still_inspected(proxy: Proxy, origin: Origin) -> None:
    status, _ = curl(proxy, "--data", "x", f"https://127.0.0.1:{origin.port}/")
    assert status == 200
    assert [one.host for one in proxy.examiner.transfers] == ["127.0.0.1"]


# Framing.


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("Trailer: X-Sum\r\n", "trailers"),
        ("X-Long: a\r\n Ola Nordmann\r\n", "malformed-request"),
        ("Transfer-Encoding: chunked\r\n", "malformed-request"),
        ("Content-Length: 5\r\n", "malformed-request"),
        ("X Y: bad name\r\n", "malformed-request"),
    ],
)
def test_a_head_that_servers_read_differently_is_refused_on_record(
    proxy: Proxy, plain: Origin, more: str, reason: str
) -> None:
    host = f"localhost:{plain.port}"
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(HEAD.format(target="/", host=host, more=more).encode())
        answer = sock.recv(65536)
    assert status_of(answer) == 400
    wait_for(lambda: proxy.examiner.reasons == [reason])
    assert plain.connections == 0


def test_trailers_that_nobody_announced_are_refused_in_words_and_on_record(
    proxy: Proxy, plain: Origin
) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(
            f"POST / HTTP/1.1\r\nHost: localhost:{plain.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1\r\nx\r\n0\r\nX-Name: Ola Nordmann\r\n\r\n".encode()
        )
        answer = until_closed(sock)
    assert status_of(answer) == 400
    assert proxy.examiner.reasons == ["trailers"]
    assert plain.connections == 0


def test_a_head_without_end_is_cut_off(proxy: Proxy) -> None:
    answer = exchange(proxy, b"GET http://localhost/ HTTP/1.1\r\nX-Long: " + b"a" * 200_000)
    assert status_of(answer) in (0, 431)


def test_a_client_that_leaves_mid_body_is_on_record(proxy: Proxy, plain: Origin) -> None:
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(
            f"POST / HTTP/1.1\r\nHost: localhost:{plain.port}\r\nContent-Length: 9\r\n\r\nbody".encode()
        )
        wait_for(lambda: bool(proxy.front._flows))
    wait_for(lambda: bool(proxy.examiner.refused))
    assert len(proxy.examiner.refused) == 1
    assert plain.connections == 0


def test_a_client_that_leaves_before_the_verdict_gets_nothing_sent(proxy: Proxy, plain: Origin) -> None:
    asked, gone = threading.Event(), asyncio.Event()

    async def decide(transfer: Transfer) -> Verdict:
        asked.set()
        await asyncio.wait_for(gone.wait(), 5)
        return release(transfer)

    proxy.examiner.decide = decide
    with connected(proxy, "localhost", plain.port) as sock:
        sock.sendall(HEAD.format(target="/", host=f"localhost:{plain.port}", more="").encode())
        assert asked.wait(5)
        flow = next(flow for flow in proxy.front._flows.values() if flow.request.port == plain.port)
    time.sleep(0.1)
    proxy.loop.call_soon_threadsafe(gone.set)
    wait_for(lambda: flow.id not in proxy.front._flows)
    assert plain.connections == 0


# Internal targets.


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "localhost", "0.0.0.0", "[::1]",
        "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fd00:ec2::254]", "[fe80::1]",
        "169.254.169.254", "168.63.129.16", "100.100.100.200", "10.0.0.1", "172.16.0.1", "192.168.0.1", "224.0.0.1",
        "255.255.255.255", "[ff02::1]",
    ],
)  # fmt: skip
def test_internal_targets_are_refused_however_they_are_spelled(proxy: Proxy, host: str) -> None:
    with pytest.raises(ConnectionRefusedError, match="403"), connected(proxy, host, 80):
        pass
    assert proxy.examiner.reasons == ["internal-target"]


def test_a_name_that_moves_inside_after_the_check_gains_nothing(
    proxy: Proxy, plain: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The check says yes, and the connection is made; the address really connected to is judged once more.
    monkeypatch.setattr(Targets, "allows_name", _yes)
    monkeypatch.setattr(Targets, "allows_literal", lambda self, host, port: True)
    monkeypatch.setattr(Targets, "allows", lambda self, host, port, address: False)
    status, _ = curl(proxy, "--data", "Ola Nordmann", f"http://127.0.0.1:{plain.port}/")
    assert status in (0, 502)
    assert plain.octets == 0


async def _yes(self: Targets, host: str, port: int) -> bool:
    return True


# WebSocket.


@pytest.fixture
def talk(proxy: Proxy, origin: Origin) -> Iterator[Talk]:
    with talking(proxy, origin, "/talk") as client:
        yield client
    # Nothing of this connection may reach the origin's records during a later test.
    wait_for(lambda: any(kind == "close" for kind, _ in frames(origin)))


def frames(origin: Origin) -> list[tuple[str, bytes]]:
    return [(one.method, one.body) for one in origin.received if one.protocol == "websocket"]


def test_websocket_messages_are_examined_one_by_one(proxy: Proxy, origin: Origin, talk: Talk) -> None:
    for message in ("text", b"\x00binary", "t" * 20_000):
        talk.send(message)
        assert talk.receive() == message
    handshake, *messages = proxy.examiner.transfers
    assert handshake.message.target == b"/talk"
    assert [one.message.body for one in messages] == [b"text", b"\x00binary", b"t" * 20_000]
    assert [dict(one.message.headers)[b"content-type"] for one in messages[:2]] == [
        b"text/plain; charset=utf-8",
        b"application/octet-stream",
    ]
    assert all(not flow.websocket.messages for flow in proxy.front._flows.values() if flow.websocket)


def test_what_a_websocket_message_ends_with_is_seen_with_the_next(
    proxy: Proxy, origin: Origin, talk: Talk
) -> None:
    for message in ("x" * 200 + "kari.nord", "mann@", "example.org", b"\x00", "ok"):
        talk.send(message)
        assert talk.receive() == message
    seen = [one.message.before for one in proxy.examiner.transfers[1:]]
    assert seen == [b"", b"x" * 119 + b"kari.nord", b"x" * 114 + b"kari.nordmann@", b"", b""]


def test_a_websocket_message_is_replaced(proxy: Proxy, origin: Origin, talk: Talk) -> None:
    proxy.examiner.decide = lambda transfer: Replace(transfer.id, Message("WEBSOCKET", b"", (), b"[removed]"))
    talk.send("Ola Nordmann")
    assert talk.receive() == "[removed]"
    assert frames(origin) == [("text", b"[removed]")]


def test_a_refused_websocket_message_ends_the_connection_with_the_decision(
    proxy: Proxy, origin: Origin, talk: Talk
) -> None:
    proxy.examiner.decide = block
    with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 - the second may come too late to be sent
        talk.send("Ola Nordmann")
        talk.send("Kari Nordmann")
        talk.receive()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, proxy.examiner.transfers[1].id)
    assert len(proxy.examiner.transfers) == 2
    assert not [one for one in frames(origin) if one[0] != "close"]


def test_pings_pongs_and_close_reasons_carry_nothing_out(proxy: Proxy, origin: Origin, talk: Talk) -> None:
    talk.ping(b"Ola Nordmann")  # The gateway answers by itself.
    talk.pong(b"Kari Nordmann")
    talk.close(1000, "Per Nordmann")
    wait_for(lambda: any(kind == "close" for kind, _ in frames(origin)))
    assert b"Nordmann" not in b"".join(payload for _, payload in frames(origin))


def test_too_large_a_websocket_message_ends_the_connection(proxy: Proxy, origin: Origin, talk: Talk) -> None:
    with pytest.raises(ConnectionClosed):  # noqa: PT012
        talk.send("x" * 2**20)
        talk.receive()
    wait_for(lambda: any(kind == "close" for kind, _ in frames(origin)))
    assert not [one for one in frames(origin) if one[0] == "text"]
    assert proxy.examiner.reasons == ["too-large"]


@pytest.fixture
def packed(proxy: Proxy, origin: Origin) -> Iterator[Talk]:
    with talking(proxy, origin, "/packed") as client:
        assert client.is_packed
        yield client
    wait_for(lambda: any(kind == "close" for kind, _ in frames(origin)))


@pytest.mark.parametrize(
    "message", ["Ola Nordmann " * 1000, b"\x00Ola Nordmann" * 1000], ids=["text", "binary"]
)
def test_compressed_websocket_messages_are_seen_as_they_are_and_pass_unchanged_both_ways(
    proxy: Proxy, origin: Origin, packed: Talk, message: str | bytes
) -> None:
    before = origin.octets
    for _ in range(2):  # The second refers back to the first, as compression goes on over messages.
        packed.send(message)
        assert packed.receive() == message
    content = message.encode() if isinstance(message, str) else message
    assert [one.message.body for one in proxy.examiner.transfers[1:]] == [content, content]
    assert origin.octets - before < len(content) / 10, "they were not compressed on their way out"


def test_fragments_of_a_compressed_websocket_message_are_seen_as_one(
    proxy: Proxy, origin: Origin, packed: Talk
) -> None:
    packed.send(["Ola ", "Nord", "mann"])
    assert packed.receive() == "Ola Nordmann"
    assert [one.message.body for one in proxy.examiner.transfers[1:]] == [b"Ola Nordmann"]


def test_what_is_taken_out_of_a_compressed_websocket_message_does_not_go_out(
    proxy: Proxy, origin: Origin, packed: Talk
) -> None:
    proxy.examiner.decide = lambda transfer: Replace(transfer.id, Message("WEBSOCKET", b"", (), b"[removed]"))
    packed.send("Ola Nordmann")
    assert packed.receive() == "[removed]"
    assert frames(origin) == [("text", b"[removed]")]


def test_a_compressed_websocket_bomb_is_refused_on_record_and_never_unpacked_whole(
    proxy: Proxy, origin: Origin, packed: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked: list[int] = []
    original = BoundedDeflate.frame_inbound_payload_data

    def noted(self: BoundedDeflate, *arguments: Any) -> Any:
        content = original(self, *arguments)
        unpacked.append(len(content))
        return content

    monkeypatch.setattr(BoundedDeflate, "frame_inbound_payload_data", noted)
    with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012
        packed.send("x" * 16 * MAX_BODY_BYTES)
        packed.receive()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1009, proxy.examiner.refused[0][0].id)
    assert proxy.examiner.reasons == ["too-large"]
    assert 0 < max(unpacked) <= MAX_BODY_BYTES + 1
    assert not [one for one in frames(origin) if one[0] == "text"]


@pytest.mark.parametrize("kind", ["talk", "packed"])
def test_a_message_of_an_agent_is_held_no_further_than_one_of_a_client(
    kind: str, proxy: Proxy, origin: Origin, request: pytest.FixtureRequest
) -> None:
    talk: Talk = request.getfixturevalue(kind)
    talk.send(f"send me {MAX_BODY_BYTES}")
    assert talk.receive() == "x" * MAX_BODY_BYTES
    with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012
        talk.send(f"send me {16 * MAX_BODY_BYTES}")
        talk.receive()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1009, proxy.examiner.refused[0][0].id)
    assert proxy.examiner.reasons == ["answer-too-large"]
    wait_for(lambda: not proxy.front._held._held)


def test_websocket_can_be_switched_off(proxy: Proxy, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy.front, "settings", dataclasses.replace(proxy.front.settings, websocket=False))
    with pytest.raises((InvalidStatus, InvalidProxyStatus)), talking(proxy, origin):
        pass
    assert proxy.examiner.reasons == ["websocket-refused"]
    assert origin.connections == 0


def wait_for(condition: Any) -> None:
    """Wait for what another thread is about to do."""
    for _ in range(1500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")
