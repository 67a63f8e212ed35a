"""Reads `rules/` from disk into a RuleSet, or says file, line and field of everything that is wrong.

Files are YAML 1.2 and validated against the dataclasses of `core.ruleset`. They are parsed fast first; only when
something is wrong is a file read again with positions, so that checking five thousand agents stays quick.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from gateway.core import detection
from gateway.core.agent import Agent, AgentsFile
from gateway.core.assessment import AssessmentFile
from gateway.core.casebook import CasesFile
from gateway.core.company import CompanyFile
from gateway.core.complaint import ComplaintsFile
from gateway.core.detection import CustomFile
from gateway.core.errors import Problem, RulesError
from gateway.core.exemption import ExemptionsFile
from gateway.core.law import (
    AdequacyFile,
    AssuranceTypesFile,
    CategoriesFile,
    Category,
    ClocksFile,
    CountriesFile,
    InstrumentsFile,
)
from gateway.core.notice import NoticeFile
from gateway.core.review import ReviewFile
from gateway.core.rights import RightsFile
from gateway.core.ruleset import ClausesFile, Contact, DecisionFile, RuleSet, TransportFile, UninspectedFile
from gateway.core.shadow import ShadowFile
from gateway.core.source import PurposesFile, SourcesFile
from gateway.core.texts import TextsFile
from gateway.rulechecks import cross_check, try_patterns
from gateway.ruleplaces import Loaded, dotted, line_of

CASES = "tests/*.yaml"
KINDS: tuple[tuple[str, type[Any], bool], ...] = (
    ("law/instruments/*.yaml", InstrumentsFile, True),
    ("law/adequacy.yaml", AdequacyFile, True),
    ("law/countries.yaml", CountriesFile, True),
    ("law/categories.yaml", CategoriesFile, True),
    ("policy/decision.yaml", DecisionFile, True),
    ("policy/clauses.yaml", ClausesFile, True),
    ("policy/contact.yaml", Contact, True),
    ("policy/transport.yaml", TransportFile, True),
    ("policy/review.yaml", ReviewFile, False),
    ("law/exemptions.yaml", ExemptionsFile, True),
    ("law/clocks.yaml", ClocksFile, True),
    ("law/rights.yaml", RightsFile, True),
    ("law/complaints.yaml", ComplaintsFile, True),
    ("policy/texts.yaml", TextsFile, True),
    ("policy/company.yaml", CompanyFile, True),
    ("policy/notice.yaml", NoticeFile, True),
    ("policy/assessment.yaml", AssessmentFile, True),
    ("policy/purposes.yaml", PurposesFile, True),
    ("policy/uninspected.yaml", UninspectedFile, False),
    ("policy/assurance_types.yaml", AssuranceTypesFile, False),
    ("policy/shadow.yaml", ShadowFile, False),
    ("sources/*.yaml", SourcesFile, False),
    (CASES, CasesFile, False),
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
    files: dict[type[Any], list[Loaded[Any]]] = {}
    for pattern, kind, required in KINDS:
        matching = [name for name in snapshot if _fits(name, pattern)]
        if required and not matching:
            problems.append(
                Problem(f"{folder}/{pattern}", 0, "", "is missing; copy it from the shipped rules")
            )
        loaded = [_load(shown[name], snapshot[name], kind, problems) for name in matching]
        files.setdefault(kind, []).extend(one for one in loaded if one is not None)
    if not problems:
        problems += cross_check(files)
    if trying_patterns and not problems:
        problems += try_patterns(files)
    if problems:
        raise RulesError(problems)
    try:
        return _assemble(files, _digest(snapshot))
    except ValueError as error:
        raise RulesError([Problem(str(folder / "detection"), 0, "", str(error))]) from error


def load_cases(folder: Path) -> tuple[RuleSet, Mapping[str, CasesFile]]:
    """The rules of `folder` and the cases written for them, by file. Raises RulesError."""
    snapshot = _read(folder)
    problems: list[Problem] = []
    named = [name for name in snapshot if _fits(name, CASES)]
    loaded = [_load(str(folder / name), snapshot[name], CasesFile, problems) for name in named]
    rules = _compile_folder(folder, snapshot)
    for file in loaded:
        for place, case in enumerate(file.content.cases if file is not None else ()):
            if file is not None and case.given.on < rules.law_begins:
                what = f"there is no law data before {rules.law_begins}; choose a later day"
                problems.append(file.problem(("cases", place, "given", "on"), what))
    if problems:
        raise RulesError(problems)
    return rules, {file.name: file.content for file in loaded if file is not None}


def check_with(folder: Path, file: Path) -> tuple[Agent, ...]:
    """The agents of `file`, checked as if it stood in `folder`/agents, in place of a file of the same name.

    Raises:
        RulesError: with one Problem for each place that is wrong.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise RulesError([Problem(str(file), 0, "", f"cannot be read: {error.strerror}")]) from error
    return check_text(folder, file.name, text, str(file))


