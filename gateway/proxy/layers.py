"""mitmproxy's HTTP and WebSocket layers with a lock of their own: nothing is sent that the front has not cleared.

mitmproxy forwards a flow when an addon fails or is missing. These layers do not: a request reaches its agent only with
the mark `CLEARED`, a client's WebSocket message only if the front took its `dropped` flag back. They also close what no
hook can: WebSocket control frames, request bodies without bound or end.
"""

from __future__ import annotations

from typing import Any, override

import wsproto.events
from mitmproxy.flow import Error
from mitmproxy.net.http.url import parse_authority
from mitmproxy.net.http.validate import validate_headers
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer, ServerTLSLayer, http
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode, HttpStream, SendHttp, validate_request
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestHeaders,
    RequestProtocolError,
    ResponseEndOfMessage,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpRequestHeadersHook, HttpRequestHook
from mitmproxy.proxy.layers.websocket import (
    Fragmentizer,
    WebsocketConnection,
    WebsocketEndHook,
    WebsocketLayer,
    WebsocketMessageHook,
    WebsocketStartHook,
)
from mitmproxy.proxy.utils import ReceiveBuffer
from mitmproxy.websocket import WebSocketMessage
from wsproto.connection import ConnectionState
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode

from gateway.core.refusals import REFUSALS
from gateway.proxy.bounds import BoundedHttp1Server, Bounds, Held, PatientHttp1Client
from gateway.proxy.deflate import BoundedDeflate
from gateway.proxy.http2 import BoundedHttp2Server, Gate, Gates

# mitmproxy makes the agent's side of a connection by this name, and offers no other way to choose the class.
http.Http1Client = PatientHttp1Client  # type: ignore[attr-defined]

CLEARED = "onward.cleared"
"""Flow metadata: the front has a recorded verdict that lets this request out."""
CUT_SHORT = "onward.cut-short"
"""Flow metadata: why the body was not read to its end; what came of it is thrown away."""
CLOSE = "onward.close"
"""Flow metadata: id of the decision for which the WebSocket connection is closed."""

LINGER_S = 30.0
"""How long an HTTP/1 client that was answered early may go on sending, so that it reads the answer."""

Commands = layer.CommandGenerator[None]


def inspected(top: layer.Layer, bounds: Bounds, held: Held, gates: Gates) -> layer.Layer | None:
    """`top` with its HTTP layer exchanged for the locked one; None if it is a protocol that cannot be inspected."""
    above: layer.Layer | None = None
    one = top
    while isinstance(one, ClientTLSLayer | ServerTLSLayer):
        above, one = one, one.child_layer
    if isinstance(one, layer.NextLayer | LockedHttpLayer):
        return top
    if type(one) is not HttpLayer:
        return None
    one.context.layers.remove(one)
    locked = LockedHttpLayer(one.context, one.mode, bounds, held, gates.of(one.context.client.id))
    if isinstance(above, ClientTLSLayer | ServerTLSLayer):
        above.child_layer = locked
        return top
    return locked


class ClosedLayer(layer.Layer):
    """Ends the connection at once."""

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Start):
            yield commands.CloseConnection(self.context.client)


class LockedHttpLayer(HttpLayer):
    """An HTTP layer whose streams are locked."""

    def __init__(self, context: Context, mode: HTTPMode, bounds: Bounds, held: Held, gate: Gate) -> None:
        super().__init__(context, mode)
        self._bounds, self._held, self._gate = bounds, held, gate

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Start):
            fork = self.context.fork()
            self.connections[self.context.client] = (
                BoundedHttp2Server(fork, self._bounds, self._gate)
                if self.context.client.alpn == b"h2"
                else BoundedHttp1Server(fork, self._bounds.head_s)
            )
        yield from super()._handle_event(event)

    @override
    def make_stream(self, stream_id: int) -> Commands:
        self.streams[stream_id] = LockedStream(self.context.fork(), stream_id, self._bounds, self._held)
        yield from self.event_to_child(self.streams[stream_id], events.Start())


