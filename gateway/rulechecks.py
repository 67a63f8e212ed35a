"""What no rules file shows by itself: ids that name nothing or two things, rules that contradict each other."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any

from gateway.core.agent import Agent, AgentsFile, Assurance, SubProcessor
from gateway.core.company import CompanyFile
from gateway.core.complaint import ComplaintsFile
from gateway.core.detection import CustomFile, RecognizersFile
from gateway.core.errors import Problem
from gateway.core.exemption import ExemptionsFile
from gateway.core.law import (
    Adequacy,
    AdequacyFile,
    AssuranceTypesFile,
    CategoriesFile,
    ClocksFile,
    Instrument,
    InstrumentsFile,
)
from gateway.core.model import GRAVE
from gateway.core.rights import RightsFile
from gateway.core.ruleset import ClausesFile, DecisionFile, UninspectedFile
from gateway.core.shadow import ShadowFile
from gateway.core.source import PurposesFile, SourcesFile
from gateway.core.special import Language, RecordsFile
from gateway.core.texts import TextsFile
from gateway.ruleplaces import Loaded, Location

Files = dict[type[Any], list[Loaded[Any]]]
"""All files of a rules folder by their kind."""


def cross_check(files: Files) -> Iterator[Problem]:
    """What one file alone cannot show: ids that name nothing, ids used twice, agents that claim the same place."""
    instruments = instruments_in(files)
    clauses = {one.id for file in files[ClausesFile] for one in file.content.clauses}
    categories = {one.id for file in files[CategoriesFile] for one in file.content.categories}
    decision: DecisionFile = files[DecisionFile][0].content
    scope_tests = {one.scope_test for file in files[AdequacyFile] for one in file.content.adequacy}
    purposes = {one.id for file in files[PurposesFile] for one in file.content.purposes}

    yield from _twice(files[InstrumentsFile], "instruments", lambda one: one.id)
    yield from _twice(files[AssuranceTypesFile], "types", lambda one: one.id)
    yield from _twice(files[ClausesFile], "clauses", lambda one: one.id)
    yield from _twice(files[CategoriesFile], "categories", lambda one: one.id)
    yield from _twice(files[ExemptionsFile], "exemptions", lambda one: one.id)
    yield from _twice(files[PurposesFile], "purposes", lambda one: one.id)
    yield from _twice(files[SourcesFile], "sources", lambda one: one.id)
    yield from _twice(files[AgentsFile], "agents", lambda one: one.id)
    for place, data_class, what in decision.contradictions():
        yield files[DecisionFile][0].problem(("statuses", place, "cells", data_class), what)
    told = [
        one.id for file in files[CategoriesFile] for one in file.content.categories if one.data_class in GRAVE
    ]
    for where, what in files[TextsFile][0].content.problems(told):
        yield files[TextsFile][0].problem(where, what)
    for place, rule in enumerate(decision.statuses):
        for index, clause in enumerate(rule.clauses):
            if clause not in clauses:
                yield files[DecisionFile][0].problem(
                    ("statuses", place, "clauses", index), _unknown("clause", clause, clauses)
                )
    if not any(file.content.tia for file in files[InstrumentsFile]):
        yield files[InstrumentsFile][0].problem((), "no file of law/instruments holds `tia`")
    for file in files[InstrumentsFile]:
        for place, one in enumerate(file.content.instruments):
            for key in ("only_with", "requires"):
                for index, named in enumerate(getattr(one, key)):
                    if named not in instruments:
                        yield file.problem(
                            ("instruments", place, key, index), _unknown("instrument", named, instruments)
                        )
    yield from _check_rights(files, clauses)
    agents = {agent.id for file in files[AgentsFile] for agent in file.content.agents}
    for file in files[UninspectedFile]:
        for place, one in enumerate(file.content.uninspected):
            if one.agent not in agents:
                yield file.problem(("uninspected", place, "agent"), _unknown("agent", one.agent, agents))
    taken: dict[object, str] = {}
    for file in files[AgentsFile]:
        for place, agent in enumerate(file.content.agents):
            at: Location = ("agents", place)
            yield from _check_purposes(file, at, agent, categories, purposes, decision)
            yield from _check_assurances(file, at, agent, instruments, scope_tests)
            for number, match in enumerate(agent.match):
                claimed = (match.host, match.cidr, match.port, match.path)
                if claimed in taken:
                    yield file.problem((*at, "match", number), f"belongs to agent {taken[claimed]!r} already")
                taken[claimed] = agent.id
    yield from _check_adequacy(files)
    yield from _check_sources(files, categories, purposes)
    yield from _check_company(files, instruments, clauses)
    yield from _check_custom(files)
    yield from _check_telling(files, categories)
    agents = {agent.id for file in files[AgentsFile] for agent in file.content.agents}
    for file in files[ShadowFile]:
        for place, one in enumerate(file.content.unsafe_shadow):
            if one.agent is not None and one.agent not in agents:
                yield file.problem(("unsafe_shadow", place, "agent"), _unknown("agent", one.agent, agents))


def instruments_in(files: Files) -> dict[str, Instrument]:
    """All instruments by id: those of the law, and the company's own assurance types."""
    known = {one.id: one for file in files[InstrumentsFile] for one in file.content.instruments}
    return known | {
        one.id: one.instrument() for file in files[AssuranceTypesFile] for one in file.content.types
    }


