"""Uninspected transfer: the one exception from inspection, by rule, for one agent, with reason, approver and expiry.

Rules kept here and nowhere else:
 * It lets pass only what would be held: the agent is registered, not suspended, and its assurance is complete that day.
 * It counts from its first day to its last, both included.
 * What can be inspected is never covered by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Literal

from gateway.core.decide import Decision, Facts, Matter, decide_matters
from gateway.core.model import Action, DataClass, Origin
from gateway.core.ruleset import RuleSet, Uninspected
from gateway.core.texts import because

Unopened = Literal["tls", "tcp"]


def decide_uninspected(facts: Facts, protocol: Unopened, rules: RuleSet) -> Decision | None:
    """The decision to let a connection pass unopened; None where no rule does, so that the common way is taken."""
    if facts.agent is None:
        return None
    entry = _entry(rules.uninspected, facts.agent.id, protocol, facts.day)
    decision = decide_matters(facts, [Matter(DataClass.UNREAD, Origin.UNKNOWN)], rules)
    if entry is None or decision.action is not Action.HOLD:
        return None
    said = (
        because(
            "uninspected",
            agent=facts.agent.name,
            day=entry.valid_until,
            approver=entry.approver,
            reference=entry.reference,
        ),
        *decision.because,
    )
    return replace(
        decision,
        action=Action.PASS,
        rule=f"uninspected/{protocol}",
        reason="uninspected",
        clauses=tuple(dict.fromkeys((*decision.clauses, "SCOPE-3"))),
        because=said,
        why=" ".join(rules.texts.say(one) for one in said),
    )


def _entry(entries: Iterable[Uninspected], agent: str, protocol: Unopened, day: date) -> Uninspected | None:
    return next(
        (
            one
            for one in entries
            if one.agent == agent and protocol in one.protocols and one.valid_from <= day <= one.valid_until
        ),
        None,
    )
