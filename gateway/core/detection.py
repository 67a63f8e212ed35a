"""The typed form of `rules/detection/`: what personal data looks like, as data.

A recognizer is a pattern, a check and cue words. Weak shapes (nine bare digits) count only beside a cue word or under a
telling field name, since a third of random numbers passes some state's check digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from gateway.core.model import Evidence
from gateway.core.special import Language, RecordsFile, SpecialRules

STRICT: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way a value is written."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    pattern: str
    """Regular expression in RE2 syntax; borders to letters and digits are checked in addition.

    It is tried on text in which digits, spaces, dashes and signs of all scripts have become ASCII, so that what is left
    beyond ASCII is letters.
    """
    alone: float = 0.0
    """Score without a cue; below the threshold it counts only with one."""
    glued: bool = False
    """May stand next to letters, digits and joining signs (keys inside URLs, for example)."""

    def __post_init__(self) -> None:
        if not 0 <= self.alone <= 1:
            raise ValueError(f"alone is {self.alone}; write a score from 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognizer:
    """What one kind of value looks like."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    entity: str
    forms: tuple[Form, ...]
    check: str | None = None
    """Name of a check: `stdnum.MODULE` of python-stdnum, or one of `detect.checks`."""
    with_cue: float = 0.95
    cues: tuple[str, ...] = ()
    """Words and field names, lower case; a cue counts from the start of a word, so a stem will do."""
    cue_window: int | None = None
    """Characters before a value in which a cue counts, where not so many as for others."""
    region: str | None = None
    evidence: Evidence = Evidence.NONE
    source: str
    verified: bool
    note: str | None = None

    def __post_init__(self) -> None:
        if not self.forms:
            raise ValueError(f"recognizer {self.id} has no form; write at least one pattern")
        if self.region is not None and not (len(self.region) == 2 and self.region.isupper()):
            raise ValueError(f"region {self.region!r} of {self.id} is no ISO 3166 code of two capitals")
        for cue in self.cues:
            if cue != cue.lower():
                raise ValueError(f"cue {cue!r} of {self.id} must be written in lower case")
        if not self.cues and all(form.alone == 0 for form in self.forms):
            raise ValueError(
                f"recognizer {self.id} can never find anything: give it cues or a form an `alone` score"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizersFile:
    """`rules/detection/generic.yaml` and `rules/detection/countries/*.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    recognizers: tuple[Recognizer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """Field names that say by themselves what their value is."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    entity: str
    shape: Literal["name", "text"]
    """`name`: the value must look like a person's name; `text`: any value counts."""
    score: float
    fields: tuple[str, ...]
    """Words in lower case; `firstName`, `first_name` and `First Name` are all `first name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldsFile:
    """`rules/detection/fields.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    fields: tuple[FieldRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesFile:
    """`rules/detection/names.yaml`: how the language model's answers are read."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    person_labels: tuple[str, ...]
    score: float
    """Highest score of a name; that of two words and more from a model that does not say how sure it is."""
    single_word_score: float
    """The same for a name of one word; models err more on these."""
    prose_share: float
    """Share of letters and the signs of sentences around a name from which the text counts as people's own."""
    outside_prose_score: float
    """What the model must say of a name in other text, code and tables; one of a single word is not believed there."""
    technical_share: float
    """Share of identifiers, abbreviations, paths and the like around a name from which a text is a programmer's."""
    technical_score: float
    """What the model must say there of a name of several words, and of one that is the whole of a value."""
    technical_word_score: float
    """The same for a name of one word."""
    lone_word_score: float
    """The same for a text's only word where it ends like a sentence; elsewhere a lone word is not believed."""
    particles: tuple[str, ...]
    """Words in small letters with which names begin."""
    bare_fields: tuple[str, ...]
    """Last words of field names whose values may be anybody's or anything's name."""
    name_fields: tuple[str, ...]
    """Those of them that hold somebody's name where the record is about a person."""
    fields_of_things: tuple[str, ...]
    """Last words of field names that say, beside a bare one, that the record is about a thing."""
    fields_of_people: tuple[str, ...]
    """The same, that it is about a person; these are stronger."""
    never_names: tuple[str, ...]
    """Words in lower case that no name contains."""
    thing_fields: tuple[str, ...]
    """Last words of field names whose values are names of things: there the model is not asked."""
    message_id_fields: tuple[str, ...]
    """Names of fields whose addresses are those of messages, as long as there is a digit before the @."""
    role_mailboxes: tuple[str, ...]
    """Local parts of addresses that belong to an office and not to a person."""
    file_endings: tuple[str, ...]
    """Last parts of what looks like an address but is a file or service, e.g. `logo@2x.png`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringFile:
    """`rules/detection/scoring.yaml`: thresholds, and what anonymizing puts in place."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    threshold: float
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Thresholds by entity that differ from the general one."""
    cue_window: int
    """Characters before a value in which a cue counts; half as many after it."""
    identifier_cues: tuple[str, ...]
    """Words that announce a personal number without saying of which state."""
    identifier_score: float
    """Score of a personal number announced only so."""
    plain_fields: tuple[str, ...]
    """Last words of field names under which a number is just that, unless it is unmistakable."""
    plain_words: tuple[str, ...]
    """Beginnings of words that announce a thing's number: what follows one is nobody's, whatever cue is near."""
    number_words: tuple[str, ...]
    """Words for "number" that are written to a short cue: `bsnnummer`."""
    placeholder: str
    """What replaces a value; `{entity}` stands for its entity."""

    def __post_init__(self) -> None:
        if "{entity}" not in self.placeholder:
            raise ValueError(f"placeholder {self.placeholder!r} must hold {{entity}}")
        for name, value in (("general", self.threshold), *self.thresholds.items()):
            if not 0 < value <= 1:
                raise ValueError(f"threshold {name} is {value}; write a number above 0 and up to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRecognizer:
    """A recognizer of the operator's own, in the fewest words: by pattern, or by the names of the fields alone."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    name: str
    entity: str
    category: str | None = None
    """An id of `law/categories.yaml`; needed for an entity that no category lists yet."""
    pattern: str | None = None
    """As in Form. Without one, whatever stands in a field of these names counts."""
    check: str | None = None
    cues: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    """Field names in lower case; beside a pattern they are cues."""
    region: str | None = None
    evidence: Evidence = Evidence.HINT
    score: float = 0.0
    """Without a cue; 0 where it counts only beside one."""
    score_with_cue: float = 0.95
    note: str | None = None

    def __post_init__(self) -> None:
        _check_entity(self.entity)
        if not all(0 <= score < 1 for score in (self.score, self.score_with_cue)):
            raise ValueError("write scores from 0 to below 1; only what is on the deny list is certain")
        if self.pattern is None and (not self.fields or self.check or self.cues):
            raise ValueError(
                "write a `pattern`; only `fields` can do without one, and then without check and cues"
            )
        if self.pattern is not None:
            self.recognizer()
        if low := [one for one in (*self.cues, *self.fields) if one != one.lower()]:
            raise ValueError(f"{low[0]!r} must be written in lower case")

    def recognizer(self) -> Recognizer:
        """The same in full. Raises ValueError where it can never find anything."""
        assert self.pattern is not None
        return Recognizer(
            id=f"custom.{self.name}",
            entity=self.entity,
            forms=(Form(pattern=self.pattern, alone=self.score),),
            check=self.check,
            with_cue=self.score_with_cue,
            cues=(*self.cues, *self.fields),
            region=self.region,
            evidence=self.evidence if self.region else Evidence.NONE,
            source="detection/custom",
            verified=False,
        )


CERTAIN = 1.0
"""Score of what is on the deny list, and of nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """What is personal data of some entity wherever it stands."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    entity: str
    category: str | None = None
    values: tuple[str, ...] = ()
    """Found in any case, with or without accents, between word borders."""
    patterns: tuple[str, ...] = ()
    note: str | None = None

    def __post_init__(self) -> None:
        _check_entity(self.entity)
        if not self.values and not self.patterns:
            raise ValueError("denies nothing; write `values` or `patterns`")
        if any(sum(map(str.isalnum, value)) < LEAST_DENIED for value in self.values):
            raise ValueError(
                f"values need at least {LEAST_DENIED} letters or digits, or they are found everywhere"
            )


LEAST_DENIED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """What is no personal data although it looks like it. What is denied stays denied."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    reason: str
    """Why it may pass, for those who review the list."""
    values: tuple[str, ...] = ()
    """The whole value, in any case."""
    patterns: tuple[str, ...] = ()
    """RE2; must match the whole value."""
    fingerprints: tuple[str, ...] = ()
    """As the ledger shows them, so that the value itself need not stand here."""
    entities: tuple[str, ...] = ()
    """Only findings of these; of all if empty."""
    agents: tuple[str, ...] = ()
    """Only on the way to these; to all if empty."""

    def __post_init__(self) -> None:
        if not self.values and not self.patterns and not self.fingerprints:
            raise ValueError("allows nothing; write `values`, `patterns` or `fingerprints`")
        if not self.reason.strip():
            raise ValueError("write a `reason`: an entry nobody can explain is a hole")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomFile:
    """`rules/detection/custom/*.yaml`: what the operator's own data looks like, and what is always or never found."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    recognizers: tuple[CustomRecognizer, ...] = ()
    deny: tuple[Deny, ...] = ()
    allow: tuple[Allow, ...] = ()

    @property
    def placed(self) -> Mapping[str, Sequence[CustomRecognizer | Deny]]:
        """All that gives an entity a category, by field."""
        return {"recognizers": self.recognizers, "deny": self.deny}


def _check_entity(entity: str) -> None:
    if not re.fullmatch("[A-Z][A-Z0-9_]*", entity):
        raise ValueError(f"entity {entity!r} must be capitals, digits and underscores, e.g. EMPLOYEE_NUMBER")


FILES: tuple[tuple[str, type[Any]], ...] = (
    ("detection/*.recognizers.yaml", RecognizersFile),
    ("detection/countries/*.yaml", RecognizersFile),
    ("detection/fields.yaml", FieldsFile),
    ("detection/names.yaml", NamesFile),
    ("detection/scoring.yaml", ScoringFile),
    ("detection/records.yaml", RecordsFile),
    ("detection/special/*.yaml", Language),
)
"""Where under `rules/` each kind of file stands."""
CUSTOM_FILES = "detection/custom/*.yaml"
"""Where the operator's own stand; there need be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionRules:
    """All of `rules/detection/`, ready for the detector. Picklable: it crosses to worker processes."""

    recognizers: tuple[Recognizer, ...]
    fields: tuple[FieldRule, ...]
    names: NamesFile
    scoring: ScoringFile
    special: SpecialRules
    category_of: Mapping[str, str]
    """Category of each entity, from `rules/law/categories.yaml` and the operator's own."""
    deny: tuple[Deny, ...] = ()
    allow: tuple[Allow, ...] = ()

    @property
    def agents_allowed_more(self) -> frozenset[str]:
        """Agents with entries of their own on the allow list."""
        return frozenset(agent for entry in self.allow for agent in entry.agents)

    def threshold(self, entity: str) -> float:
        """Lowest score at which a finding of `entity` counts."""
        return self.scoring.thresholds.get(entity, self.scoring.threshold)


def assemble(contents: Iterable[object], category_of: Mapping[str, str]) -> DetectionRules:
    """One DetectionRules from the contents of all files.

    Raises:
        ValueError: an id is used twice, an entity belongs to no category, or a kind of file is there twice.
    """
    recognizers: list[Recognizer] = []
    custom: list[CustomFile] = []
    languages: list[Language] = []
    single: dict[type[Any], Any] = {}
    for content in contents:
        if isinstance(content, RecognizersFile):
            recognizers += content.recognizers
        elif isinstance(content, CustomFile):
            custom.append(content)
        elif isinstance(content, Language):
            languages.append(content)
        else:
            single[type(content)] = content
    own = [one for file in custom for one in file.recognizers]
    deny = tuple(entry for file in custom for entry in file.deny)
    recognizers += [one.recognizer() for one in own if one.pattern is not None]
    recognizers += [
        _denying(entry, place, pattern) for place, entry in enumerate(deny) for pattern in entry.patterns
    ]
    fields = tuple(
        FieldRule(entity=one.entity, shape="text", score=one.score_with_cue, fields=one.fields)
        for one in own
        if one.pattern is None
    )
    placed = {
        one.entity: one.category
        for file in custom
        for entries in file.placed.values()
        for one in entries
        if one.category
    }
    category_of = {**placed, **category_of}
    ids = [one.id for one in recognizers]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise ValueError(f"recognizer ids are used twice: {', '.join(twice)}")
    fields = (*single[FieldsFile].fields, *fields)
    special = SpecialRules(
        languages=tuple(sorted(languages, key=lambda one: one.language)), records=single[RecordsFile]
    )
    named: list[Recognizer | FieldRule | Deny] = [*recognizers, *fields, *deny]
    entities = special.entities | {one.entity for one in named}
    if homeless := sorted(entities - category_of.keys()):
        raise ValueError(f"no category of law/categories.yaml lists these entities: {', '.join(homeless)}")
    return DetectionRules(
        recognizers=tuple(sorted(recognizers, key=lambda one: one.id)),
        fields=fields,
        names=single[NamesFile],
        scoring=single[ScoringFile],
        special=special,
        category_of=dict(category_of),
        deny=deny,
        allow=tuple(entry for file in custom for entry in file.allow),
    )


def _denying(entry: Deny, place: int, pattern: str) -> Recognizer:
    return Recognizer(
        id=f"deny.{place}.{entry.patterns.index(pattern)}",
        entity=entry.entity,
        forms=(Form(pattern=pattern, alone=CERTAIN),),
        source="detection/custom",
        verified=False,
    )
