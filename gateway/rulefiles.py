"""Reads `rules/` from disk into a RuleSet, or says file, line and field of everything that is wrong.

Files are YAML 1.2 and validated against the dataclasses of `core.ruleset`. They are parsed fast first; only when
something is wrong is a file read again with positions, so that checking five thousand agents stays quick.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from gateway.core import detection
from gateway.core.agent import Agent, AgentsFile
from gateway.core.detection import CustomFile, RecognizersFile
from gateway.core.errors import Problem, RulesError
from gateway.core.law import AdequacyFile, CategoriesFile, Category, CountriesFile, InstrumentsFile
from gateway.core.ruleset import ClausesFile, Contact, DecisionFile, RuleSet, TransportFile

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Loaded[T]:
    """One file and what it holds; `problem` points back into it."""

    name: str
    text: bytes
    content: T

    def problem(self, location: Location, what: str) -> Problem:
        return Problem(self.name, _line_of(self.text, location), _dotted(location), what)


KINDS: tuple[tuple[str, type[Any], bool], ...] = (
    ("law/instruments/*.yaml", InstrumentsFile, True),
    ("law/adequacy.yaml", AdequacyFile, True),
    ("law/countries.yaml", CountriesFile, True),
    ("law/categories.yaml", CategoriesFile, True),
    ("policy/decision.yaml", DecisionFile, True),
    ("policy/clauses.yaml", ClausesFile, True),
    ("policy/contact.yaml", Contact, True),
    ("policy/transport.yaml", TransportFile, True),
    *((pattern, kind, True) for pattern, kind in detection.FILES),
    (detection.CUSTOM_FILES, CustomFile, False),
    ("agents/*.yaml", AgentsFile, False),
)
"""Every kind of file under `rules/`: where, what type, and whether at least one must be there."""


def load_rules(folder: Path, *, trying_patterns: bool = False) -> RuleSet:
    """Compile everything under `folder`; `trying_patterns` also compiles what otherwise only the detector does.

    Raises:
        RulesError: with one Problem for each place that is wrong; nothing is loaded then.
    """
    return _compile_folder(folder, _read(folder), trying_patterns=trying_patterns)


Snapshot = dict[Path, bytes]
"""Every file by its name below the folder: read once, so that the digest is that of the very bytes compiled."""


def _read(folder: Path) -> Snapshot:
    if not folder.is_dir():
        raise RulesError([Problem(str(folder), 0, "", "is no folder; name the rules folder with --rules")])
    try:
        return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.y*ml"))}
    except OSError as error:
        raise RulesError(
            [Problem(str(error.filename), 0, "", f"cannot be read: {error.strerror}")]
        ) from error


def _compile_folder(
    folder: Path,
    snapshot: Snapshot,
    shown_as: Mapping[Path, str] | None = None,
    *,
    trying_patterns: bool = False,
) -> RuleSet:
    problems: list[Problem] = [*_strangers(folder, snapshot)]
    shown = {name: str(folder / name) for name in snapshot} | dict(shown_as or {})
    files: dict[type[Any], list[_Loaded[Any]]] = {}
    for pattern, kind, required in KINDS:
        matching = [name for name in snapshot if _fits(name, pattern)]
        if required and not matching:
            problems.append(
                Problem(f"{folder}/{pattern}", 0, "", "is missing; copy it from the shipped rules")
            )
        loaded = [_load(shown[name], snapshot[name], kind, problems) for name in matching]
        files.setdefault(kind, []).extend(one for one in loaded if one is not None)
    if not problems:
        problems += _cross_check(files)
        problems += _check_custom(files)
    if trying_patterns and not problems:
        problems += _try_patterns(files)
    if problems:
        raise RulesError(problems)
    try:
        return _assemble(files, _digest(snapshot))
    except ValueError as error:
        raise RulesError([Problem(str(folder / "detection"), 0, "", str(error))]) from error


def check_with(folder: Path, file: Path) -> tuple[Agent, ...]:
    """The agents of `file`, checked as if it stood in `folder`/agents, in place of a file of the same name.

    Raises:
        RulesError: with one Problem for each place that is wrong.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise RulesError([Problem(str(file), 0, "", f"cannot be read: {error.strerror}")]) from error
    name = Path("agents") / file.name
    compiled = _compile_folder(folder, _read(folder) | {name: text}, shown_as={name: str(file)})
    wanted = {agent["id"] for agent in YAML(typ="safe").load(text)["agents"]}
    return tuple(agent for agent in compiled.agents if agent.id in wanted)


