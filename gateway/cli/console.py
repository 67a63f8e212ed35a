"""`onward console`: the web console, in a process of its own."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from gateway.cli.options import Config, Rules, State, settings_from
from gateway.cli.output import console as output
from gateway.core.errors import LedgerError
from gateway.ledger import LedgerReader
from gateway.logs import set_up_logging
from gateway.runtime import ledger_place
from gateway.settings import Settings

WAIT_S = 0.5


def console(
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port to listen on.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for a gateway to make the ledger.")] = False,
) -> None:
    """Run the web console beside a gateway, on the same state folder, until it is told to stop."""
    settings = settings_from(config, rules=rules, state=state, console_host=host, console_port=port)
    set_up_logging(settings.log_level, settings.log_format)
    # Here and not above: no other command needs a web server.
    from gateway.console.serve import serve

    while wait and not _is_there(settings):
        time.sleep(WAIT_S)
    serve(settings, lambda line: output.print(line, soft_wrap=True, markup=False))


def _is_there(settings: Settings) -> bool:
    try:
        LedgerReader(ledger_place(settings)).close()
    except LedgerError:
        return False
    return True
