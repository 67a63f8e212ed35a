"""`onward console`: the web console, in a process of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.options import Config, Rules, State, settings_from
from gateway.cli.output import console as output
from gateway.logs import set_up_logging


def console(
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port to listen on.")] = None,
) -> None:
    """Run the web console beside a gateway, on the same state folder, until it is told to stop."""
    settings = settings_from(config, rules=rules, state=state, console_host=host, console_port=port)
    set_up_logging(settings.log_level)
    # Here and not above: no other command needs a web server.
    from gateway.console.serve import serve

    serve(settings, lambda line: output.print(line, soft_wrap=True, markup=False))
