"""A WebSocket client through the proxy, for tests that are not asynchronous themselves.

The library's own synchronous client reads and writes one TLS session from two threads, which OpenSSL does not allow:
once in some hundred handshakes nothing is sent, with or without a proxy.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.origin import Origin
from tests.proxy.gateway import Proxy

LIMIT_S = 20
"""How long to wait for what has to come."""


class Talk:
    """One connection. What it waits for in vain raises TimeoutError; a closed connection, ConnectionClosed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: ClientConnection) -> None:
        self._loop, self._connection = loop, connection

    def send(self, message: str | bytes | list[str]) -> None:
        """A list goes out in fragments."""
        self._wait(self._connection.send(message))

    def receive(self) -> str | bytes:
        return self._wait(self._connection.recv())

    @property
    def is_packed(self) -> bool:
        """Whether compression was agreed upon."""
        return any(one.name == "permessage-deflate" for one in self._connection.protocol.extensions)

    def ping(self, payload: bytes) -> None:
        """Ping, and wait for the answer."""

        async def ping() -> None:
            await (await self._connection.ping(payload))

        self._wait(ping())

    def pong(self, payload: bytes) -> None:
        self._wait(self._connection.pong(payload))

    def close(self, code: int, reason: str) -> None:
        self._wait(self._connection.close(code, reason))

    def _wait[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, LIMIT_S), self._loop).result()


@contextmanager
def talking(proxy: Proxy, origin: Origin, path: str = "/") -> Iterator[Talk]:
    """A connection to the origin until the block ends. Raises what the library does if the handshake is refused."""
    context = ssl.create_default_context(cafile=str(proxy.authority))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def opened() -> ClientConnection:
        url = f"wss://localhost:{origin.port}{path}"
        return await connect(url, proxy=proxy.url, ssl=context, open_timeout=LIMIT_S)

    try:
        connection = asyncio.run_coroutine_threadsafe(opened(), loop).result()
        try:
            yield Talk(loop, connection)
        finally:
            asyncio.run_coroutine_threadsafe(connection.close(), loop).result(LIMIT_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
