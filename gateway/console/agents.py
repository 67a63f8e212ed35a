"""The register of agents: what each is worth today and over time, what its lapse would change, drafts of changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from starlette.responses import Response

from gateway.agentfiles import as_yaml
from gateway.console.access import Role
from gateway.console.figures import Filter
from gateway.console.service import now
from gateway.console.timeline import picture, spans
from gateway.console.visit import Visit
from gateway.core.agent import Agent
from gateway.core.assurance import standing_on
from gateway.core.errors import RulesError
from gateway.core.law import Role as LegalRole
from gateway.core.law import TiaOutcome
from gateway.core.register import Register
from gateway.core.review import NotAllowed
from gateway.core.ruleset import RuleSet
from gateway.core.source import Sources
from gateway.drafts import DRAFT, Draft, DraftsDesk, agent_in, digest_of
from gateway.reports.registers import ORIGINS
from gateway.rulebook import Snapshot
from gateway.simulate.replay import Outcome, Records, count, replay

MOST_REPLAYED = 2000
"""Newest transfers to an agent that its lapse is tried on."""
MOST_LISTED = 500


def agents(visit: Visit) -> Response:
    """The register, by status today."""
    rules, today = visit.console.rules, now().date()
    origin, status = visit.asked("origin"), visit.asked("status")
    rows = []
    for agent in rules.agents:
        standings = {one: standing_on(agent, one, today, rules) for one in ORIGINS}
        if status and not any(
            one.status == status for name, one in standings.items() if origin in ("", name)
        ):
            continue
        ends = min((one.last_day for one in standings.values() if one.last_day), default=None)
        rows.append((agent, standings, ends))
    return visit.page(
        "agents.html",
        rows=rows[:MOST_LISTED],
        total=len(rows),
        today=today,
        soon=rules.decision.expiring_within_days,
        filtered=bool(status),
        drafts=visit.console.cases("").all(DRAFT, state="open")
        if visit.may(Role.REGISTRAR, Role.APPROVER)
        else [],
    )


def agent(visit: Visit) -> Response:
    """One agent."""
    found = _found(visit)
    return visit.page("agent.html", **_shown(visit, found, visit.console.rules), lapse=None)


def lapse(visit: Visit) -> Response:
    """The same, with what would become of its newest transfers if no assurance counted any more."""
    console, found = visit.console, _found(visit)
    rules = console.rules
    without = tuple(replace(one, assurances=()) if one.id == found.id else one for one in rules.agents)
    changed = replace(rules, agents=without, memory={})
    snapshot = Snapshot(changed, Register(without), Sources(rules.sources, rules.purpose_ids))
    wanted = Filter.of({"agent": found.id}, now().date())
    shapes = [number for number, shape in console.tallies.shapes().items() if wanted.fits(shape)]
    seqs = console.tallies.newest(shapes, "0000", "9999", None, MOST_REPLAYED)
    records = Records(snapshot)
    outcome = Outcome(changed.digest, None)
    for start in range(0, len(seqs), 500):
        before = map(records.read, console.reader.these(seqs[start : start + 500]))
        for _ in count(replay(before, snapshot, now().date()), outcome):
            pass
    return visit.page("agent.html", **_shown(visit, found, rules), lapse=outcome)


def new_agent(visit: Visit) -> Response:
    """The form for a new agent: first its grounds, then what each ground asks for."""
    rules = visit.console.rules
    chosen = [one for one in visit.request.query_params.getlist("instrument") if one in rules.instruments]
    tools = sorted(
        (one for one in rules.instruments.values() if one.is_transfer_tool and _in_force(one, now().date())),
        key=lambda one: (one.kind, one.name),
    )
    return visit.page(
        "agent-new.html",
        tools=tools,
        chosen=[rules.instruments[one] for one in chosen],
        asked="instrument" in visit.request.query_params,
        purposes=[
            (one.id, one.name)
            for one in rules.purposes.purposes
            if one.id not in rules.decision.never_purposes
        ],
        categories=[
            (one.id, visit.name("category", one.id))
            for one in rules.categories.values()
            if one.id not in rules.decision.never_categories
        ],
        roles=LegalRole.__args__,  # type: ignore[attr-defined]
        outcomes=TiaOutcome.__args__,  # type: ignore[attr-defined]
        today=now().date(),
    )


def change_agent(visit: Visit) -> Response:
    """The entry of a known agent as text, to be changed."""
    found = _found(visit)
    return visit.page("agent-change.html", agent=found, text=as_yaml(found), problems=())


def propose(visit: Visit) -> Response:
    """Keep a draft, from the form or from text."""
    evidence: dict[str, str] = {}
    for name in ("evidence", *(f"{one}.file" for one in visit.texts("instrument"))):
        upload = visit.file(name)
        if upload is not None:
            evidence[name] = digest_of(upload.file.read())
    text = visit.text("text")
    entry = _from_text(text) if text else _from_form(visit, evidence)
    desk = DraftsDesk(visit.console.cases(visit.by), visit.console.settings.rules)
    try:
        draft = desk.propose(entry, visit.text("note"), tuple(evidence.values()))
    except RulesError as error:
        raise NotAllowed(str(error)) from None
    return visit.go(f"/drafts/{draft.id}", done="proposed")


def draft(visit: Visit) -> Response:
    """One draft: what it would change, and what the agent would be worth."""
    console = visit.console
    found = console.cases("").find(DRAFT, visit.request.path_params["id"])
    proposed = agent_in(found.entry)
    known = next((one for one in console.rules.agents if one.id == found.agent), None)
    rest = tuple(one for one in console.rules.agents if one.id != found.agent)
    rules = replace(console.rules, agents=(*rest, proposed), memory={})
    return visit.page(
        "draft.html",
        draft=found,
        text=as_yaml(proposed),
        known=as_yaml(known) if known is not None else "",
        **_shown(visit, proposed, rules),
        own=found.by == visit.by,
    )


def approve_draft(visit: Visit) -> Response:
    """Put a draft into force; a running gateway follows within a second."""
    upload = visit.file("document")
    desk = DraftsDesk(visit.console.cases(visit.by), visit.console.settings.rules)
    try:
        desk.approve(visit.request.path_params["id"], upload.file.read() if upload is not None else None)
    except RulesError as error:
        raise NotAllowed(str(error)) from None
    visit.console.refresh_rules()
    return visit.go(f"/drafts/{visit.request.path_params['id']}", done="in-force")


def refuse_draft(visit: Visit) -> Response:
    """Give a draft up."""
    desk = DraftsDesk(visit.console.cases(visit.by), visit.console.settings.rules)
    desk.refuse(visit.request.path_params["id"], visit.text("reason"))
    return visit.go("/agents", done="draft-refused")


def drafts(visit: Visit) -> Response:
    """All drafts, newest first."""
    found: list[Draft] = visit.console.cases("").all(DRAFT)
    return visit.page("drafts.html", found=found[::-1])


def _found(visit: Visit) -> Agent:
    wanted = visit.request.path_params["id"]
    found = next((one for one in visit.console.rules.agents if one.id == wanted), None)
    if found is None:
        raise NotAllowed("no agent of the register has this id")
    return found


def _shown(visit: Visit, found: Agent, rules: RuleSet) -> dict[str, Any]:
    today = now().date()
    standings = {origin: standing_on(found, origin, today, rules) for origin in ORIGINS}
    rows = [(origin, spans(found, origin, today, rules)) for origin in ORIGINS]
    language = visit.words.language
    return {
        "agent": found,
        "today": today,
        "standings": standings,
        "reasons": {
            origin: [rules.texts.say(one, language) for one in its.reasons]
            for origin, its in standings.items()
        },
        "rows": rows,
        "picture": picture(rows, today),
        "statuses": sorted(
            {span.status for _, its in rows for span in its}, key=lambda one: rules.status_rank[one]
        ),
        "instruments": rules.instruments,
        "subs": list(_subs(found)),
    }


def _subs(recipient: Any, depth: int = 0) -> Iterator[tuple[int, Any]]:
    for one in recipient.sub_processors:
        yield depth, one
        yield from _subs(one, depth + 1)


def _in_force(instrument: Any, today: Any) -> bool:
    ended = instrument.valid_until is not None and instrument.valid_until < today
    return instrument.valid_from <= today and not ended


def _from_text(text: str) -> Mapping[str, Any]:
    try:
        entry = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise NotAllowed(f"this is no YAML: {error}") from None
    if not isinstance(entry, dict):
        raise NotAllowed("write the fields of one agent, e.g. `id: example-llm`")
    return entry


def _from_form(visit: Visit, evidence: Mapping[str, str]) -> Mapping[str, Any]:
    matches = []
    for line in visit.text("match").split():
        host, _, path = line.partition("/")
        host, _, port = host.partition(":")
        match: dict[str, Any] = {"host": host.lower()}
        match |= {"port": port} if port else {}
        match |= {"path": f"/{path}"} if path else {}
        matches.append(match)
    return {
        "id": visit.text("id"),
        "name": visit.text("name"),
        "match": matches,
        "entity": {"name": visit.text("entity"), "country": visit.text("country").upper()},
        "role": visit.text("role"),
        "purposes": visit.texts("purpose"),
        "categories": visit.texts("category"),
        "processing_countries": visit.text("countries").upper().replace(",", " ").split(),
        "review_due": visit.text("review_due"),
        "assurances": [_ground(visit, one, evidence) for one in visit.texts("instrument")],
    }


def _ground(visit: Visit, instrument: str, evidence: Mapping[str, str]) -> dict[str, Any]:
    def said(name: str) -> str:
        return visit.text(f"{instrument}.{name}")

    ground: dict[str, Any] = {"instrument": instrument, "valid_from": said("from")}
    ground |= {"valid_until": said("until")} if said("until") else {}
    ground |= {"module": said("module")} if said("module") else {}
    ground |= {"shown": shown} if (shown := visit.texts(f"{instrument}.shown")) else {}
    if said("reference"):
        ground["evidence"] = {
            "reference": said("reference"),
            "checked_on": now().date().isoformat(),
            "checked_by": visit.by,
            "sha256": evidence.get(f"{instrument}.file"),
        }
    if said("tia"):
        ground["tia"] = {
            "outcome": said("tia"),
            "assessed_on": said("tia_on"),
            "reference": said("tia_reference"),
        }
    return ground