def _fits(name: Path, pattern: str) -> bool:
    return name.match(pattern) and len(name.parts) == pattern.count("/") + 1


def _strangers(folder: Path, snapshot: Snapshot) -> Iterator[Problem]:
    """A file nobody reads is a rule somebody believes in: refuse it."""
    for name in snapshot:
        if not any(_fits(name, pattern) for pattern, _, _ in KINDS):
            yield Problem(
                str(folder / name), 0, "", "is no file this version reads; remove it or mend its name"
            )


def _digest(snapshot: Snapshot) -> str:
    """SHA-256 over names and contents, in order, each framed by its length."""
    digest = hashlib.sha256(b"onward-rules-1")
    for name, text in snapshot.items():
        for part in (name.as_posix().encode(), text):
            digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Validators are compiled once for each kind of file, when the first of it is read."""
    return _ADAPTERS.setdefault(kind, _ADAPTERS.get(kind) or TypeAdapter(kind))


def _load[T](name: str, text: bytes, kind: type[T], problems: list[Problem]) -> _Loaded[T] | None:
    try:
        data = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(part) for part in (error.context, error.problem) if part)
        problems.append(Problem(name, mark.line + 1 if mark else 0, "", f"is not valid YAML: {what}"))
        return None
    except (YAMLError, UnicodeError) as error:
        problems.append(Problem(name, 0, "", f"is not valid YAML: {type(error).__name__}: {error}"))
        return None
    try:
        return _Loaded(name, text, _adapter(kind).validate_python(data))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            location = tuple(fault["loc"])
            problems.append(Problem(name, _line_of(text, location), _dotted(location), _say(fault)))
        return None


def _say(fault: Any) -> str:
    """A validation fault in words an officer can act on."""
    message = str(fault["msg"]).removeprefix("Value error, ")
    match fault["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            return "is no field of this file; remove it or mend its spelling"
        case "missing" | "missing_argument" | "missing_keyword_only_argument":
            return "is missing; write it"
        case "literal_error" | "enum" | "date_from_datetime_parsing" | "date_parsing":
            return f"{message} (found {fault['input']!r})"
    return message


def _dotted(location: Location) -> str:
    return ".".join(str(part) for part in location)


def _line_of(text: bytes, location: Location) -> int:
    """1-based line of a field; of the nearest thing around it where the field itself is missing."""
    node: Any = YAML().load(text)
    line = 0
    for part in location:
        try:
            line = (node.lc.item if isinstance(part, int) else node.lc.key)(part)[0]
            node = node[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return int(line) + 1


def _cross_check(files: dict[type[Any], list[_Loaded[Any]]]) -> Iterator[Problem]:
    """What one file alone cannot show: ids that name nothing, ids used twice, agents that claim the same place."""
    instruments = {one.id: one for file in files[InstrumentsFile] for one in file.content.instruments}
    clauses = {one.id for file in files[ClausesFile] for one in file.content.clauses}
    categories = {one.id for file in files[CategoriesFile] for one in file.content.categories}
    decision: DecisionFile = files[DecisionFile][0].content
    scope_tests = {one.scope_test for file in files[AdequacyFile] for one in file.content.adequacy}

    yield from _twice(files[InstrumentsFile], "instruments", lambda one: one.id)
    yield from _twice(files[ClausesFile], "clauses", lambda one: one.id)
    yield from _twice(files[CategoriesFile], "categories", lambda one: one.id)
    yield from _twice(files[AgentsFile], "agents", lambda one: one.id)
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
    taken: dict[object, str] = {}
    for file in files[AgentsFile]:
        for place, agent in enumerate(file.content.agents):
            at: Location = ("agents", place)
            yield from _check_purposes(file, at, agent, categories, decision)
            yield from _check_assurances(file, at, agent, instruments, scope_tests)
            for number, match in enumerate(agent.match):
                claimed = (match.host, match.cidr, match.port, match.path)
                if claimed in taken:
                    yield file.problem((*at, "match", number), f"belongs to agent {taken[claimed]!r} already")
                taken[claimed] = agent.id


def _check_custom(files: dict[type[Any], list[_Loaded[Any]]]) -> Iterator[Problem]:
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


def _try_patterns(files: dict[type[Any], list[_Loaded[Any]]]) -> Iterator[Problem]:
    """Patterns and checks that the detector would refuse, with their places."""
    # Here and not above: the detector's libraries take seconds to import.
    from gateway.detect.checks import check_named
    from gateway.detect.lists import allowing
    from gateway.detect.patterns import searching

    def tried(file: _Loaded[Any], at: Location, attempt: Callable[[], object]) -> Iterator[Problem]:
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
    file: _Loaded[AgentsFile], at: Location, agent: Agent, categories: Iterable[str], decision: DecisionFile
) -> Iterator[Problem]:
    for number, purpose in enumerate(agent.purposes):
        if purpose in decision.never_purposes:
            yield file.problem(
                (*at, "purposes", number), f"no agent may have the purpose {purpose!r} (ONWARD-2)"
            )
    for number, category in enumerate(agent.categories):
        if category not in categories:
            yield file.problem((*at, "categories", number), _unknown("category", category, categories))


def _check_assurances(
    file: _Loaded[AgentsFile],
    at: Location,
    agent: Agent,
    instruments: dict[str, Any],
    scope_tests: Iterable[str],
) -> Iterator[Problem]:
    for number, entry in enumerate(agent.assurances):
        here = (*at, "assurances", number)
        instrument = instruments.get(entry.instrument)
        if instrument is None:
            yield file.problem((*here, "instrument"), _unknown("instrument", entry.instrument, instruments))
            continue
        keys = set(scope_tests) if instrument.needs_adequacy else {item.key for item in instrument.must_show}
        for index, key in enumerate(entry.shown):
            if key not in keys:
                yield file.problem((*here, "shown", index), _unknown("item to show", key, keys))
        if entry.valid_until is not None and entry.valid_until < entry.valid_from:
            yield file.problem((*here, "valid_until"), f"lies before valid_from {entry.valid_from}")
        if agent.role == "third_party" and entry.module in (2, 3):
            what = "an agent that uses data for its own ends is no processor (ONWARD-5); only module 1 fits"
            yield file.problem((*here, "module"), what)


def _twice(files: Sequence[_Loaded[Any]], key: str, identity: Callable[[Any], str]) -> Iterator[Problem]:
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


def _assemble(files: dict[type[Any], list[_Loaded[Any]]], digest: str) -> RuleSet:
    def only(kind: type[Any]) -> Any:
        return files[kind][0].content

    law = [*files[InstrumentsFile], *files[AdequacyFile], *files[CountriesFile], *files[CategoriesFile]]
    categories: CategoriesFile = only(CategoriesFile)
    ranks = {data_class: rank.rank for data_class, rank in categories.classes.items()}
    as_of: date = min(file.content.as_of for file in law)
    return RuleSet(
        digest=digest,
        as_of=as_of,
        instruments={one.id: one for file in files[InstrumentsFile] for one in file.content.instruments},
        tia=next(file.content.tia for file in files[InstrumentsFile] if file.content.tia),
        adequacy=only(AdequacyFile).adequacy,
        countries=only(CountriesFile).countries,
        territories=only(CountriesFile).territories,
        categories={one.id: one for one in categories.categories},
        class_rank=ranks,
        decision=only(DecisionFile),
        clauses={one.id: one for one in only(ClausesFile).clauses},
        contact=only(Contact),
        transport=only(TransportFile),
        detection=detection.assemble(
            [
                file.content
                for kind in (*dict.fromkeys(kind for _, kind in detection.FILES), CustomFile)
                for file in files[kind]
            ],
            category_of=category_of(categories.categories, ranks),
        ),
        agents=tuple(agent for file in files[AgentsFile] for agent in file.content.agents),
    )


def category_of(categories: Iterable[Category], ranks: dict[Any, int]) -> dict[str, str]:
    """Category of each detector entity; of several the one whose class ranks highest."""
    chosen: dict[str, Category] = {}
    for category in categories:
        for entity in category.entities:
            known = chosen.get(entity)
            if known is None or ranks.get(category.data_class, 0) > ranks.get(known.data_class, 0):
                chosen[entity] = category
    return {entity: category.id for entity, category in chosen.items()}
