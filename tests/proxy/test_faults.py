"""Whatever breaks, in whatever way, nothing leaves and the client is not left waiting."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Awaitable, Callable, Iterator

import pytest
from mitmproxy import hooks
from websockets.exceptions import ConnectionClosed, WebSocketException

from gateway.core.model import Transfer, Verdict
from gateway.proxy import front as front_module
from gateway.proxy import guard
from gateway.proxy.front import Front
from tests.origin import Origin
from tests.proxy.gateway import GUARDED, Proxy, block, release
from tests.proxy.talk import talking


class OddError(BaseException):
    """Like KeyboardInterrupt: no Exception."""


def raising(error: type[BaseException]) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error("Ola Nordmann")

    return fail


async def hang() -> None:
    await asyncio.Event().wait()


FAULTS: dict[str, Callable[[], Awaitable[None]]] = {
    error.__name__: raising(error)
    for error in (ValueError, MemoryError, RecursionError, asyncio.CancelledError, OddError)
} | {"hang": hang}

BEFORE_RELEASE = ("client_connected", "next_layer", "http_connect", "requestheaders", "request")
BEFORE_SENDING = ("server_connect", "server_connected")
AFTER = ("tls_clienthello", "responseheaders", "response", "client_disconnected")


@pytest.fixture
def broken(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Proxy]]:
    """Breaks one hook of the proxy in one way."""
    monkeypatch.setattr(guard, "EXTRA_S", 0.1)
    monkeypatch.setattr(front_module, "RECORDING_S", 0.2)

    def break_hook(name: str, fault: str) -> Proxy:
        proxy.front.fault = (name, FAULTS[fault])
        return proxy

    yield break_hook
    proxy.front.fault = None


def post(proxy: Proxy, origin: Origin) -> bytes:
    """What curl shows for a request with a body; it fails the test if curl has to give up waiting."""
    result = subprocess.run(
        [
            "curl", "--silent", "--include", "--max-time", "8", "--proxy", proxy.url, "--cacert", str(proxy.authority),
            "--data", "name=Ola Nordmann", f"https://localhost:{origin.port}/",
        ],
        capture_output=True, check=False,
    )  # fmt: skip
    assert result.returncode != 28, "no answer in time"
    return result.stdout


def status_of(shown: bytes) -> int:
    """The last status, after that of CONNECT."""
    return int(re.findall(rb"^HTTP/[0-9.]+ (\d{3})", shown, re.MULTILINE)[-1])


def test_every_hook_of_the_front_is_guarded() -> None:
    hook_names = {hook for hook in hooks.all_hooks if hook in vars(Front)}
    assert hook_names == set(GUARDED)
    assert {"request", "requestheaders", "http_connect", "websocket_message", "server_connect"} <= hook_names


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("hook", BEFORE_RELEASE + BEFORE_SENDING)
def test_a_hook_that_fails_lets_nothing_out(
    broken: Callable[[str, str], Proxy], origin: Origin, hook: str, fault: str
) -> None:
    post(broken(hook, fault), origin)
    assert origin.octets == 0


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("hook", AFTER)
def test_a_hook_that_fails_elsewhere_does_not_undo_a_refusal(
    broken: Callable[[str, str], Proxy], origin: Origin, hook: str, fault: str
) -> None:
    proxy = broken(hook, fault)
    proxy.examiner.decide = block
    post(proxy, origin)
    assert origin.octets == 0


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("hook", ["http_connect", "requestheaders", "request"])
def test_the_client_of_a_failed_hook_is_answered_and_the_attempt_is_on_record(
    broken: Callable[[str, str], Proxy], origin: Origin, hook: str, fault: str
) -> None:
    proxy = broken(hook, fault)
    answer = post(proxy, origin)
    assert status_of(answer) == 503
    assert b"Nordmann" not in answer
    assert proxy.examiner.reasons == ["time-limit" if fault == "hang" else "front-error"]


@pytest.mark.parametrize("fault", [*FAULTS, "SystemExit", "KeyboardInterrupt"])
def test_an_examiner_that_fails_lets_nothing_out(proxy: Proxy, origin: Origin, fault: str) -> None:
    fail = FAULTS.get(fault) or raising(
        {"SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt}[fault]
    )

    async def decide(transfer: Transfer) -> Verdict:
        await fail()
        raise AssertionError("not reached")

    proxy.examiner.decide = decide
    answer = post(proxy, origin)
    assert status_of(answer) == 503
    assert origin.connections == 0
    assert proxy.examiner.reasons == ["time-limit" if fault == "hang" else "front-error"]


def test_an_examiner_that_does_not_even_heed_cancellation_is_not_waited_for(
    proxy: Proxy, origin: Origin
) -> None:
    ended = asyncio.Event()

    async def decide(transfer: Transfer) -> Verdict:
        while not ended.is_set():
            try:
                await asyncio.wait_for(ended.wait(), 60)
            except asyncio.CancelledError:
                continue
        return release(transfer)

    proxy.examiner.decide = decide
    assert status_of(post(proxy, origin)) == 503
    proxy.loop.call_soon_threadsafe(ended.set)
    assert origin.connections == 0


def test_a_ledger_that_fails_leaves_the_refusal_standing(proxy: Proxy, origin: Origin) -> None:
    def fail(transfer: Transfer) -> None:
        raise OSError("disk full")

    proxy.examiner.record = fail
    proxy.examiner.decide = lambda transfer: 1 / 0  # type: ignore[assignment, return-value]
    answer = post(proxy, origin)
    assert status_of(answer) == 503
    assert b'"recorded": false' in answer
    assert "refuse" in proxy.failures
    assert origin.connections == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_websocket_message_whose_hook_fails_is_dropped(
    broken: Callable[[str, str], Proxy], origin: Origin, fault: str
) -> None:
    proxy = broken("websocket_message", fault)
    with pytest.raises((ConnectionClosed, WebSocketException)), talking(proxy, origin) as client:  # noqa: PT012
        client.send("Ola Nordmann")
        client.receive()
    assert not [one for one in origin.received if one.method == "text"]
    assert proxy.examiner.reasons == ["time-limit" if fault == "hang" else "front-error"]
