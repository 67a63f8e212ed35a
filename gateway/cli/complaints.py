"""`onward complaints`: case files with their clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson, By, Config, Day, Rules, State, day_of, settings_from
from gateway.cli.output import complain, console, print_json, print_table, telling
from gateway.complaints import COMPLAINT, ComplaintsDesk
from gateway.core.complaint import Complaint, ComplaintState
from gateway.core.model import Origin
from gateway.ledger.cases import Cases
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place
from gateway.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Complaints: owner, clocks, answer, referral.")

Id = Annotated[str, typer.Argument(help="Id of the complaint.", metavar="ID")]
Outcome = Annotated[str, typer.Option("--outcome", help="What came of it; names nobody.")]
Remedy = Annotated[str, typer.Option("--remedy", help="What was done about it.")]


@app.command()
def receive(
    channel: Annotated[str, typer.Option("--channel", help="How it came, e.g. post.")],
    about: Annotated[str, typer.Option("--about", help="What it is about; names nobody.")],
    reference: Annotated[str, typer.Option("--reference", help="Where the letter is kept.")],
    by: By,
    origin: Annotated[
        Origin, typer.Option("--origin", help="Whose law follows the person.", case_sensitive=False)
    ] = Origin.UNKNOWN,
    record: Annotated[
        list[str] | None, typer.Option("--record", help="Id of a ledger entry it concerns; repeatable.")
    ] = None,
    on: Day = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Put a complaint on record; whoever does owns it until it is assigned."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        complaint = desk.receive(channel, origin, day_of(on), reference, about, record or [])
    _show(desk, complaint, as_json=as_json)


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also closed ones.")] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """List complaints by due date; exit code 1 if something is overdue."""
    desk = _desk(settings_from(config, rules=rules, state=state), "")
    law = desk.rules.complaints_law
    found = [one for one in desk.cases.all(COMPLAINT) if everything or one.state != ComplaintState.CLOSED]
    found.sort(key=lambda one: law.due(one) or date.max)
    alarms = desk.alarms(datetime.now(UTC).date())
    if as_json:
        print_json({"complaints": [_told(desk, one) for one in found], "alarms": alarms})
    else:
        rows = [
            (one.id, one.origin, one.state, str(law.due(one) or "–"), one.owner, one.path) for one in found
        ]
        print_table(("complaint", "origin", "state", "due", "owner", "authority"), rows)
        for alarm in alarms:
            complain(alarm)
    if alarms:
        raise typer.Exit(1)


@app.command()
def show(
    complaint: Id, config: Config = None, rules: Rules = None, state: State = None, as_json: AsJson = False
) -> None:
    """Show one complaint."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), "")
        _show(desk, desk.cases.find(COMPLAINT, complaint), as_json=as_json)


@app.command()
def assign(
    complaint: Id,
    by: By,
    owner: Annotated[str, typer.Option("--owner", help="Who has it from now on: a role or number.")],
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Give a complaint to somebody else."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.assign(complaint, owner), as_json=False)


@app.command()
def answer(
    complaint: Id,
    by: By,
    outcome: Outcome,
    remedy: Remedy = "",
    on: Day = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Note the answer."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.answer(complaint, day_of(on), outcome, remedy), as_json=False)


@app.command()
def refer(
    complaint: Id,
    by: By,
    to: Annotated[
        str | None, typer.Option("--to", help="Authority, where the origin does not say which.")
    ] = None,
    on: Day = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Note that a complaint went to the panel, or a Swiss one to its authority."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.refer(complaint, day_of(on), to), as_json=False)


@app.command()
def advise(
    complaint: Id, by: By, on: Day = None, config: Config = None, rules: Rules = None, state: State = None
) -> None:
    """Note that the authority gave its advice; the time to comply runs from then on."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.advise(complaint, day_of(on)), as_json=False)


@app.command()
def close(
    complaint: Id,
    by: By,
    outcome: Outcome = "",
    remedy: Remedy = "",
    on: Day = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Close a complaint: the person is content, or the advice was complied with."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.close(complaint, day_of(on), outcome, remedy), as_json=False)


def _desk(settings: Settings, by: str) -> ComplaintsDesk:
    rules = load_rules(settings.rules)
    return ComplaintsDesk(Cases(ledger_place(settings), settings.gateway_id, rules.digest, by), rules)


def _told(desk: ComplaintsDesk, complaint: Complaint) -> dict[str, Any]:
    facts: dict[str, Any] = COMPLAINT.type.dump_python(complaint, mode="json")
    return facts | {"due": desk.rules.complaints_law.due(complaint)}


def _show(desk: ComplaintsDesk, complaint: Complaint, *, as_json: bool) -> None:
    facts = _told(desk, complaint)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if value not in (None, "", []):
            shown = ", ".join(value) if isinstance(value, list) else value
            console.print(f"  {name:<13} {shown}", markup=False)
