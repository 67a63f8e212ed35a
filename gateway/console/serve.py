"""The console as a process: address, TLS, and what it prints at its first start."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import uvicorn

from gateway.console import oidc
from gateway.console.app import build_app
from gateway.console.service import Console
from gateway.core.errors import SettingsError
from gateway.settings import Settings

MOST_CONNECTIONS = 200
DRAIN_S = 2


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Run until told to stop. Raises OnwardError for whatever keeps it from starting."""
    check(settings)
    oidc.check(settings)
    console = Console(settings)
    try:
        say(f"The console is at {console.url}")
        if console.first_token is not None:
            say(
                f"Nobody has an account yet. Open {console.url}/welcome and enter this token: {console.first_token}"
            )
        console.follower.start()
        uvicorn.run(
            build_app(console),
            host=settings.console_host,
            port=settings.console_port,
            ssl_certfile=settings.console_certificate,
            ssl_keyfile=settings.console_key,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=DRAIN_S,
            log_config=None,
            access_log=False,  # Addresses say who looked at what.
            server_header=False,
            date_header=False,
            proxy_headers=settings.console_url is not None,
            lifespan="off",
        )
    finally:
        console.close()


def check(settings: Settings) -> None:
    """Raises SettingsError where passwords would cross a network in clear."""
    if settings.console_certificate is not None or (settings.console_url or "").startswith("https://"):
        return
    try:
        loopback = ipaddress.ip_address(settings.console_host).is_loopback
    except ValueError:
        loopback = settings.console_host == "localhost"
    if not loopback:
        raise SettingsError(
            f"console_host {settings.console_host} is no loopback address: name console_certificate and console_key, "
            "or the https:// address of the TLS proxy before it in console_url"
        )
