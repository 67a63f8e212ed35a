"""Off-line transfers: entered by staff, decided by the engine's rules, on the same ledger before anything is handed on.

Rules kept here and nowhere else:
 * Nothing is handed on before the command that entered it has said `pass`; that is on record by then.
 * Paper and disks cannot be edited: what would be anonymized becomes what the rules say of such formats.
 * A held one waits for review like any other; entered again in the same words after approval, it passes.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from gateway.core.agent import Agent
from gateway.core.chain import canonical
from gateway.core.decide import Decision, Facts, decide, without_editing
from gateway.core.errors import DeclinedError
from gateway.core.model import Action, Inspection, Message, Origin, Transfer
from gateway.core.offline import OfflineTransfer
from gateway.core.origin import nexus_of
from gateway.core.review import NotAllowed, Review, State
from gateway.core.ruleset import RuleSet
from gateway.core.source import Source, vouched_for
from gateway.engine import summarize
from gateway.keys import Key, body_digest
from gateway.ledger import LedgerReader, Outcome, Place, Record
from gateway.ledger.acting import new_act, writing
from gateway.ledger.append import append, open_intents
from gateway.review import rows
from gateway.review.vault import Vault
from gateway.store.registers import Registers

HOST = "offline"
Handed = Literal["sent", "not-released"]


@dataclass(frozen=True, slots=True)
class OfflineDesk:
    """One member of staff who enters off-line transfers."""

    place: Place
    rules: RuleSet
    key: Key
    vault: Vault
    registers: Path
    gateway: str
    by: str

    @property
    def name(self) -> str:
        """The gateway's name on these records: apart, so that its restart closes none of them."""
        return f"{self.gateway}/offline"

    def enter(self, entry: OfflineTransfer) -> Record:
        """Decide and record one transfer; it may be handed on only if the record says `pass`.

        Raises:
            NotAllowed: the entry does not fit the rules' lists; it is not on record then.
            OnwardError: it could not be decided or recorded.
        """
        now, rules = datetime.now(UTC), self.rules
        agent = next((one for one in rules.agents if one.id == entry.agent), None)
        source = self._source(entry)
        if entry.purpose not in rules.purpose_ids:
            raise NotAllowed(f"{entry.purpose!r} is no purpose; see policy/purposes.yaml")
        inspection = entry.inspection(rules.detection.category_of, rules.categories)
        transfer = self._transfer(entry, now)
        with closing(Registers(self.registers)) as registers:
            decision = self._decide(entry, agent, source, inspection, registers, now)
            if decision.grant:
                self._use_up(decision, transfer, registers)
        with writing(self.place) as connection:
            review_id = ""
            if decision.action is Action.HOLD:
                identity = self.vault.identity(transfer, inspection)
                found = [one.on(now) for one in rows.of_identity(connection, identity)]
                passing = next((one for one in found if one.lets_pass(now)), None)
                waiting = next((one for one in found if one.state in rows.WAITING), None)
                known = passing or waiting
                review_id = known.id if known is not None else transfer.id
                if passing is not None:
                    rows.use(connection, passing.id, now)
                    decision = _approved(decision)
            record = self._record(entry, transfer, decision, inspection, source, review_id)
            append(connection, [record])
            if review_id == transfer.id:
                eyes = rules.review.eyes(decision.classes)
                expires = now + timedelta(days=rules.review.hold_days)
                review = Review(transfer.id, decision.agent, State.OPEN, now, expires, eyes)
                rows.hold(connection, review, self.vault.identity(transfer, inspection), None)
        return record

    def handed(self, record_id: str, what: Handed) -> None:
        """Note that it was handed on, or was not after all. Raises NotAllowed or LedgerError."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with writing(self.place) as connection:
            if record_id not in open_intents(connection, self.name):
                raise NotAllowed(f"no off-line transfer waits to be handed on as {record_id!r}")
            outcome = Outcome(record_id, at, self.name, self.rules.digest, what)
            act = new_act(f"offline-{what}", self.by, self.name, self.rules.digest, about=record_id)
            append(connection, [outcome, act])

    def waiting(self) -> list[str]:
        """Ids of those that may be handed on and of which nobody has said that they were."""
        with closing(LedgerReader(self.place)) as reader, reader.connection() as connection:
            return list(open_intents(connection, self.name))

    def _source(self, entry: OfflineTransfer) -> Source | None:
        found = next((one for one in self.rules.sources if one.id == entry.source), None)
        if entry.source and found is None:
            raise NotAllowed(f"{entry.source!r} is no source; see rules/sources/")
        return found

    def _decide(
        self,
        entry: OfflineTransfer,
        agent: Agent | None,
        source: Source | None,
        inspection: Inspection,
        registers: Registers,
        now: datetime,
    ) -> Decision:
        day = now.date()
        declared = entry.declared()
        if source is not None and entry.origin is Origin.UNKNOWN:
            declared = vouched_for(source, day)
        prints = {one.fingerprint for marks in entry.marks for one in marks}
        facts = Facts(
            agent,
            day,
            entry.purpose,
            declared=declared,
            source=source,
            choices=registers.choices(prints, agent, entry.purpose, day),
            grants=registers.grants(agent.id, now) if agent else (),
            at=now,
        )
        decision = decide(facts, inspection, self.rules)
        if decision.action is Action.ANONYMIZE:
            return without_editing(decision, self.rules)
        return decision

    def _use_up(self, decision: Decision, transfer: Transfer, registers: Registers) -> None:
        grant = next(one for one in registers.grants() if one.id == decision.grant)
        rule = self.rules.exemptions[grant.exemption]
        if not registers.use(grant, rule, transfer.id, transfer.at):
            raise DeclinedError(f"the exemption {grant.id} was used by another transfer")

    def _transfer(self, entry: OfflineTransfer, now: datetime) -> Transfer:
        """The entry in the form that is held and known again: equal for the same words."""
        facts = asdict(entry)
        del facts["marks"]  # They count as findings.
        message = Message(entry.carrier.upper(), b"", (), canonical(facts).encode())
        act = new_act("offline", self.by, self.name, self.rules.digest)
        return Transfer(act.id, now, HOST, HOST, 0, message, source=f"staff:{self.by}")

    def _record(
        self,
        entry: OfflineTransfer,
        transfer: Transfer,
        decision: Decision,
        inspection: Inspection,
        source: Source | None,
        review_id: str,
    ) -> Record:
        found = tuple(
            replace(one, count=entry.people, fingerprints=tuple(filter(None, one.fingerprints)))
            for one in summarize(inspection.findings)
        )
        told = (f"source {source.id}",) if source else ()
        return Record(
            id=transfer.id,
            at=transfer.at.isoformat(timespec="milliseconds"),
            gateway=self.name,
            agent=decision.agent,
            host=HOST,
            port=0,
            method=transfer.message.method,
            action=decision.action,
            status=decision.status,
            reason=decision.reason,
            rule=decision.rule,
            why=decision.why,
            clauses=tuple(dict.fromkeys((*decision.clauses, "SCOPE-3"))),
            origins=decision.origins,
            classes=decision.classes,
            evidence=nexus_of(inspection.findings, self.rules).evidence,
            rules=self.rules.digest,
            source=transfer.source,
            bytes=0,
            body=body_digest(self.key, transfer.message.body),
            findings=found,
            unread=tuple(f"{one.address.rstrip(':')}: {one.reason}" for one in inspection.unread),
            purpose=entry.purpose,
            declared=tuple(sorted(entry.declared())),
            known=(*told, "entered by staff"),
            exemption=decision.grant,
            review=review_id,
        )


def _approved(decision: Decision) -> Decision:
    return replace(
        decision,
        action=Action.PASS,
        rule="review/approved",
        reason="approved",
        clauses=tuple(dict.fromkeys((*decision.clauses, "SEC-3"))),
        why=f"Reviewers approved this very transfer. It had been held: {decision.why}",
    )
