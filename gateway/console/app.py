"""The application: every page of the table with what answers it, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from gateway.console import (
    agents,
    complaints,
    entrance,
    offline,
    oidc,
    overview,
    people,
    reports,
    reviews,
    rules,
    staff,
    transfers,
)
from gateway.console.access import PAGES
from gateway.console.guard import MAX_BODY_BYTES, Guard, Handler, guarded, on_error
from gateway.console.service import FOLDER, Console

HANDLERS: Mapping[str, Handler] = {
    "login": entrance.login,
    "sign_in": entrance.sign_in,
    "welcome": entrance.welcome,
    "accept": entrance.accept,
    "oidc": oidc.oidc,
    "oidc_back": oidc.oidc_back,
    "set_language": entrance.set_language,
    "sign_out": entrance.sign_out,
    "own_account": entrance.own_account,
    "change_password": entrance.change_password,
    "overview": overview.overview,
    "overview_csv": overview.overview_csv,
    "live": overview.live,
    "transfers": transfers.transfers,
    "transfers_csv": transfers.transfers_csv,
    "transfer": transfers.transfer,
    "receipt": transfers.receipt,
    "reviews": reviews.reviews,
    "review": reviews.review,
    "look": reviews.look,
    "reveal": reviews.reveal,
    "approve_review": reviews.approve,
    "refuse_review": reviews.refuse,
    "false_positive": reviews.false_positive,
    "agents": agents.agents,
    "new_agent": agents.new_agent,
    "agent": agents.agent,
    "lapse": agents.lapse,
    "change_agent": agents.change_agent,
    "drafts": agents.drafts,
    "propose": agents.propose,
    "draft": agents.draft,
    "approve_draft": agents.approve_draft,
    "refuse_draft": agents.refuse_draft,
    "people": people.people,
    "receive_request": people.receive,
    "search_person": people.search,
    "consent": people.consent,
    "request": people.request,
    "request_step": people.request_step,
    "task_step": people.task_step,
    "complaints": complaints.complaints,
    "receive_complaint": complaints.receive,
    "complaint": complaints.complaint,
    "complaint_step": complaints.complaint_step,
    "offline": offline.offline,
    "enter_offline": offline.enter,
    "offline_step": offline.offline_step,
    "reports": reports.reports,
    "report": reports.report,
    "assessments": reports.assessments,
    "make_assessment": reports.make_assessment,
    "assessment": reports.assessment,
    "assessment_file": reports.assessment_file,
    "rules": rules.rules,
    "simulate": rules.simulate,
    "accounts": staff.accounts,
    "add_account": staff.add_account,
    "change_account": staff.change_account,
    "invite_again": staff.invite_again,
}


def build_app(console: Console) -> ASGIApp:
    """The application of a console."""
    # A file that is looked at for its digest alone never touches a disk.
    MultiPartParser.spool_max_size = MAX_BODY_BYTES
    routes = [
        Route(page.path, guarded(console, page, HANDLERS[page.name]), methods=[page.method], name=page.name)
        for page in PAGES
    ]
    app = Starlette(
        routes=[*routes, Mount("/static", StaticFiles(directory=FOLDER / "static"))],
        exception_handlers={HTTPException: on_error(console)},
    )
    return Guard(app, console)
