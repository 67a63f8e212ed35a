"""A recording origin: a real TLS server for HTTP/1.1, HTTP/2 and WebSocket that keeps what reached it.

Runs in a thread with an event loop of its own, and makes its own certificate authority. Everything it got is in
`received`; `octets` counts every byte that arrived inside TLS, so that zero means zero.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h11
import wsproto
import wsproto.events
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from wsproto.extensions import PerMessageDeflate

NAMES = ("localhost", "agent.example.org")
ADDRESS = "127.0.0.1"
LARGE_BYTES = 3 * 2**20
"""Size of the response to `GET /large`."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request, or one WebSocket frame, as it arrived."""

    protocol: str
    """`1.1`, `2` or `websocket`."""
    method: str
    """Method of the request; for WebSocket the kind of frame: text, binary, ping, pong, close."""
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def sha256(self) -> str:
        """Digest of the body."""
        return hashlib.sha256(self.body).hexdigest()

    def header(self, name: bytes) -> list[bytes]:
        """All values of a header."""
        return [value for key, value in self.headers if key.lower() == name]


@dataclass
class Origin:
    """What a running origin offers to tests."""

    port: int
    authority: Path
    """PEM file of the authority that signed the origin's certificate."""
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    octets: int = 0

    def forget(self) -> None:
        """Start counting afresh."""
        self.received.clear()
        self.connections = self.octets = 0


@contextmanager
def recording_origin(folder: Path, *, tls: bool = True, asks: bool = False) -> Iterator[Origin]:
    """Run an origin on a free port of the loopback interface; certificates are kept in `folder`.

    If it `asks`, it serves those only who show a certificate of its authority, such as its own, `origin.pem`.
    """
    authority, context = _certificates(folder)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority)
    started = threading.Event()
    origin = Origin(port=0, authority=authority)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        origin.connections += 1
        session = writer.get_extra_info("ssl_object")
        try:
            if session is not None and session.selected_alpn_protocol() == "h2":
                await _serve_http2(origin, reader, writer)
            else:
                await _serve_http1(origin, reader, writer)
        except (OSError, h11.RemoteProtocolError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, ADDRESS, 0, ssl=context if tls else None)
        origin.port = server.sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield origin
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _read(origin: Origin, reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(65536)
    origin.octets += len(data)
    return data


async def _serve_http1(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    conn = h11.Connection(h11.SERVER)
    request: h11.Request | None = None
    body = b""
    while True:
        event = conn.next_event()
        if event is h11.NEED_DATA:
            conn.receive_data(await _read(origin, reader))
        elif isinstance(event, h11.Request):
            request, body = event, b""
            if any(name == b"upgrade" and value.lower() == b"websocket" for name, value in event.headers):
                _note(origin, "1.1", event.method, event.target, event.headers.raw_items(), b"")
                await _serve_websocket(origin, reader, writer, event)
                return
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            assert request is not None
            _note(origin, "1.1", request.method, request.target, request.headers.raw_items(), body)
            answer = _answer(request.target)
            headers = [("content-length", str(len(answer))), ("alt-svc", 'h3=":443"'), ("x-kept", "yes")]
            writer.write(conn.send(h11.Response(status_code=200, headers=headers)) or b"")
            writer.write(conn.send(h11.Data(data=answer)) or b"")
            writer.write(conn.send(h11.EndOfMessage()) or b"")
            await writer.drain()
            if conn.our_state is not h11.DONE:
                return
            conn.start_next_cycle()
        else:
            return


async def _serve_http2(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
    conn.initiate_connection()
    writer.write(conn.data_to_send())
    heads: dict[int, list[tuple[bytes, bytes]]] = {}
    bodies: dict[int, bytes] = {}
    while data := await _read(origin, reader):
        for event in conn.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                heads[event.stream_id] = [(bytes(name), bytes(value)) for name, value in event.headers]
                bodies[event.stream_id] = b""
            elif isinstance(event, h2.events.TrailersReceived):
                heads[event.stream_id] += [(bytes(name), bytes(value)) for name, value in event.headers]
            elif isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id] += event.data
                conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                head = dict(heads[event.stream_id])
                _note(
                    origin,
                    "2",
                    head[b":method"],
                    head[b":path"],
                    heads[event.stream_id],
                    bodies[event.stream_id],
                )
                answer = _answer(head[b":path"])
                conn.send_headers(event.stream_id, [(":status", "200"), ("content-length", str(len(answer)))])
                # The gateway gives window enough for all of it.
                for start in range(0, len(answer), conn.max_outbound_frame_size):
                    conn.send_data(event.stream_id, answer[start : start + conn.max_outbound_frame_size])
                conn.end_stream(event.stream_id)
        writer.write(conn.data_to_send())
        await writer.drain()


async def _serve_websocket(
    origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: h11.Request
) -> None:
    conn = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    conn.initiate_upgrade_connection(list(request.headers), request.target.decode())
    while True:
        for event in conn.events():
            match event:
                case wsproto.events.Request():
                    extensions = [PerMessageDeflate()] if request.target.startswith(b"/packed") else []
                    writer.write(conn.send(wsproto.events.AcceptConnection(extensions=extensions)))
                case wsproto.events.Message():
                    is_text = isinstance(event.data, str)
                    data = event.data.encode() if isinstance(event.data, str) else bytes(event.data)
                    _frame(origin, "text" if is_text else "binary", data)
                    asked = re.fullmatch(rb"send me (\d+)", data)
                    writer.write(conn.send(wsproto.events.Message("x" * int(asked[1])) if asked else event))
                case wsproto.events.Ping():
                    _frame(origin, "ping", bytes(event.payload))
                    writer.write(conn.send(event.response()))
                case wsproto.events.Pong():
                    _frame(origin, "pong", bytes(event.payload))
                case wsproto.events.CloseConnection():
                    _frame(origin, "close", (event.reason or "").encode())
                    if conn.state is wsproto.connection.ConnectionState.REMOTE_CLOSING:
                        writer.write(conn.send(event.response()))
                    await writer.drain()
                    return
        await writer.drain()
        data = await _read(origin, reader)
        conn.receive_data(data or None)


def _answer(target: bytes) -> bytes:
    return b"x" * LARGE_BYTES if target == b"/large" else b"ok"


def _frame(origin: Origin, kind: str, payload: bytes) -> None:
    _note(origin, "websocket", kind.encode(), b"", (), payload)


def _note(
    origin: Origin,
    protocol: str,
    method: bytes,
    target: bytes,
    headers: list[tuple[bytes, bytes]] | tuple[()],
    body: bytes,
) -> None:
    fields = tuple((bytes(name), bytes(value)) for name, value in headers)
    origin.received.append(Received(protocol, method.decode(), bytes(target), fields, body))


def _certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """An authority, and a server context with a certificate of it for NAMES and ADDRESS."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test origin authority")])
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
    names.append(x509.IPAddress(ipaddress.ip_address(ADDRESS)))

    def certificate(
        key: ec.EllipticCurvePrivateKey, subject: x509.Name, *, authority: bool
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if not authority:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(keys[0], hashes.SHA256())

    authority, chain = folder / "authority.pem", folder / "origin.pem"
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "origin")])
    encoding = serialization.Encoding.PEM
    authority.write_bytes(certificate(keys[0], issuer, authority=True).public_bytes(encoding))
    chain.write_bytes(
        keys[1].private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate(keys[1], subject, authority=False).public_bytes(encoding)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return authority, context
