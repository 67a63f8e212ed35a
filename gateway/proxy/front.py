"""The mitmproxy addon: translates wire to core and the verdict back, and refuses whatever it does not understand.

Rules kept here and nowhere else:
 * Default deny: a request is answered with 503 before it is looked at, and only a recorded release takes that back.
 * What the front refuses by itself is on record too, and so is an attempt that breaks off.
 * Every hook of a protocol that carries bytes past `request` refuses them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, assert_never

from mitmproxy import connection, dns, http, tcp, tls, udp
from mitmproxy.net.http.http1 import assemble_response
from mitmproxy.proxy import layer, mode_specs, server_hooks
from mitmproxy.proxy.context import Context

from gateway.core.model import USER, Declared, Message, Refuse, Release, Replace, Transfer, Verdict
from gateway.core.refusals import REFUSALS
from gateway.core.register import canonical_host
from gateway.problem import answer_for_agent, answer_to
from gateway.proxy import guard, wire
from gateway.proxy.answers import last_resort, response_of, unrecorded
from gateway.proxy.bounds import Bounds, Held
from gateway.proxy.early import Early
from gateway.proxy.examiner import Examiner
from gateway.proxy.guard import fails_closed
from gateway.proxy.http2 import Gates
from gateway.proxy.identity import receiver_of
from gateway.proxy.layers import CLEARED, CLOSE, CUT_SHORT, ClosedLayer, inspected
from gateway.proxy.network import Targets
from gateway.proxy.unopened import RelayLayer, names_its_target, protocol_of

log = logging.getLogger(__name__)

DECIDED = "onward.decided"
"""Flow metadata: a decision about the flow is on record, or its recording was tried."""
SAID = "onward.said"
"""Flow metadata: what the request's headers said about its data before they were taken out."""
OPEN = "onward.open"
"""Flow metadata: id of the release whose outcome is not known yet."""
BEFORE = "onward.before"
"""Flow metadata: the end of the last text message that went out."""
SEAM_BYTES = 128
"""How much of a message is looked at again with the next one."""
RECORDING_S = 2.0
"""How long recording a refusal of the front's own may take before the client is answered without."""


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """How the front behaves, apart from mitmproxy's own options."""

    allowed_ports: frozenset[int]
    targets: Targets
    time_limit_s: float
    """Longest wait for a verdict. The examiner has limits of its own; this is for when they fail."""
    bounds: Bounds
    websocket: bool = True


