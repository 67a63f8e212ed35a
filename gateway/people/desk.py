"""Requests of data subjects, from intake to answer. Every step is an act on the ledger; no value is kept anywhere.

Rules kept here and nowhere else:
 * What limits transfers (opt-out, objection, withdrawal) is in the registers before the request is on record.
 * Agents are told of an erasure only after the person has shown who they are.
 * Such a request is done when every agent that received the data has a closed task, those of today included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from gateway.core.model import Origin
from gateway.core.review import NotAllowed
from gateway.core.rights import (
    AT_ONCE,
    EVERY,
    Identity,
    Mark,
    Request,
    RequestState,
    Right,
    Task,
    TaskState,
)
from gateway.core.ruleset import RuleSet
from gateway.core.texts import because
from gateway.keys import Key
from gateway.ledger.cases import Cases, Change, Kind, new_id
from gateway.people.marks import newest_of
from gateway.people.registering import Choice, keep
from gateway.people.search import Summary, Told, Transferred, bring_up, recipients, search, summary
from gateway.store.registers import Registers

REQUEST: Kind[Request] = Kind("request", TypeAdapter(Request))
TASK: Kind[Task] = Kind("task", TypeAdapter(Task), lambda task: task.request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A request as it comes in, by any channel (ACCESS-4)."""

    right: str
    channel: str
    origin: Origin
    received: date
    reference: str
    """Where the person's letter is kept; not its content."""
    marks: tuple[Mark, ...]
    agent: str = EVERY
    purpose: str = EVERY


