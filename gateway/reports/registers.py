"""Reports for company and authorities: records of processing, transfer register, expiry calendar, what stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from gateway.core.agent import Agent
from gateway.core.assurance import standing_on
from gateway.core.law import Jurisdiction
from gateway.core.ruleset import RuleSet
from gateway.reports.model import Bar, Report, Section, Table
from gateway.reports.traffic import Received, Traffic
from gateway.rulefacts import alarms

ORIGINS: tuple[Jurisdiction, ...] = ("EU", "CH")
TONES = {"pass": "good", "anonymize": "plain", "hold": "care", "block": "bad"}
MOST_BARS = 31
SOON_DAYS = 30


def about(rules: RuleSet, now: datetime, traffic: Traffic | None = None) -> tuple[tuple[str, str, str], ...]:
    """What every report says of itself: company, day, rules, policy version, period."""
    contact, version = rules.contact, rules.company.policy_on(now.date())
    policy = f"{version.title}, {version.version}, effective {version.effective_from}" if version else "none"
    facts = [
        ("company", "Company", contact.company),
        ("contact", "Contact", f"{contact.attention}, {contact.address}, {contact.email}, {contact.phone}"),
        ("made", "Made", f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"),
        ("policy", "Policy", policy),
        ("rules", "Rules", rules.digest),
    ]
    if traffic is not None:
        facts.append(("period", "Period", traffic.period.words))
    return tuple(facts)


def processing(traffic: Traffic, rules: RuleSet, now: datetime) -> Report:
    """Records of processing activities from what flowed (GDPR Art. 30)."""
    notice, today = rules.notice, now.date()
    heads = (
        ("purpose", "Purpose"),
        ("recipient", "Recipient"),
        ("role", "Role"),
        ("people", "Data subjects"),
        ("categories", "Categories of data"),
        ("countries", "Third countries"),
        ("safeguards", "Safeguards"),
        ("exemptions", "Exemptions used"),
        ("sources", "Sources"),
        ("transfers", "Transfers"),
    )
    agents = {agent.id: agent for agent in rules.agents}
    rows = tuple(
        (
            ", ".join(purposes_of(agents.get(name), met, rules)),
            recipient(agents.get(name), name),
            agents[name].role if name in agents else "not in the register",
            ", ".join(notice.people),
            ", ".join(category_names(met.categories, rules)),
            ", ".join(third_countries(agents.get(name), rules)),
            ", ".join(safeguards(agents.get(name), rules, today)),
            ", ".join(sorted(met.exemptions)),
            ", ".join(sorted(met.sources)) or "unattributed",
            met.transfers,
        )
        for name, met in sorted(traffic.received.items())
    )
    family = tuple((one.name, one.country) for one in rules.company.family)
    sections = (
        Section(
            "activities",
            "What flowed to whom",
            table=Table(heads, rows, "No personal data flowed in this period."),
        ),
        Section("family", "Controllers", table=Table((("name", "Name"), ("country", "Country")), family)),
        Section("retention", "Time limits for erasure", (notice.retention,)),
        Section("security", "Security measures", (notice.security,)),
    )
    title = "Records of processing activities"
    return Report("processing", title, now, about(rules, now, traffic), sections)


def transfers(traffic: Traffic, rules: RuleSet, now: datetime) -> Report:
    """Every decision of the period, counted by day, agent and outcome."""
    heads = (
        ("day", "Day"),
        ("agent", "Agent"),
        ("action", "Action"),
        ("status", "Status"),
        ("reason", "Reason"),
        ("purpose", "Purpose"),
        ("transfers", "Transfers"),
    )
    rows = tuple((*key, number) for key, number in sorted(traffic.daily.items()))
    bars = tuple(Bar(action, traffic.actions[action], TONES[action]) for action in TONES)
    sections = (
        Section("actions", "By action", bars=bars),
        Section("register", "Transfer register", table=Table(heads, rows, "No transfer in this period.")),
    )
    return Report("transfers", "Transfer register", now, about(rules, now, traffic), sections)


def expiry(rules: RuleSet, now: datetime) -> Report:
    """What assurances end when, soonest first; the company's own among them (CERT-1)."""
    today = now.date()
    rows: list[tuple[date, str, str, str, str]] = []
    for agent in rules.agents:
        for origin in ORIGINS:
            standing = standing_on(agent, origin, today, rules)
            if standing.last_day is not None:
                rows.append((standing.last_day, agent.id, f"{origin} data", standing.status, "assurance"))
        rows.append((agent.review_due, agent.id, "review", "", "ONWARD-3"))
        if agent.profile_due is not None:
            rows.append((agent.profile_due, agent.id, "data categories", "", "INTEG-2"))
        rows += [
            (one.tia.review_due, agent.id, f"impact assessment, {one.instrument}", "", "tia")
            for one in agent.assurances
            if one.tia is not None and one.tia.review_due is not None
        ]
    rows += [
        (one.valid_until, rules.contact.company, "own certification", one.instrument, "CERT-1")
        for one in rules.company.certifications
    ]
    without = tuple(
        (agent.id, origin, standing_on(agent, origin, today, rules).status)
        for agent in rules.agents
        for origin in ORIGINS
        if not standing_on(agent, origin, today, rules).complete
    )
    months = Counter(f"{end:%Y-%m}" for end, *_ in rows if end >= today)
    bars = tuple(Bar(month, number) for month, number in sorted(months.items())[:MOST_BARS])
    cells = tuple(
        (end.isoformat(), (end - today).days, _urgency(end, today), who, what, status, ground)
        for end, who, what, status, ground in sorted(rows)
    )
    heads = (
        ("end", "Last day"),
        ("days", "Days left"),
        ("urgency", ""),
        ("who", "Who"),
        ("what", "What"),
        ("status", "Status or instrument"),
        ("ground", "Ground"),
    )
    weak = (("agent", "Agent"), ("origin", "Origin"), ("status", "Status today"))
    sections = (
        Section("alarms", "Alarms", tuple(alarms(rules, today)) or ("None.",)),
        Section("months", "Ends by month", bars=bars),
        Section("calendar", "Calendar", table=Table(heads, cells)),
        Section("without", "Agents without a complete assurance today", table=Table(weak, without, "None.")),
    )
    return Report("expiry", "Assurance expiry calendar", now, about(rules, now), sections, lead="calendar")