class LockedStream(HttpStream):
    """One request and its response. Opens no connection for a request that is not cleared."""

    def __init__(self, context: Context, stream_id: int, bounds: Bounds, held: Held) -> None:
        super().__init__(context, stream_id)
        self._bounds, self._held = bounds, held
        self._has_alarm = False
        self._first_piece = 0
        self._is_lingering = False
        """Whether the request was answered before its body was there, and the rest of it is thrown away."""

    def _handle_event(self, event: events.Event) -> Commands:
        if not isinstance(event, events.Wakeup):
            yield from super()._handle_event(event)
        elif self._is_lingering:
            yield commands.CloseConnection(self.context.client)
        elif self.client_state == self.state_consume_request_body:
            yield from self._cut_short("too-slow")

    @override
    def make_server_connection(self) -> layer.CommandGenerator[bool]:
        if self.flow.metadata.get(CLEARED) is not True:
            yield from self.handle_protocol_error(
                ResponseProtocolError(self.stream_id, "Not cleared to leave.", ErrorCode.GENERIC_SERVER_ERROR)
            )
            return False
        return (yield from super().make_server_connection())

    @override
    def state_wait_for_request_headers(self, event: RequestHeaders) -> Commands:
        yield from super().state_wait_for_request_headers(event)
        refused_at_headers = self.client_state == self.state_consume_request_body and self.flow.response
        if refused_at_headers and not event.end_stream:
            yield from self._answer_before_the_body()

    @override
    def check_invalid(self, request: bool) -> layer.CommandGenerator[bool]:
        """Let the front refuse a head that servers could read differently; mitmproxy would repeat it in its answer."""
        if not request:
            return (yield from self._check_answer())
        if self.mode is HTTPMode.transparent and self.context.server.address:
            self.flow.request.data.host, self.flow.request.data.port = self.context.server.address[:2]
        invalid = (
            validate_request(self.mode, self.flow.request, True) is not None or not self._has_destination()
        )
        if invalid:
            self.flow.error = Error("malformed-request")
            yield HttpRequestHeadersHook(self.flow)
            yield from self._answer_or_close()
        return invalid

    def _check_answer(self) -> layer.CommandGenerator[bool]:
        """Leave an answer behind that clients could read differently."""
        assert self.flow.response
        try:
            validate_headers(self.flow.response)
        except ValueError:
            self.flow.response = None
            yield commands.CloseConnection(self.flow.server_conn)
            yield from self.handle_protocol_error(
                ResponseProtocolError(self.stream_id, "malformed", ErrorCode.RESPONSE_VALIDATION_FAILED)
            )
            return True
        return False

    def _has_destination(self) -> bool:
        request = self.flow.request
        if self.mode is HTTPMode.transparent or request.host:
            return True
        try:
            parse_authority(request.host_header or "", check=True)
        except ValueError:
            return False
        return True

    @override
    def handle_protocol_error(self, event: RequestProtocolError | ResponseProtocolError) -> Commands:
        """What breaks off is answered where the client still listens: a request, or the agent's answer to one."""
        if isinstance(event, ResponseProtocolError) and self._is_unanswered():
            self.flow.error = Error(event.message)
            yield HttpErrorHook(self.flow)
            if (yield from self.check_killed(False)):
                return
            if self.flow.response:
                yield from self.send_response()
                return
        breaks_off = (
            isinstance(event, RequestProtocolError) and self.client_state == self.state_consume_request_body
        )
        yield from super().handle_protocol_error(event)
        if breaks_off:
            yield from self._answer_or_close()

    def _is_unanswered(self) -> bool:
        """Whether the request is all there, and nothing of an answer is."""
        return self.client_state == self.state_done and self.flow.response is None

    @override
    def check_killed(self, emit_error_hook: bool) -> layer.CommandGenerator[bool]:
        """Not killed, but answered, is a request whose body turned out unreadable while its head was looked at."""
        for event in self._paused_event_queue:
            if isinstance(event, RequestProtocolError) and event.message in REFUSALS:
                self._paused_event_queue.remove(event)
                if not self.flow.response:
                    self.flow.error = Error(event.message)
                    yield HttpErrorHook(self.flow)
                yield from self._answer_or_close()
                return True
        return (yield from super().check_killed(emit_error_hook))

    @override
    def check_body_size(self, request: bool) -> layer.CommandGenerator[bool]:
        """Bound request bodies while they arrive; what is announced is the front's to judge. Responses pass."""
        size = len(self.request_body_buf)
        if not request or not size:
            return False
        within = self._held.hold(self.flow.id, size)
        if size > self._bounds.max_body_bytes or not within:
            yield from self._cut_short("overloaded" if not within else "too-large")
            return True
        # What comes in one piece needs no alarm.
        if not self._has_alarm and size > self._first_piece:
            self._has_alarm = True
            yield commands.RequestWakeup(self._bounds.receive_s)
        self._first_piece = self._first_piece or size
        return False

    def _cut_short(self, reason: str) -> Commands:
        """Let the front refuse the request although its body is still on the way."""
        self.request_body_buf = ReceiveBuffer()
        self._held.release(self.flow.id)
        self.flow.metadata[CUT_SHORT] = reason
        yield HttpRequestHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        yield from self._answer_or_close()

    def _answer_or_close(self) -> Commands:
        """Send the front's refusal; without one, end the connection."""
        if self.flow.response:
            yield from self._answer_before_the_body()
        else:
            self.client_state = self.state_errored
            yield commands.CloseConnection(self.context.client)

    def _answer_before_the_body(self) -> Commands:
        """Send the response now; the rest of the body is read and thrown away, so that the client sees the answer."""
        assert self.flow.response
        self.request_body_buf = ReceiveBuffer()
        if self.context.client.alpn != b"h2":
            self.flow.response.headers["connection"] = "close"
            self._is_lingering = True
            yield commands.RequestWakeup(LINGER_S)
        self.client_state = self.state_done
        yield from self.send_response()
        self.client_state = self.state_errored

    @override
    def flow_done(self) -> Commands:
        if self.flow.websocket is None:
            yield from super().flow_done()
            return
        self.child_layer = LockedWebsocketLayer(self.context, self.flow, self._bounds, self._held)
        self._handle_event = self.passthrough  # type: ignore[method-assign]
        yield from self.child_layer.handle_event(events.Start())
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)


