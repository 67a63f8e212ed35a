"""Complaints as staff works on them: intake, answer, referral, advice, end; each step is an act on the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date

from pydantic import TypeAdapter

from gateway.core.complaint import Complaint
from gateway.core.model import Origin
from gateway.core.review import NotAllowed
from gateway.core.ruleset import RuleSet
from gateway.ledger import LedgerReader
from gateway.ledger.cases import Cases, Kind, new_id

COMPLAINT: Kind[Complaint] = Kind("complaint", TypeAdapter(Complaint))


@dataclass(frozen=True, slots=True)
class ComplaintsDesk:
    """One member of staff at work on complaints."""

    cases: Cases
    rules: RuleSet

    def receive(
        self, channel: str, origin: Origin, received: date, reference: str, about: str, records: Sequence[str]
    ) -> Complaint:
        """Put a complaint on record, linked to the ledger entries it concerns (COMPL-1). Raises NotAllowed."""
        if channel not in self.rules.rights.channels:
            known = ", ".join(self.rules.rights.channels)
            raise NotAllowed(f"{channel!r} is no channel; there are {known}")
        self._check_records(records)
        complaint = Complaint(
            id=new_id("C"),
            channel=channel,
            origin=origin,
            received=received,
            reference=reference,
            owner=self.cases.by,
            about=about,
            records=tuple(records),
        )
        with self.cases.changing() as change:
            return change.put("complaint-received", COMPLAINT, complaint)

    def assign(self, complaint_id: str, owner: str) -> Complaint:
        """Give it to somebody else."""
        return self._step("complaint-assigned", complaint_id, lambda one: replace(one, owner=owner))

    def answer(self, complaint_id: str, day: date, outcome: str, remedy: str) -> Complaint:
        """Note the answer (COMPL-2)."""
        law = self.rules.complaints_law
        step = law.answer
        return self._step("complaint-answered", complaint_id, lambda one: step(one, day, outcome, remedy))

    def refer(self, complaint_id: str, day: date, path: str | None) -> Complaint:
        """Note that it went to the panel, or a Swiss one to its authority (COMPL-3)."""
        step = self.rules.complaints_law.refer
        return self._step("complaint-referred", complaint_id, lambda one: step(one, day, path))

    def advise(self, complaint_id: str, day: date) -> Complaint:
        """Note the authority's advice."""
        step = self.rules.complaints_law.advise
        return self._step("complaint-advised", complaint_id, lambda one: step(one, day))

    def close(self, complaint_id: str, day: date, outcome: str, remedy: str) -> Complaint:
        """Close it."""
        step = self.rules.complaints_law.close
        return self._step("complaint-closed", complaint_id, lambda one: step(one, day, outcome, remedy))

    def alarms(self, today: date) -> list[str]:
        """What is overdue among all complaints."""
        found = self.cases.all(COMPLAINT)
        return [alarm for one in found for alarm in self.rules.complaints_law.alarms(one, today)]

    def _step(self, action: str, complaint_id: str, step: Callable[[Complaint], Complaint]) -> Complaint:
        with self.cases.changing() as change:
            return change.put(action, COMPLAINT, step(change.find(COMPLAINT, complaint_id)))

    def _check_records(self, records: Sequence[str]) -> None:
        with closing(LedgerReader(self.cases.place)) as reader:
            for one in records:
                if reader.get(one) is None:
                    raise NotAllowed(f"no entry of the ledger has the id {one!r}")