def _check_adequacy(files: Files) -> Iterator[Problem]:
    """Two findings for one destination and origin on one day contradict each other."""
    for file in files[AdequacyFile]:
        seen: list[Adequacy] = []
        for place, one in enumerate(file.content.adequacy):
            for other in seen:
                if other.country == one.country and set(other.origins) & set(one.origins):
                    begins = max(one.valid_from, other.valid_from)
                    if begins <= min(one.valid_until or date.max, other.valid_until or date.max):
                        what = f"overlaps with {other.instrument!r}, also for {one.country}; end one of them"
                        yield file.problem(("adequacy", place, "valid_from"), what)
            seen.append(one)


def _check_sources(files: Files, categories: Iterable[str], purposes: Iterable[str]) -> Iterator[Problem]:
    family = {one.id for file in files[CompanyFile] for one in file.content.family}
    taken: dict[str, str] = {}
    for file in files[SourcesFile]:
        for place, source in enumerate(file.content.sources):
            at: Location = ("sources", place)
            if source.entity not in family:
                yield file.problem((*at, "entity"), _unknown("family member", source.entity, family))
            for key, what, known in (
                ("purposes", "purpose", purposes),
                ("categories", "category", categories),
            ):
                for index, name in enumerate(getattr(source, key)):
                    if name not in known:
                        yield file.problem((*at, key, index), _unknown(what, name, known))
            for key in ("networks", "users", "datasets"):
                for index, name in enumerate(getattr(source.match, key)):
                    claimed = f"{key}: {name}"
                    if claimed in taken:
                        what = f"belongs to source {taken[claimed]!r} already"
                        yield file.problem((*at, "match", key, index), what)
                    taken[claimed] = source.id
    for file in files[PurposesFile]:
        for place, one in enumerate(file.content.compatible):
            for key in ("collected_for", "used_for"):
                if getattr(one, key) not in purposes:
                    what = _unknown("purpose", getattr(one, key), purposes)
                    yield file.problem(("compatible", place, key), what)


def _check_company(
    files: Files, instruments: dict[str, Instrument], clauses: Iterable[str]
) -> Iterator[Problem]:
    for file in files[CompanyFile]:
        for place, one in enumerate(file.content.certifications):
            if one.instrument not in instruments:
                what = _unknown("instrument", one.instrument, instruments)
                yield file.problem(("certifications", place, "instrument"), what)
        for place, principle in enumerate(file.content.principles):
            for index, clause in enumerate(principle.clauses):
                if clause not in clauses:
                    what = _unknown("clause", clause, clauses)
                    yield file.problem(("principles", place, "clauses", index), what)
    for file in files[ExemptionsFile]:
        for place, exemption in enumerate(file.content.exemptions):
            if exemption.clause is not None and exemption.clause not in clauses:
                yield file.problem(
                    ("exemptions", place, "clause"), _unknown("clause", exemption.clause, clauses)
                )


