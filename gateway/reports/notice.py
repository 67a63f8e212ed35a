"""The disclosure notice, made from what really flowed, and its comparison with the published one (NOTICE-*)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from gateway.core.exemption import Grant
from gateway.core.notice import PartyType
from gateway.core.ruleset import RuleSet
from gateway.core.texts import because
from gateway.reports.model import Report, Section, Table
from gateway.reports.registers import category_names, safeguards
from gateway.reports.traffic import Traffic

Say = Callable[..., str]


def types_in(traffic: Traffic, rules: RuleSet, waived: Collection[str] = ()) -> dict[PartyType, set[str]]:
    """Types of third parties that got personal data, each with its agents; without those that notice is waived for."""
    agents = {agent.id: agent for agent in rules.agents}
    found: dict[PartyType, set[str]] = defaultdict(set)
    for name, met in traffic.received.items():
        agent = agents.get(name)
        if name in waived:
            continue
        role = agent.role if agent else "third_party"
        purposes = set(met.purposes) or set(agent.purposes if agent else ("unlisted",))
        for purpose in purposes:
            found[PartyType(role=role, purpose=purpose, country=agent.entity.country if agent else "")].add(
                name
            )
    return dict(found)


def waived_for(grants: Iterable[Grant], rules: RuleSet, now: datetime) -> frozenset[str]:
    """Agents that no notice is owed about now: an approved waiver that has not run out (NOTICE-4 to NOTICE-6)."""
    return frozenset(
        one.agent
        for one in grants
        if rules.exemptions[one.exemption].grants == "notice"
        and one.approved_at is not None
        and one.approved_at <= now
        and one.granted_at <= now < one.expires_at
    )


def undisclosed(traffic: Traffic, rules: RuleSet, waived: Collection[str] = ()) -> list[str]:
    """Alarms: types seen on the wire that the published notice does not name (NOTICE-1)."""
    if rules.notice.published is None:
        return []
    seen = types_in(traffic, rules, waived)
    return [
        f"{one.role} for {one.purpose} in {one.country or 'an unknown country'} ({', '.join(sorted(seen[one]))}) "
        "received personal data and is not in the published notice (NOTICE-1)"
        for one in rules.notice.published.missing(seen)
    ]


def notice(
    traffic: Traffic, grants: Iterable[Grant], rules: RuleSet, now: datetime, language: str | None = None
) -> Report:
    """The notice as a report, in a language of `policy/texts.yaml`."""

    def say(key: str, **values: object) -> str:
        return rules.texts.say(because(key, **values), language)

    today, contact = now.date(), rules.contact
    version = rules.company.policy_on(today)
    waived = waived_for(grants, rules, now)
    turn_to = {name: getattr(contact, name) for name in ("company", "attention", "address", "email", "phone")}
    claims = tuple(
        say("notice/claim", instrument=rules.instruments[one.instrument].name, day=one.valid_until)
        for one in rules.company.claimable_on(today, rules.instruments)
    )
    purposes = tuple((one.id, one.name) for one in rules.purposes.purposes)
    sections = (
        Section("who", say("notice/who"), (say("answer/contact", **turn_to),)),
        Section("certifications", say("notice/claims"), claims or (say("notice/no-claims"),)),
        Section(
            "purposes",
            say("notice/purposes"),
            table=Table((("id", ""), ("name", say("head/purpose"))), purposes),
        ),
        Section(
            "third-parties",
            say("notice/third-parties"),
            table=_third_parties(traffic, rules, waived, now, say),
        ),
        Section("choices", say("notice/choices"), (say("notice/choices-said", **turn_to),)),
        Section("safeguards", say("head/safeguards"), (say("notice/copy", **turn_to),)),
    )
    effective = f"{version.title}, {version.version}, {version.effective_from}" if version else "–"
    return Report(
        kind="notice",
        title=say("notice/title"),
        made_at=now,
        about=(
            ("company", say("notice/company"), contact.company),
            ("effective", say("notice/effective"), effective),
            ("period", say("notice/period"), traffic.period.words),
        ),
        sections=sections,
        language=language or rules.texts.default,
        lead="third-parties",
        facts={"alarms": undisclosed(traffic, rules, waived), "rules": rules.digest},
    )


def _third_parties(
    traffic: Traffic, rules: RuleSet, waived: Collection[str], now: datetime, say: Say
) -> Table:
    agents = {agent.id: agent for agent in rules.agents}
    names = {one.id: one.name for one in rules.purposes.purposes}
    rows = tuple(
        (
            say(f"role/{one.role}"),
            names.get(one.purpose, one.purpose),
            one.country,
            ", ".join(
                category_names({kind for name in found for kind in traffic.received[name].categories}, rules)
            ),
            ", ".join(
                sorted({safe for name in found for safe in safeguards(agents.get(name), rules, now.date())})
            ),
        )
        for one, found in sorted(types_in(traffic, rules, waived).items())
    )
    heads = ("kind", "purpose", "country", "data", "safeguards")
    return Table(tuple((name, say(f"head/{name}")) for name in heads), rows, say("notice/nobody"))
