"""Requests of data subjects: which rights there are, when an answer is due, and what may be done with a request.

Rules kept here and nowhere else:
 * While identity is asked for and not shown, the clock stands still; nothing else stops it.
 * A request is extended once, within its first time, and only where the law knows an extension.
 * A refusal and a fee need a ground of the rules that holds for the right, and a reason of their own.
 * What has ended stays ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Literal

from gateway.core.clock import first_to_run_out
from gateway.core.law import STRICT, Clock, Jurisdiction, Rest, Sourced
from gateway.core.model import Origin
from gateway.core.review import NotAllowed

Effect = Literal["answer", "tell-recipients", "opt-out", "objection", "withdrawal"]
AT_ONCE: frozenset[Effect] = frozenset({"opt-out", "objection", "withdrawal"})
"""Effects on the registers that decide transfers; they begin with the intake."""
EVERY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right(Sourced):
    """Something a person may ask for."""

    id: str
    name: str
    clauses: tuple[str, ...]
    clocks: Mapping[Jurisdiction, str]
    """Clock of `law/clocks.yaml` by whose law follows the person's data."""
    effect: Effect
    identity: Literal["needed", "not-needed"]
    """Whether somebody else could be harmed by an answer to the wrong person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground(Sourced):
    """A ground to refuse, or to charge for, a request (ACCESS-5)."""

    id: str
    text: str
    rights: tuple[str, ...] = ()
    """Rights it holds for; empty means all."""
    may_charge: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Sourced):
    """That the clock stands still while identity is asked for."""

    while_identity_is_asked_for: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsFile:
    """`rules/law/rights.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    as_of: date
    channels: tuple[str, ...]
    pause: Pause
    rights: tuple[Right, ...]
    grounds: tuple[Ground, ...]
    namesakes: tuple[str, ...]
    """Entities that several people share: what only these match may be somebody else's."""

    def right(self, right_id: str) -> Right:
        """The right of this id. Raises NotAllowed."""
        found = next((one for one in self.rights if one.id == right_id), None)
        if found is None:
            raise NotAllowed(
                f"{right_id!r} is no right; there are {', '.join(one.id for one in self.rights)}"
            )
        return found


@dataclass(frozen=True, slots=True)
class Mark:
    """A person's identifier as it is kept: its entity and one keyed fingerprint."""

    entity: str
    fingerprint: str


class Identity(StrEnum):
    """How far a person has shown to be the one meant."""

    NOT_NEEDED = "not-needed"
    NOT_SHOWN = "not-shown"
    ASKED = "asked"
    SHOWN = "shown"


class RequestState(StrEnum):
    """Of a request."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for. The person is known by fingerprints alone; letters are kept where `reference` says."""

    id: str
    right: str
    channel: str
    origin: Origin
    received: date
    reference: str
    owner: str
    marks: tuple[Mark, ...]
    agent: str = EVERY
    """For an opt-out or a withdrawal."""
    purpose: str = EVERY
    """For an objection."""
    identity: Identity = Identity.NOT_SHOWN
    asked_on: date | None = None
    shown_on: date | None = None
    extended_on: date | None = None
    extended_for: str = ""
    fee: str = ""
    state: RequestState = RequestState.OPEN
    closed_on: date | None = None
    ground: str = ""
    reason: str = ""
    """Of a refusal or fee, in words; or where the answer is kept."""

    def __post_init__(self) -> None:
        for name in ("reference", "owner"):
            if not getattr(self, name).strip():
                raise NotAllowed(f"`{name}` is empty; write it")
        if not self.marks:
            raise NotAllowed("no identifier of the person was given; without one nothing can be found")
        if self.state is RequestState.REFUSED and not (self.ground and self.reason.strip()):
            raise NotAllowed("a refusal needs a ground and a reason (ACCESS-5)")

    @property
    def prints(self) -> tuple[str, ...]:
        """All fingerprints of the person."""
        return tuple(one.fingerprint for one in self.marks)


class TaskState(StrEnum):
    """Of a task."""

    OPEN = "open"
    DONE = "done"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Tell one agent that received a person's data of an erasure or rectification (ACCESS-2)."""

    id: str
    request: str
    agent: str
    due: date | None
    state: TaskState = TaskState.OPEN
    told_on: date | None = None
    closed_on: date | None = None
    proof: str = ""
    """Where the agent's acknowledgement is kept, or why none can be had."""

    def __post_init__(self) -> None:
        if self.state is not TaskState.OPEN and not self.proof.strip():
            raise NotAllowed("a task is closed with proof only (ACCESS-2)")


@dataclass(frozen=True, slots=True)
class RightsLaw:
    """The rules that requests run by."""

    file: RightsFile
    clocks: Mapping[str, Clock]
    rest: Rest

    def due(self, request: Request) -> date | None:
        """The last day for the answer; None while the clock stands still."""
        if request.identity is Identity.ASKED and self.file.pause.while_identity_is_asked_for:
            return None
        pause = 0
        if request.asked_on and request.shown_on and self.file.pause.while_identity_is_asked_for:
            pause = (request.shown_on - request.asked_on).days
        return first_to_run_out(
            self._clocks(request),
            request.received,
            self.rest,
            extended=request.extended_on is not None,
            pause_days=pause,
        )

    def ask_identity(self, request: Request, day: date) -> Request:
        """The request while it waits for the person to show who they are. Raises NotAllowed."""
        _check_open(request)
        if request.identity is not Identity.NOT_SHOWN:
            raise NotAllowed(f"identity is {request.identity} already")
        return replace(request, identity=Identity.ASKED, asked_on=_not_before(day, request.received))

    def identity_shown(self, request: Request, day: date) -> Request:
        """The request of somebody who has shown who they are. Raises NotAllowed."""
        _check_open(request)
        if request.identity in (Identity.NOT_NEEDED, Identity.SHOWN):
            raise NotAllowed(f"identity is {request.identity} already")
        day = _not_before(day, request.asked_on or request.received)
        return replace(request, identity=Identity.SHOWN, shown_on=day)

    def extend(self, request: Request, day: date, reason: str) -> Request:
        """The request with more time, of which the person has been told. Raises NotAllowed."""
        _check_open(request)
        due = self.due(request)
        if any(one.extension_months is None for one in self._clocks(request)):
            raise NotAllowed("the rules know no extension for this request")
        if request.extended_on is not None:
            raise NotAllowed("it was extended already; the law knows one extension")
        if due is not None and day > due:
            raise NotAllowed(f"an answer was due on {due}; it can no longer be extended")
        if not reason.strip():
            raise NotAllowed("an extension needs a reason, which the person is told")
        return replace(request, extended_on=day, extended_for=reason)

    def charge(self, request: Request, ground: str, reason: str, fee: str) -> Request:
        """The request with a fee. Raises NotAllowed."""
        _check_open(request)
        if not self._ground(request, ground).may_charge:
            raise NotAllowed(f"{ground!r} is no ground to charge for a request")
        if not (reason.strip() and fee.strip()):
            raise NotAllowed("a fee needs a reason and an amount (ACCESS-5)")
        return replace(request, ground=ground, reason=reason, fee=fee)

    def refuse(self, request: Request, day: date, ground: str, reason: str) -> Request:
        """The request after it was refused. Raises NotAllowed."""
        _check_open(request)
        self._ground(request, ground)
        return replace(request, state=RequestState.REFUSED, closed_on=day, ground=ground, reason=reason)

    def done(self, request: Request, day: date, reference: str) -> Request:
        """The request after it was answered; `reference` says where the answer is kept. Raises NotAllowed."""
        _check_open(request)
        if request.identity in (Identity.NOT_SHOWN, Identity.ASKED):
            raise NotAllowed(
                "the person has not shown who they are; somebody else's data might be handed out"
            )
        if not reference.strip():
            raise NotAllowed("say where the answer is kept")
        return replace(request, state=RequestState.DONE, closed_on=day, reason=reference)

    def _clocks(self, request: Request) -> tuple[Clock, ...]:
        known = self.file.right(request.right).clocks
        laws: tuple[Jurisdiction, ...] = ("CH",) if request.origin is Origin.CH else ("EU",)
        if request.origin is Origin.UNKNOWN:
            laws = ("EU", "CH")
        return tuple(self.clocks[known[law]] for law in laws)

    def _ground(self, request: Request, ground: str) -> Ground:
        fitting = [one for one in self.file.grounds if not one.rights or request.right in one.rights]
        found = next((one for one in fitting if one.id == ground), None)
        if found is None:
            raise NotAllowed(
                f"{ground!r} is no ground here; there are {', '.join(one.id for one in fitting)}"
            )
        return found


def _check_open(request: Request) -> None:
    if request.state is not RequestState.OPEN:
        raise NotAllowed(f"the request has ended: {request.state}")


def _not_before(day: date, first: date) -> date:
    if day < first:
        raise NotAllowed(f"{day} lies before {first}")
    return day