def _check_custom(files: Files) -> Iterator[Problem]:
    """The operator's own recognizers and lists: categories, entities and agents that exist, names used once."""
    categories = {one.id: one for file in files[CategoriesFile] for one in file.content.categories}
    home = {entity: one.id for one in categories.values() for entity in one.entities}
    agents = {agent.id for file in files[AgentsFile] for agent in file.content.agents}
    own: dict[str, str] = {}
    yield from _twice(files[CustomFile], "recognizers", lambda one: one.name)
    for file in files[CustomFile]:
        custom: CustomFile = file.content
        for key, entries in custom.placed.items():
            for place, one in enumerate(entries):
                listed = own.get(one.entity) or home.get(one.entity)
                if one.category is None:
                    continue
                if one.category not in categories:
                    yield file.problem(
                        (key, place, "category"), _unknown("category", one.category, categories)
                    )
                elif listed not in (None, one.category):
                    what = f"entity {one.entity} belongs to {listed!r} already; write that, or take another entity"
                    yield file.problem((key, place, "category"), what)
                own.setdefault(one.entity, one.category)
    known = {*home, *own}
    for file in files[CustomFile]:
        for key, entries in file.content.placed.items():
            for place, one in enumerate(entries):
                if one.entity not in known:
                    what = (
                        f"no category lists {one.entity}; write `category:` with an id of law/categories.yaml"
                    )
                    yield file.problem((key, place, "entity"), what)
        for place, entry in enumerate(file.content.allow):
            for key, what, names, those in (
                ("entities", "entity", entry.entities, known),
                ("agents", "agent", entry.agents, agents),
            ):
                for index, name in enumerate(names):
                    if name not in those:
                        yield file.problem(("allow", place, key, index), _unknown(what, name, those))


def _check_telling(files: Files, categories: Iterable[str]) -> Iterator[Problem]:
    """What tells of people: each language written once, and categories that exist."""
    languages: dict[str, str] = {}
    for file in files[Language]:
        first = languages.setdefault(file.content.language, file.name)
        if first != file.name:
            what = f"language {file.content.language!r} is written in {first} already; put both into one file"
            yield file.problem(("language",), what)
    for file in files[RecordsFile]:
        for place, name in enumerate(file.content.identifying):
            if name not in categories:
                yield file.problem(("identifying", place), _unknown("category", name, categories))


def try_patterns(files: Files) -> Iterator[Problem]:
    """Patterns and checks that the detector would refuse, with their places."""
    # Here and not above: the detector's libraries take seconds to import.
    from gateway.detect.checks import check_named
    from gateway.detect.lists import allowing
    from gateway.detect.patterns import searching

    def tried(file: Loaded[Any], at: Location, attempt: Callable[[], object]) -> Iterator[Problem]:
        try:
            attempt()
        except ValueError as error:
            yield file.problem(at, str(error))

    for file in files[RecognizersFile]:
        for place, one in enumerate(file.content.recognizers):
            for index, form in enumerate(one.forms):
                at: Location = ("recognizers", place, "forms", index, "pattern")
                yield from tried(file, at, partial(searching, form.pattern))
            if one.check:
                yield from tried(file, ("recognizers", place, "check"), partial(check_named, one.check))
    for file in files[CustomFile]:
        for place, own in enumerate(file.content.recognizers):
            if own.pattern is not None:
                yield from tried(file, ("recognizers", place, "pattern"), partial(searching, own.pattern))
            if own.check:
                yield from tried(file, ("recognizers", place, "check"), partial(check_named, own.check))
        for key, attempt in (("deny", searching), ("allow", allowing)):
            for place, entry in enumerate(getattr(file.content, key)):
                for index, pattern in enumerate(entry.patterns):
                    yield from tried(file, (key, place, "patterns", index), partial(attempt, pattern))


def _check_purposes(
    file: Loaded[AgentsFile],
    at: Location,
    agent: Agent,
    categories: Iterable[str],
    purposes: Iterable[str],
    decision: DecisionFile,
) -> Iterator[Problem]:
    for number, purpose in enumerate(agent.purposes):
        if purpose in decision.never_purposes:
            yield file.problem(
                (*at, "purposes", number), f"no agent may have the purpose {purpose!r} (ONWARD-2)"
            )
        elif purpose not in purposes:
            yield file.problem((*at, "purposes", number), _unknown("purpose", purpose, purposes))
    for number, category in enumerate(agent.categories):
        if category in decision.never_categories:
            what = f"no agent may receive the category {category!r} (ACCESS-3)"
            yield file.problem((*at, "categories", number), what)
        elif category not in categories:
            yield file.problem((*at, "categories", number), _unknown("category", category, categories))


