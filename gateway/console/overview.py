"""The first page: what was stopped and why, what waits, what ends soon; each number leads to its rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from gateway.complaints import COMPLAINT
from gateway.console.downloads import table_file
from gateway.console.figures import ACTIONS, STOPPED_BY, Filter, count
from gateway.console.service import Console, now
from gateway.console.visit import Visit
from gateway.core.assurance import standing_on
from gateway.core.review import NotAllowed
from gateway.core.ruleset import RuleSet
from gateway.people.desk import REQUEST
from gateway.reports.model import Table
from gateway.reports.registers import ORIGINS
from gateway.review import rows
from gateway.rulefacts import alarms, endings

MOST_ROWS = 8
MOST_DAYS = 31
"""Newest days that stand in the table below the chart; the CSV has all."""
SOON_DAYS = 90
MOST_LISTENERS = 50
TICK_S = 1.0
SESSION_TICKS = 15
"""After so many ticks a listener's session is looked at again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for somebody."""

    reviews: int
    requests: int
    late_requests: int
    complaints: int
    complaint_alarms: int


def overview(visit: Visit) -> Response:
    """The page."""
    console, today = visit.console, now().date()
    wanted = Filter.of(visit.request.query_params, today)
    figures = count(console.tallies, wanted)
    ends = endings(console.rules, today, SOON_DAYS)
    _, head = console.tallies.counted()
    days = list(figures.daily)
    return visit.page(
        "overview.html",
        wanted=wanted,
        figures=figures,
        chart={
            "labels": days,
            "sets": [
                {
                    "name": action,
                    "label": visit.words.name("action", action),
                    "values": [figures.daily[day][action] for day in days],
                }
                for action in ACTIONS
            ],
        },
        newest_days=[(day, its) for day, its in reversed(figures.daily.items()) if its][:MOST_DAYS],
        stopped={what: figures.stopped[what].most_common(MOST_ROWS) for what in STOPPED_BY},
        statuses=statuses(console.rules, today),
        ends=ends[:MOST_ROWS],
        more_ends=len(ends) - MOST_ROWS,
        alarms=list(alarms(console.rules, today)),
        waiting=waiting(console, today),
        rules=console.rules,
        rules_fault=console.rulebook.error,
        counted=head.seq,
        follower=console.follower,
        today=today,
        choices=choices(console),
    )


def overview_csv(visit: Visit) -> Response:
    """One table of the page, for spreadsheets."""
    console, today = visit.console, now().date()
    what = visit.asked("table")
    heads: tuple[tuple[str, str], ...]
    figures = count(console.tallies, Filter.of(visit.request.query_params, today))
    if what in STOPPED_BY:
        table = Table(((what, what), ("transfers", "transfers")), tuple(figures.stopped[what].most_common()))
    elif what == "days":
        heads = (("day", "day"), *((one, one) for one in ACTIONS))
        table = Table(heads, tuple((day, *(n[one] for one in ACTIONS)) for day, n in figures.daily.items()))
    elif what == "statuses":
        found = statuses(console.rules, today)
        heads = (("origin", "origin"), ("status", "status"), ("agents", "agents"))
        table = Table(heads, tuple((o, status, n) for o, its in found.items() for status, n in its.items()))
    elif what == "ends":
        heads = (("last_day", "last day"), ("kind", "kind"), ("id", "id"), ("what", "what"))
        ends = endings(console.rules, today, SOON_DAYS)
        table = Table(heads, tuple((str(one.last_day), one.kind, one.id, one.what) for one in ends))
    else:
        raise NotAllowed("there is no such table")
    return table_file(f"overview-{what}", table, visit)


def statuses(rules: RuleSet, today: date) -> dict[str, Counter[str]]:
    """How many agents have which status today, by origin; the best first."""
    found: dict[str, Counter[str]] = {}
    for origin in ORIGINS:
        counts = Counter[str](standing_on(agent, origin, today, rules).status for agent in rules.agents)
        found[origin] = Counter({status: counts[status] for status in rules.status_rank if counts[status]})
    return found


def waiting(console: Console, today: date) -> Waiting:
    """What waits for whom."""
    with console.reader.connection() as connection:
        reviews = [one.on(now()) for one in rows.listed(connection, rows.WAITING)]
    cases = console.cases("")
    requests = cases.all(REQUEST, state="open")
    law = console.rules.rights_law
    late = [one for one in requests if (law.due(one) or today) < today]
    complaints = [one for one in cases.all(COMPLAINT) if one.state != "closed"]
    complaint_alarms = [
        one for case in complaints for one in console.rules.complaints_law.alarms(case, today)
    ]
    return Waiting(
        sum(one.state in rows.WAITING for one in reviews),
        len(requests),
        len(late),
        len(complaints),
        len(complaint_alarms),
    )


def choices(console: Console) -> dict[str, list[str]]:
    """What filters can be set to: whatever was met, and all agents of the register."""
    shapes = console.tallies.shapes().values()
    return {
        "agent": sorted({*(one.agent for one in shapes), *(one.id for one in console.rules.agents)}),
        "reason": sorted({one.reason for one in shapes}),
        "clause": sorted({clause for one in shapes for clause in one.clauses}),
        "origin": sorted({origin for one in shapes for origin in one.origins}),
        "category": sorted({category for one in shapes for category in one.categories}),
    }


def live(visit: Visit) -> Response:
    """Tells a page whenever something has changed (server-sent events)."""
    console = visit.console
    if console.listeners >= MOST_LISTENERS:
        return Response(status_code=503, headers={"retry-after": "60"})
    token = visit.request.cookies.get(visit.cookie("session"), "")

    async def events() -> AsyncIterator[str]:
        console.listeners += 1
        seen = console.follower.version
        try:
            yield "retry: 5000\n\n"
            for tick in range(1, 10**6):
                await asyncio.sleep(TICK_S)
                version = console.follower.version
                if version != seen:
                    seen = version
                    yield f"event: change\ndata: {version}\n\n"
                if tick % SESSION_TICKS == 0:
                    session = await run_in_threadpool(console.accounts.session, token, now(), use=False)
                    if session is None:
                        yield "event: over\ndata: over\n\n"
                        return
                    yield ": still here\n\n"
        finally:
            console.listeners -= 1

    return StreamingResponse(events(), media_type="text/event-stream")
