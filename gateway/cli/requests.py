"""`onward requests`: what people ask for, from intake to answer. Identifiers come by prompt or standard input."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson, By, Config, Day, Rules, State, day_of, settings_from
from gateway.cli.output import console, counting, print_json, print_table, telling, warn
from gateway.cli.reporting import Form, Out, deliver
from gateway.core.model import Origin
from gateway.core.rights import EVERY, Mark, Request, Task
from gateway.keys import load_key
from gateway.ledger.cases import Cases
from gateway.ledger.mentions import Mentions
from gateway.people.answer import answer_to
from gateway.people.desk import REQUEST, TASK, Intake, PeopleDesk
from gateway.people.marks import read_marks
from gateway.people.search import Flow
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place, registers_path
from gateway.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Requests of data subjects, their clocks, tasks and answers.")

Id = Annotated[str, typer.Argument(help="Id of the request.", metavar="ID")]
TaskId = Annotated[str, typer.Argument(help="Id of the task.", metavar="TASK")]
Reason = Annotated[
    str, typer.Option("--reason", help="Why; stands in the ledger, so no personal data in it.")
]
Ground = Annotated[str, typer.Option("--ground", help="A ground of law/rights.yaml.")]


@app.command()
def receive(
    right: Annotated[str, typer.Option("--right", help="A right of law/rights.yaml, e.g. access.")],
    channel: Annotated[str, typer.Option("--channel", help="How it came, e.g. phone.")],
    reference: Annotated[str, typer.Option("--reference", help="Where the letter or note is kept.")],
    by: By,
    origin: Annotated[
        Origin, typer.Option("--origin", help="Whose law follows the person.", case_sensitive=False)
    ] = Origin.UNKNOWN,
    on: Day = None,
    agent: Annotated[str, typer.Option("--agent", help="Only this agent (opt-out, withdrawal).")] = EVERY,
    purpose: Annotated[str, typer.Option("--purpose", help="Only this purpose (objection).")] = EVERY,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Put a request on record. Identifiers are read as lines `ENTITY value`; only keyed fingerprints are kept."""
    settings = settings_from(config, rules=rules, state=state)
    with telling():
        desk = _desk(settings, by)
        intake = Intake(
            right=right,
            channel=channel,
            origin=origin,
            received=day_of(on),
            reference=reference,
            marks=_marks(desk),
            agent=agent,
            purpose=purpose,
        )
        request = desk.receive(intake, _today())
    _show(desk, request, as_json=as_json)


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """List open requests by due date; exit code 1 if one is overdue."""
    desk = _desk(settings_from(config, rules=rules, state=state), "")
    found = desk.cases.all(REQUEST, state=None if everything else "open")
    found.sort(key=lambda one: desk.due(one) or date.max)
    late = [one for one in found if (desk.due(one) or date.max) < _today()]
    if as_json:
        print_json([_told(desk, one) for one in found])
    else:
        heads = ("request", "right", "channel", "identity", "due", "state", "owner")
        print_table(heads, [_row(desk, one) for one in found])
    if late:
        raise typer.Exit(1)


@app.command()
def show(
    request: Id, config: Config = None, rules: Rules = None, state: State = None, as_json: AsJson = False
) -> None:
    """Show a request with its tasks."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), "")
        _show(desk, desk.cases.find(REQUEST, request), as_json=as_json)


@app.command()
def identity(
    request: Id,
    by: By,
    shown: Annotated[
        bool, typer.Option("--shown/--asked", help="The person has shown who they are, or was asked to.")
    ],
    on: Day = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Note that the person was asked to show who they are (the clock stands still), or that they have."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        step = desk.identity_shown if shown else desk.ask_identity
        _show(desk, step(request, day_of(on)), as_json=False)


@app.command()
def identifiers(request: Id, by: By, config: Config = None, rules: Rules = None, state: State = None) -> None:
    """Take identifiers of the person anew: more of them, or the same after the key was rotated."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.identify_again(request, _marks(desk)), as_json=False)


