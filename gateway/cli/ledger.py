"""`onward ledger`: read what was decided, and prove that nobody changed it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gateway.cli.options import AsJson, Config, State, settings_from
from gateway.cli.output import coloured, complain, console, print_json, print_table
from gateway.core.errors import LedgerError
from gateway.ledger import LedgerReader, SignedHead, read_head_file
from gateway.ledger.cases import faults_in
from gateway.runtime import ledger_place

app = typer.Typer(no_args_is_help=True, help="The record of all decisions.")


@app.command()
def tail(
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many records.")] = 20,
    acts: Annotated[bool, typer.Option("--acts", help="What people did, instead of decisions.")] = False,
    config: Config = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest records."""
    with closing(LedgerReader(ledger_place(settings_from(config, state=state)))) as reader:
        records = reader.tail(count, kind="act" if acts else "decision")
    if as_json:
        print_json(records)
        return
    if acts:
        columns = ("seq", "at", "action", "by", "about", "agent")
        print_table(
            ("record", "at (UTC)", "act", "by", "about", "agent"),
            [[str(record.get(one) or "") for one in columns] for record in records],
        )
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
        followed = reader.about(decision)
    if record is None:
        complain(f"no record has the id {decision!r}")
        raise typer.Exit(1)
    console.print_json(data=record | {"followed_by": followed})


@app.command()
def prove(
    decision: Annotated[str, typer.Argument(help="Decision id, as in a refusal.")],
    config: Config = None,
    state: State = None,
) -> None:
    """Print a receipt for one record, which a third party can check with scripts/check_receipt.py."""
    with closing(LedgerReader(ledger_place(settings_from(config, state=state)))) as reader:
        receipt = reader.receipt(decision)
    if receipt is None:
        complain(f"no record has the id {decision!r}")
        raise typer.Exit(1)
    print_json(receipt)


@app.command()
def head(
    since: Annotated[
        Path | None,
        typer.Option("--since", help="An older head (file): prove that today's ledger begins with that one."),
    ] = None,
    config: Config = None,
    state: State = None,
) -> None:
    """Print the newest signed head; keep it elsewhere, since only a head from outside shows a cut ledger."""
    with closing(LedgerReader(ledger_place(settings_from(config, state=state)))) as reader:
        newest = reader.newest_head()
        if newest is None:
            complain("no head was signed yet; the gateway signs one when it starts")
            raise typer.Exit(1)
        if since is None:
            # As it is kept in head files, so that what is printed today can be given to `--since` another day.
            console.file.write(newest.text() + "\n")
            return
        old = read_head_file(since)
        if not isinstance(old, SignedHead):
            complain(f"{since}: is no signed head")
            raise typer.Exit(2)
        try:
            proof = reader.grown_since(old)
        except LedgerError as error:
            complain(str(error))
            raise typer.Exit(1) from None
    print_json(proof)


@app.command()
def verify(config: Config = None, state: State = None, as_json: AsJson = False) -> None:
    """Check every record, the tree over them and all heads; exit code 1 when a record was changed, removed or added."""
    with closing(LedgerReader(ledger_place(settings_from(config, state=state)))) as reader:
        found = reader.verify()
        with reader.connection() as connection:
            cases = faults_in(connection) if found.ok else []
    if as_json:
        print_json(
            {
                "ok": found.ok and not cases,
                "records": found.records,
                "head": found.head.hash,
                "fault": found.fault,
                "seq": found.seq,
                "cases": cases,
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
    if not as_json:
        for fault in cases:
            complain(fault)
    raise typer.Exit(0 if found.ok and not cases else 1)


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
