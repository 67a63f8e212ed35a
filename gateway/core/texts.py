"""Explanations as data: the core says what and with which values, `rules/policy/texts.yaml` says it in a language.

Every language must have every text, with the same places for values; the loader refuses anything less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, ClassVar, Literal

from gateway.core.law import STRICT

NEEDED: Mapping[str, frozenset[str]] = {
    key: frozenset(values.split())
    for key, values in {
        # What an agent's status means; the sentence begins with its name.
        "status/intra_eea": "agent judged",
        "status/adequate": "agent judged",
        "status/certified": "agent judged",
        "status/contract_complete": "agent judged",
        "status/contract_incomplete": "agent judged",
        "status/claimed": "agent judged",
        "status/out_of_scope": "agent judged",
        "status/lapsed": "agent judged",
        "status/invalid_framework": "agent judged",
        "status/suspended": "agent judged",
        "status/none": "agent judged",
        "status/unknown_agent": "agent judged",
        "judged/EU": "",
        "judged/CH": "",
        "judged/unknown": "",
        "the-destination": "",
        # Why its assurance is worth that.
        "unregistered": "",
        "suspended": "day",
        "tia-failed": "",
        "purpose-never": "purpose",
        "no-assurance": "",
        "review-overdue": "day",
        "profile-overdue": "day",
        "sub-processor": "name status",
        "sub-processor-unapproved": "name",
        "complete": "instrument",
        "not-before": "instrument day",
        "relied-until": "instrument day",
        "no-transfer-tool": "instrument",
        "not-signable-after": "instrument day",
        "claimed": "instrument day",
        "ran-out": "instrument day",
        "listed-as": "instrument listed",
        "origin-not-covered": "instrument origin",
        "recipients-only": "instrument countries",
        "other-entity": "instrument",
        "no-employees": "instrument",
        "employees-only": "instrument",
        "group-only": "instrument",
        "outside-eea": "instrument country",
        "not-adequate": "country origin day",
        "adequate-only": "country scope test",
        "not-on-file": "item",
        "wrong-module": "module exporter importer",
        "no-tia": "",
        "tia-overdue": "day",
        "needs-one-of": "instruments",
        "needs-also": "instrument",
        "doubt": "doubt",
        # What the transfer holds, and what overrode the table.
        "part-unread": "",
        "uninspected": "agent day approver reference",
        "aggregate": "",
        "nothing-personal": "",
        "out-of-scope": "",
        "personal": "class",
        "told": "what source",
        "purpose-mismatch": "agent purpose",
        "source-purpose": "agent source purposes",
        "outside-profile": "agent category",
        "outside-source": "source category",
        "client-owned": "source",
        "opted-out": "agent",
        "objected": "purpose",
        "consent": "agent",
        "exemption": "exemption grant",
        "shadow": "action approver day",
        # Answers to people who ask what became of their data.
        **dict.fromkeys(
            (
                "answer/title",
                "answer/request",
                "answer/day",
                "answer/begins",
                "answer/recipients",
                "answer/transfers",
                "answer/namesakes",
                "answer/nothing",
                "answer/rights",
                "answer/rights-said",
                "notice/title",
                "notice/who",
                "notice/claims",
                "notice/no-claims",
                "notice/purposes",
                "notice/third-parties",
                "notice/choices",
                "notice/company",
                "notice/effective",
                "notice/period",
                "notice/nobody",
                "role/controller",
                "role/joint_controller",
                "role/processor",
                "role/sub_processor",
                "role/third_party",
                "head/kind",
                "head/data",
                "received/yes",
                "received/perhaps",
                "received/no",
                "head/at",
                "head/agent",
                "head/country",
                "head/categories",
                "head/beside",
                "head/basis",
                "head/purpose",
                "head/record",
                "head/received",
                "head/safeguards",
                "head/transfers",
                "head/first",
                "head/last",
            ),
            "",
        ),
        "answer/intro": "company day",
        "answer/namesakes-said": "count",
        "notice/claim": "instrument day",
        "notice/choices-said": "company attention address email phone",
        "notice/copy": "company attention address email phone",
        "answer/contact": "company attention address email phone",
        "answer/appeal": "company attention address email phone",
    }.items()
}
"""Every text the core says, with the values it gives."""
CATEGORY = "category/"
"""Stands before the id of a category in the key of its name, which every category that is told of people needs."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence of an explanation, before it is put into words."""

    key: str
    values: tuple[tuple[str, object], ...] = ()


def because(key: str, **values: object) -> Reason:
    """A reason. `key` is one of `NEEDED`."""
    return Reason(key, tuple(values.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextsFile:
    """`rules/policy/texts.yaml`: what is said to people, by language."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    source: str
    verified: bool
    default: str
    """Language of refusals and records."""
    languages: Mapping[str, Mapping[str, str]]

    def __post_init__(self) -> None:
        if self.default not in self.languages:
            raise ValueError(f"the default language {self.default!r} has no texts")

    def problems(self, categories: Iterable[str] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
        """Places and what is wrong there: texts missing, unknown, or with other values than the core gives.

        `categories` are those whose names are said.
        """
        needed = {**NEEDED, **{f"{CATEGORY}{one}": frozenset[str]() for one in categories}}
        for language, texts in self.languages.items():
            for key, wanted in needed.items():
                if key not in texts:
                    yield ("languages", language), f"has no text `{key}`"
                    continue
                given = {name for _, name, _, _ in Formatter().parse(texts[key]) if name is not None}
                if given != wanted:
                    told = ", ".join(f"{{{name}}}" for name in sorted(wanted)) or "no values"
                    yield ("languages", language, key), f"must hold {told} and nothing else in braces"
            for key in texts:
                if key not in needed:
                    yield ("languages", language, key), "is no text this version says; remove it"

    def say(self, reason: Reason, language: str | None = None) -> str:
        """The sentence in a language; in the default one where there is no such language."""
        texts = self.languages.get(language or self.default, self.languages[self.default])
        values = {
            name: self.say(value, language) if isinstance(value, Reason) else value
            for name, value in reason.values
        }
        return texts[reason.key].format(**values)
