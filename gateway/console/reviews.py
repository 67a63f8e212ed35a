"""Held transfers: the queue, a redacted look, a reveal, and the decision. `review.acts` keeps the rules.

Who reviews in the console is an account: its training and what it may see stand there, and four eyes are two accounts.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from gateway.console.access import Role
from gateway.console.visit import Visit
from gateway.core.model import Message
from gateway.core.review import NotAllowed, Reviewer, State
from gateway.review import holdkey
from gateway.review.acts import Office, in_full, until_end_of
from gateway.review.rows import WAITING
from gateway.review.vault import Vault

if TYPE_CHECKING:
    from gateway.detect import Detector
    from gateway.review.context import Excerpt

MOST_SHOWN = 200_000
"""Characters of a held transfer that a page shows."""


def reviews(visit: Visit) -> Response:
    """The queue, oldest first; or also what has ended."""
    everything = visit.asked("all") == "yes"
    found = _office(visit).waiting(tuple(State) if everything else WAITING)
    return visit.page("reviews.html", found=found[::-1] if everything else found, everything=everything)


def review(visit: Visit, **shown: Any) -> Response:
    """One held transfer, without anything of what it says; `shown` is what was asked to see."""
    office, review_id = _office(visit), visit.request.path_params["id"]
    record = office.decision(review_id)
    found = next((one for one in office.waiting(tuple(State)) if one.id == review_id), None)
    if found is None:
        raise NotAllowed("no held transfer has this id")
    clauses = [(one, visit.console.rules.clauses.get(one)) for one in record["clauses"]]
    context = {"excerpts": None, "full": None, "gone": False} | shown
    return visit.page(
        "review.html",
        record=record,
        review=found,
        waiting=found.state in WAITING,
        clauses=clauses,
        followed=visit.console.reader.about(review_id),
        reveals=visit.account.reveals,
        rules=visit.console.rules.review,
        said_in=visit.console.rules.texts.default,
        entities=sorted({one["entity"] for one in record["findings"]}),
        **context,
    )


def look(visit: Visit) -> Response:
    """Show the words around what was found. The look is on the ledger first."""
    review_id = visit.request.path_params["id"]
    message = _office(visit).look(review_id, _vault(visit), reveal=False)
    return review(visit, gone=True) if message is None else review(visit, excerpts=_excerpts(visit, message))


def reveal(visit: Visit) -> Response:
    """Show all of it. The look is on the ledger first."""
    message = _office(visit).look(visit.request.path_params["id"], _vault(visit), reveal=True)
    return review(visit, gone=True) if message is None else review(visit, full=in_full(message)[:MOST_SHOWN])


def approve(visit: Visit) -> Response:
    """Let the identical transfer pass: once, or until a day."""
    until = visit.text("until")
    try:
        ends = until_end_of(date.fromisoformat(until)) if until else None
    except ValueError:
        raise NotAllowed("write the day as e.g. 2026-11-24") from None
    office, review_id = _office(visit), visit.request.path_params["id"]
    after = office.approve(review_id, ends, _reason(visit))
    if visit.text("propose") == "yes":
        office.propose_rule(review_id, _reason(visit))
    return visit.go("/reviews", done="seconded" if after.state is State.SECONDED else "approved")


def refuse(visit: Visit) -> Response:
    """Refuse it; what was held is deleted."""
    _office(visit).refuse(visit.request.path_params["id"], _reason(visit))
    return visit.go("/reviews", done="refused")


def false_positive(visit: Visit) -> Response:
    """Say that what was found is no personal data."""
    entity = visit.text("entity") or None
    _office(visit).mark_false_positive(visit.request.path_params["id"], entity, _reason(visit))
    return visit.go("/reviews", done="marked")


def _office(visit: Visit) -> Office:
    console = visit.console
    if visit.account.trained_on is None and visit.request.method == "POST":
        raise NotAllowed(f"no training of {visit.by} is on file; an administrator enters its day (SEC-1)")
    reviewers = tuple(
        Reviewer(id=one.id, trained_on=one.trained_on, reveals=one.reveals)
        for one in console.accounts.all()
        if one.active and one.trained_on is not None and Role.REVIEWER in one.roles
    )
    rules = replace(console.rules.review, reviewers=reviewers)
    return Office(console.place, rules, console.rules.digest, console.settings.gateway_id, visit.by)


def _reason(visit: Visit) -> str:
    reason = visit.text("reason")
    if not reason:
        raise NotAllowed("a decision needs a reason; it stands in the ledger")
    return reason[:500]


def _vault(visit: Visit) -> Vault:
    return Vault(holdkey.load(visit.console.place, visit.console.settings.state / "keys"))


_detectors: dict[tuple[str, str], Detector] = {}
_loading = threading.Lock()


def _excerpts(visit: Visit, message: Message) -> list[Excerpt]:
    # Here and not above: the language model's libraries take seconds to import; the first look alone waits for them.
    from gateway.decode import Limits
    from gateway.detect import Detector
    from gateway.review.context import redacted

    rules, settings = visit.console.rules, visit.console.settings
    known = (rules.digest, str(settings.model))
    with _loading:
        if known not in _detectors:
            _detectors.clear()
            _detectors[known] = Detector(rules.detection, settings.model)
        untouched = frozenset(rules.transport.untouched_headers)
        return redacted(message, _detectors[known], Limits(max_body_bytes=settings.max_body_bytes), untouched)
