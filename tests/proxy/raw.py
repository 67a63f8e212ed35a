"""Sockets through the proxy, for what no decent client sends."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.proxy.gateway import Proxy


@contextmanager
def tunnel(
    proxy: Proxy,
    host: str,
    port: int,
    *,
    server_name: str | None = "",
    alpn: Sequence[str] = ("http/1.1",),
) -> Iterator[ssl.SSLSocket]:
    """A TLS connection inside CONNECT; `server_name` defaults to `host`, None sends no name."""
    with connected(proxy, host, port) as sock:
        context = ssl.create_default_context(cafile=str(proxy.authority))
        context.check_hostname = False
        context.set_alpn_protocols(list(alpn))
        with context.wrap_socket(sock, server_hostname=host if server_name == "" else server_name) as secure:
            yield secure


@contextmanager
def connected(proxy: Proxy, host: str, port: int) -> Iterator[socket.socket]:
    """A raw connection inside CONNECT."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
        sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        answer = sock.recv(4096)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise ConnectionRefusedError(answer.split(b"\r\n", 1)[0].decode())
        yield sock


def exchange(proxy: Proxy, request: bytes) -> bytes:
    """What the proxy answers to these bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
        sock.sendall(request)
        return until_closed(sock)


def answer_on(sock: socket.socket) -> bytes:
    """One answer, head and body; what came of it if the other side closes."""
    answer = b""
    while data := sock.recv(65536):
        answer += data
        head, found, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if found and (length is None or len(body) >= int(length[1])):
            break
    return answer


def until_closed(sock: socket.socket) -> bytes:
    """All that arrives until the other side closes."""
    received = b""
    try:
        while data := sock.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received
