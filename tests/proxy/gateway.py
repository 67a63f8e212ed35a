"""A real proxy in a thread, before real clients and a real origin; only what decides is scripted.

One at a time: mitmproxy keeps its master in a global.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.core.model import Action, Refuse, Release, Transfer, Verdict
from gateway.core.refusals import refusal
from gateway.core.ruleset import Contact
from gateway.proxy.bounds import Bounds
from gateway.proxy.front import Front, FrontSettings
from gateway.proxy.guard import fails_closed
from gateway.proxy.launch import ProxySettings, run_proxy
from gateway.proxy.network import Targets

CONTACT = Contact(
    schema=1,
    company="Example Company, Inc.",
    attention="Compliance",
    address="1 Example Street",
    email="compliance@example.org",
    phone="+1 202 555 0100",
)
MAX_BODY_BYTES = 256 * 1024
BOUNDS = Bounds(MAX_BODY_BYTES, 4 * MAX_BODY_BYTES, head_s=0.5, receive_s=0.5)
TIME_LIMIT_S = 0.5


def release(transfer: Transfer) -> Verdict:
    """Let everything pass."""
    return Release(transfer.id)


def block(transfer: Transfer) -> Verdict:
    """Let nothing pass."""
    return Refuse(transfer.id, Action.BLOCK, "no-assurance", "Not to this agent.", ("TEST-1",), "test-agent")


@dataclass
class ScriptedExaminer:
    """Decides as told, and keeps what it was asked."""

    decide: Callable[[Transfer], Verdict | Awaitable[Verdict]] = release
    record: Callable[[Transfer], None] = lambda transfer: None
    transfers: list[Transfer] = field(default_factory=list)
    refused: list[tuple[Transfer, str]] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    unopened: set[tuple[str, int, str]] = field(default_factory=set)
    """Connections that may pass without a look into them: host, port, protocol."""
    passed_unopened: list[Transfer] = field(default_factory=list)
    contact: Contact = CONTACT
    _count: Iterator[int] = field(default_factory=itertools.count)

    def settled(self, decision_id: str, outcome: str) -> None:
        self.outcomes.append(outcome)

    def new_id(self) -> str:
        return f"decision-{next(self._count)}"

    async def examine(self, transfer: Transfer) -> Verdict:
        self.transfers.append(transfer)
        verdict = self.decide(transfer)
        return await verdict if isinstance(verdict, Awaitable) else verdict

    async def refuse(self, transfer: Transfer, reason: str) -> Refuse:
        self.record(transfer)
        self.refused.append((transfer, reason))
        fault = refusal(reason)
        return Refuse(transfer.id, Action.BLOCK, reason, fault.why, fault.clauses, "test-agent")

    def may_pass_unopened(self, host: str, port: int, protocol: str) -> bool:
        return (host, port, protocol) in self.unopened

    async def examine_unopened(self, transfer: Transfer, protocol: str) -> Release | Refuse:
        self.record(transfer)
        self.passed_unopened.append(transfer)
        return Release(transfer.id)

    @property
    def reasons(self) -> list[str]:
        """Why the front refused, in order."""
        return [reason for _, reason in self.refused]


GUARDED = {name: hook for name, hook in vars(Front).items() if hasattr(hook, "close")}
"""The hooks of the front."""


class FaultyFront(Front):
    """The front, with one hook that breaks at its beginning."""

    fault: tuple[str, Callable[[], Awaitable[None]]] | None = None


def _breakable(name: str) -> Any:
    original: Any = GUARDED[name]

    async def hook(self: Any, event: Any) -> None:
        if self.fault is not None and self.fault[0] == name:
            await self.fault[1]()
        await original.__wrapped__(self, event)

    hook.__name__ = name
    return fails_closed(original.close)(hook)


for _name in GUARDED:
    setattr(FaultyFront, _name, _breakable(_name))


@dataclass
class Proxy:
    """What a running proxy offers to tests."""

    addresses: Sequence[tuple[str, int]]
    examiner: ScriptedExaminer
    front: FaultyFront
    authority: Path
    """PEM file of the authority that clients have to trust."""
    certificates: Path
    """Folder with certificates for agents that ask for one."""
    loop: asyncio.AbstractEventLoop
    failures: list[str]

    @property
    def port(self) -> int:
        """Port of the first mode."""
        return self.addresses[0][1]

    @property
    def url(self) -> str:
        """For clients' proxy settings."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_proxy(
    folder: Path,
    upstream_ca: Path,
    *,
    ports: Sequence[int],
    allow_internal: Sequence[str],
    modes: Sequence[str] = ("regular",),
    websocket: bool = True,
    proxy_auth: str | None = None,
) -> Iterator[Proxy]:
    """Run a proxy on free ports until the block ends."""
    examiner, failures = ScriptedExaminer(), list[str]()
    targets = Targets(allow_internal)
    settings = FrontSettings(frozenset(ports), targets, TIME_LIMIT_S, BOUNDS, websocket)
    front = FaultyFront(examiner, settings, failures.append)
    certificates = folder / "for-agents"
    place = ProxySettings(
        host="127.0.0.1",
        port=0,
        modes=modes,
        authority_folder=folder,
        upstream_ca=upstream_ca,
        proxy_auth=proxy_auth,
        drain_s=1.0,
        client_certificates=certificates,
    )
    certificates.mkdir()
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    addresses: list[tuple[str, int]] = []

    def on_ready(found: Sequence[tuple[str, int]]) -> None:
        addresses.extend(found)
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(run_proxy(place, front, targets, stop=stop, on_ready=on_ready))
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(20), "the proxy did not start"
    try:
        yield Proxy(
            addresses, examiner, front, folder / "mitmproxy-ca-cert.pem", certificates, loop, failures
        )
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive(), "the proxy did not stop"
