"""Decides with what people chose and what was exempted, looked up only where it can change what happens.

Rules kept here and nowhere else:
 * Refusals are looked up for every transfer; nothing else is where it passes with them, for it cannot do better.
 * Whatever is no pass may be opened by an exemption or by consents, which are looked up then. Nothing helps an agent
   that is suspended or unknown; no consent of others helps against a refusal that blocks.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.core.choice import NOBODY_CHOSE
from gateway.core.decide import HOPELESS, Decision, Facts, decide
from gateway.core.model import Action, Inspection
from gateway.core.ruleset import RuleSet
from gateway.store.registers import Registers


def decide_by_registers(
    facts: Facts, inspection: Inspection, rules: RuleSet, registers: Registers, at: datetime
) -> Decision:
    """What `decide` says once the registers have been asked. Raises RegisterError where they cannot be read."""
    if not inspection.findings:
        return decide(facts, inspection, rules)
    agent = facts.agent
    prints = {known for one in inspection.findings for known in (one.fingerprint, *one.older_fingerprints)}
    choices = registers.refusals(prints, agent, facts.purpose, facts.day)
    if choices is not NOBODY_CHOSE:
        facts = replace(facts, choices=choices)
    decision = decide(facts, inspection, rules)
    if decision.action is Action.PASS or decision.status in HOPELESS or agent is None:
        return decision
    grants = registers.grants(agent.id, at)
    if not grants and decision.action is Action.BLOCK and decision.reason == "opted-out":
        return decision
    consented = registers.consents(prints, agent, facts.purpose, facts.day)
    if not grants and not consented:
        return decision
    return decide(
        replace(facts, choices=replace(choices, consented=consented), grants=grants), inspection, rules
    )
