"""Complaints: who answers by when, where they go unresolved, and what is overdue (COMPL-1 to COMPL-3).

Rules kept here and nowhere else:
 * One clock runs to the reply; after a referral one to the advice, after the advice one to compliance.
 * Swiss complaints go to the Swiss authority, others to the panel; where the origin is unknown staff names the path.
 * A complaint is closed with an outcome, and after advice only with what was done about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Literal

from gateway.core.clock import runs_out
from gateway.core.law import STRICT, Clock, Rest, Sourced
from gateway.core.model import Origin
from gateway.core.review import NotAllowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(Sourced):
    """An authority that unresolved complaints go to."""

    id: str
    name: str
    origins: tuple[Origin, ...]
    advice: str
    """Clock from the referral to the advice."""
    compliance: str
    """Clock from the advice to compliance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintsFile(Sourced):
    """`rules/law/complaints.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    as_of: date
    reply: str
    paths: tuple[Path, ...]


class ComplaintState(StrEnum):
    """Of a complaint."""

    OPEN = "open"
    ANSWERED = "answered"
    REFERRED = "referred"
    ADVISED = "advised"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A case file. Who complains is kept where `reference` says, and nowhere here."""

    id: str
    channel: str
    origin: Origin
    received: date
    reference: str
    owner: str
    about: str
    """What it is about, in words that name nobody."""
    records: tuple[str, ...] = ()
    """Ids of ledger entries it concerns."""
    state: ComplaintState = ComplaintState.OPEN
    answered_on: date | None = None
    outcome: str = ""
    remedy: str = ""
    path: str = ""
    referred_on: date | None = None
    advised_on: date | None = None
    complied_on: date | None = None

    def __post_init__(self) -> None:
        for name in ("reference", "owner", "about"):
            if not getattr(self, name).strip():
                raise NotAllowed(f"`{name}` is empty; write it")


@dataclass(frozen=True, slots=True)
class ComplaintsLaw:
    """The rules that complaints run by."""

    file: ComplaintsFile
    clocks: Mapping[str, Clock]
    rest: Rest

    def due(self, complaint: Complaint) -> date | None:
        """The last day of the clock that runs now; None when none does."""
        match complaint.state:
            case ComplaintState.OPEN:
                return self._end(self.file.reply, complaint.received)
            case ComplaintState.REFERRED if complaint.referred_on is not None:
                return self._end(self._path(complaint.path).advice, complaint.referred_on)
            case ComplaintState.ADVISED if complaint.advised_on is not None:
                return self._end(self._path(complaint.path).compliance, complaint.advised_on)
        return None

    def alarms(self, complaint: Complaint, today: date) -> Iterator[str]:
        """What is overdue today, one sentence each; an answer that came too late is told for good."""
        due = self.due(complaint)
        late = due is not None and today > due
        reply = self._end(self.file.reply, complaint.received)
        if complaint.state is ComplaintState.OPEN and late:
            yield f"{complaint.id}: no answer by {due} (COMPL-2)"
        elif complaint.answered_on is not None and complaint.answered_on > reply:
            yield f"{complaint.id}: answered on {complaint.answered_on}, which was due on {reply} (COMPL-2)"
        if complaint.state is ComplaintState.REFERRED and late:
            yield f"{complaint.id}: no advice by {due}; ask {self._path(complaint.path).name} (COMPL-3)"
        if complaint.state is ComplaintState.ADVISED and late:
            yield f"{complaint.id}: the advice was not complied with by {due} (COMPL-3)"

    def answer(self, complaint: Complaint, day: date, outcome: str, remedy: str) -> Complaint:
        """The complaint with an answer. Raises NotAllowed."""
        _check_state(complaint, ComplaintState.OPEN)
        if not outcome.strip():
            raise NotAllowed("an answer needs an outcome (COMPL-2)")
        _check_order(day, complaint.received)
        state = ComplaintState.ANSWERED
        return replace(complaint, state=state, answered_on=day, outcome=outcome, remedy=remedy)

    def refer(self, complaint: Complaint, day: date, path_id: str | None) -> Complaint:
        """The complaint before an authority. Raises NotAllowed."""
        _check_state(complaint, ComplaintState.OPEN, ComplaintState.ANSWERED)
        _check_order(day, complaint.answered_on or complaint.received)
        fitting = [one for one in self.file.paths if complaint.origin in one.origins]
        if path_id is None and len(fitting) != 1:
            names = ", ".join(one.id for one in fitting) or "none"
            raise NotAllowed(f"name the authority for a complaint of origin {complaint.origin}: {names}")
        path = fitting[0].id if path_id is None else path_id
        if path not in {one.id for one in fitting}:
            raise NotAllowed(f"a complaint of origin {complaint.origin} does not go to {path!r} (COMPL-3)")
        return replace(complaint, state=ComplaintState.REFERRED, path=path, referred_on=day)

    def advise(self, complaint: Complaint, day: date) -> Complaint:
        """The complaint with the authority's advice, to be complied with. Raises NotAllowed."""
        _check_state(complaint, ComplaintState.REFERRED)
        _check_order(day, complaint.referred_on)
        return replace(complaint, state=ComplaintState.ADVISED, advised_on=day)

    def close(self, complaint: Complaint, day: date, outcome: str, remedy: str) -> Complaint:
        """The complaint after it ended: the person is content, or the advice was complied with. Raises NotAllowed."""
        allowed = (ComplaintState.ANSWERED, ComplaintState.REFERRED, ComplaintState.ADVISED)
        _check_state(complaint, *allowed)
        if complaint.state is ComplaintState.ADVISED:
            if not remedy.strip():
                raise NotAllowed("say what was done to comply with the advice (COMPL-3)")
            _check_order(day, complaint.advised_on)
            complaint = replace(complaint, complied_on=day)
        outcome, remedy = outcome or complaint.outcome, remedy or complaint.remedy
        if not outcome.strip():
            raise NotAllowed("a complaint is closed with an outcome (COMPL-2)")
        return replace(complaint, state=ComplaintState.CLOSED, outcome=outcome, remedy=remedy)

    def _path(self, path_id: str) -> Path:
        return next(one for one in self.file.paths if one.id == path_id)

    def _end(self, clock: str, begins: date) -> date:
        return runs_out(self.clocks[clock], begins, self.rest)


def _check_state(complaint: Complaint, *allowed: ComplaintState) -> None:
    if complaint.state not in allowed:
        raise NotAllowed(f"the complaint is {complaint.state}; this needs one that is {' or '.join(allowed)}")


def _check_order(day: date, before: date | None) -> None:
    if before is not None and day < before:
        raise NotAllowed(f"{day} lies before {before}")
