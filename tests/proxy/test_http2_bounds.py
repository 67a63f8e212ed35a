"""No HTTP/2 client takes more of the gateway than it may; what it tries ends its own connection, on record."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Iterator

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    ExtensionFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from gateway.proxy.bounds import MAX_HEAD_BYTES
from gateway.proxy.http2 import EARNED, EMPTY_FRAMES, MAX_UNTAKEN_BYTES, RESETS, Allowance
from tests.origin import LARGE_BYTES, Origin
from tests.proxy.gateway import BOUNDS, Proxy
from tests.proxy.raw import tunnel, until_closed
from tests.proxy.test_ways_round import wait_for

CALM_DOWN = [h2.errors.ErrorCodes.ENHANCE_YOUR_CALM]


class Client:
    """One HTTP/2 connection to the origin through the proxy."""

    def __init__(self, sock: ssl.SSLSocket, origin: Origin) -> None:
        self.sock, self._origin = sock, origin
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration())
        self.conn.initiate_connection()

    def head(self, path: str, method: str = "GET") -> list[tuple[str, str]]:
        """Header fields of a request."""
        authority = f"localhost:{self._origin.port}"
        return [(":method", method), (":scheme", "https"), (":path", path), (":authority", authority)]

    def flush(self) -> None:
        """Send what the library wants to send."""
        self.sock.sendall(self.conn.data_to_send())

    def send(self, frames: list[Frame]) -> None:
        """Send frames that the library would not."""
        self.flush()
        with contextlib.suppress(OSError):
            self.sock.sendall(b"".join(frame.serialize() for frame in frames))

    def ask_for_large_without_window(self) -> None:
        """Ask for more than the gateway keeps, and give no window for it."""
        assert MAX_UNTAKEN_BYTES < LARGE_BYTES
        self.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        self.conn.send_headers(1, self.head("/large"), end_stream=True)
        self.flush()
        while not any(isinstance(one, h2.events.SettingsAcknowledged) for one in self._arrived()):
            pass

    def give(self, size: int) -> None:
        """Give window for so much of the answer."""
        self.conn.increment_flow_control_window(size)
        self.conn.increment_flow_control_window(size, 1)
        self.flush()

    def take(self, size: int) -> int:
        """Read so much of the answer; how much came."""
        got = 0
        while got < size:
            got += sum(len(one.data) for one in self._arrived() if isinstance(one, h2.events.DataReceived))
        return got

    def gate_is_open(self, proxy: Proxy) -> bool:
        """Whether the client's agent may go on."""
        return all(gate._is_open.is_set() for gate in proxy.front._gates._gates.values())

    def _arrived(self) -> list[h2.events.Event]:
        data = self.sock.recv(65536)
        assert data, "the gateway ended the connection"
        return self.conn.receive_data(data)

    def ended(self) -> list[int]:
        """How the gateway ends the connection: the error codes it gives, each with the id of a decision."""
        events = self.conn.receive_data(until_closed(self.sock))
        endings = [one for one in events if isinstance(one, h2.events.ConnectionTerminated)]
        assert all(one.additional_data for one in endings)
        return [one.error_code for one in endings]


@pytest.fixture
def client(proxy: Proxy, origin: Origin) -> Iterator[Client]:
    with tunnel(proxy, "localhost", origin.port, alpn=["h2"]) as sock:
        yield Client(sock, origin)


def test_a_client_that_takes_back_request_after_request_is_told_to_calm_down(
    proxy: Proxy, origin: Origin, client: Client
) -> None:
    for _ in range(2 * RESETS):
        stream = client.conn.get_next_available_stream_id()
        client.conn.send_headers(stream, client.head("/", "POST"))
        client.conn.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
    with contextlib.suppress(OSError):
        client.flush()
    assert client.ended() == CALM_DOWN
    assert "too-many-resets" in proxy.examiner.reasons
    assert origin.connections == 0


@pytest.mark.parametrize(
    "frame",
    [
        PingFrame(0, b"12345678"),
        SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: 0}),
        PriorityFrame(1, depends_on=3),
        WindowUpdateFrame(0, 1),
        DataFrame(1, b""),
        ExtensionFrame(0xFA, 0, body=b""),
    ],
    ids=lambda frame: type(frame).__name__,
)
def test_frames_that_carry_nothing_are_bounded(
    proxy: Proxy, origin: Origin, client: Client, frame: Frame
) -> None:
    client.conn.send_headers(client.conn.get_next_available_stream_id(), client.head("/", "POST"))
    client.send([frame] * (2 * EMPTY_FRAMES))
    assert client.ended() == CALM_DOWN
    assert "too-many-frames" in proxy.examiner.reasons
    assert origin.connections == 0


def test_a_client_that_gives_window_for_each_piece_it_takes_is_served(client: Client) -> None:
    client.conn.send_headers(1, client.head("/large"), end_stream=True)
    client.flush()
    got = 0
    while got < LARGE_BYTES:
        more = client.take(1)
        got += more
        if got < LARGE_BYTES:
            client.give(more)


def test_a_head_in_too_many_pieces_is_given_up(proxy: Proxy, origin: Origin, client: Client) -> None:
    more = ContinuationFrame(1, bytes(MAX_HEAD_BYTES // 4))
    client.send([HeadersFrame(1, b""), *[more] * 6])
    assert client.ended() == CALM_DOWN
    assert proxy.examiner.reasons == ["head-too-large"]
    assert origin.connections == 0


def test_a_head_that_does_not_end_in_time_is_given_up(proxy: Proxy, origin: Origin, client: Client) -> None:
    client.send([HeadersFrame(1, b""), ContinuationFrame(1, b"")])
    assert client.ended() == CALM_DOWN
    assert proxy.examiner.reasons == ["too-slow"]
    assert origin.connections == 0


def test_agents_wait_for_a_client_that_gives_no_window_and_then_it_is_let_go(
    proxy: Proxy, client: Client
) -> None:
    client.ask_for_large_without_window()
    wait_for(lambda: not client.gate_is_open(proxy))
    assert client.ended() == CALM_DOWN
    assert proxy.examiner.reasons == ["not-taken"]


def test_agents_go_on_when_a_client_takes_what_waited(proxy: Proxy, client: Client) -> None:
    client.ask_for_large_without_window()
    wait_for(lambda: not client.gate_is_open(proxy))
    for _ in range(10):
        # Little, but something, so that the client is not let go.
        client.give(100)
        time.sleep(BOUNDS.receive_s / 5)
    assert not client.gate_is_open(proxy)
    client.give(LARGE_BYTES)
    assert client.take(LARGE_BYTES) == LARGE_BYTES
    assert client.gate_is_open(proxy)
    assert not proxy.examiner.refused


def test_an_allowance_is_spent_and_earned() -> None:
    allowance = Allowance(2, 0.0)
    assert [allowance.spend() for _ in range(3)] == [True, True, False]
    allowance.earn(EARNED)
    assert [allowance.spend() for _ in range(3)] == [True, True, False]
