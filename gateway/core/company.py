"""The typed form of `rules/policy/company.yaml`: the company's own certifications, family, policy and Principles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal

from gateway.core.law import STRICT, Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertification:
    """The company's own entry under a framework (CERT-1)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    instrument: str
    valid_from: date
    valid_until: date
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyMember:
    """A company of the group that answers for data it received (SCOPE-2)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """A version of the company's policy and the day it took effect (DOC-1, CONTACT-2)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    version: str
    title: str
    effective_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Principle:
    """One of the Principles, and the commitments that carry it out (FRAME-3)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    clauses: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.clauses:
            raise ValueError("a principle that no commitment carries out is adhered to by nobody (FRAME-3)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFile:
    """`rules/policy/company.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    family: tuple[FamilyMember, ...]
    certifications: tuple[OwnCertification, ...] = ()
    policy: tuple[PolicyVersion, ...]
    principles: tuple[Principle, ...]

    def policy_on(self, day: date) -> PolicyVersion | None:
        """The version of the policy that applies on `day`."""
        begun = [one for one in self.policy if one.effective_from <= day]
        return max(begun, key=lambda one: one.effective_from, default=None)

    def claimable_on(self, day: date, instruments: Mapping[str, Instrument]) -> tuple[OwnCertification, ...]:
        """The certifications a notice may claim on `day`: the company's entry and the framework both in force."""
        return tuple(
            one
            for one in self.certifications
            if one.valid_from <= day <= one.valid_until
            and instruments[one.instrument].valid_from <= day
            and day <= (instruments[one.instrument].valid_until or date.max)
        )
