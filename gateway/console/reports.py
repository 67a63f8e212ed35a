"""Reports as files, and the self-assessment: made here, signed by an officer's own key on the command line."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from typing import get_args

from starlette.responses import Response

from gateway.console import downloads
from gateway.console.people import day_of
from gateway.console.service import Console, now
from gateway.console.visit import Visit
from gateway.core.exemption import Grant
from gateway.core.review import NotAllowed
from gateway.reports import assess, checks, registers
from gateway.reports.model import Report
from gateway.reports.notice import notice
from gateway.reports.traffic import Period, traffic_in
from gateway.reports.written import FormName
from gateway.runtime import registers_path
from gateway.store.registers import Registers

KINDS = ("notice", "processing", "transfers", "blocked", "expiry")
YEAR_DAYS = 365


def reports(visit: Visit) -> Response:
    """Which reports there are."""
    today = now().date()
    return visit.page(
        "reports.html",
        kinds=KINDS,
        forms=get_args(FormName),
        first=today - timedelta(days=YEAR_DAYS),
        last=today,
        spoken=[(one, visit.words.name("language", one)) for one in visit.console.rules.texts.languages],
    )


def report(visit: Visit) -> Response:
    """Make a report and hand it out; that is on the ledger."""
    kind, form = visit.text("kind"), visit.text("form")
    period = _period(visit)
    made = _made(visit.console, kind, period, visit.text("language") or None)
    answer = downloads.report_file(made, form, f"{kind}-{period.last}")
    visit.console.act("report-exported", visit.by, report=kind, form=form, period=period.words)
    return answer


def assessments(visit: Visit) -> Response:
    """All self-assessments, and by when the next one is due."""
    console = visit.console
    cases = console.cases("")
    return visit.page(
        "assessments.html",
        found=cases.all(assess.ASSESSMENT)[::-1],
        due=assess.due(cases, console.rules, now().date()),
        today=now().date(),
    )


def make_assessment(visit: Visit) -> Response:
    """Make one from live data, unsigned."""
    console = visit.console
    upload = visit.file("results")
    known = console.rules.notice.published
    seen = checks.look(
        console.place,
        _period(visit),
        grants=_grants(console),
        published=checks.fetch(known.address) if known else None,
        results=checks.results_in(upload.file.read()) if upload is not None else None,
        case_faults=checks.case_faults(console.settings.rules),
    )
    made = assess.make(console.cases(visit.by), console.rules, seen, now())
    return visit.go(f"/assessments/{made.id}", done="assessed")


def assessment(visit: Visit) -> Response:
    """One self-assessment as a report on a page."""
    console = visit.console
    cases = console.cases("")
    made = cases.find(assess.ASSESSMENT, visit.request.path_params["id"])
    next_by = assess.due(cases, console.rules, now().date())
    return visit.page(
        "assessment.html",
        made=made,
        report=assess.report(made, console.rules, next_by, now()),
        forms=get_args(FormName),
    )


def assessment_file(visit: Visit) -> Response:
    """The same as a file."""
    console = visit.console
    cases = console.cases("")
    made = cases.find(assess.ASSESSMENT, visit.request.path_params["id"])
    written = assess.report(made, console.rules, assess.due(cases, console.rules, now().date()), now())
    answer = downloads.report_file(written, visit.text("form"), f"assessment-{made.id}")
    console.act("report-exported", visit.by, report="assessment", form=visit.text("form"), period=made.id)
    return answer


def _made(console: Console, kind: str, period: Period, language: str | None) -> Report:
    rules, at = console.rules, now()
    if kind == "expiry":
        return registers.expiry(rules, at)
    if kind not in KINDS:
        raise NotAllowed(f"there is no such report; there are {', '.join(KINDS)}")
    traffic = traffic_in(console.place, period)
    if kind == "notice":
        if language is not None and language not in rules.texts.languages:
            raise NotAllowed(f"the notice is there in {', '.join(rules.texts.languages)}")
        return notice(traffic, _grants(console), rules, at, language)
    written = {
        "processing": registers.processing,
        "transfers": registers.transfers,
        "blocked": registers.blocked,
    }
    return written[kind](traffic, rules, at)


def _period(visit: Visit) -> Period:
    last = day_of(visit, "last")
    first: date = day_of(visit, "first") if visit.text("first") else last - timedelta(days=YEAR_DAYS)
    if first > last:
        raise NotAllowed(f"the first day, {first}, lies after the last, {last}")
    return Period(first, last)


def _grants(console: Console) -> tuple[Grant, ...]:
    with closing(Registers(registers_path(console.settings))) as kept:
        return kept.grants()
