"""Requests of data subjects, consents, and what went where of one person's data.

Rules kept here and nowhere else:
 * A person's identifiers come in the body of a form, live as long as the request, and are in no answer.
 * Whoever looks for a person is on the ledger before anything is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date
from typing import Any

from starlette.responses import Response

from gateway.console import downloads
from gateway.console.service import now
from gateway.console.visit import Visit
from gateway.core.model import Origin
from gateway.core.review import NotAllowed
from gateway.core.rights import EVERY, Mark
from gateway.keys import load_key
from gateway.people.answer import answer_to
from gateway.people.consents import consents_for
from gateway.people.desk import REQUEST, Intake, PeopleDesk
from gateway.people.marks import newest_of, read_marks
from gateway.people.search import Summary, summary
from gateway.runtime import registers_path
from gateway.store.registers import Registers


def people(visit: Visit, found: Summary | None = None) -> Response:
    """Requests by due date, and the forms for new ones; `found` is the answer to a search."""
    desk = _desk(visit)
    everything = visit.asked("all") == "yes"
    requests = desk.cases.all(REQUEST, state=None if everything else "open")
    rows = sorted(((desk.due(one), one) for one in requests), key=lambda row: row[0] or date.max)
    rules = desk.rules
    with closing(Registers(registers_path(visit.console.settings))) as registers:
        counts = dict(registers.counts())
    return visit.page(
        "people.html",
        rows=rows,
        everything=everything,
        today=now().date(),
        tasks=desk.tasks(),
        rights=[(one.id, one.name) for one in rules.rights.rights],
        channels=[(one, one) for one in rules.rights.channels],
        agents=[(one.id, one.name) for one in rules.agents],
        purposes=[(one.id, one.name) for one in rules.purposes.purposes],
        origins=[(one, visit.words.name("origin", one)) for one in Origin],
        counts=counts,
        found=found,
    )


def receive(visit: Visit) -> Response:
    """Put a request on record."""
    desk, today = _desk(visit), now().date()
    intake = Intake(
        right=visit.text("right"),
        channel=visit.text("channel"),
        origin=Origin(_among(visit.text("origin"), Origin)),
        received=day_of(visit, "received"),
        reference=visit.text("reference"),
        marks=_marks(visit, desk),
        agent=visit.text("agent") or EVERY,
        purpose=visit.text("purpose") or EVERY,
    )
    return visit.go(f"/people/{desk.receive(intake, today).id}", done="received")


def search(visit: Visit) -> Response:
    """What went where of one person's data, from the index alone, without a request of theirs."""
    desk = _desk(visit)
    marks = newest_of(_marks(visit, desk), desk.key)
    visit.console.act("person-searched", visit.by)
    return people(visit, summary(visit.console.place, marks, desk.rules.rights.namesakes))


def consent(visit: Visit) -> Response:
    """Put a person's consent into the register."""
    desk = _desk(visit)
    agent, purpose = visit.text("agent"), visit.text("purpose")
    marks = newest_of(_marks(visit, desk), desk.key)
    given = day_of(visit, "given_on")
    entries = consents_for(marks, agent, purpose, visit.text("wording"), given, desk.rules, now().date())
    # On the ledger first: what opens a transfer must not count without a trace of who entered it.
    visit.console.act("consent-entered", visit.by, agent=agent, purpose=purpose, entries=len(entries))
    with closing(Registers(registers_path(visit.console.settings))) as registers:
        registers.consent(entries)
    return visit.go("/people", done="consent")


def request(visit: Visit, found: Summary | None = None) -> Response:
    """One request with its clock, steps and tasks."""
    desk = _desk(visit)
    shown = desk.cases.find(REQUEST, visit.request.path_params["id"])
    rules = desk.rules
    return visit.page(
        "request.html",
        request=shown,
        right=rules.rights.right(shown.right),
        due=desk.due(shown),
        today=now().date(),
        tasks=desk.tasks(shown.id),
        entities=sorted({one.entity for one in shown.marks}),
        grounds=[
            (one.id, one.text) for one in rules.rights.grounds if not one.rights or shown.right in one.rights
        ],
        charges=[(one.id, one.text) for one in rules.rights.grounds if one.may_charge],
        languages_=[(one, visit.words.name("language", one)) for one in rules.texts.languages],
        found=found,
        appeal=desk.appeal(),
        followed=visit.console.reader.about(shown.id),
    )


def request_step(visit: Visit) -> Response:
    """One step of a request."""
    desk, request_id = _desk(visit), visit.request.path_params["id"]
    step = visit.request.path_params["step"]
    if step == "search":
        return request(visit, desk.summary(request_id))
    if step == "answer":
        report = answer_to(
            desk.cases.find(REQUEST, request_id),
            desk.search(request_id),
            desk.rules,
            now(),
            language=visit.text("language") or None,
            namesakes=visit.text("namesakes") == "yes",
        )
        return downloads.report_file(report, visit.text("form"), f"answer-{request_id}")
    steps: Mapping[str, Callable[[], object]] = {
        "identity-asked": lambda: desk.ask_identity(request_id, day_of(visit, "day")),
        "identity-shown": lambda: desk.identity_shown(request_id, day_of(visit, "day")),
        "extend": lambda: desk.extend(request_id, now().date(), visit.text("reason")),
        "charge": lambda: desk.charge(
            request_id, visit.text("ground"), visit.text("reason"), visit.text("fee")
        ),
        "refuse": lambda: desk.refuse(request_id, now().date(), visit.text("ground"), visit.text("reason")),
        "identifiers": lambda: desk.identify_again(request_id, _marks(visit, desk)),
        "done": lambda: desk.done(request_id, day_of(visit, "day"), visit.text("reference")),
    }
    return stepped(visit, steps, step, f"/people/{request_id}")


def task_step(visit: Visit) -> Response:
    """One step of a task: an agent was told, or has acknowledged."""
    desk, task_id = _desk(visit), visit.request.path_params["id"]
    steps: Mapping[str, Callable[[], object]] = {
        "told": lambda: desk.told(task_id, day_of(visit, "day")),
        "close": lambda: desk.close_task(
            task_id, day_of(visit, "day"), visit.text("proof"), impossible=visit.text("impossible") == "yes"
        ),
    }
    back = visit.text("request")
    return stepped(
        visit, steps, visit.request.path_params["step"], f"/people/{back}" if back.isalnum() else "/people"
    )


def stepped(visit: Visit, steps: Mapping[str, Callable[[], object]], step: str, back: str) -> Response:
    """Take a step and go back to its page. Raises NotAllowed for a step that there is not."""
    if step not in steps:
        raise NotAllowed("there is no such step")
    steps[step]()
    return visit.go(back, done="step")


def day_of(visit: Visit, name: str) -> date:
    """A day of a form; today where it is empty. Raises NotAllowed."""
    text = visit.text(name)
    try:
        return date.fromisoformat(text) if text else now().date()
    except ValueError:
        raise NotAllowed("write the day as e.g. 2026-11-24") from None


def _among(word: str, known: Any) -> str:
    if word not in {str(one) for one in known}:
        raise NotAllowed(f"choose one of {', '.join(str(one) for one in known)}")
    return word


def _marks(visit: Visit, desk: PeopleDesk) -> tuple[Mark, ...]:
    return read_marks(visit.text("person").splitlines(), desk.rules.detection.category_of, desk.key)


def _desk(visit: Visit) -> PeopleDesk:
    console = visit.console
    key = load_key(console.settings.state / "keys", create=False)
    return PeopleDesk(console.cases(visit.by), console.rules, key, registers_path(console.settings))
