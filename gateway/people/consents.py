"""Consents of one person as staff enters them: for one agent and purpose, in every country it processes data in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from gateway.choicefiles import CONSENT
from gateway.core.review import NotAllowed
from gateway.core.rights import Mark
from gateway.core.ruleset import RuleSet
from gateway.store.registers import Consent


def consents_for(
    marks: Iterable[Mark],
    agent_id: str,
    purpose: str,
    wording: str,
    given_on: date,
    rules: RuleSet,
    today: date,
) -> list[Consent]:
    """The entries for the register. Raises NotAllowed for what the rules do not know or a day to come."""
    agent = next((one for one in rules.agents if one.id == agent_id), None)
    if agent is None:
        raise NotAllowed(f"{agent_id!r} is no agent of the register")
    if purpose not in rules.purpose_ids:
        raise NotAllowed(f"{purpose!r} is no purpose; see policy/purposes.yaml")
    if not wording.strip():
        raise NotAllowed("name the version of the text that the person was shown")
    if given_on > today:
        raise NotAllowed(f"given on {given_on}, which lies in the future")
    ends = given_on + timedelta(days=rules.exemptions[CONSENT].max_days or 0)
    countries = dict.fromkeys((agent.entity.country, *agent.processing_countries))
    return [
        Consent(mark.fingerprint, agent.id, country, purpose, wording, given_on, ends)
        for mark in marks
        for country in countries
    ]
