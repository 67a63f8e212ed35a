"""All commands of `onward`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__
from gateway.cli import (
    agents,
    assess,
    complaints,
    detect,
    keys,
    ledger,
    offline,
    report,
    requests,
    review,
    rules,
)
from gateway.cli.choices import choices, exemptions
from gateway.cli.console import console as web_console
from gateway.cli.doctor import doctor
from gateway.cli.explain import explain
from gateway.cli.output import console
from gateway.cli.scan import scan
from gateway.cli.serve import health, serve
from gateway.cli.simulate import simulate

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="An egress gateway that lets EEA and Swiss personal data reach only agents with reasonable assurances.",
    epilog="Exit codes: 0 done, 1 the answer is no, 2 wrong command line or setting, 3 something could not be reached.",
)


def _version(asked: bool) -> None:
    if asked:
        console.print(__version__)
        raise typer.Exit


@app.callback()
def onward(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before any command."""


@app.command()
def demo(
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep everything running for requests of your own.")
    ] = False,
    reports: Annotated[
        Path | None, typer.Option("--reports", help="Folder for a sample of every report, made from them.")
    ] = None,
    quarter: Annotated[
        bool, typer.Option("--console", help="Send a quarter of traffic instead, and open the console on it.")
    ] = False,
) -> None:
    """Send real requests through a gateway to three agents on this machine, and show what became of them."""
    # Here and not above: the demonstration brings libraries along that no other command needs.
    if quarter:
        from gateway.demo.quarter import run_quarter

        run_quarter(console, open_browser=True)
        return
    from gateway.demo.run import run_demo

    run_demo(console, stay=stay, reports=reports)


app.command()(serve)
app.command()(health)
app.command("console")(web_console)
app.command()(scan)
app.command()(explain)
app.command()(simulate)
app.command()(doctor)
app.add_typer(agents.app, name="agents")
app.add_typer(assess.app, name="assess")
app.add_typer(choices, name="choices")
app.add_typer(complaints.app, name="complaints")
app.add_typer(detect.app, name="detect")
app.add_typer(exemptions, name="exemptions")
app.add_typer(keys.app, name="keys")
app.add_typer(ledger.app, name="ledger")
app.add_typer(offline.app, name="offline")
app.add_typer(report.app, name="report")
app.add_typer(requests.app, name="requests")
app.add_typer(review.app, name="review")
app.add_typer(rules.app, name="rules")