@dataclass(frozen=True, slots=True)
class PeopleDesk:
    """One member of staff at work on requests."""

    cases: Cases
    rules: RuleSet
    key: Key
    registers: Path

    def receive(self, intake: Intake, today: date) -> Request:
        """Put a request on record; it has an id and a due date from then on (CHOICE-3). Raises NotAllowed."""
        right = self.rules.rights.right(intake.right)
        self._check(intake, right, today)
        at_once = right.effect in AT_ONCE
        request = Request(
            id=new_id("R"),
            right=right.id,
            channel=intake.channel,
            origin=intake.origin,
            received=intake.received,
            reference=intake.reference,
            owner=self.cases.by,
            marks=intake.marks,
            agent=intake.agent,
            purpose=intake.purpose,
            identity=Identity.NOT_NEEDED if right.identity == "not-needed" else Identity.NOT_SHOWN,
        )
        details: dict[str, Any] = {}
        if at_once:
            choice = self._choice(intake, right, today)
            # Before the record: after a fault in between, too little leaves and never too much.
            with closing(Registers(self.registers)) as registers:
                met = keep(registers, choice)
            told = f"in force with the intake; entries changed: {met}"
            request = replace(request, state=RequestState.DONE, closed_on=today, reason=told)
            details["choice"] = choice.as_details()
        with self.cases.changing() as change:
            return change.put("request-received", REQUEST, request, **details)

    def ask_identity(self, request_id: str, today: date) -> Request:
        """Note that the person was asked to show who they are; the clock stands still from now on."""
        return self._step("request-identity-asked", request_id, self._law.ask_identity, today)

    def identity_shown(self, request_id: str, today: date) -> Request:
        """Note that the person has; for an erasure or rectification each recipient gets a task."""
        request = self._step("request-identity-shown", request_id, self._law.identity_shown, today)
        if self._effect(request) == "tell-recipients":
            self.open_tasks(request.id)
        return request

    def extend(self, request_id: str, today: date, reason: str) -> Request:
        """Take the longer time that the law allows, of which the person was told with the reason."""
        return self._step("request-extended", request_id, self._law.extend, today, reason)

    def charge(self, request_id: str, ground: str, reason: str, fee: str) -> Request:
        """Ask a fee for it (ACCESS-5)."""
        return self._step("request-charged", request_id, self._law.charge, ground, reason, fee)

    def refuse(self, request_id: str, today: date, ground: str, reason: str) -> Request:
        """Refuse it, with ground and reason (ACCESS-5)."""
        return self._step("request-refused", request_id, self._law.refuse, today, ground, reason)

    def identify_again(self, request_id: str, marks: Sequence[Mark]) -> Request:
        """Take the person's identifiers anew: more of them, or the same under the newest key."""
        added = tuple(dict.fromkeys(marks))
        return self._step(
            "request-identifiers",
            request_id,
            lambda request: replace(request, marks=tuple(dict.fromkeys((*added, *request.marks)))),
        )

    def summary(self, request_id: str) -> Summary:
        """What went where of the person's data, as far as is indexed; the look is on record first (SEC-4).

        Raises:
            NotAllowed: the key was rotated since the identifiers were given.
        """
        request = self._looked_at(request_id)
        return summary(self.cases.place, request.marks, self.rules.rights.namesakes)

    def search(self, request_id: str, told: Told = lambda *_: None) -> list[Transferred]:
        """Every transfer of the person's data; the look is on record before it is shown (SEC-4).

        Raises:
            NotAllowed: the key was rotated since the identifiers were given.
        """
        request = self._looked_at(request_id)
        return search(self.cases.place, request.marks, self.rules.rights.namesakes, told)

    def open_tasks(self, request_id: str) -> list[Task]:
        """Open a task for each recipient that has none yet; those newly opened."""
        request = self.cases.find(REQUEST, request_id)
        if request.identity not in (Identity.SHOWN, Identity.NOT_NEEDED):
            raise NotAllowed("agents are told only after the person has shown who they are")
        newest_of(request.marks, self.key)
        # No recipient is left out because its record is not indexed yet.
        bring_up(self.cases.place)
        found = summary(self.cases.place, request.marks, self.rules.rights.namesakes)
        agents = recipients(one for one in found.flows if not one.namesake)
        with self.cases.changing() as change:
            known = {task.agent for task in change.all(TASK, parent=request_id)}
            return [self._open_task(change, request, agent) for agent in agents if agent not in known]

    def tasks(self, request_id: str | None = None) -> list[Task]:
        """Tasks of a request, or all open ones."""
        if request_id is not None:
            return self.cases.all(TASK, parent=request_id)
        return self.cases.all(TASK, state=TaskState.OPEN)

    def told(self, task_id: str, today: date) -> Task:
        """Note that the agent was told."""
        return self._task_step("task-told", task_id, told_on=today)

    def close_task(self, task_id: str, today: date, proof: str, *, impossible: bool = False) -> Task:
        """Close a task with proof: where the acknowledgement is kept, or why none can be had (ACCESS-2)."""
        state = TaskState.IMPOSSIBLE if impossible else TaskState.DONE
        return self._task_step("task-closed", task_id, state=state, closed_on=today, proof=proof)

    def done(self, request_id: str, today: date, reference: str) -> Request:
        """Close a request as answered. Raises NotAllowed while a recipient has not been told."""
        request = self.cases.find(REQUEST, request_id)
        if self._effect(request) == "tell-recipients" and request.state is RequestState.OPEN:
            self.open_tasks(request_id)
            waiting = [task.agent for task in self.tasks(request_id) if task.state is TaskState.OPEN]
            if waiting:
                raise NotAllowed(f"tasks are open for {', '.join(waiting)}; close each with proof first")
        return self._step("request-done", request_id, self._law.done, today, reference)

    def due(self, request: Request) -> date | None:
        """The last day for the answer; None while identity is asked for, or when it has ended."""
        return self._law.due(request) if request.state is RequestState.OPEN else None

    def appeal(self) -> str:
        """What somebody whose request was refused has to be told: where to turn (ACCESS-5)."""
        contact = self.rules.contact
        return self.rules.texts.say(
            because(
                "answer/appeal",
                company=contact.company,
                attention=contact.attention,
                address=contact.address,
                email=contact.email,
                phone=contact.phone,
            )
        )

    def _looked_at(self, request_id: str) -> Request:
        request = self.cases.find(REQUEST, request_id)
        newest_of(request.marks, self.key)
        with self.cases.changing() as change:
            change.act("request-searched", about=request_id)
        return request

    @property
    def _law(self) -> Any:
        return self.rules.rights_law

    def _effect(self, request: Request) -> str:
        return self.rules.rights.right(request.right).effect

    def _step(self, action: str, request_id: str, step: Callable[..., Request], *given: object) -> Request:
        with self.cases.changing() as change:
            return change.put(action, REQUEST, step(change.find(REQUEST, request_id), *given))

    def _task_step(self, action: str, task_id: str, **changes: Any) -> Task:
        with self.cases.changing() as change:
            task = change.find(TASK, task_id)
            if task.state is not TaskState.OPEN:
                raise NotAllowed(f"the task has ended: {task.state}")
            return change.put(action, TASK, replace(task, **changes))

    def _open_task(self, change: Change, request: Request, agent: str) -> Task:
        task = Task(id=new_id("T"), request=request.id, agent=agent, due=self.due(request))
        return change.put("task-opened", TASK, task)

    def _check(self, intake: Intake, right: Right, today: date) -> None:
        file = self.rules.rights
        if intake.channel not in file.channels:
            raise NotAllowed(f"{intake.channel!r} is no channel; there are {', '.join(file.channels)}")
        if intake.received > today:
            raise NotAllowed(f"received on {intake.received}, which lies in the future")
        if intake.agent != EVERY and intake.agent not in {agent.id for agent in self.rules.agents}:
            raise NotAllowed(f"{intake.agent!r} is no agent of the register")
        if intake.purpose != EVERY and intake.purpose not in self.rules.purpose_ids:
            raise NotAllowed(f"{intake.purpose!r} is no purpose; see policy/purposes.yaml")
        if intake.agent != EVERY and right.effect not in ("opt-out", "withdrawal"):
            raise NotAllowed(f"{right.id} concerns all agents; leave the agent out")
        if intake.purpose != EVERY and right.effect != "objection":
            raise NotAllowed(f"{right.id} concerns all purposes; leave the purpose out")
        newest_of(intake.marks, self.key)

    def _choice(self, intake: Intake, right: Right, today: date) -> Choice:
        if right.effect == "withdrawal":
            return Choice("withdrawal", intake.agent, today, tuple(one.fingerprint for one in intake.marks))
        newest = tuple(one.fingerprint for one in newest_of(intake.marks, self.key))
        if right.effect == "opt-out":
            return Choice("opt-out", intake.agent, today, newest)
        return Choice("objection", intake.purpose, today, newest)
