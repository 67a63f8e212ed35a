"""The answer to an access request: recipients, categories, times and grounds, in the person's language; no content.

What was found only by what several people share stands apart and is left out unless asked for: it may be about
somebody else, to whom no answer is owed here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

from gateway.core.agent import Agent
from gateway.core.rights import Request
from gateway.core.ruleset import RuleSet
from gateway.core.texts import because
from gateway.people.search import Transferred
from gateway.reports.model import Report, Section, Table

Say = Callable[..., str]


def answer_to(
    request: Request,
    found: Sequence[Transferred],
    rules: RuleSet,
    now: datetime,
    *,
    language: str | None = None,
    namesakes: bool = False,
) -> Report:
    """The answer as a report, in a language of `policy/texts.yaml`."""

    def say(key: str, **values: object) -> str:
        return rules.texts.say(because(key, **values), language)

    certain = [one for one in found if not one.namesake]
    shared = [one for one in found if one.namesake]
    contact = rules.contact
    sections = [
        Section("recipients", say("answer/recipients"), table=_recipients(certain, rules, say, now.date())),
        Section("transfers", say("answer/transfers"), table=_transfers(certain, rules, say)),
    ]
    if shared:
        table = _transfers(shared, rules, say) if namesakes else None
        said = (say("answer/namesakes-said", count=len(shared)),)
        sections.append(Section("namesakes", say("answer/namesakes"), said, table=table))
    sections.append(
        Section(
            "rights",
            say("answer/rights"),
            (
                say("answer/rights-said"),
                say(
                    "answer/contact",
                    **{
                        name: getattr(contact, name)
                        for name in ("company", "attention", "address", "email", "phone")
                    },
                ),
            ),
        )
    )
    intro = say("answer/intro", company=contact.company, day=request.received)
    return Report(
        kind="access",
        title=say("answer/title"),
        made_at=now,
        about=(
            ("request", say("answer/request"), request.id),
            ("day", say("answer/day"), now.date().isoformat()),
        ),
        sections=(Section("intro", say("answer/begins"), (intro,)), *sections),
        language=language or rules.texts.default,
        lead="transfers",
        facts={"request": request.id, "right": request.right, "origin": request.origin},
    )


def _recipients(found: Iterable[Transferred], rules: RuleSet, say: Say, today: date) -> Table:
    by_agent: dict[str, list[Transferred]] = defaultdict(list)
    for one in found:
        if one.received != "no":
            by_agent[one.agent].append(one)
    agents = {agent.id: agent for agent in rules.agents}
    rows = tuple(
        (
            _name(agents, agent),
            _country(agents, agent),
            _categories((name for one in met for name in one.categories), rules),
            ", ".join(sorted({one.purpose for one in met if one.purpose})),
            _safeguards(agents, agent, rules, today),
            len(met),
            met[0].at[:10],
            met[-1].at[:10],
        )
        for agent, met in sorted(by_agent.items())
    )
    heads = ("agent", "country", "categories", "purpose", "safeguards", "transfers", "first", "last")
    return Table(_heads(heads, say), rows, say("answer/nothing"))


def _transfers(found: Iterable[Transferred], rules: RuleSet, say: Say) -> Table:
    agents = {agent.id: agent for agent in rules.agents}
    rows = tuple(
        (
            one.at[:19].replace("T", " "),
            _name(agents, one.agent),
            say(f"received/{one.received}"),
            _categories(one.categories, rules),
            _categories(one.beside, rules),
            one.basis,
            one.purpose,
            one.id,
        )
        for one in found
    )
    heads = ("at", "agent", "received", "categories", "beside", "basis", "purpose", "record")
    return Table(_heads(heads, say), rows, say("answer/nothing"))


def _heads(names: Iterable[str], say: Say) -> tuple[tuple[str, str], ...]:
    return tuple((name, say(f"head/{name}")) for name in names)


def _name(agents: Mapping[str, Agent], agent_id: str) -> str:
    agent = agents.get(agent_id)
    return f"{agent.name} ({agent.entity.name})" if agent else agent_id


def _country(agents: Mapping[str, Agent], agent_id: str) -> str:
    agent = agents.get(agent_id)
    return ", ".join(sorted({agent.entity.country, *agent.processing_countries})) if agent else ""


def _safeguards(agents: Mapping[str, Agent], agent_id: str, rules: RuleSet, today: date) -> str:
    agent = agents.get(agent_id)
    counting = agent.assurances if agent else ()
    return ", ".join(
        rules.instruments[one.instrument].name
        for one in counting
        if one.evidence is not None and one.valid_from <= today <= (one.valid_until or date.max)
    )


def _categories(ids: Iterable[str], rules: RuleSet) -> str:
    named = {rules.categories[one].name if one in rules.categories else one for one in ids}
    return ", ".join(sorted(named))
