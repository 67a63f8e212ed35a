"""HTTP requests as they stand on the wire, into `Message` and back, byte for byte.

Header values and targets stay bytes throughout; only hop-by-hop headers (RFC 9110, 7.6.1), which concern the
connection to the gateway and not the agent, are left behind.
"""

from __future__ import annotations

from mitmproxy import http
from mitmproxy.proxy import mode_specs

from gateway.core.model import Declared, Message
from gateway.proxy.identity import DEFAULT_PORTS, Claim

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authorization",
        b"proxy-authenticate",
        b"http2-settings",
    }
)
_DECLARING = (b"onward-origin", b"onward-purpose", b"onward-dataset")
"""What a client may say about its data (`core.source`): meant for the gateway and never sent on, believed or not."""
_FRAMING = frozenset({b"host", b"content-length", b"transfer-encoding", b"te", b"upgrade"})
"""What a Connection header cannot name away."""


METHODS = frozenset(
    (
        *(
            "ACL",
            "BASELINE-CONTROL",
            "BIND",
            "CHECKIN",
            "CHECKOUT",
            "CONNECT",
            "COPY",
            "DELETE",
            "GET",
            "HEAD",
        ),
        *(
            "LABEL",
            "LINK",
            "LOCK",
            "MERGE",
            "MKACTIVITY",
            "MKCALENDAR",
            "MKCOL",
            "MKREDIRECTREF",
            "MKWORKSPACE",
        ),
        *(
            "MOVE",
            "OPTIONS",
            "ORDERPATCH",
            "PATCH",
            "POST",
            "PROPFIND",
            "PROPPATCH",
            "PUT",
            "QUERY",
            "REBIND",
        ),
        *("REPORT", "SEARCH", "TRACE", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE"),
        *("UPDATEREDIRECTREF", "VERSION-CONTROL"),
    )
)
"""The registry of methods (RFC 9110, 16.1). Any other word in their place could be a value."""


def method_of(request: http.Request) -> str:
    """The method, where it is one."""
    return request.method if request.method in METHODS else ""


def values_of(request: http.Request, name: bytes) -> list[bytes]:
    """All values of a header, as sent."""
    return [value for key, value in request.headers.fields if key.lower() == name]


def tokens_of(request: http.Request, name: bytes) -> list[bytes]:
    """Comma-separated tokens of a header, in lower case."""
    joined = b",".join(values_of(request, name))
    return [token.strip().lower() for token in joined.split(b",") if token.strip()]


def asks_for_websocket(request: http.Request) -> bool:
    """Whether the request opens a WebSocket connection that mitmproxy will treat as one."""
    return (
        request.method == "GET"
        and not request.is_http2
        and tokens_of(request, b"upgrade") == [b"websocket"]
        and b"upgrade" in tokens_of(request, b"connection")
        and values_of(request, b"sec-websocket-version") == [b"13"]
    )


def asks_for_upgrade(request: http.Request) -> bool:
    """Whether the request asks to change the protocol, or says HTTP/2 preface words in HTTP/1."""
    return (
        bool(values_of(request, b"upgrade") or values_of(request, b"http2-settings"))
        or request.method == "PRI"
    )


def is_malformed(request: http.Request) -> bool:
    """Whether servers could read the request's head in different ways (folded lines, repeated Host or length)."""
    if request.method not in METHODS or request.http_version not in ("HTTP/1.0", "HTTP/1.1", "HTTP/2.0"):
        return True
    if any(byte in value for _, value in request.headers.fields for byte in (b"\r", b"\n", b"\x00")):
        return True
    if any(byte in request.data.path for byte in (b"\r", b"\n", b"\x00", b" ")):
        return True
    hosts, lengths = values_of(request, b"host"), values_of(request, b"content-length")
    return len(hosts) > 1 or len(lengths) > 1 or bool(lengths and values_of(request, b"transfer-encoding"))


def announced_bytes(request: http.Request) -> int:
    """The Content-Length, 0 without one."""
    lengths = values_of(request, b"content-length")
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def claim_of(flow: http.HTTPFlow) -> Claim:
    """All that the request says about its destination."""
    request, client = flow.request, flow.client_conn
    named = [*values_of(request, b"host"), *([request.data.authority] if request.data.authority else [])]
    host = f"[{request.host}]" if ":" in request.host else request.host
    own = host if request.port == DEFAULT_PORTS.get(request.scheme) else f"{host}:{request.port}"
    return Claim(
        scheme=request.scheme,
        address=request.host,
        port=request.port,
        sni=client.sni if client.tls_established else None,
        # HTTP/1.0 without a Host header says nothing beside where it connects to.
        authorities=[name.decode("latin-1") for name in named] or [own],
        rewritten=isinstance(client.proxy_mode, mode_specs.ReverseMode),
    )


def said_by(request: http.Request) -> Declared:
    """What the request's headers say about its data; a header given twice says nothing."""
    said = [values_of(request, name) for name in _DECLARING]
    origin, purpose, dataset = (
        values[0].decode("latin-1").strip() if len(values) == 1 else "" for values in said
    )
    return Declared(origin, purpose, dataset)


def strip_hop_by_hop(request: http.Request) -> None:
    """Take out what concerns the connection to the gateway only. A WebSocket handshake keeps its upgrade."""
    websocket = asks_for_websocket(request)
    dropped = _HOP_BY_HOP | set(_DECLARING) | (set(tokens_of(request, b"connection")) - _FRAMING)
    kept: list[tuple[bytes, bytes]] = []
    for name, value in request.headers.fields:
        key = name.lower()
        if key == b"connection" and websocket:
            kept.append((name, b"Upgrade"))
        elif key == b"te":
            if b"trailers" in tokens_of(request, b"te"):
                kept.append((name, b"trailers"))
        elif key not in dropped and (key != b"upgrade" or websocket):
            kept.append((name, value))
    request.headers.fields = tuple(kept)


def frame(request: http.Request) -> None:
    """Give an HTTP/2 request with a body its length, so that it is framed if the agent speaks HTTP/1 only."""
    framed = values_of(request, b"content-length") or values_of(request, b"transfer-encoding")
    if request.raw_content and not framed:
        request.headers.fields = (
            *request.headers.fields,
            (b"content-length", b"%d" % len(request.raw_content)),
        )


def message_of(request: http.Request) -> Message:
    """The request as a Message. Trailers stand behind the headers; a body not read is empty."""
    trailers = request.trailers.fields if request.trailers else ()
    fields = (*request.headers.fields, *trailers)
    return Message(
        method=request.method,
        target=request.data.path,
        headers=tuple((name.lower(), value) for name, value in fields),
        body=request.raw_content or b"",
    )


def write_back(request: http.Request, message: Message) -> None:
    """Make the request what `message` says; method, header names and their order stay.

    Raises:
        ValueError: if the message does not have the headers of the request, in their order.
    """
    trailers = request.trailers.fields if request.trailers else ()
    fields = (*request.headers.fields, *trailers)
    if [name.lower() for name, _ in fields] != [name for name, _ in message.headers]:
        raise ValueError("the message to send has other headers than the one that was inspected")
    length = b"%d" % len(message.body)
    merged = tuple(
        (name, length if new == b"content-length" else value)
        for (name, _), (new, value) in zip(fields, message.headers, strict=True)
    )
    count = len(request.headers.fields)
    request.headers.fields = merged[:count]
    if request.trailers:
        request.trailers.fields = merged[count:]
    request.data.path = message.target
    request.raw_content = message.body


def websocket_message(content: bytes, is_text: bool = True, before: bytes = b"") -> Message:
    """What a client sent over WebSocket, and the end of what it sent before, in our terms."""
    kind = b"text/plain; charset=utf-8" if is_text else b"application/octet-stream"
    return Message("WEBSOCKET", b"", ((b"content-type", kind),), content, before if is_text else b"")
