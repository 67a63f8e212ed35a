"""The gateway with mitmproxy as its front: what `onward serve` runs."""

from __future__ import annotations

import asyncio
import contextlib
import resource

from gateway.proxy.bounds import Bounds
from gateway.proxy.front import Front, FrontSettings
from gateway.proxy.launch import ProxySettings, run_proxy
from gateway.proxy.network import Targets
from gateway.runtime import Runtime, running
from gateway.settings import Settings

GRACE_S = 1.0
"""What the front waits beyond the limits of inspection and ledger, so that their own refusals come first."""


def targets_of(settings: Settings) -> Targets:
    """Targets that may be connected to; the upstream proxies of the settings are among them. Raises SettingsError."""
    upstream = [
        mode.partition("://")[2].rstrip("/") for mode in settings.modes if mode.startswith("upstream:")
    ]
    reverse = [mode.partition("://")[2].rstrip("/") for mode in settings.modes if mode.startswith("reverse:")]
    return Targets((*settings.allow_internal, *(place for place in (*upstream, *reverse) if ":" in place)))


def front_of(runtime: Runtime, targets: Targets) -> Front:
    """The addon for a runtime."""
    settings = runtime.settings
    return Front(
        runtime.engine,
        FrontSettings(
            allowed_ports=frozenset(settings.allowed_ports),
            targets=targets,
            time_limit_s=settings.time_limit_s + settings.ledger_timeout_s + GRACE_S,
            bounds=Bounds(
                max_body_bytes=settings.max_body_bytes,
                max_held_bytes=settings.max_held_bytes,
                head_s=settings.head_limit_s,
                receive_s=settings.receive_limit_s,
            ),
            websocket=settings.websocket == "inspect",
        ),
        on_failure=lambda hook: runtime.metrics.failed("front-error", stage=hook),
    )


async def serve_until(stop: asyncio.Event, settings: Settings) -> None:
    """Run the whole gateway until `stop` is set. Raises OnwardError for whatever keeps it from starting."""
    targets = targets_of(settings)
    # Each client takes two: many systems grant a process 1,024 unless it asks for more.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    async with running(settings) as runtime:
        await run_proxy(
            ProxySettings(
                host=settings.listen_host,
                port=settings.listen_port,
                modes=settings.modes,
                authority_folder=settings.state / "ca",
                upstream_ca=settings.upstream_ca,
                proxy_auth=settings.proxy_auth,
                drain_s=settings.drain_s,
                client_certificates=settings.client_certificates,
            ),
            front_of(runtime, targets),
            targets,
            stop=stop,
            on_ready=runtime.listening,
        )
