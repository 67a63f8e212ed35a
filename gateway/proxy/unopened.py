"""Connections that stay closed to the gateway: what they are, and the relay for those that a rule lets pass.

Agent and target are those of the connection itself; a server name that says otherwise gets no exception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import override

from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import commands, events, layer, mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import TCPLayer
from mitmproxy.proxy.layers.tls import parse_client_hello

from gateway.core.register import canonical_host
from gateway.core.uninspected import Unopened
from gateway.proxy.identity import is_address
from gateway.proxy.wire import METHODS

LOOK_AGAIN_S = 30.0
"""How often a relayed connection is asked whether it still may pass."""
MAX_HELLO_BYTES = 65536


def protocol_of(context: Context, data: bytes) -> Unopened | None:
    """What begins with `data` and cannot be inspected; None for what can, and where no exception is made."""
    modes = (mode_specs.RegularMode, mode_specs.Socks5Mode, mode_specs.TransparentMode)
    if context.client.tls_established or context.server.address is None or not data:
        return None
    if not isinstance(context.client.proxy_mode, modes):
        return None
    if starts_like_tls_record(data):
        return "tls"
    return None if _begins_like_http(data) else "tcp"


def names_its_target(context: Context, hello: bytes) -> bool | None:
    """Whether a TLS handshake names the host it is on its way to; None while it is not there as a whole."""
    assert context.server.address is not None
    try:
        parsed = parse_client_hello(hello)
    except ValueError:
        return False
    if parsed is None:
        return None if len(hello) < MAX_HELLO_BYTES else False
    host = canonical_host(context.server.address[0])
    return parsed.sni is None or is_address(host) or canonical_host(parsed.sni) == host


def _begins_like_http(data: bytes) -> bool:
    word, space, _ = data.partition(b" ")
    if space:
        return word == b"PRI" or word.decode("latin-1") in METHODS
    return any(method.encode().startswith(word) for method in METHODS)


class RelayLayer(TCPLayer):
    """Relays bytes as they are, as long as the rule that allows it lasts."""

    def __init__(self, context: Context, instead_of: layer.Layer, may_pass: Callable[[], bool]) -> None:
        # mitmproxy's choice, a TLS layer perhaps, has put itself and its marks there already.
        del context.layers[context.layers.index(instead_of) :]
        context.client.tls = context.server.tls = False
        super().__init__(context, ignore=True)
        self._may_pass = may_pass

    @override
    def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if not isinstance(event, events.Wakeup):
            yield from super().handle_event(event)
        if isinstance(event, events.Wakeup) and not self._may_pass():
            yield commands.CloseConnection(self.context.server)
            yield commands.CloseConnection(self.context.client)
        elif isinstance(event, events.Start | events.Wakeup):
            yield commands.RequestWakeup(LOOK_AGAIN_S)
