"""Complaints as staff works on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from starlette.responses import Response

from gateway.complaints import COMPLAINT, ComplaintsDesk
from gateway.console.people import day_of, stepped
from gateway.console.service import now
from gateway.console.visit import Visit
from gateway.core.model import Origin
from gateway.core.review import NotAllowed


def complaints(visit: Visit) -> Response:
    """Complaints by due date, what is overdue, and the form for a new one."""
    desk = _desk(visit)
    everything = visit.asked("all") == "yes"
    law = desk.rules.complaints_law
    found = [one for one in desk.cases.all(COMPLAINT) if everything or one.state != "closed"]
    rows = sorted(((law.due(one), one) for one in found), key=lambda row: row[0] or date.max)
    return visit.page(
        "complaints.html",
        rows=rows,
        everything=everything,
        alarms=desk.alarms(now().date()),
        today=now().date(),
        channels=[(one, one) for one in desk.rules.rights.channels],
        origins=[(one, visit.words.name("origin", one)) for one in Origin],
    )


def receive(visit: Visit) -> Response:
    """Put a complaint on record."""
    origin = visit.text("origin")
    if origin not in set(Origin):
        raise NotAllowed(f"choose one of {', '.join(Origin)}")
    made = _desk(visit).receive(
        visit.text("channel"),
        Origin(origin),
        day_of(visit, "received"),
        visit.text("reference"),
        visit.text("about"),
        visit.text("records").split(),
    )
    return visit.go(f"/complaints/{made.id}", done="received")


def complaint(visit: Visit) -> Response:
    """One complaint with its clock and steps."""
    desk = _desk(visit)
    found = desk.cases.find(COMPLAINT, visit.request.path_params["id"])
    paths = [one for one in desk.rules.complaints.paths if found.origin in one.origins]
    return visit.page(
        "complaint.html",
        complaint=found,
        due=desk.rules.complaints_law.due(found),
        today=now().date(),
        paths=[(one.id, one.name) for one in paths],
        followed=visit.console.reader.about(found.id),
    )


def complaint_step(visit: Visit) -> Response:
    """One step of a complaint."""
    desk, found = _desk(visit), visit.request.path_params["id"]
    day, outcome, remedy = day_of(visit, "day"), visit.text("outcome"), visit.text("remedy")
    steps: Mapping[str, Callable[[], object]] = {
        "assign": lambda: desk.assign(found, visit.text("owner")),
        "answer": lambda: desk.answer(found, day, outcome, remedy),
        "refer": lambda: desk.refer(found, day, visit.text("path") or None),
        "advise": lambda: desk.advise(found, day),
        "close": lambda: desk.close(found, day, outcome, remedy),
    }
    return stepped(visit, steps, visit.request.path_params["step"], f"/complaints/{found}")


def _desk(visit: Visit) -> ComplaintsDesk:
    return ComplaintsDesk(visit.console.cases(visit.by), visit.console.rules)
