"""`onward serve`: the gateway itself; and `onward health`, which asks a running one how it is."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Config, Rules, State, settings_from
from gateway.cli.output import complain, console
from gateway.logs import set_up_logging
from gateway.settings import Settings

STOP_S = 10
"""How long the console may take to end."""


def serve(
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port to listen on.")] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option("--mode", help="regular, upstream:URL, reverse:URL, transparent, socks5."),
    ] = None,
    workers: Annotated[int | None, typer.Option("--inspectors", help="Inspection processes.")] = None,
) -> None:
    """Run the gateway until it is told to stop."""
    settings = settings_from(
        config,
        rules=rules,
        state=state,
        listen_host=host,
        listen_port=port,
        modes=tuple(mode) if mode else None,
        workers=workers,
    )
    set_up_logging(settings.log_level, settings.log_format)
    with _console(settings, config, rules, state):
        asyncio.run(_serve(settings))


@contextmanager
def _console(
    settings: Settings, config: Path | None, rules: Path | None, state: Path | None
) -> Iterator[None]:
    """The console beside the gateway, if it is to be: a process of its own, whose end ends nothing here."""
    if not settings.console_with_gateway:
        yield
        return
    given = (("--config", config), ("--rules", rules), ("--state", state))
    options = [part for name, value in given if value is not None for part in (name, str(value))]
    process = subprocess.Popen([sys.executable, "-m", "gateway", "console", "--wait", *options])
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    # Here and not above: mitmproxy takes a second to import, and no other command needs it.
    from gateway.proxy.serve import serve_until

    await serve_until(stop, settings)


def health(config: Config = None) -> None:
    """Ask a running gateway whether it takes traffic; exit code 0 if so, 1 if not yet, 3 if it does not answer."""
    settings = settings_from(config)
    url = f"http://{settings.metrics_host}:{settings.metrics_port}/readyz"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            console.print(answer.read().decode().strip())
    except urllib.error.HTTPError as error:
        console.print(error.read().decode().strip())
        raise typer.Exit(1) from None
    except OSError as error:
        complain(f"{url}: {error}")
        raise typer.Exit(3) from None