def blocked(traffic: Traffic, rules: RuleSet, now: datetime) -> Report:
    """What was held or blocked in the period, and why."""
    held, stopped = traffic.actions["hold"], traffic.actions["block"]
    said = f"{stopped} blocked, {held} held, of {traffic.transfers} transfers."
    by, times = over_time(traffic.stopped_daily)
    bars = tuple(Bar(time, n, "bad") for time, n in times)
    sections = [Section("summary", "In short", (said, *([f"By {by}:"] if bars else [])), bars=bars)]
    for what, heading in (("reason", "By reason"), ("agent", "By agent"), ("clause", "By clause")):
        counts = traffic.stopped_by[what].most_common()
        rows = tuple((name, _commitment(name, rules) if what == "clause" else "", n) for name, n in counts)
        if what != "clause":
            plain = Table(
                ((what, what.title()), ("transfers", "Transfers")), tuple((a, n) for a, _, n in rows)
            )
            bars = tuple(Bar(name, n, "bad") for name, n in counts[:MOST_BARS])
            sections.append(Section(what, heading, bars=bars, table=plain))
        else:
            heads = (("clause", "Clause"), ("commitment", "Commitment"), ("transfers", "Transfers"))
            sections.append(Section(what, heading, table=Table(heads, rows)))
    unknown = tuple(traffic.unregistered.most_common())
    table = Table((("destination", "Destination"), ("transfers", "Transfers")), unknown, "None.")
    sections.append(Section("unregistered", "Personal data headed to no agent of the register", table=table))
    title = "Blocked and held transfers"
    return Report("blocked", title, now, about(rules, now, traffic), tuple(sections), lead="reason")


def over_time(daily: Mapping[str, int]) -> tuple[str, list[tuple[str, int]]]:
    """Counts by day, days without any among them; by month where that would be too many. `day` or `month`, and each."""
    if not daily:
        return "day", []
    first, last = (date.fromisoformat(one) for one in (min(daily), max(daily)))
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    if len(days) <= MOST_BARS:
        return "day", [(day, daily.get(day, 0)) for day in days]
    months = dict.fromkeys((day[:7] for day in days), 0)
    for day, number in daily.items():
        months[day[:7]] += number
    return "month", list(months.items())


def purposes_of(agent: Agent | None, met: Received, rules: RuleSet) -> list[str]:
    """Names of the purposes that were declared; of the agent's own where none was."""
    names = {one.id: one.name for one in rules.purposes.purposes}
    ids = set(met.purposes) or set(agent.purposes if agent else ())
    return sorted(names.get(one, one) for one in ids)


def recipient(agent: Agent | None, name: str) -> str:
    """An agent as a report names it."""
    return f"{agent.name} ({agent.entity.name}, {agent.entity.country})" if agent else name


def category_names(ids: Iterable[str], rules: RuleSet) -> list[str]:
    """Names of categories."""
    return sorted(rules.categories[one].name if one in rules.categories else one for one in ids)


def third_countries(agent: Agent | None, rules: RuleSet) -> list[str]:
    """Countries outside the EEA in which the agent is, or keeps the data."""
    countries = {agent.entity.country, *agent.processing_countries} if agent else set()
    return sorted(countries - rules.eea)


def safeguards(agent: Agent | None, rules: RuleSet, today: date) -> list[str]:
    """Names of the instruments that the agent's protection rests on today, by origin of the data."""
    found = []
    for origin in ORIGINS if agent else ():
        standing = standing_on(agent, origin, today, rules)
        if standing.complete and standing.instrument:
            found.append(f"{origin}: {rules.instruments[standing.instrument].name}")
        elif standing.complete:
            found.append(f"{origin}: {standing.status}")
    return found


def _urgency(end: date, today: date) -> str:
    if end < today:
        return "OVER"
    return "soon" if (end - today).days <= SOON_DAYS else ""


def _commitment(clause: str, rules: RuleSet) -> str:
    return rules.clauses[clause].commitment if clause in rules.clauses else ""
