"""`onward offline`: transfers on paper, on a disk or by phone, decided before they are handed on."""

from __future__ import annotations

import sys
from typing import Annotated, get_args

import typer

from gateway.cli.options import AsJson, By, Config, Rules, State, settings_from
from gateway.cli.output import coloured, console, print_json, telling
from gateway.core.model import Action, Origin
from gateway.core.offline import Carrier, OfflineTransfer
from gateway.keys import load_key
from gateway.ledger.record import body_of
from gateway.offline import OfflineDesk
from gateway.people.marks import read_identifiers
from gateway.review import holdkey
from gateway.review.vault import Vault
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place, registers_path
from gateway.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Transfers that take no wire: paper, disk, phone.")

Id = Annotated[str, typer.Argument(help="Id of the record.", metavar="ID")]


@app.command()
def enter(
    agent: Annotated[str, typer.Option("--agent", help="Id of the receiving agent.")],
    carrier: Annotated[Carrier, typer.Option("--carrier", help=f"One of {', '.join(get_args(Carrier))}.")],
    category: Annotated[list[str], typer.Option("--category", help="Kind of data in it; repeatable.")],
    purpose: Annotated[str, typer.Option("--purpose", help="A purpose of policy/purposes.yaml.")],
    reference: Annotated[str, typer.Option("--reference", help="Where the papers about it are kept.")],
    by: By,
    origin: Annotated[
        Origin, typer.Option("--origin", help="Whose data it is.", case_sensitive=False)
    ] = Origin.UNKNOWN,
    people: Annotated[int, typer.Option("--people", help="About how many people it concerns.")] = 1,
    source: Annotated[str, typer.Option("--source", help="Id of the source it comes from.")] = "",
    unread: Annotated[
        bool, typer.Option("--unread", help="Nobody looked at all of it, e.g. a disk handed on as it is.")
    ] = False,
    identifiers: Annotated[
        bool, typer.Option("--identifiers", help="Read lines `ENTITY value` from standard input.")
    ] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Decide and record a transfer; hand it on only if the answer is pass. Exit code 1 if it is not."""
    settings = settings_from(config, rules=rules, state=state)
    with telling():
        desk = _desk(settings, by)
        lines = sys.stdin.readlines() if identifiers else []
        entry = OfflineTransfer(
            agent=agent,
            carrier=carrier,
            categories=tuple(dict.fromkeys(category)),
            origin=origin,
            purpose=purpose,
            people=people,
            reference=reference,
            source=source,
            marks=read_identifiers(lines, desk.rules.detection.category_of, desk.key),
            unread=unread,
        )
        record = desk.enter(entry)
    if as_json:
        console.file.write(body_of(record) + "\n")
    else:
        console.print(coloured(record.action), f" {record.why}", sep="")
        console.print(f"  record   {record.id}", f"  rule     {record.rule}", sep="\n")
        if record.review and record.action == Action.HOLD:
            console.print(f"  review   {record.review}; after approval enter it again in the same words")
        if record.action == Action.PASS:
            console.print(f"  then     onward offline handed {record.id} --as …", markup=False)
    if record.action != Action.PASS:
        raise typer.Exit(1)


@app.command()
def handed(
    record: Id,
    by: By,
    withheld: Annotated[bool, typer.Option("--withheld", help="It was not handed on after all.")] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Note that a transfer was handed on, or was not after all."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        desk.handed(record, "not-released" if withheld else "sent")
    console.print(f"{record}: {'withheld' if withheld else 'handed on'}")


@app.command()
def waiting(config: Config = None, rules: Rules = None, state: State = None, as_json: AsJson = False) -> None:
    """List transfers that may be handed on and of which nobody has said that they were."""
    found = _desk(settings_from(config, rules=rules, state=state), "").waiting()
    if as_json:
        print_json(found)
    else:
        console.print("\n".join(found) or "none")


def _desk(settings: Settings, by: str) -> OfflineDesk:
    keys = settings.state / "keys"
    return OfflineDesk(
        ledger_place(settings),
        load_rules(settings.rules),
        load_key(keys, create=False),
        Vault(holdkey.load(ledger_place(settings), keys)),
        registers_path(settings),
        settings.gateway_id,
        by,
    )