@app.command()
def extend(
    request: Id, by: By, reason: Reason, config: Config = None, rules: Rules = None, state: State = None
) -> None:
    """Take the longer time that the law allows; the person has to be told, with the reason."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.extend(request, _today(), reason), as_json=False)


@app.command()
def charge(
    request: Id,
    by: By,
    ground: Ground,
    reason: Reason,
    fee: Annotated[str, typer.Option("--fee", help="Amount and currency.")],
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Ask a fee for a request that is unfounded or excessive."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.charge(request, ground, reason, fee), as_json=False)


@app.command()
def refuse(
    request: Id,
    by: By,
    ground: Ground,
    reason: Reason,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Refuse a request, with ground and reason; prints what the person has to be told of their rights."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.refuse(request, _today(), ground, reason), as_json=False)
    console.print(desk.appeal())


@app.command()
def search(
    request: Id,
    by: By,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Sum up at once what went where of the person's data, from the index. Your look is on the ledger."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        found = desk.summary(request)
    looked = found.looked
    if as_json:
        print_json({"looked": asdict(looked), "flows": [asdict(one) for one in found.flows]})
    else:
        heads = ("agent", "received", "categories", "beside", "basis", "transfers", "first", "last")
        print_table(heads, [_flow(one) for one in found.flows])
        console.print(f"looked up to record {looked.through} of {looked.newest}")
    if looked.through < looked.newest:
        warn(
            f"{looked.newest - looked.through} newer records are not indexed yet and not in this answer; a running "
            "gateway indexes them by itself, `onward requests index` does so at once"
        )


@app.command()
def answer(
    request: Id,
    by: By,
    form: Form = "json",
    out: Out = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="A language of policy/texts.yaml.")
    ] = None,
    namesakes: Annotated[
        bool, typer.Option("--namesakes", help="Also what only a shared name matches: perhaps others' data.")
    ] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Write what went where of the person's data. Your look is on the ledger."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        with counting() as told:
            found = desk.search(request, told)
        asked = desk.cases.find(REQUEST, request)
    now = datetime.now(UTC)
    report = answer_to(asked, found, desk.rules, now, language=language, namesakes=namesakes)
    deliver(report, form, out)


@app.command()
def done(
    request: Id,
    by: By,
    reference: Annotated[str, typer.Option("--reference", help="Where the answer is kept.")],
    on: Day = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Close a request as answered; every recipient of the data must have been told first."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        _show(desk, desk.done(request, day_of(on), reference), as_json=False)


@app.command()
def tasks(
    request: Annotated[str | None, typer.Argument(help="Only those of this request.", metavar="[ID]")] = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """List what agents have to be told: open tasks, or all of a request."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), "")
        found = desk.tasks(request)
    if as_json:
        print_json([_task(one) for one in found])
        return
    heads = ("task", "request", "agent", "due", "told", "state", "proof")
    print_table(heads, [tuple(str(value or "") for value in _task(one).values()) for one in found])


@app.command()
def told(
    task: TaskId, by: By, on: Day = None, config: Config = None, rules: Rules = None, state: State = None
) -> None:
    """Note that an agent was told."""
    with telling():
        _desk(settings_from(config, rules=rules, state=state), by).told(task, day_of(on))
    console.print(f"{task}: told; close it when the agent has acknowledged")


@app.command()
def close(
    task: TaskId,
    by: By,
    proof: Annotated[
        str, typer.Option("--proof", help="Where the acknowledgement is kept, or why none can be had.")
    ],
    impossible: Annotated[
        bool, typer.Option("--impossible", help="Telling is impossible or out of proportion.")
    ] = False,
    on: Day = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Close a task with proof."""
    with telling():
        desk = _desk(settings_from(config, rules=rules, state=state), by)
        desk.close_task(task, day_of(on), proof, impossible=impossible)
    console.print(f"{task}: closed")


@app.command()
def index(
    anew: Annotated[bool, typer.Option("--anew", help="Throw the index away first.")] = False,
    config: Config = None,
    state: State = None,
) -> None:
    """Bring the index of fingerprints up to date; gateways and searches do so by themselves."""
    with closing(Mentions(ledger_place(settings_from(config, state=state)))) as mentions:
        if anew:
            mentions.forget()
        with counting() as told:
            done = mentions.bring_up(told=lambda count: told("indexed", count))
        console.print(f"{done} records indexed")


def _desk(settings: Settings, by: str) -> PeopleDesk:
    rules = load_rules(settings.rules)
    key = load_key(settings.state / "keys", create=False)
    cases = Cases(ledger_place(settings), settings.gateway_id, rules.digest, by)
    return PeopleDesk(cases, rules, key, registers_path(settings))


def _marks(desk: PeopleDesk) -> tuple[Mark, ...]:
    lines: Iterator[str] | Sequence[str] = _asked() if sys.stdin.isatty() else sys.stdin.readlines()
    return read_marks(lines, desk.rules.detection.category_of, desk.key)


def _asked() -> Iterator[str]:
    """Lines typed at a prompt that does not show them, until an empty one."""
    while line := getpass.getpass("ENTITY value (empty to end): "):
        yield line


def _today() -> date:
    return datetime.now(UTC).date()


def _row(desk: PeopleDesk, request: Request) -> tuple[str, ...]:
    due = desk.due(request)
    shown = "–" if due is None else f"{due} LATE" if due < _today() else str(due)
    return (
        request.id,
        request.right,
        request.channel,
        request.identity,
        shown,
        request.state,
        request.owner,
    )


def _flow(one: Flow) -> tuple[str, ...]:
    return (
        one.agent,
        one.received + (" (by a shared name only)" if one.namesake else ""),
        ", ".join(one.categories),
        ", ".join(one.beside),
        one.basis,
        str(one.count),
        one.first[:10],
        one.last[:10],
    )


def _told(desk: PeopleDesk, request: Request) -> dict[str, Any]:
    facts: dict[str, Any] = REQUEST.type.dump_python(request, mode="json")
    facts["due"] = desk.due(request)
    facts["identifiers"] = sorted({one["entity"] for one in facts.pop("marks")})
    return facts


def _task(task: Task) -> dict[str, Any]:
    facts = TASK.type.dump_python(task, mode="json")
    return {key: facts[key] for key in ("id", "request", "agent", "due", "told_on", "state", "proof")}


def _show(desk: PeopleDesk, request: Request, *, as_json: bool) -> None:
    facts = _told(desk, request) | {"tasks": [_task(one) for one in desk.tasks(request.id)]}
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if value not in (None, "", []) and name != "tasks":
            console.print(
                f"  {name:<13} {', '.join(value) if isinstance(value, list) else value}", markup=False
            )
    for task in desk.tasks(request.id):
        console.print(f"  task          {task.id} {task.agent} {task.state}", markup=False)
