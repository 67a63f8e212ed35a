"""Replays recorded or captured transfers under other rules or on another day, and tells what comes out differently.

Rules kept here and nowhere else:
 * A record is decided anew from what it holds: kinds, categories and regions of findings, never values.
 * A refusal for the message, the protocol or a fault of the gateway stays what it is: no rule decided it.
 * A decision that rested on an opt-out, a consent or an exemption stays: who chose what is not replayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from gateway.core.decide import Facts, decide
from gateway.core.model import Evidence, Finding, Inspection, Unread
from gateway.core.ruleset import RuleSet
from gateway.core.shadow import shadowed
from gateway.core.source import Attribution
from gateway.rulebook import Snapshot

STAY = frozenset({"opted-out", "consent", "exemption"})
"""Reasons that rest on a register and are not decided anew."""
NOT_DECIDED = frozenset({"refusal", "failure"})
"""Rules of records that no judgement on the agent made."""


@dataclass(frozen=True, slots=True)
class Before:
    """One transfer as it was: where it went, what it held, and what was decided."""

    host: str
    port: int
    path: str
    day: date
    agent: str
    """Empty where nothing was decided yet, as in captured traffic."""
    action: str
    rule: str
    clauses: tuple[str, ...]
    inspection: Inspection
    known: Attribution
    stays: bool = False


@dataclass(frozen=True, slots=True)
class After:
    """What becomes of it."""

    agent: str
    action: str
    rule: str
    clauses: tuple[str, ...]
    why: str


@dataclass(slots=True)
class Outcome:
    """The whole of a replay, counted."""

    digest: str
    on: date | None
    total: int = 0
    stayed: int = 0
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Transfers by action before and after."""
    agents: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Changed ones by agent, action before and action after."""
    clauses: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Changed ones by clause that now leads there, action before and action after."""
    examples: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """One explanation for each kind of change by agent."""

    @property
    def changed(self) -> int:
        """Transfers that come out differently."""
        return sum(self.agents.values())


def replay(
    transfers: Iterable[Before], snapshot: Snapshot, on: date | None = None
) -> Iterator[tuple[Before, After]]:
    """Decide each transfer under the rules of `snapshot`, on its own day or on `on`."""
    memory: dict[object, After] = {}
    for one in transfers:
        yield one, _after(one, snapshot, on, memory)


def count(pairs: Iterable[tuple[Before, After]], outcome: Outcome) -> Iterator[int]:
    """Count pairs into `outcome`; yields the number done, for whoever shows progress."""
    for before, after in pairs:
        outcome.total += 1
        outcome.stayed += before.stays
        was = before.action or "new"
        outcome.actions[was, after.action] += 1
        if was != after.action:
            kind = (after.agent, was, after.action)
            outcome.agents[kind] += 1
            outcome.examples.setdefault(kind, after.why)
            for clause in after.clauses:
                outcome.clauses[clause, was, after.action] += 1
        yield outcome.total


def _after(one: Before, snapshot: Snapshot, on: date | None, memory: dict[object, After]) -> After:
    if one.stays:
        return After(one.agent, one.action, one.rule, one.clauses, "")
    day = on or one.day
    agent = snapshot.register.find(one.host, one.port, one.path)
    # Transfers are alike by the thousand: what decides is agent, day, kinds of findings, and what was known.
    key = (
        id(agent),
        day,
        one.inspection.findings,
        bool(one.inspection.unread),
        one.known.purpose,
        one.known.declared,
        one.known.source.id if one.known.source else "",
    )
    known = memory.get(key)
    if known is None:
        facts = Facts(agent, day, one.known.purpose, declared=one.known.declared, source=one.known.source)
        decision = shadowed(decide(facts, one.inspection, snapshot.rules), day, snapshot.rules)
        known = After(
            decision.agent, decision.would or decision.action, decision.rule, decision.clauses, decision.why
        )
        if len(memory) < 100_000:
            memory[key] = known
    return known


class Records:
    """Ledger records as transfers, as the rules of `snapshot` know agents and sources."""

    def __init__(self, snapshot: Snapshot) -> None:
        # The path is not recorded: an agent that has one of its own is looked up by its id.
        self._paths = {
            agent.id: next((match.path for match in agent.match if match.path != "/"), "/")
            for agent in snapshot.rules.agents
        }
        self._sources = {source.id: source for source in snapshot.rules.sources}

    def read(self, record: Mapping[str, Any]) -> Before:
        """One record as `LedgerReader` gives it."""
        told = dict(one.split(" ", 1) for one in record.get("known", ()) if " " in one)
        source = self._sources.get(told.get("dataset") or told.get("source", ""))
        unread = tuple(Unread("body:", "unread") for _ in record["unread"][:1])
        return Before(
            host=record["host"],
            port=record["port"],
            path=self._paths.get(record["agent"], "/"),
            day=date.fromisoformat(record["at"][:10]),
            agent=record["agent"],
            action=record.get("would") or record["action"],
            rule=record["rule"],
            clauses=tuple(record["clauses"]),
            inspection=Inspection(tuple(_findings_of(record)), unread, segments=0, characters=0),
            known=Attribution(
                source, frozenset(record.get("declared", ("EU", "CH"))), record.get("purpose"), ()
            ),
            stays=record["rule"] in NOT_DECIDED or record["reason"] in STAY,
        )


def _findings_of(record: Mapping[str, Any]) -> Iterator[Finding]:
    """One finding for each kind in the record; of a region held both as hint and as proof the hint counts."""
    strength: dict[tuple[str, str], Evidence] = {}
    for told in record["evidence"]:
        entity, _, said = told.partition(": ")
        region, _, evidence = said.partition(" (")
        if evidence:
            key, new = (entity, region), Evidence(evidence.rstrip(")"))
            # A mere hint at a place outside takes nobody out of scope, so of both the hint counts.
            strength[key] = Evidence.HINT if key in strength else new
    for one in record["findings"]:
        region = one["region"]
        evidence = strength.get((one["entity"], region), Evidence.NONE) if region else Evidence.NONE
        yield Finding(one["place"], 0, 1, one["entity"], 1.0, one["category"], region, evidence)


def ending(rules: RuleSet, instrument: str, day: date) -> RuleSet:
    """The rules as if an instrument could not be relied on from `day` on. Raises KeyError for an unknown one."""
    known = rules.instruments[instrument]
    last = max(day - timedelta(days=1), known.valid_from)
    ended = replace(known, valid_until=last, invalid_from=last + timedelta(days=1))
    return replace(rules, instruments={**rules.instruments, instrument: ended}, memory={})