def check_text(folder: Path, name: str, text: bytes, shown_as: str) -> tuple[Agent, ...]:
    """The agents of a file of this name and text, checked in the same way. Raises RulesError."""
    place = Path("agents") / name
    compiled = _compile_folder(folder, _read(folder) | {place: text}, shown_as={place: shown_as})
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
        if _fits(name, CASES):
            continue  # Decides nothing: a case more leaves the rules what they are.
        for part in (name.as_posix().encode(), text):
            digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Validators are compiled once for each kind of file, when the first of it is read."""
    return _ADAPTERS.setdefault(kind, _ADAPTERS.get(kind) or TypeAdapter(kind))


_KEPT: OrderedDict[tuple[type[Any], bytes], Any] = OrderedDict()
"""What sound files held, by digest: of thousands of agents only the files that changed are parsed anew."""
_KEPT_FILES = 2_000


def _load[T](name: str, text: bytes, kind: type[T], problems: list[Problem]) -> Loaded[T] | None:
    key = kind, hashlib.sha256(text).digest()
    content: T | None = _KEPT.get(key)
    if content is not None:
        _KEPT.move_to_end(key)
        return Loaded(name, text, content)
    loaded = _parse(name, text, kind, problems)
    if loaded is not None:
        _KEPT[key] = loaded.content
        while len(_KEPT) > _KEPT_FILES:
            _KEPT.popitem(last=False)
    return loaded


def _parse[T](name: str, text: bytes, kind: type[T], problems: list[Problem]) -> Loaded[T] | None:
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
        return Loaded(name, text, _adapter(kind).validate_python(data))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            location = tuple(fault["loc"])
            problems.append(Problem(name, line_of(text, location), dotted(location), _say(fault)))
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


def _assemble(files: dict[type[Any], list[Loaded[Any]]], digest: str) -> RuleSet:
    def only(kind: type[Any]) -> Any:
        return files[kind][0].content

    law = [*files[InstrumentsFile], *files[AdequacyFile], *files[CountriesFile], *files[CategoriesFile]]
    instruments = [one for file in files[InstrumentsFile] for one in file.content.instruments]
    instruments += [one.instrument() for file in files[AssuranceTypesFile] for one in file.content.types]
    categories: CategoriesFile = only(CategoriesFile)
    ranks = {data_class: rank.rank for data_class, rank in categories.classes.items()}
    as_of: date = min(file.content.as_of for file in law)
    return RuleSet(
        digest=digest,
        as_of=as_of,
        instruments={one.id: one for one in instruments},
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
        review=next((file.content for file in files[ReviewFile]), ReviewFile()),
        detection=detection.assemble(
            [
                file.content
                for kind in (*dict.fromkeys(kind for _, kind in detection.FILES), CustomFile)
                for file in files[kind]
            ],
            category_of=category_of(categories.categories, ranks),
        ),
        texts=only(TextsFile),
        exemptions={one.id: one for one in only(ExemptionsFile).exemptions},
        company=only(CompanyFile),
        purposes=only(PurposesFile),
        clocks=only(ClocksFile).clocks,
        rest=only(ClocksFile).rest,
        rights=only(RightsFile),
        complaints=only(ComplaintsFile),
        notice=only(NoticeFile),
        assessment=only(AssessmentFile),
        sources=tuple(source for file in files[SourcesFile] for source in file.content.sources),
        shadows=tuple(one for file in files[ShadowFile] for one in file.content.unsafe_shadow),
        agents=tuple(agent for file in files[AgentsFile] for agent in file.content.agents),
        uninspected=tuple(one for file in files[UninspectedFile] for one in file.content.uninspected),
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
