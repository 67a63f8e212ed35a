"""An agent's standing for data of one origin on one day, computed and never stored.

Rules kept here and nowhere else:
 * An instrument or entry counts from its first to its last day, both included.
 * An entry nobody checked is a claim, whatever it says (ONWARD-4).
 * Of several entries the best one counts; a suspension beats them all, and so does a failed impact assessment.
 * An agent is worth no more than the weakest of its sub-processors (ONWARD-7).
 * From the day after its review was due, a complete standing is worth what `review_overdue_becomes` says (ONWARD-3).
 * What is missing never makes a standing better: time is looked at first, then scope, then evidence, then the items.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from gateway.core.agent import Agent, Assurance, SubProcessor
from gateway.core.law import Adequacy, Instrument, Jurisdiction, Status
from gateway.core.ruleset import RuleSet
from gateway.core.texts import Reason, because

COMPLETE: frozenset[Status] = frozenset({"intra_eea", "adequate", "certified", "contract_complete"})

Exporter = Literal["controller", "processor"]
Recipient = Agent | SubProcessor


@dataclass(frozen=True, slots=True)
class Standing:
    """What an agent's assurance amounts to, on what ground, and until when without a new fact."""

    status: Status
    reasons: tuple[Reason, ...]
    instrument: str | None = None
    last_day: date | None = None
    """Last day of this status as far as the facts on file tell; None where nothing ends it."""

    @property
    def complete(self) -> bool:
        """Whether personal data may reach the agent at all under this standing."""
        return self.status in COMPLETE


@dataclass(frozen=True, slots=True)
class _Case:
    """What one standing is asked for."""

    recipient: Recipient
    origin: Jurisdiction
    day: date
    rules: RuleSet
    hr: bool
    exporter: Exporter


def standing_on(
    agent: Agent | None,
    origin: Jurisdiction,
    day: date,
    rules: RuleSet,
    *,
    hr: bool = False,
    exporter: Exporter | None = None,
) -> Standing:
    """The agent's standing on `day` for data of `origin`; `hr` says the data is about employees.

    `exporter` is the role in which the company sends; None means the one of `decision.company_role`.
    Source: privacy policy, onward transfer (ONWARD-2 to ONWARD-7, ASSUR-1 to ASSUR-5); GDPR Arts. 44 to 46;
    FADP Art. 16.
    """
    if agent is None:
        return Standing("unknown_agent", (because("unregistered"),))
    if agent.suspended is not None and agent.suspended.since <= day:
        return Standing("suspended", (because("suspended", day=agent.suspended.since),))
    for purpose in agent.purposes:
        if purpose in rules.decision.never_purposes:
            return Standing("suspended", (because("purpose-never", purpose=purpose),))
    standing = _chain(_Case(agent, origin, day, rules, hr, exporter or rules.decision.company_role))
    return _after_review(standing, agent, day, rules)


def _chain(case: _Case) -> Standing:
    """The weakest of the recipient and its sub-processors."""
    worst = _own(case)
    for sub in case.recipient.sub_processors:
        link = _chain(replace(case, recipient=sub, exporter="processor"))
        if sub.approval is None or sub.approval.approved_on > case.day:
            link = Standing("none", (because("sub-processor-unapproved", name=sub.entity.name),))
        if _rank(link, case.rules) > _rank(worst, case.rules):
            told = because("sub-processor", name=sub.entity.name, status=link.status)
            worst = Standing(link.status, (told, *link.reasons), link.instrument)
        elif link.complete:
            worst = replace(worst, last_day=_earliest(worst.last_day, link.last_day))
    return worst


def _rank(standing: Standing, rules: RuleSet) -> int:
    return rules.status_rank[standing.status]


def _own(case: _Case) -> Standing:
    """The standing of one recipient by its own entries."""
    entries = case.recipient.assurances
    if any(_tia_failed(entry, case) for entry in entries):
        return Standing("suspended", (because("tia-failed"),))
    return _best((_standing_of(entry, case) for entry in entries), case) or Standing(
        "none", (because("no-assurance"),)
    )


def _best(found: Iterable[Standing], case: _Case) -> Standing | None:
    """The best standing; among equals one meant for this origin, then the one that lasts longest."""
    instruments = case.rules.instruments

    def order(one: Standing) -> tuple[int, bool, int]:
        meant = one.instrument is not None and case.origin in instruments[one.instrument].origins
        return _rank(one, case.rules), not meant, -(one.last_day or date.max).toordinal()

    return min(found, key=order, default=None)


