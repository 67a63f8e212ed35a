"""Runs one transfer through the five verbs: decode and detect in a worker, decide here, transform, record.

`examine` returns only when the decision is durably on record; nothing is released otherwise. Whatever fails becomes a
refusal with a reason of its own (`core.refusals`), and that refusal is on record too.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.core.agent import Agent
from gateway.core.decide import UNREGISTERED, Decision, Facts, decide, without_editing
from gateway.core.errors import DeclinedError, InspectionError, LedgerError, SpliceError
from gateway.core.model import (
    USER,
    Action,
    Finding,
    Inspection,
    Message,
    Refuse,
    Release,
    Replace,
    Transfer,
    Unread,
    Verdict,
)
from gateway.core.origin import nexus_of
from gateway.core.refusals import refusal
from gateway.core.ruleset import Contact
from gateway.core.shadow import shadowed
from gateway.core.source import UNATTRIBUTED, Attribution
from gateway.core.uninspected import Unopened, decide_uninspected
from gateway.inspection import Anonymize, Anonymized, Inspect
from gateway.keys import Key, body_digest, fingerprint
from gateway.ledger import FindingSummary, Outcome, Record, Recorder
from gateway.lookup import decide_by_registers
from gateway.metrics import Metrics
from gateway.review.desk import Also, Desk
from gateway.rulebook import Snapshot
from gateway.store.registers import Registers
from gateway.workers import WorkerPool

log = logging.getLogger(__name__)

UNEDITABLE = "splice"
"""Why a worker could not make the edits: the rules then say what becomes of the transfer."""
ROUNDS = 3
"""How often a message is anonymized and scanned again before it counts as impossible to anonymize."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is to be recorded and done."""

    decision: Decision
    inspection: Inspection
    message: Message | None = None
    """The anonymized message, for the action anonymize."""
    known: Attribution = UNATTRIBUTED
    review: str = ""
    """The review that a held transfer waits for, or by whose approval it passes."""
    left: Inspection | None = None
    """What an anonymized message still holds."""
    also: Also | None = None
    """What goes into the transaction of the record: a review begins, an approval is used."""


