"""Everything under `rules/` as one list of facts with ids, for `onward rules show`, `diff` and `status`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from typing import Any

from gateway.core.assurance import standing_on
from gateway.core.ruleset import RuleSet

LAW_IS_OLD_AFTER_DAYS = 90
"""Law data nobody has compared for so long is reported; a default of this project."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of the rules."""

    kind: str
    id: str
    value: Any

    @property
    def fields(self) -> dict[str, Any]:
        """What is written about it, without what was left out."""
        if not is_dataclass(self.value):
            return {"value": self.value}
        given = {one.name: getattr(self.value, one.name) for one in fields(self.value)}
        return {name: value for name, value in given.items() if value not in (None, (), "")}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two sets of rules."""

    kind: str
    id: str
    field: str
    """Empty where the whole entry was added or removed."""
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that stops counting by itself."""

    last_day: date
    kind: str
    id: str
    what: str


def facts_of(rules: RuleSet) -> Iterator[Fact]:
    """All entries that have an id, in the order of the files."""
    for instrument in rules.instruments.values():
        yield Fact("instrument", instrument.id, instrument)
    for finding in rules.adequacy:
        yield Fact("adequacy", f"{finding.country}/{'+'.join(finding.origins)}/{finding.valid_from}", finding)
    for exemption in rules.exemptions.values():
        yield Fact("exemption", exemption.id, exemption)
    for clock in rules.clocks:
        yield Fact("clock", clock.id, clock)
    for right in rules.rights.rights:
        yield Fact("right", right.id, right)
    for ground in rules.rights.grounds:
        yield Fact("ground", ground.id, ground)
    for path in rules.complaints.paths:
        yield Fact("complaint-path", path.id, path)
    for country in rules.countries:
        yield Fact("country", country.iso2, country)
    for territory in rules.territories:
        yield Fact("territory", territory.names[0], territory)
    for category in rules.categories.values():
        yield Fact("category", category.id, category)
    for clause in rules.clauses.values():
        yield Fact("clause", clause.id, clause)
    yield Fact("tia", "tia", rules.tia)
    for row in rules.decision.statuses:
        for data_class, cell in row.cells.items():
            yield Fact("cell", f"{row.status}/{data_class}", cell)
    for name in (
        "review_overdue_becomes",
        "opted_out",
        "outside_profile",
        "consent_classes",
        "never_purposes",
    ):
        yield Fact("policy", name, getattr(rules.decision, name))
    for purpose in rules.purposes.purposes:
        yield Fact("purpose", purpose.id, purpose)
    for pair in rules.purposes.compatible:
        yield Fact("compatible", f"{pair.collected_for}/{pair.used_for}", pair)
    for own in rules.company.certifications:
        yield Fact("own-certification", own.instrument, own)
    for source in rules.sources:
        yield Fact("source", source.id, source)
    for shadow in rules.shadows:
        yield Fact("shadow", str(shadow.agent or shadow.rule), shadow)
    for agent in rules.agents:
        yield Fact("agent", agent.id, agent)


def differences(old: RuleSet, new: RuleSet) -> Iterator[Change]:
    """What changed from `old` to `new`, entry by entry and field by field."""
    before = {(fact.kind, fact.id): fact.fields for fact in facts_of(old)}
    after = {(fact.kind, fact.id): fact.fields for fact in facts_of(new)}
    for kind, id_ in dict.fromkeys((*before, *after)):
        was, now = before.get((kind, id_)), after.get((kind, id_))
        if was is None or now is None:
            yield Change(kind, id_, "", was, now)
            continue
        for name in dict.fromkeys((*was, *now)):
            if was.get(name) != now.get(name):
                yield Change(kind, id_, name, was.get(name), now.get(name))


def unverified(rules: RuleSet) -> Iterator[Fact]:
    """Facts of the law that nobody has compared with the original yet."""
    for fact in facts_of(rules):
        if getattr(fact.value, "verified", True) is False:
            yield fact


def resting_on_unverified(rules: RuleSet, day: date) -> Iterator[tuple[str, str, str]]:
    """Agents whose standing on `day` rests on an unverified instrument: agent, origin, instrument."""
    for agent in rules.agents:
        for origin in ("EU", "CH"):
            standing = standing_on(agent, origin, day, rules)
            if (
                standing.complete
                and standing.instrument
                and not rules.instruments[standing.instrument].verified
            ):
                yield agent.id, origin, standing.instrument


def endings(rules: RuleSet, day: date, days: int) -> list[Ending]:
    """What stops counting from `day` on within so many days, soonest first."""
    last = day + timedelta(days=days)
    return sorted(
        (one for one in _all_endings(rules, day) if day <= one.last_day <= last), key=lambda one: one.last_day
    )


def _all_endings(rules: RuleSet, day: date) -> Iterator[Ending]:
    for instrument in rules.instruments.values():
        if instrument.valid_until:
            yield Ending(instrument.valid_until, "instrument", instrument.id, instrument.name)
    for finding in rules.adequacy:
        if finding.valid_until:
            yield Ending(finding.valid_until, "adequacy", finding.country, finding.instrument)
    for own in rules.company.certifications:
        yield Ending(own.valid_until, "own-certification", own.instrument, own.reference)
    for source in rules.sources:
        if source.origin:
            yield Ending(source.origin.valid_until, "source", source.id, "declared origin")
    for agent in rules.agents:
        for condition in agent.conditions:
            yield Ending(
                condition.valid_until, "agent", agent.id, f"condition for {condition.data_class} data"
            )
        for origin in ("EU", "CH"):
            standing = standing_on(agent, origin, day, rules)
            if standing.last_day:
                yield Ending(standing.last_day, "agent", agent.id, f"{origin} data: {standing.status}")


def alarms(rules: RuleSet, day: date) -> Iterator[str]:
    """What somebody has to look at now."""
    age = (day - rules.as_of).days
    if age > LAW_IS_OLD_AFTER_DAYS:
        yield f"the law data was last compared on {rules.as_of}, {age} days ago"
    for one in rules.shadows:
        if day <= one.valid_until:
            yield (
                f"UNSAFE: shadow mode lets refused data pass for {one.agent or one.rule} until {one.valid_until}, "
                f"approved by {one.approver}"
            )
    claimable = rules.company.claimable_on(day, rules.instruments)
    for own in rules.company.certifications:
        if own not in claimable and own.valid_from <= day:
            yield f"the company's own certification under {own.instrument} has ended; claim it nowhere (CERT-1)"
    if rules.company.policy_on(day) is None:
        yield f"no version of the policy applies on {day} (DOC-1)"
