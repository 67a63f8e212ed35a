"""mitmproxy embedded: a master of our own with only the addons a forward proxy needs, ours last, options frozen.

Without the script loader nothing saved to disk can unload the inspection; without the other addons nothing changes a
request after it was judged, keeps flows, or writes them to disk; and most of mitmproxy's dispatch cost is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mitmproxy import http, master, options
from mitmproxy.addons import (
    core,
    errorcheck,
    next_layer,
    proxyauth,
    proxyserver,
    tlsconfig,
    upstream_auth,
)

from gateway.core.errors import SettingsError
from gateway.proxy.front import Front
from gateway.proxy.network import Targets
from gateway.proxy.options import freeze

log = logging.getLogger(__name__)

# For its own developers mitmproxy checks the types of every message it makes, unless Python runs without assertions.
http.MessageData.__post_init__ = lambda _: None  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Where and how mitmproxy listens."""

    host: str
    port: int
    modes: Sequence[str]
    authority_folder: Path
    """Holds the certificate authority; made on first use."""
    upstream_ca: Path | None
    proxy_auth: str | None
    drain_s: float
    client_certificates: Path | None = None
    """Folder with `HOST.pem` for agents that ask for a certificate; all clients share it."""


class _Announcer:
    """Tells where the proxy listens, once it does."""

    def __init__(self, on_ready: Callable[[Sequence[tuple[str, int]]], None]) -> None:
        self._on_ready = on_ready
        self._server: proxyserver.Proxyserver | None = None

    def attach(self, server: proxyserver.Proxyserver) -> None:
        self._server = server

    def running(self) -> None:
        assert self._server is not None
        self._on_ready([(address[0], address[1]) for address in self._server.listen_addrs()])


async def run_proxy(
    settings: ProxySettings,
    front: Front,
    targets: Targets,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[Sequence[tuple[str, int]]], None],
) -> None:
    """Serve until `stop` is set, then let transfers under way finish for `drain_s` seconds.

    Raises:
        SettingsError: mitmproxy refuses the settings, or cannot listen.
    """
    folder = settings.client_certificates
    if folder is not None and not folder.is_dir():
        raise SettingsError(
            f"client_certificates: {folder} is no folder; make it, with a file HOST.pem for each agent"
        )
    loop = asyncio.get_running_loop()
    targets.guard(loop)
    settings.authority_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    chief = master.Master(options.Options(), event_loop=loop, with_termlog=False)
    server, announcer = proxyserver.Proxyserver(), _Announcer(on_ready)
    announcer.attach(server)
    chief.addons.add(
        core.Core(),
        proxyauth.ProxyAuth(),
        server,
        next_layer.NextLayer(),
        tlsconfig.TlsConfig(),
        upstream_auth.UpstreamAuth(),
        errorcheck.ErrorCheck(),
        announcer,
        front,
    )
    try:
        guard = freeze(chief)
        chief.options.update(
            listen_host=settings.host,
            listen_port=settings.port,
            mode=list(settings.modes),
            confdir=str(settings.authority_folder),
            ssl_verify_upstream_trusted_ca=str(settings.upstream_ca) if settings.upstream_ca else None,
            client_certs=str(folder) if folder else None,
            proxyauth=settings.proxy_auth,
        )
        guard.seal(chief.options)
    except Exception as error:  # Border: mitmproxy's own errors are of many types; all mean a wrong setting.
        raise SettingsError(f"mitmproxy refuses the settings: {error}") from error
    stopper = asyncio.create_task(_stop_gently(stop, chief, server, front, settings.drain_s))
    try:
        await chief.run()
    except SystemExit as error:
        raise SettingsError(
            f"the proxy cannot listen on {settings.host}:{settings.port}; is the port taken?"
        ) from error
    finally:
        stopper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stopper


async def _stop_gently(
    stop: asyncio.Event, chief: master.Master, server: proxyserver.Proxyserver, front: Front, drain_s: float
) -> None:
    await stop.wait()
    front.draining = True
    await server.servers.update([])
    until = asyncio.get_running_loop().time() + drain_s
    while front.active and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    chief.shutdown()
    connections = [one for handler in server.connections.values() for one in handler.transports.values()]
    for connection in connections:
        if connection.handler is not None:
            connection.handler.cancel()