class Engine:
    """Examines transfers. One per process; safe for any number of transfers at once in one event loop."""

    def __init__(
        self,
        snapshot: Snapshot,
        pool: WorkerPool,
        ledger: Recorder,
        metrics: Metrics,
        key: Key,
        desk: Desk,
        *,
        gateway_id: str,
        time_limit_s: float,
        cache_entries: int,
        registers: Registers | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._snapshot = snapshot
        self._pool = pool
        self._ledger = ledger
        self._metrics = metrics
        self._key = key
        self._registers = registers
        self._desk = desk
        self._gateway_id = gateway_id
        self._time_limit_s = time_limit_s
        self._cache = _InspectionCache(cache_entries)
        self._now = now

    def adopt(self, snapshot: Snapshot) -> None:
        """Decide by `snapshot` from the next transfer on. What was found under the old rules is forgotten."""
        self._cache.clear()
        self._snapshot = snapshot

    def adopt_key(self, key: Key) -> None:
        """Make fingerprints with the newest version of `key` from the next transfer on."""
        self._cache.clear()
        self._key = key

    @property
    def contact(self) -> Contact:
        """Whom a refused client may turn to, by the rules in force."""
        return self._snapshot.rules.contact

    def new_id(self) -> str:
        """A decision id: 48 bits of time, then 64 random ones, so that ids sort by time and cannot be guessed."""
        return f"{int(self._now().timestamp() * 1000):012x}-{secrets.token_hex(8)}"

    async def examine(self, transfer: Transfer) -> Verdict:
        """Decide one transfer and record the decision; only then return what may go out."""
        snapshot = self._snapshot
        agent: Agent | None = None
        started = time.monotonic()
        try:
            with _failing_as("decision-error"):
                agent = snapshot.register.find(transfer.host, transfer.port, transfer.path)
            outcome = await self._weigh(transfer, agent, snapshot, deadline=started + self._time_limit_s)
        except InspectionError as error:
            return await self._refuse(transfer, error.reason, agent, snapshot)
        finally:
            self._metrics.inspected(time.monotonic() - started, len(transfer.message.body))
        kept = await self._keep_or_hold(transfer, outcome, snapshot)
        if kept is None:
            return self._unrecorded(transfer, outcome.decision.agent)
        decision = kept.decision
        match decision.action:
            case Action.PASS:
                return Release(transfer.id)
            case Action.ANONYMIZE if kept.message is not None:
                return Replace(transfer.id, kept.message)
        return Refuse(
            transfer.id,
            decision.action,
            decision.reason,
            decision.why,
            decision.clauses,
            decision.agent,
            review=kept.review,
        )

    def may_pass_unopened(self, host: str, port: int, protocol: Unopened) -> bool:
        """Whether a rule lets connections to `host:port` pass without a look into them, now."""
        return self._unopened(host, port, protocol, self._now(), self._snapshot) is not None

    async def examine_unopened(self, transfer: Transfer, protocol: Unopened) -> Release | Refuse:
        """Put a connection on record that a rule lets pass uninspected; a refusal where none does, or no record."""
        snapshot = self._snapshot
        decision = self._unopened(transfer.host, transfer.port, protocol, transfer.at, snapshot)
        if decision is None:
            return await self.refuse(transfer, "protocol")
        nothing = Inspection((), (Unread("connection", "unopened"),), segments=0, characters=0)
        if not await self._keep(transfer, _Outcome(decision, nothing), snapshot):
            return self._unrecorded(transfer, decision.agent)
        return Release(transfer.id)

    def _unopened(
        self, host: str, port: int, protocol: Unopened, at: datetime, snapshot: Snapshot
    ) -> Decision | None:
        owner = snapshot.register.owner(host, port)
        return decide_uninspected(Facts(owner, at.date()), protocol, snapshot.rules)

    async def refuse(self, transfer: Transfer, reason: str) -> Refuse:
        """Record a refusal that the front itself had to make. `reason` is one of `core.refusals.REFUSALS`."""
        snapshot = self._snapshot
        agent = snapshot.register.find(transfer.host, transfer.port, transfer.path)
        return await self._refuse(transfer, reason, agent, snapshot)

    def settled(self, decision_id: str, outcome: str) -> None:
        """Note what became of a release. Waits for nothing; what is no open release is left out."""
        at = self._now().isoformat(timespec="milliseconds")
        rules = self._snapshot.rules.digest
        self._ledger.note(Outcome(decision_id, at, self._gateway_id, rules, outcome))

    async def _weigh(
        self, transfer: Transfer, agent: Agent | None, snapshot: Snapshot, *, deadline: float
    ) -> _Outcome:
        with _failing_as("decision-error"):
            user = transfer.source.removeprefix(USER) if transfer.source.startswith(USER) else ""
            known = snapshot.sources.attribute(transfer.client, user, transfer.said, transfer.at.date())
        more = snapshot.rules.detection.agents_allowed_more
        listed = agent.id if agent is not None and agent.id in more else ""
        inspection = await self._inspect(transfer.message, listed, snapshot, deadline)
        inspection = self._desk.without_false_positives(inspection, transfer.at)
        decision = self._decide(transfer, agent, known, inspection, snapshot)
        if decision.grant:
            self._use_up(decision.grant, transfer, snapshot)
        if decision.action is not Action.ANONYMIZE:
            return _Outcome(decision, inspection, known=known)
        message, remove = transfer.message, decision.remove
        for _ in range(ROUNDS):
            try:
                with _failing_as("inspection-error"):
                    answer = await self._ask(Anonymize(message, remove, listed), len(message.body), deadline)
            except InspectionError as error:
                if error.reason != UNEDITABLE:
                    raise
                return _Outcome(without_editing(decision, snapshot.rules), inspection, known=known)
            assert isinstance(answer, Anonymized)
            left = self._desk.without_false_positives(answer.inspection, transfer.at)
            again = self._decide(transfer, agent, known, left, snapshot)
            if again.action is Action.PASS and not again.grant:
                return _Outcome(decision, inspection, answer.message, known, left=left)
            if again.action is not Action.ANONYMIZE:
                break
            message, remove = answer.message, again.remove
        raise InspectionError("still-personal", "personal data was found after removal")

    def _decide(
        self,
        transfer: Transfer,
        agent: Agent | None,
        known: Attribution,
        inspection: Inspection,
        snapshot: Snapshot,
    ) -> Decision:
        """Look up what people chose and what was exempted, and decide."""
        with _failing_as("decision-error"):
            day = transfer.at.date()
            facts = Facts(
                agent, day, known.purpose, declared=known.declared, source=known.source, at=transfer.at
            )
            if self._registers is None:
                decision = decide(facts, inspection, snapshot.rules)
            else:
                decision = decide_by_registers(
                    facts, inspection, snapshot.rules, self._registers, transfer.at
                )
            return shadowed(decision, day, snapshot.rules)

    def _use_up(self, grant_id: str, transfer: Transfer, snapshot: Snapshot) -> None:
        """Raises InspectionError where the exemption has been used meanwhile."""
        with _failing_as("decision-error"):
            assert self._registers is not None
            grant = next(one for one in self._registers.grants() if one.id == grant_id)
            rule = snapshot.rules.exemptions[grant.exemption]
            used = self._registers.use(grant, rule, transfer.id, transfer.at)
        if not used:
            raise InspectionError("exemption-used", "another transfer was quicker")

    async def _keep_or_hold(
        self, transfer: Transfer, outcome: _Outcome, snapshot: Snapshot
    ) -> _Outcome | None:
        """Put the decision on record, a hold with its review; None where that failed and nothing may be released."""
        for _ in range(ROUNDS):
            try:
                reviewed = await self._reviewed(transfer, outcome, snapshot)
                return reviewed if await self._keep(transfer, reviewed, snapshot) else None
            except DeclinedError:
                continue  # The approval was used, or a review begun, by the same transfer at the same time.
            except LedgerError as error:
                log.error("reviews could not be read: %s", type(error).__name__)
                return None
        return None

    async def _reviewed(self, transfer: Transfer, outcome: _Outcome, snapshot: Snapshot) -> _Outcome:
        """A hold as it stands with its review: approved and passing, waiting, or to be begun."""
        decision = outcome.decision
        if decision.action is not Action.HOLD:
            return outcome
        now = self._now()
        identity = self._desk.identity(transfer, outcome.inspection)
        review = await self._desk.find(identity, now)
        if review is None:
            rules = snapshot.rules.review
            eyes = rules.eyes(decision.classes)
            also = self._desk.holding(transfer, identity, decision.agent, eyes, rules)
            return replace(outcome, review=transfer.id, also=also)
        if not review.lets_pass(now):
            return replace(outcome, review=review.id)
        passing = replace(
            decision,
            action=Action.PASS,
            rule="review/approved",
            reason="approved",
            clauses=tuple(dict.fromkeys((*decision.clauses, "SEC-3"))),
            why=f"Reviewers approved this very transfer. It had been held: {decision.why}",
        )
        return replace(outcome, decision=passing, review=review.id, also=self._desk.using(review, now))

    async def _inspect(
        self, message: Message, listed: str, snapshot: Snapshot, deadline: float
    ) -> Inspection:
        """What a message holds; `listed` is the agent's id where the allow list says more for it."""
        key = self._cache.key(message, f"{snapshot.rules.digest}{listed}")
        known = self._cache.get(key)
        if known is not None:
            return known
        with _failing_as("inspection-error"):
            inspection = await self._ask(Inspect(message, listed), len(message.body), deadline)
        assert isinstance(inspection, Inspection)
        self._cache.put(key, inspection)
        return inspection

    async def _ask(self, request: object, size_bytes: int, deadline: float) -> object:
        return await self._pool.run(
            request, size_bytes=size_bytes, time_limit_s=max(deadline - time.monotonic(), 0.0)
        )

    async def _refuse(
        self, transfer: Transfer, reason: str, agent: Agent | None, snapshot: Snapshot
    ) -> Refuse:
        fault = refusal(reason)
        decision = Decision(
            action=Action.BLOCK,
            status="none" if agent else "unknown_agent",
            rule="failure" if fault.internal else "refusal",
            reason=reason,
            clauses=fault.clauses,
            why=fault.why,
            agent=agent.id if agent else UNREGISTERED,
            origins=(),
            classes=(),
        )
        nothing = Inspection((), (), segments=0, characters=0)
        if fault.internal:
            self._metrics.failed(reason)
        if not await self._keep(transfer, _Outcome(decision, nothing), snapshot):
            return self._unrecorded(transfer, decision.agent)
        return Refuse(transfer.id, Action.BLOCK, reason, fault.why, fault.clauses, decision.agent)

    async def _keep(self, transfer: Transfer, outcome: _Outcome, snapshot: Snapshot) -> bool:
        """Put the decision on record; False where that failed and nothing may be released."""
        started = time.monotonic()
        try:
            record = self._record(transfer, outcome, snapshot)
            seq = await self._ledger.append(record, outcome.also)
        except DeclinedError:
            raise
        except asyncio.CancelledError:
            self.settled(transfer.id, "not-released")
            raise
        except Exception as error:  # noqa: BLE001 - a border: without a record there is no release
            # After a time limit, or a commit that was not answered, the record may be there all the same.
            self.settled(transfer.id, "not-released")
            log.error("a decision could not be recorded: %s", type(error).__name__)
            return False
        self._metrics.recorded(time.monotonic() - started, seq)
        self._count(record)
        return True

    def _unrecorded(self, transfer: Transfer, agent: str) -> Refuse:
        fault = refusal("ledger-unavailable")
        self._metrics.failed("ledger-unavailable")
        return Refuse(
            transfer.id, Action.BLOCK, "ledger-unavailable", fault.why, fault.clauses, agent, recorded=False
        )

    def _record(self, transfer: Transfer, outcome: _Outcome, snapshot: Snapshot) -> Record:
        decision, inspection = outcome.decision, outcome.inspection
        return Record(
            id=transfer.id,
            at=transfer.at.isoformat(timespec="milliseconds"),
            gateway=self._gateway_id,
            agent=decision.agent,
            host=transfer.host,
            port=transfer.port,
            method=transfer.message.method,
            action=decision.action,
            status=decision.status,
            reason=decision.reason,
            rule=decision.rule,
            why=decision.why,
            clauses=decision.clauses,
            origins=decision.origins,
            classes=decision.classes,
            evidence=nexus_of(inspection.findings, snapshot.rules).evidence,
            rules=snapshot.rules.digest,
            source=self._source(transfer.source),
            bytes=len(transfer.message.body),
            body=body_digest(self._key, transfer.message.body),
            findings=summarize(inspection.findings),
            unread=tuple(sorted({f"{carrier_of(one.address)}: {one.reason}" for one in inspection.unread})),
            purpose=outcome.known.purpose if outcome.known.purpose in snapshot.rules.purpose_ids else None,
            declared=tuple(sorted(outcome.known.declared)),
            known=outcome.known.told,
            exemption=decision.grant,
            would=decision.would,
            review=outcome.review,
            left=tuple(sorted({one.fingerprint for one in outcome.left.findings})) if outcome.left else (),
        )

    def _source(self, source: str) -> str:
        """Log-in names may be those of employees: they are kept as keyed fingerprints, like any other value."""
        name = source.removeprefix(USER)
        return source if name == source else f"{USER}{fingerprint(self._key, 'PROXY_USER', name)}"

    def _count(self, record: Record) -> None:
        self._metrics.transfer(
            agent=record.agent,
            status=record.status,
            action=record.action,
            reason=record.reason,
            origin="+".join(record.origins) or "none",
            clauses=record.clauses,
            categories={one.category for one in record.findings},
        )
        if record.would:
            self._metrics.shadow(record.agent, record.would)
        for one in record.findings:
            self._metrics.finding(one.entity, one.region, one.count)
        for part in record.unread:
            self._metrics.unread(part.rpartition(": ")[2])


def summarize(findings: Iterable[Finding]) -> tuple[FindingSummary, ...]:
    """Findings by kind and carrier, sorted; what the ledger keeps of them."""
    grouped: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for one in findings:
        grouped[one.entity, one.category, one.region or "", carrier_of(one.address)].append(one.fingerprint)
    return tuple(
        FindingSummary(entity, category, region or None, place, len(prints), tuple(sorted(set(prints))))
        for (entity, category, region, place), prints in sorted(grouped.items())
    )


def carrier_of(address: str) -> str:
    """The part of an address that no sender can fill with a value: `body.json` of `body.json:/users/anna`."""
    return address.partition(":")[0]


@contextmanager
def _failing_as(reason: str) -> Iterator[None]:
    """Turn whatever goes wrong in one stage into a refusal with a reason of its own. A border: it fails closed."""
    try:
        yield
    except (InspectionError, LedgerError):
        raise
    except SpliceError as error:
        raise InspectionError(UNEDITABLE, str(error)) from error
    except Exception as error:
        raise InspectionError(reason, type(error).__name__) from error


class _InspectionCache:
    """Inspections by keyed hash of their message: what is resent unchanged is not inspected again."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._known: OrderedDict[bytes, Inspection] = OrderedDict()
        # A key of this process alone: the cache is of no use to whoever copies its memory elsewhere.
        self._secret = secrets.token_bytes(32)

    def key(self, message: Message, rules: str) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        parts = (rules.encode(), message.method.encode(), message.target, message.body, message.before)
        for part in (*parts, *(piece for header in message.headers for piece in header)):
            digest.update(len(part).to_bytes(8) + part)
        return digest.digest()

    def get(self, key: bytes) -> Inspection | None:
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
        return known

    def put(self, key: bytes, inspection: Inspection) -> None:
        self._known[key] = inspection
        while len(self._known) > self._entries:
            self._known.popitem(last=False)

    def clear(self) -> None:
        self._known.clear()