def _check_assurances(
    file: Loaded[AgentsFile],
    at: Location,
    party: Agent | SubProcessor,
    instruments: dict[str, Instrument],
    scope_tests: Iterable[str],
) -> Iterator[Problem]:
    """The entries of an agent, and of those it passes data on to."""
    for number, entry in enumerate(party.assurances):
        here = (*at, "assurances", number)
        instrument = instruments.get(entry.instrument)
        if instrument is None:
            yield file.problem((*here, "instrument"), _unknown("instrument", entry.instrument, instruments))
            continue
        yield from _check_entry(file, here, entry, instrument, scope_tests)
        if party.role == "third_party" and entry.module in (2, 3):
            what = "an agent that uses data for its own ends is no processor (ONWARD-5); only module 1 fits"
            yield file.problem((*here, "module"), what)
    for number, sub in enumerate(party.sub_processors):
        yield from _check_assurances(file, (*at, "sub_processors", number), sub, instruments, scope_tests)


def _check_entry(
    file: Loaded[AgentsFile],
    here: Location,
    entry: Assurance,
    instrument: Instrument,
    scope_tests: Iterable[str],
) -> Iterator[Problem]:
    keys = set(scope_tests) if instrument.needs_adequacy else {item.key for item in instrument.must_show}
    for index, key in enumerate(entry.shown):
        if key not in keys:
            yield file.problem((*here, "shown", index), _unknown("item to show", key, keys))
    if entry.valid_until is not None and entry.valid_until < entry.valid_from:
        yield file.problem((*here, "valid_until"), f"lies before valid_from {entry.valid_from}")
    if entry.module is not None and entry.module not in {one.number for one in instrument.modules}:
        yield file.problem((*here, "module"), f"{instrument.id} has no module {entry.module}")
    checked = entry.evidence.checked_on if entry.evidence else None
    if checked is not None and entry.valid_until is not None and checked > entry.valid_until:
        what = f"was checked after the entry ended on {entry.valid_until}; enter the renewed document instead"
        yield file.problem((*here, "evidence", "checked_on"), what)


def _twice(files: Sequence[Loaded[Any]], key: str, identity: Callable[[Any], str]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for file in files:
        for place, one in enumerate(getattr(file.content, key)):
            if identity(one) in seen:
                yield file.problem(
                    (key, place), f"{identity(one)!r} is defined already in {seen[identity(one)]}"
                )
            seen[identity(one)] = file.name


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known are: {', '.join(sorted(known))}"
    return f"names {what} {name!r}, which does not exist{hint}"


def _check_rights(files: Files, clauses: set[str]) -> Iterator[Problem]:
    clocks = {one.id for file in files[ClocksFile] for one in file.content.clocks}
    (file,) = files[RightsFile]
    rights = {one.id for one in file.content.rights}
    yield from _twice([file], "rights", lambda one: one.id)
    yield from _twice([file], "grounds", lambda one: one.id)
    for place, right in enumerate(file.content.rights):
        for index, clause in enumerate(right.clauses):
            if clause not in clauses:
                yield file.problem(("rights", place, "clauses", index), _unknown("clause", clause, clauses))
        for law in ("EU", "CH"):
            if right.clocks.get(law) not in clocks:
                named = right.clocks.get(law, "")
                yield file.problem(("rights", place, "clocks"), f"{law}: {_unknown('clock', named, clocks)}")
    complaints = files[ComplaintsFile][0]
    named_clocks: list[tuple[Location, str]] = [(("reply",), complaints.content.reply)]
    for place, path in enumerate(complaints.content.paths):
        named_clocks += [(("paths", place, key), getattr(path, key)) for key in ("advice", "compliance")]
    for where, named in named_clocks:
        if named not in clocks:
            yield complaints.problem(where, _unknown("clock", named, clocks))
    entities = {
        one for cats in files[CategoriesFile] for cat in cats.content.categories for one in cat.entities
    }
    for place, named in enumerate(file.content.namesakes):
        if named not in entities:
            yield file.problem(("namesakes", place), _unknown("entity", named, entities))
    for place, ground in enumerate(file.content.grounds):
        for index, named in enumerate(ground.rights):
            if named not in rights:
                yield file.problem(("grounds", place, "rights", index), _unknown("right", named, rights))