class Front:
    """The addon. One per mitmproxy master; must be the last of its addons."""

    name = "onward"

    def __init__(
        self,
        examiner: Examiner,
        settings: FrontSettings,
        on_failure: Callable[[str], None] = lambda hook: None,
    ) -> None:
        """`on_failure` is told the hook in which something went wrong, for the metrics."""
        self.settings = settings
        self.draining = False
        """Whether the gateway is about to end: what arrives now is refused."""
        self._examiner = examiner
        self._on_failure = on_failure
        self._flows: dict[str, http.HTTPFlow] = {}
        self._held = Held(settings.bounds.max_held_bytes)
        self._gates = Gates()
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def active(self) -> int:
        """Requests under way. WebSocket connections do not count: they may never end."""
        return sum(flow.websocket is None for flow in self._flows.values())

    # What goes wrong, and the answer that always works.

    def fixed_refusal(self) -> http.Response:
        """The answer of last resort: needs neither ledger nor rules."""
        return response_of(last_resort(self._examiner.contact))

    async def failed(self, hook: str, event: object, error: BaseException) -> None:
        """Report a hook that failed, by type alone, and put it on record. All is closed by now: this may fail."""
        with suppress(BaseException):
            log.error("refused after %s in %s", type(error).__name__, hook)
            self._on_failure(hook)
        reason = "time-limit" if isinstance(error, TimeoutError) else "front-error"
        with suppress(BaseException):
            if isinstance(event, http.HTTPFlow) and not event.metadata.get(CLEARED):
                self._settle(event, "not-released")
        with suppress(BaseException):
            if isinstance(event, http.HTTPFlow) and CLOSE in event.metadata:
                refused = await self._recorded(self._transfer(event, wire.websocket_message(b"")), reason)
                event.metadata[CLOSE] = refused.decision_id
            elif isinstance(event, http.HTTPFlow) and event.response is not None:
                await self._refuse(event, reason)

    # Requests.

    @fails_closed(guard.answer_fault)
    async def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel is opened only to allowed ports and targets; nothing is dialled otherwise."""
        if flow.response is not None:
            await self._ask(flow, flow.response)
            return
        flow.response = self.fixed_refusal()
        reason = "shutting-down" if self.draining else await self._closed(flow)
        if reason is None:
            flow.response = None
        else:
            await self._refuse(flow, reason)

    @fails_closed(guard.answer_fault)
    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """What is refused here is answered before a body is read."""
        self._flows[flow.id] = flow
        flow.request.stream = False
        if flow.error is not None:
            await self._refuse(flow, "malformed-request")
        elif flow.response is None and (reason := await self._objection(flow)) is not None:
            await self._refuse(flow, reason)
        elif flow.response is not None:
            await self._ask(flow, flow.response)
        if flow.response is not None:
            # Nobody is told to go on and send the body.
            flow.request.headers.pop("expect", None)

    @fails_closed(guard.answer_fault)
    async def request(self, flow: http.HTTPFlow) -> None:
        """Examine the whole request; it goes out only on a release."""
        if flow.response is not None:
            return  # Refused for its headers, or asked for its proxy credentials.
        flow.response = self.fixed_refusal()
        reason = self._unreadable(flow)
        if reason is not None:
            await self._refuse(flow, reason)
            return
        flow.metadata[SAID] = wire.said_by(flow.request)
        wire.strip_hop_by_hop(flow.request)
        wire.frame(flow.request)
        verdict = await self._examine(self._transfer(flow, wire.message_of(flow.request)))
        if not isinstance(verdict, Refuse):
            flow.metadata[OPEN] = verdict.decision_id
        match verdict:
            case Release():
                pass
            case Replace(message=message):
                wire.write_back(flow.request, message)
            case Refuse():
                flow.metadata[DECIDED] = True
                self._answer(flow, verdict)
                return
            case _:
                assert_never(verdict)
        flow.metadata[DECIDED] = flow.metadata[CLEARED] = True
        flow.response = None

    @fails_closed(guard.nothing)
    async def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Responses pass as they come; only the hint at a way round the proxy is taken out (RFC 7838)."""
        assert flow.response is not None
        self._settle(flow, f"answered-{flow.response.status_code // 100}xx")
        flow.response.headers.pop("alt-svc", None)
        # The request is on its way; some answers take minutes, and its body would be kept until they end.
        flow.request.data.content = b""
        self._held.release(flow.id)
        flow.response.stream = flow.response.status_code >= 200

    @fails_closed(guard.nothing)
    async def response(self, flow: http.HTTPFlow) -> None:
        """The exchange is over, unless a WebSocket connection follows."""
        if flow.websocket is None:
            self._let_go(flow)

    @fails_closed(guard.nothing)
    async def error(self, flow: http.HTTPFlow) -> None:
        """A request that ended without a decision goes on record all the same."""
        self._let_go(flow)
        aborted = flow.error is not None and flow.error.msg == "Client disconnected."
        decision_id = flow.metadata.get(OPEN)
        self._settle(flow, "aborted" if aborted else "failed")
        if decision_id is not None and flow.response is None:
            answer = answer_for_agent(decision_id, self._examiner.contact, _accept(flow))
            flow.response = response_of(answer)
        if not flow.metadata.get(DECIDED) and flow.response is None:
            said = flow.error.msg if flow.error else ""
            await self._refuse(flow, said if said in REFUSALS else "body-missing")

    @fails_closed(guard.answer_early)
    async def early_refusal(self, early: Early) -> None:
        """A connection on which no request could be read."""
        refused = await self._recorded(self._connection(early.context), early.reason)
        early.decision_id = refused.decision_id
        early.answer = assemble_response(
            response_of(answer_to(refused, self._examiner.contact), closing=True)
        )

    # WebSocket.

    @fails_closed(guard.drop_message)
    async def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Each message of the client is examined like a request; a refusal ends the connection."""
        assert flow.websocket is not None
        message = flow.websocket.messages[-1]
        is_cut_short = CUT_SHORT in flow.metadata
        if not message.from_client and not is_cut_short:
            return
        message.dropped = True
        if is_cut_short:
            refused = await self._recorded(
                self._transfer(flow, wire.websocket_message(b"")), flow.metadata[CUT_SHORT]
            )
            flow.metadata[CLOSE] = refused.decision_id
            return
        before = flow.metadata.pop(BEFORE, b"")
        verdict = await self._examine(
            self._transfer(flow, wire.websocket_message(message.content, message.is_text, before))
        )
        match verdict:
            case Release():
                pass
            case Replace(message=changed):
                message.content = changed.body
            case Refuse():
                flow.metadata[CLOSE] = verdict.decision_id
                return
            case _:
                assert_never(verdict)
        if message.is_text:
            flow.metadata[BEFORE] = (before + message.content)[-SEAM_BYTES:]
        message.dropped = False
        self._examiner.settled(verdict.decision_id, "sent")

    @fails_closed(guard.nothing)
    async def websocket_end(self, flow: http.HTTPFlow) -> None:
        """The connection is over."""
        self._let_go(flow)

    # Connections.

    @fails_closed(guard.refuse_client)
    async def client_connected(self, client: connection.Client) -> None:
        """Clients come from the company's networks, not from the internet at large."""
        address = ipaddress.ip_address(str(client.peername[0]).partition("%")[0])
        if (getattr(address, "ipv4_mapped", None) or address).is_global:
            client.error = "clients with public addresses are not served"

    @fails_closed(guard.nothing)
    async def client_disconnected(self, client: connection.Client) -> None:
        """What the client left undecided goes on record."""
        guard.hang_up(client)
        for flow in [flow for flow in self._flows.values() if flow.client_conn.id == client.id]:
            self._let_go(flow)
            self._settle(flow, "aborted")
            if not flow.metadata.get(DECIDED) and flow.response is None:
                await self._refuse(flow, "body-missing")

    @fails_closed(guard.refuse_connection)
    async def server_connect(self, event: server_hooks.ServerConnectionHookData) -> None:
        """No connection to a forbidden target, however it was asked for."""
        address = event.server.address
        if event.server.transport_protocol != "tcp" or address is None:
            event.server.error = "only TCP is forwarded"
        elif not self.settings.targets.allows_literal(address[0], address[1]):
            event.server.error = "the target lies inside the company"

    @fails_closed(guard.cut_connection)
    async def server_connected(self, event: server_hooks.ServerConnectionHookData) -> None:
        """Judge the address really connected to; no byte has been sent to it yet."""
        assert event.server.address is not None
        assert event.server.peername is not None
        host, port = event.server.address[0], event.server.address[1]
        if not self.settings.targets.allows(host, port, str(event.server.peername[0])):
            guard.cut(event.client)
        guard.put_behind(self._gates.of(event.client.id), event)

    @fails_closed(guard.intercept)
    async def tls_clienthello(self, event: tls.ClientHelloData) -> None:
        """Every TLS connection is intercepted; no client talks its way out of it."""
        event.ignore_connection = False
        if b"h2" in event.client_hello.alpn_protocols:
            # Whoever speaks HTTP/2 gets it, as from most servers; mitmproxy would follow the order of the client.
            event.context.client.alpn = b"h2"

    @fails_closed(guard.nothing)
    async def tls_failed_client(self, event: tls.TlsData) -> None:
        """A client that does not trust the authority sends nothing; say so, since it looks like a network fault."""
        log.warning("a client refused the gateway's certificate; it must trust the gateway's authority")
        await self._recorded(self._connection(event.context), "tls-not-opened")

    # Protocols that are not inspected.

    @fails_closed(guard.close_layer)
    async def next_layer(self, event: layer.NextLayer) -> None:
        """HTTP goes through locked layers; every other protocol ends here, on record."""
        if event.layer is None or await self._stays_closed(event):
            return
        locked = inspected(event.layer, self.settings.bounds, self._held, self._gates)
        event.layer = locked or ClosedLayer(event.context)
        if locked is None:
            await self._recorded(self._connection(event.context), "protocol")

    async def _stays_closed(self, event: layer.NextLayer) -> bool:
        """Whether a rule lets the connection pass unopened, or may do so once more of its beginning is there."""
        assert event.layer is not None
        context, data = event.context, event.data_client()
        protocol = protocol_of(context, data)
        if protocol is None or context.server.address is None:
            return False
        may_pass = partial(self._examiner.may_pass_unopened, *context.server.address[:2], protocol)
        if not may_pass() or self.draining:
            return False
        named = names_its_target(context, data) if protocol == "tls" else True
        if named is None:
            event.layer = None
        elif named:
            verdict = await self._examiner.examine_unopened(self._connection(context), protocol)
            if isinstance(verdict, Release):
                event.layer = RelayLayer(context, event.layer, may_pass)
            else:
                event.layer = ClosedLayer(context)
        return named is not False

    @fails_closed(guard.cut_flow)
    async def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """Raw TCP cannot be inspected."""
        guard.cut_flow(self, flow)

    @fails_closed(guard.cut_flow)
    async def tcp_message(self, flow: tcp.TCPFlow) -> None:
        """Raw TCP cannot be inspected."""
        guard.cut_flow(self, flow)

    @fails_closed(guard.cut_flow)
    async def udp_start(self, flow: udp.UDPFlow) -> None:
        """Datagrams cannot be inspected."""
        guard.cut_flow(self, flow)

    @fails_closed(guard.cut_flow)
    async def udp_message(self, flow: udp.UDPFlow) -> None:
        """Datagrams cannot be inspected."""
        guard.cut_flow(self, flow)

    @fails_closed(guard.cut_flow)
    async def dns_request(self, flow: dns.DNSFlow) -> None:
        """Names asked for can carry data out; the gateway resolves for itself."""
        flow.response = flow.request.fail(5)
        guard.cut_flow(self, flow)

    # From mitmproxy's terms to ours.

    def _settle(self, flow: http.HTTPFlow, outcome: str) -> None:
        """The first outcome of a release is the one that counts."""
        decision_id = flow.metadata.pop(OPEN, None)
        if decision_id is not None:
            self._examiner.settled(decision_id, outcome)

    def _let_go(self, flow: http.HTTPFlow) -> None:
        """The flow is no longer under way, and nothing is held of it."""
        self._flows.pop(flow.id, None)
        self._held.release(flow.id)

    async def _objection(self, flow: http.HTTPFlow) -> str | None:
        """Why a request is refused for its head alone; None if its body is to be read."""
        request = flow.request
        if self.draining:
            return "shutting-down"
        if wire.is_malformed(request) or request.is_http2 != (flow.client_conn.alpn == b"h2"):
            return "malformed-request"
        if not request.is_http2 and wire.values_of(request, b"trailer"):
            return "trailers"
        if receiver_of(wire.claim_of(flow)) is None:
            return "identity-mismatch"
        if wire.asks_for_upgrade(request) and not wire.asks_for_websocket(request):
            return "upgrade"
        if wire.asks_for_websocket(request) and not self.settings.websocket:
            return "websocket-refused"
        if wire.announced_bytes(request) > self.settings.bounds.max_body_bytes:
            return "too-large"
        return await self._closed(flow)

    async def _closed(self, flow: http.HTTPFlow) -> str | None:
        """Why nothing may go to the request's destination; None if it may."""
        host, port, mode = flow.request.host, flow.request.port, flow.client_conn.proxy_mode
        if isinstance(mode, mode_specs.ReverseMode):
            return None  # The operator chose the destination.
        if port not in self.settings.allowed_ports:
            return "port-not-allowed"
        # An upstream proxy resolves names itself, so only what is an address already can be judged here.
        upstream = isinstance(mode, mode_specs.UpstreamMode)
        targets = self.settings.targets
        is_open = targets.allows_literal(host, port) and (upstream or await targets.allows_name(host, port))
        return None if is_open else "internal-target"

    def _unreadable(self, flow: http.HTTPFlow) -> str | None:
        if flow.id not in self._flows:
            raise RuntimeError("a request whose headers were not seen")
        if CUT_SHORT in flow.metadata:
            return str(flow.metadata[CUT_SHORT])
        if flow.request.raw_content is None:
            return "body-missing"
        return "shutting-down" if self.draining else None

    def _transfer(self, flow: http.HTTPFlow, message: Message) -> Transfer:
        user = flow.metadata.get("proxyauth")
        return Transfer(
            id=self._examiner.new_id(),
            at=datetime.now(UTC),
            scheme=flow.request.scheme,
            host=receiver_of(wire.claim_of(flow)) or canonical_host(flow.request.host),
            port=flow.request.port,
            message=message,
            path=flow.request.data.path.partition(b"?")[0].decode("latin-1") or "/",
            source=f"{USER}{user[0]}" if user else _network_of(_address_of(flow.client_conn)),
            client=_address_of(flow.client_conn),
            said=flow.metadata.get(SAID, Declared()),
        )

    def _connection(self, context: Context) -> Transfer:
        """A connection without a request, as a transfer."""
        address = context.server.address or ("", 0)
        return Transfer(
            id=self._examiner.new_id(),
            at=datetime.now(UTC),
            scheme="",
            host=canonical_host(address[0]),
            port=address[1],
            message=Message("", b"", (), b""),
            source=_network_of(_address_of(context.client)),
        )

    async def _examine(self, transfer: Transfer) -> Verdict:
        return await guard.apart(self._examiner.examine(transfer), self.settings.time_limit_s, self._running)

    async def _refuse(self, flow: http.HTTPFlow, reason: str) -> None:
        """Put a refusal of the front's own on record and answer with it; of the request only the method is kept."""
        flow.metadata[DECIDED] = True
        transfer = self._transfer(flow, Message(wire.method_of(flow.request), b"", (), b""))
        self._answer(flow, await self._recorded(transfer, reason))

    async def _ask(self, flow: http.HTTPFlow, asks: http.Response) -> None:
        """Word what mitmproxy asks for, credentials for the gateway, as any other refusal."""
        flow.response = self.fixed_refusal()
        flow.metadata[DECIDED] = True
        transfer = self._transfer(flow, Message(wire.method_of(flow.request), b"", (), b""))
        refused = await self._recorded(transfer, "credentials-missing")
        answer = answer_to(refused, self._examiner.contact, _accept(flow), asks.status_code)
        flow.response = response_of(answer)
        for name in ("proxy-authenticate", "www-authenticate"):
            if name in asks.headers:
                flow.response.headers[name] = asks.headers[name]

    async def _recorded(self, transfer: Transfer, reason: str) -> Refuse:
        try:
            return await guard.apart(self._examiner.refuse(transfer, reason), RECORDING_S, self._running)
        except Exception as error:  # noqa: BLE001 - border: the refusal stands, on record or not
            log.error("a refusal could not be recorded: %s", type(error).__name__)
            self._on_failure("refuse")
            return unrecorded(transfer.id, reason)

    def _answer(self, flow: http.HTTPFlow, refused: Refuse) -> None:
        flow.response = response_of(answer_to(refused, self._examiner.contact, _accept(flow)))


def _accept(flow: http.HTTPFlow) -> str:
    return str(flow.request.headers.get("accept", ""))


def _address_of(client: connection.Client) -> str:
    return str(client.peername[0]).partition("%")[0]


@lru_cache(maxsize=4096)
def _network_of(address: str) -> str:
    """A client's network rather than its address, which may stand for a person."""
    length = 24 if ipaddress.ip_address(address).version == 4 else 48
    return str(ipaddress.ip_network((address, length), strict=False))