class LockedWebsocketLayer(WebsocketLayer):
    """Relays WebSocket messages one by one; those of the client only when the front takes `dropped` back.

    Control frames stay on their side: the gateway answers each side's pings itself and passes no payload on, and a
    client's close reason is left behind. Nothing can be injected. No message of either side is held beyond its bound.
    """

    def __init__(self, context: Context, flow: Any, bounds: Bounds, held: Held) -> None:
        super().__init__(context, flow)
        self._bounds, self._held = bounds, held

    @override
    def start(self, event: events.Event) -> Commands:
        for command in super().start(event):
            if isinstance(command, WebsocketStartHook):
                for side in (self.client_ws, self.server_ws):
                    extensions = side._proto.extensions  # noqa: SLF001 - wsproto names them nowhere else
                    extensions[:] = [
                        BoundedDeflate(one, self._bounds.max_body_bytes)
                        if isinstance(one, PerMessageDeflate)
                        else one
                        for one in extensions
                    ]
            yield command

    _handle_event: Any = start

    @override
    def relay_messages(self, event: events.Event) -> Commands:
        if not isinstance(event, events.DataReceived | events.ConnectionClosed):
            return
        from_client = event.connection == self.context.client
        source, target = (self.client_ws, self.server_ws) if from_client else (self.server_ws, self.client_ws)
        source.receive_data(event.data if isinstance(event, events.DataReceived) else None)
        for one in source.events():
            match one:
                case wsproto.events.Message():
                    yield from self._collect(one, source, target, from_client)
                case wsproto.events.Ping():
                    yield source.send2(one.response())
                    if target.state is ConnectionState.OPEN:
                        yield target.send2(wsproto.events.Ping())
                case wsproto.events.CloseConnection():
                    reason = None if from_client else one.reason
                    yield from self._close(int(one.code), reason, int(one.code), one.reason, from_client)
            if self._handle_event == self.done:
                return

    def _collect(
        self,
        part: wsproto.events.Message[Any],
        source: WebsocketConnection,
        target: WebsocketConnection,
        from_client: bool,
    ) -> Commands:
        assert self.flow.websocket
        is_text = isinstance(part.data, str)
        source.frame_buf[-1] += part.data.encode() if isinstance(part.data, str) else bytes(part.data)
        size = sum(map(len, source.frame_buf))
        within = self._held.hold(self._holding(from_client), size)
        if size > self._bounds.max_body_bytes or not within:
            too_large = "too-large" if from_client else "answer-too-large"
            self.flow.metadata[CUT_SHORT] = too_large if within else "overloaded"
            code = CloseReason.MESSAGE_TOO_BIG if within else CloseReason.TRY_AGAIN_LATER
            yield from self._relay(is_text, [b""], target, code)
            return
        if not part.message_finished:
            if part.frame_finished:
                source.frame_buf.append(b"")
            return
        frames, source.frame_buf = source.frame_buf, [b""]
        yield from self._relay(is_text, frames, target, CloseReason.POLICY_VIOLATION)

    def _relay(
        self, is_text: bool, frames: list[bytes], target: WebsocketConnection, code: CloseReason
    ) -> Commands:
        """Send a message on if the front lets it, and end the connection with `code` if it says so."""
        assert self.flow.websocket
        from_client = target is self.server_ws
        message = WebSocketMessage(Opcode.TEXT if is_text else Opcode.BINARY, from_client, b"".join(frames))
        message.dropped = from_client or CUT_SHORT in self.flow.metadata
        self.flow.websocket.messages.append(message)
        yield WebsocketMessageHook(self.flow)
        # mitmproxy would keep every message until the connection ends.
        self.flow.websocket.messages.clear()
        self._held.release(self._holding(from_client))
        decision_id = self.flow.metadata.pop(CLOSE, None)
        if decision_id is not None:
            yield from self._close(1001, None, code, str(decision_id), False)
        elif not message.dropped:
            for piece in Fragmentizer(frames, is_text)(message.content):
                yield target.send2(piece)

    def _holding(self, from_client: bool) -> str:
        return self.flow.id if from_client else f"{self.flow.id} answer"

    def _close(
        self,
        server_code: int,
        server_reason: str | None,
        client_code: int,
        client_reason: str | None,
        by_client: bool,
    ) -> Commands:
        assert self.flow.websocket
        self.flow.websocket.closed_by_client = by_client
        self.flow.websocket.close_code = client_code
        endings = ((self.server_ws, server_code, server_reason), (self.client_ws, client_code, client_reason))
        for side, code, reason in endings:
            if side.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
                yield side.send2(wsproto.events.CloseConnection(code, reason))
            yield commands.CloseConnection(side.conn)
        self._held.release(self._holding(from_client=False))
        yield WebsocketEndHook(self.flow)
        self.flow.live = False
        self._handle_event = self.done
