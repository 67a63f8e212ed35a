"""What a hook that fails leaves behind: everything it could have let through is closed.

mitmproxy logs what a hook raises and goes on with the event. So no hook of ours raises: whatever happens in it, or if
it takes too long, the closing that fits its event has the last word.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from mitmproxy import connection, ctx, dns, http, tcp, tls, udp
from mitmproxy.net.http.http1 import assemble_response
from mitmproxy.proxy import layer, server_hooks

from gateway.proxy.early import Early
from gateway.proxy.http2 import Gate, GatedReader
from gateway.proxy.layers import CLEARED, CLOSE, ClosedLayer

if TYPE_CHECKING:
    from gateway.proxy.front import Front

Hook = Callable[["Front", Any], Awaitable[None]]
Close = Callable[["Front", Any], None]

EXTRA_S = 5.0
"""What a hook may take beyond the limit for a verdict: to look up a name, to record a refusal."""


def fails_closed(close: Close) -> Callable[[Hook], Hook]:
    """Run a hook so that `close` has the last word whenever the hook raises, hangs or is cancelled."""

    def guard(hook: Hook) -> Hook:
        @functools.wraps(hook)
        async def guarded(front: Front, event: Any) -> None:
            try:
                async with asyncio.timeout(front.settings.time_limit_s + EXTRA_S):
                    await hook(front, event)
            except BaseException as error:
                # A border: close first, whatever it is; only then let cancellation through.
                close(front, event)
                task = asyncio.current_task()
                if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                    raise
                await front.failed(hook.__name__, event, error)

        guarded.close = close  # type: ignore[attr-defined]
        return guarded

    return guard


async def apart[T](work: Coroutine[Any, Any, T], limit_s: float, running: set[asyncio.Task[Any]]) -> T:
    """The result of `work`, run in a task of its own that `running` holds: a hook cut short stops no record.

    Raises:
        TimeoutError: `work` took longer than `limit_s`; it is cancelled, and not waited for.
        RuntimeError: `work` raised; the message is the type of its error and nothing of its text.
    """
    task = asyncio.ensure_future(_contained(work))
    running.add(task)
    task.add_done_callback(running.discard)
    await asyncio.wait({task}, timeout=limit_s)
    if not task.done():
        task.cancel()
        raise TimeoutError
    if task.cancelled():
        raise RuntimeError("cancelled from within")
    result, error = task.result()
    if error is not None:
        raise RuntimeError(type(error).__name__)
    return result  # type: ignore[return-value]


async def _contained[T](work: Coroutine[Any, Any, T]) -> tuple[T | None, BaseException | None]:
    """Result or error of `work` as data, since some errors (SystemExit) would otherwise end the event loop."""
    try:
        return await work, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - border: handed on to the hook, which fails closed
        return None, error


def cut(client: connection.Client) -> None:
    """End all connections of a client at once. What waits to be written is lost; nothing more is written."""
    handler = ctx.master.addons.get("proxyserver").connections.get(client.id)
    for transport in list(handler.transports.values()) if handler else ():
        if transport.writer is not None:
            transport.writer.transport.abort()


def put_behind(gate: Gate, event: server_hooks.ServerConnectionHookData) -> None:
    """Read from a new connection to an agent only while the gate is open."""
    handler = ctx.master.addons.get("proxyserver").connections.get(event.client.id)
    transport = handler.transports.get(event.server) if handler else None
    if transport is not None:
        transport.reader = GatedReader(transport.reader, gate)


def hang_up(client: connection.Client) -> None:
    """Close a client's own connection, sending first what waits to be written.

    mitmproxy leaves it open when the task that serves it is cancelled twice, and the client would wait.
    """
    handler = ctx.master.addons.get("proxyserver").connections.get(client.id)
    transport = handler.transports.get(client) if handler else None
    if transport is not None and transport.writer is not None:
        transport.writer.close()


def answer_fault(front: Front, flow: http.HTTPFlow) -> None:
    """Answer with the fixed refusal."""
    flow.metadata.pop(CLEARED, None)
    flow.response = front.fixed_refusal()


def answer_early(front: Front, early: Early) -> None:
    """Answer with the fixed refusal; the connection is closed by whoever asked."""
    early.answer = assemble_response(front.fixed_refusal())


def drop_message(front: Front, flow: http.HTTPFlow) -> None:
    """Drop what the client sent, and end the WebSocket connection."""
    for message in flow.websocket.messages if flow.websocket else ():
        message.dropped = message.dropped or message.from_client
    flow.metadata[CLOSE] = "front-error"


def refuse_connection(front: Front, event: server_hooks.ServerConnectionHookData) -> None:
    """Do not connect."""
    event.server.error = "refused by the gateway"


def cut_connection(front: Front, event: server_hooks.ServerConnectionHookData) -> None:
    """Hang up."""
    cut(event.client)


def cut_flow(front: Front, flow: tcp.TCPFlow | udp.UDPFlow | dns.DNSFlow) -> None:
    """Hang up, and empty what arrived: killing such a flow does not stop its bytes."""
    for message in getattr(flow, "messages", ()):
        message.content = b""
    cut(flow.client_conn)


def intercept(front: Front, event: tls.ClientHelloData) -> None:
    """Open the TLS connection for inspection."""
    event.ignore_connection = False


def close_layer(front: Front, event: layer.NextLayer) -> None:
    """End the connection."""
    event.layer = ClosedLayer(event.context)


def refuse_client(front: Front, client: connection.Client) -> None:
    """Do not serve the client."""
    client.error = "refused by the gateway"


def nothing(front: Front, event: object) -> None:
    """For hooks after which nothing more can leave."""