def _after_review(standing: Standing, agent: Agent, day: date, rules: RuleSet) -> Standing:
    if not standing.complete:
        return standing
    overdue = [because("review-overdue", day=agent.review_due)] if day > agent.review_due else []
    if agent.profile_due is not None and day > agent.profile_due:
        overdue.append(because("profile-overdue", day=agent.profile_due))
    if overdue:
        status = rules.decision.review_overdue_becomes
        return Standing(status, (*standing.reasons, *overdue), standing.instrument)
    return replace(standing, last_day=_earliest(standing.last_day, agent.review_due, agent.profile_due))


def _standing_of(entry: Assurance, case: _Case) -> Standing:
    """The standing one entry gives by itself, judged from the outermost condition inwards."""
    day = case.day
    instrument = _in_force(case.rules.instruments[entry.instrument], day, case.rules)

    def given(status: Status, *reasons: Reason, last_day: date | None = None) -> Standing:
        return Standing(status, reasons, instrument.id, last_day)

    name = instrument.name
    first = max(instrument.valid_from, entry.valid_from)
    if day < first:
        return given("none", because("not-before", instrument=name, day=first))
    if instrument.valid_until is not None and day > instrument.valid_until:
        return given(
            "invalid_framework", because("relied-until", instrument=name, day=instrument.valid_until)
        )
    if not instrument.is_transfer_tool:
        return given("none", because("no-transfer-tool", instrument=name))
    signable = instrument.new_contracts_until
    if signable is not None and entry.valid_from > signable:
        return given("invalid_framework", because("not-signable-after", instrument=name, day=signable))
    end = _end_of(entry, instrument)
    if end is not None and day > end:
        return given("lapsed", because("ran-out", instrument=name, day=end))
    if instrument.needs_listing and entry.list_status in instrument.inactive_statuses:
        return given("lapsed", because("listed-as", instrument=name, listed=entry.list_status))
    outside = _out_of_scope(instrument, entry, case)
    if outside is not None:
        return given("out_of_scope", outside)
    if entry.evidence is None or entry.evidence.checked_on > day:
        return given("claimed", because("claimed", instrument=name, day=day))
    missing = _missing(instrument, entry, case)
    if missing:
        return given("contract_incomplete", *missing)
    last_day = _last_day(instrument, entry, case)
    return given(instrument.grants, because("complete", instrument=name), last_day=last_day)


def _in_force(instrument: Instrument, day: date, rules: RuleSet) -> Instrument:
    """The instrument a reference is read as on `day`: its successor once it has been superseded."""
    while (
        instrument.superseded_by is not None
        and instrument.valid_until is not None
        and day > instrument.valid_until
    ):
        instrument = rules.instruments[instrument.superseded_by]
    return instrument


def _out_of_scope(instrument: Instrument, entry: Assurance, case: _Case) -> Reason | None:
    """Why a valid instrument does not reach this origin, entity, place or kind of data; None if it does."""
    name, recipient = instrument.name, case.recipient
    if case.origin not in instrument.origins:
        return because("origin-not-covered", instrument=name, origin=case.origin)
    if instrument.destinations and recipient.entity.country not in instrument.destinations:
        return because("recipients-only", instrument=name, countries=", ".join(instrument.destinations))
    if instrument.members_only and not recipient.group_member:
        return because("group-only", instrument=name)
    if entry.entity is not None and entry.entity.casefold() != recipient.entity.name.casefold():
        return because("other-entity", instrument=name)
    if instrument.needs_listing and case.hr and instrument.hr_must_be_named and "hr" not in entry.covers:
        return because("no-employees", instrument=name)
    if instrument.needs_listing and not case.hr and "non_hr" not in entry.covers:
        return because("employees-only", instrument=name)
    if instrument.needs_eea_location:
        outside = [c for c in _places(recipient) if c not in case.rules.eea]
        if outside:
            return because("outside-eea", instrument=name, country=outside[0])
    return _not_adequate(entry, case) if instrument.needs_adequacy else None


def _places(recipient: Recipient) -> tuple[str, ...]:
    return (recipient.entity.country, *recipient.processing_countries)


