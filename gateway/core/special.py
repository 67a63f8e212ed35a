"""The typed form of `rules/detection/special/` and `records.yaml`: what tells of a person, as data.

A word such as "diabetes" is no personal data; that somebody has it is. So the rules hold, for each language, the words
of each kind and the words that tie them to a person or keep them apart from one. What makes a record a person's, or a
table a statistic, is not a matter of language and stands in `records.yaml`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

STRICT: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words of one kind of data in one language. In a term `*` stands for any letters of a word."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    entity: str
    states: tuple[str, ...] = ()
    """Terms that describe a person."""
    topics: tuple[str, ...] = ()
    """Terms that name a subject, which may be anybody's."""
    fields: tuple[str, ...] = ()
    """Names of fields whose value tells, in a record of a person."""

    def __post_init__(self) -> None:
        for term in (*self.states, *self.topics, *self.fields):
            check_term(term)


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """`rules/detection/special/*.yaml`: one language."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    language: str
    source: str
    verified: bool
    author: tuple[str, ...]
    """Words by which an author speaks of themselves."""
    person: tuple[str, ...]
    """Words for somebody who is named elsewhere in the text."""
    having: tuple[str, ...]
    """Words that may stand between a person and a topic of theirs."""
    suffering: tuple[str, ...]
    """Words after which a term is somebody's, whatever else the sentence says."""
    about: tuple[str, ...]
    """Words that make a sentence one about the topic."""
    vocabulary: tuple[Vocabulary, ...]

    def __post_init__(self) -> None:
        for term in (*self.author, *self.person, *self.having, *self.suffering, *self.about):
            check_term(term)


def check_term(term: str) -> None:
    """Raises ValueError where a term is not in small letters, or would be found everywhere."""
    if term != term.lower():
        raise ValueError(f"term {term!r} must be written in lower case")
    if not any(map(str.isalnum, term)):
        raise ValueError(f"term {term!r} has no letters, and would be found everywhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the fields of a combination."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    entity: str
    fields: tuple[str, ...]
    pattern: str
    """RE2; the whole value must match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Fields that together single a person out, where each alone does not."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    source: str
    verified: bool
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError(f"combination {self.id} needs two parts at least; for one, write a field rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregates:
    """What makes a table a statistic, and which of its cells single people out (DEF-4)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    smallest_group: int
    """A count above 0 and below this singles people out."""
    entity: str
    counts: tuple[str, ...]
    """Names of fields that hold how many people a row stands for."""
    dimensions: tuple[str, ...]
    """Names of fields by which people are grouped, besides those of the vocabulary."""
    totals: tuple[str, ...]
    """Values that stand for all groups of a dimension."""
    source: str
    verified: bool

    def __post_init__(self) -> None:
        if self.smallest_group < 2:
            raise ValueError(f"smallest_group is {self.smallest_group}; a group has two people at least")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsFile:
    """`rules/detection/records.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    identifying: tuple[str, ...]
    """Ids of categories a finding of which says that a sentence or a record is about a person."""
    things: tuple[str, ...]
    """Last words of field names whose values are of things: what is said there is of nobody."""
    empty: tuple[str, ...]
    """Values that say nothing."""
    score: float
    combinations: tuple[Combination, ...]
    aggregates: Aggregates

    def __post_init__(self) -> None:
        if not 0 < self.score < 1:
            raise ValueError(f"score is {self.score}; write a number between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialRules:
    """All of it."""

    languages: tuple[Language, ...]
    records: RecordsFile

    @property
    def entities(self) -> frozenset[str]:
        """All entities that can be found by it."""
        told = {one.entity for language in self.languages for one in language.vocabulary}
        parts = {part.entity for one in self.records.combinations for part in one.parts}
        return frozenset(told | parts | {self.records.aggregates.entity})
