"""An agent's standing for data of one origin on one day, computed and never stored.

Rules kept here and nowhere else:
 * An instrument or entry counts from its first to its last day, both included.
 * An entry nobody checked is a claim, whatever it says (ONWARD-4).
 * Of several entries the best one counts; a suspension beats them all, and so does a failed impact assessment.
 * From the day after its review was due, a complete standing is worth what `review_overdue_becomes` says (ONWARD-3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gateway.core.agent import Agent, Assurance
from gateway.core.law import Adequacy, Instrument, Jurisdiction, Status
from gateway.core.ruleset import RuleSet

COMPLETE: frozenset[Status] = frozenset({"intra_eea", "adequate", "certified", "contract_complete"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What an agent's assurance amounts to, on what ground, and until when without a new fact."""

    status: Status
    reasons: tuple[str, ...]
    instrument: str | None = None
    last_day: date | None = None
    """Last day of this status as far as the facts on file tell; None where nothing ends it."""

    @property
    def complete(self) -> bool:
        """Whether personal data may reach the agent at all under this standing."""
        return self.status in COMPLETE


def standing_on(
    agent: Agent | None, origin: Jurisdiction, day: date, rules: RuleSet, *, hr: bool = False
) -> Standing:
    """The agent's standing on `day` for data of `origin`; `hr` says the data is about employees.

    Source: privacy policy, onward transfer (ONWARD-3, ONWARD-4, ASSUR-1 to ASSUR-4); GDPR Arts. 44 to 46;
    FADP Art. 16.
    """
    if agent is None:
        return Standing("unknown_agent", ("The destination is not in the agent register.",))
    if agent.suspended is not None and agent.suspended.since <= day:
        return Standing("suspended", (f"Suspended since {agent.suspended.since}.",))
    if any(_tia_failed(entry, day, rules) for entry in agent.assurances):
        return Standing("suspended", ("An impact assessment found the measures insufficient.",))
    found = [_standing_of(entry, agent, origin, day, rules, hr=hr) for entry in agent.assurances]
    best = _best(found, origin, rules) or Standing("none", ("No assurance is on record.",))
    return _after_review(best, agent, day, rules)


def _best(found: Iterable[Standing], origin: Jurisdiction, rules: RuleSet) -> Standing | None:
    """The best standing; among equals one meant for this origin, then the one that lasts longest."""
    rank = {rule.status: place for place, rule in enumerate(rules.decision.statuses)}

    def order(one: Standing) -> tuple[int, bool, int]:
        meant = one.instrument is not None and origin in rules.instruments[one.instrument].origins
        return rank[one.status], not meant, -(one.last_day or date.max).toordinal()

    return min(found, key=order, default=None)


def _after_review(standing: Standing, agent: Agent, day: date, rules: RuleSet) -> Standing:
    if not standing.complete:
        return standing
    if day > agent.review_due:
        overdue = f"The review of the agent was due on {agent.review_due}."
        return Standing(
            rules.decision.review_overdue_becomes, (*standing.reasons, overdue), standing.instrument
        )
    return replace(standing, last_day=_earliest(standing.last_day, agent.review_due))