def _not_adequate(entry: Assurance, case: _Case) -> Reason | None:
    """Why the agent's own law or a place of processing is not adequate; the EEA needs no finding for EU data."""
    own = case.recipient.entity.country
    for country in dict.fromkeys(_places(case.recipient)):
        if case.origin == "EU" and country in case.rules.eea and country != own:
            continue
        finding = _finding_for(country, case)
        if finding is None:
            return because("not-adequate", country=country, origin=case.origin, day=case.day)
        if finding.scope_test != "none" and finding.scope_test not in entry.shown:
            return because(
                "adequate-only", country=finding.name, scope=finding.scope, test=finding.scope_test
            )
    return None


def _finding_for(country: str, case: _Case) -> Adequacy | None:
    for finding in case.rules.adequacy_of.get(country, ()):
        in_force = finding.valid_from <= case.day and (
            finding.valid_until is None or case.day <= finding.valid_until
        )
        if case.origin in finding.origins and in_force:
            return finding
    return None


def _missing(instrument: Instrument, entry: Assurance, case: _Case) -> list[Reason]:
    """What a valid instrument still lacks, one sentence each; empty when it is complete."""
    role, rules = case.recipient.role, case.rules
    missing = [
        because("not-on-file", item=item.text)
        for item in instrument.must_show
        if item.key not in entry.shown
        and (not item.only_for_roles or role in item.only_for_roles)
        and (not item.only_for_modules or entry.module in item.only_for_modules)
    ]
    if instrument.modules and entry.module not in _modules_for(instrument, case):
        missing.append(
            because("wrong-module", module=entry.module or "-", exporter=case.exporter, importer=role)
        )
    if instrument.needs_tia:
        missing += _missing_tia(entry, case)
    if instrument.only_with and not (
        instrument.alone_until is not None and case.day <= instrument.alone_until
    ):
        # Beside one of them it adds nothing: that entry then gives the standing.
        missing.append(because("needs-one-of", instruments=", ".join(instrument.only_with)))
    for needed in instrument.requires:
        if not _also_holds(needed, case):
            missing.append(because("needs-also", instrument=rules.instruments[needed].name))
    missing += [because("doubt", doubt=doubt) for doubt in entry.doubts]
    return missing


def _also_holds(needed: str, case: _Case) -> bool:
    """Whether the recipient has a complete entry under the instrument `needed`, for the origin that one is made for."""
    origin = case.rules.instruments[needed].origins[0]
    own = replace(case, origin=origin)
    return any(
        entry.instrument == needed and _standing_of(entry, own).complete
        for entry in case.recipient.assurances
    )


def _modules_for(instrument: Instrument, case: _Case) -> set[int]:
    importer = "processor" if case.recipient.role in ("processor", "sub_processor") else "controller"
    return {
        one.number for one in instrument.modules if (one.exporter, one.importer) == (case.exporter, importer)
    }


def _missing_tia(entry: Assurance, case: _Case) -> list[Reason]:
    if entry.tia is None or entry.tia.assessed_on > case.day:
        return [because("no-tia")]
    due = _tia_due(entry, case.rules)
    return [because("tia-overdue", day=due)] if due is not None and case.day > due else []


def _tia_failed(entry: Assurance, case: _Case) -> bool:
    """Whether an assessment made by then found that nothing protects the data; it concerns all that goes there."""
    tia = entry.tia
    return tia is not None and tia.assessed_on <= case.day and tia.outcome in case.rules.tia.failed_outcomes


def _tia_due(entry: Assurance, rules: RuleSet) -> date | None:
    if entry.tia is None:
        return None
    return entry.tia.review_due or entry.tia.assessed_on + timedelta(days=rules.tia.review_days)


def _end_of(entry: Assurance, instrument: Instrument) -> date | None:
    """Last day of the entry itself: its own, that of its renewal period, or the longest its kind may run."""
    end = entry.valid_until
    if end is None and instrument.renewal_days is not None:
        end = entry.valid_from + timedelta(days=instrument.renewal_days)
    if instrument.longest_days is not None:
        end = _earliest(end, entry.valid_from + timedelta(days=instrument.longest_days))
    return end


def _last_day(instrument: Instrument, entry: Assurance, case: _Case) -> date | None:
    ends = [instrument.valid_until, _end_of(entry, instrument)]
    if instrument.needs_tia:
        ends.append(_tia_due(entry, case.rules))
    if instrument.needs_adequacy:
        findings = [_finding_for(country, case) for country in _places(case.recipient)]
        ends += [finding.valid_until for finding in findings if finding is not None]
    return _earliest(*ends)


def _earliest(*days: date | None) -> date | None:
    return min((one for one in days if one is not None), default=None)
