"""`onward ledger`: read what was decided, and prove that nobody changed it."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any

import typer
from rich.text import Text

from gateway.cli.options import AsJson, Config, State, settings_from
from gateway.cli.output import coloured, complain, console, print_json, print_table
from gateway.ledger import LedgerReader
from gateway.runtime import ledger_place

app = typer.Typer(no_args_is_help=True, help="The record of all decisions.")


@app.command()
def tail(
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many records.")] = 20,
    config: Config = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest records."""
    with closing(LedgerReader(ledger_place(settings_from(config, state=state)))) as reader:
        records = reader.tail(count)
    if as_json:
        print_json(records)
        return
    heads = ("record", "at (UTC)", "agent", "action", "status", "reason", "found")
    print_table(heads, [_row(record) for record in records])


@app.command()
def show(
    decision: Annotated[str, typer.Argument(help="Decision id, as in a refusal.")],
    config: Config = None,
    state: State = None,
) -> None:
    """Show one record in full."""
    with closing(LedgerReader(ledger_place(settings_from(config, state=state)))) as reader:
        record = reader.get(decision)
    if record is None:
        complain(f"no record has the id {decision!r}")
        raise typer.Exit(1)
    console.print_json(data=record)


@app.command()
def verify(config: Config = None, state: State = None, as_json: AsJson = False) -> None:
    """Walk the whole chain; exit code 1 when a record was changed, removed or added."""
    with closing(LedgerReader(ledger_place(settings_from(config, state=state)))) as reader:
        found = reader.verify()
    if as_json:
        print_json(
            {
                "ok": found.ok,
                "records": found.records,
                "head": found.head.hash,
                "fault": found.fault,
                "seq": found.seq,
            }
        )
    elif found.ok:
        console.print(
            Text("Ledger verified", style="green"),
            f": {found.records} records, head {found.head.hash}",
            sep="",
        )
    else:
        complain(f"the ledger does not verify: {found.fault}")
    raise typer.Exit(0 if found.ok else 1)


def _row(record: dict[str, Any]) -> tuple[str | Text, ...]:
    found = ", ".join(f"{one['count']} {one['entity']}" for one in record["findings"])
    return (
        str(record["seq"]),
        record["at"][:19].replace("T", " "),
        record["agent"],
        coloured(record["action"]),
        coloured(record["status"]),
        record["reason"],
        found or ", ".join(record["unread"]),
    )