def _standing_of(
    entry: Assurance, agent: Agent, origin: Jurisdiction, day: date, rules: RuleSet, *, hr: bool
) -> Standing:
    """The standing one entry gives by itself, judged from the outermost condition inwards."""
    instrument = _in_force(rules.instruments[entry.instrument], day, rules)

    def because(status: Status, *reasons: str, last_day: date | None = None) -> Standing:
        return Standing(status, reasons, instrument.id, last_day)

    name = instrument.name
    if day < instrument.valid_from or day < entry.valid_from:
        return because(
            "none", f"{name} does not count before {max(instrument.valid_from, entry.valid_from)}."
        )
    if instrument.valid_until is not None and day > instrument.valid_until:
        return because("invalid_framework", f"{name} could be relied on until {instrument.valid_until} only.")
    if not instrument.is_transfer_tool:
        return because("none", f"{name} is no ground for a transfer to a third country.")
    if instrument.new_contracts_until is not None and entry.valid_from > instrument.new_contracts_until:
        return because(
            "invalid_framework", f"{name} could not be signed after {instrument.new_contracts_until}."
        )
    if entry.evidence is None or entry.evidence.checked_on > day:
        return because("claimed", f"{name} is claimed; nobody had checked it by {day}.")
    end = _end_of(entry, instrument)
    if end is not None and day > end:
        return because("lapsed", f"{name} ran out on {end}.")
    if instrument.needs_listing and entry.list_status in instrument.inactive_statuses:
        return because("lapsed", f"The list shows {entry.list_status} for {name}.")
    # After the time: what has run out does not become better by never having covered this.
    outside = _out_of_scope(instrument, entry, agent, origin, day, rules, hr=hr)
    if outside is not None:
        return because("out_of_scope", outside)
    if (
        entry.tia is not None
        and entry.tia.outcome in rules.tia.failed_outcomes
        and entry.tia.assessed_on <= day
    ):
        return because(
            "suspended", f"The impact assessment of {entry.tia.assessed_on} found the measures insufficient."
        )
    missing = _missing(instrument, entry, agent, day, rules)
    if missing:
        return because("contract_incomplete", *missing)
    last_day = _last_day(instrument, entry, agent, origin, day, rules)
    return because(instrument.grants, f"{name} is on file and complete.", last_day=last_day)


def _in_force(instrument: Instrument, day: date, rules: RuleSet) -> Instrument:
    """The instrument a reference is read as on `day`: its successor once it has been superseded."""
    while (
        instrument.superseded_by is not None
        and instrument.valid_until is not None
        and day > instrument.valid_until
    ):
        instrument = rules.instruments[instrument.superseded_by]
    return instrument


def _out_of_scope(
    instrument: Instrument,
    entry: Assurance,
    agent: Agent,
    origin: Jurisdiction,
    day: date,
    rules: RuleSet,
    *,
    hr: bool,
) -> str | None:
    """Why a valid instrument does not reach this origin, entity, place or kind of data; None if it does."""
    if origin not in instrument.origins:
        return f"{instrument.name} does not cover data of origin {origin}."
    if instrument.destinations and agent.entity.country not in instrument.destinations:
        return f"{instrument.name} covers recipients in {', '.join(instrument.destinations)} only."
    if entry.entity is not None and entry.entity.casefold() != agent.entity.name.casefold():
        return f"{instrument.name} is held by another legal entity than the one that receives the data."
    if instrument.needs_listing and hr and instrument.hr_must_be_named and "hr" not in entry.covers:
        return f"The entry under {instrument.name} does not name data of employees."
    if instrument.needs_listing and not hr and "non_hr" not in entry.covers:
        return f"The entry under {instrument.name} covers data of employees only."
    if instrument.needs_eea_location:
        outside = [c for c in (agent.entity.country, *agent.processing_countries) if c not in rules.eea]
        if outside:
            return f"{instrument.name} needs every place of processing in the EEA; {outside[0]} is not."
    if instrument.needs_adequacy:
        return _not_adequate(entry, agent, origin, day, rules)
    return None


def _not_adequate(
    entry: Assurance, agent: Agent, origin: Jurisdiction, day: date, rules: RuleSet
) -> str | None:
    """Why the agent's own law or a place of processing is not adequate; the EEA needs no finding for EU data."""
    for country in dict.fromkeys((agent.entity.country, *agent.processing_countries)):
        if origin == "EU" and country in rules.eea and country != agent.entity.country:
            continue
        finding = _finding_for(country, origin, day, rules)
        if finding is None:
            return f"{country} is not found adequate for data of origin {origin} on {day}."
        if finding.scope_test != "none" and finding.scope_test not in entry.shown:
            return (
                f"{finding.name} is adequate for {finding.scope} only; `{finding.scope_test}` is not shown."
            )
    return None


def _finding_for(country: str, origin: Jurisdiction, day: date, rules: RuleSet) -> Adequacy | None:
    for finding in rules.adequacy:
        in_force = finding.valid_from <= day and (finding.valid_until is None or day <= finding.valid_until)
        if finding.country == country and origin in finding.origins and in_force:
            return finding
    return None


def _missing(instrument: Instrument, entry: Assurance, agent: Agent, day: date, rules: RuleSet) -> list[str]:
    """What a valid instrument still lacks, one sentence each; empty when it is complete."""
    missing = [
        f"Not on file: {item.text}."
        for item in instrument.must_show
        if item.key not in entry.shown
        and (not item.only_for_roles or agent.role in item.only_for_roles)
        and (not item.only_for_modules or entry.module in item.only_for_modules)
    ]
    if instrument.modules:
        wanted = _module_for(instrument, agent, rules)
        if entry.module is None or entry.module not in wanted:
            missing.append(
                f"Module {entry.module or '(none)'} does not match the roles: exporter {rules.decision.company_role}, "
                f"importer {agent.role}."
            )
    if instrument.needs_tia:
        missing += _missing_tia(entry, day, rules)
    if instrument.only_with and not (instrument.alone_until is not None and day <= instrument.alone_until):
        # Beside one of them it adds nothing: that entry then gives the standing.
        missing.append(f"By itself it no longer counts; it needs one of: {', '.join(instrument.only_with)}.")
    return missing


def _module_for(instrument: Instrument, agent: Agent, rules: RuleSet) -> set[int]:
    importer = "processor" if agent.role in ("processor", "sub_processor") else "controller"
    exporter = rules.decision.company_role
    return {one.number for one in instrument.modules if (one.exporter, one.importer) == (exporter, importer)}


def _missing_tia(entry: Assurance, day: date, rules: RuleSet) -> list[str]:
    if entry.tia is None or entry.tia.assessed_on > day:
        return ["Not on file: a transfer impact assessment (C-311/18)."]
    due = _tia_due(entry, rules)
    if due is not None and day > due:
        return [f"The impact assessment was to be reviewed by {due}."]
    return []


def _tia_failed(entry: Assurance, day: date, rules: RuleSet) -> bool:
    """Whether an assessment made by `day` found that nothing protects the data; it concerns all that goes there."""
    tia = entry.tia
    return tia is not None and tia.assessed_on <= day and tia.outcome in rules.tia.failed_outcomes


def _tia_due(entry: Assurance, rules: RuleSet) -> date | None:
    if entry.tia is None:
        return None
    return entry.tia.review_due or entry.tia.assessed_on + timedelta(days=rules.tia.review_days)


def _end_of(entry: Assurance, instrument: Instrument) -> date | None:
    """Last day of the entry itself; a listing without a renewal date ends by the framework's renewal period."""
    if entry.valid_until is None and instrument.needs_listing and instrument.renewal_days is not None:
        return entry.valid_from + timedelta(days=instrument.renewal_days)
    return entry.valid_until


def _last_day(
    instrument: Instrument, entry: Assurance, agent: Agent, origin: Jurisdiction, day: date, rules: RuleSet
) -> date | None:
    ends = [instrument.valid_until, _end_of(entry, instrument)]
    if instrument.needs_tia:
        ends.append(_tia_due(entry, rules))
    if instrument.needs_adequacy:
        places = (agent.entity.country, *agent.processing_countries)
        findings = [_finding_for(country, origin, day, rules) for country in places]
        ends += [finding.valid_until for finding in findings if finding is not None]
    return _earliest(*ends)


def _earliest(*days: date | None) -> date | None:
    return min((one for one in days if one is not None), default=None)
